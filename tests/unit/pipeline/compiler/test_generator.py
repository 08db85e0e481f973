"""The compiled form: what it looks like, what has none, and which short ways it takes."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from fproc.base.errors import ConservationError
from fproc.pipeline.compiler.patterns import (
    expansion,
    is_anchored,
    plain_prefix,
    plain_words,
    words_with_one_beginning,
)
from fproc.pipeline.compiler.writer import filled
from fproc.pipeline.failures import RecordError
from fproc.pipeline.records import Block
from tests.support.helpers import SOURCE, Memory, Nodes, Notes, plan_of, run_lines, stop, user


def source_of(nodes: Nodes) -> str:
    return plan_of(nodes).compiler.program("start").source


def why(*nodes: dict[str, Any], **config: Any) -> str | None:
    return plan_of(nodes, **config).why_interpreted("start")


def chain(count: int, kind: str = "trim") -> list[dict[str, Any]]:
    names = ["start", *(f"n{index}" for index in range(1, count)), "end"]
    return [
        {"tag": name, "type": kind, "next": names[index + 1]}
        for index, name in enumerate(names)
        if name != "end"
    ]


def test_a_cycle_is_interpreted_and_shown() -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": user("countdown"), "next": {"again": "turn", "done": "end"}},
        {"tag": "turn", "type": "trim", "next": "start"},
    ]
    assert why(*nodes) == "its nodes form a cycle: start -> turn -> start"
    assert run_lines(plan_of(nodes), "2x") == {"in.log": ["0x"]}


def test_a_graph_whose_lines_alone_say_where_they_go_is_interpreted() -> None:
    nodes = [
        {"tag": "start", "type": user("by_length")},
        *({"tag": f"t{number}", "type": "write"} for number in range(3)),
    ]
    assert why(*nodes) == "'start' has no next, and only its lines say where they go"


def test_tags_that_are_known_beforehand_need_no_next() -> None:
    tagger = {"tag": "start", "type": "tag", "config": {"rules": {"end": "a"}, "default": "drop"}}
    assert why(tagger) is None
    assert run_lines(plan_of([tagger]), "a", "b") == {"in.log": ["a"]}


def test_a_graph_with_too_many_ways_is_interpreted() -> None:
    wide = [
        {"tag": "start" if index == 0 else f"n{index}", "type": "trim", "next": [f"n{index + 1}"] * 3}
        for index in range(5)
    ]
    reason = why(*wide, {"tag": "n5", "type": "trim", "next": "end"})
    assert reason == "there are more than 200 ways through the graph"


def test_a_graph_that_is_longer_than_a_record_may_go_is_interpreted() -> None:
    assert why(*chain(5), limits={"max_hops": 6}) is None
    assert why(*chain(6), limits={"max_hops": 6}) == "a way through the graph is longer than limits.max_hops"


def test_a_chain_of_users_processors_that_python_cannot_indent_is_interpreted() -> None:
    nodes = chain(60, user("shout"))
    assert why(*nodes) == "one line of nodes is too long"
    assert run_lines(plan_of(nodes), "a") == {"in.log": ["A" + "!" * 60]}


@pytest.mark.parametrize("count", [199, 3000])
def test_a_chain_that_is_too_long_for_python_is_interpreted(count: int) -> None:
    nodes = chain(count)
    assert why(*nodes, limits={"max_hops": 5000}) in {
        "one line of nodes is too long",
        "there are more than 200 ways through the graph",
    }
    assert run_lines(plan_of(nodes, limits={"max_hops": 5000}), " a") == {"in.log": ["a"]}


def test_a_stream_is_called_within_the_compiled_loop() -> None:
    assert why({"tag": "start", "type": user("pairs"), "stream": True, "next": "end"}) is None


def test_the_source_is_there_to_read_with_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="fproc.compiler"):
        run_lines(plan_of([{"tag": "start", "type": "uppercase", "next": "end"}]), "a")
    assert "# start: uppercase" in caplog.text
    assert "line_2 = line.upper()" in caplog.text


def test_a_line_is_split_once_for_all_that_want_its_fields() -> None:
    nodes = [
        {"tag": "start", "type": "tag_field", "config": {"field": 2, "tags": {"E": "e"}, "default": "o"},
         "next": {"e": "keep", "*": "format"}},
        {"tag": "keep", "type": "filter", "config": {"pattern": "x"}, "next": "format"},
        {"tag": "format", "type": "fields", "config": {"max": 3, "template": "{3} {2}"}, "next": "end"},
    ]  # fmt: skip
    assert source_of(nodes).count("= line.split(None, 2)") == 1
    assert run_lines(plan_of(nodes), "1 E x", "1 E y", "1 O z z", "1") == {"in.log": ["x E", "z z O", "1"]}


def test_a_tag_that_nobody_asks_for_is_not_looked_for() -> None:
    tagger = {"tag": "start", "type": "tag", "config": {"rules": {"error": "E"}, "default": "o"}}
    assert "'E' in line" not in source_of([{**tagger, "next": "end"}])
    assert "'E' in line" in source_of([{**tagger, "next": {"error": "end", "*": "drop"}}])
    by_tag = {"tag": "sink", "type": "write", "config": {"file": "{tag}"}}
    assert "'E' in line" in source_of([{**tagger, "next": "sink"}, by_tag])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("ERROR", ["ERROR"]),
        ("a|b c", ["a", "b c"]),
        ("a|", None),
        ("a.b", None),
        ("(?i)a", None),
        ("^a", None),
        ("", None),
        (r"a\b", None),
        ("a{2}", None),
    ],
)
def test_patterns_that_are_plain_words(pattern: str, words: list[str] | None) -> None:
    assert plain_words(re.compile(pattern)) == words


@pytest.mark.parametrize(
    ("words", "beginning", "rests"),
    [
        (["svc-10", "svc-11 ", "svc-2"], "svc-", ["10", "11 ", "2"]),
        (["ab|ac", "ad"], "a", ["b", "c", "d"]),
        (["ab", "ab", "ac"], "a", ["b", "c"]),
    ],
)
def test_words_with_one_beginning(words: list[str], beginning: str, rests: list[str]) -> None:
    rules = {f"t{number}": re.compile(word) for number, word in enumerate(words)}
    found = words_with_one_beginning(rules)
    assert found is not None
    assert (found.beginning, [*found.tags]) == (beginning, rests)
    assert found.tags[rests[0]] == "t0"


@pytest.mark.parametrize("words", [["a1", "b1"], ["a1", "a12"], ["a", "a1"], ["a1", "a."], []], ids=str)
def test_words_that_a_table_cannot_tell_apart(words: list[str]) -> None:
    assert (
        words_with_one_beginning({f"t{number}": re.compile(word) for number, word in enumerate(words)})
        is None
    )


def test_patterns_that_are_one_beginning() -> None:
    assert plain_prefix(re.compile("^ab c")) == "ab c"
    assert [plain_prefix(re.compile(text)) for text in ("^", "^a|b", "^a.", "a", "^a$")] == [None] * 5


def test_patterns_that_can_match_at_the_beginning_alone() -> None:
    assert [is_anchored(re.compile(text)) for text in ("^a+", "^(a)b")] == [True] * 2
    assert [is_anchored(re.compile(text)) for text in ("^a|b", "(?m)^a", "a^", "(^a)")] == [False] * 4


@pytest.mark.parametrize("new", [r"\1", r"<\g<1>-\g<n>{\g<0>}>\2", r"\g<name>'" + '"', r"x\1\1é", r"\3\g<3>"])
def test_a_replacement_of_groups_is_the_f_string_that_gives_what_expand_gives(new: str) -> None:
    pattern = re.compile(r"(?P<name>a+)(?P<n>\d)?(x)?")
    text = expansion(pattern, new)
    assert text is not None
    expand = eval(f"lambda match: {text}")
    for line in ("aa1x a", "b", "", "{a}\n"):
        assert pattern.sub(expand, line) == pattern.sub(new, line)


@pytest.mark.parametrize("new", [r"\n", r"a\\", r"\101", r"\1\t", r"\0"])
def test_a_replacement_with_other_escapes_is_left_to_the_pattern(new: str) -> None:
    assert expansion(re.compile("(a)"), new) is None


@pytest.mark.parametrize("text", ["plain", 'q"\\', "{{}}", "\u00e9\U0001f600", "\t\x7f", "'''", "\\n{{a}}"])
def test_what_a_template_says_stands_in_the_source_as_it_is(text: str) -> None:
    assert eval(filled(text + "{one}", {"one": "value"}), {"value": 1}) == text.format() + "1"


def test_what_processors_give_is_learnt_after_a_few_lines() -> None:
    plan = plan_of([{"tag": "start", "type": user("sometimes_tagged"), "next": "end"}])
    before = plan.compiler.program("start").source
    assert run_lines(plan, "t:a", "t:b") == {"in.log": ["a", "b"]}
    after = plan.compiler.program("start").source
    assert "type(given_start) is tuple" not in before
    assert "if type(given_start) is tuple:" in after
    assert run_lines(plan, "t:a", "b") == {"in.log": ["a", "b"]}
    assert "type(given_start) is tuple or type(given_start) is str:" in plan.compiler.program("start").source


def test_a_program_that_what_is_learnt_makes_too_large_gives_way_to_the_interpreter() -> None:
    names = ["start", *(f"n{number}" for number in range(1, 6))]
    nodes = [
        {
            "tag": name,
            "type": user("sometimes_tagged"),
            "next": {tag: [after] for tag in "abc"} | {"*": [after]},
        }
        for name, after in zip(names, [*names[1:], "end"], strict=True)
    ]
    plan = plan_of(nodes)
    assert plan.why_interpreted("start") is None
    lines = ["a:b:c:a:b:c:1", "2", "x:3"] * 3
    run = plan.run(SOURCE, output := Memory(), entry="start", on_error=stop)
    for number, line in enumerate(lines, 1):
        run.feed(Block([line], number, 0, b""))
    assert output.results == {"in.log": ["1", "2", "3"] * 3}
    assert plan.why_interpreted("start") == "there are more than 200 ways through the graph"


def test_lines_of_which_an_observer_was_told_take_nothing_from_what_is_learnt() -> None:
    nodes = [{"tag": "start", "type": user("sometimes_tagged"), "next": {"x": "end", "start": "end"}}]
    sources = []
    for observer in (None, Notes(first_lines=2)):
        plan = plan_of(nodes)
        run = plan.run(SOURCE, Memory(), entry="start", on_error=stop, observer=observer)
        run.feed(Block(["x:1", "x:2", "x:3", "x:4"], 1, 0, b""))
        sources.append(plan.compiler.program("start").source)
    assert sources[0] == sources[1] != source_of(nodes)


def test_a_record_that_comes_to_no_end_is_noticed() -> None:
    plan = plan_of([{"tag": "start", "type": "trim", "next": "end"}])
    run: Any = plan.run(SOURCE, Memory(), entry="start", on_error=stop)
    feed = run._feed
    run._feed = lambda lines: feed(lines) - 1
    with pytest.raises(ConservationError, match="2, and those that came to an end, 1, do not agree"):
        run.feed(Block(["a", "b"], 1, 0, b"a\nb\n"))
    run.close()


def test_a_list_that_one_sink_adds_to_is_counted_by_its_length() -> None:
    nodes = [{"tag": "start", "type": "tag_field", "config": {"field": 1, "tags": {"a": "a"}, "default": "b"},
              "next": {"a": "one", "*": "two"}},
             {"tag": "one", "type": "write", "config": {"file": "{stem}.1"}},
             {"tag": "two", "type": "write", "config": {"file": "{stem}.2"}}]  # fmt: skip
    plan = plan_of(nodes)
    assert run_lines(plan, "a", "b", "a") == {"in.1": ["a", "a"], "in.2": ["b"]}
    assert "written_one, written_two, = run.spill()" in plan.compiler.program("start").source


def test_two_sinks_that_turn_out_to_write_to_one_result_keep_the_order_of_the_lines() -> None:
    nodes = [{"tag": "start", "type": "tag_field", "config": {"field": 1, "tags": {"a": "a"}, "default": "b"},
              "next": {"a": "one", "*": "two"}},
             {"tag": "one", "type": "write", "config": {"file": "{name}"}},
             {"tag": "two", "type": "write", "config": {"file": "{stem}{suffix}"}}]  # fmt: skip
    plan = plan_of(nodes)
    assert run_lines(plan, "a", "b", "a") == {"in.log": ["a", "b", "a"]}
    assert "spill" not in plan.compiler.program("start").source


def test_what_the_interpreter_writes_in_between_stands_in_its_place() -> None:
    nodes = [{"tag": "start", "type": user("sometimes_tagged"), "next": "end"}]
    plan = plan_of(nodes)
    for _ in range(2):  # the second run knows of lines and pairs, and settles only what is neither
        assert run_lines(plan, "a", "t:b", "c", "t:d") == {"in.log": ["a", "b", "c", "d"]}


def test_lines_with_few_fields_are_split_another_way_once_there_are_many() -> None:
    nodes = [{"tag": "start", "type": "tag_field", "config": {"field": 2, "tags": {"x": "x"}},
              "next": {"x": "end", "*": "drop"}}]  # fmt: skip
    plan = plan_of(nodes)
    run_lines(plan, *["a x c"] * 100, "a x")
    assert "except ValueError" in plan.compiler.program("start").source
    assert run_lines(plan, "a x", "a y", "x") == {"in.log": ["a x"]}
    assert "except ValueError" not in plan.compiler.program("start").source
    assert run_lines(plan, "a x", "a x c", "a") == {"in.log": ["a x", "a x c"]}


def test_a_tag_that_only_names_the_result_makes_one_branch_for_each() -> None:
    nodes = [{"tag": "start", "type": "tag", "config": {"rules": {"e": "E"}, "default": "o"}, "next": "sink"},
             {"tag": "sink", "type": "write", "config": {"file": "{tag}"}}]  # fmt: skip
    assert "run.lines(file, 'e')" in source_of(nodes)
    assert run_lines(plan_of(nodes), "E", "x") == {"e": ["E"], "o": ["x"]}


def test_a_graph_of_very_many_ways_is_seen_to_be_one_at_once() -> None:
    tagger = {"type": "tag_field", "config": {"field": 1, "tags": {"a": "a"}, "default": "b"}}
    wide = [{**tagger, "tag": f"n{index}", "next": [f"n{index + 1}"] * 3} for index in range(60)]
    sink = {"tag": "n60", "type": "write", "config": {"file": "{tag}"}}
    assert why({"tag": "start", "type": "trim", "next": "n0"}, *wide, sink)


def test_a_tag_that_names_no_result_fails_its_records_and_no_others() -> None:
    tags = {"bad": "no/name", "good": "good"}
    plan = plan_of([
        {"tag": "start", "type": "tag_field", "config": {"field": 1, "tags": tags}, "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{tag}"}},
    ])  # fmt: skip
    assert plan.why_interpreted("start") is None
    output, failed = Memory(), list[RecordError]()
    run = plan.run(SOURCE, output, entry="start", on_error=failed.append)
    run.feed(Block(["good 1", "bad 2", "good 3"], 1, 0, b""))
    run.close()
    assert output.results == {"good": ["good 1", "good 3"]}
    assert [(error.failure.node, error.failure.line_no) for error in failed] == [("sink", 2)]
    assert run.lines_in == 3
