"""Nodes that are done in place: what is generated for them, and where the interpreter takes over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fproc.pipeline.compiler.emitters import counting, routing, sinks, text
from fproc.pipeline.compiler.emitters.table import EMITTERS
from fproc.pipeline.failures import RecordError
from fproc.pipeline.records import Block
from tests.support.helpers import SOURCE, Memory, plan_of, run_lines, user


def node(kind: str, **config: Any) -> dict[str, Any]:
    return {"tag": "start", "type": kind, "config": config, "next": "end"}


@pytest.mark.parametrize(
    "start",
    [
        node("count"),
        node("count", total=True),
        node("join", lines=2),
        node("split", separator=","),
        node("tally", field=2),
        node(user("twice")),
        node(user("halves")),
    ],
    ids=lambda start: start["type"] + str(start["config"]),
)
def test_a_node_with_code_of_its_own_is_not_called_by_the_loop(start: dict[str, Any]) -> None:
    plan = plan_of([start])
    run_lines(plan, "a b", "c d")
    assert "run.process(" not in plan.compiler.program("start").source


@pytest.mark.parametrize(
    "start", [node("tally"), node("tally", field=[1, 2]), node("tally", field=1, min=2)], ids=str
)
def test_a_tally_of_anything_but_one_column_is_called(start: dict[str, Any]) -> None:
    assert "run.process(" in plan_of([start]).compiler.program("start").source


def test_a_list_is_learnt_and_a_line_alone_still_goes_on() -> None:
    plan = plan_of([node("odd_processors.listed", salt=1, wild=10**9)])
    before = plan.compiler.program("start").source
    results = run_lines(plan, *(str(number) for number in range(40)))
    assert plan.compiler.program("start").source != before
    assert run_lines(plan, *(str(number) for number in range(40))) == results


def test_what_is_known_already_costs_no_new_program() -> None:
    plan = plan_of([node(user("sometimes_tagged")) | {"next": {"t": "end"}}], on_error="skip")
    failed: list[RecordError] = []
    run = plan.run(SOURCE, Memory(), entry="start", on_error=failed.append)
    run.feed(Block(["t:a", "nowhere:b"], 1, 0, b""))
    program = plan.compiler.program("start")
    run.feed(Block(["t:a", "nowhere:b"], 3, 0, b""))
    run.close()
    assert len(failed) == 2
    assert plan.compiler.program("start") is program


ASKED: list[str] = []


def asked_too_often(line: str) -> Iterator[Any]:
    yield line
    yield 7
    ASKED.append(line)


def test_a_generator_that_yields_no_record_is_asked_for_nothing_more() -> None:
    plan = plan_of([node(f"{__name__}.asked_too_often")])
    output, failed = Memory(), list[RecordError]()
    run = plan.run(SOURCE, output, entry="start", on_error=failed.append)
    run.feed(Block(["a"], 1, 0, b""))
    run.close()
    assert [error.failure.reason for error in failed] == [
        "yielded 7 (int); a processor yields a line or a (tag, line)"
    ]
    assert (output.results, ASKED) == ({}, [])


def test_each_emitter_is_found_by_its_built_in_s_name() -> None:
    written = {
        name: emit for module in (text, routing, counting, sinks) for name, emit in module.EMITTERS.items()
    }
    assert {name: EMITTERS.builtins[name] for name in EMITTERS.builtins} == written
