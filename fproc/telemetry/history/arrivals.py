"""How many inputs were left at a time, and how many had ended: so it is known how many came since."""

from __future__ import annotations

from fproc.base.values import dataclass
from fproc.telemetry.history.database import Database

_NOTE = """INSERT OR REPLACE INTO left_files
    SELECT ?, ?, ?, files_processed + files_failed FROM totals"""
_AT = """SELECT time, files, ended FROM left_files WHERE time =
    coalesce((SELECT max(time) FROM left_files WHERE time <= :since), (SELECT min(time) FROM left_files))"""
_LONGEST = "SELECT max(oldest_seconds) FROM left_files WHERE time >= ?"
_ENDED = "SELECT files_processed + files_failed FROM totals"
_FORGET = "DELETE FROM left_files WHERE time < ?"


@dataclass(frozen=True, slots=True)
class LeftFiles:
    """How many inputs were left at a time (seconds since 1970), and how many had ever ended."""

    time: float
    files: int
    ended: int


class ArrivalLog:
    """Samples of what is left, in one history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, time: float, files: int, oldest_seconds: float) -> None:
        """Record how many inputs are left, and how long the oldest that waits has waited."""
        self._database.write((_NOTE, [(int(time), files, oldest_seconds)]))

    def at(self, since: float) -> LeftFiles | None:
        """Return the last sample up to a time, or the first one after it; None if there is none."""
        rows = self._database.ask(_AT, {"since": since})
        return LeftFiles(*rows[0]) if rows else None

    def ended(self) -> int:
        """Return how many inputs have ever ended."""
        rows = self._database.ask(_ENDED)
        return int(rows[0][0]) if rows else 0

    def longest_wait(self, since: float) -> float:
        """Return the longest time that an input was seen to have waited since a time, in seconds."""
        rows = self._database.ask(_LONGEST, (since,))
        return float(rows[0][0] or 0.0) if rows else 0.0

    def prune(self, before: float) -> None:
        """Forget what is older than a time."""
        self._database.write((_FORGET, [(before,)]))
