"""The outcome of a file's run, in the one form that the log, the history and the metrics read."""

from __future__ import annotations

from fproc import __version__
from fproc.base.values import dataclass
from fproc.pipeline.failures import LineFailure
from fproc.run.figures import Figures
from fproc.run.verdict import Verdict

KINDS = {
    Verdict.COMMIT: "processed",
    Verdict.FAIL: "failed",
    Verdict.RETRY: "retry",
    Verdict.STOP: "stopped",
}
"""The kinds of a run's end in the history; other verdicts leave the file as it was, and are not recorded."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event of an input: mostly, the end of a run.

    `job` is the id of the claim; an event with the same `job`, `kind` and `attempt` as an earlier one is
    the same event, and counts once. `kind` is "processed", "failed", "retry", "recovered", "interrupted" or
    another word, or "" for what is not recorded. `time` is in seconds since 1970, once it is recorded. `file`
    and `results` may hold names that are not UTF-8, as surrogate escapes. `error` is one line, or ""; `node`
    and `line_no` are its position, and `line` is the line that the node received, if known. `rejected` and
    `skipped` count lines that were left out, `line_errors` are the first of them. `client` is the address
    that an upload came from, or a request for a retry. `pipeline` is the short fingerprint of the pipeline
    that a run went by, and `version` that of the fproc that ran it.
    """

    job: str
    file: str
    kind: str
    time: float = 0.0
    attempt: int = 1
    seconds: float = 0.0
    lines_in: int = 0
    lines_out: int = 0
    bytes_in: int = 0
    rejected: int = 0
    results: tuple[str, ...] = ()
    error: str = ""
    node: str | None = None
    line_no: int | None = None
    line: str | None = None
    skipped: int = 0
    client: str | None = None
    pipeline: str | None = None
    version: str | None = None
    line_errors: tuple[LineFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a claimed file: how its run ended, and what happens next.

    `retry_seconds` is how long it waits after `Verdict.RETRY` or `CHANGED`, and `not_before` the time that
    was recorded for it.
    """

    verdict: Verdict
    event: FileEvent
    figures: Figures
    retry_seconds: float = 0.0
    not_before: float = 0.0


def outcome_of(
    file: str,
    verdict: Verdict,
    figures: Figures,
    seconds: float,
    *,
    job: str = "",
    attempt: int = 1,
    results: tuple[str, ...] = (),
    error: str = "",
    node: str | None = None,
    line_no: int | None = None,
    retry_seconds: float = 0.0,
    not_before: float = 0.0,
    pipeline: str | None = None,
) -> Outcome:
    """Return the outcome of a file, from the figures of its run and the verdict.

    The left-out lines of a file that was left at a checkpoint are reported once it goes on.
    """
    failures = () if verdict is Verdict.STOP else figures.line_errors
    event = FileEvent(
        job,
        file,
        KINDS.get(verdict, ""),
        attempt=attempt,
        seconds=seconds,
        lines_in=figures.lines_in,
        lines_out=figures.lines_out,
        bytes_in=figures.bytes_in,
        rejected=figures.rejected,
        skipped=figures.skipped,
        results=results,
        error=error,
        node=node,
        line_no=line_no,
        line=next((failure.given for failure in failures if failure.fate == "failed"), None),
        pipeline=pipeline,
        version=None if pipeline is None else __version__,
        line_errors=tuple(failure for failure in failures if failure.fate != "failed"),
    )
    return Outcome(verdict, event, figures, retry_seconds, not_before)
