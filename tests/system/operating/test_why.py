"""`--why`: where a file is, how it got there, and what happened before."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.programs.operating import (
    FAILS_ON_BAD,
    REPAIRED,
    TIME,
    process,
    status,
    told,
    whole_why,
    why,
)
from tests.support.programs.running import (
    QUICK,
    configure,
    drop,
    own_processor,
    run,
)


def test_why_tells_of_a_file_wherever_it_is(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD, intake={**QUICK, "ready": "auto", "settle_seconds": 0})
    for text in (b"good\n", b"good\n", b"well\nbad\n"):
        drop(tmp_path, "x.log", text)
        process(tmp_path)
    own_processor(tmp_path, FAILS_ON_BAD, intake={**QUICK, "ready": "auto", "settle_seconds": 3600})
    drop(tmp_path, "x.log", b"new\n")
    expected = [
        r"unprocessed/x\.log: \d+\.\d of 3600 s settled",
        rf"processed/x\.log: processed at {TIME}",
        rf"processed/x~2\.log: processed at {TIME}",
        r"failed/x\.log: failed: ValueError: .* bad \(own\.py:\d+\) \(1 attempt, node start, line 2\)",
    ]
    assert re.fullmatch("\n".join(expected), why(tmp_path, "x.log"))
    by_place = {
        "watch_dir/unprocessed/x.log": expected[0],
        "unprocessed/x.log": expected[0],
        "./watch_dir/processed/x.log": expected[1],
        "processed/x~2.log": expected[2],
        str(tmp_path / "watch_dir/failed/x.log"): expected[3],
        "failed/../failed/x.log": expected[3],
    }
    for given, wanted in by_place.items():
        assert re.fullmatch(wanted, why(tmp_path, given)), given


def test_why_of_a_path_that_is_none_of_an_input_says_so(tmp_path: Path) -> None:
    drop(tmp_path, "x.log", b"a\n")
    (tmp_path / "x.log").touch()
    for given in ("./x.log", "watch_dir/results/x.log", "watch_dir/x.log", "/x.log", "unprocessed/in/x.log"):
        ended = run(tmp_path, "--why", given)
        assert (ended.status, ended.out, len(ended.lines)) == (1, b"", 1), given
        assert f"{given}: is in none of the folders of inputs of {tmp_path}/watch_dir" in ended.err
        assert f"drop it into {tmp_path}/watch_dir/unprocessed" in ended.err


def test_why_of_a_path_says_where_else_the_file_is(tmp_path: Path) -> None:
    configure(tmp_path)
    drop(tmp_path, "x.log", b"a\n")
    ended = run(tmp_path, "--why", "failed/x.log")
    assert (ended.status, ended.out) == (1, b"")
    assert f"x.log: no such file in {tmp_path}/watch_dir/failed; there is unprocessed/x.log" in ended.err


def test_why_and_status_know_what_happened_before(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD)
    drop(tmp_path, "x.log", b"bad\n")
    process(tmp_path)
    (tmp_path / "own.py").write_text(REPAIRED)
    run(tmp_path, "--retry", "x.log")
    process(tmp_path)
    failed, processed = whole_why(tmp_path, "x.log").splitlines()[1:]
    assert re.fullmatch(
        rf"  {TIME} failed, attempt 1: line 1, node 'start': ValueError: cannot digest bad \(own\.py:\d+\)",
        failed,
    )
    assert re.fullmatch(rf"  {TIME} processed, attempt 1", processed)
    totals = status(tmp_path)["totals"]
    assert (totals["files_processed"], totals["files_failed"]) == (1, 1)
    assert "so far: files_processed 1  files_failed 1" in told(tmp_path, exit_status=1)


def test_why_of_an_unknown_file_suggests_another_and_ends_with_1(tmp_path: Path) -> None:
    drop(tmp_path, "orders.csv", b"a\n")
    for name, hint in (("order.csv", "; did you mean 'orders.csv'?"), ("quite another", "")):
        ended = run(tmp_path, "--why", name)
        assert (ended.status, ended.out) == (1, b"")
        assert ended.err == f"fproc: {name}: no such file in {tmp_path}/watch_dir{hint}\n"
