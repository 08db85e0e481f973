"""`/file/NAME`: all that is known of the inputs of one name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any, BinaryIO

from fproc.base.text import is_encodable
from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.run.outcome import FileEvent
from fproc.spool.intake.status import Location, SpoolStatus
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.layout import REJECTS_ENDING, REPORT_ENDING, about, archive_number
from fproc.spool.locks.holding import holder_status
from fproc.spool.output.intents import APPENDED
from fproc.telemetry.history.history import History
from fproc.telemetry.rolling import rounded
from fproc.telemetry.traces import Traces
from fproc.web.inspect.downloads import open_below

Entry = dict[str, Any]

MOST_HASHED_BYTES = 16 << 20
"""The most bytes of results that are hashed for one answer, together."""

MOST_RESULTS = 100
MOST_EVENTS = 200
MOST_LINES = 20
MOST_LINE_BYTES = 64 * 1024
MOST_REPORT_BYTES = 256 * 1024
MOST_TRACES = 20
"""The most that one answer has of each kind; what is longer is left out, and can be downloaded."""

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileDetails:
    """Answers about one file, from the folders, the history (or None) and the traces in memory."""

    config: Config
    history: History | None
    traces: Traces

    def note(self, events: list[FileEvent]) -> None:
        """Record events, if there is a history."""
        if self.history is not None:
            self.history.record(events)

    def of(self, name: str) -> Entry | None:
        """Return all that is known of a name, or None if nothing is.

        Raises:
            OSError: a folder cannot be read.
        """
        if "/" in name or "\0" in name or not is_encodable(name):
            return None
        spool_status = SpoolStatus(self.config)
        places = spool_status.why(name)
        events = self._events(name)
        if not places and not events:
            return None
        return {
            "file": name,
            "places": [_place(spool_status, location) for location in places],
            "timeline": [_moment(event) for event in events],
            "results": self._results(events),
            "traces": [
                trace.as_json()
                for first in first_names(name)
                for _, trace in self.traces.find(file=first, limit=MOST_TRACES)
            ],
        }

    def _events(self, name: str) -> list[FileEvent]:
        """Return the newest events of a name, oldest first."""
        if self.history is None:
            return []
        found = [row for first in first_names(name) for row in self.history.timeline(first, MOST_EVENTS)]
        return [row.event for row in sorted(found, key=lambda row: row.id)[-MOST_EVENTS:]]

    def _results(self, events: list[FileEvent]) -> list[Entry]:
        """Return the results that are still there, with their hashes as far as that takes no long time."""
        names = dict.fromkeys(name for event in reversed(events) for name in event.results)
        results: list[Entry] = []
        left_bytes = MOST_HASHED_BYTES
        for name in islice(names, MOST_RESULTS):
            opened = open_below(self.config.results_dir, name.partition(APPENDED)[0])
            if opened is None:
                results.append({"name": name, "bytes": None, "sha256": None})
                continue
            with closing(opened):
                size_bytes = os.fstat(opened.fileno()).st_size
                is_hashed = size_bytes <= left_bytes
                left_bytes -= size_bytes if is_hashed else 0
                sha256 = _hashed(opened, size_bytes) if is_hashed else None
            results.append({"name": name, "bytes": size_bytes, "sha256": sha256})
        return results


def first_names(archived: str) -> list[str]:
    """Return the names that an input may have had before it was archived under this one."""
    stem, suffix = os.path.splitext(archived)
    first = stem.rpartition("~")[0] + suffix
    return [archived, first] if archive_number(first, archived) else [archived]


def _place(spool_status: SpoolStatus, location: Location) -> Entry:
    """Return where a file is and why, with its checkpoint, its report and its rejected lines."""
    folders, name = spool_status.folders, location.name
    is_at_work = location.place == os.path.basename(folders.underprocess)
    is_archived = location.place in {os.path.basename(folders.processed), os.path.basename(folders.failed)}
    saved = checkpoints.read_checkpoint(holder_status(folders, name).folder) if is_at_work else None
    return {
        "state": location.place,
        "name": name,
        "why": location.why,
        "checkpoint": {"line_no": saved.place.line_no} if saved else None,
        "report": _report_in(folders.failed, about(name, REPORT_ENDING)) if is_archived else None,
        "rejects": _rejects_in(folders.failed, about(name, REJECTS_ENDING)) if is_archived else None,
    }


def _report_in(folder: str, name: str) -> Entry | None:
    opened = open_below(folder, name)
    if opened is None:
        return None
    with closing(opened):
        return _object(opened.read(MOST_REPORT_BYTES))


def _rejects_in(folder: str, name: str) -> Entry | None:
    """Return the size of a file of rejected lines, and the first of them."""
    opened = open_below(folder, name)
    if opened is None:
        return None
    with closing(opened):
        size_bytes = os.fstat(opened.fileno()).st_size
        lines = list(islice(_lines(opened), MOST_LINES))
    return {"name": name, "bytes": size_bytes, "lines": lines}


def _lines(opened: BinaryIO) -> Iterator[Entry]:
    """Yield the rejected lines at the beginning of a file, but those that are very long."""
    for line in opened.read(MOST_LINE_BYTES).splitlines():
        value = _object(line)
        if value is not None:
            yield value


def _object(data: bytes) -> Entry | None:
    """Return a JSON object; None if these bytes are none, or only its beginning."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _moment(event: FileEvent) -> Entry:
    return {
        "timestamp": rfc3339(event.time),
        "file": event.file,
        "kind": event.kind,
        "attempt": event.attempt,
        "seconds": rounded(event.seconds),
        "lines": event.lines_in,
        "lines_out": event.lines_out,
        "bytes": event.bytes_in,
        "rejected": event.rejected,
        "skipped": event.skipped,
        "error": event.error or None,
        "node": event.node,
        "line_no": event.line_no,
        "line": event.line,
        "client": event.client,
        "pipeline": event.pipeline,
        "version": event.version,
    }


def _hashed(opened: BinaryIO, size_bytes: int) -> str:
    """Return the SHA-256 of the first bytes of a file: one that grows meanwhile is not followed."""
    sha256, left_bytes = hashlib.sha256(), size_bytes
    while left_bytes and (data := opened.read(min(CHUNK_BYTES, left_bytes))):
        sha256.update(data)
        left_bytes -= len(data)
    return sha256.hexdigest()
