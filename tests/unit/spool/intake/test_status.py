"""Where an input is and why it is not processed yet, as the folders tell it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fproc.base.times import rfc3339
from fproc.spool.checks.condition import disks
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.status import SpoolStatus, archived_as
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job.checkpoint import Checkpoint, Position
from fproc.spool.job.claim import Claim
from fproc.spool.job.commit import FileStamp
from fproc.spool.layout import numbered
from fproc.spool.locks.instance import Facts, InstanceFile
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of

NODES = [{"tag": "start", "type": "trim", "next": "end"}]
NOW = 2_000_000_000.0
NO_FPROC = "no fproc is running on this folder"
STRANGE = ["not \udcff UTF-8", "new\nline.log", "tab\there", "x~2.log", "~2", "a b.log", "\u00e9.log"]


class World:
    """A spool without a process, and the times there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.intake: dict[str, Any] = {"ready": "rename"}
        self.more: dict[str, Any] = {}
        self.spool = self.a_spool()
        self.folders = self.spool.folders

    def config(self) -> Any:
        keys = {"watch_dir": str(self.folder), "durability": "process", "intake": self.intake}
        return plan_of(NODES, **keys, **self.more).config

    def a_spool(self) -> Spool:
        return Spool(self.config(), clock=lambda: self.now)

    def inquiry(self) -> SpoolStatus:
        return SpoolStatus(self.config(), clock=lambda: self.now)

    def why(self, name: str) -> dict[str, str]:
        """What is said, by place and name; the place alone where the name is the one that was asked for."""
        found = self.inquiry().why(name)
        return {
            f"{entry.place}/{entry.name}" if entry.name != name else entry.place: entry.why for entry in found
        }

    def put(self, path: str, text: str = "a\n") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        os.utime(target, (self.now, self.now))
        return target

    def claim(self, name: str) -> Claim:
        self.put(f"unprocessed/{name}")
        claim = self.spool.claim(name)
        assert isinstance(claim, Claim)
        return claim

    @contextmanager
    def running(self, **said: Any) -> Iterator[None]:
        """As if this process were an fproc."""
        presence = InstanceFile(self.folders, Disk(power=False))
        presence.say(said)
        yield
        presence.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "w")


@pytest.mark.parametrize(
    ("ready", "settled", "said"), [("auto", 0.0, "0.0"), ("stable", 2.14, "2.1"), ("auto", 4.9, "4.9")]
)
def test_a_file_that_is_still_being_written_says_how_long_it_has_settled(
    world: World, ready: str, settled: float, said: str
) -> None:
    world.intake = {"ready": ready, "settle_seconds": 5}
    world.put("unprocessed/x")
    world.now += settled
    assert world.why("x") == {"unprocessed": f"{said} of 5 s settled"}
    world.now += 5
    assert world.why("x") == {"unprocessed": f"ready, but {NO_FPROC}"}


@pytest.mark.skipif(not hasattr(fcntl, "F_SETLEASE"), reason="this kernel cannot tell who writes")
def test_a_file_that_is_open_for_writing_says_so(world: World) -> None:
    world.intake = {"ready": "auto", "settle_seconds": 5}
    path = world.put("unprocessed/x")
    world.now += 60
    with path.open("ab"):
        assert world.why("x") == {"unprocessed": "still open for writing"}
    assert world.why("x") == {"unprocessed": f"ready, but {NO_FPROC}"}


def test_with_markers_a_file_waits_for_its_own_and_a_marker_waits_for_nothing(world: World) -> None:
    world.intake = {"ready": "marker", "marker": ".ok"}
    world.put("unprocessed/x\n")
    assert world.why("x\n") == {"unprocessed": "waiting for x\\n.ok"}
    world.put("unprocessed/x\n.ok")
    assert world.why("x\n") == {"unprocessed": f"ready, but {NO_FPROC}"}
    assert world.why("x\n.ok") == {"unprocessed": "left alone: it is a marker"}


def test_a_link_is_no_marker_here_either(world: World) -> None:
    world.intake = {"ready": "marker"}
    world.put("unprocessed/x")
    (world.folder / "unprocessed/x.done").symlink_to("x")
    assert world.a_spool().scan().waiting == {"x": "waiting for x.done"}
    assert world.why("x") == {"unprocessed": "waiting for x.done"}


def left_alone(folder: Path) -> dict[str, str]:
    """Make what is never taken, and say why, by name."""
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("nowhere")
    os.mkfifo(folder / "fifo")
    (folder / "x.tmp").touch()
    kinds = {"folder": "a folder", "link": "a symbolic link", "fifo": "a FIFO"}
    whys = {name: f"left alone: it is {kind}, not a file" for name, kind in kinds.items()}
    return {**whys, "x.tmp": "left alone: its name is ignored (intake.ignore)"}


def test_what_is_never_taken_says_why(world: World) -> None:
    whys = left_alone(world.folder / "unprocessed")
    assert {name: world.why(name)["unprocessed"] for name in whys} == whys


def test_what_is_never_taken_says_so_in_underprocess_too(world: World) -> None:
    whys = left_alone(world.folder / "underprocess")
    with world.running():
        assert all("left alone" in world.why(name)["underprocess"] for name in whys)


def test_a_ready_file_waits_for_a_worker_or_for_an_earlier_one_of_its_name_or_for_an_fproc(
    world: World,
) -> None:
    world.put("unprocessed/x")
    assert world.why("x") == {"unprocessed": f"ready, but {NO_FPROC}"}
    with world.running():
        assert world.why("x") == {"unprocessed": "ready; it is taken as soon as a worker is free"}
        world.put("underprocess/x")
        assert world.why("x") == {
            "unprocessed": "ready, but an earlier file of its name is not done yet",
            "underprocess": "nobody holds it yet; it is taken up within a second or so",
        }


def test_a_ready_file_says_that_intake_is_paused(world: World) -> None:
    world.put("unprocessed/x")
    with world.running(health={"paused": "No space left on device", "stopping": False}):
        assert "No space left on device" in world.why("x")["unprocessed"]


@pytest.mark.parametrize("name", ["x.log", *STRANGE])
def test_a_held_file_names_host_and_process_and_how_far_it_is(world: World, name: str) -> None:
    claim = world.claim(name)
    current = {"file": name, "lines": 1200000, "worker": 412}
    with world.running(current=[{"file": "other", "lines": 5, "worker": 7}, current]):
        why = f"held by {socket.gethostname()} pid 412, 1200000 lines so far"
        assert world.why(name) == {"underprocess": why}
    claim.release()


def test_a_held_file_of_which_no_fproc_speaks_names_the_process_that_the_kernel_knows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = world.claim("x")
    why = {"underprocess": f"held by pid {os.getpid()}"}
    assert world.why("x") == why
    with world.running(current=[{"file": "y", "lines": 5, "worker": 7}]):
        assert world.why("x") == why
    monkeypatch.setattr("fproc.spool.locks.holding.lock_holder", lambda _: None)
    assert world.why("x") == {"underprocess": "held by another process"}
    claim.release()


def test_a_file_that_waits_for_its_retry_says_when_and_after_how_many_attempts(world: World) -> None:
    claim = world.claim("x\n")
    claim.retry(NOW + 60)
    with world.running():
        assert world.why("x\n") == {"underprocess": f"retry at {rfc3339(NOW + 60)}, after 1 failed attempt"}
        expected = {"file": "x\n", "not_before": rfc3339(NOW + 60), "attempts": 1}
        assert world.inquiry().waiting() == [expected]
        world.now += 60
        assert world.why("x\n") == {
            "underprocess": "nobody holds it yet; it is taken up within a second or so"
        }
        assert world.inquiry().waiting() == []
    again = world.spool.adopt("x\n")
    assert isinstance(again, Claim)
    again.retry(NOW + 90)
    assert "after 2 failed attempts" in world.why("x\n")["underprocess"]


def test_a_retry_of_a_clock_that_was_ahead_is_told_with_the_time_that_it_will_have(world: World) -> None:
    world.claim("x").retry(NOW + 10**9)
    due = rfc3339(NOW + 300)
    with world.running():
        assert world.why("x") == {"underprocess": f"retry at {due}, after 1 failed attempt"}
        assert world.inquiry().waiting() == [{"file": "x", "not_before": due, "attempts": 1}]


def test_a_retry_without_an_fproc_says_that_none_is_running(world: World) -> None:
    world.claim("x").retry(NOW + 60)
    assert NO_FPROC in world.why("x")["underprocess"]


def test_a_lease_holds_a_file_and_remembers_its_retry_too(world: World) -> None:
    world.put(".fproc/shared")
    world.spool = world.a_spool()
    claim = world.claim("x")
    whys = [world.why("x")["underprocess"]]
    claim.retry(NOW + 60)
    whys.append(world.why("x")["underprocess"])
    assert [why.partition(" ")[0] for why in whys] == ["held", "retry"]
    assert [waiting["file"] for waiting in world.inquiry().waiting()] == ["x"]


def test_an_orphan_says_who_will_take_it_up_and_from_where(world: World) -> None:
    path = world.put("underprocess/x")
    assert world.why("x") == {"underprocess": f"nobody holds it, but {NO_FPROC}"}
    job = world.folder / ".fproc/jobs/x"
    job.mkdir()
    saved = Checkpoint(FileStamp.of(path.stat()), "f", Position(offset_bytes=900, line_no=11), (), 0, 0)
    checkpoints.write_checkpoint(Disk(power=False), str(job), saved)
    assert world.why("x") == {"underprocess": f"nobody holds it, but {NO_FPROC}; it goes on from line 11"}
    with world.running():
        assert "it is taken up within a second or so; it goes on" in world.why("x")["underprocess"]


def test_an_orphan_says_that_it_is_not_taken_up_where_recovery_is_off(world: World) -> None:
    world.more = {"recovery": {"enabled": False}}
    world.put("underprocess/x")
    with world.running():
        assert "recovery.enabled" in world.why("x")["underprocess"]


@pytest.mark.parametrize("record", ["attempts.json", "checkpoint.json"])
@pytest.mark.parametrize("text", ["", "[]", "null", "hello", '{"attempts": "x", "not_before": {}}', "\xe9"])
def test_a_record_that_is_none_is_taken_for_none(world: World, record: str, text: str) -> None:
    world.put("underprocess/x")
    world.put(f".fproc/jobs/x/{record}", text)
    assert world.why("x") == {"underprocess": f"nobody holds it, but {NO_FPROC}"}
    assert world.inquiry().waiting() == []


def report(**more: Any) -> str:
    known = {"reason": "ValueError: no such account", "attempts": 3, "node": None, "line_no": None}
    return json.dumps({**known, **more})


def test_failed_files_say_why_where_and_after_how_many_attempts(world: World) -> None:
    world.put("failed/x.log.error.json", report(node="book", line_no=812))
    world.put("failed/x~2.log.error.json", report(node="book", line_no=None, attempts=1))
    world.put("failed/x~10.log.error.json", report())
    for name in ("x.log", "x~2.log", "x~10.log"):
        world.put(f"failed/{name}")
    reason = "failed: ValueError: no such account"
    assert list(world.why("x.log").items()) == [
        ("failed", f"{reason} (3 attempts, node book, line 812)"),
        ("failed/x~2.log", f"{reason} (1 attempt, node book)"),
        ("failed/x~10.log", f"{reason} (3 attempts)"),
    ]


REPORTS = [None, "", "{", "{}", '{"reason": "x"}', "[]", "5", "null"]


@pytest.mark.parametrize("text", REPORTS)
def test_a_report_that_is_missing_or_none_is_told(world: World, text: str | None) -> None:
    world.put("failed/x")
    if text is not None:
        world.put("failed/x.error.json", text)
    assert world.why("x") == {"failed": "failed; there is no report about it"}


def test_processed_files_say_when(world: World) -> None:
    names = {"processed": "x.log", "processed/x~2.log": "x~2.log"}
    paths = {place: world.put(f"processed/{name}") for place, name in names.items()}
    times = {place: f"processed at {rfc3339(path.stat().st_ctime)}" for place, path in paths.items()}
    assert world.why("x.log") == times


NOWHERE = ["", ".", "..", "never seen", "~", "x.log.error.json", "\udcff", "a" * 300]


@pytest.mark.parametrize("name", NOWHERE)
def test_a_name_that_is_nowhere_has_no_answer(world: World, name: str) -> None:
    world.put("processed/x.log")
    assert world.why(name) == {}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names_are_found_in_every_folder(world: World, name: str) -> None:
    for folder in ("unprocessed", "underprocess", "processed", "failed"):
        world.put(f"{folder}/{name}")
    assert list(world.why(name)) == ["unprocessed", "underprocess", "processed", "failed"]
    assert list(world.inquiry().counts().values()) == [1, 1, 1, 1]


ARCHIVE = ["x.log", "x~2.log", "x~3.log", "x~10.log", "x~2~2.log", "x.log~2", "x~a.log", "x~.log", "y.log"]
ARCHIVE += ["x~2.csv", "xx~2.log", ".log", "x", "x~2", ".log~2"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("x.log", ["x.log", "x~2.log", "x~3.log", "x~10.log"]),
        ("x~2.log", ["x~2.log", "x~2~2.log"]),
        ("x.csv", ["x~2.csv"]),
        (".log", [".log", ".log~2"]),
        ("x", ["x", "x~2"]),
        ("z", []),
    ],
)
def test_the_archived_names_of_an_input_are_found_in_their_order(
    world: World, name: str, found: list[str]
) -> None:
    for other in ARCHIVE:
        world.put(f"processed/{other}")
    assert archived_as(world.folders.processed, name) == found
    assert archived_as(str(world.folder / "gone"), name) == []


def test_names_as_long_as_can_be_are_found_with_their_numbers_and_reports(world: World) -> None:
    name = "n" * 251 + ".log"
    for number in (1, 2):
        world.put(f"failed/{numbered(name, number)}")
        world.put(f"failed/{numbered(name, number, '.error.json')}", report(attempts=number))
    whys = list(world.why(name).values())
    assert [why.rpartition("(")[2] for why in whys] == ["1 attempt)", "2 attempts)"]


def test_counts_are_of_inputs_and_not_of_reports_or_ignored_names(world: World) -> None:
    for path in ("unprocessed/a", "unprocessed/b", "unprocessed/c.tmp", "underprocess/d", "processed/e"):
        world.put(path)
    for name in ("f", "f.error.json", "g", "g.error.json", "e.rejected.jsonl"):
        world.put(f"failed/{name}")
    assert world.inquiry().counts() == {
        "unprocessed": 2,
        "underprocess": 1,
        "processed": 1,
        "failed": 2,
    }


def test_counts_are_of_inputs_alone(world: World) -> None:
    for name in ("a", "b.tmp", "c"):
        world.put(f"unprocessed/{name}")
    (world.folder / "processed/folder").mkdir()
    for name in ("f", "f.error.json", "f.rejected.jsonl", "orphaned.error.json"):
        world.put(f"failed/{name}")
    assert world.inquiry().counts() == {"unprocessed": 2, "underprocess": 0, "processed": 0, "failed": 1}


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    world = World(tmp_path / "w")
    for folder in world.folders.inputs():
        os.rmdir(folder)
    assert world.inquiry().counts() == {"unprocessed": 0, "underprocess": 0, "processed": 0, "failed": 0}
    assert (world.inquiry().waiting(), world.why("x"), world.inquiry().instances()) == ([], {}, [])


def test_a_folder_that_is_a_file_is_empty_too(world: World) -> None:
    os.rmdir(world.folders.failed)
    world.put("failed")
    assert world.inquiry().counts()["failed"] == 0
    assert world.why("x") == {}
    (unusable,) = disks(world.folders).unusable
    assert unusable.startswith(f"a folder has vanished: {world.folders.failed}")


def test_the_size_of_a_file_that_is_worked_on_is_told_if_it_is_there(world: World) -> None:
    world.put("underprocess/\udcff", "12345")
    sizes = [world.inquiry().size_bytes(name) for name in ("\udcff", "gone", "nul\0", "a" * 300)]
    assert sizes == [5, None, None, None]


def test_asking_changes_nothing(world: World) -> None:
    world.put("unprocessed/x")
    world.put("underprocess/y")
    world.put("failed/z")
    world.put(".fproc/instances/dead", "{}")
    before = sorted((path, path.lstat().st_mtime_ns) for path in world.folder.rglob("*"))
    for name in ("x", "y", "z", "?"):
        world.why(name)
    inquiry = world.inquiry()
    assert disks(world.folders).unusable == ()
    assert (inquiry.waiting(), inquiry.instances()) == ([], [])
    assert sum(inquiry.counts().values()) == 3
    assert sorted((path, path.lstat().st_mtime_ns) for path in world.folder.rglob("*")) == before


def test_a_name_in_trouble_of_its_own_quotes_the_fproc_that_has_it(world: World) -> None:
    for place in ("unprocessed", "underprocess"):
        world.put(f"{place}/{place}")
    names = {"unprocessed": "Operation not permitted: x", "underprocess": "Permission denied: y"}
    with world.running(health=Facts(names=names).to_json()):
        quoted = "it cannot be worked with, and is skipped until this is fixed: "
        assert world.why("unprocessed") == {"unprocessed": f"ready, but {quoted}Operation not permitted: x"}
        assert world.why("underprocess") == {
            "underprocess": f"nobody holds it, but {quoted}Permission denied: y"
        }


def test_a_name_among_too_many_in_trouble_is_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("unprocessed/x")
    monkeypatch.setattr("fproc.spool.intake.status.obstacle", lambda _folder, _name: "cannot be read")
    with world.running(health=Facts(more_names=1).to_json()):
        assert world.why("x")["unprocessed"].endswith("is skipped until this is fixed: cannot be read")
    with world.running(health=Facts().to_json()):
        assert world.why("x")["unprocessed"] == "ready; it is taken as soon as a worker is free"


def test_a_report_is_not_taken_for_an_input(world: World) -> None:
    world.put("failed/x")
    world.put("failed/x.error.json", '{"reason": "bad", "attempts": 1, "node": null, "line_no": null}')
    assert world.why("x.error.json") == {"failed": "no input, but a report about one"}
    assert world.why("x") == {"failed": "failed: bad (1 attempt)"}
