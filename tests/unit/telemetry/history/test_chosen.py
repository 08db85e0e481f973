"""Events of a time, of a pipeline, with errors of a node: found without reading all others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from fproc.telemetry.history.chosen import ALL_EVENTS, ChosenEvents
from fproc.telemetry.history.history import History
from tests.support.histories import NOW, Opener, event, jobs, lines

OLD, NEW = "0123456789ab", "ba9876543210"


@pytest.fixture
def history(opened: Opener) -> History:
    history = opened()
    history.record(
        [
            event("j1", time=NOW, pipeline=OLD),
            event("j2", time=NOW + 10, pipeline=OLD, kind="failed", error="bad", node="parse"),
            event("j3", time=NOW + 20, pipeline=NEW, line_errors=lines(2)),
            event("j4", time=NOW + 30, kind="uploaded"),
            event("j5", time=NOW + 40, pipeline=NEW, kind="failed", error="bad", node="other"),
        ]
    )
    return history


CHOSEN = [
    (ALL_EVENTS, ["j5", "j4", "j3", "j2", "j1"]),
    (ChosenEvents(since=NOW + 20), ["j5", "j4", "j3"]),
    (ChosenEvents(until=NOW + 20), ["j2", "j1"]),
    (ChosenEvents(since=NOW + 10, until=NOW + 30), ["j3", "j2"]),
    (ChosenEvents(pipeline=OLD), ["j2", "j1"]),
    (ChosenEvents(pipeline="0123"), []),
    (ChosenEvents(since=NOW + 30, pipeline=NEW), ["j5"]),
    (ChosenEvents(node="parse"), ["j3", "j2"]),
    (ChosenEvents(since=NOW + 100), []),
]


@pytest.mark.parametrize(("chosen", "expected"), CHOSEN)
def test_only_chosen_events_are_found_in_either_order_and_within_their_bounds(
    history: History, chosen: ChosenEvents, expected: list[str]
) -> None:
    assert jobs(history, chosen=chosen) == expected
    kinds = ("processed", "failed", "uploaded")
    options: dict[str, Any] = {"limit": 9, "kinds": kinds, "most": 100, "chosen": chosen}
    rows, _ = history.in_order("timestamp", is_down=True, **options)
    assert [row.event.job for row in rows] == expected
    assert [row.event.job for row in history.following(0, 9, chosen=chosen)] == expected[::-1]
    first, last = history.bounds(chosen)
    assert all(first <= row.id <= last for row in rows)
    assert bool(rows) or last < first or chosen.node


def test_what_ran_under_a_pipeline_and_when_is_found_by_an_index(history: History, path: str) -> None:
    by_pipeline, by_time = ChosenEvents(pipeline=OLD), ChosenEvents(since=NOW, until=NOW + 1)
    with closing(sqlite3.connect(path)) as connection:
        for chosen, index in ((by_pipeline, "events_of_pipeline"), (by_time, "events_by_time")):
            sql = f"EXPLAIN QUERY PLAN {chosen.bounds_sql()}"
            steps = [row[-1] for row in connection.execute(sql, chosen.values())]
            assert any(f"SEARCH events USING COVERING INDEX {index}" in step for step in steps)
