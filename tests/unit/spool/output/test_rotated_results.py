"""Results that are rotated, emptied or removed at any time: each input is there once, whole."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.support.spool.appending import (
    RESULT,
    MeddledDisk,
    Shelf,
    crashed_appends,
    die_before_fsync,
)

pytestmark = pytest.mark.usefixtures("names_of_the_model")


@pytest.mark.parametrize("moved_to", ["all.log.1", "old/all.log"])
def test_a_result_that_is_rotated_before_any_call_after_a_crash_too_has_each_input_once(
    memory_path: Path, kind: str, moved_to: str
) -> None:
    for point, shelf, parts in crashed_appends(memory_path, kind, "before\n"):
        rotated = Path(shelf.folders.results, moved_to)
        rotated.parent.mkdir(exist_ok=True)
        shelf.result.rename(rotated)
        shelf.appender().append(RESULT, parts)
        now = shelf.result.read_text() if shelf.result.exists() else ""
        assert (rotated.read_text(), now) in {
            ("before\none\ntwo\n", ""),
            ("before\n", "one\ntwo\n"),
        }, point


@pytest.mark.parametrize("call", ["give_name", "replace", "write", "sync", "unlink"])
def test_a_result_that_is_rotated_while_it_is_appended_to_has_inputs_once(shelf: Shelf, call: str) -> None:
    shelf.result.write_text("before\n")
    rotated = shelf.result.with_suffix(".1")
    disk = MeddledDisk(call, lambda: os.rename(shelf.result, rotated))
    appender = shelf.appender(disk)
    appender.append(RESULT, [shelf.entry("one\n")])
    appender.append(RESULT, [shelf.entry("two\n")])
    now = shelf.result.read_text() if shelf.result.exists() else ""
    assert rotated.read_text() + now == "before\none\ntwo\n"
    assert now == "two\n"


@pytest.mark.parametrize("call", ["open_to_append", "give_name", "replace", "write", "sync"])
def test_a_result_that_is_emptied_while_it_is_appended_to_begins_anew(shelf: Shelf, call: str) -> None:
    shelf.result.write_text("before\n")

    def empty() -> None:
        os.truncate(shelf.result, 0)

    shelf.appender(MeddledDisk(call, empty)).append(RESULT, [shelf.entry("one\n")])
    assert shelf.result.read_text() == "one\n", "no holes, and nothing of before"


def test_a_result_that_is_removed_while_it_is_appended_to_is_begun_anew(shelf: Shelf) -> None:
    shelf.result.write_text("before\n")
    for call in ("give_name", "write", "sync"):
        disk = MeddledDisk(call, shelf.result.unlink)
        shelf.appender(disk).append(RESULT, [shelf.entry(f"{call}\n")])
        assert shelf.result.read_text() == f"{call}\n"
    assert shelf.litter() == []


def test_what_was_emptied_after_a_crash_is_appended_to_what_is_there(shelf: Shelf) -> None:
    shelf.result.write_text("before\n")
    parts = [shelf.entry("one\n")]
    die_before_fsync(shelf, parts)
    os.truncate(shelf.result, 0)
    shelf.appender().append(RESULT, parts)
    assert shelf.result.read_text() == "one\n"
    assert shelf.litter() == []


def test_what_was_complete_when_it_was_rotated_and_packed_after_a_crash_is_not_appended_again(
    shelf: Shelf,
) -> None:
    parts = [shelf.entry("one\n")]
    die_before_fsync(shelf, parts)
    shelf.result.unlink()
    shelf.appender().append(RESULT, parts)
    assert not shelf.result.exists()
    assert shelf.litter() == []


def test_half_of_an_input_in_a_file_that_was_removed_after_a_crash_is_appended_whole(shelf: Shelf) -> None:
    parts = [shelf.entry("one\n")]
    die_before_fsync(shelf, parts)
    os.truncate(shelf.result, 2)
    shelf.result.unlink()
    shelf.appender().append(RESULT, parts)
    assert shelf.result.read_text() == "one\n"


def test_what_someone_else_has_written_meanwhile_is_never_cut(shelf: Shelf) -> None:
    parts = [shelf.entry("one\n")]
    die_before_fsync(shelf, parts)
    shelf.result.write_text("onsomebody else\n")
    shelf.appender().append(RESULT, parts)
    assert shelf.result.read_text() == "onsomebody else\none\n"
    assert shelf.litter() == []


def test_a_rotator_that_holds_the_lock_of_the_file_is_waited_for(shelf: Shelf) -> None:
    shelf.result.write_text("before\n")
    rotator = os.open(shelf.result, os.O_RDONLY)
    fcntl.flock(rotator, fcntl.LOCK_EX)
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        shelf.result.with_suffix(".1").write_text(shelf.result.read_text())
        os.truncate(shelf.result, 0)
        os.close(rotator)

    shelf.appender(wait=wait).append(RESULT, [shelf.entry("one\n")])
    assert len(waits) == 1
    assert shelf.result.with_suffix(".1").read_text() == "before\n"
    assert shelf.result.read_text() == "one\n"
