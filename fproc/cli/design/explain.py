"""`--explain`: what became of one line, or of each line of standard input, step by step."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing

from fproc.base.errors import InputError, UsageError
from fproc.base.stdout import say
from fproc.base.text import shown
from fproc.pipeline.graph import DROP
from fproc.pipeline.plan import Plan
from fproc.run.explain import ExplainedStep, Explanation, StepCollector, explain_all, explain_line
from fproc.run.reading.inputs import open_input, standard_input
from fproc.spool.layout import Folders

STANDARD = "-"
"""Standard input."""


class _Printer(StepCollector):
    """Prints the way of each line once it is complete. An `Observer`, whose docstrings apply."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(None)
        self._as_json = as_json

    def begin(self, line_no: int | None, line: str) -> None:
        """Print the line before."""
        self.flush()
        super().begin(line_no, line)

    def flush(self) -> None:
        """Print what was collected of a line."""
        if self.steps:
            say_explanation(self.explanation(), as_json=self._as_json)
            self.steps = []


def print_explanations(plan: Plan, asked: str, *, as_json: bool) -> None:
    """Print what becomes of `FILE:LINE`, or of each line of standard input for `-`.

    Raises:
        UsageError: that is neither.
        FprocError: there is no such line, or the file cannot be read.
    """
    printer = _Printer(as_json=as_json)
    if asked == STANDARD:
        with closing(standard_input()) as source_file:
            explain_all(plan, source_file, printer)
    else:
        path, line_no = _asked(asked)
        printer.first_lines = 0
        with closing(open_input(_found(plan, path), in_spool=False)) as source_file:
            explain_line(plan, source_file, line_no, printer)
    printer.flush()


def say_explanation(explanation: Explanation, *, as_json: bool) -> None:
    """Print an explanation as text, or as a line of JSON."""
    if as_json:
        say(json.dumps(explanation.as_json()))
        return
    where = f"{shown(explanation.file)}:{explanation.line_no or 'end'}"
    say(f"{where}  {' | '.join(' -> '.join(route) for route in _routes(explanation.steps))}")
    for step in explanation.steps:
        say(f"    {step.node}: [{shown(step.tag)}] {shown(step.line)}")
        for outcome in _outcomes(step):
            say(f"        -> {outcome}")


def _routes(steps: tuple[ExplainedStep, ...]) -> Iterator[list[str]]:
    """Yield the ways through the graph, from the first node on, in the order of their ends."""
    route: list[str] = []
    for step in steps:
        if len(route) >= step.hops:
            yield route
        route = [*route[: step.hops - 1], step.node]
    yield route


def _outcomes(step: ExplainedStep) -> list[str]:
    if step.failure:
        return [step.failure]
    emitted = [f"[{shown(tag)}] {shown(line)}" for tag, line in step.emitted]
    return emitted or ["dropped" if step.node == DROP else "(ends here)"]


def _asked(asked: str) -> tuple[str, int]:
    path, _, number = asked.rpartition(":")
    if not path or not number.isdecimal() or not int(number):
        raise UsageError(f"--explain {shown(asked)}: must be FILE:LINE, such as app.log:812, or -")
    return path, int(number)


def _found(plan: Plan, path: str) -> str:
    """Return the path of an input, which may be the name of one in the watched folder.

    Raises:
        InputError: there is none.
    """
    if os.path.exists(path):
        return path
    folders = Folders(plan.config.watch_dir, plan.config.results_dir)
    candidates = [os.path.join(folder, path) for folder in folders.inputs()]
    candidates.append(os.path.join(folders.watch, path))
    for candidate in candidates:
        if os.path.isfile(candidate):
            return candidate
    raise InputError(f"{shown(path)}: no such file, here or in {shown(folders.watch)}")
