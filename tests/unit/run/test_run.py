"""One run is never published unless every line is accounted for."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ConservationError, FprocError
from fproc.config.input_format import InputRules
from fproc.pipeline.interpreter import Interpreter
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.figures import Figures
from fproc.run.outcome import Outcome
from fproc.run.reading.inputs import Input, open_input
from fproc.run.run import check_bytes, run_input
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.output.parts import Staging
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import look

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "trim", "next": ["number", "copy"]},
    {"tag": "number", "type": "count", "next": {"start": "end"}},
    {"tag": "copy", "type": "write", "config": {"file": "copy"}},
]


LINES = b"".join(b"%d\n" % number for number in range(100))


class Site:
    """A spool with one file, which is run in this process while someone meddles with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: list[dict[str, Any]] = NODES
        self.config: dict[str, Any] = {"on_error": "reject"}
        self.name = "x.log"

    def run(self, **around: Any) -> Outcome:
        plan = plan_of(self.nodes, watch_dir=str(self.folder), intake={"ready": "rename"}, **self.config)
        spool = Spool(plan.config, disk=Disk(power=False))
        Path(spool.folders.unprocessed, self.name).write_bytes(LINES)
        claim = spool.claim(self.name)
        assert claim is not None
        return attempt.process_claim(claim, plan, RunContext(**around))

    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("results/.stage/*/*"))

    def check_failed(self, outcome: Outcome, reason: str) -> None:
        found = look(str(self.folder))
        assert (outcome.verdict, reason in outcome.event.error) == (Verdict.FAIL, True), outcome
        assert (found["results"], found["litter"], found["processed"]) == ({}, [], {})
        assert reason in found["failed"][f"{self.name}.error.json"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "w")


def test_a_file_of_which_everything_arrived_is_published(site: Site) -> None:
    assert site.run().verdict is Verdict.COMMIT
    assert sorted(look(str(site.folder))["results"]) == ["copy", "x.log"]


def test_lines_that_a_sink_drops_are_accounted_for(site: Site) -> None:
    by_key = {"tag": "by_key", "type": "write", "config": {"file": "{id}", "otherwise": "drop"}}
    site.nodes = [{"tag": "start", "type": "trim", "next": ["by_key", "end"]}, by_key]
    outcome = site.run()
    assert (outcome.verdict, outcome.event.lines_out) == (Verdict.COMMIT, 100)
    assert sorted(look(str(site.folder))["results"]) == ["x.log"]


@pytest.mark.parametrize(("times", "written"), [(0, 199), (2, 201)])
def test_an_output_that_loses_or_doubles_a_line_fails_the_file(
    site: Site, times: int, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = Staging.flush

    def meddle(self: Staging) -> None:
        held = self.lines("copy")
        held[:] = [line for line in held for _ in range(times if line == "57" else 1)]
        flush(self)

    monkeypatch.setattr(Staging, "flush", meddle)
    reason = f"lines that sinks took, and lines in results: 200 and {written} do not agree; nothing of it"
    site.check_failed(site.run(), reason)


def change_counts(name: str, field: str, by: int) -> Callable[[Interpreter], None]:
    def change(run: Interpreter) -> None:
        setattr(run.counts[name], field, getattr(run.counts[name], field) + by)

    return change


def change_edge(run: Interpreter) -> None:
    run.edges["start", "number"] -= 1


def change_lines_in(run: Interpreter) -> None:
    run.lines_in += 1


TAMPERED = {
    "a record came from nowhere": (
        change_counts("number", "received", 1),
        "came to the node 'number': 101 and 100",
    ),
    "a record never came": (
        change_counts("end", "received", -1),
        "records that came to the node 'end': 99 and 100",
    ),
    "a line was never pushed": (
        change_counts("start", "received", -1),
        "came to the node 'start': 99 and 100",
    ),
    "a line was read twice": (change_lines_in, "came to the node 'start': 100 and 101"),
    "an edge forgot one": (change_edge, "came to the node 'number': 100 and 99"),
    "a failure was not set aside": (change_counts("start", "failed", 1), "set aside or skipped: 1 and 0"),
}


@pytest.mark.parametrize(("tamper", "reason"), TAMPERED.values(), ids=TAMPERED.keys())
def test_counts_that_do_not_agree_fail_the_file(
    site: Site, tamper: Callable[[Interpreter], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Interpreter.finish

    def meddle(self: Interpreter, *arguments: Any) -> None:
        finish(self, *arguments)
        tamper(self)

    monkeypatch.setattr(Interpreter, "finish", meddle)
    site.check_failed(site.run(), reason)


def append(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"mine\n")


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def exchange(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def meddler(
    site: Site, meddle: Callable[[Path], None], at_line: int = 50
) -> Callable[[int, int, int, int], None]:
    """Return a call that meddles with the first part, once `at_line` lines are done and all is written."""
    left = [1]

    def tell(_position: int, lines: int, _rejected: int, _skipped: int) -> None:
        if lines >= at_line and left and site.parts():
            left.clear()
            meddle(site.parts()[0])

    return tell


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines come one by one, and are written at once."""
    monkeypatch.setattr("fproc.run.pieces.PIECE_SECONDS", -1.0)
    monkeypatch.setattr("fproc.spool.output.parts.HELD_CHARACTERS", 0)


CHANGED = "someone else has changed or removed the part of"


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("seconds", [1e-9, 1000])
@pytest.mark.parametrize("meddle", [append, shorten])
def test_a_part_that_someone_else_has_changed_fails_the_file(
    site: Site, meddle: Callable[[Path], None], seconds: float
) -> None:
    site.config["checkpoint"] = {"seconds": seconds}
    site.check_failed(site.run(progress=meddler(site, meddle)), CHANGED)


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("meddle", [append, shorten])
def test_a_part_that_was_changed_once_it_was_durable_fails_the_file(
    site: Site, meddle: Callable[[Path], None]
) -> None:
    rules = {"rules": {"early": "^[0-9]$"}, "default": "late"}
    site.nodes = [
        {"tag": "start", "type": "tag", "config": rules, "next": {"early": "copy", "late": "end"}},
        NODES[2],
    ]
    site.config["checkpoint"] = {"seconds": 1e-9}
    site.check_failed(site.run(progress=meddler(site, meddle)), CHANGED)


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("meddle", [Path.unlink, exchange])
def test_a_part_that_someone_else_has_taken_away_fails_the_file(
    site: Site, meddle: Callable[[Path], None]
) -> None:
    site.check_failed(site.run(progress=meddler(site, meddle)), CHANGED)


@pytest.mark.parametrize("size_bytes", [0, 1, 100, len(LINES) - 1])
def test_a_file_that_was_not_read_to_its_last_byte_fails(
    site: Site, size_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_whole = open_input

    def open_part(path: str, *, in_spool: bool) -> Input:
        given = open_whole(path, in_spool=in_spool)
        read, left = given.read, [size_bytes]

        def read_less(count: int) -> bytes:
            data = read(min(count, left[0]))
            left[0] -= len(data)
            return data

        monkeypatch.setattr(given, "read", read_less)
        return given

    monkeypatch.setattr(attempt, "open_input", open_part)
    reason = f"bytes of the file, and bytes that were read: {len(LINES)} and {size_bytes} do not agree"
    site.check_failed(site.run(), reason)


@pytest.mark.parametrize("name", ["x.log", "x.gz"])
def test_only_bytes_that_are_lines_themselves_are_counted(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES) if name == "x.gz" else LINES)
    given = open_input(str(path), in_spool=True)
    given.begin(InputRules())
    if name == "x.gz":
        check_bytes(given)
    else:
        with pytest.raises(ConservationError, match=f"{len(LINES)} and 0 do not agree"):
            check_bytes(given)
    given.close()


def test_a_run_that_failed_tells_how_far_it_came_and_closes_its_processors(tmp_path: Path) -> None:
    nodes = [{"tag": "start", "type": "user_processors.fail_on_bad", "next": "end"}]
    (tmp_path / "x").write_bytes(b"a\nb\nbad\nc\n")
    given, figures = open_input(str(tmp_path / "x"), in_spool=True), Figures()
    staging = Staging(Disk(power=False), lambda: str(tmp_path), "job-")
    with pytest.raises(FprocError, match="line 3, node 'start'"):
        run_input(plan_of(nodes), given, staging, figures, reject=lambda _line: None)
    given.close()
    assert (figures.lines_in, figures.lines_out, figures.nodes["start"].failed) == (3, 2, 1)
    assert figures.edges == {("start", "end"): 2}
    staging.discard()
