"""The text that Prometheus reads."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from fproc import __version__
from fproc.base.values import replace
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.process.mark import Whereabouts
from fproc.run.figures import Figures
from fproc.run.outcome import outcome_of
from fproc.run.verdict import Verdict
from fproc.telemetry.metrics import OUTSIDE_NODES, Metrics, Snapshot
from fproc.web.api import state
from fproc.web.api.exposition import metrics_content_type
from fproc.web.api.gauges import Moment, metrics_text
from tests.support.programs.promtool import check_metrics

STATES = {"unprocessed": 3, "underprocess": 1, "processed": 20, "failed": 2}
HOSTILE = 'a"b\\c\nd{}=,# e\té\u2028'


def worked(tag: str = "start") -> Snapshot:
    """Figures after two files, one of which failed."""
    metrics = Metrics(clock=lambda: 2_000_000_000.0, base={"files_processed": 1000, "lines_in": 10**6})
    nodes = {tag: NodeCounts(10, 8, 1, 10, 0.5), "end": NodeCounts(8, 0, 0)}
    figures = Figures(
        lines_in=10, lines_out=8, bytes_in=100, rejected=2, skipped=1, nodes=nodes, edges={(tag, "end"): 8}
    )
    metrics.add(outcome_of("a.log", Verdict.COMMIT, figures, 0.3))
    metrics.add(outcome_of("b.log", Verdict.FAIL, figures, 700.0))
    metrics.add(outcome_of("c.log", Verdict.RETRY, figures, 1.0))
    metrics.add_recovered()
    metrics.add_time(Whereabouts("", node=tag), 2.5)
    metrics.add_time(Whereabouts("at its commit"), 0.5)
    return metrics.snapshot()


KNOWN: dict[str, Any] = {
    "healthy": True,
    "paused": "",
    "busy": 1,
    "workers": 2,
    "free_bytes": 10**12,
    "total_bytes": 2 * 10**12,
    "oldest_waiting_seconds": 12.5,
    "memory_bytes": 4096,
}


def said(snapshot: Snapshot | None = None, *, openmetrics: bool = False, **changes: Any) -> str:
    known = {**KNOWN, **changes}
    checks = {
        "disk": {"free_bytes": known["free_bytes"], "total_bytes": known["total_bytes"]},
        "workers": {"busy": known["busy"], "count": known["workers"]},
        "oldest_waiting": {"seconds": known["oldest_waiting_seconds"]},
    }
    view: Any = SimpleNamespace(
        uptime_seconds=lambda: 99.25, health=lambda: SimpleNamespace(paused=known["paused"])
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "process_time", lambda: 1.5)
        patched.setattr(state, "resident_bytes", lambda: known["memory_bytes"])
        at = Moment(view, snapshot or worked(), STATES, known["healthy"], checks)
        return metrics_text(at, openmetrics=openmetrics)


def families(shown: str, *, openmetrics: bool) -> dict[str, Metric]:
    found = list((parse_openmetrics if openmetrics else parse_text)(shown))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def values(shown: str, *, openmetrics: bool = False) -> dict[tuple[str, ...], float]:
    """The samples by name and values of labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(shown, openmetrics=openmetrics).values()
        for sample in family.samples
    }


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_figure_is_there_under_its_name_in_both_formats(*, openmetrics: bool) -> None:
    found = values(said(openmetrics=openmetrics), openmetrics=openmetrics)
    expected: dict[tuple[str, ...], float] = {
        ("fproc_build_info", __version__): 1,
        ("fproc_files", "unprocessed"): 3,
        ("fproc_files", "underprocess"): 1,
        ("fproc_files", "processed"): 20,
        ("fproc_files", "failed"): 2,
        ("fproc_files_processed_total",): 1,
        ("fproc_files_failed_total",): 1,
        ("fproc_lines_in_total",): 20,
        ("fproc_lines_out_total",): 16,
        ("fproc_lines_rejected_total",): 4,
        ("fproc_lines_skipped_total",): 2,
        ("fproc_bytes_in_total",): 200,
        ("fproc_retries_total",): 1,
        ("fproc_recovered_total",): 1,
        ("fproc_last_success_timestamp_seconds",): 2e9,
        ("fproc_oldest_waiting_seconds",): 12.5,
        ("fproc_processing_seconds_sum",): 700.3,
        ("fproc_processing_seconds_count",): 2,
        ("fproc_node_records_in_total", "start"): 20,
        ("fproc_node_records_in_total", "end"): 16,
        ("fproc_node_records_out_total", "start"): 16,
        ("fproc_node_records_out_total", "end"): 0,
        ("fproc_node_errors_total", "start"): 2,
        ("fproc_node_errors_total", "end"): 0,
        ("fproc_node_seconds_total", "start"): 1.0,
        ("fproc_node_seconds_total", "end"): 0,
        ("fproc_node_sampled_seconds_total", "start"): 2.5,
        ("fproc_node_sampled_seconds_total", "end"): 0,
        **{("fproc_outside_nodes_seconds_total", doing): 0.0 for doing in OUTSIDE_NODES},
        ("fproc_outside_nodes_seconds_total", "committing"): 0.5,
        ("fproc_edge_records_total", "start", "end"): 16,
        ("fproc_healthy",): 1,
        ("fproc_intake_paused",): 0,
        ("fproc_workers",): 2,
        ("fproc_workers_busy",): 1,
        ("fproc_disk_free_bytes",): 1e12,
        ("fproc_disk_size_bytes",): 2e12,
        ("fproc_uptime_seconds",): 99.25,
        ("fproc_cpu_seconds_total",): 1.5,
        ("fproc_memory_bytes",): 4096,
    }
    assert {
        name: value for name, value in found.items() if name[0] != "fproc_processing_seconds_bucket"
    } == expected


@pytest.mark.parametrize("openmetrics", [False, True])
def test_processing_times_are_a_histogram_whose_buckets_add_up(*, openmetrics: bool) -> None:
    family = families(said(openmetrics=openmetrics), openmetrics=openmetrics)["fproc_processing_seconds"]
    assert family.type == "histogram"
    buckets = [
        (float(sample.labels["le"]), sample.value)
        for sample in family.samples
        if sample.name.endswith("_bucket")
    ]
    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[-2], buckets[-1]) == ((0.001, 0), (600, 1), (math.inf, 2))
    assert (0.25, 0) in buckets
    assert (0.5, 1) in buckets


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_family_says_its_type_and_what_it_means(*, openmetrics: bool) -> None:
    for name, family in families(said(openmetrics=openmetrics), openmetrics=openmetrics).items():
        assert name.startswith("fproc_")
        assert family.documentation.endswith(".")
        counts = any(sample.name.endswith("_total") for sample in family.samples)
        assert (family.type == "counter") == counts
        assert family.type in {"counter", "gauge", "histogram"}


@pytest.mark.parametrize("openmetrics", [False, True])
def test_what_is_not_known_is_left_out_and_its_name_with_it(*, openmetrics: bool) -> None:
    unknown = dict.fromkeys(("free_bytes", "total_bytes", "oldest_waiting_seconds", "memory_bytes"))
    shown = said(Metrics().snapshot(), openmetrics=openmetrics, **unknown)
    names = set(families(shown, openmetrics=openmetrics))
    assert "fproc_uptime_seconds" in names
    for name in ("disk_free_bytes", "disk_size_bytes", "oldest_waiting_seconds", "memory_bytes"):
        assert f"fproc_{name}" not in shown
    for name in ("last_success_timestamp_seconds", "node_errors", "edge_records"):
        assert f"fproc_{name}" not in shown


@pytest.mark.parametrize("healthy", [True, False])
@pytest.mark.parametrize("paused", [True, False])
def test_trouble_and_pauses_are_gauges(*, healthy: bool, paused: bool) -> None:
    found = values(said(healthy=healthy, paused="the disk is full" if paused else ""))
    assert (found["fproc_healthy",], found["fproc_intake_paused",]) == (healthy, paused)


@pytest.mark.parametrize("openmetrics", [False, True])
@given(tag=st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('"\\\n')))
def test_a_node_may_have_any_name(*, openmetrics: bool, tag: str) -> None:
    shown = said(worked(tag), openmetrics=openmetrics)
    assert values(shown, openmetrics=openmetrics)["fproc_edge_records_total", tag, "end"] == 16


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_name_that_cannot_be_written_is_shown_escaped(*, openmetrics: bool) -> None:
    shown = said(worked("a\udcff\ud800"), openmetrics=openmetrics)
    shown.encode()
    found = values(shown, openmetrics=openmetrics)
    assert found["fproc_edge_records_total", "a\\udcff\\ud800", "end"] == 16


def test_each_format_has_its_type_and_only_openmetrics_an_end() -> None:
    assert metrics_content_type() == "text/plain; version=0.0.4; charset=utf-8"
    assert metrics_content_type(openmetrics=True).startswith("application/openmetrics-text; version=1.0.0;")
    assert said(openmetrics=True).endswith("\n# EOF\n")
    assert "# EOF" not in said()
    assert said().endswith("fproc_memory_bytes 4096\n")


def test_figures_without_end_are_written_whole() -> None:
    snapshot = replace(worked(), own_totals={**worked().own_totals, "bytes_in": 2**70})
    assert f"fproc_bytes_in_total {2**70}\n" in said(snapshot)


@pytest.mark.parametrize("snapshot", [Metrics().snapshot(), worked(), worked(HOSTILE), worked("a\udcff")])
def test_promtool_finds_nothing_wrong(snapshot: Snapshot) -> None:
    check_metrics(said(snapshot))
