"""A table whose header is known: its lines are taken apart by code that is made for its columns."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.pipeline.compiler import generator
from fproc.pipeline.compiler.emitters import columns as emitters
from fproc.pipeline.processors.options.columns import Columns
from fproc.pipeline.processors.parsers.csv_table import CsvParser
from tests.support.helpers import plan_of, run_bytes
from tests.support.nodes import Options, pipeline, ran

TABLE: tuple[str, Options] = ("parse_csv", {})
EDIT: tuple[str, Options] = ("edit", {"rename": {"a": "n"}, "remove": ["b"], "set": {"s": "x", "t": [1]}})


def source_of(*nodes: tuple[str, Options], header: tuple[str, ...] = ("a", "b", "c")) -> str:
    columns = (("start", Columns(",", '"', header, header)),)
    return plan_of(pipeline(*nodes)).compiler.program("start", columns=columns).source


def test_no_record_is_made_of_a_line_whose_fields_are_only_moved() -> None:
    source = source_of(TABLE, EDIT)
    assert "record" not in source
    assert r'f"{{\"n\":\"{value_a}\",\"c\":\"{value_c}\",\"s\":\"x\",\"t\":[1]}}"' in source
    assert r'f"{{\"n\":{as_json(value_a)},\"c\":{as_json(value_c)},\"s\":\"x\",\"t\":[1]}}"' in source


def test_what_looks_at_values_gets_a_record_and_the_line_is_still_written_from_its_values() -> None:
    source = source_of(TABLE, ("where", {"field": "a", "is": "1"}), EDIT)
    assert "{'a': value_a, 'b': value_b, 'c': value_c}" in source
    assert r"{value_c}\"" in source


@pytest.mark.parametrize(
    "config",
    [
        {"types": {"a": "number"}},
        {"set": {"n": "{a}"}},
        {"set": {"n.m": 1}},
        {"rename": {"a": "n.m"}},
        {"keep": ["a.b"]},
        {"keep": ["none"]},
    ],
)
def test_an_edit_that_looks_at_values_or_into_them_is_called(config: Options) -> None:
    assert "= step_n1(record)" in source_of(TABLE, ("edit", config))


def test_only_the_fields_that_are_needed_behind_it_are_in_its_record() -> None:
    source = source_of(TABLE, ("tally", {"field": ["b"], "sum": "c"}))
    assert "{'b': value_b, 'c': value_c}" in source


def test_the_result_that_a_record_names_is_found_without_its_text() -> None:
    nodes = [*pipeline(TABLE), {"tag": "by_a", "type": "write", "config": {"file": "{a}"}}]
    nodes[0]["next"] = "by_a"
    columns = (("start", Columns(",", '"', ("a",), ("a",))),)
    assert "decode(" not in plan_of(nodes).compiler.program("start", columns=columns).source


def test_each_column_gets_a_variable_unless_there_are_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "value_a" in source_of(TABLE)
    monkeypatch.setattr(emitters, "MOST_COLUMNS", 2)
    assert "value_a" not in source_of(TABLE)


def test_so_many_ways_end_with_the_same_columns_that_not_each_gets_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generator, "MOST_WRITTEN_VALUES", 3)
    nodes = pipeline(TABLE, ("where", {"field": "a", "is": "1"}))
    nodes[0]["next"] = ["n1", "end"]
    columns = (("start", Columns(",", '"', ("a", "b"), ("a", "b"))),)
    assert plan_of(nodes).compiler.program("start", columns=columns).source.count("as_json(value_a)") == 1
    lines = ["a,b", "1,2", '"1",x', "3,4"]
    assert len(ran(plan_of(nodes), lines).lines) == 5


def test_a_new_header_makes_a_new_program_and_a_known_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(pipeline(TABLE, EDIT))
    compiled: list[Any] = []
    made = plan.compiler._compiled

    def noted(*arguments: Any, **options: Any) -> Any:
        compiled.append(options["columns"])
        return made(*arguments, **options)

    monkeypatch.setattr(plan.compiler, "_compiled", noted)
    for header in ("a,b", "b,a", "a,b"):
        run_bytes(plan, f"{header}\n1,2\n3,4\n5,6\n".encode(), block_bytes=4)
    headers = [columns[0][1].header for columns in compiled if columns]
    assert headers == [("a", "b"), ("b", "a")]


def test_the_parser_is_not_called_once_the_header_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(pipeline(TABLE, EDIT))
    parsed: list[str] = []
    parse = CsvParser.parse

    def noted(parser: CsvParser, line: str) -> Any:
        parsed.append(line)
        return parse(parser, line)

    monkeypatch.setattr(CsvParser, "parse", noted)
    data = b'a,b\n1,2\n"3,",4\n\n"a",b\n"""",\\\n'
    output, _ = run_bytes(plan, data, block_bytes=4)
    assert parsed == ["a,b"]
    assert output.results["in.log"] == [
        '{"n":"1","s":"x","t":[1]}', '{"n":"3,","s":"x","t":[1]}', '{"n":"\\"","s":"x","t":[1]}'
    ]  # fmt: skip


def test_few_programs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fproc.pipeline.compiler.program.MOST_PROGRAMS", 3)
    plan = plan_of(pipeline(TABLE))
    for number in range(9):
        run_bytes(plan, f"a{number}\n1\n2\n".encode(), block_bytes=2)
    assert len(plan.compiler._programs) <= 3
