"""Traces: what is kept of them, and what the runs of a worker show of their lines."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fproc.base.text import LINE_CHARACTERS, excerpt
from fproc.config.keys import parse_config
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.plan import Plan
from fproc.pipeline.tracing.trace import Trace
from fproc.run import attempt
from fproc.run.attempt import Outcome, RunContext
from fproc.run.failures import MOST_NOTED
from fproc.run.figures import Figures
from fproc.run.helpers import Helpers
from fproc.run.inputs import open_input
from fproc.run.run import run_input
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.output.parts import Staging
from fproc.spool.spool import Spool
from fproc.telemetry import sampler
from fproc.telemetry.printer import Tracer
from fproc.telemetry.sampler import EACH_SECONDS, MOST_LOST, MOST_STEPS, TraceSampler
from fproc.telemetry.traces import MOST_OF_FILE, Traces
from fproc.watch.messages import Setup, Task, Why
from fproc.watch.pool import Pool
from tests.support.helpers import plan_of, user
from tests.support.programs.running import wait_until


def trace(line_no: int = 1, line: str = "a", outcome: str = "written") -> Trace:
    return Trace(line_no, line, [("start", "start", line)], outcome)


def found(traces: Traces, file: str = "", limit: int = 1000) -> list[tuple[str, int | None]]:
    return [(name, one.line_no) for name, one in traces.find(file=file, limit=limit)]


def test_traces_come_newest_first_of_all_files_or_of_one() -> None:
    traces = Traces()
    traces.add("a", [trace(1), trace(2)])
    traces.add("b", [trace(1)])
    traces.add("a", [trace(3)])
    assert found(traces) == [("a", 3), ("b", 1), ("a", 2), ("a", 1)]
    assert found(traces, "a") == [("a", 3), ("a", 2), ("a", 1)]
    assert found(traces, limit=2) == [("a", 3), ("b", 1)]
    assert found(traces, "a", 1) == [("a", 3)]
    assert found(traces, "c") == found(traces, limit=0) == []


def test_a_file_with_many_traces_pushes_out_only_its_own() -> None:
    traces = Traces()
    traces.add("quiet", [trace(1)])
    traces.add("loud", [trace(number) for number in range(10 * MOST_OF_FILE)])
    assert found(traces, "quiet") == [("quiet", 1)]
    assert found(traces, "loud")[0] == ("loud", 10 * MOST_OF_FILE - 1)
    assert len(found(traces)) == MOST_OF_FILE + 1


def test_the_oldest_of_all_go_when_there_are_too_many_or_they_take_too_much() -> None:
    traces = Traces(most=3)
    for number in range(5):
        traces.add(f"f{number}", [trace(number)])
    assert found(traces) == [("f4", 4), ("f3", 3), ("f2", 2)]
    assert found(traces, "f1") == []
    large = trace(1, "x" * 1000)
    traces = Traces(most_characters=large.characters * 2)
    for number in range(5):
        traces.add(f"f{number}", [trace(number, "x" * 1000)])
    assert found(traces) == [("f4", 4), ("f3", 3)]


def test_a_line_that_failed_is_still_there_when_very_many_others_went_well() -> None:
    traces = Traces(most=3, most_of_file=2)
    traces.add("bad", [trace(1), trace(2, outcome="failed: no"), trace(3, outcome="rejected: no")])
    for number in range(50):
        traces.add(f"f{number}", [trace(number)])
    traces.add("bad", [trace(4, outcome="written")])
    assert found(traces) == [("bad", 4), ("f49", 49), ("f48", 48), ("bad", 3), ("bad", 2)]
    assert found(traces, "bad") == [("bad", 4), ("bad", 3), ("bad", 2)]
    assert found(traces, limit=4) == [("bad", 4), ("f49", 49), ("f48", 48), ("bad", 3)]


def test_a_trace_that_alone_takes_too_much_is_not_kept() -> None:
    traces = Traces(most_characters=10)
    traces.add("a", [trace()])
    assert found(traces) == []


def test_what_is_being_worked_on_is_shown_first_and_gives_way_to_what_the_run_reports() -> None:
    traces = Traces()
    traces.add("old", [trace(9)])
    traces.set_running({"a": [trace(1), trace(2)], "b": ()})
    assert found(traces) == [("a", 2), ("a", 1), ("old", 9)]
    traces.set_running({"a": [trace(1), trace(2), trace(3)]})
    assert found(traces, "a") == [("a", 3), ("a", 2), ("a", 1)]
    traces.add("a", [trace(1), trace(2), trace(3)])
    assert found(traces) == [("a", 3), ("a", 2), ("a", 1), ("old", 9)]


def test_what_was_known_of_a_file_stays_when_its_worker_dies() -> None:
    traces = Traces()
    traces.set_running({"a": [trace(1)]})
    traces.keep("a")
    traces.set_running({})
    assert found(traces) == [("a", 1)]


def test_threads_may_add_and_look_at_once() -> None:
    traces = Traces(most=100)
    with ThreadPoolExecutor(4) as pool:
        looks = pool.map(lambda _: len(traces.find(limit=1000)), range(300))
        adds = pool.map(lambda n: traces.add(f"f{n % 7}", [trace(n)] * 3), range(300))
        assert max(looks) <= 100
        assert list(adds) == [None] * 300
    assert len(traces.find(limit=1000)) == 100
    assert sum(len(traces.find(file=f"f{n}", limit=1000)) for n in range(7)) == 100


def test_a_long_line_is_cut_and_says_so() -> None:
    assert excerpt("x" * LINE_CHARACTERS) == "x" * LINE_CHARACTERS
    assert excerpt("x" * 5000) == "x" * LINE_CHARACTERS + " ... (cut, 5000 characters)"


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Bench:
    """A spool and a recorder, and files that are run there one after the other."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.recorders: dict[int, TraceSampler] = {}
        self.runs = 0

    def run(
        self, plan: Plan, *lines: str | bytes, recorder: TraceSampler | None = None, retries: bool = False
    ) -> Outcome:
        self.runs += 1
        spool = Spool(plan.config, disk=Disk(power=False))
        raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
        name = f"{self.runs}.log"
        Path(spool.folders.unprocessed, name).write_bytes(b"".join(line + b"\n" for line in raw))
        claim = spool.claim(name)
        assert claim is not None
        recorder = recorder or self.recorders.setdefault(id(plan), TraceSampler(plan, monotonic=self.clock))
        return attempt.process_claim(claim, plan, RunContext(observer=recorder))

    def plan(self, *nodes: dict[str, Any], **config: Any) -> Plan:
        keys = {"watch_dir": str(self.folder / "w"), "intake": {"ready": "rename"}, "durability": "process"}
        return plan_of(nodes, **keys, **config)

    def traces(self, plan: Plan, *lines: str | bytes) -> list[Trace]:
        """The traces of one more file."""
        traces: list[Trace] = pickle.loads(pickle.dumps(list(self.run(plan, *lines).figures.traces)))
        return traces


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Clock())


def plain(traces: list[Trace]) -> list[tuple[Any, ...]]:
    return [(one.line_no, one.line, tuple(one.path), one.outcome) for one in traces]


SIEVE = {"tag": "start", "type": "drop_matching", "config": {"pattern": "no"}, "next": "up"}
UP = {"tag": "up", "type": "uppercase", "next": "end"}


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
    results = [Path(plan.config.results_dir, *outcome.results).read_bytes() for outcome in (first, second)]
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


FIELDS = {
    "tag": "start",
    "type": "fields",
    "config": {"template": "{2}", "otherwise": "reject"},
    "next": "end",
}


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
    result = Path(plan.config.results_dir, *outcome.results).read_text()
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
    assert outcome.fate is (Verdict.FAIL if on_error == "fail" else Verdict.COMMIT)
    assert noted.reason in outcome.error or on_error != "fail"


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


def test_a_tracer_prints_what_became_of_a_line_that_failed(
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


def test_what_is_known_between_two_lines_is_told_meanwhile(bench: Bench) -> None:
    plan = bench.plan(SIEVE, UP)
    told: list[int] = []
    watching = TraceSampler(plan)
    path = bench.folder / "in.log"
    path.write_bytes(b"a\n" * 5000)
    given = open_input(str(path), in_spool=True)
    output = Staging(Disk(power=False), lambda: str(bench.folder), "p-")
    try:
        run_input(
            plan, given, output, Figures(), reject=print, observer=watching,
            progress=lambda _position, _lines, _rejected, _skipped: told.append(len(watching.so_far())),
        )  # fmt: skip
    finally:
        given.close()
        output.close()
    assert set(told) == {3}
    assert watching.so_far() == ()


def test_the_first_lines_of_a_file_that_several_processes_do_are_traced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fproc.run.run.LEAST_BYTES", 0)
    monkeypatch.setattr("fproc.run.chunks.CHUNK_BYTES", 40)
    plan = bench.plan(SIEVE, FIELDS | {"tag": "up"}, on_error="reject")
    lines = ["a b" if number % 5 else "short" for number in range(200)]
    alone = bench.run(plan, *lines)
    begun: list[int] = []
    work = Helpers.work

    def noted(self: Helpers, begin: int, size_bytes: int) -> Any:
        begun.append(begin)
        return work(self, begin, size_bytes)

    monkeypatch.setattr(Helpers, "work", noted)
    name = "shared.log"
    spool = Spool(plan.config, disk=Disk(power=False))
    Path(spool.folders.unprocessed, name).write_text("".join(f"{line}\n" for line in lines))
    claim = spool.claim(name)
    assert claim is not None
    shared = attempt.process_claim(claim, plan, RunContext(observer=TraceSampler(plan), helpers=1))
    assert begun == [len("short\na b\na b\n")]
    assert plain(list(shared.figures.traces))[:3] == plain(list(alone.figures.traces))[:3]
    assert shared.figures.line_errors == alone.figures.line_errors
    assert [one.line_no for one in shared.figures.line_errors] == [*range(1, 5 * MOST_NOTED, 5)]
    results = [
        Path(plan.config.results_dir, *outcome.results[:1]).read_bytes() for outcome in (alone, shared)
    ]
    assert results[0] == results[1]


SLOW = """
import os, time
def step(line):
    if not os.path.exists("go"):
        time.sleep(0.01)
    if line == "bad":
        raise ValueError("bad line")
    return line
"""


def test_a_worker_tells_of_traces_while_a_file_is_worked_on_and_of_all_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_slow.py").write_text(SLOW)
    node = {"tag": "start", "type": "own_slow.step", "next": "end"}
    value = {"nodes": [node], "on_error": "skip", "durability": "process", "intake": {"ready": "rename"}}
    config, problems = parse_config(value, folder=str(tmp_path))
    assert config
    assert not problems
    spool = Spool(config)
    lines = ["a", "bad", *["slow until it may go"] * 2998, "bad", "b"]
    Path(spool.folders.unprocessed, "x.log").write_text("".join(f"{line}\n" for line in lines))
    pool = Pool(Setup(config, nothing, nothing, [str(tmp_path), *sys.path]), 1)
    reports: list[Any] = []

    def has_reported() -> bool:
        reports.extend(pool.collect())
        return bool(reports)

    try:
        pool.submit(Task("x.log", Why.NEW))
        wait_until(lambda: has_reported() or bool(pool.running()["x.log"].traces))
        shown = plain(list(pool.running()["x.log"].traces))
        Path("go").touch()
        wait_until(has_reported)
    finally:
        pool.stop()
    figures = reports[0].value.figures
    assert [(one.line_no, one.outcome.partition(" (")[0]) for one in figures.traces] == [
        (1, "written"),
        (2, "skipped: ValueError: bad line"),
        (3, "written"),
        (3001, "skipped: ValueError: bad line"),
    ]
    assert shown == plain(list(figures.traces))[:3]
    assert [error.line_no for error in figures.line_errors] == [2, 3001]


def nothing() -> None:
    """Sets up no log, and makes no tracer."""
