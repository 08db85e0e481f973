"""The metrics of `/metrics`: one entry each, from which the text and the table of the documents come.

Counters begin at zero with each start, as Prometheus expects; gauges have the present value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fproc import __version__
from fproc.base.values import dataclass
from fproc.telemetry.metrics import BOUNDS_SECONDS, OUTSIDE_NODES, Histogram, Snapshot
from fproc.web.api import state
from fproc.web.api.exposition import Family, Sample, render_families
from fproc.web.api.state import DashboardState


@dataclass(frozen=True, slots=True)
class Moment:
    """The figures at the time of a request for `/metrics`; `checks` are those of `/health`.

    `files` is None while nobody knows yet how many there are.
    """

    view: DashboardState
    snapshot: Snapshot
    files: Mapping[str, int] | None
    is_well: bool
    checks: Mapping[str, Mapping[str, Any]]

    @classmethod
    def now(cls, view: DashboardState) -> Moment:
        """Return the present figures."""
        is_well, value = state.health(view)
        return cls(view, view.metrics.snapshot(), view.listing.known_counts(), is_well, value["checks"])


Labelled = tuple[Mapping[str, str], float]
"""One of several values of a metric: its labels and the value."""

Read = Callable[[Moment], float | Iterable[Labelled] | Histogram | None]
"""A call that returns a metric's value, or values with labels; None is not known, and left out."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric; its name is without `fproc_` and `_total`. `note` is for the documents only."""

    name: str
    help: str
    read: Read
    type: str = "gauge"
    note: str = ""

    @property
    def full_name(self) -> str:
        """The name of the metric in the text."""
        return f"fproc_{self.name}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return "_total" if self.type == "counter" else ""

    def family(self, at: Moment) -> Family:
        """Return the metric with its values at a moment."""
        return Family(f"fproc_{self.name}", self.type, self.help, list(self._samples(self.read(at))))

    def _samples(self, value: float | Iterable[Labelled] | Histogram | None) -> Iterable[Sample]:
        if value is None:
            return []
        if isinstance(value, Histogram):
            return _buckets(value)
        if isinstance(value, int | float):
            return [(self._suffix, {}, value)]
        return [(self._suffix, labels, number) for labels, number in value]


def _counter(name: str, help_text: str, read: Read, note: str = "") -> Gauge:
    return Gauge(name, help_text, read, "counter", note)


def _counted(name: str, help_text: str) -> Gauge:
    """Return a counter of one of the totals."""
    return _counter(name, help_text, lambda at: at.snapshot.own_totals[name])


def _of_nodes(name: str, help_text: str, figure: str) -> Gauge:
    def read(at: Moment) -> Iterable[Labelled]:
        return [({"node": tag}, figures[figure]) for tag, figures in at.snapshot.nodes.items()]

    return _counter(name, help_text, read, "By `node`.")


def _by_edge(at: Moment) -> Iterable[Labelled]:
    return [({"from": edge["from"], "to": edge["to"]}, edge["count"]) for edge in at.snapshot.edges]


def _outside_nodes(at: Moment) -> Iterable[Labelled]:
    seconds_of = dict.fromkeys(OUTSIDE_NODES, 0.0) | at.snapshot.outside_nodes
    return [({"doing": doing}, seconds) for doing, seconds in seconds_of.items()]


def _buckets(histogram: Histogram) -> list[Sample]:
    bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
    counts = [*histogram.counts, histogram.count]
    return [
        *(("_bucket", {"le": bound}, count) for bound, count in zip(bounds, counts, strict=True)),
        ("_sum", {}, histogram.sum_seconds),
        ("_count", {}, histogram.count),
    ]


# One metric per entry, so that each is found at a glance.
GAUGES = (
    Gauge(
        "build_info",
        "The version that runs; the value is always 1.",
        lambda _: [({"version": __version__}, 1)],
    ),
    Gauge(
        "files",
        "Inputs by state; that is the folder they lie in.",
        lambda at: (
            None if at.files is None else [({"state": name}, count) for name, count in at.files.items()]
        ),
        note="The label `state` is one of them.",
    ),
    _counted("files_processed", "Inputs that were processed."),
    _counted("files_failed", "Inputs that failed for good."),
    _counted("lines_in", "Lines read, of inputs that were processed or failed."),
    _counted("lines_out", "Lines that reached a result or another sink."),
    _counted("lines_rejected", "Lines set aside, of inputs that were processed or failed."),
    _counted("lines_skipped", "Lines skipped, of inputs that were processed or failed."),
    _counted("bytes_in", "Bytes read, of inputs that were processed or failed."),
    _counted("retries", "Runs that failed and are tried again."),
    _counted("recovered", "Inputs that were taken up again after their owner had died."),
    Gauge(
        "last_success_timestamp_seconds",
        "When an input was last processed, in seconds since 1970.",
        lambda at: at.snapshot.last_success,
        note="Known over restarts.",
    ),
    Gauge(
        "oldest_waiting_seconds",
        "For how long the oldest input has waited.",
        lambda at: at.checks["oldest_waiting"]["seconds"],
        note="Left out if none waits.",
    ),
    Gauge(
        "processing_seconds",
        "How long inputs took to process.",
        lambda at: at.snapshot.histogram,
        "histogram",
        f"Buckets from {BOUNDS_SECONDS[0]} to {BOUNDS_SECONDS[-1]:.0f} s.",
    ),
    _of_nodes("node_records_in", "Records that came to a node.", "count"),
    _of_nodes("node_records_out", "Records that a node emitted.", "emitted"),
    _of_nodes("node_errors", "Records that failed at a node.", "errors"),
    _of_nodes("node_seconds", "Time that a node has taken, from a sample of lines.", "seconds"),
    _of_nodes(
        "node_sampled_seconds",
        "Time that workers were seen at a node, about once a second.",
        "sampled_seconds",
    ),
    _counter(
        "outside_nodes_seconds",
        "Time that workers were seen at something else than a node.",
        _outside_nodes,
        "By `doing`.",
    ),
    _counter("edge_records", "Records that went from one node to another.", _by_edge, "By `from` and `to`."),
    Gauge("healthy", "1 while all is well, 0 if /health says otherwise.", lambda at: int(at.is_well)),
    Gauge("intake_paused", "1 while no new input is taken.", lambda at: int(bool(at.view.health().paused))),
    Gauge("workers", "Worker processes.", lambda at: at.checks["workers"]["count"]),
    Gauge("workers_busy", "Worker processes that have a file.", lambda at: at.checks["workers"]["busy"]),
    Gauge(
        "disk_free_bytes",
        "What is free where the folders lie.",
        lambda at: at.checks["disk"]["free_bytes"],
        note="Of inputs and results on two disks, the fuller one.",
    ),
    Gauge(
        "disk_size_bytes",
        "How large the filesystem is where the folders lie.",
        lambda at: at.checks["disk"]["total_bytes"],
    ),
    Gauge("uptime_seconds", "Time since the start.", lambda at: at.view.uptime_seconds()),
    _counter(
        "cpu_seconds",
        "Processor time of the main process.",
        lambda _: time.process_time(),
        "Not that of the workers.",
    ),
    Gauge("memory_bytes", "What the main process has in memory.", lambda _: state.resident_bytes()),
)


def metrics_text(at: Moment, *, openmetrics: bool) -> str:
    """Return all figures, for Prometheus."""
    return render_families((gauge.family(at) for gauge in GAUGES), openmetrics=openmetrics)
