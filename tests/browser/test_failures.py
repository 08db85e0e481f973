"""Failures by kind: seen, retried and dismissed together, and told apart by when they happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.programs.driving import Visitor, expect_counts, of_file, refresh
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

BAD, IMAGE = b"fine\nbad luck\n", b"\x89PNG\r\n\x1a\n"


def fail(running: Watching, data: bytes, *names: str) -> None:
    """Have files fail, one after the other."""
    for name in names:
        drop(running.folder, name, data)
        running.wait_for(f"failed/{name}.error.json")


def kinds(page: Page) -> dict[str, str]:
    """The kinds that are shown: how many files each has, by reason."""
    rows = page.locator("#kinds-list > li")
    return {row.get_attribute("data-kind") or "": row.locator("b").inner_text() for row in rows.all()}


def test_failures_are_grouped_by_node_and_reason_and_a_group_is_retried_alone(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    fail(running, BAD, *(f"bad{number}.log" for number in range(6)))
    fail(running, IMAGE, "image.png")
    page = visitor.open(running.url)
    refresh(page)
    assert [count for _, count in kinds(page).items()] == ["6 files", "1 file"]
    row = page.locator("#kinds-list > li").first
    for text in ("cannot digest bad luck", "node judge", "first ", "last ", "bad5.log", "all 6"):
        expect(row).to_contain_text(text)
    expect(page.locator("#kinds-text")).to_have_text("2 kinds, 7 files")
    row.get_by_role("link", name="all 6").click()
    expect(page.locator("#files-title")).to_be_focused()
    expect(page.locator("#files-table tbody tr")).to_have_count(6)
    (running.folder / "fixed").touch()
    row.get_by_role("button", name="Retry 6 files").click()
    expect(page.locator("#kinds-outcome")).to_have_text("6 files back in unprocessed/.")
    expect_counts(page, failed=1, processed=6)
    refresh(page)
    assert [count for _, count in kinds(page).items()] == ["1 file"]


def test_of_a_kind_only_what_failed_since_the_chosen_time_is_retried(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, BAD, "early.log", "late.log")
    report = running.spool / "failed" / "early.log.error.json"
    told = json.loads(report.read_text())
    put_beside(report, json.dumps({**told, "timestamp": "2001-01-01T00:00:00.000Z"}))
    page = visitor.open(f"{running.url}?since=hour")
    (running.folder / "fixed").touch()
    page.locator("#kinds-list > li").get_by_role("button", name="Retry 1 file: ").click()
    expect(page.locator("#kinds-outcome")).to_have_text("1 file back in unprocessed/.")
    expect_counts(page, failed=1, processed=1)
    assert (running.spool / "failed" / "early.log").exists()


def put_beside(path: Path, text: str) -> None:
    """Replace a file by a rename, so that its folder changes."""
    path.with_name(".new").write_text(text)
    path.with_name(".new").rename(path)


def test_a_dismissed_kind_comes_back_when_it_happens_again(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, BAD, "bad.log")
    fail(running, IMAGE, "image.png")
    page = visitor.open(running.url)
    refresh(page)
    rows = page.locator("#kinds-list > li")
    page.get_by_role("button", name="Dismiss until it happens again: is a PNG").click()
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(1)
    button = page.locator("#kinds-dismissed")
    expect(button).to_have_text("Dismissed (1)")
    button.click()
    expect(rows).to_have_count(2)
    button.click()
    expect(rows).to_have_count(1)
    fail(running, IMAGE, "other.png")
    refresh(page)
    expect(rows).to_have_count(2)
    expect(button).to_be_hidden()


def test_what_is_new_since_somebody_looked_is_marked_until_it_is_seen(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, BAD, "bad.log")
    page = visitor.open(running.url)
    expect(page.locator("#kinds-list > li")).to_have_count(1)
    expect(page.locator("#kinds-list .chip")).to_have_count(0)
    page.evaluate("""() => {
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    fail(running, IMAGE, "image.png")
    page.reload()
    new = page.locator("#kinds-list > li", has=page.get_by_text("new", exact=True))
    expect(new).to_have_count(1)
    expect(new).to_contain_text("is a PNG image")
    expect(page.locator("#kinds-text")).to_contain_text("1 new since you looked")
    page.get_by_label("Since").select_option("you looked last")
    expect(page.locator("#kinds-list > li")).to_have_count(1)
    page.get_by_role("button", name="Mark all as seen").click()
    expect(page.locator("#kinds-list .chip")).to_have_count(0)
    expect(page.locator("#kinds-title")).to_be_focused()


def test_node_and_line_of_a_failed_file_are_those_of_its_report(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, BAD, "broken.log")
    running.wait_until(lambda: running.get("/errors?file=broken.log")[1]["errors"])
    page = visitor.blank()
    page.route("**/errors*", lambda route: route.fulfill(json={"errors": []}))
    page.goto(running.url)
    row = of_file(page, "#failed-list", "broken.log")
    for text in ("node judge", "line 2"):
        expect(row).to_contain_text(text)
