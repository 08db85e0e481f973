"""`examples` in the configuration, and the pipeline that comes with fproc."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fproc.cli.design.check import failed_examples, run_examples
from fproc.config.sources.defaults import DEFAULT
from fproc.pipeline.failures import RecordError
from fproc.pipeline.plan import Plan, build_plan
from tests.support.project import PROJECT

TRIM = [{"tag": "start", "type": "trim", "next": "end"}]
STRICT = [
    {
        "tag": "start",
        "type": "rewrite",
        "config": {"pattern": "^(?P<n>\\d+)$", "template": "{n}", "otherwise": "reject"},
        "next": "end",
    }
]
ALERTS = [
    {
        "tag": "start",
        "type": "tag",
        "config": {"rules": {"error": "ERROR"}},
        "next": {"error": "alerts", "*": "end"},
    },
    {"tag": "alerts", "type": "write", "config": {"file": "{stem}.alerts.log"}},
]


def plan_of(nodes: list[dict[str, Any]], *examples: dict[str, Any], **keys: Any) -> Plan:
    return build_plan({"nodes": nodes, "examples": list(examples), **keys}, folder="/srv/app")


def complaints(nodes: list[dict[str, Any]], *examples: dict[str, Any], **keys: Any) -> list[str]:
    return [str(problem) for problem in failed_examples(plan_of(nodes, *examples, **keys))]


def test_the_pipeline_that_comes_with_fproc_makes_the_sample_work() -> None:
    sample = [
        "start:ERROR: Something bad happened",
        "start:INFO: All good",
        "start:WARNING: Potential issue",
    ]
    assert run_examples(build_plan(DEFAULT, folder="/srv/app"), sample) == {
        "example.txt": ["[ERROR] Something bad happened", "[INFO] All good", "[WARNING] Potential issue"]
    }


@pytest.mark.parametrize(
    ("line", "results"),
    [
        ("ERROR: disk full", ["[ERROR] disk full"]),
        ("start:ERROR: a: b", ["[ERROR] a: b"]),
        ("no level here", ["no level here"]),
        ("Error: small letters", ["Error: small letters"]),
        ("ERROR:", ["ERROR:"]),
        ("", []),
        (" \t ", []),
    ],
)
def test_the_pipeline_that_comes_with_fproc_keeps_what_it_does_not_know(
    line: str, results: list[str]
) -> None:
    assert run_examples(build_plan(DEFAULT, folder="/srv/app"), [line]).get("example.txt", []) == results


def test_the_pipeline_that_comes_with_fproc_passes_its_own_examples() -> None:
    plan = build_plan(DEFAULT, folder="/srv/app")
    assert plan.config.examples
    assert failed_examples(plan) == []


def test_the_file_in_the_repository_says_the_same_as_the_default() -> None:
    path = PROJECT / "pipeline.json"
    assert json.loads(path.read_text(encoding="utf-8"))["nodes"] == DEFAULT["nodes"]


@pytest.mark.parametrize(
    "expect",
    [
        {"end": ["fine"], "{stem}.alerts.log": ["ERROR 1", "ERROR 2"]},
        {"example.txt": ["fine"], "example.alerts.log": ["ERROR 1", "ERROR 2"]},
        {"{name}": ["fine"], "{stem}.alerts.log": ["ERROR 1", "ERROR 2"]},
    ],
)
def test_results_go_by_the_name_end_by_their_own_or_by_their_template(expect: dict[str, list[str]]) -> None:
    assert complaints(ALERTS, {"input": ["ERROR 1", "fine", "ERROR 2"], "expect": expect}) == []


@pytest.mark.parametrize(
    ("expect", "missing", "unexpected"),
    [
        pytest.param({"end": ["a"]}, [], ["b"], id="one too many"),
        pytest.param({"end": ["a", "b", "c"]}, ["c"], [], id="one too few"),
        pytest.param({"end": ["a", "x"]}, ["x"], ["b"], id="another one"),
        pytest.param({}, [], ["a", "b"], id="a result that nobody expects"),
    ],
)
def test_the_difference_is_shown_line_by_line(
    expect: dict[str, list[str]], missing: list[str], unexpected: list[str]
) -> None:
    [complaint] = complaints(TRIM, {"input": ["a", "b"], "expect": expect})
    assert complaint.startswith("$.examples[0].expect: ")
    said = [f"missing {line!r}" for line in missing] + [f"unexpected {line!r}" for line in unexpected]
    assert [word for word in said if word not in complaint] == []
    assert complaint.count("missing") == len(missing)
    assert complaint.count("unexpected") == len(unexpected)


def test_the_order_of_the_lines_counts() -> None:
    [complaint] = complaints(TRIM, {"input": ["a", "b"], "expect": {"end": ["b", "a"]}})
    assert complaint.startswith("$.examples[0].expect: ")


def test_a_result_that_does_not_come_is_missed_by_its_name() -> None:
    [complaint] = complaints(TRIM, {"input": ["a"], "expect": {"end": ["a"], "{stem}.alerts.log": ["b"]}})
    assert "'example.alerts.log'" in complaint
    assert "missing 'b'" in complaint


def test_each_example_that_fails_is_named_by_its_place() -> None:
    right = {"input": [" a "], "expect": {"end": ["a"]}}
    wrong = {"input": [" a "], "expect": {"end": [" a "]}}
    paths = [complaint.partition(": ")[0] for complaint in complaints(TRIM, wrong, right, wrong)]
    assert paths == ["$.examples[0].expect", "$.examples[2].expect"]


def test_no_examples_cannot_fail() -> None:
    assert complaints(TRIM) == []


def test_no_lines_make_no_results() -> None:
    assert complaints(TRIM, {"input": [], "expect": {}}) == []


def test_lines_on_standard_output_are_expected_as_such() -> None:
    nodes = [{"tag": "start", "type": "stdout"}]
    assert complaints(nodes, {"input": ["a"], "expect": {"stdout": ["a"]}}) == []


def test_a_rejected_line_is_in_no_result_and_fails_no_example() -> None:
    assert complaints(STRICT, {"input": ["1", "x", "2"], "expect": {"end": ["1", "2"]}}) == []


UNROUTED = [{"tag": "start", "type": "tag_prefix", "next": {"known": "end"}}]
SOME_UNROUTED = {"input": ["known:a", "unknown:b", "known:c"], "expect": {"end": ["a", "c"]}}


@pytest.mark.parametrize("on_error", ["reject", "skip"])
def test_a_line_that_on_error_passes_over_fails_no_example(on_error: str) -> None:
    assert complaints(UNROUTED, SOME_UNROUTED, on_error=on_error) == []


def test_a_line_that_fails_the_file_fails_the_example_with_its_place() -> None:
    [complaint] = complaints(UNROUTED, SOME_UNROUTED, on_error="fail")
    assert complaint.startswith("$.examples[0]: ")
    assert "line 2" in complaint
    assert "'start'" in complaint
    assert "'unknown'" in complaint


def test_running_lines_raises_what_fails_the_file() -> None:
    with pytest.raises(RecordError, match="no route"):
        run_examples(plan_of(UNROUTED), ["unknown:b"])


def test_what_comes_at_the_end_of_the_file_is_expected_too() -> None:
    nodes = [{"tag": "start", "type": "count", "config": {"total": True}, "next": "end"}]
    assert complaints(nodes, {"input": ["a", "b"], "expect": {"end": ["2"]}}) == []


def test_an_example_enters_where_its_first_line_says() -> None:
    nodes = [*TRIM, {"tag": "json", "type": "uppercase", "next": "end"}]
    files = [{"first_line": "^\\{", "start": "json"}]
    assert (
        complaints(
            nodes,
            {"input": ["{a", "b"], "expect": {"end": ["{A", "B"]}},
            {"input": ["a", "{b"], "expect": {"end": ["a", "{b"]}},
            files=files,
        )
        == []
    )
