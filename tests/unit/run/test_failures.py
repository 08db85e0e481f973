"""Lines that are left out, in the log: the first ones one by one, then a count, and never a flood."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.run import failures
from fproc.run.failures import MOST_SAID, SAID_SECONDS, FailureHandler, log_end
from fproc.run.figures import Figures
from fproc.run.reading.inputs import open_input
from fproc.run.run import Keeper, run_input
from fproc.spool.disk.disk import Disk
from fproc.spool.job.checkpoint import Position
from fproc.spool.output.parts import Staging
from tests.support.helpers import line_failure, plan_of, user

BAD_NODES: list[dict[str, Any]] = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]


class Bench:
    """Runs inputs in one folder, and reads the log."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self._caplog = caplog
        self._runs = 0

    def run(
        self,
        plan: Plan,
        data: bytes,
        *,
        helpers: int = 0,
        begin_at: Position | None = None,
        keep: Keeper | None = None,
    ) -> Figures:
        self._runs += 1
        parts = self.folder / f"parts-{self._runs}"
        parts.mkdir()
        path = self.folder / "x.log"
        path.write_bytes(data)
        output, figures = Staging(Disk(power=False), lambda: str(parts), "p-"), Figures()
        if begin_at:
            output.sent = begin_at.engine["counts"]["end"][0]
        given = open_input(str(path), in_spool=True)
        try:
            run_input(
                plan, given, output, figures, reject=lambda _line: None, helpers=helpers, begin_at=begin_at,
                keep=keep,
            )  # fmt: skip
        finally:
            given.close()
            output.close()
        return figures

    def said(self) -> list[str]:
        """What the log has warned of since the last call."""
        found = [record.getMessage() for record in self._caplog.records if record.levelno >= logging.WARNING]
        self._caplog.clear()
        return found


@pytest.fixture
def bench(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.INFO)
    return Bench(tmp_path, caplog)


@pytest.mark.parametrize(("on_error", "fate"), [("skip", "skipped"), ("reject", "rejected")])
@pytest.mark.parametrize("helpers", [0, 1])
def test_the_first_lines_that_are_left_out_are_named_with_file_line_node_and_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, on_error: str, fate: str, helpers: int
) -> None:
    monkeypatch.setattr("fproc.run.run.LEAST_BYTES", 0)
    monkeypatch.setattr("fproc.run.chunked.chunks.CHUNK_BYTES", 100)
    plan = plan_of(BAD_NODES, on_error=on_error)
    figures = bench.run(plan, b"good\nbad\n" * 1000, helpers=helpers)
    assert (failures.lost(figures), figures.lines_lost) == (1000, 1000)
    said = bench.said()
    assert len(said) == MOST_SAID
    assert said[0].startswith(f"x.log: {fate}: line 2, node 'start': ValueError: cannot digest 'bad' (user_")
    assert [int(text.partition(" line ")[2].partition(",")[0]) for text in said] == [*range(2, 42, 2)]


def test_after_the_first_lines_the_log_has_a_count_once_a_minute(bench: Bench) -> None:
    now = [0.0]
    plan = plan_of(BAD_NODES, on_error="skip")
    source = Source("x.log", "")
    figures = Figures()
    kept = FailureHandler(
        figures, lambda _line: None, file="x.log", observer=None, plan=plan, source=source, entry="start",
        monotonic=lambda: now[0],
    )  # fmt: skip
    for number in range(1, 3001):
        kept.take(line_failure("skipped" if number % 3 else "rejected", "start", number, "bad", "no"))
        now[0] += SAID_SECONDS / 1000
    said = bench.said()[MOST_SAID:]
    assert said == [
        "x.log: 340 rejected, 681 skipped up to line 1021",
        "x.log: 673 rejected, 1348 skipped up to line 2021",
    ]


def test_a_file_that_goes_on_from_a_checkpoint_names_no_line_twice(bench: Bench) -> None:
    plan = plan_of(BAD_NODES, on_error="skip", limits={"max_hops": 7})
    data = b"bad\n" * 1000
    places: list[Position] = []
    whole = bench.run(plan, data, keep=lambda offset_bytes, get_position: places.append(get_position()))
    bench.said()
    early = next(place for place in places if 0 < place.skipped < MOST_SAID)
    late = places[-1]
    assert late.skipped > MOST_SAID
    for place, left in ((early, MOST_SAID - early.skipped), (late, 0)):
        again = bench.run(plan, data, begin_at=place)
        assert (again.skipped, again.lines_lost) == (whole.skipped, whole.lines_lost) == (1000, 1000)
        assert len(bench.said()) == left


def test_a_huge_reason_does_not_fill_the_log(bench: Bench) -> None:
    bench.run(plan_of(BAD_NODES, on_error="skip"), b"bad" + b"x" * 500_000 + b"\n")
    assert [len(text) < 2000 for text in bench.said()] == [True]


def done(bench: Bench, caplog: pytest.LogCaptureFixture, **counts: Any) -> list[tuple[str, str]]:
    log_end(logging.getLogger("fproc.watch"), "x\n.log", Figures(**counts), 0.25, "x.log")
    found = [(record.levelname, record.getMessage()) for record in caplog.records]
    bench.said()
    return found


def test_the_end_of_a_file_is_loud_if_lines_were_left_out(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    assert done(bench, caplog, lines_in=100, lines_out=100) == [
        ("INFO", "x\\n.log: 100 lines in, 100 out, 0.250 s -> x.log")
    ]
    assert done(bench, caplog, lines_in=100, lines_out=90, rejected=10, lines_lost=10) == [
        ("WARNING", "x\\n.log: 100 lines in, 90 out, 10 rejected, 0.250 s -> x.log")
    ]
    assert done(bench, caplog, lines_in=100, lines_out=88, rejected=10, skipped=2, lines_lost=12) == [
        ("WARNING", "x\\n.log: 100 lines in, 88 out, 10 rejected, 2 skipped, 0.250 s -> x.log")
    ]


def test_a_file_whose_every_line_was_left_out_is_said_in_words_of_its_own(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    _, (level, text) = done(bench, caplog, lines_in=3, rejected=2, skipped=1, lines_lost=3)
    assert (level, text) == (
        "WARNING",
        "x\\n.log: every one of its lines was rejected or skipped (2 rejected, 1 skipped)",
    )
    assert len(done(bench, caplog, lines_in=3, lines_out=3, rejected=3, lines_lost=2)) == 1
    assert len(done(bench, caplog)) == 1


def test_a_line_that_fails_in_two_branches_is_one_line(bench: Bench) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "trim", "next": ["a", "b"]},
        {"tag": "a", "type": user("reject_bad"), "next": "end"},
        {"tag": "b", "type": user("reject_bad"), "next": "end"},
    ]
    figures = bench.run(plan_of(nodes), b"bad\ngood\n")
    assert (figures.rejected, figures.lines_lost, figures.lines_out) == (2, 1, 2)
