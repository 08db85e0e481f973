"""Texts that are appended from commit records, which are still there then: each once, whoever dies."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from tests.support.spool.appending import (
    RESULT,
    MeddledDisk,
    Shelf,
    die_before_fsync,
)
from tests.support.spool.crashes import Crash
from tests.support.spool.power import PowerDisk

pytestmark = pytest.mark.usefixtures("names_of_the_model")


def crash() -> None:
    raise Crash


def test_a_text_whose_record_is_gone_was_appended_and_so_were_those_beside_it(memory_path: Path) -> None:
    shelf = Shelf(memory_path / "w", "text")
    shelf.result.write_text("before\n")
    one, two = shelf.text("one\n"), shelf.text("two\n")
    with pytest.raises(Crash):
        shelf.appender(MeddledDisk("replace", crash, nth=2)).append(RESULT, [one, two])
    shelf.record(one.name).unlink()
    os.truncate(shelf.result, 0)  # a rotator has taken a copy
    shelf.appender().append(RESULT, [two])
    assert shelf.result.read_text() == ""
    assert shelf.litter() == []


def test_texts_are_known_to_be_appended_as_long_as_their_records_are_there(memory_path: Path) -> None:
    shelf = Shelf(memory_path / "w", "text")
    one, two, three = (shelf.text(f"{number}\n") for number in ("one", "two", "three"))
    for entry in (one, two):
        shelf.appender().append(RESULT, [entry])
    shelf.appender().recover()
    assert shelf.appender().append(RESULT, [one, two]) == {}
    shelf.appender().append(RESULT, [one, two, three])
    assert shelf.result.read_text() == "one\ntwo\nthree\n"


def test_that_texts_were_appended_is_durable_before_a_rotator_empties_the_result(memory_path: Path) -> None:
    shelf = Shelf(memory_path / "w", "text")
    one, disk = shelf.text("one\n"), PowerDisk(1000, shelf.folders.watch)
    shelf.appender(disk).append(RESULT, [one])
    disk.lose_power()
    shelf.result.write_text("")
    shelf.appender().append(RESULT, [one])
    assert shelf.result.read_text() == ""


def test_texts_are_known_to_be_appended_as_long_as_their_records_may_come_back(memory_path: Path) -> None:
    for newest_survives, point in itertools.product([False, True], range(40)):
        shelf = Shelf(memory_path / f"{newest_survives}-{point}", "text")
        one, two, three = (shelf.text(f"{number}\n") for number in ("one", "two", "three"))
        disk = PowerDisk(point, shelf.folders.watch, newest_survives=newest_survives)
        try:
            for entry in (one, two):
                shelf.appender(disk).append(RESULT, [entry])
                disk.unlink(str(shelf.record(entry.name)))
            shelf.appender(disk).append(RESULT, [three])
        except Crash:
            pass
        disk.lose_power()
        left = [entry for entry in (one, two, three) if shelf.record(entry.name).exists()]
        for entry in left:
            shelf.appender().append(RESULT, [entry])
        assert sorted(shelf.result.read_text().split()) == ["one", "three", "two"], point
        assert shelf.litter() == []


def test_a_record_that_cannot_be_read_any_more_is_not_taken_for_one_that_is_gone(memory_path: Path) -> None:
    shelf = Shelf(memory_path / "w", "text")
    one = shelf.text("one\n")
    die_before_fsync(shelf, [one])
    shelf.record(one.name).write_text("{}")
    with pytest.raises(OSError, match="cannot be read, and holds what is to be appended"):
        shelf.appender().append(RESULT, [shelf.text("two\n")])
