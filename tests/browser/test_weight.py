"""What a page costs that is open and that nobody touches: few requests, few bytes, little of a processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests.support.programs.driving import Visitor, at_rest
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

SECONDS = 60


class Traffic:
    """The requests of a page, and the bytes of their answers."""

    def __init__(self, page: Page) -> None:
        self.requests = 0
        self.bytes = 0
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        self.requests += 1
        if response.status == 200:
            self.bytes += int(response.headers.get("content-length", "0"))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_page_open_and_idle_asks_at_most_sixty_times_a_minute_for_300_kilobytes(
    visitor: Visitor, watch: Watch, *, is_busy: bool
) -> None:
    running = watch()
    for number in range(60):
        drop(running.folder, f"f{number:02}.log", b"bad\n" if number % 2 else b"fine\n" * 20)
    running.wait_until(lambda: running.get("/stats")[1]["lately"]["files"] == 60)
    page = visitor.blank()
    page.clock.install()
    page.goto(running.url)
    page.clock.run_for(65_000)
    expect(page.locator("#connection")).to_have_text("live")
    traffic, before = Traffic(page), cpu_seconds(running.process.pid)
    for second in range(SECONDS):
        if is_busy:
            drop(running.folder, f"g{second:02}.log", b"fine\n")
            running.wait_for(f"processed/g{second:02}.log")
        page.clock.run_for(1000)
        at_rest(page)
    used = cpu_seconds(running.process.pid) - before
    print(f"{traffic.requests} requests, {traffic.bytes} bytes, {used:.2f} s of a processor in {SECONDS} s")
    assert traffic.requests <= 60
    assert traffic.bytes <= 300_000
    assert is_busy or used <= 0.02 * SECONDS
