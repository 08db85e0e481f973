"""Users' processors of every kind that get and give records as dicts."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from fproc.base.errors import ConfigError, Reject, ShapeError
from fproc.pipeline.failures import RecordError
from fproc.pipeline.plan import Plan
from tests.support.helpers import plan_of, run_lines

Use = Callable[..., Plan]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes a pipeline of one processor that gets dicts."""

    def made(processor: Any, **node: Any) -> Plan:
        module = ModuleType("mine_for_dicts")
        module.processor = processor  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "mine_for_dicts", module)
        start = {"tag": "start", "type": "mine_for_dicts.processor", "as": "dict", "next": "end", **node}
        return plan_of([start, {"tag": "more", "type": "write", "config": {"file": "more"}}])

    return made


def priced(record: dict[str, Any], rate: int) -> dict[str, Any] | None:
    return {**record, "total": record["n"] * rate} if record["n"] else None


def test_a_function_takes_a_dict_and_gives_one_whose_numbers_are_as_they_were(use: Use) -> None:
    plan = use(priced, config={"rate": 3})
    lines = ['{"price": 1.50, "n": 2, "deep": [1e3]}', '{"n": 0}']
    assert plan.why_interpreted("start") is None
    assert run_lines(plan, *lines) == {"in.log": ['{"price":1.50,"n":2,"deep":[1e3],"total":6}']}


def test_a_generator_yields_dicts_and_text_with_or_without_tags(use: Use) -> None:
    def several(record: dict[str, Any]) -> Iterator[Any]:
        yield record
        yield "more", OrderedDict(x=record)
        yield "text"
        yield "more", "text too"

    plan = use(several, next={"more": "more", "*": "end"})
    assert run_lines(plan, '{"a": 1}') == {
        "in.log": ['{"a":1}', "text"],
        "more": ['{"x":{"a":1}}', "text too"],
    }


def test_a_class_gets_dicts_and_keeps_its_state(use: Use) -> None:
    class Sum:
        def __init__(self) -> None:
            self.total = 0

        def process(self, record: dict[str, Any]) -> Any:
            self.total += record["n"]
            return ("more", {"n": record["n"]}) if record["n"] > 1 else None

        def finish(self) -> Iterator[Any]:
            yield {"total": self.total}

    plan = use(Sum, next={"more": "more", "*": "end"})
    assert run_lines(plan, '{"n": 1}', '{"n": 2}') == {"in.log": ['{"total":3}'], "more": ['{"n":2}']}


def test_a_stream_pulls_dicts(use: Use) -> None:
    def paired(records: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[Any]:
        for tag, record in records:
            yield tag, {**record, **next(records)[1]}

    assert run_lines(use(paired, stream=True), '{"a": 1}', '{"b": 2}') == {"in.log": ['{"a":1,"b":2}']}


def test_a_line_that_is_no_object_is_rejected_and_the_reason_told(use: Use) -> None:
    plan = use(priced, config={"rate": 3})
    with pytest.raises(RecordError, match="line 1, node 'start': is no JSON object but a list") as caught:
        run_lines(plan, "[1]")
    assert isinstance(caught.value.__cause__, Reject)


def test_a_dict_that_json_cannot_write_is_an_error_of_its_line(use: Use) -> None:
    with pytest.raises(
        RecordError, match="gave a dict that cannot be written as JSON: set is no type"
    ) as caught:
        run_lines(use(lambda record: {"a": {1}}), "{}")
    assert isinstance(caught.value.__cause__, ShapeError)


def test_a_built_in_needs_no_dict() -> None:
    with pytest.raises(ConfigError, match=r"\$\.nodes\[0\]\.as: 'trim' is a built-in, which gets a record"):
        plan_of([{"tag": "start", "type": "trim", "as": "dict", "next": "end"}])


def test_the_key_knows_two_words() -> None:
    with pytest.raises(ConfigError, match=r"\$\.nodes\[0\]\.as: must be one of 'text', 'dict', not 'dic'"):
        plan_of([{"tag": "start", "type": "trim", "as": "dic", "next": "end"}])
