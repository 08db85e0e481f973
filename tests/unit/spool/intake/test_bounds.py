"""Which of the things that are kept are too old or too many, in rounds that fit into memory."""

from __future__ import annotations

import random

import pytest

from fproc.spool.checks.trusted import DAY_SECONDS
from fproc.spool.intake import bounds as module
from fproc.spool.intake.bounds import Bounds, Kept, removals

NONE = Bounds(None, None, None)


def kept(number: int) -> Kept:
    return Kept(number * DAY_SECONDS, (f"/w/{number}",), 1_000_000)


def removed(bounds: Bounds, count: int = 10) -> list[tuple[str, str]]:
    """What goes, on day 10, of so many files that are a day apart and take a megabyte each."""
    files = random.Random(1).sample([kept(number) for number in range(count)], count)
    return [(entry.kept.paths[0], entry.why) for entry in removals(lambda: files, bounds, 10 * DAY_SECONDS)]


def test_without_a_bound_nothing_is_even_looked_at() -> None:
    def look() -> list[Kept]:
        raise AssertionError

    assert list(removals(look, NONE, 0.0)) == []


@pytest.mark.parametrize(
    ("bounds", "why", "count"),
    [
        (Bounds(7, None, None), "kept for 7 days", 3),
        (Bounds(None, 8, None), "there are more than 8 files", 2),
        (Bounds(None, 1, None), "there is more than 1 file", 9),
        (Bounds(None, None, 5.5), "there are more than 5.5 MB", 5),
    ],
)
@pytest.mark.parametrize("at_once", [10_000, 4, 1])
def test_the_oldest_go_each_with_the_reason(
    bounds: Bounds, why: str, count: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    assert removed(bounds) == [(f"/w/{number}", why) for number in range(count)]


def test_the_strictest_of_several_bounds_counts() -> None:
    assert [why for _, why in removed(Bounds(7, 5, 4.0))] == [
        *["kept for 7 days"] * 3,
        *["there are more than 5 files"] * 2,
        "there are more than 4 MB",
    ]
