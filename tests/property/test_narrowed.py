"""Records of which only the fields that someone needs are made: the rest gives what whole records give."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_record_nodes import NODES, OTHERWISE, fields, node
from tests.support.access_logs import NEARLY_USUAL, USUAL
from tests.support.helpers import plan_of
from tests.support.nodes import Options, pipeline, ran

ACCESS = ["host", "ident", "user", "time", "path", "status", "bytes", "agent"]
KEYS = ["a", "b", "c.d", "t"]
SOME = fields(st.sampled_from([*KEYS, "c", *ACCESS, "none"]))

PARSERS = st.one_of(
    node("parse_log", format=st.sampled_from(["combined", "common"]), otherwise=OTHERWISE),
    node("parse_csv", header=st.sampled_from([True, KEYS]), otherwise=OTHERWISE),
    node("parse_kv", otherwise=OTHERWISE),
    node("parse_json", otherwise=OTHERWISE),
)

CELLS = st.sampled_from(["", "1", "1.50", "x", "2026-11-22", "al@example.com", '"a,b"', '"x'])
TEXTS = st.sampled_from(["-", "10.0.0.1", "ann", "ann b", "\t", "é", "1", "a\\b", "x [", '\\"', "200", "99"])
QUOTED = st.sampled_from(["-", "GET / HTTP/1.1", "GET /é HTTP/1.1", "x y", "a\\\\", '\\"', "al@example.com"])
REQUESTS = st.builds(
    '{} {} {} [{}] "{}" {} {} "{}" "{}"{}'.format,
    *(TEXTS, TEXTS, TEXTS, TEXTS),
    QUOTED,
    st.sampled_from(["200", "404", "0", "٢٠٠"]),
    st.sampled_from(["-", "0", "17", "1" * 19]),
    *(QUOTED, QUOTED),
    st.sampled_from(["", " more", "x"]),
)
LINES = st.lists(
    st.one_of(
        REQUESTS,
        REQUESTS.map(lambda line: line.partition(' "')[0] + ' "GET / HTTP/1.0" 200 5'),
        st.lists(CELLS, min_size=3, max_size=5).map(",".join),
        st.sampled_from(
            ["", "a,b,c.d,t", "a,b,c,t", "a=1 b=x t=2026-11-22", '{"a":"1","c":{"d":2},"path":3}']
        ),
    ),
    max_size=8,
)

VALUES = st.sampled_from([1, 1.0, True, "1", "1.0", "True", "None", None, [1]])

EDITS = st.one_of(
    NODES.filter(
        lambda made: made[0] in {"where", "dedupe", "mask", "edit", "timestamp", "lookup", "validate"}
    ),
    node(
        "edit",
        set=st.dictionaries(st.sampled_from(["a", "n", "path.x"]), st.sampled_from(["{a}", "{status}-{b}"])),
        rename=st.dictionaries(st.sampled_from(["a", "host", "b"]), st.sampled_from(["b", "path", "c.d"])),
        remove=SOME,
        otherwise=OTHERWISE,
    ),
)
ENDS = st.one_of(
    node("tally", field=SOME, mean=SOME, otherwise=OTHERWISE),
    node(
        "format", template=st.sampled_from(["{status}", "{a} {c.d}", "{path}@{line_no}"]), otherwise=OTHERWISE
    ),
    node("format", to=st.sampled_from(["csv", "kv", "json"]), fields=SOME, otherwise=OTHERWISE),
    node("edit", keep=SOME, types=st.just({"bytes": "number", "b": "number"}), otherwise=OTHERWISE),
)


@given(parser=PARSERS, edits=st.lists(EDITS, max_size=3), end=ENDS, lines=LINES)
def test_each_way_to_run_nodes_that_need_some_fields_gives_the_same(
    parser: tuple[str, Options], edits: list[tuple[str, Options]], end: tuple[str, Options], lines: list[Any]
) -> None:
    ran(plan_of(pipeline(parser, *edits, end)), lines)


COUNTED = st.fixed_dictionaries(
    {
        "field": st.sampled_from([*ACCESS, "none"]).map(lambda name: [name]),
        "keys": st.sampled_from([1, 2, 9]),
        "default": st.sampled_from(["-", "200"]),
        "otherwise": OTHERWISE,
    }
)


@given(
    parser=node("parse_log", format=st.sampled_from(["combined", "common"]), otherwise=OTHERWISE),
    where=st.lists(node("where", field=st.sampled_from(ACCESS), exists=st.booleans()), max_size=1),
    counted=COUNTED,
    lines=st.lists(st.one_of(USUAL, NEARLY_USUAL), min_size=4, max_size=20),
)
def test_lines_that_are_usual_or_nearly_so_are_counted_as_the_interpreter_counts_them(
    parser: tuple[str, Options], where: list[tuple[str, Options]], counted: Options, lines: list[str]
) -> None:
    if parser[1]["format"] == "common":
        lines = [line.rpartition(' "')[0].rpartition(' "')[0] for line in lines]
    ran(plan_of(pipeline(parser, *where, ("tally", counted))), lines)


@given(values=st.lists(VALUES, min_size=4, max_size=16), keys=st.integers(1, 9), key=st.sampled_from("aab"))
def test_values_that_are_equal_and_differ_as_text_are_counted_apart(
    values: list[Any], keys: int, key: str
) -> None:
    lines = [json.dumps({key: value}) for value in values]
    ran(plan_of(pipeline(("parse_json", {}), ("tally", {"field": "a", "keys": keys}))), lines)
