"""The pictures of the README: a page with enough on it, light and dark. `make screenshots` takes them.

It lets fproc work for a minute, so that the charts have something to show.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.support.programs.driving import DEADLINE_MS
from tests.support.programs.running import ROOT, Watching, configure, drop

IMAGES = Path(ROOT, "docs/images")
SIZE: ViewportSize = {"width": 1400, "height": 1064}
SECONDS = 62
LAST_SECONDS = 4
SHOPS = ("berlin", "lyon", "oslo", "porto", "turin")

MODULE = """
import time
def check(line):
    number = line.split(";")[0]
    if not number.isdigit():
        raise ValueError(f"{number!r} is no order number")
    time.sleep(0.0001)
    return line
"""
NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "drop_matching", "config": {"pattern": "^#"}, "next": "check"},
    {"tag": "check", "type": "orders.check", "next": "country"},
    {"tag": "country", "type": "tag_field", "config": {
        "separator": ";", "field": 3, "default": "other",
        "tags": {"DE": "home", "FR": "abroad", "NO": "abroad"}},
     "next": {"home": "ledger", "abroad": "customs", "other": "drop"}},
    {"tag": "customs", "type": "filter", "config": {"pattern": ";[0-9]{2,}\\.[0-9]{2}$"}, "next": "ledger"},
    {"tag": "ledger", "type": "write", "config": {"file": "{stem}.txt"}},
]  # fmt: skip


def orders(chance: random.Random, count: int) -> bytes:
    """A file of orders, one a line."""
    lines = ["# number;shop;country;sum"]
    for _ in range(count):
        country = chance.choice(["DE", "DE", "DE", "FR", "NO", "CH"])
        total = f"{chance.uniform(4, 400):.2f}"
        lines.append(f"{chance.randrange(10**6)};{chance.choice(SHOPS)};{country};{total}")
    return "\n".join([*lines, ""]).encode()


def work(running: Watching, chance: random.Random) -> None:
    """Have files come for a minute: one that cannot be read, and in the end one that takes a while."""
    began = time.monotonic()
    number = 0
    is_large_there = False
    while (passed := time.monotonic() - began) < SECONDS:
        number += 1
        if passed > SECONDS - LAST_SECONDS and not is_large_there:
            drop(running.folder, "orders-2026.csv", orders(chance, 60_000))
            is_large_there = True
        data = orders(chance, int(chance.triangular(50, 1500, 300)))
        if number == 12:
            data += b"12a7;oslo;NO;12.50\n"
        drop(running.folder, f"orders-{chance.choice(SHOPS)}-{number:04}.csv", data)
        time.sleep(chance.uniform(0.1, 0.5 if 20 < passed < 40 else 1.2))


def take(page: Page, name: str) -> None:
    """Take a picture of what there is to see without scrolling."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=IMAGES / name)
    print(f"{IMAGES / name}: {(IMAGES / name).stat().st_size} bytes")


def main() -> None:
    """Take both pictures."""
    chance = random.Random(5)
    with tempfile.TemporaryDirectory(prefix="fproc-screenshots-") as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "orders.py").write_text(MODULE)
        configure(folder, NODES, dashboard={"name": "orders"})
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pages = {
            scheme: browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
            for scheme in ("light", "dark")
        }
        with Watching(folder, dashboard=True) as running:
            for page in pages.values():
                page.goto(running.url)
            work(running, chance)
            for scheme, page in pages.items():
                expect(page.locator("#current li progress")).to_be_visible(timeout=DEADLINE_MS)
                take(page, f"dashboard-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
