"""A server that dies, hangs, comes back or is in trouble, and a page that is paused or hidden."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.programs.driving import Visitor, at_rest, expect_counts, of_file
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

HIDE = """() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def port_of(running: Watching) -> str:
    return str(urlsplit(running.url).port)


def test_a_server_that_dies_is_missed_and_seen_again_when_it_is_back(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    drop(running.folder, "before.log", b"fine\n")
    running.wait_for("processed/before.log")
    page = visitor.open(running.url)
    expect_counts(page, processed=1)
    page.evaluate("window.isTheSame = true")
    visitor.expects("ERR_|503")
    running.stop()
    expect(page.locator("#connection")).to_have_text("unreachable")
    expect(page.locator("#status")).to_have_text("unreachable")
    expect(page.locator("#banner-text")).to_contain_text("The server has not answered since")
    expect(page.locator("#banner-text")).to_contain_text("What you see is from then.")
    expect(page).to_have_title(re.compile("^unreachable"))
    expect_counts(page, processed=1)
    again = watch("--port", port_of(running))
    assert again.url == running.url
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#banner")).to_be_hidden()
    drop(again.folder, "after.log", b"fine\n")
    expect_counts(page, processed=2)
    expect(of_file(page, "#files-table", "after.log")).to_be_visible()
    assert page.evaluate("window.isTheSame")


def test_somebody_who_cannot_wait_can_have_it_tried_at_once(visitor: Visitor, watch: Watch) -> None:
    page = on_a_clock(visitor, watch())
    visitor.expects("ERR_FAILED")
    page.route("**/*", lambda route: route.abort())
    expect(page.locator("#banner-text")).to_contain_text(re.compile(r"Next try in [5-9] s"))
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 0.5)  # so it does not come back by itself
    page.unroute("**/*")
    page.locator("#retry-now").click()
    expect(page.locator("#connection")).to_have_text("live")


def test_a_server_that_hangs_makes_the_figures_stale(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    running.signal(signal.SIGSTOP)
    try:
        expect(page.locator("#connection")).to_have_text("stale")
        expect(page.locator("#banner-text")).to_contain_text("No fresh figures since")
    finally:
        running.signal(signal.SIGCONT)
    expect(page.locator("#connection")).to_have_text("live")


def test_trouble_with_the_folders_is_told_with_its_message(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    visitor.expects("503")
    unprocessed = running.spool / "unprocessed"
    aside = unprocessed.rename(running.folder / "aside")
    unprocessed.touch()  # a file where a folder should be
    expect(page.locator("#status")).to_have_text("degraded")
    messages = [one.get("message") for one in running.get("/health")[1]["checks"].values() if not one["ok"]]
    for message in messages:
        expect(page.locator("#checks")).to_contain_text(message or "no message")
    assert messages
    expect(page).to_have_title(re.compile("^degraded"))
    expect(page.locator("#connection")).to_have_text("live")
    unprocessed.unlink()
    aside.rename(unprocessed)  # for it is not made anew
    expect(page.locator("#status")).to_have_text("ok")
    expect(page.locator("#checks")).to_be_hidden()


def test_a_server_that_stops_says_so_while_it_finishes(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    drop(running.folder, "long.log", b"wait\n")
    running.wait_for("underprocess/long.log")
    page = visitor.open(running.url)
    visitor.expects("503|ERR_")
    running.signal(signal.SIGTERM)
    expect(page.locator("#status")).to_have_text("stopping")
    (running.folder / "go").touch()
    expect(page.locator("#status")).to_have_text("unreachable")
    assert running.wait() == 0


def counted(page: Page, seconds: int) -> int:
    """Return how often the page asks for its health in these seconds, on a clock that is wound by hand."""
    asked: list[str] = []

    def note(request: object) -> None:
        asked.append(getattr(request, "url", ""))

    page.on("request", note)
    for _ in range(seconds):
        page.clock.run_for(1000)
        at_rest(page)
    page.remove_listener("request", note)
    return len([url for url in asked if url.endswith("/health")])


def on_a_clock(visitor: Visitor, running: Watching) -> Page:
    """The page, live, and its time in the test's hands."""
    page = visitor.blank()
    page.clock.install()
    page.goto(running.url)
    page.clock.run_for(1000)
    expect(page.locator("#connection")).to_have_text("live")
    at_rest(page)
    return page


def test_a_page_that_is_paused_asks_for_nothing_and_says_since_when(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = on_a_clock(visitor, running)
    assert counted(page, 10) >= 3
    page.locator("#pause").click()
    at_rest(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    drop(running.folder, "unseen.log", b"fine\n")
    running.wait_for("processed/unseen.log")
    page.clock.run_for(60_000)
    assert asked == []
    expect(page.locator("#connection")).to_have_text("paused")
    expect(page.locator("#banner-text")).to_contain_text(re.compile(r"Paused at \d\d:\d\d:\d\d\."))
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    expect_counts(page, processed=0)
    page.locator("#pause").click()
    expect_counts(page, processed=1)
    expect(page.locator("#connection")).to_have_text("live")


def test_a_page_that_nobody_sees_asks_ten_times_less(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = on_a_clock(visitor, running)
    seen = counted(page, 20)
    page.evaluate(HIDE)
    counted(page, 2)
    unseen = counted(page, 40)
    print(f"asked {seen} times in 20 s, and {unseen} times in 40 s while hidden")
    assert seen >= 6
    assert 1 <= unseen <= 3
    expect(page.locator("#connection")).to_have_text("live")
