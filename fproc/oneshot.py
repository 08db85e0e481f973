"""`--input`: files processed where they are. Inputs stay; results replace earlier ones, atomically."""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fproc import inputs, job
from fproc.engine import Observer
from fproc.errors import InputError, OutputError, UsageError, reason_of, shown
from fproc.inputs import Input
from fproc.job import Figures
from fproc.lifecycle import Fate, decide
from fproc.plan import Plan
from fproc.processors.sinks import DEFAULT_RESULT
from fproc.progress import ProgressBar
from fproc.spool.direct import DirectOutput
from fproc.spool.disk import Disk

log = logging.getLogger("fproc.input")

STANDARD = "-"
"""Standard input or output, on the command line."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results go: a folder; the default result may get a name of its own, or go to standard output."""

    folder: str
    default_name: str | None = None
    default_to_stdout: bool = False


def destination(plan: Plan, paths: list[str], output: str | None) -> Destination:
    """What `--output` means.

    `-` is standard output, for the default result (`{name}`). A path is a folder if there is one, if it ends
    in `/`, or if there can be more than one result: several inputs, or a pipeline with other results than
    the default one. Otherwise it is the file that the default result is written to. Without `--output`,
    results go to the results folder, or to standard output if standard input is the only input.

    Raises:
        UsageError: `output` is a file, but there can be more than one result.
    """
    if output is None:
        to_stdout = paths == [STANDARD]
        return Destination(plan.config.results_dir, default_to_stdout=to_stdout)
    if output == STANDARD:
        return Destination(plan.config.results_dir, default_to_stdout=True)
    others = [
        node.tag
        for node in plan.config.nodes
        if node.type == "write" and node.config.get("file", DEFAULT_RESULT) != DEFAULT_RESULT
    ]
    if os.path.isdir(output) or output.endswith("/"):
        return Destination(output)
    if len(paths) == 1 and not others:
        return Destination(os.path.dirname(output) or ".", default_name=os.path.basename(output))
    if os.path.lexists(output):
        raise UsageError(f"--output {shown(output)}: there may be several results, so it must be a folder")
    return Destination(output)


def process_inputs(
    plan: Plan, paths: list[str], to: Destination, *, observer: Observer | None, bars: bool
) -> bool:
    """Process each input; one that fails does not stop the others.

    Returns:
        Whether all of them succeeded.

    Raises:
        UsageError: two inputs have the same name, so their results would replace each other.
        BrokenPipeError: nobody reads standard output any more.
    """
    names = [inputs.result_name(os.path.basename(path)) for path in paths]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--input: two inputs are named {shown(twice)}, and their results would be, too")
    outcomes = [_process_one(plan, path, to, paths, observer=observer, bars=bars) for path in paths]
    return all(outcomes)


def _process_one(
    plan: Plan, path: str, to: Destination, paths: list[str], *, observer: Observer | None, bars: bool
) -> bool:
    attempts = 0
    while True:
        attempts += 1
        error = _try_once(plan, path, to, paths, observer=observer, bars=bars)
        if error is None:
            return True
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__
        fate = Fate.FAIL if path == STANDARD else decide(error, attempts, plan.config.retry)
        if fate is not Fate.RETRY:
            log.error("%s: failed: %s", shown(path), reason_of(error), exc_info=_debug_info(error))
            return False
        delay_seconds = plan.config.retry.delay_seconds(attempts, random.random())  # noqa: S311 - jitter
        log.warning("%s: tried again in %.1f s: %s", shown(path), delay_seconds, reason_of(error))
        time.sleep(delay_seconds)


def _try_once(
    plan: Plan, path: str, to: Destination, paths: list[str], *, observer: Observer | None, bars: bool
) -> Exception | None:
    begin = time.perf_counter()
    figures = Figures()
    try:
        with _opened(path) as given, _output(plan, given, to) as output:
            name = given.source.name

            def reject(data: bytes) -> None:
                output.staging.write(f"{name}.rejected.jsonl", json.dumps(json.loads(data)))

            bar = ProgressBar(sys.stderr, shown(name), given.size_bytes) if bars else None
            try:
                job.run(plan, given, output.staging, figures, reject=reject, observer=observer, progress=bar)
            finally:
                if bar:
                    bar.clear()
            results = output.publish(paths)
    except Exception as error:  # noqa: BLE001 - a user's processors may raise anything
        return error
    where = ", ".join(map(shown, results)) or ("standard output" if to.default_to_stdout else "no result")
    seconds = time.perf_counter() - begin
    log.info(
        "%s: %d lines in, %d out, %.3f s -> %s",
        shown(path),
        figures.lines_in,
        figures.lines_out,
        seconds,
        where,
    )
    return None


@contextmanager
def _opened(path: str) -> Iterator[Input]:
    given = inputs.standard_input() if path == STANDARD else inputs.open_input(path, in_spool=False)
    try:
        yield given
    finally:
        given.close()


@contextmanager
def _output(plan: Plan, given: Input, to: Destination) -> Iterator[DirectOutput]:
    name = given.source.name
    try:
        output = DirectOutput(
            Disk(power=plan.config.durability == "power"),
            to.folder,
            rename={name: to.default_name} if to.default_name else {},
            to_stdout=name if to.default_to_stdout else None,
        )
    except OSError as error:
        raise OutputError(f"cannot write results: {reason_of(error)}") from error
    try:
        yield output
    finally:
        output.close()


def _debug_info(error: Exception) -> Exception | None:
    return error if log.isEnabledFor(logging.DEBUG) and not isinstance(error, InputError) else None
