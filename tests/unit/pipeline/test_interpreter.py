"""The routing semantics of the contract, case by case."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.failures import RecordError
from fproc.pipeline.records import Block, Overlong
from tests.support.helpers import SOURCE, Memory, Notes, plan_of, run_bytes, run_lines, stop, user

TAG_BY_LENGTH = {"tag": "start", "type": user("by_length")}


def write(tag: str, file: str) -> dict[str, Any]:
    return {"tag": tag, "type": "write", "config": {"file": file}}


def test_a_single_next_takes_every_record_whatever_its_tag() -> None:
    plan = plan_of([{**TAG_BY_LENGTH, "next": "end"}])
    assert run_lines(plan, "a", "bb", "ccc") == {"in.log": ["a", "bb", "ccc"]}


def test_a_list_sends_each_record_to_all_its_nodes_in_turn() -> None:
    plan = plan_of([{**TAG_BY_LENGTH, "next": ["one", "two", "one"]}, write("one", "1"), write("two", "2")])
    assert run_lines(plan, "a", "b") == {"1": ["a", "a", "b", "b"], "2": ["a", "b"]}


def test_a_map_routes_by_tag_and_its_star_takes_the_rest() -> None:
    plan = plan_of(
        [
            {**TAG_BY_LENGTH, "next": {"t1": "one", "*": ["rest", "end"]}},
            write("one", "1"),
            write("rest", "r"),
        ]
    )
    assert run_lines(plan, "a", "bb", "dddd", "ccc") == {
        "1": ["a", "dddd"],
        "r": ["bb", "ccc"],
        "in.log": ["bb", "ccc"],
    }


def test_without_next_a_record_goes_to_the_node_named_by_its_tag() -> None:
    plan = plan_of([TAG_BY_LENGTH, write("t0", "0"), write("t1", "1"), write("t2", "2")])
    assert run_lines(plan, "a", "bb", "ccc", "dddd") == {"1": ["a", "dddd"], "2": ["bb"], "0": ["ccc"]}


def test_end_and_drop_can_be_tags_of_records_without_next() -> None:
    plan = plan_of(
        [{"tag": "start", "type": "tag_field", "config": {"field": 1, "tags": {"k": "end", "d": "drop"}}}]
    )
    output, run = run_bytes(plan, b"k 1\nd 2\nk 3\n")
    assert output.results == {"in.log": ["k 1", "k 3"]}
    assert run.counts["drop"].received == 1


def test_several_nodes_feed_one_sink_in_input_order() -> None:
    plan = plan_of(
        [
            {**TAG_BY_LENGTH, "next": {"t1": "loud", "*": "plain"}},
            {"tag": "loud", "type": "uppercase", "next": "all"},
            {"tag": "plain", "type": "trim", "next": "all"},
            write("all", "all"),
        ]
    )
    assert run_lines(plan, "a", "bb", "cccc", "dd") == {"all": ["A", "bb", "CCCC", "dd"]}


def test_what_one_record_becomes_is_pushed_through_before_the_next_record() -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": "split", "config": {"separator": ","}, "next": ["number", "end"]},
            {"tag": "number", "type": user("Numbered"), "next": "end"},
        ]
    )
    assert run_lines(plan, "a,b", "c") == {"in.log": ["1 a", "a", "2 b", "b", "3 c", "c"]}


def test_a_tag_survives_nodes_that_only_change_the_line() -> None:
    plan = plan_of(
        [
            {**TAG_BY_LENGTH, "next": "up"},
            {"tag": "up", "type": "uppercase", "next": "out"},
            write("out", "{tag}.log"),
        ]
    )
    assert run_lines(plan, "a", "bb") == {"t1.log": ["A"], "t2.log": ["BB"]}


def test_lines_enter_with_the_entry_node_s_name_as_their_tag() -> None:
    plan = plan_of([{"tag": "start", "type": "uppercase", "next": "out"}, write("out", "{tag}")])
    assert run_lines(plan, "a") == {"start": ["A"]}


def test_a_cycle_is_left_when_the_tag_says_so() -> None:
    plan = plan_of([{"tag": "start", "type": user("countdown"), "next": {"again": "start", "done": "end"}}])
    assert run_lines(plan, "3x", "0y", "1z") == {"in.log": ["0x", "0y", "0z"]}


@pytest.mark.parametrize(("hops", "passes"), [(4, False), (5, True)])
def test_a_record_may_go_through_exactly_max_hops_nodes(hops: int, *, passes: bool) -> None:
    nodes = [{"tag": "start", "type": user("countdown"), "next": {"again": "start", "done": "end"}}]
    plan = plan_of(nodes, limits={"max_hops": hops})
    if passes:
        assert run_lines(plan, "3x") == {"in.log": ["0x"]}
    else:
        with pytest.raises(RecordError, match=r"line 1, node 'end': .*more than 4 nodes.*cycle"):
            run_lines(plan, "3x")


def test_an_endless_cycle_is_an_error_of_its_record_however_deep_it_may_go() -> None:
    nodes = [{"tag": "start", "type": "uppercase", "next": "start"}]
    with pytest.raises(RecordError, match="more than 100000 nodes"):
        run_lines(plan_of(nodes, limits={"max_hops": 100_000}), "a")


def test_a_tag_without_a_route_is_an_error_and_never_a_silent_drop() -> None:
    plan = plan_of([{**TAG_BY_LENGTH, "next": {"t1": "end"}}])
    with pytest.raises(RecordError) as caught:
        run_lines(plan, "a", "bb")
    assert str(caught.value) == (
        "line 2, node 'start': no route for the tag 't2'; add it, or '*', to the node's next"
    )
    failure = caught.value.failure
    assert (failure.node, failure.line_no, failure.given) == ("start", 2, "bb")


def test_a_line_that_ends_with_a_line_ending_is_refused() -> None:
    plan = plan_of([{"tag": "start", "type": user("yields_line_ending"), "next": "end"}])
    with pytest.raises(
        RecordError, match="line 1, node 'start': emitted a line that ends with a line ending"
    ):
        run_lines(plan, "a")


def test_a_record_that_failed_is_left_out_and_the_others_go_on() -> None:
    plan = plan_of([{"tag": "start", "type": user("fail_on_bad"), "next": "end"}])
    output, errors = Memory(), list[RecordError]()
    run = plan.run(SOURCE, output, entry="start", on_error=errors.append)
    run.feed(Block(["good", "bad", "fine"], 1, 0, b""))
    run.finish()
    assert output.results == {"in.log": ["good", "fine"]}
    [failure] = [error.failure for error in errors]
    assert (failure.line_no, failure.line, failure.tag) == (2, "bad", "start")
    assert re.fullmatch(r"ValueError: cannot digest 'bad' \(user_processors.py:\d+\)", failure.reason)
    assert run.counts["start"].failed == 1


def test_a_failing_record_leaves_nothing_of_what_its_node_had_yielded() -> None:
    plan = plan_of([{"tag": "start", "type": user("halves"), "next": {"left": "end"}}])
    output = Memory()
    run = plan.run(SOURCE, output, entry="start", on_error=lambda _error: None)
    run.feed(Block(["abcd"], 1, 0, b""))
    assert output.results == {}


def test_nodes_finish_upstream_first_so_that_nothing_comes_too_late() -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": user("LastOnes"), "next": "sum"},
            {"tag": "total", "type": "count", "config": {"total": True}, "next": "end"},
            {"tag": "sum", "type": user("Summed"), "next": ["total", "end"]},
        ]
    )
    assert run_lines(plan, "a", "bb", "ccc") == {"in.log": ["bb", "ccc", "5", "3"]}


def test_a_record_that_comes_back_to_a_finished_node_is_an_error() -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": user("LastOnes"), "next": "echo"},
            {"tag": "echo", "type": user("twice"), "next": "start"},
        ]
    )
    with pytest.raises(RecordError, match=r"node 'start': the record came back .* already finishing"):
        run_lines(plan, "a")


def test_an_untagged_line_from_finish_carries_the_node_s_own_tag() -> None:
    plan = plan_of([{"tag": "start", "type": user("LastOnes"), "next": "out"}, write("out", "{tag}")])
    assert run_lines(plan, "a") == {"start": ["a"]}


def test_an_error_in_finish_names_the_node_and_no_line() -> None:
    plan = plan_of([{"tag": "start", "type": user("FailsToFinish"), "next": "end"}])
    with pytest.raises(RecordError) as caught:
        run_lines(plan, "a")
    assert caught.value.failure.line_no is None
    assert str(caught.value).startswith("node 'start': RuntimeError: no end (user_processors.py:")


def test_a_processor_that_cannot_start_fails_the_file_and_closes_the_others() -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": user("pairs"), "stream": True, "next": "second"},
            {"tag": "second", "type": user("FailsToStart"), "next": "end"},
        ]
    )
    with pytest.raises(RecordError, match="node 'second': RuntimeError: no licence"):
        run_lines(plan, "a")


def test_leaving_the_interpreter_is_an_error_of_the_record_not_the_end_of_fproc() -> None:
    plan = plan_of([{"tag": "start", "type": user("leave"), "next": "end"}])
    with pytest.raises(RecordError, match="node 'start': SystemExit: gone"):
        run_lines(plan, "a")


def test_each_file_gets_fresh_state() -> None:
    plan = plan_of([{"tag": "start", "type": user("Numbered"), "next": "end"}])
    assert run_lines(plan, "a") == run_lines(plan, "a") == {"in.log": ["1 a"]}


def test_a_line_over_the_limit_is_an_error_that_shows_its_beginning() -> None:
    plan = plan_of([{"tag": "start", "type": "trim", "next": "end"}], limits={"max_line_bytes": 5})
    with pytest.raises(RecordError) as caught:
        run_lines(plan, "short", "too long")
    assert str(caught.value) == "line 2, node 'start': the line is longer than limits.max_line_bytes"
    assert caught.value.failure.given == "too l"


def test_an_empty_file_creates_no_result_and_a_sink_without_lines_none_either() -> None:
    plan = plan_of([{**TAG_BY_LENGTH, "next": {"t1": "end", "*": "other"}}, write("other", "other")])
    assert run_lines(plan) == {}
    assert run_lines(plan, "a") == {"in.log": ["a"]}


def test_counts_and_edges_tell_what_came_and_went() -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": user("twice"), "next": ["up", "end"]},
            {"tag": "up", "type": "uppercase", "next": "drop"},
        ]
    )
    _, run = run_bytes(plan, b"a\nb\n")
    assert {name: (counts.received, counts.emitted) for name, counts in run.counts.items()} == {
        "start": (2, 4),
        "up": (4, 4),
        "end": (4, 0),
        "drop": (4, 0),
    }
    assert run.edges == {("start", "up"): 4, ("start", "end"): 4, ("up", "drop"): 4}
    assert run.lines_in == 2


def test_an_observer_is_told_of_each_step_in_order() -> None:
    plan = plan_of([{"tag": "start", "type": "uppercase", "next": ["end", "drop"]}])
    notes = Notes()
    run = plan.run(SOURCE, Memory(), entry="start", on_error=stop, observer=notes)
    run.feed(Block(["a"], 7, 0, b""))
    run.finish()
    assert notes.notes == [
        (7, "a"),
        (1, "start", "start", "a", [("start", "A")]),
        (2, "end", "start", "A", []),
        (2, "drop", "start", "A", []),
        (None, ""),
    ]


@pytest.mark.parametrize("block_lines", [1, 2, 5])
@pytest.mark.parametrize("next_of_b", ["end", ["end", "start"]], ids=["compiled", "interpreted"])
def test_an_observer_may_be_told_of_the_first_lines_and_of_the_end_only(
    block_lines: int, next_of_b: str | list[str]
) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "drop_matching", "config": {"pattern": "[+!]"}, "next": ["b", "c"]},
        {"tag": "b", "type": user("shout"), "next": next_of_b},
        {"tag": "c", "type": user("pairs"), "stream": True, "next": "end"},
    ]
    notes = Notes(first_lines=2)
    run = plan_of(nodes).run(SOURCE, Memory(), entry="start", on_error=stop, observer=notes)
    assert isinstance(run, CompiledRun) == (next_of_b == "end")
    lines = ["a", "b", "c", "d", "e"]
    for start in range(0, 5, block_lines):
        run.feed(Block(lines[start : start + block_lines], start + 1, 0, b""))
    run.finish()
    assert [note for note in notes.notes if len(note) == 2] == [(1, "a"), (2, "b"), (None, "")]
    given_to_c = [note[3:] for note in notes.notes if note[1] == "c"]
    assert given_to_c == [("a", []), ("b", [("start", "a+b")])]
    assert notes.notes[-1][1:4] == ("end", "start", "e")


def test_an_observer_is_told_with_which_record_a_node_failed() -> None:
    plan = plan_of(
        [{"tag": "start", "type": "tag_prefix", "config": {"separator": " "}, "next": {"a": "end"}}]
    )
    notes = Notes()
    run = plan.run(SOURCE, Memory(), entry="start", on_error=lambda _error: None, observer=notes)
    run.feed(Block(["a b", "x y"], 1, 0, b""))
    run.feed(Overlong(3, 8, "long"))
    assert notes.notes == [
        (1, "a b"),
        (1, "start", "start", "a b", [("a", "b")]),
        (2, "end", "a", "b", []),
        (2, "x y"),
        (1, "start", "start", "x y", "failed"),
        (3, "long"),
        (1, "start", "start", "long", "failed"),
    ]
