"""Lines that are rejected or skipped: nothing of that stays unsaid, wherever somebody looks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import Ended, drop, own_processor, run

INVERTS = "def step(line):\n    return str(1 / int(line))\n"
REJECTS = "import fproc\n\ndef step(line):\n    raise fproc.Reject('never good enough')\n"


def process(folder: Path, *options: str) -> Ended:
    return run(folder, "--watch", "--drain", "--no-dashboard", *options)


def test_a_line_that_fails_is_named_with_its_file_while_several_are_worked_on(tmp_path: Path) -> None:
    own_processor(tmp_path, INVERTS, on_error="skip")
    for name in ("a.txt", "b.txt"):
        drop(tmp_path, name, b"1\n0\n2\n")
    ended = process(tmp_path)
    assert ended.status == 0
    for name in ("a.txt", "b.txt"):
        assert f"WARNING {name}: skipped: line 2, node 'start': ZeroDivisionError" in ended.err
        assert re.search(rf"WARNING {name}: 3 lines in, 2 out, 1 skipped, ", ended.err)
    assert "(own.py:2)" in ended.err


@pytest.mark.parametrize("on_error", ["skip", "reject"])
def test_very_many_bad_lines_are_some_twenty_in_the_log(tmp_path: Path, on_error: str) -> None:
    own_processor(tmp_path, INVERTS, on_error=on_error)
    drop(tmp_path, "bad.txt", b"0\n" * 10_000)
    ended = process(tmp_path)
    said = [line for line in ended.err.splitlines() if "bad.txt" in line]
    assert 21 <= len(said) <= 24
    fate = {"skip": "skipped", "reject": "rejected"}[on_error]
    assert f"bad.txt: 10000 lines in, 0 out, 10000 {fate}, " in ended.err
    assert "bad.txt: every one of its lines was rejected or skipped" in ended.err


def test_whoever_asks_about_a_file_hears_how_many_lines_it_has_lost(tmp_path: Path) -> None:
    own_processor(tmp_path, INVERTS, on_error="reject")
    drop(tmp_path, "x.log", b"1\n0\n2\nno number\n")
    process(tmp_path)
    why = run(tmp_path, "--why", "x.log").out.decode()
    rejects = r"2 lines rejected \(failed/x\.log\.rejected\.jsonl\)"
    assert re.search(rf"processed/x\.log: processed at \S+, {rejects}", why)
    assert re.search(r"\S+ processed, attempt 1, 2 rejected", why)
    status = json.loads(run(tmp_path, "--status", "--json").out)
    assert (status["totals"]["lines_rejected"], status["totals"]["lines_skipped"]) == (2, 0)
    assert "lines_rejected 2" in run(tmp_path, "--status").out.decode()


@pytest.mark.parametrize("extra", [(), ("--quiet",)])
def test_a_call_for_one_file_says_it_on_standard_error_and_succeeds(
    tmp_path: Path, extra: tuple[str, ...]
) -> None:
    own_processor(tmp_path, REJECTS)
    (tmp_path / "x.log").write_text("a\nb\n")
    ended = run(tmp_path, "--input", "x.log", "--output", "out/", *extra)
    assert ended.status == 0
    assert "x.log: rejected: line 1, node 'start': never good enough" in ended.err
    assert "x.log: 2 lines in, 0 out, 2 rejected, " in ended.err
    assert "x.log: every one of its lines was rejected or skipped (2 rejected)" in ended.err
    entries: list[dict[str, Any]] = [
        json.loads(line) for line in (tmp_path / "out/x.log.rejected.jsonl").read_text().splitlines()
    ]
    assert [(entry["line"], entry["given"]) for entry in entries] == [("a", "a"), ("b", "b")]


def test_too_many_fail_a_call_for_one_file_too(tmp_path: Path) -> None:
    own_processor(tmp_path, REJECTS, limits={"max_rejected": "50%"})
    (tmp_path / "x.log").write_text("a\nb\n")
    ended = run(tmp_path, "--input", "x.log", "--output", "out/")
    assert ended.status == 1
    assert "2 lines rejected or skipped, which is more than limits.max_rejected (50% of 2 lines)" in ended.err
    assert not (tmp_path / "out").exists()


def test_a_file_with_rejects_is_retried_by_name_after_its_pipeline_was_fixed(tmp_path: Path) -> None:
    own_processor(tmp_path, INVERTS, on_error="reject")
    drop(tmp_path, "x.log", b"1\n0\n2\n")
    process(tmp_path)
    assert run(tmp_path, "--retry", "--all").out == b"there are no failed files\n"
    (tmp_path / "own.py").write_text("def step(line):\n    return line\n")
    retried = run(tmp_path, "--retry", "watch_dir/processed/x.log")
    assert (retried.status, retried.out) == (0, b"x.log: put back into unprocessed/\n")
    process(tmp_path)
    watch_dir = tmp_path / "watch_dir"
    assert (watch_dir / "results/x.log").read_bytes() == b"1\n0\n2\n"
    assert [entry.name for entry in (watch_dir / "processed").iterdir()] == ["x.log"]
    assert not list((watch_dir / "failed").iterdir())
    assert [entry.name for entry in (watch_dir / "results").iterdir() if entry.is_file()] == ["x.log"]
