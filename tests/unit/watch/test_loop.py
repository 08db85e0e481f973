"""The loop, turn by turn: pausing, setting names aside, orphans, draining; the clocks are the test's own."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from fproc.base.values import replace
from fproc.run.attempt import Outcome
from fproc.spool.locks.instance import Facts
from fproc.spool.spool import Spool
from fproc.telemetry.metrics import Metrics
from fproc.watch.draining import SETTLE_TIMES
from fproc.watch.loop import ORPHAN_SECONDS
from fproc.watch.messages import NotBegun, Report, Task, Why
from fproc.watch.queue import PAUSE_MAX_SECONDS, PAUSE_SECONDS
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, look
from tests.support.spool.inline import watcher

NODES = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]


class Clock:
    """Seconds that pass only when told to, or a little with each look."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.step = 0.0

    def __call__(self) -> float:
        self.seconds += self.step
        return self.seconds


class Place:
    """A watched folder and one watcher over it."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.disk = BrokenDisk(10**9)
        self.disk.power = False
        self.monotonic = Clock(50.0)
        self.clock = Clock(1000.0)
        config = {"intake": {"ready": "rename", "poll_seconds": 0.001}, "nodes": NODES, **config}
        self.plan = plan_of(config.pop("nodes"), watch_dir=str(folder), **config)
        self.metrics = Metrics(self.monotonic)
        self.spool = Spool(self.plan.config, disk=self.disk, monotonic=self.monotonic, clock=self.clock)
        self.watcher = watcher(self.spool, self.plan, self.metrics, monotonic=self.monotonic)

    def put(self, path: str, text: str = "a\n") -> None:
        (self.folder / path).write_text(text)

    def turn(self, after_seconds: float = 0.0) -> None:
        self.monotonic.seconds += after_seconds
        self.clock.seconds += after_seconds
        self.watcher.turn()

    def break_disk(self, number: int) -> None:
        self.disk._error, self.disk._for_good, self.disk.calls_left = number, True, 0

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))

    def totals(self) -> dict[str, int]:
        return {name: count for name, count in self.metrics.snapshot().totals.items() if count}

    @property
    def trouble(self) -> str:
        return self.watcher.health().trouble


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def test_a_name_that_is_found_twice_is_done_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x", "y", "z"):
        place.put(f"unprocessed/{name}")
    scan = place.spool.scan()
    monkeypatch.setattr(place.spool, "scan", lambda: replace(scan, ready=["x", "y", "x", "z", "y"]))
    place.turn()
    seen = place.look()
    assert (seen["processed"], seen["failed"]) == ({"x": "a\n", "y": "a\n", "z": "a\n"}, {})
    assert seen["results"] == seen["processed"]
    assert place.totals()["files_processed"] == 3


def test_a_turn_processes_all_that_is_ready_and_tells_what_it_saw(place: Place) -> None:
    for name, text in (("x", "a\n"), ("y", "bad\n"), ("z", "c\n")):
        place.put(f"unprocessed/{name}", text)
    assert sorted(place.watcher.turn().ready) == ["x", "y", "z"]
    assert place.watcher.turn().ready == []
    assert place.watcher.failed == 1
    assert place.look()["results"] == {"x": "a\n", "z": "c\n"}
    totals = place.totals()
    assert (totals["files_processed"], totals["files_failed"], totals["lines_out"]) == (2, 1, 2)
    assert place.watcher.health() == Facts()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_trouble_of_the_machine_pauses_intake_and_work_resumes_by_itself(place: Place, number: int) -> None:
    place.put("unprocessed/x")
    place.put("unprocessed/y")
    place.break_disk(number)
    place.turn()
    assert os.strerror(number) in place.trouble
    place.disk.mend()
    place.turn()
    assert place.look()["results"] == {}  # still paused
    place.turn(PAUSE_SECONDS)
    assert place.look()["results"] == {"x": "a\n", "y": "a\n"}
    assert (place.trouble, place.totals()["files_processed"]) == ("", 2)
    assert "retries" not in place.totals()


def seconds_paused(place: Place, disk_calls: list[int]) -> float:
    """How long the watcher leaves the disk alone, in quarters of a second."""
    for quarters in range(1, 1000):
        calls = len(disk_calls)
        place.turn(0.25)
        if len(disk_calls) > calls:
            return quarters / 4
    raise AssertionError("it never looks again")


def test_pauses_grow_up_to_a_bound_while_the_trouble_lasts_and_start_small_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    count = place.disk.count

    def counting(name: str, *arguments: Any) -> Any:
        looks.append(1)
        return count(name, *arguments)

    monkeypatch.setattr(place.disk, "count", counting)
    place.put("unprocessed/x")
    place.break_disk(errno.ENOSPC)
    place.turn()
    assert [seconds_paused(place, looks) for _ in range(7)] == [1, 2, 4, 8, 16, 30, PAUSE_MAX_SECONDS]
    place.disk.mend()
    place.turn(PAUSE_MAX_SECONDS)
    assert place.look()["results"] == {"x": "a\n"}
    place.put("unprocessed/y")
    place.break_disk(errno.ENOSPC)
    place.turn()
    assert seconds_paused(place, looks) == PAUSE_SECONDS


def test_a_watched_folder_that_cannot_be_read_pauses_until_it_can(place: Place) -> None:
    (place.folder / "unprocessed").rmdir()
    place.put("unprocessed", "a file in its place")
    place.turn()
    assert str(place.folder / "unprocessed") in place.trouble
    (place.folder / "unprocessed").unlink()
    (place.folder / "unprocessed").mkdir()
    place.turn(PAUSE_SECONDS)
    place.put("unprocessed/x")
    place.turn()
    assert (place.trouble, place.look()["results"]) == ("", {"x": "a\n"})


def in_trouble(place: Place, name: str) -> Path:
    """Put something in the way of a name's job folder."""
    place.put(f"unprocessed/{name}")
    place.put(f".fproc/jobs/{name}", "a file where a folder has to be")
    return place.folder / ".fproc" / "jobs" / name


def test_one_name_s_trouble_does_not_stop_the_others(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    in_the_way = in_trouble(place, "bad\x1bname")
    place.put("unprocessed/x")
    place.turn()
    assert place.trouble.startswith("bad\\x1bname: File exists")
    place.put("unprocessed/y")
    place.turn()
    assert set(place.look()["results"]) == {"x", "y"}
    for _ in range(5):
        place.turn(PAUSE_MAX_SECONDS)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    in_the_way.unlink()
    place.turn(PAUSE_MAX_SECONDS)
    place.turn()
    assert (place.trouble, len(place.look()["results"])) == ("", 3)


def test_a_name_in_trouble_is_tried_again_after_growing_delays(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_trouble(place, "x")
    tried: list[int] = []

    def refuse(_name: str) -> None:
        tried.append(1)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(place.spool, "claim", refuse)
    place.turn()
    assert [seconds_paused(place, tried) for _ in range(7)] == [1, 2, 4, 8, 16, 30, PAUSE_MAX_SECONDS]


def test_health_names_the_machine_s_trouble_first_and_then_each_name_s(place: Place) -> None:
    in_trouble(place, "x")
    place.turn()
    place.put("unprocessed/y")
    place.break_disk(errno.ENOSPC)
    place.turn()
    machine, name = place.trouble.split("; ")
    assert machine.startswith("No space left")
    assert name.startswith("x: File exists")


def test_an_input_whose_owner_has_died_is_found_within_a_second(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", recovery={"check_interval": 60})
    place.put("underprocess/x")
    place.turn()
    assert place.look()["results"] == {"x": "a\n"}
    place.put("underprocess/y")
    place.turn(ORPHAN_SECONDS / 2)
    assert list(place.look()["underprocess"]) == ["y"]
    place.turn(ORPHAN_SECONDS / 2)
    assert set(place.look()["results"]) == {"x", "y"}


@pytest.mark.parametrize("poll_seconds", [0.001, 3600])
def test_between_rare_polls_the_input_of_a_dead_owner_is_found_as_soon(
    tmp_path: Path, poll_seconds: float
) -> None:
    place = Place(tmp_path / "w", intake={"ready": "rename", "poll_seconds": poll_seconds})
    place.monotonic.step = place.clock.step = 0.2
    began: list[float] = []

    def put_once() -> int:
        if not began and place.monotonic.seconds > 60:
            place.put("underprocess/x")
            began.append(place.monotonic.seconds)
        if place.look()["results"]:
            place.watcher.stop()
        return 1

    place.watcher._workers.count_free = place.watcher._workers.look_seconds = put_once  # type: ignore[method-assign]
    place.watcher.watch()
    assert place.look()["results"] == {"x": "a\n"}
    assert place.monotonic.seconds - began[0] < 10


def crash(place: Place, name: str) -> None:
    """Claim an input, and die."""
    place.put(f"unprocessed/{name}")
    claim = Spool(place.plan.config, monotonic=place.monotonic, clock=place.clock).claim(name)
    assert claim is not None
    claim.job._hold._disk.close(claim.job._hold._descriptor)  # type: ignore[union-attr]


def leave(place: Place, name: str) -> None:
    """Claim an input, and stop in good order."""
    place.put(f"unprocessed/{name}")
    claim = place.spool.claim(name)
    assert claim is not None
    claim.leave()


@pytest.mark.parametrize("is_running", [False, True])
def test_only_what_a_crash_left_is_said_and_counted_to_be_taken_up_after_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_running: bool
) -> None:
    caplog.set_level("INFO")
    place = Place(tmp_path / "w")
    if is_running:
        place.turn()
    crash(place, "crashed")
    leave(place, "left")
    place.put("underprocess/found")
    place.turn(ORPHAN_SECONDS)
    assert set(place.look()["results"]) == {"crashed", "left", "found"}
    assert place.totals()["recovered"] == 1
    said = {message for message in caplog.messages if " in, " not in message}
    assert {
        "crashed: taken up again after a crash",
        "left: goes on after a stop",
        "found: found in underprocess/, and taken up",
    } <= said
    assert [message for message in caplog.messages if "crash" in message and "crashed:" not in message] == []


def test_what_is_taken_up_is_said_before_it_is_done(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    crash(place, "x")
    place.turn()
    first, second = (message for message in caplog.messages if message.startswith("x:"))
    assert first == "x: taken up again after a crash"
    assert second.startswith("x: 1 line in")


def test_what_a_job_left_behind_is_looked_for_at_the_start_and_at_each_interval(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", recovery={"check_interval": 60})
    place.turn()
    (tmp_path / "w/.fproc/jobs/x").mkdir()
    place.put(".fproc/jobs/x/attempts.json")
    place.turn(59)
    assert place.look()["litter"] == ["job x"]
    place.turn(1)
    assert place.look()["litter"] == []


def test_orphans_are_left_alone_where_that_is_wished(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", recovery={"enabled": False})
    place.put("underprocess/x")
    place.turn(1000)
    assert list(place.look()["underprocess"]) == ["x"]


def test_nothing_is_begun_once_the_loop_was_told_to_stop(place: Place) -> None:
    place.put("unprocessed/x")
    place.put("underprocess/y")
    place.watcher.stop()
    place.watcher.watch()  # returns at once
    place.turn()
    assert (place.look()["results"], place.watcher.health()) == ({}, Facts(stopping=True))


def test_a_signal_stops_the_loop_and_the_earlier_handlers_come_back(place: Place) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    place.put("unprocessed/x")
    add = place.metrics.add

    def add_and_interrupt(outcome: Any) -> None:
        add(outcome)
        signal.raise_signal(signal.SIGTERM)

    place.metrics.add = add_and_interrupt  # type: ignore[method-assign]
    place.watcher.watch()
    assert place.look()["results"] == {"x": "a\n"}
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_draining_ends_when_nothing_is_left_to_do(place: Place) -> None:
    place.put("unprocessed/x")
    place.put("unprocessed/y", "bad\n")
    place.put("underprocess/z")
    assert place.watcher.drain()
    seen = place.look()
    assert (seen["unprocessed"], seen["underprocess"], place.watcher.failed) == ({}, {}, 1)
    assert set(seen["results"]) == {"x", "z"}


def test_draining_waits_for_what_only_has_to_settle(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", intake={"ready": "stable", "settle_seconds": 5, "poll_seconds": 0.001})
    place.monotonic.step = 0.25
    place.put("unprocessed/x")
    assert place.watcher.drain()
    assert place.look()["results"] == {"x": "a\n"}


def test_draining_waits_only_so_long_for_a_file_that_keeps_changing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "w", intake={"ready": "stable", "settle_seconds": 5, "poll_seconds": 0.001})
    place.monotonic.step = 0.125
    scan = place.spool.scan

    def grow_and_scan() -> Any:
        with (place.folder / "unprocessed" / "x").open("a", encoding="utf-8") as file:
            file.write("more\n")
        return scan()

    monkeypatch.setattr(place.spool, "scan", grow_and_scan)
    begin = place.monotonic.seconds
    assert place.watcher.drain()
    assert 5 * SETTLE_TIMES <= place.monotonic.seconds - begin <= 5 * SETTLE_TIMES + 5
    assert list(place.look()["unprocessed"]) == ["x"]


def test_draining_waits_for_a_retry(tmp_path: Path) -> None:
    nodes = [{"tag": "start", "type": user("retry"), "next": "end"}]
    intake = {"ready": "rename", "poll_seconds": 0.001}
    place = Place(tmp_path / "w", nodes=nodes, intake=intake, retry={"backoff_seconds": 10})
    place.clock.step = place.monotonic.step = 1.0
    assert place.watcher.drain()
    place.put("unprocessed/x")
    assert place.watcher.drain()
    assert (place.totals()["retries"], place.totals()["files_failed"]) == (2, 1)


YEARS = 4 * 365 * 86400.0


def place_of_retries(folder: Path, **config: Any) -> Place:
    """A place where every file is tried again: after 5 to 10 s, then after 10 to 20 s, and fails then."""
    nodes = [{"tag": "start", "type": user("retry"), "next": "end"}]
    return Place(folder, nodes=nodes, retry={"backoff_seconds": 10, "backoff_max_seconds": 20}, **config)


@pytest.mark.parametrize("set_by", [-YEARS, -3600, -60, -1, 0, 60, YEARS])
def test_a_clock_that_is_set_while_a_retry_waits_makes_it_wait_no_longer(
    tmp_path: Path, set_by: float
) -> None:
    place = place_of_retries(tmp_path / "w")
    place.put("unprocessed/x")
    place.turn()
    place.clock.seconds += set_by
    place.turn(10)
    assert place.totals()["retries"] == 2
    place.clock.seconds += set_by
    place.turn(20)
    assert place.totals()["files_failed"] == 1


def test_a_retry_of_a_start_years_ahead_is_due_after_the_longest_delay(tmp_path: Path) -> None:
    place = place_of_retries(tmp_path / "w")
    place.clock.seconds += YEARS
    place.put("unprocessed/x")
    place.turn()
    later = place_of_retries(tmp_path / "w")  # the clock is right again, and this is the next start
    later.turn()
    assert later.totals() == {}
    later.turn(20)
    assert later.totals()["retries"] == 1
    later.turn(20)
    assert later.totals()["files_failed"] == 1


def test_draining_does_not_wait_for_a_time_years_ahead(tmp_path: Path) -> None:
    place = place_of_retries(tmp_path / "w")
    place.clock.seconds += YEARS
    place.put("unprocessed/x")
    place.turn()
    later = place_of_retries(tmp_path / "w", intake={"ready": "rename", "poll_seconds": 0.001})
    later.clock.step = later.monotonic.step = 0.5
    began = later.monotonic.seconds
    assert later.watcher.drain()
    assert later.totals()["files_failed"] == 1
    assert later.monotonic.seconds - began < 20 + 20 + 30


@pytest.mark.parametrize("trouble", ["of the machine", "of a name"])
def test_draining_tells_that_trouble_ended_it(place: Place, trouble: str) -> None:
    in_trouble(place, "x") if trouble == "of a name" else place.put("unprocessed/x")
    if trouble == "of the machine":
        place.break_disk(errno.ENOSPC)
    place.put("unprocessed/y")
    assert not place.watcher.drain()
    assert place.trouble
    assert list(place.look()["results"]) == (["y"] if trouble == "of a name" else [])


def given_out(place: Place, *, file_seconds: float, size: int = 1) -> list[int]:
    """How many files are given out together, one number for each time, if files take so long."""
    numbers: list[int] = []
    workers, record = place.watcher._workers, place.watcher._record_outcome
    workers.size = size
    submit = workers.submit

    def submit_and_count(*tasks: Task) -> None:
        numbers.append(len(tasks))
        submit(*tasks)

    def record_as_if(outcome: Outcome) -> None:
        record(outcome)
        place.watcher._file_seconds = file_seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "submit", submit_and_count)
        patch.setattr(place.watcher, "_record_outcome", record_as_if)
        place.watcher._file_seconds = file_seconds
        place.turn()
    return numbers


def test_quick_files_are_given_out_together_and_slow_ones_alone(place: Place) -> None:
    for number in range(100):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=0.0001) == [64, 36]
    for number in range(5):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=0.02) == [2, 2, 1]
    for number in range(3):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=1.0) == [1, 1, 1]
    assert len(place.look()["processed"]) == 108


def test_no_worker_is_given_more_than_its_share(place: Place) -> None:
    for number in range(12):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=0.0001, size=3) == [4, 3, 2, 1, 1, 1]


def test_large_files_are_given_out_alone(place: Place) -> None:
    for name in ("a", "b", "c"):
        place.put(f"unprocessed/{name}", "line\n" * (60_000 if name == "b" else 1))
    assert given_out(place, file_seconds=0.0001) == [1, 1, 1]
    assert len(place.look()["processed"]) == 3


def test_what_was_given_back_by_a_worker_that_died_is_taken_up(place: Place) -> None:
    crash(place, "x")
    place.watcher._record(Report(Task("x", Why.NEW), NotBegun(has_died=True)))
    place.watcher._work()
    assert place.look()["results"] == {"x": "a\n"}
    assert place.totals()["recovered"] == 1


@pytest.fixture
def told(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the journal is told for alerts."""
    told: list[str] = []
    for what in ("paused", "resumed", "arrived"):
        monkeypatch.setattr(place.watcher._journal, what, lambda *_, what=what: told.append(what))
    return told


def test_a_pause_and_its_end_are_told_once(place: Place, told: list[str]) -> None:
    place.break_disk(errno.ENOSPC)
    place.put("unprocessed/x")
    for _ in range(5):
        place.turn(PAUSE_MAX_SECONDS)
    place.disk.mend()
    for _ in range(2):
        place.turn(PAUSE_MAX_SECONDS)
    assert [what for what in told if what != "arrived"] == ["paused", "resumed"]


def test_each_look_that_finds_an_input_tells_of_it_but_for_those_that_nothing_can_be_done_with(
    place: Place, told: list[str]
) -> None:
    place.turn()
    assert told == []
    place.put("unprocessed/x")
    place.turn()
    assert told == ["arrived"]
    in_trouble(place, "bad")
    place.turn()
    assert told == ["arrived"] * 2
    for _ in range(3):
        place.turn(PAUSE_MAX_SECONDS)
    assert told == ["arrived"] * 2
