"""`--input`: files processed in place. Inputs stay; results replace earlier ones, atomically."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from fproc.base.errors import InputError, OutputError, UsageError, reason_of
from fproc.base.ids import fraction
from fproc.base.stdout import standard_output
from fproc.base.text import log_fields, shown
from fproc.base.values import dataclass
from fproc.cli.logs import ProgressBar
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.sinks import DEFAULT_RESULT
from fproc.pipeline.tracing.observer import Observer
from fproc.process import heap
from fproc.process.mark import CurrentTask
from fproc.process.stalls import alarmed
from fproc.run.failures import log_end
from fproc.run.figures import Figures
from fproc.run.reading import inputs
from fproc.run.reading.inputs import Input
from fproc.run.run import run_input
from fproc.run.verdict import Verdict, decide
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.format import refuse_newer
from fproc.spool.job.decision import appended_text
from fproc.spool.layout import REJECTS_ENDING, Folders
from fproc.spool.output.direct import DirectOutput

log = logging.getLogger("fproc.input")

STANDARD = "-"
"""Standard input or output, on the command line."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The folder that results go to, by their names; the default result may go elsewhere.

    `default_name` is another name for it, `stream_path` something that is no regular file, such as a pipe,
    that its lines are sent to at once; `-` there is standard output.
    """

    folder: str
    default_name: str | None = None
    stream_path: str | None = None


def destination(plan: Plan, paths: list[str], output: str | None) -> Destination:
    """Return the destination that `--output` means.

    `-` is standard output, and what is neither file nor folder (a pipe, a device) is written to directly:
    both take the default result (`{name}`). A path is a folder if it exists as one, if it ends in `/`, or if
    there can be more than one result: several inputs, or a pipeline with other results than the default one.
    Otherwise it is the file that the default result is written to. Without `--output`, results go to the
    results folder, or to standard output if standard input is the only input.

    Raises:
        UsageError: `output` is a file, but there can be more than one result.
    """
    results = plan.config.results_dir
    if output is None:
        return Destination(results, stream_path=STANDARD if paths == [STANDARD] else None)
    if output == STANDARD:
        return Destination(results, stream_path=STANDARD)
    path = os.path.abspath(output)
    if os.path.isdir(path) or output.endswith("/"):
        return Destination(path)
    if os.path.exists(path) and (not os.path.isfile(path) or path.startswith(("/dev/", "/proc/"))):
        return Destination(results, stream_path=path)
    has_others = any(
        node.type == "write"
        and (node.config.get("file", DEFAULT_RESULT) != DEFAULT_RESULT or node.config.get("append") is True)
        for node in plan.config.nodes
    )
    if len(paths) == 1 and not has_others:
        path = os.path.realpath(path)
        return Destination(os.path.dirname(path), default_name=os.path.basename(path))
    if os.path.lexists(path):
        raise UsageError(f"--output {shown(output)}: there may be several results, so it must be a folder")
    return Destination(path)


def process_inputs(
    plan: Plan,
    paths: list[str],
    to: Destination,
    *,
    observer: Observer | None,
    bars: bool,
    helpers: int = 0,
) -> bool:
    """Process each input; one that fails does not stop the others.

    `helpers` is how many more processes may be started for a big file.

    Returns:
        True if all of them succeeded.

    Raises:
        BrokenPipeError: nobody reads standard output any more.
        ConfigError: results would go to the spool of a newer fproc.
    """
    inputs = {path: path if path == STANDARD else os.path.abspath(path) for path in paths}
    call = _Call(plan, to, inputs, observer, helpers)
    call.check_version()
    heap.freeze_heap()
    bars = bars and not (to.stream_path == STANDARD and standard_output().isatty())
    outcomes = [call.process(path, bars=bars) for path in paths]
    return all(outcomes)


class _Call:
    """The inputs of one call, and what it has published so far."""

    def __init__(
        self,
        plan: Plan,
        to: Destination,
        inputs: dict[str, str],
        observer: Observer | None,
        helpers: int,
    ) -> None:
        self._plan = plan
        self._to = to
        self._inputs = inputs
        self._observer = observer
        self._helpers = helpers
        self._published: set[str] = set()

    def process(self, path: str, *, bars: bool) -> bool:
        """Process one input, with retries; return whether it succeeded."""
        try:
            with self._stream() as stream:
                return self._process(path, stream, bars=bars)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            self._log_failed(path, error)
            return False

    def _log_failed(self, path: str, error: Exception, *, exc_info: Any = None) -> None:
        why = reason_of(error)
        fields = log_fields("file_failed", file=path, error=why)
        log.error("%s: failed: %s", shown(path), why, exc_info=exc_info, extra=fields)

    def _process(self, path: str, stream: BinaryIO | None, *, bars: bool) -> bool:
        attempt = 0
        while True:
            attempt += 1
            error, can_retry = self._try_once(path, stream, bars=bars)
            if error is None:
                return True
            if isinstance(error, OutputError) and isinstance(error.__cause__, BrokenPipeError):
                raise error.__cause__
            verdict = decide(error, attempt, self._plan.config.retry)
            if verdict is not Verdict.RETRY or not can_retry:
                self._log_failed(path, error, exc_info=_debug_info(error))
                return False
            delay_seconds = self._plan.config.retry.delay_seconds(attempt, fraction())
            why = reason_of(error)
            fields = log_fields(
                "file_retry", file=path, attempt=attempt, error=why, retry_seconds=delay_seconds
            )
            log.warning("%s: tried again in %.1f s: %s", shown(path), delay_seconds, why, extra=fields)
            time.sleep(delay_seconds)

    def _try_once(self, path: str, stream: BinaryIO | None, *, bars: bool) -> tuple[Exception | None, bool]:
        """Return the error of the run, or None, and whether it may run again: not once lines were sent."""
        begin = time.perf_counter()
        figures = Figures()
        can_retry = path != STANDARD
        try:
            with _opened(self._inputs[path]) as source, self._output(source, stream) as output:
                try:
                    self._run(path, source, output, figures, bars=bars)
                finally:
                    can_retry = can_retry and not output.staging.has_streamed
                results = output.publish([*self._inputs.values()], self._published)
        except Exception as error:  # noqa: BLE001 - a user's processors may raise anything
            return error, can_retry
        seconds = time.perf_counter() - begin
        _report(
            path,
            figures,
            seconds,
            [*([self._to.stream_path] if output.staging.has_streamed else []), *results],
        )
        return None, can_retry

    def _run(self, path: str, source: Input, output: DirectOutput, figures: Figures, *, bars: bool) -> None:
        name = source.source.name

        def reject(data: bytes) -> None:
            output.staging.set_aside(f"{name}{REJECTS_ENDING}", data.decode().rstrip("\n"))

        bar = ProgressBar(sys.stderr, shown(name), source.size_bytes) if bars else None
        mark = CurrentTask.own()
        stall_seconds = self._plan.config.limits.stall_seconds
        try:
            with alarmed(mark, shown(path), stall_seconds, is_pipe=source.size_bytes is None):
                run_input(
                    self._plan,
                    source,
                    output.staging,
                    figures,
                    reject=reject,
                    observer=self._observer,
                    progress=bar,
                    helpers=self._helpers,
                    mark=mark,
                )
        finally:
            if bar:
                bar.clear()

    @contextmanager
    def _stream(self) -> Iterator[BinaryIO | None]:
        """Yield the stream for the default result's lines, open for all attempts: a pipe is read once."""
        path = self._to.stream_path
        if path is None or path == STANDARD:
            yield standard_output() if path else None
        else:
            with open(path, "wb") as stream:
                yield stream

    def check_version(self) -> None:
        """Check that results do not go to the spool of a newer fproc.

        Raises:
            ConfigError: they do.
        """
        spool = self._spool()
        if spool is not None:
            refuse_newer(spool.watch, spool.state)

    def _spool(self) -> Folders | None:
        """Return the folders of the spool that has this folder of results, if there is one."""
        config = self._plan.config
        folders = Folders(config.watch_dir, config.results_dir)
        is_of_spool = os.path.realpath(self._to.folder) == os.path.realpath(config.results_dir)
        return folders if is_of_spool and os.path.exists(folders.id) else None

    @contextmanager
    def _output(self, source: Input, stream: BinaryIO | None) -> Iterator[DirectOutput]:
        name = source.source.name
        output = DirectOutput(
            Disk(power=self._plan.config.durability == "power"),
            self._to.folder,
            rename={name: self._to.default_name} if self._to.default_name else {},
            stream=stream,
            streamed_result=name if stream else None,
            mode=self._plan.config.mode_of_results,
            spool=self._spool(),
            read_text=appended_text,
        )
        try:
            yield output
        finally:
            output.close()


@contextmanager
def _opened(path: str) -> Iterator[Input]:
    source = inputs.standard_input() if path == STANDARD else inputs.open_input(path, in_spool=False)
    try:
        yield source
    finally:
        source.close()


def _report(path: str, figures: Figures, seconds: float, results: list[str | None]) -> None:
    names = ["standard output" if result == STANDARD else shown(result) for result in results if result]
    log_end(log, path, figures, seconds, ", ".join(names) or "no result")


def _debug_info(error: Exception) -> Exception | None:
    return error if log.isEnabledFor(logging.DEBUG) and not isinstance(error, InputError) else None
