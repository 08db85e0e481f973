"""A record gets what a table says of it; a broken table is refused with its file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import ConfigError
from fproc.pipeline.plan import Plan, build_plan
from tests.support.nodes import Ran, of_one, pipeline, ran

COUNTRIES = '\ufeffcode,name,area\r\nDE,"Germany, Federal Republic",357\nFR,France,\n'

Table = Callable[[str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "countries.csv").write_text(COUNTRIES, "utf-8", newline="")
    return tmp_path


def plan_in(folder: Path, **config: Any) -> Plan:
    return build_plan({"nodes": pipeline(("lookup", {"field": "c", **config}))}, folder=str(folder))


def looked_up(folder: Path, *lines: str, **config: Any) -> Ran:
    return ran(plan_in(folder, **config), lines)


def refusal(folder: Path, **config: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        plan_in(folder, **config)
    return str(caught.value).replace(f"{folder}/", "")


def test_the_columns_of_a_table_are_added(folder: Path) -> None:
    lines = ['{"c":"DE","n":1.50}', '{"c":"FR"}']
    assert looked_up(folder, *lines, table="countries.csv").lines == [
        '{"c":"DE","n":1.50,"name":"Germany, Federal Republic","area":"357"}',
        '{"c":"FR","name":"France","area":""}',
    ]
    assert looked_up(folder, lines[1], table="countries.csv", take=["name"]).lines == [
        '{"c":"FR","name":"France"}'
    ]
    assert looked_up(folder, lines[1], table="countries.csv", take={"name": "of.name"}).lines == [
        '{"c":"FR","of":{"name":"France"}}'
    ]
    by_name = {"table": "countries.csv", "key": "name", "take": "code"}
    assert looked_up(folder, '{"c":"France"}', **by_name).lines == ['{"c":"France","code":"FR"}']


@pytest.mark.parametrize(
    ("value", "added"),
    [
        ({"5": "five", "6": "six"}, {"value": "five"}),
        ({"5": {"word": "five", "odd": True}}, {"word": "five", "odd": True}),
        ([{"id": 5, "word": "five"}, {"id": 6, "word": "six"}], {"word": "five"}),
    ],
)
def test_a_table_may_be_json_in_a_file_or_in_the_configuration(folder: Path, value: Any, added: Any) -> None:
    (folder / "numbers.json").write_text(json.dumps(value))
    for table in ("numbers.json", value):
        outcome = looked_up(folder, '{"c": 5}', '{"c": "5"}', table=table)
        assert [json.loads(line) for line in outcome.lines] == [{"c": 5, **added}, {"c": "5", **added}]


def test_a_number_of_a_table_is_written_as_it_came(folder: Path) -> None:
    (folder / "prices.json").write_text('\ufeff{"a": 1.50, "b": {"x": -0, "y": [1e400]}}\n', "utf-8")
    assert looked_up(folder, '{"c":"a"}', '{"c":"b"}', table="prices.json").lines == [
        '{"c":"a","value":1.50}',
        '{"c":"b","x":-0,"y":[1e400]}',
    ]


def test_only_line_endings_end_the_rows_of_a_table(folder: Path) -> None:
    rows = 'id,name\r\na,x\u2028y\r\nb,p\x0cq\nc,"m\nn"\n'
    (folder / "odd.csv").write_text(rows, "utf-8", newline="")
    assert looked_up(folder, '{"c":"a"}', '{"c":"b"}', '{"c":"c"}', table="odd.csv").lines == [
        '{"c":"a","name":"x\u2028y"}',
        '{"c":"b","name":"p\\fq"}',
        '{"c":"c","name":"m\\nn"}',
    ]


def test_what_is_not_in_the_table_is_a_misfit(folder: Path) -> None:
    lines = ['{"c":"XX"}', '{"d":1}', "text"]
    assert looked_up(folder, *lines, table="countries.csv").lines == lines
    reasons = looked_up(folder, *lines, table="countries.csv", otherwise="reject").reasons
    assert reasons[:2] == ["'XX' is not in the table", "has no field 'c'"]


def test_columns_are_added_to_a_line(folder: Path) -> None:
    (folder / "t.csv").write_text("k;v;w\na;1;\nb;2;3\n")
    config = {"field": 2, "separator": ",", "table": "t.csv"}
    assert looked_up(folder, "x,b", "y,a", "z,c", "q", **config).lines == ["x,b,2,3", "y,a,1,", "z,c", "q"]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("t.csv", "a,b\n1,2\n\n3\n", "t.csv:4: has 1 column, its header has 2"),
        ("t.csv", "a,b\n1,2\n2,3\n1,4\n", "t.csv:4: '1' stands twice in 'a'; first at t.csv:2"),
        ("t.csv", 'a,b\n1,"x\ny"\n2,"x\n', "t.csv:4: is not CSV: unexpected end of data"),
        ("t.csv", "a,a\n", "t.csv:1: the header names 'a' twice"),
        ("t.csv", "a,\n", "t.csv:1: the header has a column without a name"),
        ("t.csv", "", "t.csv:1: is empty; it needs a header"),
        ("t.csv", "a,b\n\udcff,2\n", "t.csv:2: is not UTF-8 text: invalid start byte"),
        ("t.json", '{"a": 1,\n "b" 2}', "t.json:2:6: not JSON: Expecting ':' delimiter"),
        ("t.json", '{"a": 1, "a": 2}', "t.json: the key 'a' stands twice in one object"),
        ("t.json", '[{"a": 1}, 5]', "t.json: entry 2 must be an object, not the number 5"),
        ("t.json", '[{"a": 1}, {"b": 2}]', "t.json: entry 2: has no 'a'"),
        ("t.json", "5", "t.json: must be an object or a list of objects, not the number 5"),
    ],
)
def test_a_broken_table_is_refused_with_its_file_and_line(
    tmp_path: Path, name: str, text: str, what: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert f"$.nodes[0].config.table: {what}" in refusal(tmp_path, table=name)


def test_a_table_or_column_that_is_not_there_is_told(folder: Path) -> None:
    assert "'none.csv' cannot be read: No such file" in refusal(folder, table="none.csv")
    assert "countries.csv has no column 'nam'; did you mean 'name'?" in refusal(
        folder, table="countries.csv", take=["nam"]
    )
    assert "config.key: countries.csv has no column 'id'; it has code, name, area" in refusal(
        folder, table="countries.csv", key="id"
    )


def test_checkpoints_hold_for_the_same_contents_of_the_table_only(folder: Path) -> None:
    before = plan_in(folder, table="countries.csv")
    assert plan_in(folder, table="countries.csv").fingerprint == before.fingerprint
    (folder / "countries.csv").write_text(COUNTRIES.replace("357", "358"))
    after = plan_in(folder, table="countries.csv")
    assert after.fingerprint != before.fingerprint
    (line,) = ran(before, ['{"c":"DE"}']).lines
    assert '"area":"357"' in line, "it was read once"


@given(
    table=st.dictionaries(st.text(max_size=3), st.integers(), min_size=1, max_size=5),
    asked=st.lists(st.text(max_size=3), max_size=8),
)
def test_it_is_what_a_dictionary_says(table: dict[str, int], asked: list[str]) -> None:
    lines = [json.dumps({"c": name}) for name in asked]
    outcome = of_one("lookup", {"field": "c", "table": table, "otherwise": "drop"}, lines)
    expected = [{"c": name, "value": table[name]} for name in asked if name in table]
    assert [json.loads(line) for line in outcome.lines] == expected
