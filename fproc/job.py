"""One input through the plan: run it, decide, carry out, and report as a value.

What is common to a file in the spool and one named on the command line is `run`; `process` is the whole life
of a claimed file.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fproc.engine import Interpreter, Observer
from fproc.errors import ChangedWhileReadError, FprocError, InputError, RecordError, Reject, reason_of, shown
from fproc.graph import END, is_sink
from fproc.inputs import Input, open_input
from fproc.lifecycle import Fate, decide, passes_by_itself
from fproc.plan import Plan
from fproc.records import Block, Overlong, read_blocks
from fproc.spool import Claim, Staging, Stamp
from fproc.times import rfc3339

log = logging.getLogger("fproc.job")


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What happened at a node: records that came, were emitted, and failed."""

    count: int
    emitted: int
    errors: int


@dataclass(slots=True)
class Figures:
    """What a run came to."""

    lines_in: int = 0
    lines_out: int = 0
    bytes_in: int = 0
    rejected: int = 0
    skipped: int = 0
    nodes: Mapping[str, NodeFigures] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed file.

    `retry_seconds` is how long it waits after `Fate.RETRY`; `error` is one line, or "".
    """

    file: str
    fate: Fate
    figures: Figures
    seconds: float
    attempts: int = 1
    results: tuple[str, ...] = ()
    error: str = ""
    retry_seconds: float = 0.0


Progress = Callable[[int, int], None]
"""Told the position in bytes and the number of lines, after each block."""


def process(
    claim: Claim, plan: Plan, *, clock: Callable[[], float], observer: Observer | None = None
) -> Outcome:
    """Do everything that a claimed file needs. The claim is ended, whatever happens.

    Raises:
        BaseException: only what is no `Exception`; the file is then released.
    """
    begin = time.perf_counter()
    figures = Figures()
    try:
        status, error = _run_claimed(claim, plan, figures, observer)
        outcome = _conclude(claim, plan, status, error, clock)
    except OSError as trouble:  # while deciding; what is on the disk says how far that got
        fate = decide(trouble, claim.attempts, plan.config.retry)
        outcome = {"fate": fate, "error": reason_of(trouble)}
    finally:
        with suppress(OSError):
            claim.release()
    return Outcome(claim.name, figures=figures, seconds=time.perf_counter() - begin, **outcome)


def _run_claimed(
    claim: Claim, plan: Plan, figures: Figures, observer: Observer | None
) -> tuple[os.stat_result | None, Exception | None]:
    """Run a claimed file; gives what it was when it was opened, and what ended the run, or None."""
    status = None
    try:
        given = open_input(claim.path, in_spool=True)
        status = given.status
        try:
            run(plan, given, claim.staging, figures, reject=claim.reject, observer=observer)
            if given.has_changed(claim.path):
                raise ChangedWhileReadError(
                    "was written to while it was read; it is read again once it is whole"
                )
        finally:
            given.close()
    except KeyboardInterrupt as error:  # Ctrl-C is caught by the loop, so it is a processor that raised this
        return status, InputError(f"a processor raised {reason_of(error)}")
    except Exception as error:  # noqa: BLE001 - a user's processors may raise anything
        return status, error
    return status, None


def _conclude(
    claim: Claim,
    plan: Plan,
    status: os.stat_result | None,
    error: Exception | None,
    clock: Callable[[], float],
) -> dict[str, Any]:
    """Decide, and carry it out; gives what the outcome says of that."""
    attempts = claim.attempts + 1
    fate = decide(error, attempts, plan.config.retry)
    outcome: dict[str, Any] = {
        "fate": fate,
        "attempts": attempts,
        "error": "" if error is None else reason_of(error),
    }
    if fate is Fate.COMMIT:
        assert status is not None
        replace_results = plan.config.on_conflict == "replace"
        outcome["results"] = claim.commit(Stamp.of(status), replace_results=replace_results).results
    elif fate is Fate.FAIL:
        assert error is not None
        claim.bury(failure_report(claim.name, error, attempts, clock()))
    elif fate is Fate.RETRY:
        delay_seconds = plan.config.retry.delay_seconds(attempts, random.random())  # noqa: S311 - jitter
        claim.retry(clock() + delay_seconds)
        outcome["retry_seconds"] = delay_seconds
    return outcome


def run(
    plan: Plan,
    given: Input,
    output: Staging,
    figures: Figures,
    *,
    reject: Callable[[bytes], None],
    observer: Observer | None = None,
    progress: Progress | None = None,
) -> None:
    """Run an input through the plan, from its first line to the end of the file.

    Args:
        plan: what to do.
        given: the open input.
        output: where sinks put lines.
        figures: filled in as far as the run comes.
        reject: takes each line that is set aside, as a line of JSON.
        observer: is told of each step, or None.
        progress: is told after each block, or None.

    Raises:
        FprocError: the file cannot be processed.
        OSError: the machine is in trouble.
    """
    policy = _ErrorPolicy(plan.config.on_error, figures, reject)
    blocks = read_blocks(given.read, max_line_bytes=plan.config.limits.max_line_bytes)
    first = next(blocks, None)
    first_line = first.lines[0] if isinstance(first, Block) else ""
    interpreter = plan.run(
        given.source,
        output,
        entry=plan.entry(given.source.name, first_line),
        on_error=policy,
        observer=observer,
    )
    if observer:
        observer.open(given.source.name)
    try:
        block = first
        while block is not None:
            policy.block = block
            interpreter.feed(block)
            if progress:
                progress(given.position_bytes(), interpreter.lines_in)
            block = next(blocks, None)
        policy.block = None
        interpreter.finish()
        output.flush()
    finally:
        interpreter.close()
        if observer:
            observer.close()
        figures.bytes_in = given.position_bytes()
        _take_figures(figures, interpreter)


def _take_figures(figures: Figures, interpreter: Interpreter) -> None:
    figures.lines_in = interpreter.lines_in
    figures.nodes = {
        name: NodeFigures(counts.came, counts.emitted, counts.failed)
        for name, counts in interpreter.counts.items()
    }
    figures.edges = dict(interpreter.edges)
    sinks = [END, *(name for name, node in interpreter.graph.nodes.items() if is_sink(node))]
    figures.lines_out = sum(figures.nodes[name].count - figures.nodes[name].errors for name in sinks)


class _ErrorPolicy:
    """`on_error`: what becomes of a record that failed. `block` is what is being read."""

    def __init__(self, on_error: str, figures: Figures, reject: Callable[[bytes], None]) -> None:
        self.block: Block | Overlong | None = None
        self._on_error = on_error
        self._figures = figures
        self._reject = reject

    def __call__(self, error: RecordError) -> None:
        if passes_by_itself(error.__cause__):
            raise error
        if isinstance(error.__cause__, Reject) or self._on_error == "reject":
            self._figures.rejected += 1
            self._reject(self._line_of_json(error))
        elif self._on_error == "skip":
            self._figures.skipped += 1
            log.warning("skipped: %s", error)
        else:
            raise error

    def _line_of_json(self, error: RecordError) -> bytes:
        offset_bytes = None
        if isinstance(self.block, Overlong):
            offset_bytes = self.block.offset_bytes
        elif self.block is not None and error.line_no is not None:
            offset_bytes = self.block.line_offset_bytes(error.line_no)
        value = {
            "line_no": error.line_no,
            "byte_offset": offset_bytes,
            "node": error.node,
            "error": error.reason,
            "line": error.line,
        }
        return json.dumps(value).encode() + b"\n"


def failure_report(name: str, error: Exception, attempts: int, now: float) -> dict[str, Any]:
    """What `NAME.error.json` says. `line_no`, `line` and `node` are null where the trouble is no record's."""
    record = error if isinstance(error, RecordError) else None
    return {
        "file": shown(name),
        "reason": record.reason if record else reason_of(error),
        "node": record.node if record else None,
        "line_no": record.line_no if record else None,
        "line": record.line if record else None,
        "attempts": attempts,
        "timestamp": rfc3339(now),
        "traceback": _traceback(error),
    }


def _traceback(error: Exception) -> list[str]:
    """Where a processor raised; nothing for what fproc itself found wrong."""
    cause = error.__cause__ if isinstance(error, RecordError) else error
    if cause is None or isinstance(cause, FprocError):
        return []
    return "".join(traceback.format_exception(cause)).splitlines()
