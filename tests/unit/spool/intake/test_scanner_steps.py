"""A look at many files: step by step, in sorted runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fproc.spool.intake.backlog import name_in
from fproc.spool.intake.scanner import Scan
from tests.support.spool.dropping import LONG_AGO, Place, look_in_small_steps


@pytest.fixture
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    look_in_small_steps(monkeypatch)


@pytest.mark.usefixtures("in_small_steps")
def test_of_many_files_some_are_told_before_the_others_were_looked_at(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename")
    names = {f"{number:02}" for number in range(11)}
    for name in names:
        place.put(name, mtime=LONG_AGO + 20 - int(name))
    look = place.scanner.look(Scan())
    runs = []
    for run in look:
        runs.append([name_in(entry) for entry in run])
        if len(runs) == 2:
            break
    assert (runs[0], len(runs[1])) == ([], 4)
    seen_first = set(runs[1])
    new = next(iter(names - seen_first))
    (tmp_path / new).unlink()  # before the look comes to it
    runs += [[name_in(entry) for entry in run] for run in look]
    assert len([run for run in runs if run]) == 3
    assert all(run == sorted(run, reverse=True) for run in runs)
    assert sorted(name for run in runs for name in run) == sorted(names - {new})


@pytest.mark.usefixtures("in_small_steps")
def test_nothing_is_said_to_come_after_the_last_files(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename", order="name")
    for name in "abcd":
        place.put(name)
    assert [len(run) for run in place.scanner.look(Scan())] == [0, 4]
    for name in "cd":
        (tmp_path / name).unlink()
    assert [len(run) for run in place.scanner.look(Scan())] == [2]


@pytest.mark.usefixtures("in_small_steps")
def test_a_folder_with_many_files_is_not_taken_for_empty(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename")
    for name in "abcd":
        place.put(name)
    os.utime(tmp_path, (LONG_AGO, LONG_AGO))
    place.scan_after()
    assert not place.scanner.is_still_empty()
