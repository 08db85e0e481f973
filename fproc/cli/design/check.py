"""`examples` in the configuration: a pipeline's own tests, run by `--check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from io import BytesIO

from fproc.base.errors import FprocError, Problem, reason_of
from fproc.base.text import shown
from fproc.config.input_format import LINES, Records
from fproc.config.model import Config
from fproc.pipeline.advice import fields_unknown_among
from fproc.pipeline.failures import LineFailure, RecordError, left_out
from fproc.pipeline.graph import END, START
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import STDOUT, Source
from fproc.pipeline.processors.objects import Misfit, decode
from fproc.pipeline.processors.options.result_names import APPENDED
from fproc.pipeline.processors.options.templates import ResultTemplate
from fproc.pipeline.processors.sinks import fill_result_name
from fproc.pipeline.records import Block, Overlong, Passing
from fproc.pipeline.tracing.observer import Observer
from fproc.pipeline.tracing.steps import ExplainedStep
from fproc.run.reading.framing import can_be_chunked, read_records
from fproc.telemetry.printer import StepPrinter

SOURCE = Source("example.txt", "1970-01-01")

DIFFERENCES = 4
"""How many lines a message about a difference shows."""


class _Results:
    """An `Output` in memory."""

    def __init__(self) -> None:
        self.results: dict[str, list[str]] = {}

    def write(self, result: str, line: str) -> None:
        self.lines(result).append(line)

    def print_line(self, line: str) -> None:
        self.write(STDOUT, line)

    def lines(self, result: str) -> list[str]:
        return self.results.setdefault(result.removeprefix(APPENDED), [])

    def printed(self) -> list[str]:
        return self.lines(STDOUT)

    def note(self, characters: int) -> None:
        pass


def failed_examples(plan: Plan) -> list[Problem]:
    """Return a problem for each difference between what the examples expect and what they get."""
    problems = []
    for index, example in enumerate(plan.config.examples):
        path = f"$.examples[{index}]"
        try:
            results = run_examples(plan, list(example.input))
        except FprocError as error:
            problems.append(Problem(path, f"failed: {reason_of(error)}"))
            continue
        expected = {_name(key): list(lines) for key, lines in example.expect.items()}
        differing = [
            Problem(f"{path}.expect", f"result {name!r} differs: {_difference(wanted, actual)}")
            for name in dict.fromkeys([*expected, *results])
            if (wanted := expected.get(name, [])) != (actual := results.get(name, []))
        ]
        if differing:
            received = _fields_received(plan, list(example.input))
            problems += fields_unknown_among(plan, received, "the records of the example")
        problems += differing
    return problems


def _fields_received(plan: Plan, lines: list[str]) -> dict[str, frozenset[str]]:
    """Return the fields that the records of an example have when they come to each node."""
    steps: list[ExplainedStep] = []
    observer = StepPrinter(lambda explanation: steps.extend(explanation.steps))
    run_examples(plan, lines, observer)
    observer.close()
    fields: dict[str, frozenset[str]] = {}
    for step in steps:
        try:
            fields[step.node] = fields.get(step.node, frozenset()).union(decode(step.line))
        except Misfit:
            continue  # a line of text has none
    return fields


def why_not_chunked(config: Config) -> list[str]:
    """Return which records cannot be found in the middle of a file, so that one worker reads all of it."""
    homes = [("$.input.records", config.input.records)]
    homes += [
        (f"$.files[{index}].records", rule.records) for index, rule in enumerate(config.files) if rule.records
    ]
    return [
        f"the records of {path} can be told apart only from the file's beginning on"
        for path, records in homes
        if not can_be_chunked(records)
    ]


def run_examples(
    plan: Plan,
    lines: list[str],
    observer: Observer | None = None,
    tell: Callable[[LineFailure], None] = lambda _: None,
) -> dict[str, list[str]]:
    """Return the lines of each result, without those that are rejected, or skipped by `on_error`.

    `tell` is called with each of those, and `observer` with what each node does.

    Raises:
        FprocError: the run fails.
    """

    def on_error(error: RecordError) -> None:
        tell(left_out(error, plan.config.on_error))

    results = _Results()
    start, records = plan.input_rules.entry_of(SOURCE.name, lambda: lines[0] if lines else "")
    entry = start or START
    interpreter = plan.run(SOURCE, results, entry=entry, on_error=on_error, observer=observer)
    try:
        for piece in _pieces(plan, lines, records):
            interpreter.feed(piece)
        interpreter.finish()
    finally:
        interpreter.close()
    return {name: lines for name, lines in results.results.items() if lines}


def _pieces(plan: Plan, lines: list[str], records: Records) -> Iterator[Block | Overlong]:
    """Yield the records of an example, whose lines may be parts of them."""
    if records == LINES:
        yield Block(lines, 1, 0, b"")
        return
    read = BytesIO("\n".join([*lines, ""]).encode("utf-8", "surrogatepass")).read
    for piece in read_records(records, read, max_line_bytes=plan.config.limits.max_line_bytes):
        if not isinstance(piece, Passing):
            yield piece


def _name(key: str) -> str:
    """Return the result that a key of `expect` means: `end`, `stdout`, or a template as in a `write` node."""
    if key == END:
        return SOURCE.name
    try:
        return fill_result_name(ResultTemplate(key), SOURCE, "{tag}")
    except (ValueError, KeyError, IndexError):
        return key


def _difference(wanted: list[str], actual: list[str]) -> str:
    changes = []
    for kind, from_wanted, to_wanted, from_actual, to_actual in SequenceMatcher(
        None, wanted, actual
    ).get_opcodes():
        if kind != "equal":
            changes += [f"missing {shown(line)!r}" for line in wanted[from_wanted:to_wanted]]
            changes += [f"unexpected {shown(line)!r}" for line in actual[from_actual:to_actual]]
    return "; ".join(changes[:DIFFERENCES]) + ("; ..." if len(changes) > DIFFERENCES else "")
