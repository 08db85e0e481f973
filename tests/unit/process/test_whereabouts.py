"""Asked in the middle of anything, a process says which line and which node it is at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from fproc.pipeline.compiler import program
from fproc.pipeline.compiler.sieved import Sieve
from fproc.pipeline.plan import Plan
from fproc.process.mark import EXCERPT_CHARACTERS, CurrentTask, Doing, Whereabouts
from fproc.process.stalls import Question
from fproc.process.whereabouts import ASK, Responder
from fproc.process.whereabouts import ask as ask_process
from tests.support.helpers import plan_of, run_lines
from tests.support.programs.running import DEADLINE_SECONDS, wait_until

MODULE = "asking_processors"


asked: list[CurrentTask] = []


def ask(line: str) -> None:
    if "ask" in line:
        assert ASK is not None
        signal.raise_signal(ASK)


def step(line: str) -> str:
    ask(line)
    return line


def many(line: str) -> Iterator[str]:
    yield line
    ask(line)
    yield line


class Remembers:
    def __init__(self) -> None:
        self.last = ""

    def process(self, line: str) -> str:
        self.last = line
        return line

    def finish(self) -> Iterator[str]:
        ask(self.last)
        yield "end"


class Begins:
    def __init__(self) -> None:
        ask("ask")

    def process(self, line: str) -> str:
        return line


def ask_main_thread() -> None:
    assert ASK is not None
    os.kill(os.getpid(), ASK)


def stream(records: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for tag, line in records:
        if "ask" in line:
            question = Question(asked[-1], ask_main_thread, DEADLINE_SECONDS)
            wait_until(question.answer)  # the main thread is in the middle of handing the turn over
        yield tag, line


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The processors above can be imported, and this process answers."""
    module = types.ModuleType(MODULE)
    for value in (step, many, Remembers, Begins, stream):
        setattr(module, value.__name__, value)
    monkeypatch.setitem(sys.modules, MODULE, module)
    assert ASK is not None
    earlier = signal.getsignal(ASK)
    yield
    signal.signal(ASK, earlier)


def own(name: str, tag: str = "start", **node: Any) -> dict[str, Any]:
    return {"tag": tag, "type": f"{MODULE}.{name}", "next": "end", **node}


def answered(plan: Plan, *lines: str) -> Whereabouts:
    """What is answered while these lines are run."""
    mark = CurrentTask.own()
    Responder(mark).listen()
    asked.append(mark)
    mark.ask()
    run_lines(plan, *lines)
    where = mark.answer()
    assert where is not None
    return where


def place(where: Whereabouts) -> tuple[str | None, int | None, str | None]:
    return where.node, where.line_no, where.line


LAST = {"tag": "last", "type": "uppercase", "next": "end"}
PLANS: dict[str, list[dict[str, Any]]] = {
    "a function": [own("step")],
    "a generator": [own("many")],
    "behind others": [{"tag": "start", "type": "trim", "next": "own"}, own("step", "own", next="last"), LAST],
    "behind a branch that has ended": [
        {"tag": "start", "type": "tag", "config": {"rules": {"x": "x"}, "default": "y"},
         "next": {"x": "last", "*": ["last", "own"]}},
        LAST,
        own("step", "own"),
    ],
    "in a cycle, which is interpreted": [
        own("step", next={"again": "start", "*": "end"}),
    ],
    "a stream": [own("stream", stream=True)],
}  # fmt: skip


@pytest.mark.parametrize("nodes", PLANS.values(), ids=PLANS.keys())
def test_the_line_and_the_node_are_found(nodes: list[dict[str, Any]]) -> None:
    node = next(node["tag"] for node in nodes if node["type"].startswith(MODULE))
    lines = [f"line {number}" for number in range(1, 700)]
    assert place(answered(plan_of(nodes), *lines, "ask 700", *lines)) == (node, 700, "ask 700")


def test_both_forms_of_a_graph_are_among_these() -> None:
    forms = {plan_of(nodes).why_interpreted("start") is None for nodes in PLANS.values()}
    assert forms == {True, False}


def test_while_a_filter_searches_a_whole_block_it_is_found_and_no_line_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(_text: str) -> tuple[list[str], list[int]]:
        ask("ask")
        return [], []

    monkeypatch.setattr(program, "sieve_of", lambda _form: Sieve(find))
    nodes = [{"tag": "start", "type": "filter", "config": {"pattern": "a"}, "next": "end"}]
    assert place(answered(plan_of(nodes), "b", "c")) == ("start", None, None)


def test_at_the_end_of_the_file_the_node_is_found() -> None:
    assert place(answered(plan_of([own("Remembers")]), "a", "ask")) == ("start", None, None)


def test_while_processors_are_made_the_node_is_found() -> None:
    nodes = [{"tag": "start", "type": "trim", "next": "own"}, own("Begins", "own")]
    assert place(answered(plan_of(nodes), "a")) == ("own", None, None)


def test_of_a_long_line_the_beginning_is_told() -> None:
    line = "\udcff" + "x" * 10_000 + "ask"
    assert answered(plan_of([own("step")]), line).line == line[:EXCERPT_CHARACTERS]


def test_lines_of_a_part_are_counted_from_the_beginning_of_the_file() -> None:
    mark = CurrentTask.own()
    mark.lines_before = lambda: 1000
    Responder(mark).listen()
    mark.ask()
    run_lines(plan_of([own("step")]), "a", "b", "ask")
    where = mark.answer()
    assert where
    assert where.line_no == 1003


def test_a_brief_question_is_answered_by_the_node_without_counting_lines() -> None:
    mark = CurrentTask.own()
    mark.lines_before = lambda: 1 // 0
    Responder(mark).listen()
    mark.ask(briefly=True)
    run_lines(plan_of([own("step")]), "a", "b", "ask")
    assert mark.answer() == Whereabouts("taking it up", node="start")


def test_who_has_to_ask_another_process_first_does_not_answer_at_once() -> None:
    mark = CurrentTask.own()
    mark.defers = True
    Responder(mark).listen()
    mark.ask()
    run_lines(plan_of([own("step")]), "ask")
    assert mark.answer() is None


def test_between_two_lines_it_is_said_what_is_done() -> None:
    mark = CurrentTask.own()
    mark.note(Doing.KEEPING)
    Responder(mark).listen()
    mark.ask()
    ask("ask")
    assert str(mark.answer()) == "at a checkpoint"


def test_trouble_with_the_answer_is_logged_and_does_not_disturb(caplog: pytest.LogCaptureFixture) -> None:
    mark = CurrentTask.own()
    mark.close()
    Responder(mark).listen()
    assert run_lines(plan_of([own("step")]), "ask") == {"in.log": ["ask"]}
    assert "cannot say which line is worked on" in caplog.text


def started(code: str) -> subprocess.Popen[bytes]:
    """A process that runs some code, says that it has, and waits for the end of its input."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.mark.parametrize("disposition", ["SIG_DFL", "SIG_IGN"])
def test_a_process_that_does_not_hear_is_not_harmed(disposition: str) -> None:
    process = started(f"import signal, sys; signal.signal({ASK}, signal.{disposition})")
    mark = CurrentTask.own()
    ask_process(process.pid, mark)
    process.communicate()
    assert process.returncode == 0
    ask_process(process.pid, mark)  # it is gone
    assert mark.answer() is None


def test_a_process_that_hears_is_asked() -> None:
    process = started(f"import signal, sys; signal.signal({ASK}, lambda *_: sys.exit(9))")
    ask_process(process.pid, CurrentTask.own())
    assert process.wait(60) == 9
    process.communicate()
