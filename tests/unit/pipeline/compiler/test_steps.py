"""Structured records in the compiled form: passed on as they are, and written out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fproc.pipeline.processors.base import Builtin, Maker, StepKind
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.objects import Misfit, editing, formatting, selecting
from fproc.pipeline.processors.text import same_tag
from tests.support.helpers import Nodes, plan_of, run_lines


def _double(record: dict[str, Any]) -> dict[str, Any] | None:
    if "n" not in record:
        raise Misfit("has no n")
    return {**record, "n": record["n"] * 2} if record["n"] else None


def _declared(kind: StepKind, processor: Any) -> Builtin:
    def make() -> Maker:
        return lambda _source, _output: processor

    return same_tag("", make, ({}, [], []), passes_line=kind is StepKind.SELECT, step=lambda _values: kind)


@pytest.fixture(autouse=True)
def built_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A built-in of each kind, and two more ways to edit."""
    made = {
        "double": _declared(StepKind.EDIT, editing(_double, "keep")),
        "positive": _declared(StepKind.SELECT, selecting(lambda record: record["n"] > 0, "keep")),
        "n_only": _declared(StepKind.FORMAT, formatting(lambda record: str(record["n"]), "keep")),
    }
    for name, builtin in made.items():
        monkeypatch.setitem(BUILTINS, name, builtin)


def node(tag: str, kind: str, to: Any, **config: Any) -> Mapping[str, Any]:
    return {"tag": tag, "type": kind, "config": config, "next": to}


def source_of(nodes: Nodes) -> str:
    return plan_of(nodes).compiler.program("start").source


def test_a_record_goes_through_all_nodes_and_is_written_out_once() -> None:
    nodes = [
        node("start", "parse_json", "a"),
        node("a", "double", "b"),
        node("b", "positive", "c"),
        node("c", "double", "end"),
    ]
    source = source_of(nodes)
    assert source.count("encode(record_3)") == 1
    assert [f"encode(record{number})" in source for number in ("", "_2")] == [True, True]  # where it may fail
    assert "decode(" not in source
    assert run_lines(plan_of(nodes), '{"n": 1, "m": 1.50}', '{"n":0}', '{"n":-2}') == {
        "in.log": ['{"n":4,"m":1.50}']
    }


def test_two_nodes_that_need_text_share_it_and_edits_beside_them_do_not_show() -> None:
    nodes = [
        node("start", "parse_json", ["a", "end", "b"]),
        node("a", "double", "end"),
        node("b", "uppercase", "end"),
    ]
    assert source_of(nodes).count(" = encode(record)") == 1
    assert run_lines(plan_of(nodes), '{"n": 1}') == {"in.log": ['{"n":2}', '{"n":1}', '{"N":1}']}


def test_what_is_only_selected_keeps_its_text() -> None:
    nodes = [node("start", "positive", ["a", "end"]), node("a", "double", "end")]
    assert source_of(nodes).count("decode(") == 1
    assert run_lines(plan_of(nodes), '{ "n": 1.50 }', '{"n":-1}') == {
        "in.log": ['{"n":3.0}', '{ "n": 1.50 }']
    }


def test_lines_in_between_that_are_tagged_or_filtered_keep_their_record() -> None:
    nodes = [
        node("start", "parse_json", "f"),
        node("f", "filter", "t", pattern="n"),
        node("t", "tag", {"*": "d"}, rules={"big": "9"}, default="small"),
        node("d", "double", "o"),
        node("o", "n_only", "end"),
    ]
    assert "decode(" not in source_of(nodes)
    assert run_lines(plan_of(nodes), '{"n":9}', '{"m":1}', '{"n":1}') == {"in.log": ["18", "2"]}


def test_a_record_that_is_tagged_by_a_key_is_passed_on_as_it_is() -> None:
    nodes = [
        node("start", "parse_json", "t"),
        node("t", "tag_field", {"big": "d", "*": "o"}, field="n", tags={"9": "big"}, default="small"),
        node("d", "double", "o"),
        node("o", "n_only", "end"),
    ]
    assert "decode(" not in source_of(nodes)
    assert run_lines(plan_of(nodes), '{"n":9}', '{"n":1}', '{"n":2.50}') == {"in.log": ["18", "1", "2.5"]}


def test_a_line_that_is_tagged_by_a_key_is_decoded_once_and_keeps_its_text() -> None:
    nodes = [
        node("start", "tag_field", "d", field="n", tags={"9": "big"}, default="small"),
        node("d", "positive", "w"),
        {"tag": "w", "type": "write", "config": {"file": "{tag}"}},
    ]
    assert source_of(nodes).count("decode(") == 1
    assert run_lines(plan_of(nodes), '{ "n":9 }', '{"n":1}', "text", '{"n":9}') == {
        "big": ['{ "n":9 }', '{"n":9}'],
        "small": ['{"n":1}', "text"],
    }


def test_a_record_that_does_not_fit_goes_on_as_text_from_there() -> None:
    nodes = [node("start", "double", "o"), node("o", "n_only", "end")]
    assert run_lines(plan_of(nodes), "text", '{"n": 4}', "[1]") == {"in.log": ["text", "8", "[1]"]}
