"""A plan says why one worker alone does a big file."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.cli.design.check import why_not_chunked
from tests.support.helpers import plan_of, user
from tests.support.nodes import pipeline

ALONE = "goes by lines before"


@pytest.mark.parametrize(
    ("kind", "config", "why"),
    [
        ("dedupe", {}, f"(dedupe) {ALONE}"),
        ("tally", {"field": "a"}, f"(tally) {ALONE}"),
        ("envelope", {"trailer": "^T"}, f"(envelope) {ALONE}"),
        ("head", {"lines": 1}, f"(head) {ALONE}"),
        ("sample", {"every": 2}, f"(sample) {ALONE}"),
        ("count", {}, f"(count) {ALONE}"),
        ("parse_log", {"format": "w3c"}, f"(parse_log) {ALONE}"),
        ("edit", {"set": {"a": "{line_no}"}}, "(edit) asks for numbers of lines"),
        ("format", {"template": "{line_no}"}, "(format) asks for numbers of lines"),
        ("user_processors.Numbered", {}, "is a class, which does not say that it is stateless"),
    ],
)
def test_a_node_that_needs_all_lines_is_named_with_the_reason(
    kind: str, config: dict[str, Any], why: str
) -> None:
    plan = plan_of(pipeline((kind, config)))
    assert plan.why_unshared() == [f"the node 'start' {why}"]
    assert plan.remembers


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("where", {"field": 1, "is": 1}),
        ("mask", {}),
        ("edit", {"set": {"a": "{offset}"}}),
        ("timestamp", {"field": "a"}),
        ("lookup", {"field": "a", "table": {"b": 1}}),
        ("validate", {"required": "a"}),
        ("sample", {"share": 0.5}),
        ("parse_csv", {"header": ["a"]}),
        ("parse_log", {"format": "common"}),
        ("parse_json", {}),
    ],
)
def test_parsers_and_edits_can_be_done_by_several(kind: str, config: dict[str, Any]) -> None:
    plan = plan_of(pipeline((kind, config)))
    assert (plan.why_unshared(), plan.remembers) == ([], False)


@pytest.mark.parametrize(("kind", "config"), [("parse_csv", {}), ("format", {"to": "csv"})])
def test_what_has_seen_its_header_goes_on_in_several(kind: str, config: dict[str, Any]) -> None:
    plan = plan_of(pipeline((kind, config)))
    assert (plan.why_unshared(), plan.remembers) == ([], True)


def test_a_stream_is_one() -> None:
    node = {"tag": "start", "type": user("numbered_stream"), "stream": True, "next": "end"}
    assert plan_of([node]).why_unshared() == ["the node 'start' is a stream"]


def test_records_that_begin_nowhere_in_particular_are_named() -> None:
    plan = plan_of(pipeline(("trim", {})), input={"records": "csv"})
    assert why_not_chunked(plan.config) == [
        "the records of $.input.records can be told apart only from the file's beginning on"
    ]
