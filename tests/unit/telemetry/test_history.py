"""The history: what is recorded is found again, and no trouble with the database gets out."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fproc.base.ids import new_id
from fproc.base.values import replace
from fproc.pipeline.failures import LineFailure
from fproc.telemetry import history as module
from fproc.telemetry.events import End, Event, Failure
from fproc.telemetry.history import SET_ASIDE_LIMIT, History
from fproc.telemetry.history_schema import SCHEMA_VERSION
from tests.support.helpers import line_failure
from tests.support.project import PROJECT

DAY_SECONDS = 86400.0
NOW = 1_795_341_600.0
GARBAGE = b"this was never a database\n" * 1000

Opener = Callable[..., History]

WRITER = """
import itertools, sys
from fproc.telemetry.events import Event, Failure
from fproc.telemetry.history import History

def refuse(path):
    raise OSError("not in this test")

name, path, count = sys.argv[1:]
history = History(path, history_days=None, set_aside=refuse)
for number in range(int(count)) if int(count) else itertools.count():
    pair = [Event(f"{name}-{number}-{half}", "a.log", "processed", 1.0, lines_in=1) for half in "ab"]
    history.record(pair)
    print(number, flush=True)
history.close()
"""
"""A program that records events in pairs, and says so after each pair; with a count of 0 it does not end."""


def event(job: str = "j1", **fields: Any) -> Event:
    return replace(Event(job, "a.log", "processed", NOW), **fields)


def move_aside(path: str) -> str:
    number = 1
    while os.path.exists(f"{path}.corrupt-{number}"):
        number += 1
    for suffix in ("-wal", "-shm", ""):
        if os.path.exists(path + suffix):
            os.rename(path + suffix, f"{path}.corrupt-{number}{suffix}")
    return f"{path}.corrupt-{number}"


def refuse(path: str) -> str:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def jobs(history: History, **asked: Any) -> list[str]:
    return [row.event.job for row in history.recent(limit=asked.pop("limit", 100), **asked)]


def asked_aside(path: str, sql: str) -> Any:
    """What someone else who opens the database gets for a query: the first column of the first row."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchone()[0]


def fill(opened: Opener, count: int = 2000) -> None:
    """Make a database of many pages, and close it."""
    history = opened()
    history.record([event(str(number), error="no such account") for number in range(count)])
    history.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "history.db")


@pytest.fixture
def opened(path: str) -> Iterator[Opener]:
    """Opens the database at `path`; what the test leaves open is closed after it."""
    histories = []

    def opener(*, days: float | None = None, set_aside: Callable[[str], str] = move_aside) -> History:
        histories.append(History(path, history_days=days, set_aside=set_aside, clock=lambda: NOW))
        return histories[-1]

    yield opener
    for history in histories:
        history.close()


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Gives the warnings so far."""
    caplog.set_level(logging.DEBUG, logger="fproc.history")
    return lambda: [record.getMessage() for record in caplog.records]


def test_an_event_comes_back_as_it_was_recorded(opened: Opener) -> None:
    whole = Event(
        job="0a1b",
        file="a.log",
        kind="failed",
        time=NOW + 0.25,
        attempt=3,
        seconds=1.5,
        lines_in=10,
        lines_out=8,
        bytes_in=2**40,
        rejected=2,
        results=("a.out", "b, c.out"),
        error="ValueError: bad date",
        node="parse",
        line_no=7,
        line="the line",
    )
    history = opened()
    history.record([whole, event()])
    assert [row.event for row in history.timeline("a.log")] == [whole, event()]


def test_what_is_recorded_survives_reopening(opened: Opener) -> None:
    history = opened()
    history.record([event()])
    totals = history.totals()
    history.close()
    again = opened()
    assert jobs(again) == ["j1"]
    assert again.totals() == totals


def test_at_first_there_is_nothing(opened: Opener, warnings: Callable[[], list[str]]) -> None:
    history = opened()
    history.record([])
    assert set(history.totals().values()) == {0}
    assert history.recent(limit=10) == history.timeline("a.log") == history.failures(["a.log"]) == []
    assert history.errors(10) == []
    assert history.last("processed") is None
    assert warnings() == []


def test_each_kind_adds_to_its_own_totals(opened: Opener) -> None:
    history = opened()
    kinds = ("processed", "processed", "failed", "retry", "recovered", "interrupted")
    history.record(
        [
            event(str(n), kind=kind, lines_in=10, lines_out=8, bytes_in=100, rejected=1)
            for n, kind in enumerate(kinds)
        ]
    )
    assert history.totals() == {
        "files_processed": 2,
        "files_failed": 1,
        "lines_in": 30,
        "lines_out": 24,
        "bytes_in": 300,
        "retries": 1,
        "recovered": 1,
        "lines_rejected": 3,
        "lines_skipped": 0,
    }


def test_an_event_that_is_recorded_twice_counts_once(opened: Opener) -> None:
    history = opened()
    history.record([event(lines_in=10)])
    history.record([event(lines_in=10), event("j2", lines_in=5), event("j2", lines_in=5)])
    assert jobs(history) == ["j2", "j1"]
    assert (history.totals()["files_processed"], history.totals()["lines_in"]) == (2, 15)


def test_another_kind_or_attempt_of_a_job_is_another_event(opened: Opener) -> None:
    history = opened()
    history.record([event(kind="retry"), event(kind="retry", attempt=2), event(attempt=2)])
    assert (history.totals()["retries"], history.totals()["files_processed"]) == (2, 1)


def test_names_that_are_not_utf_8_come_back(opened: Opener) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.log")
    strange = event(file=name, results=(name, "ä.out"), error=f"{name}: bad", node=name)
    history = opened()
    history.record([strange, event("j2", file="caf.log")])
    assert [row.event for row in history.timeline(name)] == [strange]
    assert jobs(history, query="\udcff") == ["j1"]


def test_text_that_cannot_be_written_at_all_stops_nothing(
    opened: Opener, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event(error="\ud800"), event("j2", kind="\ud800")])
    assert jobs(history, kinds=["\ud800"]) == ["j2"]
    assert history.errors(1)[0].error == "\\ud800"
    assert warnings() == []


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


def test_errors_are_the_events_that_have_one(opened: Opener) -> None:
    history = opened()
    history.record(
        [event(str(n), time=NOW + n, error=f"bad {n}" if n % 2 else "") for n in range(6)],
    )
    assert [failure.error for failure in history.errors(2)] == ["bad 5", "bad 3"]


def lines(count: int, fate: str = "rejected") -> tuple[LineFailure, ...]:
    return tuple(line_failure(fate, "parse", n, f"line {n}", f"bad {n}") for n in range(1, count + 1))


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


def test_only_so_many_lines_are_kept_whatever_comes(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
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
    expected = [End(NOW + 3, 0.5, 3, 9, False), End(NOW + 1, 0.5, 1, 9, True)]
    assert history.ended(NOW + 1, NOW + 4, 100) == expected
    assert history.ended(NOW, NOW + 9, 1) == [End(NOW + 4, 0.5, 4, 9, False)]


def test_the_last_event_of_a_kind_tells_its_time(opened: Opener) -> None:
    history = opened()
    history.record([event("1", time=NOW - 5), event("2", time=NOW - 3), event("3", kind="failed")])
    assert (history.last("processed"), history.last("failed"), history.last("retry")) == (NOW - 3, NOW, None)


VERSION_1 = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
    attempt INTEGER NOT NULL, seconds REAL NOT NULL, lines_in INTEGER NOT NULL,
    lines_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL, rejected INTEGER NOT NULL,
    results TEXT NOT NULL, error TEXT NOT NULL, node TEXT, line_no INTEGER,
    UNIQUE (job, kind, attempt));
CREATE INDEX events_of_file ON events (file);
CREATE INDEX events_by_time ON events (time);
CREATE INDEX events_with_error ON events (id) WHERE error != '';
CREATE TABLE totals (
    files_processed INTEGER, files_failed INTEGER, lines_in INTEGER, lines_out INTEGER,
    bytes_in INTEGER, retries INTEGER, recovered INTEGER);
INSERT INTO totals VALUES (0, 0, 0, 0, 0, 0, 0);
CREATE TRIGGER count_event AFTER INSERT ON events BEGIN
    UPDATE totals SET
        files_processed = files_processed + (NEW.kind = 'processed'),
        files_failed = files_failed + (NEW.kind = 'failed'),
        lines_in = lines_in + (NEW.kind IN ('processed', 'failed')) * NEW.lines_in,
        lines_out = lines_out + (NEW.kind IN ('processed', 'failed')) * NEW.lines_out,
        bytes_in = bytes_in + (NEW.kind IN ('processed', 'failed')) * NEW.bytes_in,
        retries = retries + (NEW.kind = 'retry'),
        recovered = recovered + (NEW.kind = 'recovered'); END;
INSERT INTO events VALUES
    (NULL, 'j1', 'a.log', 'failed', 1795341600.0, 2, 1.5, 10, 8, 100, 1, '[]', 'bad', 'parse', 7),
    (NULL, 'j2', 'b.log', 'processed', 1795341600.0, 1, 1.5, 10, 8, 100, 1, '["b.out"]', '', NULL, NULL);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
"""
"""A database as the first version of the schema had it, with two events."""


def version_1(path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_1)


def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_it_holds(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    version_1(path)
    inode = os.stat(path).st_ino
    history = opened(days=1)
    assert jobs(history) == ["j2", "j1"]
    assert history.errors(10) == [Failure(NOW, "a.log", "parse", 7, None, "bad", 2)]
    assert history.timeline("b.log")[0].event == event(
        "j2",
        file="b.log",
        seconds=1.5,
        lines_in=10,
        lines_out=8,
        bytes_in=100,
        rejected=1,
        results=("b.out",),
    )
    history.record([event("j3", line="x", error="bad", line_errors=lines(1))])
    assert [found.line for found in history.errors(10)] == ["x", None, "line 1"]
    totals = history.totals()
    assert (totals["files_processed"], totals["files_failed"], totals["lines_in"]) == (2, 1, 20)
    assert (totals["lines_rejected"], totals["lines_skipped"]) == (2, 0)
    assert asked_aside(path, "PRAGMA user_version") == SCHEMA_VERSION
    assert os.stat(path).st_ino == inode
    assert warnings() == []


def test_several_that_find_a_database_of_the_first_version_bring_it_up_to_date_once(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    version_1(path)
    with ThreadPoolExecutor(8) as pool:
        histories = list(pool.map(lambda _: opened(), range(8)))
    for number, history in enumerate(histories):
        history.record([event(f"new-{number}", line_errors=lines(1))])
    assert len(histories[0].errors(100)) == 9
    assert warnings() == []


def test_a_new_database_and_one_that_was_brought_up_to_date_have_the_same_tables(
    opened: Opener, path: str
) -> None:
    def tables() -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(
                "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c"
                " ORDER BY 1, c.cid"
            ).fetchall()

    opened().close()
    new = tables()
    os.unlink(path)
    version_1(path)
    opened().close()
    assert tables() == new


def test_only_what_is_too_old_is_pruned_and_the_totals_stay(opened: Opener) -> None:
    history = opened(days=30)
    history.record(
        [event("old", time=NOW - 30 * DAY_SECONDS - 1), event("young", time=NOW - 30 * DAY_SECONDS)]
    )
    totals = history.totals()
    assert history.prune() == 1
    assert jobs(history) == ["young"]
    assert history.totals() == totals
    assert totals["files_processed"] == 2
    assert history.prune() == 0


def test_pruning_goes_on_until_all_is_gone(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 2)
    history = opened(days=1)
    history.record([event(str(number), time=1.0) for number in range(7)])
    assert history.prune() == 7


def test_without_a_limit_in_days_nothing_is_pruned(opened: Opener) -> None:
    history = opened(days=None)
    history.record([event(time=0.0)])
    assert history.prune() == 0
    assert jobs(history) == ["j1"]


def test_an_id_is_not_used_again_after_pruning(opened: Opener) -> None:
    history = opened(days=1)
    history.record([event("old", time=1.0)])
    (old,) = history.recent(limit=1)
    history.prune()
    history.record([event("new")])
    assert history.recent(limit=1)[0].id > old.id


def test_the_journal_keeps_each_event_through_a_power_loss(opened: Opener, path: str) -> None:
    history = opened()
    assert history._connection is not None
    assert history._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert asked_aside(path, "PRAGMA journal_mode") == "wal"


def test_a_filesystem_without_shared_memory_gets_the_rollback_journal(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda place, **settings: connect(f"file:{place}?vfs=unix-dotfile", uri=True, **settings),
    )
    history = opened()
    history.record([event()])
    assert jobs(history) == ["j1"]
    assert warnings() == []
    history.close()
    monkeypatch.undo()
    assert asked_aside(path, "PRAGMA journal_mode") == "delete"


def test_a_database_whose_journal_cannot_be_changed_just_now_is_used_as_it_is(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    fill(opened, 1)
    asked_aside(path, "PRAGMA journal_mode = DELETE")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM totals").fetchone()
        assert jobs(opened()) == ["0"]
    assert warnings() == []


def test_a_file_that_is_no_database_is_set_aside(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    Path(path).write_bytes(GARBAGE)
    history = opened()
    history.record([event()])
    assert jobs(history) == ["j1"]
    assert Path(f"{path}.corrupt-1").read_bytes() == GARBAGE
    (warning,) = warnings()
    assert path in warning
    assert f"{path}.corrupt-1" in warning


def test_a_database_that_was_cut_off_in_the_middle_is_set_aside(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    fill(opened)
    os.truncate(path, os.path.getsize(path) // 2)
    history = opened()
    assert history.timeline("a.log") == []
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert len(warnings()) == 1
    assert os.path.exists(f"{path}.corrupt-1")


def overwrite_pages(path: str) -> None:
    """Spoil everything but the first page of a database."""
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(path) - 4096))


def test_a_query_that_meets_a_spoilt_page_finds_nothing_and_history_begins_anew(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    fill(opened)
    history = opened()
    overwrite_pages(path)
    assert history.recent(limit=5000) == []
    assert len(warnings()) == 1
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert len(warnings()) == 1


def test_events_that_meet_a_spoilt_page_go_to_the_new_database(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    fill(opened)
    history = opened()
    overwrite_pages(path)
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert os.path.exists(f"{path}.corrupt-1")
    assert len(warnings()) == 1


def test_a_corrupt_database_is_set_aside_by_one_only(opened: Opener, path: str) -> None:
    fill(opened)
    histories = [opened(), opened()]
    overwrite_pages(path)
    for number, history in enumerate(histories):
        history.record([event(str(number))])
    assert jobs(histories[0]) == jobs(histories[1]) == ["1", "0"]
    assert not os.path.exists(f"{path}.corrupt-2")


def test_a_query_does_not_set_aside_what_another_has_put_in_place_of_a_corrupt_database(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(opened)
    history, other = opened(), opened()
    overwrite_pages(path)
    mend = history._mend

    def mend_late(error: Exception, seen: os.stat_result | None) -> bool:
        other.record([event("other")])
        return mend(error, seen)

    monkeypatch.setattr(history, "_mend", mend_late)
    assert history.timeline("a.log") == []
    assert jobs(history) == ["other"]
    assert not os.path.exists(f"{path}.corrupt-2")
    assert len(warnings()) == 1


def test_where_a_corrupt_database_cannot_be_set_aside_there_is_no_history(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    Path(path).write_bytes(GARBAGE)
    history = opened(set_aside=refuse)
    history.record([event()])
    assert history.recent(limit=1) == []
    assert history.totals() == {}
    assert Path(path).read_bytes() == GARBAGE
    (warning,) = warnings()
    assert "Permission denied" in warning


def test_a_disk_that_spoils_every_database_is_given_up(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    def spoil(bad: str) -> str:
        put = move_aside(bad)
        Path(bad).write_bytes(GARBAGE)
        return put

    Path(path).write_bytes(GARBAGE)
    history = opened(set_aside=spoil)
    for number in range(5):
        history.record([event(str(number))])
    assert len(list(Path(path).parent.iterdir())) == SET_ASIDE_LIMIT + 1
    assert len(warnings()) == SET_ASIDE_LIMIT + 1


def test_a_database_that_is_deleted_while_open_is_made_again(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event("before")])
    os.unlink(path)
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert asked_aside(path, "SELECT count(*) FROM events") == 1
    (warning,) = warnings()
    assert path in warning


def test_a_database_that_is_replaced_while_open_is_gone_on_with(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event("before")])
    move_aside(path)
    opened().record([event("other")])
    history.record([event("after")])
    assert jobs(history) == ["after", "other"]
    assert len(warnings()) == 1


def test_after_a_deletion_all_who_had_it_open_meet_in_the_new_database(opened: Opener, path: str) -> None:
    histories = [opened(), opened(), opened()]
    for number, history in enumerate(histories):
        history.record([event(f"before-{number}")])
    os.unlink(path)
    for number, history in enumerate(histories):
        history.record([event(f"after-{number}")])
    for history in histories:
        history.close()
    assert jobs(opened()) == ["after-2", "after-1", "after-0"]


def test_a_database_that_is_emptied_while_open_is_made_again(opened: Opener, path: str) -> None:
    history = opened()
    history.record([event("before")])
    os.truncate(path, 0)
    for number in range(3):
        history.record([event(f"after-{number}")])
        history.totals()
    assert "after-2" in jobs(history)


def test_a_database_that_is_deleted_while_it_is_opened_is_made_again(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def connect_too_late(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)
        os.unlink(path)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_too_late)
        history = opened()
    history.record([event()])
    assert jobs(history) == ["j1"]
    assert len(warnings()) == 1


def test_names_of_results_that_something_else_wrote_stop_nothing(opened: Opener, path: str) -> None:
    history = opened()
    history.record([event(str(number)) for number in range(2)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE events SET results = CASE job WHEN '0' THEN 'no JSON' ELSE '7' END")
    assert [row.event.results for row in history.recent(limit=2)] == [(), ()]


def test_a_folder_in_its_place_is_warned_of_once_and_left_alone(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    os.mkdir(path)
    history = opened(days=1)
    history.record([event()])
    history.record([event("j2")])
    assert history.prune() == 0
    assert history.recent(limit=1) == []
    assert os.listdir(path) == []
    assert len(warnings()) == 1
    os.rmdir(path)
    history.record([event("j3")])
    assert jobs(history) == ["j3"]


def test_a_database_that_may_not_be_written_can_be_read(
    opened: Opener, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().record([event()])
    connect = sqlite3.connect

    def connect_to_read(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)
        connection.execute("PRAGMA query_only = ON")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_read)
    history = opened(days=1)
    history.record([event("j2")])
    history.record([event("j3")])
    assert history.prune() == 0
    assert jobs(history) == ["j1"]
    (warning,) = warnings()
    assert "readonly" in warning


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anyway")
def test_a_folder_that_may_not_be_written_is_warned_of_once(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    folder = Path(path).parent
    folder.chmod(0o555)
    try:
        history = opened()
        history.record([event()])
        history.record([event("j2")])
        assert history.recent(limit=1) == []
        assert len(warnings()) == 1
    finally:
        folder.chmod(0o755)


def test_a_full_disk_costs_whole_batches_and_not_what_comes_when_there_is_room(
    opened: Opener, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event("before")])
    assert history._connection is not None
    (pages,) = history._connection.execute("PRAGMA page_count").fetchone()
    history._connection.execute(f"PRAGMA max_page_count = {pages}")
    history.record([event(str(number)) for number in range(1000)])
    history.record([event("after")])
    assert jobs(history) == ["after", "before"]
    assert history.totals()["files_processed"] == 2
    (warning,) = warnings()
    assert "full" in warning


def test_a_locked_database_is_warned_of_once_and_used_again_when_it_is_free(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(module, "BUSY_AGAIN_SECONDS", 0.01)
    history = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        history.record([event("1")])
        history.record([event("2")])
        assert jobs(history) == []
    history.record([event("3")])
    assert jobs(history) == ["3"]
    (warning,) = warnings()
    assert "locked" in warning


def test_a_database_that_stays_locked_is_waited_for_only_once(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(module, "BUSY_AGAIN_SECONDS", 0.002)
    history = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        history.record([event("1")])
        history.recent(limit=1)
        assert history._busy_seconds == 0.002
    history.record([event("2")])
    assert history._busy_seconds == 0.01


def test_numbers_that_do_not_fit_stop_nothing(opened: Opener, warnings: Callable[[], list[str]]) -> None:
    history = opened()
    history.record([event(bytes_in=2**70)])
    assert history.recent(limit=2**70) == history.recent(limit=1, after=2**70) == []
    history.record([event("j2")])
    assert jobs(history) == ["j2"]
    assert len(warnings()) == 1


def test_a_database_of_a_newer_version_is_left_alone(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (something_else)")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = Path(path).read_bytes()
    history = opened(days=1)
    history.record([event()])
    assert history.prune() == 0
    assert history.recent(limit=1) == history.timeline("a.log") == history.failures(["a.log"]) == []
    assert history.errors(1) == []
    assert history.last("processed") is None
    assert history.totals() == {}
    history.close()
    assert Path(path).read_bytes() == before
    assert os.listdir(Path(path).parent) == ["history.db"]
    (warning,) = warnings()
    assert "newer" in warning


def test_without_sqlite3_there_is_no_history_and_one_warning(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    history = opened(days=1)
    history.record([event()])
    assert history.prune() == 0
    assert history.recent(limit=1) == history.timeline("a.log") == history.failures(["a.log"]) == []
    assert history.errors(1) == []
    assert history.last("processed") is None
    assert history.totals() == {}
    history.close()
    assert not os.path.exists(path)
    assert len(warnings()) == 1


def test_the_module_does_not_import_sqlite3_by_itself() -> None:
    code = "import sys, fproc.telemetry.history; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


def test_after_closing_nothing_is_recorded_and_nothing_found(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event()])
    history.close()
    history.close()
    history.record([event("j2")])
    assert history.recent(limit=1) == []
    assert asked_aside(path, "SELECT count(*) FROM events") == 1
    assert warnings() == []


def test_queries_in_many_threads_and_recording_do_not_disturb_each_other(
    opened: Opener, warnings: Callable[[], list[str]]
) -> None:
    history = opened()

    def look(_: int) -> bool:
        rows = history.recent(limit=10)
        numbers = [row.id for row in rows]
        return numbers == sorted(numbers, reverse=True) and history.totals()["files_processed"] >= len(rows)

    with ThreadPoolExecutor(4) as pool:
        looks = pool.map(look, range(100))
        for number in range(100):
            history.record([event(str(number))])
        assert all(looks)
    assert history.totals()["files_processed"] == 100
    assert warnings() == []


def test_two_histories_in_one_process_lose_nothing(opened: Opener, warnings: Callable[[], list[str]]) -> None:
    histories = [opened(), opened()]

    def write(which: int) -> None:
        for number in range(100):
            histories[which].record([event(f"{which}-{number}")])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    assert histories[0].totals()["files_processed"] == len(jobs(histories[1], limit=1000)) == 200
    assert warnings() == []


def started(path: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, name, path, str(count)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_start_and_write_at_once_lose_nothing(opened: Opener, path: str) -> None:
    processes = [started(path, str(number), 50) for number in range(4)]
    for process in processes:
        _, complaints = process.communicate()
        assert (process.returncode, complaints) == (0, "")
    history = opened()
    assert history.totals()["files_processed"] == len(jobs(history, limit=1000)) == 4 * 50 * 2


def test_a_kill_in_the_middle_of_recording_leaves_what_was_recorded(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    said = ""
    for turn in range(3):
        with started(path, str(turn), 0) as process:
            assert process.stdout is not None
            for _ in range(20):
                said = process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            said = (said + process.stdout.read()).splitlines()[-1]
        assert process.returncode == -signal.SIGKILL
        history = opened()
        found = jobs(history, limit=1_000_000)
        pairs = int(said) + 1
        assert {f"{turn}-{number}-{half}" for number in range(pairs) for half in "ab"} <= set(found)
        assert len(found) % 2 == 0
        assert history.totals()["files_processed"] == history.totals()["lines_in"] == len(found)
        assert asked_aside(path, "PRAGMA integrity_check") == "ok"
        history.close()
    assert warnings() == []


def test_lines_that_were_left_out_add_up_over_restarts(opened: Opener) -> None:
    history = opened()
    history.record([event("1", rejected=2, skipped=3), event("2", kind="failed", rejected=1)])
    history.record([event("3", kind="retry", rejected=7, skipped=7)])
    totals = history.totals()
    assert (totals["lines_rejected"], totals["lines_skipped"]) == (3, 3)
    assert [(row.event.rejected, row.event.skipped) for row in history.recent(limit=9)][::-1] == [
        (2, 3),
        (1, 0),
        (7, 7),
    ]


def test_two_inputs_with_one_id_are_noticed(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    history = opened()
    history.record([event("j", file="a.log"), event("j", file="a.log")])
    assert "the same id" not in caplog.text
    history.record([event("j", file="b\n.log"), event("k", file="c.log")])
    assert "the history has a.log for processed of b\\n.log, which has the same id j" in caplog.text
    assert [row.event.file for row in history.recent(limit=9)] == ["c.log", "a.log"]


def test_ids_are_long_enough_for_a_million_events() -> None:
    assert {len(new_id()) for _ in range(100)} == {16}
    assert len({new_id() for _ in range(200_000)}) == 200_000


def test_a_long_prune_lets_others_in_and_ends_when_it_has_to(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 10)
    history = opened(days=1)
    history.record([event(f"old{n}", time=0.0) for n in range(100)])
    asked: list[int] = []

    def is_stopping() -> bool:
        history.record([event(f"new{len(asked)}", time=NOW)])
        asked.append(len(history.recent(limit=1000)))
        return len(asked) > 4

    history.prune(is_stopping)
    assert asked == [101, 102, 93, 84, 75]
