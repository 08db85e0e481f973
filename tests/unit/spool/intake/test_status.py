"""Where an input is and why it is not processed yet, as the folders tell it."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

import pytest

from fproc.base.errors import InputError
from fproc.base.times import rfc3339
from fproc.spool.disk.disk import Disk
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job.checkpoint import Checkpoint, Position
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from fproc.spool.locks.instance import Facts
from tests.support.spool.dropping import seen_by
from tests.support.spool.worlds import NOW, STRANGE, World

NO_FPROC = "no fproc is running on this folder"


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
    assert seen_by(world.a_spool().look).waiting == {"x": "waiting for x.done"}
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
        assert world.status().waiting() == [expected]
        world.now += 60
        assert world.why("x\n") == {
            "underprocess": "nobody holds it yet; it is taken up within a second or so"
        }
        assert world.status().waiting() == []
    again = world.spool.adopt("x\n")
    assert isinstance(again, Claim)
    again.retry(NOW + 90)
    assert "after 2 failed attempts" in world.why("x\n")["underprocess"]


def test_a_retry_of_a_clock_that_was_ahead_is_told_with_the_time_that_it_will_have(world: World) -> None:
    world.claim("x").retry(NOW + 10**9)
    due = rfc3339(NOW + 300)
    with world.running():
        assert world.why("x") == {"underprocess": f"retry at {due}, after 1 failed attempt"}
        assert world.status().waiting() == [{"file": "x", "not_before": due, "attempts": 1}]


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
    assert [waiting["file"] for waiting in world.status().waiting()] == ["x"]


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
    assert world.status().waiting() == []


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


def test_a_path_is_of_the_folder_that_it_leads_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = world.status()
    assert asked.located("x.log") == ("", "x.log")
    assert asked.located("failed/x.log") == ("failed", "x.log"), "as it is seen from the watched folder"
    assert asked.located(str(world.folder / "processed" / "x.log")) == ("processed", "x.log")
    (world.folder / "link").symlink_to("unprocessed")
    monkeypatch.chdir(world.folder)
    assert asked.located("link/x.log") == ("unprocessed", "x.log"), "as it is seen from the current folder"
    with pytest.raises(
        InputError, match=r"elsewhere/x.log: is in none of the folders of inputs of .*; ask by its"
    ):
        asked.located("elsewhere/x.log")
