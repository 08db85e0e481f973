"""Tables whose columns are known have code of their own: it gives what the interpreter gives."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from fproc.pipeline.processors.parsers.cells import cell_joiner
from tests.property.test_record_nodes import OTHERWISE, fields, node
from tests.support.helpers import plan_of
from tests.support.nodes import Options, ran

MARKS = st.sampled_from([(",", '"'), (";", "'"), ("\t", '"'), ("||", '"'), ("\\", '"'), ("n", "|")])
NAMES = ["a", "b", "c.d", "é"]
TITLES = st.sampled_from([*NAMES, "", "a", 'x "{y}"', "\\", "\udc80", "\t"])
HEADERS = st.lists(TITLES, min_size=1, max_size=4)
CELLS = st.sampled_from(
    ["", "1", "1.50", "x", "{a}", "é", 'a "b"', "a\\b", "a,b;c\td", "||", "'", "\x01", "\x7f", "\udc80", "\r"]
)
ODD = st.sampled_from(["", " ", "\ufeff", '"x', '"x"y', "'x", "a,b,c,d,e,f"])
SOME = fields(st.sampled_from([*NAMES, "none", "c"]))
VALUES = st.sampled_from(["x", 'q"\\', "{{", 1, 1.5, None, True, [1, "é"], {"k": "v"}])

MOVES = st.one_of(
    node("edit", set=st.dictionaries(st.sampled_from(["a", "n", "é", "c.d", "m"]), VALUES, min_size=1)),
    node("edit", rename=st.dictionaries(st.sampled_from(["a", "b", "c.d"]), st.sampled_from("bza"))),
    node("edit", remove=SOME),
    node("edit", keep=SOME),
    node(
        "edit",
        set=st.just({"b": "shop", "n": 'a "plate"'}),
        rename=st.just({"a": "b", "n": "m"}),
        keep=fields(st.sampled_from(["a", "b", "m", "none"])),
    ),
)
LOOKS = st.one_of(
    node("edit", set=st.sampled_from([{"n": "{a}"}, {"n": "{a}-{b}@{line_no}"}]), otherwise=OTHERWISE),
    node("edit", types=st.just({"a": "number", "b": "boolean"}), otherwise=OTHERWISE),
    node("where", field=st.sampled_from(NAMES), **{"is": st.just(["x", "1", ""])}, otherwise=OTHERWISE),
    node("tally", field=SOME, otherwise=OTHERWISE),
    node("format", to=st.sampled_from(["csv", "kv"]), otherwise=OTHERWISE),
    node("uppercase"),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Options, list[str]]:
    """Options of `parse_csv`, and the lines of a table that are right, and of some that are not."""
    separator, quote = draw(MARKS)
    header = draw(HEADERS)
    join = cell_joiner(separator, quote)
    rows = st.lists(CELLS, min_size=len(header), max_size=len(header)).map(join)
    lines = draw(st.lists(rows | rows | rows | ODD | st.just(join(header)), min_size=2, max_size=10))
    options: Options = {"separator": separator, "quote": quote, "otherwise": draw(OTHERWISE)}
    if draw(st.booleans()) and len({*header, ""}) > len(header):
        return {**options, "header": header}, lines
    return options, [join(header), *lines]


@given(
    table=tables(),
    edits=st.lists(MOVES | LOOKS, max_size=3),
    ends=fields(st.sampled_from(["end", "by_field", "plain", "counted"])),
)
@example(({}, ["a,b", "1,2", '"1,",2', "", "a,b", "1", '1,a"b']), [], ["end"])
@example(({"header": ["a"]}, ["a", "", "1", "1,2"]), [("edit", {"keep": ["none"]})], ["end", "by_field"])
def test_a_table_gives_the_same_in_each_way(
    table: tuple[Options, list[str]], edits: list[tuple[str, Options]], ends: list[str]
) -> None:
    options, lines = table
    assume(not any("\n" in line for line in lines))
    names = ["start", *(f"n{number}" for number in range(len(edits)))]
    nodes: list[dict[str, Any]] = [
        {"tag": name, "type": kind, "config": config, "next": [after] if after else ends}
        for name, after, (kind, config) in zip(
            names, [*names[1:], ""], [("parse_csv", options), *edits], strict=True
        )
    ]
    nodes += [
        {"tag": "by_field", "type": "write", "config": {"file": "{a}.{stem}", "otherwise": "drop"}},
        {"tag": "plain", "type": "write", "config": {"file": "1.in"}},
        {"tag": "counted", "type": "tally", "config": {"field": "a"}, "next": "end"},
    ]
    ran(plan_of([made for made in nodes if made["tag"] in {*names, *ends}]), lines)
