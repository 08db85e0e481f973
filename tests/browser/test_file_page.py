"""The page of one file: why it is where it is, what happened to it, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.support.programs.driving import Visitor, of_file
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep


def failed_file(running: Watching, name: str = "broken.log") -> None:
    """Have a file fail at its second line, and be on record."""
    drop(running.folder, name, b"fine\nbad <b>luck</b>\n")
    running.wait_for(f"failed/{name}")
    running.wait_until(lambda: running.get(f"/errors?file={name}")[1]["errors"])


def open_file(visitor: Visitor, running: Watching, name: str) -> Page:
    """Open the page of a file, and wait until it is told where that is."""
    page = visitor.open(f"{running.url}/file/{name}", until="")
    expect(page.locator("#places article").first).to_be_visible()
    return page


def test_the_row_of_a_failed_file_leads_to_why_and_from_there_it_is_retried(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    failed_file(running)
    page = visitor.open(running.url)
    of_file(page, "#failed-list", "broken.log").get_by_role("link", name="broken.log", exact=True).click()
    expect(page).to_have_title(re.compile(r"^broken\.log - .+ - fproc$"))
    place = page.locator("#places article")
    for text in ("failed: ", "cannot digest bad <b>luck</b>", "1 attempt", "node judge", "line 2"):
        expect(place).to_contain_text(text)
    place.locator("summary").click()
    expect(place.locator("pre")).to_contain_text('raise ValueError(f"cannot digest {line}")')
    moment = page.locator("#timeline-rows tr")
    for text in ("failed", "node judge", "line 2"):
        expect(moment).to_contain_text(text)
    expect(page.locator("#results .empty")).to_be_visible()
    assert Axe().run(page).generate_report() == "Found 0 accessibility violations:\n"
    (running.folder / "fixed").touch()
    page.get_by_role("button", name="Retry broken.log").click()
    expect(page.locator("#file-outcome")).to_have_text("1 file back in unprocessed/.")
    expect(place).to_have_attribute("data-state", "processed")
    expect(page.locator("#timeline-rows tr").first).to_contain_text("processed")
    with page.expect_download() as saving:
        page.locator("#results-rows").get_by_role("link", name="broken.log").click()
    assert saving.value.path().read_bytes() == b"FINE\nBAD <B>LUCK</B>\n"
    expect(page.locator("#results-rows .mono")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    page.go_back()
    expect(page.locator("#connection")).to_have_text("live")
    page.go_forward()
    expect(place).to_have_attribute("data-state", "processed")


def test_rejected_lines_are_shown_saved_and_explained_also_where_there_is_little_room(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(on_error="reject")
    drop(running.folder, "mixed & more.log", b"fine\nbad <b>luck</b>\n")
    running.wait_for("processed/mixed & more.log")
    page = open_file(visitor, running, "mixed%20%26%20more.log")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    row = page.get_by_role("region", name="Rejected lines").locator("tbody tr")
    for text in ("2", "judge", "bad <b>luck</b>", "cannot digest"):
        expect(row).to_contain_text(text)
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save the rejected lines").click()
    assert saving.value.suggested_filename == "mixed & more.log.rejected.jsonl"
    page.get_by_role("button", name="Explain line 2").click()
    expect(page.locator("#explain-outcome")).to_contain_text("mixed & more.log:2")
    expect(page.locator("#explain-steps .bad")).to_contain_text("cannot digest bad <b>luck</b>")
    page.locator("#explain-line").fill("1")
    page.locator("#explain-line").press("Enter")
    expect(page.locator("#explain-outcome")).to_contain_text("mixed & more.log:1")
    expect(page.locator("#explain-steps ins").first).to_contain_text("FINE")
    page.locator("#trace-rows summary").first.click()
    expect(page.locator("#trace-rows .steps li").first).to_be_visible()
    (running.folder / "fixed").touch()
    page.get_by_role("button", name="Retry mixed & more.log").click()
    expect(page.locator("#file-outcome")).to_have_text("1 file back in unprocessed/.")
    result = running.spool / "results" / "mixed & more.log"
    running.wait_until(lambda: result.read_bytes().count(b"\n") == 2)
    expect(row).to_have_count(0)


def test_a_file_that_waits_or_is_worked_on_says_so_and_one_that_never_was_too(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(workers=1)
    drop(running.folder, "slow.log", b"wait\n")
    running.wait_for("underprocess/slow.log")
    page = open_file(visitor, running, "slow.log")
    expect(page.locator("#places article")).to_contain_text(re.compile(r"held by \S+ pid \d+"))
    (running.folder / "go").touch()
    expect(page.locator("#places article")).to_have_attribute("data-state", "processed")
    visitor.expects("404")
    nothing = visitor.open(f"{running.url}/file/gone.log", until="")
    expect(nothing.locator("#where-empty")).to_have_text("gone.log: nothing is known of such an input")
