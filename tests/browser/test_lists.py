"""Long lists: searched and sorted by the server, one page at a time, and calm under somebody's hand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from fproc.config.retention import Retention
from fproc.run.outcome import FileEvent
from fproc.telemetry.history.history import History
from tests.support.programs.driving import Visitor, at_rest, expect_counts, of_file, refresh
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

ROWS = "#files-table tbody tr"
ENTRIES = 50_000


def refuse(path: str) -> str:
    raise OSError(13, "not in this test", path)


def remember(running: Watching, count: int) -> None:
    """Have the history know of very many files."""
    history = History(
        str(running.spool / ".fproc/history.db"), retention=Retention(history_days=None), set_aside=refuse
    )
    began = time.time() - count
    history.record(
        [
            FileEvent(f"job{number}", f"old{number}.log", "processed", began + number, 1, number / 7, number)
            for number in range(count)
        ]
    )
    history.close()


def fail(running: Watching, *names: str, data: bytes = b"bad\n") -> None:
    """Have files fail."""
    before = running.get("/stats")[1]["files"]["failed"]
    for name in names:
        drop(running.folder, name, data)
    running.wait_until(lambda: running.get("/stats")[1]["files"]["failed"] == before + len(names))


def names(page: Page) -> list[str]:
    return page.locator(f"{ROWS} th").all_inner_texts()


def test_fifty_thousand_entries_are_sorted_and_paged_by_the_server_with_flat_memory_and_requests(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    remember(running, ENTRIES)
    page = visitor.open(running.url)
    expect(page.locator(ROWS)).to_have_count(50)
    page.locator("#files-table th[data-key=seconds] button").click()
    expect(page.locator(ROWS).first).to_have_attribute("data-file", f"old{ENTRIES - 1}.log")
    page.locator("#files-table th[data-key=file] button").click()
    expect(page.locator(ROWS).first).to_have_attribute("data-file", "old0.log")
    for number in range(1, 8):
        page.locator("#files-on").click()
        expect(page.locator(ROWS).first).to_have_attribute("data-file", f"old{number * 50}.log")
    expect(page.locator("#files-range")).to_have_text("351 to 400")
    expect(page.locator(ROWS)).to_have_count(50)
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/files" in request.url and "failed" not in request.url:
            asked.append(request.url)

    page.on("request", note)
    refresh(page)
    assert len(asked) == 1, "a later page costs as much as the first"
    assert "limit=50" in asked[0]
    page.locator("#windows button", has_text="7 d").click()
    expect(page.locator("#figures")).to_contain_text("Last 7 days: 50,000 files (0 failed)")
    page.locator("#files-back").click()
    expect(page.locator("#files-range")).to_have_text("301 to 350")
    assert page.evaluate("feeds.files.data.recent.length") == 50


def test_a_search_finds_what_waits_what_failed_and_what_is_done(visitor: Visitor, watch: Watch) -> None:
    running = watch(workers=1)
    drop(running.folder, "x done.log", b"fine\n")
    running.wait_for("processed/x done.log")
    fail(running, "x failed.log")
    drop(running.folder, "x works.log", b"wait\n")
    running.wait_for("underprocess/x works.log")
    drop(running.folder, "x waits.log", b"fine\n")
    page = visitor.open(running.url)
    page.locator("#search").fill("x ")
    expect(page.locator("#files-text")).to_have_text("4 files, of all states")
    assert names(page) == ["x works.log", "x waits.log", "x failed.log", "x done.log"]


def test_nothing_moves_under_a_resting_pointer_or_the_focus(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, "a.log", "b.log")
    page = visitor.open(running.url)
    expect(page.locator(ROWS)).to_have_count(2)
    row = of_file(page, "#files-table", "a.log")
    row.scroll_into_view_if_needed()
    row.hover()
    top = row.evaluate("row => row.getBoundingClientRect().top")
    fail(running, *(f"new{number}.log" for number in range(7)))
    expect(page.locator("#files-news")).to_have_text("7 new")
    expect_counts(page, failed=9)
    refresh(page)
    assert row.evaluate("row => row.getBoundingClientRect().top") == pytest.approx(top, abs=1)
    expect(page.locator(ROWS)).to_have_count(2)
    page.locator("#files-news").click()
    expect(page.locator(ROWS)).to_have_count(9)
    expect(page.locator("#files-news")).to_be_hidden()
    page.locator("#failed-list").get_by_role("checkbox").first.focus()
    fail(running, "last.log")
    expect(page.locator("#failed-news")).to_have_text("1 new")
    expect(page.locator(ROWS)).to_have_count(10)
    page.locator("#search").focus()
    expect(of_file(page, "#failed-list", "last.log")).to_be_visible()


def test_a_selection_stays_over_pages_and_searches_until_it_is_retried_or_cleared(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    fail(running, *(f"f{number:02}.log" for number in range(60)))
    page = visitor.open(running.url)
    selected, retry = page.locator("#failed-list input:checked"), page.locator("#retry-selected")
    expect(page.locator("#failed-list li")).to_have_count(50)
    page.locator("#failed-select").check()
    expect(retry).to_have_text("Retry selected (50)")
    page.locator("#failed-on").click()
    expect(page.locator("#failed-list li")).to_have_count(10)
    expect(page.locator("#failed-range")).to_have_text("51 to 60")
    expect(selected).to_have_count(0)
    page.locator("#failed-list input").first.check()
    expect(retry).to_have_text("Retry selected (51, 50 not shown)")
    page.locator("#failed-search").fill("nothing of the kind")
    expect(page.locator("#failed-list li")).to_have_count(0)
    expect(retry).to_have_text("Retry selected (51, 51 not shown)")
    page.locator("#failed-search").fill("")
    expect(selected).to_have_count(50)
    (running.folder / "fixed").touch()
    retry.click()
    expect(page.locator("#failed-outcome")).to_have_text("51 files back in unprocessed/.")
    expect_counts(page, failed=9, processed=51)
    expect(page.locator("#failed-list li")).to_have_count(9)
    page.locator("#failed-list input").first.check()
    page.locator("#selection").click()
    expect(retry).to_be_disabled()
    expect(selected).to_have_count(0)


def test_all_that_match_a_search_are_retried_together(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, *(f"paris{number}.log" for number in range(55)), "oslo.log")
    (running.folder / "fixed").touch()
    page = visitor.open(running.url)
    page.locator("#failed-search").fill("PARIS")
    expect(page.locator("#failed-list li")).to_have_count(50)
    expect(page).to_have_url(re.compile(r"\?failures=PARIS$"))
    page.get_by_role("button", name="Retry all that match").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("all 55 failed files with “PARIS” in name or reason")
    question.get_by_role("button", name="Retry all that match").click()
    expect(page.locator("#failed-outcome")).to_have_text("55 files back in unprocessed/.")
    expect_counts(page, failed=1, processed=55)
    expect(page.locator("#failed .empty")).to_contain_text("PARIS")
    at_rest(page)
