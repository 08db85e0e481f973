"""What is asked of the history: pages, searches, timelines, errors, and the lines that were left out."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from fproc.telemetry.events import Failure
from fproc.telemetry.history import database
from fproc.telemetry.history import history as module
from fproc.telemetry.rolling import Ended
from tests.support.helpers import line_failure
from tests.support.histories import DAY_SECONDS, NOW, Opener, event, jobs, lines


def test_recent_events_come_newest_first_and_page_by_page(opened: Opener) -> None:
    history = opened()
    history.record([event(str(number)) for number in range(5)])
    first = history.recent(limit=2)
    second = history.recent(limit=2, after=first[-1].id)
    third = history.recent(limit=2, after=second[-1].id)
    assert [[row.event.job for row in page] for page in (first, second, third)] == [
        ["4", "3"],
        ["2", "1"],
        ["0"],
    ]
    assert history.recent(limit=2, after=third[-1].id) == history.recent(limit=0) == []


def test_pages_do_not_shift_when_something_is_recorded_between_them(opened: Opener) -> None:
    history = opened()
    history.record([event(str(number)) for number in range(3)])
    first = history.recent(limit=1)
    history.record([event("later")])
    assert jobs(history, after=first[-1].id) == ["1", "0"]


def test_recent_events_can_be_of_certain_kinds(opened: Opener) -> None:
    history = opened()
    history.record([event(kind, kind=kind) for kind in ("processed", "failed", "retry", "fail")])
    assert jobs(history, kinds={"failed", "retry"}) == ["retry", "failed"]
    assert jobs(history, kinds=["fail"]) == ["fail"]
    assert jobs(history, kinds=["unheard of"]) == []


def test_a_query_finds_part_of_a_name_or_of_an_error(opened: Opener) -> None:
    history = opened()
    history.record([event("1", file="orders-7.log"), event("2", error="bad ORDER"), event("3")])
    assert jobs(history, query="order") == ["2", "1"]
    assert jobs(history, query="order", kinds=["processed"], limit=1) == ["2"]


@pytest.mark.parametrize("query", ["100%", "a_b", "a\\b", "%", "_", "\\", "'"])
def test_wildcards_in_a_query_mean_themselves(opened: Opener, query: str) -> None:
    history = opened()
    history.record([event("1", file="100 axb"), event("2", file=f"x {query} y"), event("3", file="")])
    assert jobs(history, query=query) == ["2"]


def test_the_timeline_of_a_name_is_oldest_first_and_of_no_other_name(opened: Opener) -> None:
    history = opened()
    history.record([event("1", kind="retry"), event("2", file="A.log"), event("3", file="a.log2")])
    history.record([event("1", attempt=2), event("4", file="%")])
    assert [row.event.kind for row in history.timeline("a.log")] == ["retry", "processed"]


def test_a_timeline_has_the_newest_events_of_a_name(opened: Opener) -> None:
    history = opened()
    history.record([event(f"j{number}", file="daily.log") for number in range(5)])
    history.record([event("j9", file="other.log")])
    assert [row.event.job for row in history.timeline("daily.log", 2)] == ["j3", "j4"]


def test_the_events_of_a_name_are_read_page_by_page(opened: Opener) -> None:
    history = opened()
    history.record(
        [event(f"j{number}", file="daily.log" if number % 2 else "other.log") for number in range(6)]
    )
    first, second = history.following(0, 2, "daily.log")
    assert [first.event.job, second.event.job] == ["j1", "j3"]
    assert [row.event.job for row in history.following(second.id, 2, "daily.log")] == ["j5"]


def test_a_query_that_takes_too_long_is_ended_and_leaves_the_rest_alone(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
    with monkeypatch.context() as patch:
        patch.setattr(database, "ANSWER_SECONDS", 0.01)
        assert history._database.ask(endless) == []
    assert warnings() == ["a query of the history took more than 0.01 s and was ended"]
    history.record([event()])
    assert [row.event.job for row in history.timeline("a.log")] == [event().job]


def test_errors_are_the_events_that_have_one(opened: Opener) -> None:
    history = opened()
    history.record(
        [event(str(n), time=NOW + n, error=f"bad {n}" if n % 2 else "") for n in range(6)],
    )
    assert [failure.error for failure in history.errors(2)] == ["bad 5", "bad 3"]


def test_lines_that_were_left_out_stand_among_the_errors_behind_their_file(opened: Opener) -> None:
    history = opened()
    failed = event("j1", kind="failed", error="worse", node="book", line_no=9, line="x", line_errors=lines(2))
    history.record([event("j0", time=NOW - 1, file="b.log", line_errors=lines(1)), failed])
    assert history.errors(10) == [
        Failure(NOW, "a.log", "book", 9, "x", "worse", 1),
        Failure(NOW, "a.log", "parse", 2, "line 2", "bad 2", 1),
        Failure(NOW, "a.log", "parse", 1, "line 1", "bad 1", 1),
        Failure(NOW - 1, "b.log", "parse", 1, "line 1", "bad 1", 1),
    ]
    assert [failure.error for failure in history.errors(2)] == ["worse", "bad 2"]
    assert [failure.file for failure in history.errors(10, "b.log")] == ["b.log"]
    assert history.errors(10, "c.log") == []


def test_lines_survive_reopening_and_are_recorded_once(opened: Opener) -> None:
    history = opened()
    history.record([event(line_errors=lines(3))])
    history.record([event(line_errors=lines(3)), event(attempt=2, line_errors=lines(1))])
    history.close()
    assert [(found.line_no, found.attempt) for found in opened().errors(10)] == [
        (3, 1),
        (2, 1),
        (1, 2),
        (1, 1),
    ]


@pytest.mark.parametrize("line", ["", None, "a\0b", "caf\udce9 \udcff", "\ud800", "x" * 100_000])
def test_a_line_of_any_characters_comes_back(opened: Opener, line: str | None) -> None:
    history = opened()
    error = line_failure("skipped", "n\udcff", None, line, "")
    history.record([event(error="e", line=line, line_errors=(error,))])
    expected = "\\ud800" if line == "\ud800" else line
    assert [(found.node, found.line) for found in history.errors(2)] == [
        (None, expected),
        ("n\udcff", expected),
    ]


def test_the_number_of_lines_that_are_kept_is_limited(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LINE_ERRORS", 5)
    history = opened()
    for number in range(4):
        history.record([event(str(number), time=NOW + number, line_errors=lines(3))])
    assert [found.time - NOW for found in history.errors(100)] == [3, 3, 3, 2, 2]


def test_lines_are_pruned_with_their_events(opened: Opener) -> None:
    history = opened(days=1)
    history.record(
        [event("old", time=NOW - 2 * DAY_SECONDS, line_errors=lines(3)), event(line_errors=lines(1))]
    )
    assert history.prune() == 1
    assert [found.time for found in history.errors(10)] == [NOW]


def test_failures_of_many_names_are_found_at_once(opened: Opener) -> None:
    history = opened()
    strange = os.fsdecode(b"caf\xe9")
    names = [strange, *(f"{n}.log" for n in range(1000))]
    history.record([event(name, file=name, kind="failed", error="bad") for name in names])
    history.record([event("again", file="7.log", kind="failed"), event("well", file="8.log")])
    found = [row.event.job for row in history.failures(names)]
    assert sorted(found) == sorted([*names, "again"])
    assert [row.event.job for row in history.failures(["7.log"])] == ["again", "7.log"]
    assert history.failures([]) == []


def test_files_that_ended_in_a_span_of_time_come_newest_first(opened: Opener) -> None:
    history = opened()
    kinds = ["processed", "failed", "retry", "processed", "processed"]
    events = [
        event(f"j{n}", kind=kind, time=NOW + n, seconds=0.5, lines_in=n, bytes_in=9)
        for n, kind in enumerate(kinds)
    ]
    history.record(events)
    expected = [Ended(NOW + 3, 0.5, 3, 9, False), Ended(NOW + 1, 0.5, 1, 9, True)]
    assert history.ended(NOW + 1, NOW + 4, 100) == expected
    assert history.ended(NOW, NOW + 9, 1) == [Ended(NOW + 4, 0.5, 4, 9, False)]


def test_the_last_event_of_a_kind_tells_its_time(opened: Opener) -> None:
    history = opened()
    history.record([event("1", time=NOW - 5), event("2", time=NOW - 3), event("3", kind="failed")])
    assert (history.last("processed"), history.last("failed"), history.last("retry")) == (NOW - 3, NOW, None)
