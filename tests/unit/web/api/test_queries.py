"""The lists of the dashboard, from the folders, the history and the traces: complete, in order, in pages."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fproc.base.times import rfc3339
from fproc.pipeline.plan import Plan
from fproc.pipeline.tracing.trace import Trace
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.scanner import COARSE_SECONDS
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.locks.instance import InstanceFile
from fproc.spool.spool import Spool
from fproc.telemetry.events import Event
from fproc.telemetry.history import History
from fproc.telemetry.traces import Traces
from fproc.web.api import folder_cache, queries
from fproc.web.api.queries import Queries
from tests.support.helpers import line_failure, list_twice, plan_of, user

NODES = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]
STRANGE = os.fsdecode(b"caf\xe9\xff\n.log")
LATER_SECONDS = COARSE_SECONDS + 1


def refuse(path: str) -> str:
    raise OSError(13, "not in this test", path)


class Room:
    """A spool, its history, and the lists of it; the clock stands `later` seconds in the future."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {"intake": {"ready": "rename"}}
        self.plan = self.a_plan()
        self.spool = Spool(self.plan.config, disk=Disk(power=False))
        self.folders = self.spool.folders
        self.later = 0.0
        self.monotonic = 100.0
        self.history: History | None = History(
            str(folder / "history.db"), history_days=None, set_aside=refuse
        )
        self.traces = Traces()
        self.working: list[dict[str, Any]] = []
        self.listing = self.a_listing()

    def a_plan(self) -> Plan:
        keys = {"watch_dir": str(self.folder / "w"), "durability": "process"}
        return plan_of(NODES, **keys, **self.config)

    def a_listing(self) -> Queries:
        return Queries(
            self.a_plan().config,
            self.history,
            lambda: self.working,
            self.traces,
            lambda: time.time() + self.later,
            monotonic=lambda: self.monotonic,
        )

    def put(self, folder: str, *names: str, text: str = "a\n") -> None:
        """Files in a folder, that came there one after the other."""
        for name in names:
            path = self.folder / "w" / folder / name
            path.write_text(text)
            if self.came_at(path) <= self.last_at:
                wait_for_tick(path, self.last_at)
            self.last_at = self.came_at(path)

    last_at = 0

    @staticmethod
    def came_at(path: Path) -> int:
        return path.lstat().st_ctime_ns

    def process(self, name: str, *lines: str) -> None:
        """Take a file through the whole of it, and write that down."""
        (self.folder / "w" / "unprocessed" / name).write_text("".join(f"{line}\n" for line in lines))
        claim = self.spool.claim(name)
        assert claim is not None
        outcome = attempt.process_claim(claim, self.plan, RunContext())
        kind = {Verdict.COMMIT: "processed", Verdict.FAIL: "failed"}[outcome.fate]
        self.record(
            Event(
                outcome.job, name, kind, time.time(), outcome.attempts, outcome.seconds,
                outcome.figures.lines_in, results=outcome.results, error=outcome.error,
            )
        )  # fmt: skip
        ended = rfc3339(time.time())
        while rfc3339(time.time()) == ended:  # reports tell milliseconds
            pass

    def record(self, *events: Event) -> None:
        assert self.history is not None
        self.history.record(events)

    def files(
        self, state: str = "", query: str = "", limit: int = 50, after: str = ""
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.whole(state, query, limit, after)["recent"]
        return found

    def whole(self, state: str = "", query: str = "", limit: int = 50, after: str = "") -> dict[str, Any]:
        answer = self.listing.files(state=state, query=query, limit=limit, after=after)
        decoded: dict[str, Any] = json.loads(json.dumps(answer))
        assert decoded == answer  # nothing is lost or changed in JSON
        return answer

    def names(self, *asked: Any, **more: Any) -> list[str]:
        return [row["file"] for row in self.files(*asked, **more)]

    def pages(self, state: str, limit: int, query: str = "") -> list[list[str]]:
        """All pages of a list."""
        found, after = [], ""
        while True:
            answer = self.whole(state, query, limit, after)
            found.append([row["file"] for row in answer["recent"]])
            after = answer["after"]
            if after is None:
                return found


def wait_for_tick(path: Path, last_at: int) -> None:
    """Change a file until the filesystem's clock has moved on."""
    while path.lstat().st_ctime_ns <= last_at:
        path.touch()


@pytest.fixture
def room(memory_path: Path) -> Iterator[Room]:
    room = Room(memory_path)
    yield room
    if room.history:
        room.history.close()


def counts(**found: int) -> dict[str, int]:
    return {"unprocessed": 0, "underprocess": 0, "processed": 0, "failed": 0, **found}


def test_counts_are_those_of_the_spool(room: Room) -> None:
    room.put("unprocessed", "a", "b", ".hidden", STRANGE)
    room.put("processed", "a", "b.error.json")
    room.put("failed", "a", "a.error.json", "b.rejected.jsonl", "c.error.json", "c.error.json.error.json")
    (room.folder / "w" / "processed" / "folder").mkdir()
    assert room.listing.counts() == SpoolStatus(room.plan.config).counts()
    assert room.listing.counts() == counts(unprocessed=3, processed=2, failed=2)


def test_a_folder_that_is_missing_counts_as_empty(room: Room) -> None:
    (room.folder / "w" / "failed").rmdir()
    assert room.listing.counts() == counts()
    assert room.files("failed") == []


class Looks:
    """How often folders were listed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        scandir = os.scandir

        def counted(path: Any) -> Any:
            self.count += 1
            return scandir(path)

        monkeypatch.setattr(os, "scandir", counted)

    def of(self, call: Callable[[], object]) -> int:
        """How many of them a call made."""
        before = self.count
        call()
        return self.count - before


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


def test_a_folder_that_has_not_changed_is_not_counted_again(room: Room, looks: Looks) -> None:
    room.later = LATER_SECONDS
    assert looks.of(room.listing.counts) == 4
    room.monotonic += 1000
    assert looks.of(room.listing.counts) == 0
    room.put("processed", "a")
    room.later += LATER_SECONDS
    assert looks.of(room.listing.counts) == 1
    assert room.listing.counts() == counts(processed=1)


def test_a_folder_that_has_changed_just_now_is_counted_again(room: Room, looks: Looks) -> None:
    assert looks.of(room.listing.counts) == 4
    room.monotonic += 1
    assert looks.of(room.listing.counts) == 4


def test_a_folder_whose_count_took_long_is_left_alone_for_longer(
    room: Room, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = folder_cache.FolderCache._count

    def slow(self: folder_cache.FolderCache, folder: str) -> int:
        room.monotonic += 2
        return count(self, folder)

    monkeypatch.setattr(folder_cache.FolderCache, "_count", slow)
    monkeypatch.setattr(time, "thread_time", lambda: room.monotonic)
    room.listing = room.a_listing()
    room.listing.counts()
    room.put("unprocessed", "a")
    room.monotonic += 2 * folder_cache.REST - 7
    assert looks.of(room.listing.counts) == 0
    assert room.listing.counts() == counts()
    room.monotonic += 8
    assert room.listing.counts() == counts(unprocessed=1)


def test_a_small_folder_is_counted_whenever_it_has_changed_however_slow_the_machine_is(room: Room) -> None:
    for number in range(20):
        room.put("unprocessed", f"f{number}")
        assert room.listing.counts() == counts(unprocessed=number + 1)


def test_who_asks_while_another_thread_counts_gets_what_was_known_before(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.listing.counts() == counts()
    begun, may_end = threading.Event(), threading.Event()
    count = folder_cache.FolderCache._count

    def waits(self: folder_cache.FolderCache, folder: str) -> int:
        begun.set()
        assert may_end.wait(30)
        return count(self, folder)

    room.put("unprocessed", "a")
    monkeypatch.setattr(folder_cache, "WAIT_SECONDS", 0.01)
    waiting = room.listing._census._counts["unprocessed"]
    monkeypatch.setattr(waiting, "_look", lambda folder: waits(room.listing._census, folder))
    room.monotonic += 1
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(room.listing.counts)
        assert begun.wait(30)
        assert room.listing.counts()["unprocessed"] == 0
        may_end.set()
        assert other.result() == counts(unprocessed=1)


def test_files_that_ended_come_newest_first_with_all_that_is_known(room: Room) -> None:
    room.process("a.log", "x", "y")
    room.process("b.log", "bad")
    room.process(STRANGE, "x")
    bad, good = room.files()[1:]
    assert room.names() == [STRANGE, "b.log", "a.log"]
    assert (good["state"], good["lines"], good["results"], good["attempts"]) == ("processed", 2, ["a.log"], 1)
    assert (good["error"], bad["state"], bad["results"]) == (None, "failed", [])
    assert "line 1" in bad["error"]
    assert good["timestamp"].endswith("Z")
    assert good["seconds"] > 0
    assert room.names("processed") == [STRANGE, "a.log"]
    assert room.names("", "B.LOG") == room.names("", "line 1") == ["b.log"]


@pytest.mark.parametrize("state", ["", "processed", "unprocessed", "failed"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_without_gaps(room: Room, state: str, limit: int) -> None:
    names = [STRANGE, *(f"{number}.log" for number in range(5))]
    if state in {"", "processed"}:
        for name in names:
            room.process(name, "x")
    else:
        room.put(state, *names)
    expected = names if state == "unprocessed" else names[::-1]
    pages = room.pages(state, limit)
    assert [name for page in pages for name in page] == expected
    assert all(len(page) == limit for page in pages[:-1])


def test_pages_do_not_shift_when_something_comes_or_goes_between_them(room: Room) -> None:
    room.put("failed", "1", "2", "3", "4")
    first = room.whole("failed", limit=2)
    room.put("failed", "5")
    (room.folder / "w" / "failed" / "3").unlink()
    room.monotonic += 1
    assert [row["file"] for row in first["recent"]] == ["4", "3"]
    assert room.names("failed", after=first["after"]) == ["2", "1"]


@pytest.mark.parametrize("after", ["x", "äää", "W10=", "eyJhIjoxfQ==", "\udcff", "WzFd", "W251bGwsIFsxXV0="])
@pytest.mark.parametrize("state", ["", "failed"])
def test_an_after_that_no_answer_gave_is_refused_in_a_sentence(room: Room, state: str, after: str) -> None:
    with pytest.raises(ValueError, match=r"^after must be as the answer before gave it, for the same state$"):
        room.files(state, after=after)


def test_an_after_of_another_state_is_refused(room: Room) -> None:
    room.put("failed", "1", "2")
    after = room.whole("failed", limit=1)["after"]
    for state in ("", "unprocessed"):
        with pytest.raises(ValueError, match="after must be"):
            room.files(state, after=after)


def test_an_unknown_state_is_refused_in_a_sentence(room: Room) -> None:
    with pytest.raises(
        ValueError, match=r"^state must be one of unprocessed, underprocess, processed, failed"
    ):
        room.files("done")


def test_failed_files_are_those_that_lie_there_with_reason_and_history(room: Room) -> None:
    room.process("a.log", "x", "bad")
    room.process("a.log", "bad")
    room.process("gone.log", "bad")
    for path in (room.folder / "w" / "failed").glob("gone.log*"):
        path.unlink()
    second, first = room.files("failed")
    assert (first["file"], second["file"]) == ("a.log", "a~2.log")
    assert (first["lines"], second["lines"]) == (2, 1)
    report = json.loads((room.folder / "w" / "failed" / "a.log.error.json").read_text())
    assert (first["error"], first["attempts"], first["timestamp"]) == (
        report["reason"],
        1,
        report["timestamp"],
    )
    assert first["seconds"] > 0


def test_a_failed_file_without_history_has_what_its_report_says(room: Room) -> None:
    room.process("a.log", "bad")
    assert room.history is not None
    room.history.close()
    (row,) = room.files("failed")
    assert (row["lines"], row["seconds"], row["attempts"]) == (None, None, 1)
    assert "bad" in row["error"]


@pytest.mark.parametrize(
    "when", ["", "2026-11-23", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:00", "soon"]
)
def test_a_time_that_someone_else_wrote_comes_out_as_all_others_do(room: Room, when: str) -> None:
    room.put("failed", "a.log")
    room.put("failed", "a.log.error.json", text=json.dumps({"timestamp": when, "attempts": True}))
    (row,) = room.files("failed")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["timestamp"])
    assert row["attempts"] == 0


@pytest.mark.parametrize(
    "report", ["", "[]", '{"reason": 7, "attempts": "x", "timestamp": null}', "\x00", "{"]
)
def test_a_failed_file_whose_report_is_none_is_listed_all_the_same(room: Room, report: str) -> None:
    room.put("failed", "a.log")
    room.put("failed", "a.log.error.json", text=report)
    (row,) = room.files("failed")
    assert (row["file"], row["error"], row["attempts"]) == ("a.log", None, 0)
    assert row["timestamp"][:4] == rfc3339(time.time())[:4]


def test_a_report_that_is_too_long_is_made_up_for_by_the_history(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.process("a.log", "bad")
    monkeypatch.setattr(queries, "MOST_REPORT_BYTES", 20)
    (row,) = room.files("failed")
    assert ("bad" in row["error"], row["attempts"]) == (True, 1)


def test_failed_files_are_found_by_name_and_by_reason(room: Room) -> None:
    room.put("failed", "orders.log", "b.log", "c.log")
    room.put("failed", "b.log.error.json", text='{"reason": "no such Order"}')
    assert room.names("failed", "ORDER") == ["b.log", "orders.log"]
    assert room.names("failed", "nothing") == []


def test_a_search_looks_into_so_many_reports_and_then_says_where_to_go_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_SEARCHED", 3)
    room.put("failed", "wanted", *(f"{number}" for number in range(7)))
    room.put("failed", "0.error.json", text='{"reason": "wanted"}')
    assert room.pages("failed", 10, "wanted") == [[], [], ["0", "wanted"]]


def test_only_the_reports_of_a_page_are_read(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.put("failed", *(f"{number}" for number in range(100)))
    read: list[str] = []
    report = queries._report

    def noted(path: str) -> dict[str, Any]:
        read.append(path)
        return report(path)

    monkeypatch.setattr(queries, "_report", noted)
    assert len(room.files("failed", limit=5)) == len(read) == 5
    assert len(room.files("failed", "99")) == 1


def test_of_very_many_files_the_newest_failed_and_the_oldest_waiting_are_listed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_cache, "MOST_LISTED", 2)
    room.put("failed", "1", "2", "3")
    room.put("unprocessed", "1", "2", "3")
    assert (room.names("failed"), room.names("unprocessed")) == (["3", "2"], ["1", "2"])
    assert room.listing.counts() == counts(failed=3, unprocessed=3)


def test_what_waits_is_listed_with_how_long_and_why(room: Room) -> None:
    room.put("unprocessed", "first", STRANGE)
    room.later = 10
    first, second = room.files("unprocessed")
    assert (first["file"], second["file"]) == ("first", STRANGE)
    assert 10 <= first["seconds"] < 60
    assert (first["lines"], first["attempts"], first["results"]) == (0, 0, [])
    assert first["error"] == "ready, but no fproc is running on this folder"


def test_what_is_not_whole_yet_says_so(room: Room) -> None:
    room.config = {"intake": {"ready": "marker", "marker": ".done"}}
    room.listing = room.a_listing()
    room.put("unprocessed", "a", "b", "b.done")
    rows = {row["file"]: row["error"] for row in room.files("unprocessed")}
    assert rows.keys() == {"a", "b"}
    assert rows["a"] == "waiting for a.done"


def test_what_is_taken_while_it_is_listed_is_left_out(room: Room) -> None:
    room.put("unprocessed", "a", "b")
    room.later = LATER_SECONDS
    room.names("unprocessed")
    for name in ("a", "b"):
        claim = room.spool.claim(name)
        assert claim is not None
        claim.release()
        if name == "a":
            room.later = -1000
            assert room.names("unprocessed") == ["b"]
    room.monotonic += 1000
    assert room.names("unprocessed") == []


def test_what_is_under_process_is_listed_with_who_has_it_or_what_it_waits_for(room: Room) -> None:
    room.put("unprocessed", "held", "waits")
    held, waits = room.spool.claim("held"), room.spool.claim("waits")
    assert held is not None
    assert waits is not None
    waits.retry(2_000_000_000_000.0)
    room.working = [
        {"file": "held", "started": "x", "seconds": 1.0, "lines": 7, "bytes": 1, "worker": os.getpid()}
    ]
    rows = {row["file"]: row for row in room.files("underprocess")}
    assert (rows["held"]["lines"], rows["waits"]["lines"], rows["waits"]["attempts"]) == (7, 0, 1)
    assert rows["held"]["error"].startswith("held by")
    assert rows["waits"]["error"].startswith("retry at ")
    held.release()


def test_what_waits_longest_is_known(room: Room) -> None:
    assert room.listing.oldest_waiting() is None
    room.put("unprocessed", ".hidden", "b", "a")
    room.later, room.monotonic = 5, room.monotonic + 1
    found = room.listing.oldest_waiting()
    assert found
    assert (found[0], 5 <= found[1] < 60) == ("b", True)
    (room.folder / "w" / "unprocessed" / "b").unlink()
    room.later = LATER_SECONDS - 100  # the list is not made anew
    found = room.listing.oldest_waiting()
    assert found
    assert found[0] == "a"
    (room.folder / "w" / "unprocessed" / "a").unlink()
    assert room.listing.oldest_waiting() is None


def test_a_file_that_waits_behind_many_that_have_gone_is_found(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_GONE", 5)
    room.put("unprocessed", *(f"{number}" for number in range(50)))
    room.later = LATER_SECONDS
    room.listing.oldest_waiting()
    room.later = -100  # the list is not made anew
    for number in range(40):
        (room.folder / "w" / "unprocessed" / f"{number}").unlink()
    found = room.listing.oldest_waiting()
    assert found
    assert 40 <= int(found[0]) < 50


def test_a_folder_that_cannot_be_read_has_no_oldest_file(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", fail)
    assert room.listing.oldest_waiting() is None
    with pytest.raises(OSError, match="Input/output"):
        room.listing.counts()


def test_what_is_worked_on_has_its_size_and_others_work_is_shown_too(room: Room) -> None:
    (room.folder / "w" / "underprocess" / "mine").write_text("12345")
    room.working = [
        {"file": "mine", "started": "x", "seconds": 1.0, "lines": 1, "bytes": 2, "worker": 5},
        {"file": "gone", "started": "x", "seconds": 1.0, "lines": 1, "bytes": 2, "worker": 6},
    ]
    own = InstanceFile(room.folders, Disk(power=False))
    own.say({"current": [{"file": "mine", "started": "x", "lines": 1, "bytes": 2, "worker": 5}]})
    said = {"file": STRANGE, "started": rfc3339(time.time() - 60), "lines": 3, "bytes": 4, "worker": 7}
    other = InstanceFile(room.folders, Disk(power=False))
    other.say({"pid": 1, "host": "elsewhere", "current": [said, {"file": "odd"}]})
    try:
        mine, gone, theirs, odd = room.whole()["current"]
    finally:
        own.close()
        other.close()
    assert mine == {**room.working[0], "total_bytes": 5}
    assert gone["total_bytes"] is None
    unknown = {"rejected": None, "skipped": None, "total_bytes": None}
    assert {**said, "seconds": theirs["seconds"], **unknown} == theirs
    assert 60 <= theirs["seconds"] < 120
    assert (odd["file"], odd["seconds"], odd["started"]) == ("odd", None, None)


def test_errors_are_those_of_files_and_of_lines(room: Room) -> None:
    now = 1_795_341_600.0
    lines = (line_failure("skipped", "parse", 3, "\udcff", "bad"),)
    room.record(
        Event(
            "j1", STRANGE, "failed", now, 2, error="worse", node="n", line_no=9, line="x", line_errors=lines
        ),
        Event("j2", "b.log", "processed", now),
    )
    answer = room.listing.errors(limit=10)
    assert json.loads(json.dumps(answer)) == answer
    common = {"timestamp": rfc3339(now), "file": STRANGE, "attempt": 2}
    assert answer["errors"] == [
        {**common, "node": "n", "line_no": 9, "line": "x", "error": "worse"},
        {**common, "node": "parse", "line_no": 3, "line": "\udcff", "error": "bad"},
    ]
    assert room.listing.errors(limit=1)["errors"] == answer["errors"][:1]
    assert room.listing.errors(limit=10, file="b.log") == {"errors": []}


def test_traces_are_shown_with_what_runs_and_what_ended(room: Room) -> None:
    for number in range(queries.RECENT + 2):
        room.process(f"{number}.log", "x")
    path = [("start", "start", "a"), ("end", None, "\udcff")]
    room.traces.add(STRANGE, [Trace(None, "a", path, "written")])
    room.traces.add("b.log", [Trace(7, "b", [], "failed: why")])
    answer = room.listing.traces(limit=10)
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["current"], len(answer["recent"])) == ([], queries.RECENT)
    assert answer["traces"] == [
        {"file": "b.log", "line_no": 7, "line": "b", "path": [], "outcome": "failed: why"},
        {
            "file": STRANGE,
            "line_no": None,
            "line": "a",
            "path": [
                {"node": "start", "tag": "start", "line": "a"},
                {"node": "end", "tag": None, "line": "\udcff"},
            ],
            "outcome": "written",
        },
    ]
    assert len(room.listing.traces(file="b.log", limit=10)["traces"]) == 1


def test_without_a_history_there_are_the_folders_and_the_traces(room: Room) -> None:
    assert room.history is not None
    room.history.close()
    room.history = None
    room.listing = room.a_listing()
    room.put("failed", "a")
    assert room.names("failed") == ["a"]
    assert room.files() == room.files("processed") == []
    assert room.listing.errors(limit=10) == {"errors": []}
    assert room.listing.traces(limit=10)["recent"] == []


def test_a_file_that_its_folder_lists_twice_is_counted_and_shown_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.put("unprocessed", "a", "b")
    os.link(room.folder / "w" / "unprocessed" / "a", room.folder / "w" / "unprocessed" / "c")
    room.put("failed", "x")
    list_twice(monkeypatch)
    counts = room.listing.counts()
    assert (counts["unprocessed"], counts["failed"]) == (3, 1)
    assert sorted(row["file"] for row in room.files("unprocessed")) == ["a", "b", "c"]


def test_lines_that_were_left_out_stand_beside_the_others(room: Room) -> None:
    now = 1_795_341_600.0
    room.record(Event("j1", "a.log", "processed", now, lines_in=9, rejected=2, skipped=1))
    [row] = room.files()
    assert (row["lines"], row["rejected"], row["skipped"]) == (9, 2, 1)
    report = {"reason": "too many", "attempts": 1, "rejected": 5, "skipped": 0}
    room.put("failed", "b.log", text="x")
    room.put("failed", "b.log.error.json", text=json.dumps(report))
    [row] = room.files("failed")
    assert (row["rejected"], row["skipped"]) == (5, 0)
    room.put("failed", "c.log", text="x")
    assert [(row["rejected"], row["skipped"]) for row in room.files("failed") if row["file"] == "c.log"] == [
        (None, None)
    ]
