"""Appending to a result that inputs share: whole inputs, each once, in order, whoever dies or rotates it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fproc.spool.disk.disk import Disk
from fproc.spool.output.appends import LOCK, PATIENCE_SECONDS
from fproc.spool.output.intents import digest_of
from fproc.spool.output.shared_result import PIECE_BYTES
from tests.support.spool.appending import (
    RESULT,
    MeddledDisk,
    Shelf,
    crashed_appends,
    die_before_fsync,
    shelves,
)
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.power import PowerDisk

pytestmark = pytest.mark.usefixtures("names_of_the_model")


def test_parts_are_appended_in_their_order_and_where_is_said(shelf: Shelf) -> None:
    shelf.result.write_text("before\n")
    one, two = shelf.entry("one\n"), shelf.entry("two\n")
    assert shelf.appender().append(RESULT, [one, two]) == {one.key: 7, two.key: 11}
    assert shelf.result.read_text() == "before\none\ntwo\n"
    assert shelf.litter() == []


def test_a_part_that_is_gone_was_appended_before(shelf: Shelf) -> None:
    one, two = shelf.entry("one\n"), shelf.entry("two\n")
    appender = shelf.appender()
    appender.append(RESULT, [one])
    assert appender.append(RESULT, [one, two]) == {two.key: 4}
    assert appender.append(RESULT, [one, two]) == {}
    assert shelf.result.read_text() == "one\ntwo\n"


def test_a_large_part_is_appended_by_one_call_and_small_ones_all_by_one(shelf: Shelf) -> None:
    sizes: list[int] = []

    class Counting(Disk):
        def write(self, descriptor: int, data: bytes | memoryview) -> None:
            sizes.append(len(data))
            super().write(descriptor, data)

    parts = [shelf.part(b"x\n" * count) for count in (1, 2, PIECE_BYTES, 3, 4)]
    shelf.appender(Counting(power=True)).append(RESULT, parts)
    assert sizes[1:] == [6, 2 * PIECE_BYTES, 14], "after the intent"
    assert shelf.result.stat().st_size == sum(part.size_bytes for part in parts)


@pytest.mark.parametrize("before", [None, "before\n"], ids=["new", "there"])
@pytest.mark.parametrize("settle", ["append", "recover"])
def test_whoever_comes_after_a_crash_completes_what_was_begun(
    memory_path: Path, kind: str, before: str | None, settle: str
) -> None:
    for point, shelf, parts in crashed_appends(memory_path, kind, before):
        if settle == "recover":
            shelf.appender().recover()
        third = shelf.entry("three\n")
        shelf.appender().append(RESULT, [third])
        shelf.appender().append(RESULT, parts)
        text = shelf.result.read_text()
        first, second = (before or "") + "one\ntwo\nthree\n", (before or "") + "three\none\ntwo\n"
        assert text in {first, second}, (point, text)
        for name in os.listdir(shelf.folders.jobs):
            for begun in os.listdir(os.path.join(shelf.folders.jobs, name)):
                assert begun.endswith(".new"), point
        shelf.appender().recover()
        assert [name for name in shelf.litter() if not name.startswith(LOCK)] == []
    assert point > 10


@pytest.mark.parametrize("before", [None, "before\n"], ids=["new", "there"])
@pytest.mark.parametrize("written", range(9))
@pytest.mark.parametrize("tail", ["", "\0", "garbage"], ids=["part", "zeros", "garbage"])
def test_half_of_an_input_is_completed_or_cut_and_written_again(
    shelf: Shelf, before: str | None, written: int, tail: str
) -> None:
    shelf.result.write_text(before or "")
    parts = [shelf.entry("one\n"), shelf.entry("two\n")]
    die_before_fsync(shelf, parts)
    half = (before or "") + "one\ntwo\n"[:written]
    shelf.result.write_bytes((half + (tail * 8)[: 8 - written]).encode())
    shelf.appender().append(RESULT, parts)
    assert shelf.result.read_text() == (before or "") + "one\ntwo\n"


@pytest.mark.parametrize("before", [None, "before\n"], ids=["new", "there"])
@pytest.mark.parametrize("newest_survives", [False, True])
@pytest.mark.parametrize("others_fsync", [False, True])
def test_loss_of_power_before_any_call_costs_nothing_and_doubles_nothing(
    memory_path: Path, kind: str, before: str | None, *, newest_survives: bool, others_fsync: bool
) -> None:
    for point, shelf in shelves(memory_path, kind, before):
        parts = [shelf.entry("one\n"), shelf.entry("two\n")]
        disk = PowerDisk(point, shelf.folders.watch, newest_survives=newest_survives)
        try:
            shelf.appender(disk).append(RESULT, parts)
        except Crash:
            is_over = False
        else:
            is_over = True
        if others_fsync:  # for intents of their own
            disk.let_others_fsync(".fproc/appends")
        disk.lose_power()
        shelf.appender().append(RESULT, parts)
        shelf.appender().recover()
        assert shelf.result.read_text() == (before or "") + "one\ntwo\n", point
        if is_over:
            break
    assert point > 10


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_disk_that_refuses_any_call_once_costs_nothing(memory_path: Path, kind: str, error: int) -> None:
    for point, shelf in shelves(memory_path, kind, "before\n"):
        parts, disk = [shelf.entry("one\n"), shelf.entry("two\n")], BrokenDisk(point, error=error)
        appender = shelf.appender(disk)
        try:
            appender.append(RESULT, parts)
        except OSError as caught:
            assert caught.errno == error  # noqa: PT017 - what it is depends on the point
            appender.append(RESULT, parts)
        assert shelf.result.read_text() == "before\none\ntwo\n", disk.broke_at
        if not disk.broke_at:
            break
    assert point > 10


def test_what_could_not_be_made_durable_is_cut_and_written_again(shelf: Shelf) -> None:
    shelf.result.write_text("before\n")
    parts, seen = [shelf.entry("one\n")], []

    class Failing(Disk):
        def sync(self, descriptor: int) -> None:
            if os.readlink(f"/proc/self/fd/{descriptor}").endswith(RESULT):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().sync(descriptor)

        def truncate_open(self, descriptor: int, size_bytes: int) -> None:
            seen.append(size_bytes)
            super().truncate_open(descriptor, size_bytes)

    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        shelf.appender(Failing(power=True)).append(RESULT, parts)
    assert seen == [len("before\n")]
    assert shelf.result.read_text() == "before\n"
    shelf.appender().append(RESULT, parts)
    assert shelf.result.read_text() == "before\none\n"


def test_nobody_appends_while_another_does_and_who_waits_too_long_says_so(shelf: Shelf) -> None:
    seconds, waits = [0.0], []

    def wait(some: float) -> None:
        waits.append(some)
        seconds[0] += some

    holder = Disk(power=False)
    held = holder.lock(os.path.join(shelf.folders.jobs, f"{LOCK}{digest_of(RESULT)}"))
    assert held is not None
    appender = shelf.appender(monotonic=lambda: seconds[0], wait=wait)
    parts = [shelf.entry("one\n")]
    with pytest.raises(OSError, match="another process has been appending to this result, or has it locked"):
        appender.append(RESULT, parts)
    assert seconds[0] >= PATIENCE_SECONDS
    assert max(waits) <= 0.01
    assert not shelf.result.exists()
    holder.close(held)
    appender.append(RESULT, parts)
    assert shelf.result.read_text() == "one\n"


def test_who_has_lost_the_lock_writes_nothing(shelf: Shelf) -> None:
    lock = os.path.join(shelf.folders.jobs, f"{LOCK}{digest_of(RESULT)}")
    disk = MeddledDisk("replace", lambda: os.rmdir(lock), after=True)
    with pytest.raises(OSError, match="was taken for dead"):
        shelf.appender(disk).append(RESULT, [shelf.entry("one\n")])
    assert shelf.result.read_text() == ""


def test_parts_are_waited_for_while_their_stage_is_another_folder(shelf: Shelf) -> None:
    parts = [shelf.part("one\n")]
    die_before_fsync(shelf, parts)
    aside = shelf.stage + ".aside"
    os.rename(shelf.stage, aside)
    os.mkdir(shelf.stage)
    with pytest.raises(OSError, match="what is to be appended is not there"):
        shelf.appender().append(RESULT, [shelf.part("two\n")])
    for name in os.listdir(shelf.stage):
        os.unlink(os.path.join(shelf.stage, name))
    os.rmdir(shelf.stage)
    os.rename(aside, shelf.stage)
    shelf.appender().append(RESULT, [shelf.part("three\n")])
    assert shelf.result.read_text() == "one\nthree\n"


def test_a_part_that_someone_has_changed_is_not_appended(shelf: Shelf) -> None:
    part = shelf.part("one\n")
    Path(part.path).write_text("more than that\n")
    with pytest.raises(OSError, match="was changed after it was committed"):
        shelf.appender().append(RESULT, [part])


def test_a_link_in_the_place_of_a_result_is_not_followed(shelf: Shelf) -> None:
    other = shelf.result.with_name("other")
    other.write_text("not ours\n")
    shelf.result.symlink_to(other)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        shelf.appender().append(RESULT, [shelf.entry("one\n")])
    assert other.read_text() == "not ours\n"


def test_a_result_in_a_folder_that_was_removed_is_begun_anew(shelf: Shelf) -> None:
    shelf.appender().append("error/2026/all.log", [shelf.entry("one\n")])
    assert Path(shelf.folders.results, "error/2026/all.log").read_text() == "one\n"


def test_a_new_result_has_the_mode_that_was_asked_for(shelf: Shelf) -> None:
    shelf.appender(mode=0o640).append(RESULT, [shelf.entry("one\n")])
    assert shelf.result.stat().st_mode & 0o777 == 0o640
    shelf.result.chmod(0o600)
    shelf.appender(mode=0o640).append(RESULT, [shelf.entry("two\n")])
    assert shelf.result.stat().st_mode & 0o777 == 0o600, "the mode of a result that is there is its owner's"


def test_a_part_that_is_appended_alone_is_gone_then_and_what_others_began_is_completed_before(
    shelf: Shelf,
) -> None:
    parts = [shelf.entry("one\n")]
    die_before_fsync(shelf, parts)
    os.truncate(shelf.result, 2)
    assert shelf.appender().append_alone(RESULT, shelf.part("two\n")) == 4
    assert shelf.result.read_text() == "one\ntwo\n"
    assert shelf.litter() == []


def test_where_a_part_begins_is_known_also_if_another_has_completed_it(shelf: Shelf) -> None:
    shelf.result.write_text("before\n")
    parts = [shelf.entry("one\n"), shelf.entry("two\n")]
    die_before_fsync(shelf, parts)
    assert shelf.appender().append(RESULT, parts[1:]) == {parts[0].key: 7, parts[1].key: 11}
