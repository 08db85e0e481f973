"""Records that fproc did not write, owners that come late, streams that broke: nothing is lost in silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ConfigError, InputError, LostClaimError
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.records import Block
from fproc.spool.job.commit import VERSION
from fproc.spool.job.job import NotYet
from tests.support.helpers import SOURCE, Memory, plan_of, run_lines, user
from tests.support.spool.dropping import LONG_AGO
from tests.support.spool.dropping import Place as Intake
from tests.unit.spool.test_spool import Place, commit, owned

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


def test_a_commit_record_of_another_version_is_left_for_that_version(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("underprocess/x")
    place.put(".fproc/jobs/x/commit.json", json.dumps({**RECORD, "version": VERSION + 1}))
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


def test_a_file_whose_marker_has_gone_again_is_not_claimed(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("unprocessed/x")
    assert place.instance(ready="marker").claim("x") is None
    assert place.has("unprocessed/x")
    assert place.jobs() == []


def run_of(nodes: list[dict[str, Any]], output: Memory, errors: list[RecordError]) -> Interpreter:
    return plan_of(nodes).run(SOURCE, output, entry="start", on_error=errors.append)


def test_a_stream_that_raised_fails_the_file_even_where_its_line_was_skipped() -> None:
    output, errors = Memory(), list[RecordError]()
    run = run_of(
        [{"tag": "start", "type": user("failing_stream"), "stream": True, "next": "end"}], output, errors
    )
    with pytest.raises(
        InputError, match="node 'start': its stream ended with an error and takes no more lines"
    ):
        run.feed(Block(["a", "bad", "c"], 1, 0, b""))
    assert [error.failure.line_no for error in errors] == [2]
    with pytest.raises(RecordError, match="its stream ended with an error"):
        run.finish()
    run.close()


def test_none_in_the_middle_of_finish_is_an_error_and_not_its_end() -> None:
    with pytest.raises(RecordError, match=r"yielded None \(NoneType\)"):
        run_lines(plan_of([{"tag": "start", "type": user("FinishesWithNone"), "next": "end"}]), "a")


@pytest.mark.parametrize(
    "raised", ["SystemExit(1)", "GeneratorExit()", "__import__('asyncio').CancelledError()"]
)
def test_a_module_may_raise_anything_while_it_is_imported(
    raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"raises_{abs(hash(raised))}"
    (tmp_path / f"{name}.py").write_text(f"raise {raised}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=f"importing '{name}' failed"):
        plan_of([{"tag": "start", "type": f"{name}.f", "next": "end"}])


def test_a_file_that_gets_an_old_time_while_it_settles_is_not_ready_for_that(tmp_path: Path) -> None:
    place = Intake(tmp_path, ready="auto", settle_seconds=5)
    place.put("x")
    assert place.scan_after().ready == []
    place.touch("x", LONG_AGO)
    assert place.scan_after(1).ready == []
    assert place.scan_after(5).ready == ["x"]


def test_ignored_names_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    place = Intake(tmp_path)
    place.put("half.tmp")
    place.scan_after()
    place.scan_after()
    assert [record.getMessage() for record in caplog.records] == [
        "half.tmp: its name is ignored (intake.ignore); it is left alone"
    ]
