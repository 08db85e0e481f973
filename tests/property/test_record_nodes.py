"""Whatever the nodes that work on fields, the lines and the cuts: each way to run them gives the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.helpers import plan_of
from tests.support.nodes import Options, ran

FIELDS = ["a", "b", "c.d", "t"]
NAMES = st.sampled_from([*FIELDS, "none"])
OTHERWISE = st.sampled_from(["keep", "drop", "reject"])
COLUMNS = st.integers(1, 3)

VALUES = st.sampled_from(
    [0, 1, 1.5, "1", "x", "", "al@example.com", "2026-11-22", "2026-11-22T10:00:00Z", None, True]
)
RECORDS = st.fixed_dictionaries(
    {}, optional={"a": VALUES, "b": VALUES, "c": st.fixed_dictionaries({"d": VALUES}), "t": VALUES}
)
LINES = st.lists(
    st.one_of(
        RECORDS.map(json.dumps), st.sampled_from(["", "x 1 y", "1,2", '{"a": 1.50}', "[1]", "a@b.cc x"])
    ),
    max_size=12,
)


def node(kind: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Options]]:
    return st.tuples(st.just(kind), st.fixed_dictionaries(values))


def fields(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(one, min_size=1, max_size=2, unique=True)


NODES = st.one_of(
    node("where", field=NAMES | COLUMNS, above=st.sampled_from([0, "2026-01-01", "m"]), otherwise=OTHERWISE),
    node(
        "where", field=NAMES | COLUMNS, **{"is": st.sampled_from([1, "x", [None, "1"]])}, otherwise=OTHERWISE
    ),
    node("where", field=NAMES, exists=st.booleans(), otherwise=OTHERWISE),
    node("dedupe", keys=st.integers(1, 3), otherwise=OTHERWISE),
    node("dedupe", fields=fields(NAMES) | fields(COLUMNS), keys=st.integers(1, 3), otherwise=OTHERWISE),
    node("head", lines=st.integers(1, 5)),
    node("sample", every=st.integers(1, 3)),
    node("mask", what=st.just(["emails"])),
    node("mask", fields=fields(NAMES), otherwise=OTHERWISE),
    node("edit", set=st.just({"n": "{a}", "c.e": "{b}-{file}@{offset}"}), otherwise=OTHERWISE),
    node("edit", rename=st.just({"a": "b", "c.d": "e"}), types=st.just({"b": "number"}), otherwise=OTHERWISE),
    node("edit", keep=fields(NAMES), remove=fields(NAMES), otherwise=OTHERWISE),
    node(
        "timestamp",
        field=NAMES | COLUMNS,
        zone=st.just("UTC"),
        to=st.sampled_from(["iso", "unix"]),
        otherwise=OTHERWISE,
    ),
    node(
        "lookup", field=NAMES | COLUMNS, table=st.just({"1": {"v": 5}, "x": {"v": "y"}}), otherwise=OTHERWISE
    ),
    node("validate", required=fields(NAMES), types=st.just({"a": "number"}), otherwise=OTHERWISE),
    node("tally", field=fields(NAMES) | fields(COLUMNS), keys=st.integers(1, 3), otherwise=OTHERWISE),
    node("tally", field=fields(NAMES), sum=st.just(["a"]), mean=st.just(["b"]), otherwise=OTHERWISE),
    node("count", template=st.just("{line_no}:{line}")),
    node("parse_csv", header=st.just(["a", "b"]), otherwise=OTHERWISE),
    node("parse_json", otherwise=OTHERWISE),
    node("format", to=st.just("kv")),
)


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A graph of up to five such nodes without cycles, with results of several kinds behind it."""
    names = ["start", *(f"n{index}" for index in range(draw(st.integers(0, 4))))]
    made = []
    for index, name in enumerate(names):
        kind, config = draw(NODES)
        target = st.sampled_from([*names[index + 1 :], "end", "by_field", "plain"])
        route = draw(st.lists(target, min_size=1, max_size=2, unique=True))
        made.append({"tag": name, "type": kind, "config": config, "next": route})
    by_field = {"file": "{a}.{stem}", "otherwise": draw(st.sampled_from(["drop", "reject"]))}
    return [
        *made,
        {"tag": "by_field", "type": "write", "config": by_field},
        {"tag": "plain", "type": "write", "config": {"file": "1.in"}},
    ]


@given(graph=graphs(), lines=LINES)
def test_each_way_to_run_nodes_on_fields_gives_the_same(
    graph: list[dict[str, Any]], lines: list[str]
) -> None:
    plan = plan_of(graph)
    assume("ways" not in (plan.why_interpreted("start") or ""))
    assert plan.why_interpreted("start") is None
    ran(plan, lines)
