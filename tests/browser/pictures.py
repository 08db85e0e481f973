"""Pictures of a page with much on it, to be looked at: wide, narrow and on a phone, light and dark.

`python -m tests.browser.pictures [FILES]` leaves them in build/screenshots/load/. It has a pipeline of
fourteen nodes process that many files (50,000 unless told otherwise), of which some fail in one of two ways.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.support.programs.disturbing import wait_while_it_gets_on
from tests.support.programs.driving import DEADLINE_MS
from tests.support.programs.running import ROOT, Watching, configure, drop

FOLDER = Path(ROOT, "build/screenshots/load")
SIZES: tuple[ViewportSize, ...] = (
    {"width": 1440, "height": 900},
    {"width": 1024, "height": 768},
    {"width": 390, "height": 844},
)
FILES = 50_000
ONE_FAILS_IN = 500

MODULE = """
def amount(line):
    return f"{float(line.split(';')[2]):010.2f};{line}"
"""
STEPS: tuple[dict[str, Any], ...] = (
    {"type": "trim"},
    {"type": "drop_matching", "config": {"pattern": "^#"}},
    {"type": "shops.amount"},
    {"type": "replace", "config": {"pattern": "oslo", "with": "OSLO"}},
)


def nodes() -> list[dict[str, Any]]:
    """Fourteen nodes: some in a row, a fork by country, a branch for each, and one that joins them."""
    found: list[dict[str, Any]] = []
    for number, step in enumerate(STEPS):
        found.append({"tag": f"step-{number}" if number else "start", "next": f"step-{number + 1}", **step})
    countries = ("de", "fr", "no", "pt")
    found.append({
        "tag": f"step-{len(STEPS)}", "type": "tag_field",
        "config": {"separator": ";", "field": 5, "default": "de", "tags": {name: name for name in countries}},
        "next": dict(zip(countries, countries, strict=True)),
    })  # fmt: skip
    for name in countries:
        written = f"{name}-written"
        found.append(
            {"tag": name, "type": "uppercase", "next": [written, "counted"] if name == "de" else written}
        )
        found.append({"tag": written, "type": "write", "config": {"file": f"{name}.txt"}})
    found.append({"tag": "counted", "type": "count", "next": "end"})
    return found


def orders(chance: random.Random) -> bytes:
    """A small file of orders; a few have an amount that is no number, or bytes that are no text."""
    lines = [
        f"{chance.randrange(10**6)};{chance.choice(('berlin', 'oslo'))};{chance.uniform(4, 400):.2f};"
        f"{chance.choice(('de', 'fr', 'no', 'pt'))}"
        for _ in range(10)
    ]
    if chance.randrange(ONE_FAILS_IN) == 0:
        lines.append("7;oslo;a lot;no")
    data = "\n".join([*lines, ""]).encode()
    return data if chance.randrange(ONE_FAILS_IN) else b"\x89PNG\r\n\x1a\n" + data


def take(browser: Browser, running: Watching, failed: str) -> None:
    """Take a picture of the whole page, and of a file's, in each size and scheme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        for scheme in ("light", "dark"):
            page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
            for name, path in (("page", "/"), ("file", f"/file/{failed}")):
                page.goto(running.url + path)
                seen = page.locator("#kinds-list > li, #places article").first
                expect(seen).to_be_visible(timeout=DEADLINE_MS)
                picture = FOLDER / f"{name}-{size['width']}-{scheme}.png"
                page.screenshot(path=picture, full_page=True)
                print(picture)


def ended(running: Watching) -> int:
    """How many files are done with."""
    totals = running.get("/stats")[1]["totals"]
    return int(totals["files_processed"] + totals["files_failed"])


def main(files: int) -> None:
    """Have the files processed, and take the pictures while more of them come."""
    chance = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="fproc-pictures-") as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "shops.py").write_text(MODULE)
        configure(folder, nodes(), dashboard={"name": "orders"})
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with Watching(folder, dashboard=True) as running:
            for number in range(files):
                drop(folder, f"orders-{number:05}.csv", orders(chance))
            wait_while_it_gets_on(
                lambda: ended(running) == files, lambda: ended(running), lambda: running.log[-1000:]
            )
            failed = min(path.name for path in (running.spool / "failed").glob("*.csv"))
            take(browser, running, failed)
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILES)
