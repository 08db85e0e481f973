"""Lines that fail: what is known of one, its position in a user's code, and whether its file goes on."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, NamedTuple

from fproc.base.errors import FprocError, ProcessorExitError, Reject, Retry, reason_of
from fproc.base.faults import passes_by_itself
from fproc.base.text import excerpt
from fproc.pipeline.records import Block, Overlong, skip_lines

OWN = "fproc"
"""The package whose frames are not a user's code."""

GENERATED = "<pipeline>"
"""The file name of generated functions."""

LEFT_OUT = REJECTED, SKIPPED = "rejected", "skipped"
"""The fates of a line that its file goes on without: set aside, or passed over."""


class LineFailure(NamedTuple):
    """A line that was `rejected` or `skipped`, or has `failed` its file, with the position and the reason.

    `given` is the line that the node received, with its `tag`. `line` is the input's own line at `line_no`
    and `offset_bytes` of the (decompressed) contents. All of them are None where they are not known: `line`
    of one that is longer than `limits.max_line_bytes`, everything at the start and the end of a file.
    """

    fate: str
    node: str
    line_no: int | None
    offset_bytes: int | None
    given: str | None
    tag: str | None
    line: str | None
    reason: str

    def told(self) -> str:
        """Return the position and the reason, in words."""
        where = f"line {self.line_no}, " if self.line_no is not None else ""
        return f"{where}node {self.node!r}: {self.reason}"

    def shortened(self) -> LineFailure:
        """Return the failure with lines that are short enough to be kept in memory."""
        given, line = (None if text is None else excerpt(text) for text in (self.given, self.line))
        return self._replace(given=given, line=line, reason=excerpt(self.reason))

    @property
    def known_line(self) -> str | None:
        """The input's own line, as far as it is known: of one that is too long, the beginning.

        That is what its node was `given`; a position in the contents tells it from what belongs to no line.
        """
        is_overlong = self.line is None and self.offset_bytes is not None
        return self.given if is_overlong else self.line

    def as_json(self) -> dict[str, Any]:
        """Return the entry of the line in `NAME.rejected.jsonl`."""
        return {
            "line_no": self.line_no,
            "byte_offset": self.offset_bytes,
            "line": self.known_line,
            "node": self.node,
            "tag": self.tag,
            "given": self.given,
            "error": self.reason,
        }


class RecordFinder:
    """A search for records of one piece of an input, by index, that goes on from the one found before."""

    def __init__(self, piece: Block | Overlong) -> None:
        self._piece = piece
        self._line_no = 0
        self._start = 0

    def find(self, index: int) -> tuple[int | None, str | None]:
        """Return the offset and the text of a record, each None where it is not known."""
        piece = self._piece
        if isinstance(piece, Overlong):
            return piece.offset_bytes, None
        line = piece.lines[index]
        if not piece.raw:
            return None, line
        if piece.offsets is not None:
            return piece.offsets[index], line
        line_no = piece.line_no(index)
        if not piece.first_line_no <= self._line_no <= line_no:
            self._line_no, self._start = piece.first_line_no, 0
        self._start = skip_lines(piece.raw, line_no - self._line_no, self._start)
        self._line_no = line_no
        return piece.offset_bytes + self._start, line


def left_out(error: RecordError, on_error: str) -> LineFailure:
    """Return the failure of a line that is set aside or skipped, as `on_error` says.

    Raises:
        RecordError: the file ends here: it fails, or is tried again.
    """
    cause = error.__cause__
    if passes_by_itself(cause):
        raise error
    if isinstance(cause, Reject) or on_error == "reject":
        return error.failure._replace(fate=REJECTED)
    if on_error == "skip":
        return error.failure._replace(fate=SKIPPED)
    raise error


def left_out_text(rejected: int, skipped: int) -> str:
    """Return how many lines were left out, in words: `10 rejected, 2 skipped`; "" if none were."""
    counts = {REJECTED: rejected, SKIPPED: skipped}
    return ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)


def cause_of(error: BaseException) -> str:
    """Return the message of an exception, with its position in a user's code: `ValueError: no (p.py:3)`."""
    reason = reason_of(error)
    source = "" if isinstance(error, Reject | Retry) else source_of(error)
    return f"{reason} ({source})" if source else reason


def source_of(error: BaseException) -> str:
    """Return file and line of the innermost frame in a user's code, as `p.py:3`; "" if there is none.

    Code that fproc calls is a user's; so is what that calls, as long as it is in the same folder or below.
    """
    if isinstance(error, ProcessorExitError) and error.__cause__:
        error = error.__cause__
    home = position = ""
    step: TracebackType | None = error.__traceback__
    while step is not None:
        path = step.tb_frame.f_code.co_filename
        if not _is_own(step):
            home = home or os.path.join(os.path.dirname(path), "")
            if path.startswith(home):
                position = f"{os.path.basename(path)}:{step.tb_lineno}"
        step = step.tb_next
    return position


def _is_own(step: TracebackType) -> bool:
    """Return whether a frame runs code of fproc, or of the import system that fproc calls."""
    module = str(step.tb_frame.f_globals.get("__name__", ""))
    path = step.tb_frame.f_code.co_filename
    return path == GENERATED or module == OWN or module.startswith((f"{OWN}.", "importlib"))


class RecordError(FprocError):
    """One record could not be processed. The cause, if a processor raised, is `__cause__`."""

    def __init__(self, failure: LineFailure) -> None:
        super().__init__(failure.told())
        self.failure = failure
