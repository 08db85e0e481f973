"""How programs are compared: in pairs, and only if they do the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bench import measure
from bench.measure import Comparison, Goal, Program, ProgramError, compare, paired_ratio
from bench.scratch import Scratch


def writing(name: str, text: str, work: str = ":") -> Program:
    return Program(name, lambda folder: ["sh", "-c", f"{work}; echo {text} > {folder}/result"])


BUSY = "n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done"


def test_a_program_that_works_more_has_the_greater_share(tmp_path: Path) -> None:
    with closing(Scratch(tmp_path / "bench", 0.0)) as scratch:
        assert paired_ratio(writing("busy", "a", BUSY), writing("idle", "a"), 1, scratch) > 1


def test_programs_that_write_something_else_are_not_compared(tmp_path: Path) -> None:
    with (
        closing(Scratch(tmp_path / "bench", 0.0)) as scratch,
        pytest.raises(ProgramError, match="one and other wrote different results"),
    ):
        paired_ratio(writing("one", "a"), writing("other", "b"), 1, scratch)


def wall_verdict(scratch: Scratch, others: Sequence[float], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the note about a goal by the clock, where the processors' counters are these."""
    busy = iter(others)
    monkeypatch.setattr(measure, "busy_seconds", lambda: next(busy))
    programs = [writing("one", "a"), writing("other", "a")]
    comparison = Comparison("two", programs, [Goal("one", 1000.0, "other", by_wall=True)])
    return compare(comparison, 1, scratch, lambda _: None).notes[0]


def test_times_by_the_clock_are_judged_on_a_quiet_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Scratch(tmp_path / "bench", 0.0)) as scratch:
        assert wall_verdict(scratch, [0.0] * 6, monkeypatch).endswith("(goal at most 1000: met)")


def test_times_by_the_clock_are_not_judged_where_others_used_the_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Scratch(tmp_path / "bench", 0.0)) as scratch:
        note = wall_verdict(scratch, [0.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0], monkeypatch)
    assert "not judged: others used" in note
