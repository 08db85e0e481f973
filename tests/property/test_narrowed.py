"""Records of which only the fields that someone needs are made: the rest gives what whole records give."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_record_nodes import NODES, OTHERWISE, fields, node
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
