"""Failed files by kind: counted from their reports, and tried again together."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fproc.web.inspect import failure_groups
from tests.support.dashboards import Place, value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "w")
    for number, (node, reason) in enumerate([("a", "x"), ("a", "x"), ("b", "x"), (None, "lost")]):
        fail(
            place,
            f"{number}.log",
            {"node": node, "reason": reason, "timestamp": f"2030-01-0{number + 1}T00:00:00Z"},
        )
    return place


def fail(place: Place, name: str, report: object) -> None:
    (place.folder / "failed" / name).write_text("x\n")
    (place.folder / "failed" / f"{name}.error.json").write_text(json.dumps(report))


def groups(place: Place) -> list[tuple[Any, ...]]:
    found = value(place.get("/failures"))["groups"]
    return [(group["node"], group["reason"], group["count"], group["files"]) for group in found]


def test_failures_that_match_a_text_in_name_or_reason_are_counted_and_tried_again(place: Place) -> None:
    for query, names in (("x", {"0.log", "1.log", "2.log"}), ("2.L", {"2.log"}), ("nowhere", set())):
        found = value(place.get(f"/failures?q={query}"))
        assert found["files"] == len(names)
        assert {name for group in found["groups"] for name in group["files"]} == names
    answer = place.get("/retry", "POST", b'{"match": "X"}', content_type="application/json")
    assert value(answer)["retried"] == ["0.log", "1.log", "2.log"]
    assert {path.name for path in (place.folder / "unprocessed").iterdir()} == {"0.log", "1.log", "2.log"}
    assert place.get("/retry", "POST", b'{"match": ""}', content_type="application/json").status == 400


def test_failures_are_grouped_by_node_and_reason_the_largest_group_first(place: Place) -> None:
    assert groups(place) == [
        ("a", "x", 2, ["1.log", "0.log"]),
        (None, "lost", 1, ["3.log"]),
        ("b", "x", 1, ["2.log"]),
    ]
    first = value(place.get("/failures?limit=1"))
    assert (len(first["groups"]), first["count"], first["unread"]) == (1, 3, 0)
    assert (first["groups"][0]["first"], first["groups"][0]["last"]) == (
        "2030-01-01T00:00:00Z",
        "2030-01-02T00:00:00Z",
    )


@pytest.mark.parametrize("report", [[], 1, {"node": 1, "reason": []}, {}])
def test_an_input_whose_report_says_nothing_is_counted_all_the_same(place: Place, report: object) -> None:
    fail(place, "odd.log", report)
    assert (None, "", 1, ["odd.log"]) in groups(place)


def test_a_group_is_tried_again_and_no_other_file(place: Place) -> None:
    body = json.dumps({"group": {"node": "a", "reason": "x"}}).encode()
    response = place.get("/retry", "POST", body, content_type="application/json")
    assert value(response) == {"retried": ["0.log", "1.log"], "errors": []}
    assert [group[:2] for group in groups(place)] == [(None, "lost"), ("b", "x")]


def test_of_a_group_only_what_failed_since_a_time_is_tried_again(place: Place) -> None:
    group = {"node": "a", "reason": "x", "since": "2030-01-02T01:00:00+01:00"}
    body = json.dumps({"group": group}).encode()
    response = place.get("/retry", "POST", body, content_type="application/json")
    assert value(response) == {"retried": ["1.log"], "errors": []}


@pytest.mark.parametrize(
    "group",
    [
        *({}, {"node": "a"}, {"node": 1, "reason": "x"}, "a"),
        *({"node": "a", "reason": "x", **more} for more in ({"more": 1}, {"since": "noon"}, {"since": 1})),
        {"node": "a", "reason": "x", "since": "2030-01-02T00:00:00Z", "more": 1},
    ],
)
def test_a_group_that_is_none_is_refused(place: Place, group: object) -> None:
    body = json.dumps({"group": group}).encode()
    assert place.get("/retry", "POST", body, content_type="application/json").status == 400


def test_reports_are_read_once_and_for_a_limited_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(100))
    found = failure_groups.FailureGroups(place.plan.config, monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr(failure_groups, "LOOK_SECONDS", 3.0)
    assert [found.as_json(50)["unread"] for _ in range(3)] == [2, 0, 0]
    monkeypatch.setattr(failure_groups, "_read", None)
    assert found.as_json(50)["count"] == 3


def test_only_what_failed_since_a_time_counts_whatever_its_zone(place: Place) -> None:
    for since in ("2030-01-02T00:00:00Z", "2030-01-02T01:00:00+01:00"):
        found = value(place.get(f"/failures?since={since}"))
        assert [(group["reason"], group["count"]) for group in found["groups"]] == [
            ("lost", 1),
            ("x", 1),
            ("x", 1),
        ]
        assert found["files"] == 3


@pytest.mark.parametrize("since", ["", "noon", "2030", "0001-01-01T00:00:00Z0", "x" * 3000])
def test_a_time_that_is_none_is_refused(place: Place, since: str) -> None:
    assert place.get(f"/failures?since={since}").status == 400


def test_a_folder_of_failures_is_looked_at_again_only_when_it_has_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = failure_groups.FailureGroups(place.plan.config, clock=lambda: time.time() + 10)
    assert found.as_json(50)["files"] == 4
    with monkeypatch.context() as patched:
        patched.setattr(failure_groups, "_version", None)
        assert found.as_json(50)["files"] == 4
    fail(place, "new.log", {"node": "a", "reason": "x", "timestamp": "2030-01-05T00:00:00Z"})
    assert found.as_json(50)["files"] == 5
