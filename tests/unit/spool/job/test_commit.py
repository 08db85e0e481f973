"""Commit records and notes about attempts that fproc did not write, or not this version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import LostClaimError
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.decision import TEXT_VERSION, read_kept
from tests.support.spool.claims import Place, commit, owned

STAMP = {"inode": 1, "size_bytes": 1, "mtime_ns": 1}


MOVE = {
    "part": "underprocess/x",
    "folder": "processed",
    "name": "x",
    "number": 1,
    "extra": "",
    "replaces": False,
}


RECORD: dict[str, Any] = {"version": 1, "stamp": STAMP, "publications": [], "archive": MOVE}


FOREIGN: list[Any] = [
    {**RECORD, "archive": {**MOVE, "part": 5}},
    {**RECORD, "archive": {**MOVE, "number": True}},
    {**RECORD, "archive": {"part": "x"}},
    {**RECORD, "stamp": {**STAMP, "inode": "1"}},
    {**RECORD, "stamp": {**STAMP, "more": 1}},
    {**RECORD, "publications": [7]},
    {**RECORD, "publications": None},
    [],
    {},
    None,
]


@pytest.mark.parametrize("record", FOREIGN, ids=range(len(FOREIGN)))
def test_a_commit_record_that_fproc_cannot_have_written_decides_nothing(record: Any, tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("underprocess/x")
    place.put(".fproc/jobs/x/commit.json", json.dumps(record))
    commit(owned(place.spool.adopt("x")))
    assert place.look()["results"] == {"x": "A\n"}
    assert place.look()["litter"] == []


def test_a_record_that_is_kept_under_the_name_of_another_input_says_nothing(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).write_text(json.dumps(RECORD))
    assert read_kept(str(tmp_path), "x") is not None
    assert read_kept(str(tmp_path), "y") is None


def test_a_commit_record_of_another_version_is_left_for_that_version(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("underprocess/x")
    place.put(".fproc/jobs/x/commit.json", json.dumps({**RECORD, "version": TEXT_VERSION + 1}))
    with pytest.raises(OSError, match="another version of fproc"):
        place.spool.adopt("x")
    assert place.has("underprocess/x")
    assert place.has(".fproc/jobs/x/commit.json")


@pytest.mark.parametrize(
    "state", ['{"attempts": Infinity, "not_before": 0}', '{"attempts": 1}', "[]", "torn"]
)
def test_a_note_about_attempts_that_makes_no_sense_is_forgotten(state: str, tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("underprocess/x")
    place.put(".fproc/jobs/x/attempts.json", state)
    assert owned(place.spool.adopt("x")).attempts == 0


def test_a_file_never_waits_for_ever(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("underprocess/x")
    place.put(".fproc/jobs/x/attempts.json", '{"attempts": 2, "not_before": Infinity}')
    taken = place.spool.adopt("x")
    assert not isinstance(taken, NotYet)
    assert owned(taken).attempts == 2


def test_a_late_owner_sets_no_line_aside_in_its_successor_s_name(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("unprocessed/x")
    late = owned(place.spool.claim("x"))
    shutil.rmtree(place.folder / ".fproc" / "jobs" / "x")
    successor = owned(place.instance().adopt("x"))
    successor.reject(b'{"by": "successor"}\n')
    with pytest.raises(LostClaimError, match="its job folder was removed"):
        late.reject(b'{"by": "late owner"}\n')
    commit(successor)
    assert place.look()["failed"] == {"x.rejected.jsonl": '{"by": "successor"}\n'}
