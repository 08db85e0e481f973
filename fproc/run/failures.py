"""The handling of lines that fail: set aside, skipped, or the end of the run; counted, logged and shown."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fproc.base.errors import TooManyRejectedError
from fproc.base.text import counted, shown
from fproc.pipeline.failures import LineFailure, RecordError, left_out, left_out_text
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import Block
from fproc.pipeline.tracing.observer import Observer
from fproc.run.chunks import MemoryOutput

if TYPE_CHECKING:
    from fproc.run.figures import Figures

log = logging.getLogger("fproc.run")

MOST_NOTED = 20
"""How many lines that were left out are noted of one run, and the one that ended it."""

MOST_SAID = 20
"""How many lines of one file that are left out the log names one by one."""

SAID_SECONDS = 60.0
"""How often the log has the count of those that follow."""

MOST_NAMED = 3
"""How many lines are named where there were too many."""


class FailureHandler:
    """What has become of lines of one run; called with each record that failed.

    Args:
        figures: count them, and hold the first ones.
        to: takes those that are set aside, as a line of JSON each.
        file: the input's name, for the log.
        observer: is told of each, or None.
        plan, source, entry: those of the run.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        figures: Figures,
        to: Callable[[bytes], None],
        *,
        file: str,
        observer: Observer | None,
        plan: Plan,
        source: Source,
        entry: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._figures = figures
        self._to = to
        self._file = shown(file)
        self._observer = observer
        self._plan = plan
        self._source = source
        self._entry = entry
        self._monotonic = monotonic
        self._say_at: float | None = None
        self._last_line_no: int | None = None

    def __call__(self, error: RecordError) -> None:
        """Set a line aside, or skip it, as the pipeline says.

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
            self._to(json.dumps(failure.as_json()).encode() + b"\n")
        else:
            figures.skipped += 1
        shortened = failure.shortened()
        self._say(shortened)
        self._note(shortened, failure.line)
        most = self._plan.config.limits.max_rejected
        if not self.has_room_for(0):
            raise self._too_many(str(most))

    def end(self, error: RecordError) -> None:
        """A line has ended the run."""
        self._note(error.failure.shortened(), error.failure.line)

    def has_room_for(self, count: int) -> bool:
        """Return whether `count` more lines may be left out; a share of all is known only at the end."""
        most = self._plan.config.limits.max_rejected
        return not isinstance(most, int) or lost(self._figures) + count <= most

    def check_share(self, lines_in: int) -> None:
        """See that no larger share of an input's lines was left out than may be.

        Raises:
            TooManyRejectedError: it was.
        """
        most = self._plan.config.limits.max_rejected
        if isinstance(most, str):
            from fractions import Fraction  # noqa: PLC0415 - slow to import, and seldom needed

            if lost(self._figures) > Fraction(most.rstrip("%")) / 100 * lines_in:
                raise self._too_many(f"{most} of {counted(lines_in, 'line')}")

    def _too_many(self, most: str) -> TooManyRejectedError:
        figures = self._figures
        first = [failure for failure in figures.line_errors if failure.fate != "failed"]
        named = "; ".join(failure.told() for failure in first[:MOST_NAMED])
        return TooManyRejectedError(
            f"{counted(lost(figures), 'line')} rejected or skipped, which is more than limits.max_rejected"
            f" ({most}); the first: {named}"
        )

    def _say(self, failure: LineFailure) -> None:
        """Name a line in the log; of very many, say from time to time how many there are."""
        count = lost(self._figures)
        if count <= MOST_SAID:
            log.warning("%s: %s: %s", self._file, failure.fate, shown(failure.told()))
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
        """Keep in mind what was wrong with a line, if there is room, and show it."""
        if failure.fate == "failed" or len(self._figures.line_errors) < MOST_NOTED:
            self._figures.line_errors = (*self._figures.line_errors, failure)
        if self._observer:
            is_known = line is not None and failure.line_no is not None
            again = partial(self._again, failure.line_no or 0, line or "") if is_known else None
            self._observer.lose(failure, again)

    def _again(self, line_no: int, line: str) -> bool:
        """Send a line through the graph once more, for the observer to see its steps; whether that was done.

        It is not where that might do harm: users' processors may change something outside, and what remembers
        lines does something else the second time.
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
    """Return where a line stands in its file, in words."""
    return "the end of the file" if failure.line_no is None else f"line {failure.line_no}"


def log_end(to: logging.Logger, file: str, figures: Figures, seconds: float, where: str) -> None:
    """Say that a file was processed; loudly, if lines of it were left out, and apart, if all of them were."""
    name, left = shown(file), left_out_text(figures.rejected, figures.skipped)
    to.log(
        logging.WARNING if left else logging.INFO,
        "%s: %s in, %d out, %s%.3f s -> %s",
        name,
        counted(figures.lines_in, "line"),
        figures.lines_out,
        f"{left}, " if left else "",
        seconds,
        where,
    )
    if figures.lines_lost >= figures.lines_in > 0:
        to.warning("%s: every one of its lines was rejected or skipped (%s)", name, left)
