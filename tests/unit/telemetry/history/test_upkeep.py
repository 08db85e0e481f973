"""What is too much in the history goes, its free pages are given back, and it knows old results."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from fproc.config.retention import Retention
from fproc.telemetry.history import upkeep as module
from fproc.telemetry.history.history import History
from tests.support.histories import NOW, Opener, asked_aside, event, jobs, lines


def recorded(history: History, count: int) -> None:
    history.record(
        [event(f"j{n}", time=NOW - count + n, error="x" * 200, line_errors=lines(1)) for n in range(count)]
    )


def test_of_more_events_than_are_kept_the_oldest_go_and_the_totals_stay(opened: Opener) -> None:
    history = opened(retention=Retention(history_events=3))
    recorded(history, 10)
    assert history.prune() == 7
    assert jobs(history) == ["j9", "j8", "j7"]
    assert history.totals()["files_processed"] == 10
    assert history.prune() == 0


def test_of_more_megabytes_than_are_kept_the_oldest_go_with_their_lines(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 100)
    history = opened(retention=Retention(history_days=None, history_mb=0.5))
    recorded(history, 3000)
    assert 500 < history.prune() < 2900
    left = jobs(history, limit=3000)
    assert left[0] == "j2999"
    assert history.upkeep._used_bytes() <= 500_000
    assert len(history.errors(10_000)) < 2 * len(left) + 200
    assert history.prune() == 0


def test_what_was_pruned_is_given_back_to_the_filesystem_in_steps(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGES_AT_ONCE", 8)
    history = opened(retention=Retention(history_events=10))
    recorded(history, 3000)
    pages = asked_aside(path, "PRAGMA page_count")
    history.prune()
    assert asked_aside(path, "PRAGMA page_count") < pages / 2
    history.close()
    assert os.path.getsize(path) < pages / 2 * 4096


def test_a_small_database_of_an_earlier_fproc_is_made_one_that_gives_back(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGES_AT_ONCE", 8)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE earlier (x)")
        connection.execute("DROP TABLE earlier")
        connection.commit()
    history = opened(retention=Retention(history_events=10))
    assert asked_aside(path, "PRAGMA auto_vacuum") == 0
    recorded(history, 3000)
    pages = asked_aside(path, "PRAGMA page_count")
    history.prune()
    assert asked_aside(path, "PRAGMA auto_vacuum") == 2
    assert asked_aside(path, "PRAGMA page_count") < pages / 2


def names(history: History) -> list[str]:
    found, last = [], None
    while page := history.upkeep.results(last):
        found += [result.name for result in page]
        last = page[-1]
    return found


def test_the_names_of_results_outlive_their_events_and_only_those_of_whole_results(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 2)
    history = opened(retention=Retention(history_days=1, results_days=90))
    appended = "all.log (appended, bytes 0-9)"
    for number, results in enumerate([("a",), ("b", appended), (), ("c/d", "\udcff"), ("a",)]):
        history.record([event(f"j{number}", time=1.0 + number, results=results)])
    history.record([event("j9", kind="failed", time=9.0, results=("partial",))])
    assert history.prune() == 6
    assert names(history) == ["b", "c/d", "\udcff", "a"]  # by the time when each was last published
    (*_, last) = history.upkeep.results(None)
    history.upkeep.forget([last])
    assert last.name not in names(history)


def test_without_bounds_for_results_their_names_are_not_kept(opened: Opener) -> None:
    history = opened(retention=Retention(history_days=1))
    history.record([event("j1", time=1.0, results=("a",))])
    assert history.prune() == 1
    assert names(history) == []


def test_an_operator_may_have_it_rewritten(opened: Opener, path: str) -> None:
    history = opened(retention=Retention(history_events=1))
    recorded(history, 2000)
    history.prune()
    history.upkeep.compact()
    assert asked_aside(path, "PRAGMA freelist_count") == 0
    assert jobs(history) == ["j1999"]
