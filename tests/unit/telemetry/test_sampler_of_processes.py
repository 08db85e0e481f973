"""What is shown of lines while they are worked on, by one process or several."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from fproc.config.keys import parse_config
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.chunked.helpers import Helpers
from fproc.run.failures import MOST_NOTED
from fproc.run.figures import Figures
from fproc.run.reading.inputs import open_input
from fproc.run.run import run_input
from fproc.spool.disk.disk import Disk
from fproc.spool.output.parts import Staging
from fproc.spool.spool import Spool
from fproc.telemetry.sampler import TraceSampler
from fproc.watch.workers.messages import Setup, Task, Why
from fproc.watch.workers.pool import Pool
from tests.support.programs.running import wait_until
from tests.support.traced import FIELDS, SIEVE, UP, Bench, plain


def test_what_is_known_between_two_lines_is_told_meanwhile(bench: Bench) -> None:
    plan = bench.plan(SIEVE, UP)
    told: list[int] = []
    watching = TraceSampler(plan)
    path = bench.folder / "in.log"
    path.write_bytes(b"a\n" * 5000)
    given = open_input(str(path), in_spool=True)
    output = Staging(Disk(power=False), lambda: str(bench.folder), "p-")
    try:
        run_input(
            plan, given, output, Figures(), reject=print, observer=watching,
            progress=lambda _position, _lines, _rejected, _skipped: told.append(len(watching.so_far())),
        )  # fmt: skip
    finally:
        given.close()
        output.close()
    assert set(told) == {3}
    assert watching.so_far() == ()


def test_the_first_lines_of_a_file_that_several_processes_do_are_traced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fproc.run.run.LEAST_BYTES", 0)
    monkeypatch.setattr("fproc.run.chunked.chunks.CHUNK_BYTES", 40)
    plan = bench.plan(SIEVE, FIELDS | {"tag": "up"}, on_error="reject")
    lines = ["a b" if number % 5 else "short" for number in range(200)]
    alone = bench.run(plan, *lines)
    begun: list[int] = []
    work = Helpers.work

    def noted(self: Helpers, begin: int, size_bytes: int) -> Any:
        begun.append(begin)
        return work(self, begin, size_bytes)

    monkeypatch.setattr(Helpers, "work", noted)
    name = "shared.log"
    spool = Spool(plan.config, disk=Disk(power=False))
    Path(spool.folders.unprocessed, name).write_text("".join(f"{line}\n" for line in lines))
    claim = spool.claim(name)
    assert claim is not None
    shared = attempt.process_claim(claim, plan, RunContext(observer=TraceSampler(plan), helpers=1))
    assert begun == [len("short\na b\na b\n")]
    assert plain(list(shared.figures.traces))[:3] == plain(list(alone.figures.traces))[:3]
    assert shared.figures.line_errors == alone.figures.line_errors
    assert [one.line_no for one in shared.figures.line_errors] == [*range(1, 5 * MOST_NOTED, 5)]
    results = [
        Path(plan.config.results_dir, *outcome.event.results[:1]).read_bytes() for outcome in (alone, shared)
    ]
    assert results[0] == results[1]


SLOW = """
import os, time
def step(line):
    if not os.path.exists("go"):
        time.sleep(0.01)
    if line == "bad":
        raise ValueError("bad line")
    return line
"""


def test_a_worker_tells_of_traces_while_a_file_is_worked_on_and_of_all_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_slow.py").write_text(SLOW)
    node = {"tag": "start", "type": "own_slow.step", "next": "end"}
    value = {"nodes": [node], "on_error": "skip", "durability": "process", "intake": {"ready": "rename"}}
    config, problems = parse_config(value, folder=str(tmp_path))
    assert config
    assert not problems
    spool = Spool(config)
    lines = ["a", "bad", *["slow until it may go"] * 2998, "bad", "b"]
    Path(spool.folders.unprocessed, "x.log").write_text("".join(f"{line}\n" for line in lines))
    pool = Pool(Setup(config, nothing, nothing, [str(tmp_path), *sys.path]), 1)
    reports: list[Any] = []

    def has_reported() -> bool:
        reports.extend(pool.collect())
        return bool(reports)

    try:
        pool.submit(Task("x.log", Why.NEW))
        wait_until(lambda: has_reported() or bool(pool.running()["x.log"].traces))
        shown = plain(list(pool.running()["x.log"].traces))
        Path("go").touch()
        wait_until(has_reported)
    finally:
        pool.stop()
    figures = reports[0].value.figures
    assert [(one.line_no, one.outcome.partition(" (")[0]) for one in figures.traces] == [
        (1, "written"),
        (2, "skipped: ValueError: bad line"),
        (3, "written"),
        (3001, "skipped: ValueError: bad line"),
    ]
    assert shown == plain(list(figures.traces))[:3]
    assert [error.line_no for error in figures.line_errors] == [2, 3001]


def nothing() -> None:
    """Sets up no log, and makes no tracer."""
