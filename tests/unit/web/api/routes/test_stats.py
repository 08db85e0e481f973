"""What `/stats` tells of what was done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.dashboards import Place, value

THROUGHPUT = {"files_per_second", "lines_per_second", "bytes_per_second", "window_seconds"}


TOTALS = {
    *("files_processed", "files_failed", "lines_in", "lines_out", "bytes_in", "retries", "recovered"),
    *("lines_rejected", "lines_skipped"),
}


def test_stats_have_their_figures_from_the_start(place: Place) -> None:
    response = place.get("/stats")
    stats = value(response)
    assert response.status == 200
    assert stats["files"] == {"unprocessed": 0, "underprocess": 0, "processed": 0, "failed": 0}
    assert stats["totals"] == dict.fromkeys(TOTALS, 0)
    assert stats["throughput"].keys() == THROUGHPUT
    assert stats["system"].keys() == {"cpu_percent", "memory_bytes", "uptime_seconds"}
    assert (stats["nodes"], stats["edges"], stats["outside_nodes"]) == ({}, [], {})


def test_stats_tell_what_was_done(place: Place) -> None:
    place.process("x", "a\nbad\nb\n")
    place.process("y", "c\n")
    (place.folder / "unprocessed" / "waiting").write_text("d\n")
    stats = value(place.get("/stats"))
    assert stats.keys() == {
        "files",
        "totals",
        "success_rate",
        "rejects",
        "lately",
        "throughput",
        "processing_seconds",
        "nodes",
        "edges",
        "outside_nodes",
        "system",
    }
    assert stats["files"] == {"unprocessed": 1, "underprocess": 0, "processed": 2, "failed": 0}
    assert stats["totals"] == {
        "files_processed": 2,
        "files_failed": 0,
        "lines_in": 4,
        "lines_out": 3,
        "bytes_in": 10,
        "retries": 0,
        "recovered": 0,
        "lines_rejected": 1,
        "lines_skipped": 0,
    }
    assert stats["success_rate"] == 1.0
    assert stats["lately"] == {"files": 2, "failed": 0, "window_seconds": 3600}
    assert stats["processing_seconds"].keys() == {"p50", "p95", "p99", "max"}
    assert {"count": 4, "emitted": 3, "errors": 1}.items() <= stats["nodes"]["start"].items()
    assert stats["edges"] == [
        {"from": "start", "to": "end", "count": 3},
        {"from": "start", "to": "drop", "count": 3},
    ]


def test_the_rate_of_success_is_left_out_until_there_is_one(place: Place) -> None:
    assert "success_rate" not in value(place.get("/stats"))


def test_memory_is_told_in_bytes(place: Place) -> None:
    assert 1_000_000 < value(place.get("/stats"))["system"]["memory_bytes"] < 100_000_000_000


def test_memory_is_left_out_where_nobody_tells(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/proc/self/statm")

    monkeypatch.setattr("builtins.open", refuse)
    stats = value(place.get("/stats"))
    monkeypatch.undo()
    assert stats["system"].keys() == {"cpu_percent", "uptime_seconds"}
