"""Which traces are kept, of which files, and which go first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fproc.base.text import LINE_CHARACTERS, excerpt
from fproc.pipeline.tracing.trace import Trace
from fproc.telemetry.traces import MOST_OF_FILE, Traces


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
