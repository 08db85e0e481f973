"""The log on standard error, one line an event, as text or as JSON; and on a terminal, a progress bar.

The log may go to a file instead.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from fproc.base.errors import UsageError, reason_of
from fproc.base.stdout import is_journal
from fproc.base.text import shown
from fproc.base.times import rfc3339

BAR_WIDTH = 30
REDRAW_SECONDS = 0.1

_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}


class TextFormatter(logging.Formatter):
    """Formats `2026-11-22T10:00:00.000Z INFO message`, with coloured warnings if `colour` says so."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._colour = colour

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Return the event's time."""
        return rfc3339(record.created)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of an event."""
        line = super().format(record)
        colour = _COLOURS.get(record.levelname, "") if self._colour else ""
        return f"{colour}{line}\x1b[0m" if colour else line


class JournalFormatter(logging.Formatter):
    """Puts the priority before each line that another formatter makes, for systemd's journal (sd-daemon(3)).

    Args:
        formatter: makes the lines.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of an event."""
        prefix = f"<{_PRIORITIES.get(record.levelno, _PRIORITIES[logging.INFO])}>"
        return "\n".join(prefix + line for line in self._formatter.format(record).split("\n"))


_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""The priorities of syslog(3)."""


class JsonFormatter(logging.Formatter):
    """Formats one JSON object a line.

    It has `timestamp`, `level`, `logger`, `message`, what `log_fields` gave (`event`, `file`, `lines`,
    `seconds`, `node`, `error`, ...), and maybe `traceback`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of an event."""
        value = {
            "timestamp": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            value["traceback"] = self.formatException(record.exc_info)
        return json.dumps(value)


class FollowedFileHandler(logging.FileHandler):
    """A log file that is reopened once another file, or none, is at its path: log rotators rename it.

    As long as that is impossible, the log goes on in the old file: it never stops work.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write an event to the file that is at the path now."""
        if not self._is_there():
            with suppress(OSError):  # the folder is gone, or files cannot be created: tried again next time
                self._reopen()
        super().emit(record)

    def _is_there(self) -> bool:
        assert self.stream is not None
        try:
            return os.path.samestat(os.stat(self.baseFilename), os.fstat(self.stream.fileno()))
        except OSError:
            return False

    def _reopen(self) -> None:
        earlier, self.stream = self.stream, self._open()
        if earlier is not None:
            earlier.close()


def set_up(*, level: int, form: str, path: str | None, colour: bool) -> None:
    """Send the log to a file or to standard error.

    Raises:
        UsageError: the log file cannot be opened.
    """
    try:
        handler = (
            FollowedFileHandler(path, encoding="utf-8", errors="backslashreplace")
            if path
            else logging.StreamHandler(sys.stderr)
        )
    except OSError as error:
        raise UsageError(f"--log-file {shown(path or '')}: {reason_of(error)}") from error
    is_in_journal = not path and is_journal()
    formatter: logging.Formatter
    if form == "json":
        formatter = JsonFormatter()
    elif is_in_journal:
        formatter = logging.Formatter()  # the journal has time and priority
    else:
        formatter = TextFormatter(colour=colour and not path)
    handler.setFormatter(JournalFormatter(formatter) if is_in_journal else formatter)
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


class ProgressBar:
    """The progress bar of one input: how far, how fast, how long still.

    Args:
        stream: a terminal.
        label: the input's name.
        size_bytes: how much there is to read, or None if that is not known.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        stream: IO[str],
        label: str,
        size_bytes: int | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._label = label
        self._size_bytes = size_bytes
        self._monotonic = monotonic
        self._began = monotonic()
        self._drawn = float("-inf")

    def __call__(self, position_bytes: int, lines: int, rejected: int = 0, skipped: int = 0) -> None:
        """Draw the bar, unless it was drawn just now."""
        now = self._monotonic()
        if now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            text = self.text(position_bytes, lines, rejected + skipped)
            self._stream.write("\r" + text + "\x1b[K")
            self._stream.flush()

    def text(self, position_bytes: int, lines: int, left_out: int = 0) -> str:
        """Return the text of the bar."""
        seconds = max(self._monotonic() - self._began, 0.001)
        losses = f" ({left_out:,} left out)" if left_out else ""
        rate = f"{lines:,} lines{losses}, {position_bytes / seconds / 1e6:.1f} MB/s"
        if not self._size_bytes:
            return f"{self._label}  {rate}"
        share = min(position_bytes / self._size_bytes, 1.0)
        bar = "#" * int(share * BAR_WIDTH)
        remaining_seconds = seconds / share - seconds if share else 0.0
        remaining = f"{int(remaining_seconds) // 60}:{int(remaining_seconds) % 60:02} left"
        return f"{self._label}  [{bar:<{BAR_WIDTH}}] {share:4.0%}  {rate}, {remaining}"

    def clear(self) -> None:
        """Remove the bar from the terminal."""
        self._stream.write("\r\x1b[K")
        self._stream.flush()
