"""Figures as the text that Prometheus reads, in the format 0.0.4 or as OpenMetrics 1.0.0.

Counters begin at zero with each start, as Prometheus expects; gauges tell how things are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fproc import __version__
from fproc.base.values import dataclass
from fproc.telemetry.metrics import BOUNDS_SECONDS, Histogram, Snapshot

Sample = tuple[str, Mapping[str, str], float]
"""What stands behind the family's name, labels, value."""


@dataclass(slots=True)
class _Family:
    """The samples of one name; a counter's name is without `_total`."""

    name: str
    type: str
    help: str
    samples: Sequence[Sample]


def metrics_content_type(*, openmetrics: bool = False) -> str:
    """What to call the text in an answer."""
    if openmetrics:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return "text/plain; version=0.0.4; charset=utf-8"


def render_metrics(
    snapshot: Snapshot,
    *,
    files: Mapping[str, int],
    healthy: bool,
    paused: bool,
    busy: int,
    workers: int,
    free_bytes: int | None,
    total_bytes: int | None,
    oldest_waiting_seconds: float | None,
    uptime_seconds: float,
    cpu_seconds: float,
    memory_bytes: int | None,
    openmetrics: bool = False,
) -> str:
    """All figures. What is None is left out.

    Args:
        snapshot: what was counted.
        files: inputs by state.
        healthy: whether `/health` says "ok".
        paused: whether no new input is taken.
        busy: workers that have a file.
        workers: all of them.
        free_bytes: what is free where the folders lie.
        total_bytes: how large that filesystem is.
        oldest_waiting_seconds: for how long the oldest input has waited; None if none waits.
        uptime_seconds: since the start.
        cpu_seconds: processor time of this process, which is not the workers'.
        memory_bytes: what this process has in memory.
        openmetrics: give OpenMetrics.
    """
    families = [
        _gauge("build_info", "The version that runs; the value is always 1.", 1, version=__version__),
        *_of_files(snapshot, files),
        _gauge("oldest_waiting_seconds", "For how long the oldest input has waited.", oldest_waiting_seconds),
        _histogram(snapshot.histogram),
        *_of_graph(snapshot),
        _gauge("healthy", "1 while all is well, 0 if /health says otherwise.", int(healthy)),
        _gauge("intake_paused", "1 while no new input is taken.", int(paused)),
        _gauge("workers", "Worker processes.", workers),
        _gauge("workers_busy", "Worker processes that have a file.", busy),
        _gauge("disk_free_bytes", "What is free where the folders lie.", free_bytes),
        _gauge("disk_size_bytes", "How large the filesystem is where the folders lie.", total_bytes),
        _gauge("uptime_seconds", "Time since the start.", uptime_seconds),
        _counter("cpu_seconds", "Processor time of the main process.", cpu_seconds),
        _gauge("memory_bytes", "What the main process has in memory.", memory_bytes),
    ]
    lines = [line for family in families for line in _lines(family, openmetrics=openmetrics)]
    return "\n".join([*lines, "# EOF", ""] if openmetrics else [*lines, ""])


def _of_files(snapshot: Snapshot, files: Mapping[str, int]) -> Iterator[_Family]:
    own = snapshot.own_totals
    by_state = [("", {"state": state}, count) for state, count in files.items()]
    yield _Family("fproc_files", "gauge", "Inputs by state; that is the folder they lie in.", by_state)
    for name, help_text in {
        "files_processed": "Inputs that were processed.",
        "files_failed": "Inputs that failed for good.",
        "lines_in": "Lines read, of inputs that were processed or failed.",
        "lines_out": "Lines that reached a result or another sink.",
        "lines_rejected": "Lines set aside, of inputs that were processed or failed.",
        "lines_skipped": "Lines skipped, of inputs that were processed or failed.",
        "bytes_in": "Bytes read, of inputs that were processed or failed.",
        "retries": "Runs that failed and are tried again.",
        "recovered": "Inputs that were taken up again after their owner had died.",
    }.items():
        yield _counter(name, help_text, own[name])
    yield _gauge(
        "last_success_timestamp_seconds",
        "When an input was last processed, in seconds since 1970.",
        snapshot.last_success,
    )


def _of_graph(snapshot: Snapshot) -> Iterator[_Family]:
    for name, figure, help_text in (
        ("node_records_in", "count", "Records that came to a node."),
        ("node_records_out", "emitted", "Records that a node emitted."),
        ("node_errors", "errors", "Records that failed at a node."),
        ("node_seconds", "seconds", "Time that a node has taken, from a sample of lines."),
    ):
        samples = [("_total", {"node": tag}, figures[figure]) for tag, figures in snapshot.nodes.items()]
        yield _Family(f"fproc_{name}", "counter", help_text, samples)
    edges = [("_total", {"from": edge["from"], "to": edge["to"]}, edge["count"]) for edge in snapshot.edges]
    yield _Family("fproc_edge_records", "counter", "Records that went from one node to another.", edges)


def _histogram(histogram: Histogram) -> _Family:
    bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
    counts = [*histogram.counts, histogram.count]
    samples: list[Sample] = [
        *(("_bucket", {"le": bound}, count) for bound, count in zip(bounds, counts, strict=True)),
        ("_sum", {}, histogram.sum_seconds),
        ("_count", {}, histogram.count),
    ]
    return _Family("fproc_processing_seconds", "histogram", "How long inputs took to process.", samples)


def _gauge(name: str, help_text: str, value: float | None, **labels: str) -> _Family:
    return _Family(f"fproc_{name}", "gauge", help_text, [] if value is None else [("", labels, value)])


def _counter(name: str, help_text: str, value: float) -> _Family:
    return _Family(f"fproc_{name}", "counter", help_text, [("_total", {}, value)])


def _lines(family: _Family, *, openmetrics: bool) -> Iterable[str]:
    """The lines of a family; none if it has no samples."""
    if not family.samples:
        return
    suffix = "_total" if family.type == "counter" and not openmetrics else ""
    yield f"# HELP {family.name}{suffix} {family.help}"
    yield f"# TYPE {family.name}{suffix} {family.type}"
    for name, labels, value in family.samples:
        said = ",".join(f'{label}="{_escaped(render_metrics)}"' for label, render_metrics in labels.items())
        yield f"{family.name}{name}{{{said}}} {value}" if said else f"{family.name}{name} {value}"


def _escaped(label: str) -> str:
    r"""A label's value; what cannot be written as UTF-8 becomes `\uXXXX`."""
    label = label.encode("utf-8", "backslashreplace").decode()
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
