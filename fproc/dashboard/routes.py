"""Requests to responses: pure functions of what the rest of fproc shows of itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fproc import __version__
from fproc.metrics import Metrics
from fproc.spool import Spool
from fproc.watch import Health


@dataclass(frozen=True, slots=True)
class View:
    """What the dashboard can look at. `began` is the start, in monotonic seconds."""

    spool: Spool
    metrics: Metrics
    health: Callable[[], Health]
    began: float


@dataclass(frozen=True, slots=True)
class Response:
    """What a request is answered with; `value` is sent as JSON."""

    status: int
    value: Mapping[str, Any]
    allow: str = ""


def respond(method: str, path: str, view: View) -> Response:
    """Answer a request for a path (without its query)."""
    route = ROUTES.get(path)
    if route is None:
        return Response(404, {"error": f"there is no {path}; there are {', '.join(ROUTES)}"})
    if method not in {"GET", "HEAD"}:
        return Response(405, {"error": f"{path} does not take {method}"}, allow="GET, HEAD")
    return route(view)


def health(view: View) -> Response:
    """Whether work goes on, and if not, why."""
    loop = view.health()
    trouble = {} if not loop.trouble else {"message": loop.trouble}
    unusable = view.spool.unusable_folders()
    checks = {
        "intake": {"ok": not loop.trouble, **trouble},
        "folders": {"ok": not unusable, **({"message": "; ".join(unusable)} if unusable else {})},
    }
    well = all(check["ok"] for check in checks.values())
    status = "stopping" if loop.stopping else "ok" if well else "degraded"
    value = {
        "status": status,
        "version": __version__,
        "uptime_seconds": round(time.monotonic() - view.began, 3),
        "checks": checks,
    }
    return Response(200 if status == "ok" else 503, value)


def alive(_view: View) -> Response:
    """The process answers."""
    return Response(200, {"status": "ok"})


def stats(view: View) -> Response:
    """Figures since the start, and how many inputs lie in each folder now."""
    snapshot = view.metrics.snapshot()
    rate = {} if snapshot.success_rate is None else {"success_rate": snapshot.success_rate}
    value = {
        "files": view.spool.counts(),
        "totals": snapshot.totals,
        **rate,
        "throughput": snapshot.throughput,
        "processing_seconds": snapshot.processing_seconds,
        "nodes": snapshot.nodes,
        "edges": snapshot.edges,
        "system": system(view),
    }
    return Response(200, value)


def system(view: View) -> dict[str, float]:
    """What the process takes: `cpu_percent` of one core since the start, memory where Linux tells."""
    uptime_seconds = max(time.monotonic() - view.began, 0.001)
    figures: dict[str, float] = {
        "cpu_percent": round(100 * time.process_time() / uptime_seconds, 2),
        "uptime_seconds": round(uptime_seconds, 3),
    }
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            figures["memory_bytes"] = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass  # no /proc: the figure is left out
    return figures


ROUTES: dict[str, Callable[[View], Response]] = {
    "/health": health,
    "/livez": alive,
    "/readyz": health,
    "/stats": stats,
}


def body(response: Response) -> bytes:
    """The bytes of a response's value."""
    return json.dumps(response.value).encode() + b"\n"
