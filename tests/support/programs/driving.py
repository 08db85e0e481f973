"""The dashboard in a real browser: what opens it, looks for trouble meanwhile, and finds its parts."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, expect

from tests.support.programs.running import (
    DEADLINE_SECONDS,
    QUICK,
    ROOT,
    Watching,
    configure,
    wait_until,
)

SCREENSHOTS = Path(ROOT, "build/screenshots")
DEADLINE_MS = DEADLINE_SECONDS * 1000
SIZE = {"width": 1400, "height": 1000}

STEPS = """
import os, time
def wait(line):
    while line.startswith("wait") and not os.path.exists("go"):
        time.sleep(0.01)
    if line.startswith("slow") and not os.path.exists("go"):
        time.sleep(0.05)
    return line
def judge(line):
    if line.startswith("bad") and not os.path.exists("fixed"):
        raise ValueError(f"cannot digest {line}")
    return line.upper()
"""
NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "own.wait", "next": "judge"},
    {"tag": "judge", "type": "own.judge", "next": ["end", "sort"]},
    {"tag": "sort", "type": "tag", "config": {"rules": {"loud": "!"}, "default": "calm"},
     "next": {"loud": "end", "*": "drop"}},
]  # fmt: skip
"""Lines that begin with `wait` are held until there is `go`, and `slow` ones take a moment each;
`bad` ones fail until there is `fixed`."""


class Visitor:
    """Somebody with a browser, who sees everything that goes wrong in it.

    What the console says at the level of a warning or above, an error in a script, a breach of the content
    security policy, a dialog: each of them fails the test, unless it was expected.
    """

    def __init__(self, browser: Browser, test: str) -> None:
        self._browser = browser
        self._test = re.sub(r"[^\w.-]+", "-", test)
        self._pages: list[Page] = []
        self._problems: list[str] = []
        self._expected: list[str] = []

    def open(self, url: str, *, until: str = "live", **options: Any) -> Page:
        """Open a page in a browser of its own; wait for a state of its connection, if it is the dashboard."""
        page = self.blank(**options)
        page.goto(url)
        if until:
            expect(page.locator("#connection")).to_have_text(until)
        return page

    def blank(self, **options: Any) -> Page:
        """An empty page in a browser of its own."""
        context = self._browser.new_context(**{"viewport": SIZE, "locale": "en-GB", **options})
        context.set_default_timeout(DEADLINE_MS)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._problems.append(f"error: {error}"))
        page.on("dialog", self._asked)
        page.on("crash", lambda _page: self._problems.append("the page has crashed"))
        self._pages.append(page)
        return page

    def expects(self, pattern: str) -> None:
        """Something that goes wrong is meant to, in this test."""
        self._expected.append(pattern)

    @property
    def problems(self) -> list[str]:
        """What has gone wrong and was not meant to."""
        return [one for one in self._problems if not any(re.search(what, one) for what in self._expected)]

    def leave(self) -> None:
        """Keep a picture of each page, and close them."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(self._pages):
            page.screenshot(path=SCREENSHOTS / f"{self._test}-{number}.png", full_page=True)
            page.context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self._problems.append(f"{message.type}: {message.text} ({where})")

    def _asked(self, dialog: Dialog) -> None:
        self._problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def pipeline(folder: Path, **config: Any) -> dict[str, Any]:
    """Write the module of `NODES`; gives the configuration that goes with it."""
    (folder / "own.py").write_text(STEPS)
    return {"nodes": NODES, **config}


def change_pipeline(running: Watching, folder: Path, **config: Any) -> None:
    """Have another pipeline loaded."""
    quick = {"intake": QUICK, "durability": "process", "retry": {"backoff_seconds": 0.05}}
    configure(folder, **{**quick, **pipeline(folder), **config})
    before = running.log.count("INFO reloaded")
    running.signal(signal.SIGHUP)
    running.wait_until(lambda: running.log.count("INFO reloaded") > before)


def tile(page: Page, state: str) -> Locator:
    """The tile of a state."""
    return page.locator(f"#tiles [data-state={state}]")


def expect_counts(page: Page, **counts: int) -> None:
    """See that the tiles come to show these figures."""
    for state, count in counts.items():
        expect(tile(page, state).locator("strong")).to_have_text(str(count))


def of_file(page: Page, box: str, name: str) -> Locator:
    """The row of a file in a table or list, by the name as it is shown."""
    return page.locator(f"{box} [data-file={json.dumps(name, ensure_ascii=False)}]")


def of_node(page: Page, tag: str) -> Locator:
    """The row of a node in the table."""
    return page.locator(f"#nodes tr[data-node={json.dumps(tag)}]")


def choose_files(page: Page, *files: Any) -> None:
    """Press the button for uploads, and pick these."""
    with page.expect_file_chooser() as chooser:
        page.locator("#upload-button").click()
    chooser.value.set_files(list(files))


def payload(name: str, data: bytes) -> dict[str, Any]:
    """A file to be picked, which need not lie anywhere."""
    return {"name": name, "mimeType": "text/plain", "buffer": data}


def refresh(page: Page) -> None:
    """Have the page ask for everything now, and wait for all answers."""
    page.evaluate("Object.values(feeds).forEach(feed => feed.refresh())")
    at_rest(page)


def at_rest(page: Page) -> None:
    """Wait until the page waits for no answer."""
    wait_until(lambda: page.evaluate("Object.values(feeds).every(feed => !feed.flight)"))
