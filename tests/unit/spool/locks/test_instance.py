"""The file that each running fproc keeps of itself: who reads it finds those that run, and nobody else."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fproc.cli import operate
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import is_locked
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.layout import Folders
from fproc.spool.locks.instance import Instance, InstanceFile, instances
from tests.support.helpers import plan_of
from tests.support.project import PROJECT
from tests.support.spool.crashes import BrokenDisk, Crash

SAID = {"current": [], "health": {"trouble": "", "stopping": False}}

ANOTHER = """
import sys
from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders
from fproc.spool.locks.instance import InstanceFile
instance = InstanceFile(Folders(sys.argv[1], sys.argv[1] + "/results"), Disk(power=False))
instance.say({"started": "then"})
print("here", flush=True)
sys.stdin.read()
"""
"""A process that is there until its standard input is closed, or until it is killed."""


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    (tmp_path / ".fproc").mkdir()
    return Folders(str(tmp_path), str(tmp_path / "results"))


@pytest.fixture
def another(folders: Folders) -> Iterator[subprocess.Popen[str]]:
    """Another process that is present."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(
        [sys.executable, "-c", ANOTHER, folders.watch],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        yield process
        process.kill()  # by its own id; nothing happens if it has ended


def me(**said: Any) -> Instance:
    return Instance(socket.gethostname(), os.getpid(), said)


def there(folders: Folders) -> list[str]:
    """The names of the files of those who say that they are there."""
    return sorted(os.listdir(folders.instances))


def put(folders: Folders, name: str, text: str = "{}") -> Path:
    path = Path(folders.instances, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_who_has_said_something_is_there_until_the_end(folders: Folders) -> None:
    instance = InstanceFile(folders, Disk(power=False))
    assert instances(folders) == []
    instance.close()  # it has not said anything
    instance.say(SAID)
    assert instances(folders) == [me(**SAID)]
    instance.close()
    assert (instances(folders), there(folders)) == ([], [])
    instance.close()


def test_what_was_said_last_counts_also_if_it_is_shorter(folders: Folders) -> None:
    instance = InstanceFile(folders, Disk(power=False))
    for said in ({"started": "x" * 9000}, {}, {"started": "y"}):
        instance.say(said)
        assert instances(folders) == [me(**said)]
    instance.close()


def test_nothing_is_written_twice(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, written = Disk(power=False), []
    monkeypatch.setattr(disk, "overwrite", lambda _, data: written.append(json.loads(data)["n"]))
    instance = InstanceFile(folders, disk)
    for number in (1, 1, 2, 2, 1):
        instance.say({"n": number})
    assert written == [1, 2, 1]
    instance.close()


def test_several_are_there_and_each_ends_for_itself(folders: Folders) -> None:
    first, second = InstanceFile(folders, Disk(power=False)), InstanceFile(folders, Disk(power=False))
    first.say({"n": 1})
    second.say({"n": 2})
    assert sorted(instance.state["n"] for instance in instances(folders)) == [1, 2]
    first.close()
    assert instances(folders) == [me(n=2)]
    second.close()


@pytest.mark.parametrize("what", ["file", "folder", "all of .fproc"])
def test_a_file_that_is_removed_is_made_again(folders: Folders, what: str) -> None:
    instance = InstanceFile(folders, Disk(power=False))
    instance.say(SAID)
    os.unlink(os.path.join(folders.instances, *there(folders)))
    if what != "file":
        os.rmdir(folders.instances)
    if what == "all of .fproc":
        os.rmdir(folders.within(".fproc"))
        instance.say(SAID)  # it is not its own to make that folder
        assert not os.path.lexists(folders.within(".fproc"))
        os.mkdir(folders.within(".fproc"))
    assert instances(folders) == []
    instance.say(SAID)
    assert (instances(folders), len(there(folders))) == ([me(**SAID)], 1)
    instance.close()


def test_the_file_of_a_process_that_was_killed_is_no_instance_and_is_removed_by_the_next(
    folders: Folders, another: subprocess.Popen[str]
) -> None:
    assert [(found.pid, found.state) for found in instances(folders)] == [(another.pid, {"started": "then"})]
    instance = InstanceFile(folders, Disk(power=False))
    instance.say(SAID)
    assert {found.pid for found in instances(folders)} == {another.pid, os.getpid()}
    instance.close()
    another.send_signal(signal.SIGKILL)
    another.wait()
    assert (instances(folders), len(there(folders))) == ([], 1)
    instance.say(SAID)
    assert (instances(folders), len(there(folders))) == ([me(**SAID)], 1)
    instance.close()


def test_what_nobody_holds_is_removed_whatever_it_is(folders: Folders) -> None:
    put(folders, "garbage", "\xff")
    Path(folders.instances, "link").symlink_to("nowhere")
    os.mkfifo(Path(folders.instances, "fifo"))
    instance = InstanceFile(folders, Disk(power=False))
    instance.say(SAID)
    assert len(there(folders)) == 1
    instance.close()


def test_a_folder_among_the_files_hides_nobody(folders: Folders) -> None:
    os.makedirs(Path(folders.instances, "folder"))
    instance = InstanceFile(folders, Disk(power=False))
    instance.say(SAID)
    assert instances(folders) == [me(**SAID)]
    instance.close()


@pytest.mark.parametrize("calls", range(6))
@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_disk_that_refuses_is_borne_and_once_it_is_well_all_is_said(
    folders: Folders, calls: int, number: int, *, for_good: bool
) -> None:
    put(folders, "dead")
    disk = BrokenDisk(calls, error=number, for_good=for_good)
    instance = InstanceFile(folders, disk)
    for count in range(3):
        instance.say({"n": count})
    disk.repair()
    instance.say({"n": 3})
    assert instances(folders) == [me(n=3)]
    instance.close()
    assert instances(folders) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_an_end_on_a_broken_disk_leaves_a_file_that_nobody_takes_for_an_instance(
    folders: Folders, number: int
) -> None:
    disk = BrokenDisk(10**9, error=number, for_good=True)
    instance = InstanceFile(folders, disk)
    instance.say(SAID)
    disk.calls_left = 0
    instance.close()
    assert (instances(folders), len(there(folders))) == ([], 1)


@pytest.mark.parametrize("calls", range(6))
def test_after_a_death_before_any_call_the_next_one_is_there_alone(folders: Folders, calls: int) -> None:
    put(folders, "dead")
    disk = BrokenDisk(calls)
    late = InstanceFile(folders, disk)
    with ExitStack() as stack:
        if calls < 4:  # folder, unlink, create, overwrite
            stack.enter_context(pytest.raises(Crash))
        late.say({"n": 1})
    if late._descriptor is not None:
        os.close(late._descriptor)
    instance = InstanceFile(folders, Disk(power=False))
    instance.say({"n": 2})
    assert (instances(folders), len(there(folders))) == ([me(n=2)], 1)
    instance.close()


def test_who_holds_a_file_runs_even_if_nothing_could_be_written_to_it(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(power=False)
    monkeypatch.setattr(disk, "overwrite", BrokenDisk(0, error=errno.ENOSPC).overwrite)
    instance = InstanceFile(folders, disk)
    instance.say(SAID)
    assert [found.pid for found in instances(folders)] == [os.getpid()]
    instance.close()


def test_who_writes_is_there_for_those_who_read_just_then(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = InstanceFile(folders, Disk(power=False))
    instance.say({"current": ["long" * 9]})
    cut, seen = os.ftruncate, []

    def read_just_then(descriptor: int, size_bytes: int) -> None:
        seen.append(len(instances(folders)))
        cut(descriptor, size_bytes)

    monkeypatch.setattr(os, "ftruncate", read_just_then)
    instance.say({"current": []})
    monkeypatch.undo()
    instance.close()
    assert seen == [1]


GARBAGE = ["", "{", "[]", '{"pid": 1}', '{"host": 1, "pid": {}}', '{"host": "h", "pid": "x"}', "\xe9"]


@pytest.mark.parametrize("text", [*GARBAGE, "5", '"h"', "null"])
def test_a_held_file_that_makes_no_sense_costs_nobody_else_anything(folders: Folders, text: str) -> None:
    instance = InstanceFile(folders, Disk(power=False))
    instance.say(SAID)
    for name in ("0-before.json", "zzz"):
        put(folders, name, text)
    with ExitStack() as stack:
        for name in ("0-before.json", "zzz"):
            file = stack.enter_context(open(os.path.join(folders.instances, name), encoding="utf-8"))
            fcntl.flock(file, fcntl.LOCK_EX)
        assert me(**SAID) in instances(folders)
    assert instances(folders) == [me(**SAID)]
    instance.close()


def test_only_those_whose_lock_is_held_are_running_whatever_they_say(folders: Folders) -> None:
    text = '{"host": "host-b", "pid": 412, "started": "then"}'
    with put(folders, "held", text).open() as file:
        put(folders, "dead", text)
        Path(folders.instances, "folder").mkdir()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert instances(folders) == [Instance("host-b", 412, {"started": "then"})]
    assert instances(folders) == []
    assert there(folders) == ["dead", "folder", "held"]


def test_two_who_ask_at_once_do_not_take_each_other_for_the_owner(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(put(folders, "dead.json"))
    close, answers = os.close, []

    def looked_at_meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "close", close)
        answers.append(is_locked(path))
        close(descriptor)

    monkeypatch.setattr(os, "close", looked_at_meanwhile)
    answers.append(is_locked(path))
    assert answers == [False, False]


def test_the_size_of_a_file_with_a_strange_name_is_told_too(folders: Folders) -> None:
    config = plan_of([{"tag": "start", "type": "trim", "next": "end"}], watch_dir=folders.watch).config
    os.mkdir(folders.underprocess)
    Path(folders.underprocess, "\udcff").write_text("12345")
    instance = InstanceFile(folders, Disk(power=False))
    instance.say({"current": [{"file": "\udcff", "lines": 1}]})
    current = operate._status(config, SpoolStatus(config))["current"]
    instance.close()
    assert [entry.get("total_bytes") for entry in current] == [5]


def test_an_end_after_a_file_server_has_given_up_on_the_lock_is_borne(folders: Folders) -> None:
    class Lost(Disk):
        def close(self, descriptor: int) -> None:
            super().close(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    instance = InstanceFile(folders, Lost(power=False))
    instance.say(SAID)
    instance.close()
    assert os.listdir(folders.instances) == []
