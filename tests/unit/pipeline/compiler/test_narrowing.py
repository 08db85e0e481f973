"""A parser makes the fields that are needed behind it, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.helpers import plan_of
from tests.support.nodes import Options, pipeline, ran

ACCESS = ("parse_log", {"format": "combined"})
LINE = '10.0.0.1 - ann [1/Oct/2025:13:55:36 +0200] "GET /a HTTP/1.1" 200 2326 "-" "curl/8.5"'


def source_of(*nodes: tuple[str, Options]) -> str:
    return plan_of(pipeline(*nodes)).compiler.program("start").source


@pytest.mark.parametrize(
    ("nodes", "needed"),
    [
        ([("tally", {"field": "status", "sum": "bytes"})], ["bytes", "status"]),
        ([("format", {"template": "{host}: {user.name}"})], ["host", "user", "user.name"]),
        ([("format", {"to": "csv", "fields": ["path"]})], ["path"]),
        ([("where", {"field": "status", "is": 404}), ("tally", {"field": "path"})], ["path", "status"]),
        ([("edit", {"keep": ["host"], "types": {"bytes": "text"}})], ["bytes", "host"]),
        ([("edit", {"set": {"n": "{user}"}}), ("tally", {"field": "n"})], ["n", "user"]),
        ([("edit", {"rename": {"host": "h"}}), ("tally", {"field": "h"})], ["h", "host"]),
        ([("timestamp", {"field": "time"}), ("tally", {"field": "host"})], ["host", "time"]),
        ([("lookup", {"field": "host", "table": {"x": 1}}), ("tally", {"field": "path"})],
         ["host", "path", "value"]),
        ([("mask", {"fields": ["user"]}), ("dedupe", {"fields": ["path"]}), ("tally", {"field": "ident"})],
         ["ident", "path", "user"]),
        ([("validate", {"required": ["agent"], "ranges": {"bytes": [0, 9]}}), ("tally", {"field": "host"})],
         ["agent", "bytes", "host"]),
    ],
)  # fmt: skip
def test_only_the_fields_that_are_named_behind_it_are_made(nodes: Any, needed: list[str]) -> None:
    assert f"run.narrow_step('start', {needed})" in source_of(ACCESS, *nodes)


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [("where", {"field": "status", "is": 404})],
        [("format", {"to": "json"})],
        [("edit", {"remove": ["host"]})],
        [("uppercase", {}), ("tally", {"field": "status"})],
    ],
)
def test_all_fields_are_made_where_someone_wants_the_whole_record(nodes: Any) -> None:
    assert "narrow_step" not in source_of(ACCESS, *nodes)


def test_one_of_several_nodes_behind_it_that_wants_all_is_enough() -> None:
    nodes = [*pipeline(ACCESS, ("tally", {"field": "status"}))]
    nodes[0]["next"] = ["n1", "end"]
    assert "narrow_step" not in plan_of(nodes).compiler.program("start").source


def test_many_ways_that_part_and_meet_again_are_gone_once() -> None:
    edit = {"type": "edit", "config": {"set": {"s": "x"}}}
    nodes: list[dict[str, Any]] = [{"tag": "start", "type": "parse_json", "next": ["a0", "b0"]}]
    for number in range(40):
        following = [f"a{number + 1}", f"b{number + 1}"]
        nodes += [{"tag": f"{way}{number}", **edit, "next": following} for way in "ab"]
    nodes += [{"tag": f"{way}40", "type": "tally", "config": {"field": "s"}, "next": "end"} for way in "ab"]
    assert "200 ways" in str(plan_of(nodes).why_interpreted("start"))


def test_where_a_way_leads_back_all_fields_are_made() -> None:
    nodes = pipeline(
        ACCESS, ("edit", {"set": {"ident": "{ident}x"}}), ("where", {"field": "ident", "matches": "^x{0,3}$"})
    )
    nodes[2]["next"] = [nodes[1]["tag"], "end"]
    assert len(ran(plan_of(nodes), [LINE]).lines) == 3


def test_what_an_edit_keeps_is_written_as_it_is_and_not_made_again() -> None:
    source = source_of(ACCESS, ("edit", {"keep": ["host"]}))
    assert "narrow_step" in source
    assert "= encode(record_3)" in source


def test_a_record_that_does_not_fit_later_goes_on_whole() -> None:
    nodes = pipeline(ACCESS, ("edit", {"set": {"n": "{user}"}}), ("format", {"template": "{none}"}))
    (line,) = ran(plan_of(nodes), [LINE]).lines
    assert line == (
        '{"host":"10.0.0.1","ident":null,"user":"ann","time":"1/Oct/2025:13:55:36 +0200","method":"GET",'
        '"path":"/a","protocol":"HTTP/1.1","status":200,"bytes":2326,"referrer":null,"agent":"curl/8.5","n":"ann"}'
    )
