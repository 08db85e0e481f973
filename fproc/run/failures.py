"""The handling of lines that fail: set aside, skipped, or the end of the run; counted, logged and shown."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fproc.base.errors import TooManyRejectedError
from fproc.base.text import counted, log_fields, shown
from fproc.pipeline.failures import LineFailure, RecordError, left_out, left_out_text
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import Block
from fproc.pipeline.tracing.observer import Observer
from fproc.run.chunked.chunks import MemoryOutput

if TYPE_CHECKING:
    from fproc.run.figures import Figures

log = logging.getLogger("fproc.run")

MOST_NOTED = 20
"""The most left-out lines that are noted for one run, besides the one that ended it."""

MOST_SAID = 20
"""The most left-out lines of one file that the log names one by one."""

SAID_SECONDS = 60.0
"""The seconds between counts, in the log, of those that follow."""

MOST_NAMED = 3
"""The lines that are named where there were too many."""


class FailureHandler:
    """The handler of failed lines of one run; called with each record that failed.

    Args:
        figures: they count the lines, and hold the first ones.
        reject: takes those that are set aside, as a line of JSON each.
        file: the input's name, for the log.
        observer: notified of each, unless None.
        plan, source, entry: those of the run.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        figures: Figures,
        reject: Callable[[bytes], None],
        *,
        file: str,
        observer: Observer | None,
        plan: Plan,
        source: Source,
        entry: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._figures = figures
        self._reject = reject
        self._file = shown(file)
        self._observer = observer
        self._plan = plan
        self._source = source
        self._entry = entry
        self._monotonic = monotonic
        self._say_at: float | None = None
        self._last_line_no: int | None = None

    def __call__(self, error: RecordError) -> None:
        """Set a line aside, or skip it, as the pipeline is configured.

        Raises:
            RecordError: it ends the run.
            TooManyRejectedError: it is one too many.
        """
        self.take(left_out(error, self._plan.config.on_error))

    def take(self, failure: LineFailure) -> None:
        """Go on without a line, whose fate is known.

        Raises:
            TooManyRejectedError: it is one too many.
        """
        figures = self._figures
        if failure.line_no is not None and failure.line_no != self._last_line_no:
            self._last_line_no = failure.line_no
            figures.lines_lost += 1
        if failure.fate == "rejected":
            figures.rejected += 1
            self._reject(json.dumps(failure.as_json()).encode() + b"\n")
        else:
            figures.skipped += 1
        shortened = failure.shortened()
        self._say(shortened)
        self._note(shortened, failure.line)
        max_rejected = self._plan.config.limits.max_rejected
        if not self.has_room_for(0):
            raise self._too_many(str(max_rejected))

    def end(self, error: RecordError) -> None:
        """Note the line that has ended the run."""
        self._note(error.failure.shortened(), error.failure.line)

    def has_room_for(self, count: int) -> bool:
        """Return whether `count` more lines may be left out; a share is only checked at the end."""
        max_rejected = self._plan.config.limits.max_rejected
        return not isinstance(max_rejected, int) or lost(self._figures) + count <= max_rejected

    def check_share(self, lines_in: int) -> None:
        """Check that no larger share of an input's lines was left out than allowed.

        Raises:
            TooManyRejectedError: it was.
        """
        max_rejected = self._plan.config.limits.max_rejected
        if isinstance(max_rejected, str):
            from fractions import Fraction  # noqa: PLC0415 - slow to import, and seldom needed

            if lost(self._figures) > Fraction(max_rejected.rstrip("%")) / 100 * lines_in:
                raise self._too_many(f"{max_rejected} of {counted(lines_in, 'line')}")

    def _too_many(self, limit: str) -> TooManyRejectedError:
        figures = self._figures
        left_out_lines = [failure for failure in figures.line_errors if failure.fate != "failed"]
        examples = "; ".join(failure.told() for failure in left_out_lines[:MOST_NAMED])
        return TooManyRejectedError(
            f"{counted(lost(figures), 'line')} rejected or skipped, which is more than limits.max_rejected"
            f" ({limit}); the first: {examples}"
        )

    def _say(self, failure: LineFailure) -> None:
        """Log a line; of very many, log from time to time how many there are."""
        count = lost(self._figures)
        if count <= MOST_SAID:
            fields = log_fields(
                f"line_{failure.fate}",
                file=self._file,
                line=failure.line_no,
                node=failure.node,
                error=failure.reason,
            )
            log.warning("%s: %s: %s", self._file, failure.fate, shown(failure.told()), extra=fields)
            return
        now = self._monotonic()
        if self._say_at is None:
            self._say_at = now + SAID_SECONDS
        elif now >= self._say_at:
            self._say_at = now + SAID_SECONDS
            log.warning(
                "%s: %s up to %s",
                self._file,
                left_out_text(self._figures.rejected, self._figures.skipped),
                place_of(failure),
            )

    def _note(self, failure: LineFailure, line: str | None) -> None:
        """Note the failure of a line, if there is room, and tell the observer."""
        if failure.fate == "failed" or len(self._figures.line_errors) < MOST_NOTED:
            self._figures.line_errors = (*self._figures.line_errors, failure)
        if self._observer:
            is_known = line is not None and failure.line_no is not None
            again = partial(self._again, failure.line_no or 0, line or "") if is_known else None
            self._observer.lose(failure, again)

    def _again(self, line_no: int, line: str) -> bool:
        """Send a line through the graph once more, to show its steps; return whether that was done.

        It is not where that might do harm: users' processors may change something outside, and one that
        remembers lines acts differently the second time.
        """
        plan, observer = self._plan, self._observer
        if plan.remembers or not plan.is_builtin:
            return False
        output = MemoryOutput()
        run = plan.run(
            self._source, output, entry=self._entry, on_error=lambda _error: None, observer=observer
        )
        run.feed(Block([line], line_no, 0, b""))
        run.close()
        return True


def lost(figures: Figures) -> int:
    """Return how many times a line was left out: set aside or skipped."""
    return figures.rejected + figures.skipped


def place_of(failure: LineFailure) -> str:
    """Return the position of a line in its file, in words."""
    return "the end of the file" if failure.line_no is None else f"line {failure.line_no}"


def log_end(logger: logging.Logger, file: str, figures: Figures, seconds: float, where: str) -> None:
    """Log that a file was processed: as a warning if lines were left out, with a second one if all were."""
    name, left_out_counts = shown(file), left_out_text(figures.rejected, figures.skipped)
    logger.log(
        logging.WARNING if left_out_counts else logging.INFO,
        "%s: %s in, %d out, %s%.3f s -> %s",
        name,
        counted(figures.lines_in, "line"),
        figures.lines_out,
        f"{left_out_counts}, " if left_out_counts else "",
        seconds,
        where,
        extra=log_fields(
            "file_processed",
            file=file,
            lines=figures.lines_in,
            lines_out=figures.lines_out,
            rejected=figures.rejected,
            skipped=figures.skipped,
            seconds=round(seconds, 3),
        ),
    )
    if figures.lines_lost >= figures.lines_in > 0:
        logger.warning("%s: every one of its lines was rejected or skipped (%s)", name, left_out_counts)
