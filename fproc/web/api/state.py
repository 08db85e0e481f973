"""The state that the dashboard shows, and the figures of the process."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from typing import Any

from fproc import __version__
from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.pipeline.graph import Graph
from fproc.spool.locks.instance import Facts
from fproc.spool.spool import Spool
from fproc.telemetry.health import judge
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.rolling import WINDOWS
from fproc.web.api.queries import Queries


@dataclass(frozen=True, slots=True)
class DashboardState:
    """The state that the dashboard shows.

    `workers` returns how many there are, and how many are busy. `began` is the start, in monotonic seconds.
    """

    config: Config
    graph: Graph
    spool: Spool
    metrics: Metrics
    listing: Queries
    health: Callable[[], Facts]
    workers: Callable[[], tuple[int, int]]
    began: float

    def uptime_seconds(self) -> float:
        """Return for how long the process has been running."""
        return max(time.monotonic() - self.began, 0.001)


def health(view: DashboardState) -> tuple[bool, dict[str, Any]]:
    """Return whether all is well, and the answer of `/health`; some checks carry figures as well."""
    verdict = judge([view.health()], view.spool.disks())
    checks = {name: dict(check) for name, check in verdict.checks.items()}
    size, busy = view.workers()
    snapshot, oldest = view.metrics.snapshot(), view.listing.oldest_waiting()
    last = snapshot.last_success
    checks["workers"] |= {"count": size, "busy": busy}
    checks["last_success"] = {"ok": True, "timestamp": None if last is None else rfc3339(last)}
    checks["oldest_waiting"] = {
        "ok": True,
        "file": oldest[0] if oldest else None,
        "seconds": round(oldest[1], 3) if oldest else None,
    }
    value = {
        "status": verdict.status,
        "version": __version__,
        "uptime_seconds": round(view.uptime_seconds(), 3),
        "revision": _revision(view, snapshot.totals, is_busy=busy > 0),
        "checks": checks,
    }
    return verdict.is_ok, value


def _revision(view: DashboardState, totals: dict[str, int], *, is_busy: bool) -> str:
    """Return a text that changes whenever the page has something else to show, so it need not ask for all."""
    moment = int(time.monotonic()) if is_busy else 0
    seen = totals, view.listing.known_counts(), moment, list(view.graph.nodes)
    return f"{zlib.crc32(repr(seen).encode()):08x}"


COUNTS = ("ok", "count", "busy")
"""What strangers learn of each check."""


def reduced_health(value: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of `/health` for strangers: status and counts, but no names, sizes or paths."""
    checks = {
        name: {key: check[key] for key in COUNTS if key in check} for name, check in value["checks"].items()
    }
    return {"status": value["status"], "checks": checks}


def stats(view: DashboardState, window_seconds: int | None) -> dict[str, Any]:
    """Return how many inputs are in each folder now, and figures.

    Throughput and processing times are those of a window; without one, throughput is that of the shortest,
    and processing times are those of the shortest in which a file has ended.
    """
    snapshot = view.metrics.snapshot(window_seconds or WINDOWS[0])
    times = snapshot.processing_seconds
    for wider in WINDOWS if window_seconds is None else ():
        times = times or view.metrics.snapshot(wider).processing_seconds
    rate = {} if snapshot.success_rate is None else {"success_rate": snapshot.success_rate}
    return {
        "files": view.listing.counts(),
        "totals": snapshot.totals,
        **rate,
        "rejects": view.listing.with_rejects(),
        "lately": snapshot.lately,
        "throughput": snapshot.throughput,
        "processing_seconds": times,
        "nodes": snapshot.nodes,
        "edges": snapshot.edges,
        "outside_nodes": snapshot.outside_nodes,
        "system": system(view),
    }


def system(view: DashboardState) -> dict[str, float]:
    """Return what the process uses: `cpu_percent` of one core since the start, and memory on Linux."""
    uptime_seconds = view.uptime_seconds()
    figures: dict[str, float] = {
        "cpu_percent": round(100 * time.process_time() / uptime_seconds, 2),
        "uptime_seconds": round(uptime_seconds, 3),
    }
    memory_bytes = resident_bytes()
    return figures if memory_bytes is None else {**figures, "memory_bytes": memory_bytes}


def resident_bytes() -> int | None:
    """Return the resident memory of the process; None where /proc does not have it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
