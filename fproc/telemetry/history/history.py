"""The history of every input: what is recorded of it, and what is asked.

The folders are the state; deleting the database loses no file. So trouble with it never stops the work: see
`database`.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from fproc.base.text import shown
from fproc.config.retention import Retention
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.run.outcome import FileEvent
from fproc.telemetry.events import Failure, Row, bytes_of, line_values_of, row_of, values_of
from fproc.telemetry.history.arrivals import ArrivalLog
from fproc.telemetry.history.chosen import ALL_EVENTS, ChosenEvents
from fproc.telemetry.history.database import Change, Database
from fproc.telemetry.history.node_steps import NodeSteps
from fproc.telemetry.history.pipelines import PipelineLog
from fproc.telemetry.history.schema import TOTALS
from fproc.telemetry.history.upkeep import Upkeep
from fproc.telemetry.rolling import Binned, Ended

log = logging.getLogger("fproc.history")

MOST_LINE_ERRORS = 100_000
"""How many left-out lines are kept at most: each takes ten times the space of an event."""

ASKED_AT_ONCE = 400
"""How many names one query has; old versions of SQLite allow no more than 999."""

TIMELINE_EVENTS = 200
"""How many events of one name a timeline has, unless asked otherwise: a name may come again every minute."""

_NOTHING: Mapping[str, NodeCounts] = MappingProxyType({})

_HIGHEST_ID = 2**63 - 1

Place = tuple[str | float, int]
"""What an event is sorted by, and its id."""

# Text is bound as bytes and cast, because a name need not be UTF-8.
# Columns are named: SQLite then notices when another process has just added one.
_INSERT = """INSERT OR IGNORE INTO events (job, file, kind, time, attempt, seconds, lines_in, lines_out,
        bytes_in, rejected, results, error, node, line_no, line, skipped, client, pipeline, version)
    VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
        ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT), ?,
        CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"""
_INSERT_LINE = """INSERT OR IGNORE INTO line_errors
        (job, attempt, file, time, number, node, line_no, line, error)
    VALUES (CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, ?,
        CAST(? AS TEXT), ?, CAST(? AS TEXT), CAST(? AS TEXT))"""
_TRIM_LINES = "DELETE FROM line_errors WHERE id <= (SELECT max(id) FROM line_errors) - ?"

_RECENT = r"""SELECT * FROM events
    WHERE id < :before AND id >= :least
        AND (length(:kinds) = 0 OR instr(CAST(:kinds AS TEXT), char(10) || kind || char(10)))
        AND (file LIKE CAST(:pattern AS TEXT) ESCAPE '\' OR error LIKE CAST(:pattern AS TEXT) ESCAPE '\')
        AND {chosen}
    ORDER BY id DESC LIMIT :limit"""

_SORTED_BY = {
    "file": "hex(natural_key(CAST(file AS BLOB)))",
    "timestamp": "time",
    "state": "kind",
    "seconds": "seconds",
    "lines": "lines_in",
    "left_out": "rejected + skipped",
    "attempts": "attempt",
    "error": "hex(CAST(error AS BLOB))",
}
"""What events are sorted by: numbers, or text in ASCII."""
_IN_ORDER = r"""SELECT *, {key} AS place FROM events
    WHERE id > :newest - :most AND id <= :newest
        AND instr(CAST(:kinds AS TEXT), char(10) || kind || char(10))
        AND (file LIKE CAST(:pattern AS TEXT) ESCAPE '\' OR error LIKE CAST(:pattern AS TEXT) ESCAPE '\')
        AND {chosen}
        AND (:before IS NULL OR {key} {beyond} :place OR ({key} = :place AND id < :before))
    ORDER BY place {direction}, id DESC LIMIT :limit"""

_OF_FILE = "file = CAST(:file AS TEXT)"
_OF_NODE = "node = CAST(:node AS TEXT)"
_FOLLOWING = "SELECT * FROM events WHERE {which} AND {chosen} AND id > :id ORDER BY id LIMIT :limit"
_TIMELINE = "SELECT * FROM events WHERE file = CAST(:file AS TEXT) ORDER BY id DESC LIMIT :limit"
_ERRORS = """SELECT time, file, node, line_no, line, error, attempt FROM (
    SELECT * FROM (
        SELECT time, file, node, line_no, line, error, attempt, 0 AS number FROM events
        WHERE error != '' AND {which} ORDER BY id DESC LIMIT :limit)
    UNION ALL SELECT * FROM (
        SELECT time, file, node, line_no, line, error, attempt, number FROM line_errors
        WHERE {which} ORDER BY id DESC LIMIT :limit))
    ORDER BY time DESC, file, number = 0 DESC, number DESC LIMIT :limit"""
_FAILURES = "SELECT * FROM events WHERE kind = 'failed' AND file IN ({names}) ORDER BY id DESC"
_SAME = "SELECT file FROM events WHERE job = CAST(? AS TEXT) AND kind = CAST(? AS TEXT) AND attempt = ?"
_LAST = "SELECT time FROM events WHERE kind = CAST(? AS TEXT) ORDER BY id DESC LIMIT 1"
_ENDED = """SELECT time, seconds, lines_in, bytes_in, kind = 'failed' FROM events
    WHERE time >= ? AND time < ? AND kind IN ('processed', 'failed') ORDER BY time DESC LIMIT ?"""

_BY_STEP = """SELECT CAST((time - :since) / :step AS INTEGER) AS step, bin_of(seconds) AS bin, count(*),
        sum(kind = 'failed'), sum(lines_in), sum(bytes_in), max(seconds) FROM events
    WHERE time >= :since AND kind IN ('processed', 'failed') GROUP BY step, bin"""


class History:
    """The database at `path`, created if it is missing. No method raises because of it.

    Any thread may call any method.

    Args:
        path: the database. Its folder must exist.
        retention: how much of it is kept when its `upkeep` is done.
        is_shared: whether other hosts may use its filesystem too.
        set_aside: as `Database` takes it.
        clock: seconds since 1970, by which the age of events is measured.

    Attributes:
        pipelines: when pipeline or version changed.
        nodes: what each node did.
        arrivals: how many inputs were left.
        upkeep: removes what is too old, or too much.
    """

    def __init__(
        self,
        path: str,
        *,
        retention: Retention,
        is_shared: bool = False,
        set_aside: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(path, is_shared=is_shared, set_aside=set_aside)
        self.pipelines = PipelineLog(self._database)
        self.arrivals = ArrivalLog(self._database)
        self.nodes = NodeSteps(self._database)
        self.upkeep = Upkeep(self._database, retention, clock=clock)

    def record(self, events: Sequence[FileEvent], nodes: Mapping[str, NodeCounts] = _NOTHING) -> None:
        """Add events, and what nodes did meanwhile, all in one transaction.

        An event that is recorded already changes nothing.
        """
        if not events:
            return
        changes: list[Change] = [(_INSERT, [values_of(event) for event in events])]
        lines = [values for event in events for values in line_values_of(event)]
        if lines:
            changes += [(_INSERT_LINE, lines), (_TRIM_LINES, [(MOST_LINE_ERRORS,)])]
        recorded = self._database.write(*changes, *self.nodes.added(events[-1].time, nodes))
        if recorded is not None and recorded < len(events):
            self._check_known(events)

    def _check_known(self, events: Sequence[FileEvent]) -> None:
        """Warn if a recorded event is another input's: an id that two inputs share would hide one of them."""
        for event in events:
            key = bytes_of(event.job), bytes_of(event.kind), event.attempt
            rows = self._database.ask(_SAME, key)
            if rows and rows[0][0] != event.file:
                log.warning(
                    "the history has %s for %s of %s, which has the same id %s; that is not recorded",
                    *map(shown, (rows[0][0], event.kind, event.file, event.job)),
                )

    def prune(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Delete the events that are too old, or too many, and return how many; the totals stay."""
        return self.upkeep.prune(is_stopping)

    def totals(self) -> dict[str, int]:
        """Return the totals of all events ever recorded, pruned ones included; empty if they are not known.

        `files_processed`, `files_failed`, `retries` and `recovered` count events of these kinds; the other
        totals are of the files that were processed or failed.
        """
        rows = self._database.ask("SELECT * FROM totals", ())
        return dict(zip(TOTALS, rows[0], strict=True)) if rows else {}

    def recent(
        self,
        *,
        limit: int,
        kinds: Collection[str] = (),
        query: str = "",
        after: int | None = None,
        least: int = 0,
        chosen: ChosenEvents = ALL_EVENTS,
    ) -> list[Row]:
        """Return events, newest first.

        Args:
            limit: how many at most.
            kinds: only events of these kinds, if any are named.
            query: only events with this in the file's name or the error; the case of A to Z is ignored.
            after: only the rows that follow the one with this id in the list, that is, older ones.
            least: only rows with this id or a higher one: what is not read takes no time.
            chosen: only these events.
        """
        parameters = {
            "least": least,
            "before": _HIGHEST_ID if after is None else after,
            "kinds": _kinds(kinds),
            "pattern": _pattern(query),
            "limit": max(limit, 0),
            **chosen.values(),
        }
        sql = _RECENT.format(chosen=chosen.sql())
        return [row_of(values) for values in self._database.ask(sql, parameters)]

    def in_order(
        self,
        key: str,
        *,
        is_down: bool,
        limit: int,
        kinds: Collection[str],
        query: str = "",
        after: Place | None = None,
        most: int,
        chosen: ChosenEvents = ALL_EVENTS,
    ) -> tuple[list[Row], Place | None]:
        """Return events sorted by a key of a list, and the place of the last of them; None if there is none.

        Args:
            key: `file`, `timestamp`, `state`, `seconds`, `lines`, `left_out`, `attempts` or `error`.
            is_down: the largest come first.
            limit: how many at most.
            kinds: only events of these kinds.
            query: as in `recent`.
            after: only what follows this place.
            most: only so many of the newest events are sorted at all.
            chosen: only these events.
        """
        place, before = after or ("", None)
        beyond, direction = ("<", "DESC") if is_down else (">", "ASC")
        sql = _IN_ORDER.format(key=_SORTED_BY[key], beyond=beyond, direction=direction, chosen=chosen.sql())
        parameters = {
            **chosen.values(),
            "newest": self.bounds(chosen)[1],
            "most": most,
            "kinds": _kinds(kinds),
            "pattern": _pattern(query),
            "place": place,
            "before": before,
            "limit": max(limit, 0),
        }
        found = self._database.ask(sql, parameters)
        rows = [row_of(values[:-1]) for values in found]
        return rows, (found[-1][-1], found[-1][0]) if found else None

    def bounds(self, chosen: ChosenEvents = ALL_EVENTS) -> tuple[int, int]:
        """Return ids between which all chosen events are; 1 and 0 if there are none."""
        rows = self._database.ask(chosen.bounds_sql(), chosen.values())
        first, last = rows[0] if rows else (None, None)
        return (1, 0) if first is None else (int(first), int(last))

    def following(
        self, row_id: int, limit: int, file: str = "", chosen: ChosenEvents = ALL_EVENTS
    ) -> list[Row]:
        """Return the first events that were recorded after the one of this id, oldest first.

        If a file is named, return only its own.
        """
        sql = _FOLLOWING.format(which=_OF_FILE if file else "1", chosen=chosen.sql())
        parameters = {**chosen.values(), "file": bytes_of(file), "id": row_id, "limit": limit}
        rows = self._database.ask(sql, parameters)
        return [row_of(values) for values in rows]

    def timeline(self, file: str, limit: int = TIMELINE_EVENTS) -> list[Row]:
        """Return the newest events of a name, `limit` at most, oldest first."""
        rows = self._database.ask(_TIMELINE, {"file": bytes_of(file), "limit": limit})
        return [row_of(values) for values in reversed(rows)]

    def errors(self, limit: int, file: str = "", node: str = "") -> list[Failure]:
        """Return files that failed or are retried, and left-out lines, newest first, `limit` at most.

        If a file or a node is named, return only its own.
        """
        which = " AND ".join([_OF_FILE] * bool(file) + [_OF_NODE] * bool(node)) or "1"
        values = {"file": bytes_of(file), "node": bytes_of(node)}
        rows = self._database.ask(_ERRORS.format(which=which), {**values, "limit": max(limit, 0)})
        return [Failure(*values) for values in rows]

    def failures(self, files: Collection[str]) -> list[Row]:
        """Return the `failed` events of files of these names, newest first for each name."""
        names = [bytes_of(file) for file in files]
        rows: list[Row] = []
        for start in range(0, len(names), ASKED_AT_ONCE):
            batch = names[start : start + ASKED_AT_ONCE]
            sql = _FAILURES.format(names=", ".join(["CAST(? AS TEXT)"] * len(batch)))
            rows += [row_of(values) for values in self._database.ask(sql, batch)]
        return rows

    def ended(self, since: float, before: float, limit: int) -> list[Ended]:
        """Return the files that ended in a time span (seconds since 1970), newest first, `limit` at most."""
        return [Ended(*values) for values in self._database.ask(_ENDED, (since, before, limit))]

    def ended_by_step(self, since: float, step_seconds: int) -> list[Binned]:
        """Return the files that ended since a time, those alike that ended in one step together."""
        rows = self._database.ask(_BY_STEP, {"since": since, "step": step_seconds})
        return [Binned(*values) for values in rows]

    def last(self, kind: str) -> float | None:
        """Return when an event of this kind was last recorded, in seconds since 1970, or None."""
        rows = self._database.ask(_LAST, (bytes_of(kind),))
        return float(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close the database for good; later events are dropped, and queries return nothing."""
        self._database.close()


def _kinds(kinds: Collection[str]) -> bytes:
    return bytes_of("".join(f"\n{kind}\n" for kind in kinds))


def _pattern(query: str) -> bytes:
    return bytes_of("%" + re.sub(r"([\\%_])", r"\\\1", query) + "%")
