"""What became of one line, whatever came before it, however records are cut, and with nothing written."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fproc.base.errors import InputError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import Block, Overlong
from fproc.pipeline.tracing.steps import Explanation, StepCollector
from fproc.run.explain import ExplainTimeoutError, explain_line
from fproc.run.pieces import first_line_no
from fproc.run.reading.inputs import open_input
from tests.support.helpers import plan_of, user
from tests.support.resumed import Job

NUMBERED: list[dict[str, Any]] = [{"tag": "start", "type": user("Numbered"), "next": "end"}]
PATTERNED: list[dict[str, Any]] = [
    {"tag": "start", "type": "filter", "config": {"pattern": "a"}, "next": "up"},
    {"tag": "up", "type": "uppercase", "next": ["end", "drop"]},
]


def explained(plan: Plan, path: Path, line_no: int, **options: Any) -> Explanation:
    collector = StepCollector()
    with closing(open_input(str(path), in_spool=False)) as source_file:
        explain_line(plan, source_file, line_no, collector, **options)
    return collector.explanation()


def put(folder: Path, text: str) -> Path:
    path = folder / "x.log"
    path.write_text(text)
    return path


def way(explanation: Explanation) -> list[tuple[str, str, list[str]]]:
    return [(step.node, step.line, [line for _, line in step.emitted]) for step in explanation.steps]


def test_each_step_has_what_the_node_received_and_emitted(tmp_path: Path) -> None:
    path = put(tmp_path, "b\nca\n")
    explanation = explained(plan_of(PATTERNED), path, 2)
    assert (explanation.file, explanation.line_no, explanation.line) == ("x.log", 2, "ca")
    assert way(explanation) == [
        ("start", "ca", ["ca"]),
        ("up", "ca", ["CA"]),
        ("end", "CA", []),
        ("drop", "CA", []),
    ]
    assert way(explained(plan_of(PATTERNED), path, 1)) == [("start", "b", [])]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.log"], "nothing is written"


def test_the_lines_before_run_first_where_a_node_remembers_them(tmp_path: Path) -> None:
    path = put(tmp_path, "a\n" * 5000)
    assert way(explained(plan_of(NUMBERED), path, 4321))[0] == ("start", "a", ["4321 a"])


def test_the_lines_before_are_not_run_where_no_node_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    feed = Interpreter.begin_piece

    def note(run: Interpreter, block: Block | Overlong) -> None:
        fed.append(first_line_no(block))
        feed(run, block)

    monkeypatch.setattr(Interpreter, "begin_piece", note)
    explained(plan_of(PATTERNED), put(tmp_path, "a\n" * 5000), 4000)
    assert fed == [4000]


def test_why_a_line_failed_is_told_and_lines_before_that_fail_do_not_matter(tmp_path: Path) -> None:
    nodes = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]
    path = put(tmp_path, "bad\na\nbad\n")
    for on_error, fate in (("fail", "failed"), ("reject", "rejected"), ("skip", "skipped")):
        plan = plan_of(nodes, on_error=on_error)
        [step] = explained(plan, path, 3).steps
        assert step.failure.startswith(f"{fate}: ")
        assert [step.node for step in explained(plan, path, 2).steps] == ["start", "end"]


@pytest.mark.parametrize(
    ("records", "text", "line_no", "wanted"),
    [
        ({"starts": "^A"}, "A1\n x\n y\nA2\n", 3, "A1\n x\n y"),
        ({"starts": "^A"}, "A1\n x\n y\nA2\n", 4, "A2"),
        ({"separator": ";"}, "a;b\nc;d", 2, "b\nc"),
        ("csv", 'a,"b\nc"\nd\n', 2, 'a,"b\nc"'),
    ],
)
def test_a_line_within_a_record_stands_for_that_record(
    records: Any, text: str, line_no: int, wanted: str, tmp_path: Path
) -> None:
    plan = plan_of(NUMBERED, input={"records": records})
    assert explained(plan, put(tmp_path, text), line_no).line == wanted


def test_a_line_that_is_not_there_is_an_error_that_says_how_many_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x.log has no line 3, only 2 lines"):
        explained(plan_of(NUMBERED), put(tmp_path, "a\nb"), 3)
    with pytest.raises(InputError, match=r"has no line 1, only 0 lines"):
        explained(plan_of(NUMBERED), put(tmp_path, ""), 1)


def test_a_line_that_is_too_long_is_told_as_such(tmp_path: Path) -> None:
    plan = plan_of(NUMBERED, limits={"max_line_bytes": 10})
    [step] = explained(plan, put(tmp_path, "a\n" + "x" * 100 + "\nb\n"), 2).steps
    assert "longer than limits.max_line_bytes" in step.failure


def test_lines_before_that_take_too_long_are_given_up(tmp_path: Path) -> None:
    seconds = iter(range(100))
    with pytest.raises(ExplainTimeoutError, match=r"the lines before line 5000 take longer than 2 s"):
        explained(
            plan_of(NUMBERED), put(tmp_path, "a\n" * 6000), 5000, seconds=2, monotonic=lambda: next(seconds)
        )


@given(lines=st.lists(st.text("ab;\r", max_size=3), min_size=1, max_size=30), wanted=st.integers(0, 29))
def test_what_is_told_of_a_line_is_what_a_run_makes_of_it(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], wanted: int
) -> None:
    wanted %= len(lines)
    folder = tmp_path_factory.mktemp("explained")
    text = "\n".join(lines) + "\n"
    assume(not text.startswith("\n\r\r\n"))  # as a packet capture begins, which is no text
    plan = plan_of(NUMBERED)
    results, _, _, _ = Job(str(folder), plan, "in.log", text.encode()).run()
    told = way(explained(plan, put(folder, text), wanted + 1))[0][2]
    assert told == [results["in.log"].decode().split("\n")[wanted]]
