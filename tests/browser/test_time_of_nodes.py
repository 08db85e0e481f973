"""Where time goes, on the page: by where workers were seen, also while they work; else by what was timed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.programs.driving import Visitor, of_node
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

SEEN = {"start": (90.0, 6.0), "judge": (10.0, 54.0), "sort": (0.0, 0.0)}
"""Seconds at each node since the start, and in the last minute."""


def changed(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Have the page get other figures than there are."""

    def answer(route: Route) -> None:
        stats = route.fetch().json()
        change(stats)
        route.fulfill(json=stats)

    page.route("**/stats*", answer)


def figures(sampled: float = 0.0, lately: float = 0.0, seconds: float = 0.0) -> dict[str, float]:
    times = {"sampled_seconds": sampled, "sampled_in_window_seconds": lately, "seconds": seconds}
    return {"count": 100, "emitted": 100, "errors": 0, **times}


def seen(stats: dict[str, Any]) -> None:
    stats["nodes"] = {tag: figures(*times) for tag, times in SEEN.items()}
    stats["outside_nodes"] = {"committing": 3.5, "reading": 7.0}


def timed(stats: dict[str, Any]) -> None:
    stats["nodes"] = {"start": figures(seconds=3.0), "judge": figures(seconds=1.0)}
    stats["outside_nodes"] = {}


def open_with(visitor: Visitor, running: Watching, change: Callable[[dict[str, Any]], None]) -> Page:
    page = visitor.blank()
    changed(page, change)
    page.goto(running.url)
    expect(page.locator("#connection")).to_have_text("live")
    return page


def cells(page: Page, tag: str) -> list[str]:
    """The time of a node, its share and the one lately, as they are read out."""
    return [text.strip() for text in of_node(page, tag).locator("td").all_inner_texts()[-3:]]


def test_shares_are_those_of_samples_and_a_share_that_rose_is_marked(visitor: Visitor, watch: Watch) -> None:
    page = open_with(visitor, watch(), seen)
    expect(of_node(page, "judge")).to_contain_text("more than before")
    assert cells(page, "start") == ["90 s", "90%", "10%"]
    assert [text.split("\n")[0] for text in cells(page, "judge")] == ["10 s", "10%", "90% ▲"]
    expect(of_node(page, "start")).not_to_contain_text("more than before")
    expect(page.locator("#nodes-time")).to_have_text(
        "Time: how long workers were seen at a node, asked about once a second; lately: in the last minute. "
        "Elsewhere: 7 s reading it, 3.5 s at its commit."
    )
    expect(page.get_by_role("button", name="Node judge, 10% of the time")).to_have_count(1)
    of_node(page, "judge").get_by_role("button").click()
    expect(page.locator("#node-facts")).to_contain_text(
        "10 s; 10% of that of all nodes, 90% in the last minute"
    )


def test_as_long_as_there_are_none_they_are_reckoned_and_the_page_says_so(
    visitor: Visitor, watch: Watch
) -> None:
    page = open_with(visitor, watch(), timed)
    expect(page.locator("#nodes-time")).to_have_text(
        "Time: reckoned from one line in 512, as no worker was seen at a node yet."
    )
    assert cells(page, "start") == ["3 s", "75%", "-"]
    assert cells(page, "judge") == ["1 s", "25%", "-"]
    of_node(page, "start").get_by_role("button").click()
    expect(page.locator("#node-facts")).to_contain_text("30 ms, from one line in 512")


def test_a_node_that_holds_its_first_file_is_seen_meanwhile(
    visitor: Visitor, watch: Watch, tmp_path: Path
) -> None:
    running = watch()
    drop(running.folder, "held.log", b"wait\n")
    page = visitor.open(running.url)
    expect(of_node(page, "start")).to_contain_text("100%")
    assert not Path(tmp_path, "watch_dir/processed/held.log").exists()
