"""Each built-in processor, in a plan of one node."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.base.errors import ConfigError
from fproc.pipeline.failures import RecordError
from fproc.pipeline.graph import START
from fproc.pipeline.plan import Plan, build_plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.records import Block
from tests.support.helpers import Memory

Options = dict[str, Any]

SOURCE = Source("app.log", "2026-11-22")


class Outcome(Memory):
    """What the sinks got, and the records that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[RecordError] = []


def plan_of(*nodes: Options) -> Plan:
    return build_plan({"nodes": list(nodes)}, folder="/srv/app")


def only_node(kind: str, config: Options) -> Options:
    route = {} if BUILTINS[kind].is_sink else {"next": "end"}
    return {"tag": "start", "type": kind, "config": config, **route}


def run(plan: Plan, lines: list[str], source: Source = SOURCE) -> Outcome:
    outcome = Outcome()
    interpreter = plan.run(source, outcome, entry=START, on_error=outcome.errors.append)
    interpreter.feed(Block(lines, 1, 0, b""))
    interpreter.finish()
    interpreter.close()
    return outcome


def at_end(kind: str, config: Options, lines: list[str]) -> list[str]:
    outcome = run(plan_of(only_node(kind, config)), lines)
    assert outcome.errors == []
    return outcome.results.get("app.log", [])


def by_tag(kind: str, config: Options, lines: list[str]) -> dict[str, list[str]]:
    """The lines that come out, by the tag that they carry."""
    router = {"tag": "start", "type": kind, "config": config, "next": "sink"}
    outcome = run(plan_of(router, {"tag": "sink", "type": "write", "config": {"file": "{tag}"}}), lines)
    assert outcome.errors == []
    return outcome.results


def problems_of(kind: str, config: Options) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plan_of(only_node(kind, config))
    return [str(problem) for problem in caught.value.problems]


def test_every_built_in_of_the_contract_is_there() -> None:
    contract = """tag tag_field tag_prefix filter drop_matching uppercase lowercase snakecase trim replace
        rewrite fields split join count tally write stdout where head sample dedupe mask
        parse_csv parse_json parse_regex dissect parse_kv parse_fixed parse_log
        edit timestamp lookup validate envelope format"""
    assert {*BUILTINS} == set(contract.split())


@pytest.mark.parametrize("kind", sorted(BUILTINS))
def test_the_example_of_every_built_in_is_true(kind: str) -> None:
    config, lines_in, lines_out = BUILTINS[kind].example
    outcome = run(plan_of(only_node(kind, dict(config))), lines_in)
    assert outcome.errors == []
    assert [*outcome.results.values(), outcome.printed()] in ([lines_out, []], [lines_out])


@pytest.mark.parametrize(
    ("typed", "meant"), [("upercase", "uppercase"), ("Filter", "filter"), ("talley", "tally")]
)
def test_an_unknown_type_is_refused_with_the_nearest_right_one(typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"\$\.nodes\[0\]\.type: .*did you mean '{meant}'"):
        plan_of({"tag": "start", "type": typed, "next": "end"})


def test_a_built_in_is_no_stream() -> None:
    with pytest.raises(ConfigError, match=r"\$\.nodes\[0\]\.stream: "):
        plan_of({"tag": "start", "type": "trim", "stream": True, "next": "end"})


LINES: list[tuple[str, Options, list[str], list[str]]] = [
    ("filter", {"pattern": "\\S"}, ["a", "", " \t", " b"], ["a", " b"]),
    ("filter", {"pattern": "^a"}, ["ab", "ba"], ["ab"]),
    ("filter", {"pattern": ""}, ["a", ""], ["a", ""]),
    ("drop_matching", {"pattern": "^#"}, ["# a", "b # c"], ["b # c"]),
    ("uppercase", {}, ["straße", "ünï"], ["STRASSE", "ÜNÏ"]),
    ("lowercase", {}, ["ÜNÏ A1"], ["ünï a1"]),
    ("snakecase", {}, ["Hello World", "diskFull", "a-b.c", ""], ["hello_world", "disk_full", "a_b_c", ""]),
    ("trim", {}, [" a b\t", "\r", "   "], ["a b", "", ""]),
    ("replace", {"pattern": "a+", "with": "-"}, ["baab ab", "c"], ["b-b -b", "c"]),
    ("replace", {"pattern": "a", "with": ""}, ["banana"], ["bnn"]),
    ("replace", {"pattern": "(?P<x>\\d)(\\d)", "with": "\\2\\g<x>"}, ["12 34"], ["21 43"]),
    ("rewrite", {"pattern": "(?P<a>\\d)", "template": "{a}/{a} {0}"}, ["x7y8"], ["7/7 7"]),
    ("rewrite", {"pattern": "(?P<a>x)?y", "template": "<{a}>"}, ["xy", "y"], ["<x>", "<>"]),
    ("rewrite", {"pattern": "(?P<a>.*)", "template": "{{{a}}}"}, ["x"], ["{x}"]),
    ("rewrite", {"pattern": "(?P<a>.*)", "template": "{a}"}, ["{0} {b} %s \\1"], ["{0} {b} %s \\1"]),
    ("fields", {"max": 4, "template": "[{2}] {3}: {4}"}, ["9:00 BAD db is  full"], ["[BAD] db: is  full"]),
    ("fields", {"template": "{2} {1}"}, ["  a\t b  c"], ["b a"]),
    ("fields", {"separator": ",", "template": "{1}|{2}|{3}"}, ["a,,c", "a, b,c"], ["a||c", "a| b|c"]),
    ("fields", {"separator": "::", "max": 2, "template": "{2}"}, ["a::b::c"], ["b::c"]),
    ("fields", {"template": "{0}!"}, ["a b", ""], ["a b!", "!"]),
    ("split", {"separator": ","}, ["a,b", "c", "", ",d,"], ["a", "b", "c", "", "", "d", ""]),
    ("split", {"separator": " - "}, ["a - b-c"], ["a", "b-c"]),
    ("join", {"lines": 3}, ["a", "b", "c", "d", "e"], ["a b c", "d e"]),
    ("join", {"lines": 2, "separator": ""}, ["a", "b", "c", "d"], ["ab", "cd"]),
    ("join", {"lines": 2, "separator": ","}, ["", ""], [","]),
    ("join", {"lines": 9}, [""], [""]),
    ("join", {"lines": 9}, [], []),
    ("count", {}, [], []),
    ("count", {"template": "{line} is {number}"}, ["a", "b"], ["a is 1", "b is 2"]),
    ("count", {"total": True}, [], ["0"]),
    ("count", {"total": True}, ["a", "", "b"], ["3"]),
    ("count", {"total": True, "template": "{number} lines"}, ["a"], ["1 lines"]),
    ("tally", {}, ["a", "b"], ["start 2"]),
    ("tally", {}, [], []),
    ("tally", {"field": 2}, ["x b", "x a", "y b", "z"], ["- 1", "a 1", "b 2"]),
    ("tally", {"field": 2, "default": "none"}, ["z"], ["none 1"]),
    ("tally", {"field": 2, "separator": ","}, ["1,a b,2", "1,a b"], ["a b 2"]),
    ("tally", {"pattern": "[A-Z]+"}, ["x ERROR y", "INFO", "ERROR INFO", "no"], ["- 1", "ERROR 2", "INFO 1"]),
    ("tally", {"pattern": "user=(\\w+)"}, ["user=bob", "user=al", "user=bob"], ["al 1", "bob 2"]),
    ("tally", {"field": 1, "template": "{count} x {key}"}, ["a", "a"], ["2 x a"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "config", "lines", "expected"), LINES)
def test_what_lines_become(kind: str, config: Options, lines: list[str], expected: list[str]) -> None:
    assert at_end(kind, config, lines) == expected


@pytest.mark.parametrize(
    ("kind", "config"),
    [("rewrite", {"pattern": "^(?P<n>[a-z]+) \\d$", "template": "{n}"}), ("fields", {"template": "{2}{1}"})],
)
@pytest.mark.parametrize(
    ("otherwise", "kept", "rejected"),
    [(None, ["misfit"], []), ("keep", ["misfit"], []), ("drop", [], []), ("reject", [], [2])],
)
def test_a_line_that_does_not_fit_is_kept_dropped_or_rejected(
    kind: str, config: Options, otherwise: str | None, kept: list[str], rejected: list[int]
) -> None:
    asked = config if otherwise is None else {**config, "otherwise": otherwise}
    outcome = run(plan_of(only_node(kind, asked)), ["a 1", "misfit", "b 2"])
    first, *middle, last = outcome.results["app.log"]
    assert (first, last) == (("a", "b") if kind == "rewrite" else ("1a", "2b"))
    assert middle == kept
    assert [error.failure.line_no for error in outcome.errors] == rejected


TAGGING: list[tuple[str, Options, list[str], dict[str, list[str]]]] = [
    (
        "tag",
        {"rules": {"error": "ERROR", "warn": "WARN"}, "default": "info"},
        ["WARN: an ERROR", "WARN", "fine", ""],
        {"error": ["WARN: an ERROR"], "warn": ["WARN"], "info": ["fine", ""]},
    ),
    (
        "tag_field",
        {"separator": " ", "field": 2, "tags": {"INFO": "info"}, "default": "other"},
        ["10:00  INFO x", "INFO 10:00", "INFO", "10:00 INFORMATION"],
        {"info": ["10:00  INFO x"], "other": ["INFO 10:00", "INFO", "10:00 INFORMATION"]},
    ),
    (
        "tag_field",
        {"separator": ";", "field": 1, "tags": {"a": "A", "": "empty"}, "default": "other"},
        ["a;b", ";b", "", "b;a"],
        {"A": ["a;b"], "empty": [";b", ""], "other": ["b;a"]},
    ),
    (
        "tag_field",
        {"field": "level", "tags": {"ERROR": "e", "5": "five", "": "empty"}, "default": "other"},
        ['{"level": "ERROR"}', '{"level":5}', '{"level":""}', '{"level":null}', "{}", "ERROR", "[1]", ""],
        {
            "e": ['{"level": "ERROR"}'],
            "five": ['{"level":5}'],
            "empty": ['{"level":""}'],
            "other": ['{"level":null}', "{}", "ERROR", "[1]", ""],
        },
    ),
    (
        "tag_field",
        {"field": "log.ok", "tags": {"true": "yes"}, "default": "no"},
        ['{"log":{"ok":true}}', '{"log.ok":"true"}', '{"log":{"ok":false}}', '{"log":"ok"}'],
        {
            "yes": ['{"log":{"ok":true}}', '{"log.ok":"true"}'],
            "no": ['{"log":{"ok":false}}', '{"log":"ok"}'],
        },
    ),
    (
        "tag_prefix",
        {"default": "none"},
        ["error:disk: full", "no prefix", "warn:"],
        {"error": ["disk: full"], "none": ["no prefix"], "warn": [""]},
    ),
    ("tag_prefix", {"separator": " - "}, ["error - disk"], {"error": ["disk"]}),
    ("tally", {"field": 1}, ["b", "a", "b"], {"a": ["a 1"], "b": ["b 2"]}),
    ("count", {"total": True}, ["b", "a"], {"total": ["2"]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "config", "lines", "expected"), TAGGING)
def test_lines_get_their_tags(
    kind: str, config: Options, lines: list[str], expected: dict[str, list[str]]
) -> None:
    assert by_tag(kind, config, lines) == expected


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("tag", {"rules": {"x": "ERROR"}}),
        ("tag_field", {"field": 1, "tags": {"ERROR": "x"}}),
        ("tag_prefix", {}),
        ("trim", {}),
        ("join", {"lines": 1}),
        ("count", {}),
    ],
)
def test_a_line_that_gets_no_other_tag_keeps_the_one_it_has(kind: str, config: Options) -> None:
    plan = plan_of(
        {"tag": "start", "type": "tag", "config": {"rules": {}, "default": "mine"}, "next": "second"},
        {"tag": "second", "type": kind, "config": config, "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{tag}"}},
    )
    assert list(run(plan, ["fine"]).results) == ["mine"]


def test_every_file_is_counted_from_the_beginning() -> None:
    plan = plan_of(only_node("count", {}))
    assert run(plan, ["a", "b"]).results == run(plan, ["a", "b"]).results == {"app.log": ["1 a", "2 b"]}


def test_joined_lines_have_the_tag_of_the_first() -> None:
    plan = plan_of(
        {"tag": "start", "type": "tag_prefix", "next": "pairs"},
        {"tag": "pairs", "type": "join", "config": {"lines": 2}, "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{tag}"}},
    )
    assert run(plan, ["x:1", "y:2", "y:3"]).results == {"x": ["1 2"], "y": ["3"]}


@pytest.mark.parametrize(
    ("file", "name", "result"),
    [
        ("{name}", "app.log", "app.log"),
        ("{stem}.errors{suffix}", "app.log", "app.errors.log"),
        ("{stem}.errors{suffix}", "README", "README.errors"),
        ("{stem}{suffix}", "a.b.csv", "a.b.csv"),
        ("{stem}", "a.b.csv", "a.b"),
        ("{stem}", ".profile", ".profile"),
        ("{date}-{name}", "app.log", "2026-11-22-app.log"),
        ("{stem}.{tag}{suffix}", "app.log", "app.start.log"),
        ("all.txt", "app.log", "all.txt"),
        ("{{{stem}}}", "app.log", "{app}"),
        ("{tag}/{date}/{name}", "app.log", "start/2026-11-22/app.log"),
    ],
)
def test_a_result_is_named_after_its_input(file: str, name: str, result: str) -> None:
    outcome = run(plan_of(only_node("write", {"file": file})), ["a"], Source(name, "2026-11-22"))
    assert outcome.results == {result: ["a"]}


@pytest.mark.parametrize("tag", ["a/b", "../escape", "/etc/passwd", "nul\0", "..", "."])
def test_a_tag_cannot_lead_a_result_out_of_its_folder(tag: str) -> None:
    plan = plan_of(
        {"tag": "start", "type": "tag_prefix", "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{tag}"}},
    )
    outcome = run(plan, ["fine:1", f"{tag}:2", "fine:3"])
    assert outcome.results == {"fine": ["1", "3"]}
    assert [(error.failure.node, error.failure.line_no) for error in outcome.errors] == [("sink", 2)]


@pytest.mark.parametrize("tag", ["a/b", "../../escape", "/etc", "..", ".", ".stage"])
def test_a_tag_makes_no_folders_but_the_one_that_it_names(tag: str) -> None:
    plan = plan_of(
        {"tag": "start", "type": "tag_prefix", "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "by tag/{tag}/{name}"}},
    )
    outcome = run(plan, ["fine:1", f"{tag}:2", "fine:3"])
    assert outcome.results == {"by tag/fine/app.log": ["1", "3"]}
    assert [(error.failure.node, error.failure.line_no) for error in outcome.errors] == [("sink", 2)]


def test_standard_output_gets_lines_and_results_do_not() -> None:
    assert run(plan_of(only_node("stdout", {})), ["a", ""]).printed() == ["a", ""]


def test_all_wrong_options_are_told_at_once() -> None:
    problems = problems_of("fields", {"max": 0, "otherwise": "kep", "tempate": "{1}"})
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"$.nodes[0].config.{option}" for option in ("max", "otherwise", "tempate", "template")
    ]
