"""When pipeline or version changed: each change once, with what differs, within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.base.values import replace
from fproc.telemetry.history import pipelines as module
from fproc.telemetry.history.history import History
from fproc.telemetry.history.pipelines import LoadedPipeline, PipelineChange
from tests.support.histories import DAY_SECONDS, NOW, Opener, asked_aside

FIRST = LoadedPipeline(NOW, "0123456789ab", "1.0", {"node start": "a", "limits": "b"})


def loaded(**changes: Any) -> LoadedPipeline:
    return replace(FIRST, **changes)


def noted(history: History, *pipelines: LoadedPipeline) -> None:
    for pipeline in pipelines:
        history.pipelines.note(pipeline)


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"parts": {"node start": "x", "limits": "b"}}, ["node start changed"]),
        ({"parts": {"node start": "a", "node new": "c"}}, ["node new is new", "limits is gone"]),
        ({"version": "1.1"}, ["fproc 1.0 -> 1.1"]),
        ({}, []),
    ],
)
def test_a_change_tells_what_differs(changes: dict[str, Any], differences: list[str]) -> None:
    assert PipelineChange(FIRST, loaded(**changes)).differences() == differences


def test_only_what_is_not_the_last_one_is_a_change_and_it_may_come_back(opened: Opener) -> None:
    history = opened()
    other = loaded(time=NOW + 10, pipeline="f" * 12)
    newer = loaded(time=NOW + 20, pipeline="f" * 12, version="1.1")
    noted(history, FIRST, loaded(time=NOW + 5), other, newer, loaded(time=NOW + 30))
    changes = history.pipelines.changes(NOW)
    times = [(change.before.time, change.after.time) for change in changes]
    assert times == [(NOW, NOW + 10), (NOW + 10, NOW + 20), (NOW + 20, NOW + 30)]
    assert [change.after.time for change in history.pipelines.changes(NOW + 20)] == [NOW + 20, NOW + 30]
    assert history.pipelines.changes(NOW + 31) == []


def test_the_last_one_before_what_is_kept_stays_for_it_is_what_ran_then(opened: Opener, path: str) -> None:
    history = opened(days=10)
    for days, pipeline in ((30, "a"), (20, "b"), (5, "c")):
        noted(history, loaded(time=NOW - days * DAY_SECONDS, pipeline=pipeline))
    history.prune()
    assert asked_aside(path, "SELECT group_concat(pipeline, '') FROM pipelines") == "bc"
    (change,) = history.pipelines.changes(NOW - 8 * DAY_SECONDS)
    assert (change.before.pipeline, change.after.pipeline) == ("b", "c")


def test_there_are_never_more_than_so_many(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHANGES", 3)
    history = opened()
    noted(history, *(loaded(time=NOW + number, pipeline=str(number)) for number in range(9)))
    assert asked_aside(path, "SELECT group_concat(pipeline, '') FROM pipelines") == "678"


def test_parts_that_something_else_wrote_are_none(opened: Opener) -> None:
    history = opened()
    noted(history, FIRST)
    history._database.write(("UPDATE pipelines SET parts = ?", [("[1",)]))
    noted(history, loaded(time=NOW + 1, pipeline="b", parts={}))
    (change,) = history.pipelines.changes(NOW + 1)
    assert change.differences() == []
