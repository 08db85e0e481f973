"""Failed files put back to work, whatever dies meanwhile."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import InputError
from fproc.config.model import Config
from fproc.pipeline.plan import Plan
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import HELD_TOGETHER, failed_inputs, put_back_all
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.layout import numbered
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, Crash, inputs, look
from tests.support.spool.inline import watcher

FAILING = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]
REPORT = '{"reason": "it was bad", "attempts": 1}'


class World:
    """A spool in which all files fail, and what is put back is put back."""

    def __init__(self, folder: Path, **intake: Any) -> None:
        self.folder = folder
        self.plan: Plan = plan_of(
            FAILING,
            watch_dir=str(folder),
            intake={"ready": "rename", "poll_seconds": 0.01, **intake},
            durability="process",
        )
        self.config: Config = self.plan.config
        self.spool = Spool(self.config)

    def put(self, path: str, text: str = "bad\n") -> Path:
        target = self.folder / path
        target.write_text(text)
        return target

    def fail(self, name: str = "x.log", text: str = "bad\n") -> None:
        """Put a failed input there, with its report."""
        self.put(f"failed/{name}", text)
        self.put(f"failed/{name}.error.json", REPORT)

    def back(self, name: str = "x.log", disk: Disk | None = None) -> None:
        for error in put_back_all(self.config, disk or Disk(power=True), [name])[1].values():
            raise error

    def work(self) -> None:
        """Do all there is to do, and whatever a new fproc would."""
        watcher(Spool(self.config), self.plan).drain()

    def work_as_far_as_possible(self) -> None:
        """Do what can be done at once, whoever holds some of it."""
        others = watcher(Spool(self.config), self.plan)
        for _ in range(3):
            others.turn()

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(self.folder / folder))

    def failed(self) -> list[str]:
        return failed_inputs(SpoolStatus(self.config))

    def inputs(self) -> dict[str, int]:
        return dict(inputs(str(self.folder)))


@pytest.fixture
def world(memory_path: Path) -> World:
    return World(memory_path / "w")


@pytest.mark.parametrize("name", ["x.log", "x~2.log", "not \udcff UTF-8", "new\nline", "\u00e9", "~x"])
def test_a_failed_file_goes_back_and_the_report_about_it_goes(world: World, name: str) -> None:
    world.fail(name)
    world.fail("other")
    world.back(name)
    assert (world.names("unprocessed"), world.names("failed")) == ([name], ["other", "other.error.json"])
    assert world.put(f"unprocessed/{name}", "well\n").exists()
    world.work()
    assert (world.names("processed"), world.names("results")) == ([name], sorted([".stage", name]))


def test_one_without_a_report_goes_back_too_and_keeps_its_age(world: World) -> None:
    os.utime(world.put("failed/x.log"), (1, 1))
    world.back()
    assert (world.folder / "unprocessed/x.log").stat().st_mtime == 1
    assert (world.names("failed"), world.inputs()) == ([], {"bad\n": 1})


@pytest.mark.parametrize("ready", ["rename", "marker"])
def test_a_name_that_is_taken_is_said_so_and_nothing_changes(memory_path: Path, ready: str) -> None:
    world = World(memory_path / "w", ready=ready)
    world.fail()
    world.put("unprocessed/x.log", "a later one\n")
    before = look(str(world.folder))
    with pytest.raises(InputError, match=r"is in unprocessed/ already; wait until it is done"):
        world.back()
    assert look(str(world.folder)) == before


@pytest.mark.parametrize("name", ["x.log", "y", "\udcff", "x~2.log"])
def test_a_name_that_is_not_there_is_said_so(world: World, name: str) -> None:
    with pytest.raises(InputError, match="there is no such input in failed/"):
        world.back(name)
    assert look(str(world.folder)) == look(str(World(world.folder).folder))


def test_a_folder_that_is_gone_is_made_or_at_least_not_the_file_s_fault(world: World) -> None:
    world.fail()
    os.rmdir(world.folder / "unprocessed")
    with suppress(OSError):
        world.back()


LEFT_ALONE: dict[str, Callable[[Path], object]] = {
    "x.log.error.json": Path.touch,
    "x.log.rejected.jsonl": Path.touch,
    ".hidden": Path.touch,
    "folder": Path.mkdir,
    "link": lambda path: path.symlink_to("nowhere"),
    "fifo": os.mkfifo,
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_no_failed_input_is_not_put_back(world: World, name: str) -> None:
    LEFT_ALONE[name](world.folder / "failed" / name)
    assert world.failed() == []
    with pytest.raises(InputError):
        world.back(name)
    assert world.names("failed") == [name]


@pytest.mark.parametrize("name", [".", ".."])
def test_what_is_no_name_is_said_so(world: World, name: str) -> None:
    with pytest.raises(InputError):
        world.back(name)


def test_a_name_as_long_as_can_be_goes_back_with_its_report(world: World) -> None:
    name = "n" * 251 + ".log"
    world.put(f"unprocessed/{name}")
    world.work()
    assert world.names("failed") == sorted([name, numbered(name, 1, ".error.json")])
    world.back(name)
    assert (world.names("unprocessed"), world.names("failed")) == ([name], [])


def test_the_second_file_of_a_name_as_long_as_can_be_leaves_the_first_its_report(world: World) -> None:
    name = "n" * 251 + ".log"
    for number in (1, 2):
        world.put(f"failed/{numbered(name, number)}")
        world.put(f"failed/{numbered(name, number, '.error.json')}")
    world.back(numbered(name, 2))
    assert world.names("failed") == sorted([name, numbered(name, 1, ".error.json")])


def test_with_markers_it_gets_one_and_is_taken(memory_path: Path) -> None:
    world = World(memory_path / "w", ready="marker", marker=".ok")
    world.fail()
    world.back()
    assert world.names("unprocessed") == ["x.log", "x.log.ok"]
    world.work()
    assert world.names("unprocessed") == []
    assert world.names("failed") == ["x.log", "x.log.error.json"]


def test_a_failed_file_may_be_put_back_any_number_of_times(world: World) -> None:
    world.put("unprocessed/x.log")
    for _ in range(3):
        world.work()
        assert world.names("failed") == ["x.log", "x.log.error.json"]
        world.back()


def test_failed_inputs_are_those_that_are_no_reports_or_have_one(world: World) -> None:
    for name in ("a", "b.error.json", "c.rejected.jsonl", "\udcff", "d~2.log"):
        world.fail(name)
    for name in ("e", "gone.error.json", "processed.rejected.jsonl", "x.tmp", ".hidden"):
        world.put(f"failed/{name}")
    (world.folder / "failed/folder").mkdir()
    (world.folder / "failed/link").symlink_to("a")
    assert world.failed() == ["a", "b.error.json", "c.rejected.jsonl", "d~2.log", "e", "\udcff"]
    for name in world.failed():
        world.back(name)
    assert world.failed() == []
    assert len(world.names("unprocessed")) == 6


def test_with_markers_a_marker_in_failed_is_no_input(memory_path: Path) -> None:
    world = World(memory_path / "w", ready="marker")
    world.fail()
    world.put("failed/x.log.done")
    assert world.failed() == ["x.log"]


def links_only(disk: BrokenDisk) -> BrokenDisk:
    """A filesystem without `renameat2`."""

    def refuse(source: str, target: str) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), source, None, target)

    disk.rename_noreplace = refuse  # type: ignore[method-assign]
    return disk


def numbers_agree(world: World) -> bool:
    """Whether each input in `failed/` has the report of its own number beside it."""
    names = set(world.names("failed"))
    return all(f"{name}.error.json" in names for name in names if not name.endswith(".error.json"))


@pytest.mark.parametrize("error", [None, errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("ready", ["rename", "marker"])
def test_whatever_dies_or_fails_the_file_is_there_once_and_goes_back_in_the_end(
    memory_path: Path, ready: str, error: int | None, *, links: bool
) -> None:
    for calls in range(20):
        world = World(memory_path / f"w{calls}", ready=ready)
        world.fail(text="the one\n")
        disk = BrokenDisk(calls, error=error)
        with suppress(Crash, OSError):
            world.back(disk=links_only(disk) if links else disk)
        disk.die()
        assert world.inputs() == {"the one\n": 1}, disk.broke_at
        with suppress(InputError):  # it is there already, unless the link to it was the last that was done
            world.back()
        assert world.inputs() == {"the one\n": 1}, disk.broke_at
        assert "x.log" in world.names("unprocessed"), disk.broke_at
        assert world.failed() == [], disk.broke_at
        if not disk.broke_at:
            assert world.names("failed") == []
            return
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("second", ["the same", "another"])
def test_after_a_death_a_later_failure_has_one_number_for_input_and_report(
    memory_path: Path, second: str
) -> None:
    for calls in range(20):
        world = World(memory_path / f"w{calls}")
        world.fail(text="bad 1\n")
        disk = BrokenDisk(calls)
        with suppress(Crash):
            world.back(disk=disk)
        disk.die()
        world.work()
        if second == "another":
            world.put("unprocessed/x.log", "bad 2\n")
            world.work()
        expected = {"bad 1\n": 1, "bad 2\n": 1} if second == "another" else {"bad 1\n": 1}
        assert world.inputs() == expected, disk.broke_at
        assert numbers_agree(world), (disk.broke_at, world.names("failed"))
        for name in world.failed():
            report = json.loads((world.folder / f"failed/{name}.error.json").read_text())
            assert report["reason"], name
        if not disk.broke_at:
            return
    raise AssertionError("it does not come to an end")


def test_with_markers_a_file_that_went_back_is_taken_whatever_died(memory_path: Path) -> None:
    for calls in range(20):
        world = World(memory_path / f"w{calls}", ready="marker")
        world.fail()
        disk = BrokenDisk(calls)
        with suppress(Crash):
            world.back(disk=disk)
        disk.die()
        if "x.log" in world.names("unprocessed"):
            world.work()
        assert "x.log" not in world.names("unprocessed"), disk.broke_at


def test_an_fproc_that_runs_meanwhile_fails_a_file_again_under_its_own_name(memory_path: Path) -> None:
    """As if another fproc did all it can before each call of the retry."""
    for calls in range(12):
        world = World(memory_path / f"w{calls}")
        world.fail()
        disk = Interrupted(calls, world.work_as_far_as_possible)
        world.back(disk=disk)
        world.work()
        assert world.inputs() == {"bad\n": 1}
        assert world.names("failed") == ["x.log", "x.log.error.json"], calls
    assert disk.calls_left > 0, "some calls of a retry were not tried"


def test_a_name_that_is_being_worked_on_is_said_so_and_nothing_changes(world: World) -> None:
    world.fail()
    hold = world.spool.sharing.lock_manager.hold("x.log")
    assert hold is not None
    before = look(str(world.folder))
    with pytest.raises(InputError, match="is being worked on; wait until it is done"):
        world.back()
    assert look(str(world.folder)) == before
    hold.release()
    world.back()
    assert world.names("unprocessed") == ["x.log"]


def test_many_are_put_back_and_none_stays_held(world: World) -> None:
    names = [f"{number}.log" for number in range(2 * HELD_TOGETHER + 1)]
    for name in names:
        world.fail(name)
    assert put_back_all(world.config, Disk(power=True), [*names, "missing"])[0] == names
    assert (sorted(names), []) == (world.names("unprocessed"), world.names("failed"))
    assert world.names(".fproc/jobs") == []


class Interrupted(Disk):
    """Lets something happen before call number `calls`."""

    def __init__(self, calls: int, happening: Callable[[], None]) -> None:
        super().__init__(power=True)
        self.calls_left = calls
        self._happening = happening

    def _count(self) -> None:
        self.calls_left -= 1
        if self.calls_left == -1:
            self._happening()

    def move(self, source: str, target: str) -> None:
        self._count()
        super().move(source, target)

    def sync_folder(self, path: str) -> None:
        self._count()
        super().sync_folder(path)

    def unlink(self, path: str) -> None:
        self._count()
        super().unlink(path)

    def lock(self, folder: str) -> int | None:
        self._count()
        return super().lock(folder)

    def close(self, descriptor: int) -> None:
        self._count()
        super().close(descriptor)
