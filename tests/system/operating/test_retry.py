"""`--retry`: failed files that go back to work, and those that cannot."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.programs.operating import FAILS_ON_BAD, REPAIRED, counts, process, said, status
from tests.support.programs.running import (
    Watching,
    drop,
    own_processor,
    report,
    run,
    spooled,
)


def test_a_failed_file_is_retried_after_its_processor_was_repaired(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD)
    for name in ("x.log", "y\n.log", os.fsdecode(b"z\xff.log")):
        drop(tmp_path, name, b"bad\n")
    drop(tmp_path, "good.log", b"good\n")
    assert process(tmp_path).status == 1
    assert report(tmp_path, "x.log")["reason"].startswith("ValueError: cannot digest bad (own.py:")
    (tmp_path / "own.py").write_text(REPAIRED)
    with Watching(tmp_path) as watching:
        assert said(run(tmp_path, "--retry", "x.log")) == "x.log: put back into unprocessed/"
        watching.wait_for("processed/x.log")
        told = said(run(tmp_path, "--retry", "--all")).splitlines()
        assert told == [f"{name}: put back into unprocessed/" for name in ("y\\n.log", "z\\xff.log")]
        watching.wait_for("processed/y\n.log", os.fsdecode(b"processed/z\xff.log"))
        assert said(run(tmp_path, "--retry", "--all")) == "there are no failed files"
    found = spooled(tmp_path)
    assert [path for path in found if path.startswith("failed/")] == []
    assert (found["results/x.log"], found["results/good.log"]) == (b"BAD\n", b"good\n")
    assert status(tmp_path)["counts"] == counts(0, 0, 4, 0)


def test_a_retry_that_cannot_be_does_not_stop_the_others(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD)
    for name in ("x.log", "y.log"):
        drop(tmp_path, name, b"bad\n")
    process(tmp_path)
    drop(tmp_path, "x.log", b"a later one\n")
    before = spooled(tmp_path)
    ended = run(
        tmp_path, "--retry", "x.log", "gone", "elsewhere/z", "unprocessed/x.log", "watch_dir/failed/y.log"
    )
    assert (ended.status, ended.err) == (1, "")
    stray, *lines = ended.out.decode().splitlines()
    assert stray.startswith("elsewhere/z: is in none of the folders of inputs")
    assert lines == [
        "unprocessed/x.log: --retry is for files in failed/ and processed/",
        "x.log: a file of that name is in unprocessed/ already; wait until it is done",
        "gone: there is no such input in failed/",
        "y.log: put back into unprocessed/",
    ]
    del before["failed/y.log.error.json"]
    before["unprocessed/y.log"] = before.pop("failed/y.log")
    assert spooled(tmp_path) == before


def test_all_that_is_in_failed_may_be_named(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD, on_error="reject")
    drop(tmp_path, "x.log", b"good\nbad\n")
    process(tmp_path)
    run(tmp_path, "--retry", "watch_dir/failed/x.log.rejected.jsonl")
    assert os.listdir(tmp_path / "watch_dir/failed") == ["x.log.rejected.jsonl"]
