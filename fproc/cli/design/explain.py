"""`--explain`: what became of one line, or of each line of standard input, step by step."""

from __future__ import annotations

import json
import os
from contextlib import closing

from fproc.base.errors import InputError, UsageError
from fproc.base.stdout import say
from fproc.base.text import shown
from fproc.pipeline.plan import Plan
from fproc.pipeline.tracing.steps import Explanation
from fproc.run.explain import explain_all, explain_line
from fproc.run.reading.inputs import open_input, standard_input
from fproc.spool.layout import Folders
from fproc.telemetry.printer import StepPrinter, way_text

STANDARD = "-"
"""Standard input."""


def print_explanations(plan: Plan, asked: str, *, as_json: bool) -> None:
    """Print what becomes of `FILE:LINE`, or of each line of standard input for `-`.

    Raises:
        UsageError: that is neither.
        FprocError: there is no such line, or the file cannot be read.
    """

    def tell(explanation: Explanation) -> None:
        say(json.dumps(explanation.as_json()) if as_json else way_text(explanation))

    if asked == STANDARD:
        printer = StepPrinter(tell)
        with closing(standard_input()) as source_file:
            explain_all(plan, source_file, printer)
    else:
        path, line_no = _asked(asked)
        printer = StepPrinter(tell, first_lines=0)
        with closing(open_input(_found(plan, path), in_spool=False)) as source_file:
            explain_line(plan, source_file, line_no, printer)
    printer.close()


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
    for folder in (*folders.inputs(), folders.watch):
        candidate = os.path.join(folder, path)
        if os.path.isfile(candidate):
            return candidate
    raise InputError(f"{shown(path)}: no such file, here or in {shown(folders.watch)}")
