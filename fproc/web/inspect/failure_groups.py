"""`/failures`: failed inputs by kind, that is, by node and reason, as their reports have them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.spool.disk.folder_watch import FolderWatch
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.layout import REPORT_ENDING, about

LOOK_SECONDS = 3.0
"""Seconds that one look may read reports. Those that are left are read by the next one."""

MOST_REPORT_BYTES = 256 * 1024
"""A larger report, which holds a very long line, is counted without a reason."""

NAMES = 5
"""The most names that an answer has of each kind."""


@dataclass(frozen=True, slots=True)
class FailureKind:
    """A kind of failure: the node, None where none is at fault, and the reason, "" where none is known."""

    node: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class _ReadReport:
    """A report as it was read at a version of its file, by the time of its last change."""

    version: int
    kind: FailureKind
    timestamp: str


class FailureGroups:
    """The failed inputs of a spool by kind. Any thread may call any method; a report is read once.

    Args:
        config: it has the folders.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        config: Config,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, _ReadReport] = {}
        self._watch = FolderWatch(SpoolStatus(config).folders.failed, clock)

    def as_json(self, limit: int, query: str = "", since: str = "") -> dict[str, Any]:
        """Return the answer of `/failures`, largest groups first; `unread` inputs are in none of them yet.

        Only inputs with the query in the name or the reason count, the case of letters is ignored, and only
        those that failed since a time, as reports have it.

        Raises:
            OSError: the folder cannot be read.
        """
        groups, unread = self._groups(query, since)
        described = [_described(kind, found) for kind, found in groups.items()]
        files = sum(map(len, groups.values()))
        described.sort(key=lambda group: group["last"], reverse=True)
        described.sort(key=lambda group: -int(group["count"]))
        return {"groups": described[:limit], "count": len(described), "files": files, "unread": unread}

    def names_of(self, kind: FailureKind, since: str = "") -> list[str]:
        """Return the failed inputs of a kind, sorted; only those that failed since a time, if there is one.

        Raises:
            OSError: the folder cannot be read.
        """
        groups, _ = self._groups(since=since)
        return sorted(groups.get(kind, ()))

    def matching(self, query: str) -> list[str]:
        """Return the failed inputs with this in the name or the reason, sorted.

        Raises:
            OSError: the folder cannot be read.
        """
        groups, _ = self._groups(query)
        return sorted(name for names in groups.values() for name in names)

    def _groups(
        self, query: str = "", since: str = ""
    ) -> tuple[dict[FailureKind, dict[str, _ReadReport]], int]:
        """Return the inputs of each kind with their reports, and how many are not read yet."""
        with self._lock:
            unread = self._look()
            groups: dict[FailureKind, dict[str, _ReadReport]] = {}
            for name, report in self._known.items():
                is_asked_for = query.lower() in f"{name}\n{report.kind.reason}".lower()
                if is_asked_for and report.timestamp >= since:
                    groups.setdefault(report.kind, {})[name] = report
        return groups, unread

    def _look(self) -> int:
        """Read reports that are new or have changed, for a while; return how many are left.

        While nothing comes into the folder or leaves it, what is known holds.
        """
        if self._watch.is_unchanged():
            return 0
        with suppress(OSError):  # a folder that is missing has nothing in it
            self._watch.begin()
        spool_status = SpoolStatus(self._config)
        folder = spool_status.folders.failed
        names = spool_status.inputs(folder)
        self._known = {name: report for name, report in self._known.items() if name in names}
        until, unread = self._monotonic() + LOOK_SECONDS, 0
        for name in sorted(names):
            path, known = os.path.join(folder, about(name, REPORT_ENDING)), self._known.get(name)
            version = _version(path)
            if known is not None and known.version == version:
                continue
            if self._monotonic() < until:
                self._known[name] = _read(path, version)
            else:
                self._known.pop(name, None)
                unread += 1
        if not unread:
            self._watch.keep()
        return unread


def _described(kind: FailureKind, found: dict[str, _ReadReport]) -> dict[str, Any]:
    times = [report.timestamp for report in found.values() if report.timestamp]
    newest = sorted(found, key=lambda name: (found[name].timestamp, name), reverse=True)
    return {
        "node": kind.node,
        "reason": kind.reason,
        "count": len(found),
        "first": min(times, default=""),
        "last": max(times, default=""),
        "files": newest[:NAMES],
    }


def _version(path: str) -> int:
    with suppress(OSError):  # without a report, there is nothing to read either
        return os.lstat(path).st_mtime_ns
    return -1


def _read(path: str, version: int) -> _ReadReport:
    try:
        with open(path, "rb") as file:
            report = json.loads(file.read(MOST_REPORT_BYTES))
    except (OSError, ValueError, RecursionError):
        report = None
    fields = report if isinstance(report, dict) else {}
    node, reason, timestamp = (fields.get(key) for key in ("node", "reason", "timestamp"))
    kind = FailureKind(node if isinstance(node, str) else None, reason if isinstance(reason, str) else "")
    return _ReadReport(version, kind, timestamp if isinstance(timestamp, str) else "")
