"""Users' processors of every kind, right and wrong, and what is said about the wrong ones."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fproc
from fproc.base.errors import ConfigError, ProcessorExitError, ShapeError
from fproc.config.nodes import NodeSpec
from fproc.pipeline.failures import RecordError
from fproc.pipeline.plugins import loading as plugins
from fproc.pipeline.plugins.sources import add_plugin_folder
from tests.support.helpers import SAMPLES, SOURCE, Memory, plan_of, run_lines, stop, user

PATH = "$.nodes[0]"


@pytest.fixture(autouse=True)
def samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample processors are importable, and `sys.path` is afterwards what it was."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    add_plugin_folder(SAMPLES)


Define = Callable[..., str]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Puts a processor into a module of its own, and gives its import path."""

    def put(processor: Any) -> str:
        module = ModuleType("mine_for_a_test")
        module.processor = processor  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "mine_for_a_test", module)
        return "mine_for_a_test.processor"

    return put


def run_one(type_: str, *lines: str, **node: Any) -> list[str]:
    plan = plan_of([{"tag": "start", "type": type_, "next": "end", **node}])
    return run_lines(plan, *lines).get("in.log", [])


def problem_of(type_: str, *, stream: bool = False, **config: Any) -> str:
    resolved, problems = plugins.resolve(NodeSpec("start", type_, config, stream=stream, path=PATH))
    assert resolved is None
    [problem] = problems
    return str(problem)


def test_a_function_maps_each_line_and_its_config_comes_as_keywords() -> None:
    assert run_one(user("shout"), "a", "b") == ["A!", "B!"]
    assert run_one(user("shout"), "a", config={"mark": "?"}) == ["A?"]


def test_a_function_that_gives_none_drops_the_line() -> None:
    assert run_one(user("only_even"), "a", "bb", "ccc", "dddd") == ["bb", "dddd"]


def test_a_generator_function_yields_any_number_of_lines() -> None:
    assert run_one(user("twice"), "a", "b") == ["a", "a", "b", "b"]


def test_a_generator_function_mixes_lines_and_tagged_lines() -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": user("halves"), "next": {"left": "left", "*": "rest"}},
            {"tag": "left", "type": "write", "config": {"file": "left"}},
            {"tag": "rest", "type": "write", "config": {"file": "{tag}"}},
        ]
    )
    assert run_lines(plan, "abcd") == {"left": ["ab"], "start": ["cd"]}


def test_a_class_keeps_state_for_one_file_and_starts_afresh_for_the_next() -> None:
    plan = plan_of([{"tag": "start", "type": user("Numbered"), "config": {"start": 5}, "next": "end"}])
    assert run_lines(plan, "a", "b") == {"in.log": ["5 a", "6 b"]}
    assert run_lines(plan, "a") == {"in.log": ["5 a"]}


def test_a_class_yields_what_it_still_has_at_the_end_of_the_file() -> None:
    assert run_one(user("LastOnes"), "a", "b", "c", config={"keep": 2}) == ["b", "c"]
    assert run_one(user("LastOnes")) == []


@pytest.mark.parametrize(
    ("given", "lines"), [(None, []), ("one", ["one"]), (["a", ("t", "b")], ["a", "b"]), (("t", "x"), ["x"])]
)
def test_finish_may_return_what_process_may_return(given: Any, lines: list[str], define: Define) -> None:
    class Ends:
        def process(self, _line: str) -> None:
            return None

        def finish(self) -> Any:
            return given

    assert run_one(define(Ends), "x") == lines


def test_a_stream_sees_the_whole_file_as_one_run_of_records() -> None:
    assert run_one(user("pairs"), "a", "b", "c", stream=True, config={"joint": "-"}) == ["a-b", "c"]


def test_a_function_may_return_a_list(define: Define) -> None:
    def listed(line: str) -> list[str | tuple[str, str]]:
        return [line, ("t", line + "2")]

    assert run_one(define(listed), "a") == ["a", "a2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (7, "gave 7 (int); a processor gives a line, a (tag, line) or None"),
        (b"bytes", "gave b'bytes' (bytes);"),
        (bytearray(b"x"), "gave bytearray(b'x') (bytearray);"),
        ({"a": "b"}, "gave {'a': 'b'} (dict);"),
        (True, "gave True (bool);"),
        ([("a", 1)], "yielded ('a', 1) (tuple); a processor yields a line or a (tag, line)"),
        ([None], "yielded None (NoneType);"),
        ([["tag", "line"]], "yielded ['tag', 'line'] (list);"),
        ([("a", "b", "c")], "yielded ('a', 'b', 'c') (tuple);"),
        ({"k": "x" * 500}, "xxx... (dict); a processor gives"),
    ],
)
def test_what_is_no_record_is_refused_with_a_message_that_shows_it(
    given: Any, message: str, define: Define
) -> None:
    with pytest.raises(RecordError) as caught:
        run_one(define(lambda line: given if line == "bad" else line), "good", "bad")
    assert isinstance(caught.value.__cause__, ShapeError)
    assert message in caught.value.failure.reason
    assert caught.value.failure.line_no == 2


def raiser(error: BaseException) -> Callable[[str], str]:
    def process(_line: str) -> str:
        raise error

    return process


def leaving(where: str, error: BaseException) -> Any:
    """A processor of some kind that raises at some place."""

    def generate(line: str) -> Iterator[str]:
        yield line
        raise error

    def stream(records: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        yield next(records)
        raise error

    class Leaves:
        def __init__(self) -> None:
            if where == "__init__":
                raise error

        def process(self, line: str) -> Any:
            return raiser(error)(line) if where == "process" else generate(line) if where == "yield" else line

        def finish(self) -> Any:
            return raiser(error)("") if where == "finish" else generate("last")

    return {"function": raiser(error), "generator": generate, "stream": stream}.get(where, Leaves)


@pytest.mark.parametrize(
    "where", ["function", "generator", "stream", "__init__", "process", "yield", "finish", "finishing"]
)
@pytest.mark.parametrize(
    "error",
    [SystemExit("x"), GeneratorExit("x"), asyncio.CancelledError("x")],
    ids=lambda e: type(e).__name__,
)
def test_what_is_meant_to_end_a_program_is_an_error_of_its_record(
    where: str, error: BaseException, define: Define
) -> None:
    with pytest.raises(RecordError) as caught:
        run_one(define(leaving(where, error)), "a", stream=where == "stream")
    assert re.fullmatch(rf"{type(error).__name__}: x \(\w+\.py:\d+\)", caught.value.failure.reason)
    assert isinstance(caught.value.__cause__, ProcessorExitError)
    assert caught.value.failure.line_no == (None if where in {"__init__", "finish", "finishing"} else 1)


def test_ctrl_c_goes_through(define: Define) -> None:
    plan = plan_of([{"tag": "start", "type": define(raiser(KeyboardInterrupt())), "next": "end"}])
    run = plan.run(SOURCE, Memory(), entry="start", on_error=stop)
    with pytest.raises(KeyboardInterrupt):
        run.push("start", "start", "a")


@pytest.mark.parametrize(
    ("type_", "config", "says"),
    [
        ("shout", {"markk": "?"}, "got an unexpected keyword argument 'markk'"),
        ("Numbered", {"begin": 1}, "got an unexpected keyword argument 'begin'"),
        ("shout", {"line": "x"}, "multiple values for argument 'line'"),
    ],
)
def test_config_that_does_not_go_with_the_processor_is_found_before_any_line(
    type_: str, config: dict[str, Any], says: str
) -> None:
    problem = problem_of(user(type_), **config)
    assert problem.startswith(f"{PATH}.config: does not go with {user(type_)!r}: {says}")
    assert f"it is called as {type_}(" in problem


def test_an_option_that_the_processor_cannot_do_without_is_missed_before_any_line(define: Define) -> None:
    def needs(line: str, key: str) -> str:
        return line + key

    assert "missing a required argument: 'key'" in problem_of(define(needs))
    assert run_one(define(needs), "a", config={"key": "k"}) == ["ak"]


@pytest.mark.parametrize(
    ("type_", "stream", "problem"),
    [
        ("shuot", False, "unknown processor 'shuot'"),
        ("upercase", False, "unknown processor 'upercase'; did you mean 'uppercase'?"),
        ("no_such_module.f", False, "there is no module 'no_such_module'; it must lie beside the"),
        ("user_processors.deep.f", False, "there is no module 'user_processors.deep'; it must lie beside"),
        ("user_processors.shuot", False, "'user_processors' has no 'shuot'; did you mean 'shout'?"),
        ("user_processors.qqqq", False, "'user_processors' has no 'qqqq'; it is "),
        ("user_processors.not_callable", False, "is 5 (int), which cannot be called"),
        ("user_processors.NoProcess", False, "class 'user_processors.NoProcess' has no method process(self"),
        (".f", False, "importing '' failed"),
    ],
)
def test_a_type_that_cannot_be_used_is_said_with_a_way_out(type_: str, *, stream: bool, problem: str) -> None:
    said = problem_of(type_, stream=stream)
    assert said.startswith(f"{PATH}.type: ")
    assert problem in said


@pytest.mark.parametrize(
    ("type_", "problem"),
    [
        ("uppercase", "'uppercase' is a built-in, and no stream; leave it out"),
        ("user_processors.Numbered", "'user_processors.Numbered' is a class; a stream is a function"),
    ],
)
def test_only_a_function_of_one_s_own_can_be_a_stream(type_: str, problem: str) -> None:
    assert problem_of(type_, stream=True) == f"{PATH}.stream: {problem}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_library", "there is no module 'no_such_library'; 'NAME' imports it"),
        ("1 / 0", "importing 'NAME' failed: ZeroDivisionError: division by zero"),
        ("raise SystemExit('not today')", "importing 'NAME' failed: SystemExit: not today"),
        ("def f(:", "importing 'NAME' failed: SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_a_problem_of_the_configuration(
    text: str, says: str, tmp_path: Path
) -> None:
    name = f"broken_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    add_plugin_folder(str(tmp_path))
    assert says.replace("NAME", name) in problem_of(f"{name}.f")


def test_the_standard_library_is_not_hidden_by_a_plugin_folder(tmp_path: Path) -> None:
    add_plugin_folder(str(tmp_path))
    add_plugin_folder(str(tmp_path))
    assert sys.path.count(str(tmp_path)) == 1
    assert sys.path[-1] == str(tmp_path)


def test_all_wrong_processors_are_reported_at_once_in_their_order() -> None:
    nodes = [{"tag": f"n{i}", "type": "nope.f", "next": "end"} for i in range(12)]
    with pytest.raises(ConfigError) as caught:
        plan_of([{**nodes[0], "tag": "start"}, *nodes[1:]])
    assert [problem.path for problem in caught.value.problems] == [f"$.nodes[{i}].type" for i in range(12)]


def test_a_processor_reaches_retry_and_reject_through_the_package() -> None:
    with pytest.raises(RecordError, match="the database is away") as caught:
        run_one(user("retry"), "a")
    assert isinstance(caught.value.__cause__, fproc.Retry)
    with pytest.raises(RecordError, match="no such account") as caught:
        run_one(user("reject_bad"), "bad")
    assert isinstance(caught.value.__cause__, fproc.Reject)


@pytest.mark.parametrize(
    "raised", ["SystemExit(1)", "GeneratorExit()", "__import__('asyncio').CancelledError()"]
)
def test_a_module_may_raise_anything_while_it_is_imported(
    raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"raises_{abs(hash(raised))}"
    (tmp_path / f"{name}.py").write_text(f"raise {raised}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=f"importing '{name}' failed"):
        plan_of([{"tag": "start", "type": f"{name}.f", "next": "end"}])
