"""What the runs of a worker show of their lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fproc.base.text import excerpt
from fproc.pipeline.failures import LineFailure
from fproc.run.failures import MOST_NOTED
from fproc.run.verdict import Verdict
from fproc.telemetry import sampler
from fproc.telemetry.printer import Tracer
from fproc.telemetry.sampler import EACH_SECONDS, MOST_LOST, MOST_STEPS, TraceSampler
from fproc.telemetry.traces import MOST_OF_FILE
from tests.support.helpers import user
from tests.support.traced import FIELDS, SIEVE, UP, Bench, plain


def test_the_first_lines_of_a_file_are_traced_to_their_ends(bench: Bench) -> None:
    traces = bench.traces(bench.plan(SIEVE, UP), "yes", "no", "so", "last")
    assert plain(traces) == [
        (1, "yes", (("start", "start", "yes"), ("up", "start", "yes"), ("end", "start", "YES")), "written"),
        (2, "no", (("start", "start", "no"),), "dropped"),
        (3, "so", (("start", "start", "so"), ("up", "start", "so"), ("end", "start", "SO")), "written"),
    ]  # fmt: skip


def test_files_are_traced_no_more_often_than_once_in_a_while(bench: Bench) -> None:
    plan = bench.plan(SIEVE, UP)
    assert len(bench.traces(plan, "a", "b")) == 2
    assert bench.traces(plan, "a", "b") == []
    bench.clock.seconds += EACH_SECONDS
    assert len(bench.traces(plan, "a", "b")) == 2


def test_a_node_that_may_remember_a_line_keeps_it_and_gives_it_at_the_end(bench: Bench) -> None:
    plan = bench.plan(
        {"tag": "start", "type": "join", "config": {"lines": 2, "separator": "+"}, "next": "end"}
    )
    assert plain(bench.traces(plan, "a", "b", "c")) == [
        (1, "a", (("start", "start", "a"),), "kept"),
        (2, "b", (("start", "start", "b"), ("end", "start", "a+b")), "written"),
        (3, "c", (("start", "start", "c"),), "kept"),
        (None, "", (("end", "start", "c"),), "written"),
    ]


def test_a_line_that_goes_several_ways_has_one_trace_with_what_weighs_most(bench: Bench) -> None:
    plan = bench.plan(
        {"tag": "start", "type": "trim", "next": ["drop", "end", "bad"]},
        {"tag": "bad", "type": user("reject_bad"), "next": "drop"},
    )
    traces = bench.traces(plan, "good", "bad")
    assert [one.outcome for one in traces] == ["written", "rejected: no such account"]
    assert [step[0] for step in traces[1].path] == ["start", "drop", "end", "bad"]


@pytest.mark.parametrize("kind", ["pairs", "numbered_stream"])
def test_streams_are_traced_and_give_what_they_give_else(bench: Bench, kind: str) -> None:
    plan = bench.plan({"tag": "start", "type": user(kind), "stream": True, "next": "end"})
    lines = [str(number) for number in range(10)]
    first = bench.run(plan, *lines)
    second = bench.run(plan, *lines)
    results = [
        Path(plan.config.results_dir, *outcome.event.results).read_bytes() for outcome in (first, second)
    ]
    assert results[0] == results[1]
    assert (len(first.figures.traces), second.figures.traces) == (3 + (kind != "pairs"), ())


def test_lines_of_any_bytes_and_any_length_are_traced(bench: Bench) -> None:
    (one, two) = bench.traces(bench.plan(UP | {"tag": "start"}), b"\xff\x00\xed\xa0\x80", b"x" * 100_000)
    assert one.line.encode("utf-8", "surrogateescape") == b"\xff\x00\xed\xa0\x80"
    assert two.line == excerpt("x" * 100_000)
    assert two.path[1][2] == excerpt("X" * 100_000)


def test_the_steps_of_a_line_are_bounded_and_its_outcome_is_still_known(bench: Bench) -> None:
    plan = bench.plan(
        {"tag": "start", "type": user("twice"), "next": {"start": ["a"] * 30}}, UP | {"tag": "a"}
    )
    (one,) = bench.traces(plan, "x")
    assert (len(one.path), one.outcome) == (MOST_STEPS, "written")


def test_a_rejected_line_is_traced_wherever_it_stands_and_noted(bench: Bench) -> None:
    plan = bench.plan({"tag": "start", "type": "trim", "next": "two"}, FIELDS | {"tag": "two"})
    outcome = bench.run(plan, *["a b"] * 8, " short ", "a b")
    (noted,) = outcome.figures.line_errors
    assert noted == LineFailure("rejected", "two", 9, 32, "short", "start", " short ", noted.reason)
    assert "field" in noted.reason
    assert plain(list(outcome.figures.traces))[-1] == (
        9,
        " short ",
        (("start", "start", " short "), ("two", "start", "short")),
        f"rejected: {noted.reason}",
    )


def test_users_processors_are_not_called_again_for_a_trace(bench: Bench) -> None:
    plan = bench.plan(
        {"tag": "start", "type": user("shout"), "next": "bad"},
        {"tag": "bad", "type": user("Numbered"), "next": "worse"},
        FIELDS | {"tag": "worse", "config": {"template": "{3}", "otherwise": "reject"}},
    )
    outcome = bench.run(plan, *["a b"] * 8, "short", "a b")
    assert plain(list(outcome.figures.traces))[-1][:3] == (9, "short", (("worse", "start", "9 SHORT!"),))
    result = Path(plan.config.results_dir, *outcome.event.results).read_text()
    assert result == "B!\n" * 9


@pytest.mark.parametrize("on_error", ["fail", "skip", "reject"])
@pytest.mark.parametrize("is_traced", [False, True])
def test_a_line_that_fails_tells_of_itself_in_the_same_words(
    bench: Bench, on_error: str, *, is_traced: bool
) -> None:
    plan = bench.plan({"tag": "start", "type": user("fail_on_bad"), "next": "end"}, on_error=on_error)
    if not is_traced:
        bench.run(plan, "first")
    outcome = bench.run(plan, "a", "bad", "c", "d")
    fate = {"fail": "failed", "skip": "skipped", "reject": "rejected"}[on_error]
    (noted,) = outcome.figures.line_errors
    assert (noted.fate, noted.node, noted.line_no, noted.given) == (fate, "start", 2, "bad")
    (told,) = [one for one in outcome.figures.traces if one.line_no == 2]
    assert (told.line, told.outcome) == ("bad", f"{fate}: {noted.reason}")
    assert [(node, line) for node, _, line in told.path] == [("start", "bad")]
    assert outcome.verdict is (Verdict.FAIL if on_error == "fail" else Verdict.COMMIT)
    assert noted.reason in outcome.event.error or on_error != "fail"


def test_only_the_first_lines_that_fail_are_kept_and_the_one_that_ended_the_run(bench: Bench) -> None:
    plan = bench.plan(
        {"tag": "start", "type": user("reject_bad"), "next": "fail"},
        {"tag": "fail", "type": user("fail_on_bad"), "config": {}, "next": "end"},
        on_error="fail",
    )
    bench.run(plan, "first")
    outcome = bench.run(plan, *["bad"] * 100)
    assert len(outcome.figures.line_errors) == MOST_NOTED
    assert [one.line_no for one in outcome.figures.traces] == [*range(1, MOST_LOST + 1)]


def test_the_line_that_ends_a_run_is_kept_after_any_number_of_others(bench: Bench) -> None:
    plan = bench.plan(
        {
            "tag": "start",
            "type": "tag_prefix",
            "config": {"separator": " "},
            "next": {"r": "two", "f": "end"},
        },
        FIELDS | {"tag": "two"},
    )
    bench.run(plan, "f 1")
    outcome = bench.run(plan, *["r short"] * 100, "unknown tag")
    last = outcome.figures.line_errors[-1]
    assert (len(outcome.figures.line_errors), last.fate, last.line_no) == (MOST_NOTED + 1, "failed", 101)
    assert len(outcome.figures.traces) == MOST_LOST + 1
    assert (outcome.figures.traces[-1].line_no, outcome.figures.traces[-1].outcome[:7]) == (101, "failed:")


def test_a_line_over_the_limit_is_traced_with_what_was_kept_of_it(bench: Bench) -> None:
    plan = bench.plan(UP | {"tag": "start"}, on_error="reject", limits={"max_line_bytes": 10})
    traces = bench.traces(plan, "a", "x" * 50, "b")
    assert [(one.line_no, one.line, one.outcome[:9]) for one in traces] == [
        (1, "a", "written"),
        (2, "x" * 10, "rejected:"),
        (3, "b", "written"),
    ]


def test_what_fails_at_the_end_of_a_file_has_no_line_number(bench: Bench) -> None:
    plan = bench.plan({"tag": "start", "type": user("FailsToFinish"), "next": "end"})
    for _ in range(2):
        outcome = bench.run(plan, "a")
        (noted,) = outcome.figures.line_errors
        assert (noted.fate, noted.line_no, noted.given) == ("failed", None, None)
        last = outcome.figures.traces[-1]
        assert (last.line_no, last.outcome) == (None, f"failed: {noted.reason}")
        bench.clock.seconds += EACH_SECONDS / 2


def test_a_processor_that_cannot_be_made_is_noted(bench: Bench) -> None:
    plan = bench.plan({"tag": "start", "type": user("FailsToStart"), "next": "end"})
    (noted,) = bench.run(plan, "a").figures.line_errors
    assert (noted.fate, noted.node, noted.line_no) == ("failed", "start", None)


def test_with_a_tracer_all_lines_are_told_and_the_last_traces_kept(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = bench.plan(SIEVE, UP)
    both = TraceSampler(plan, Tracer(sys.stderr), monotonic=bench.clock)
    for _ in range(2):
        outcome = bench.run(plan, *[str(number) for number in range(200)], recorder=both)
        assert [one.line_no for one in outcome.figures.traces] == [*range(201 - MOST_OF_FILE, 201)]
    printed = capsys.readouterr().err
    assert printed.count("start -> up -> end") == 400
    assert "1.log:200  start -> up -> end" in printed


def test_a_tracer_prints_the_path_of_a_line_that_failed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = bench.plan(FIELDS)
    bench.run(plan, "short", recorder=TraceSampler(plan, Tracer(sys.stderr)))
    printed = capsys.readouterr().err.splitlines()
    assert printed[:2] == ["1.log:1  start", "    start: [start] short"]
    assert printed[2].startswith("        -> rejected: ")


def test_all_traces_of_a_file_together_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "MOST_CHARACTERS", 3000)
    for length, line_nos in ((200, [1, 2, 3]), (300, [2, 3]), (800, [])):
        traces = bench.traces(bench.plan(SIEVE, UP), *["x" * length] * 10)
        assert [one.line_no for one in traces] == line_nos
