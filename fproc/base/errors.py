"""Every error that fproc raises on purpose: what is wrong, where, and what to do.

Free of heavy imports, because a user's processor module imports it through `fproc`.
"""

from __future__ import annotations

from fproc.base.text import shown

EXIT_OK = 0
EXIT_FILE_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIG = 78
EXIT_INTERRUPTED = 130


class Retry(Exception):  # noqa: N818 - a request, not an error: `raise fproc.Retry("database is down")`
    """Raised by a processor: try this file again later, with backoff, until `retry.max_attempts`."""


class Reject(Exception):  # noqa: N818 - a request, not an error: `raise fproc.Reject("no such account")`
    """Raised by a processor: set this line aside in `NAME.rejected.jsonl`, and go on with the next."""


class FprocError(Exception):
    """The root of fproc's own errors; `str()` is one message for the user."""

    exit_status = EXIT_FILE_FAILED


class UsageError(FprocError):
    """The command line asks for something that cannot be done."""

    exit_status = EXIT_USAGE


class ConfigError(FprocError):
    """The configuration is wrong; `problems` holds every one that was found, in order."""

    exit_status = EXIT_CONFIG

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class InputError(FprocError):
    """One input as a whole cannot be processed: it is unreadable, corrupt or not a file."""


class ChangedWhileReadError(InputError):
    """The input was written to while it was read, so what was read of it may be a mixture."""


class NotWholeError(InputError):
    """A compressed input ends too early, or is not what its name says."""


class OutputError(FprocError):
    """Results cannot be written: trouble of the host, not of the file. `__cause__` is the `OSError`."""


class ResultNameError(FprocError):
    """A result cannot have its name: the filesystem refuses it, and will whenever it is asked."""


class ProcessorExitError(FprocError):
    """A processor raised what is meant to end a program or a task, such as `SystemExit`."""


class ShapeError(FprocError):
    """A processor returned something that is not a record."""


class TooManyRejectedError(FprocError):
    """More lines of one file were set aside or skipped than `limits.max_rejected` allows."""


class RestoreError(FprocError):
    """A processor does not take its state back from a checkpoint; the file starts over."""


class UnsavableError(FprocError):
    """A processor's state cannot be saved in a checkpoint; its file starts over after a crash."""


class ConservationError(FprocError):
    """Lines in, and lines written, dropped and set aside, do not agree: something was lost or doubled."""


class StoppedError(FprocError):
    """fproc is stopping; the run was left at a checkpoint."""


class LostClaimError(FprocError):
    """The input belongs to another process now: its job folder was removed or taken over."""


class WorkerDiedError(FprocError):
    """The process that worked on the input died of it, or had to be killed; the message says how.

    `line_no`, `node` and `line` are what it was processing, as far as known.
    """

    def __init__(
        self, reason: str, *, node: str | None = None, line_no: int | None = None, line: str | None = None
    ) -> None:
        super().__init__(reason)
        self.node = node
        self.line_no = line_no
        self.line = line


class RoutingError(FprocError):
    """A record cannot go on: no route, an endless cycle, or a line that is not one line."""


class Problem:
    """One thing wrong with the configuration: its JSON path, what is wrong, and a suggestion or ''."""

    __slots__ = ("path", "suggestion", "what")

    def __init__(self, path: str, what: str, suggestion: str = "") -> None:
        self.path = path
        self.what = what
        self.suggestion = suggestion

    def __str__(self) -> str:
        return shown(f"{self.path}: {self.what}" + (f"; {self.suggestion}" if self.suggestion else ""))

    def __repr__(self) -> str:
        return f"Problem({str(self)!r})"


def reason_of(error: BaseException) -> str:
    """Return the text of an exception in one line: `ValueError: bad date`, or the type's name alone."""
    if isinstance(error, FprocError | Retry | Reject) and str(error):
        return shown(str(error))
    if isinstance(error, OSError) and error.strerror:
        name = f": {os_name(error.filename)}" if error.filename is not None else ""
        return shown(f"{error.strerror}{name}")
    return shown(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def os_name(name: str | bytes | int) -> str:
    """Return a file name from an `OSError` as text; a descriptor as its number."""
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name)
