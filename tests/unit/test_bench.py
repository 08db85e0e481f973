"""How programs are compared: in pairs, and only if they do the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bench.measure import Program, ProgramError, paired_ratio
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
