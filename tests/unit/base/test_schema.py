"""Checking JSON: each kind of check, the options of built-ins included, and what it says."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fproc.base import schema
from fproc.base.errors import EXIT_CONFIG, ConfigError, Problem
from fproc.base.schema import Check
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.checks import check_options


def checked(check: Check, value: Any) -> Any:
    problems: list[Problem] = []
    clean = check(value, "$.key", problems)
    assert problems == []
    return clean


def complaint(check: Check, value: Any) -> str:
    problems: list[Problem] = []
    check(value, "$.key", problems)
    [problem] = problems
    assert problem.path == "$.key"
    return str(problem)


def option_problems(kind: str, config: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in check_options(kind, BUILTINS[kind], config, "$.config")[1]]


def refusal(text: str) -> str:
    problems: list[Problem] = []
    try:
        schema.parse_json(text, "pipeline.json", problems)
    except ConfigError as error:
        assert error.exit_status == EXIT_CONFIG == 78  # noqa: PT017 - some problems raise, some are listed
        problems += error.problems
    [problem] = problems
    return str(problem)


ACCEPTED: list[tuple[Check, Any, Any]] = [
    (schema.text(), "a", "a"),
    (schema.text(empty=True), "", ""),
    (schema.boolean, True, True),
    (schema.boolean, False, False),
    (schema.number(), 0, 0.0),
    (schema.number(), 2.5, 2.5),
    (schema.number(least=1), 1, 1.0),
    (schema.number(least=1, most=3), 3, 3.0),
    (schema.number(least=0, above=True), 0.001, 0.001),
    (schema.number(whole=True), 7, 7),
    (schema.choice("fail", "skip"), "skip", "skip"),
    (schema.pattern, "^a+$", "^a+$"),
    (schema.list_of(schema.text()), [], ()),
    (schema.list_of(schema.text()), ["a", "b"], ("a", "b")),
    (schema.list_of(schema.text(), least=1), ["a"], ("a",)),
    (schema.object_of(schema.text()), {"a": "b"}, {"a": "b"}),
    (schema.anything, {"a": [None]}, {"a": [None]}),
    (schema.table({"days": schema.or_null(schema.number())}, build=dict), {"days": None}, {"days": None}),
    (schema.table({"days": schema.or_null(schema.number())}, build=dict), {"days": 5}, {"days": 5}),
]


@pytest.mark.parametrize(("check", "value", "clean"), ACCEPTED)
def test_a_right_value_passes(check: Check, value: Any, clean: Any) -> None:
    found = checked(check, value)
    assert found == clean
    assert type(found) is type(clean)


REFUSED: list[tuple[Check, Any, str]] = [
    (schema.text(), "", "not be empty"),
    (schema.text(), "a\0b", "NUL"),
    (schema.text(), 5, "must be text, not the number 5"),
    (schema.text(), None, "must be text, not null"),
    (schema.text(), True, "must be text, not true or false"),
    (schema.text(), [], "must be text, not a list"),
    (schema.text(), {}, "must be text, not an object"),
    (schema.boolean, 1, "must be true or false, not the number 1"),
    (schema.boolean, "yes", "must be true or false, not text"),
    (schema.number(), "5", "must be a number, not text"),
    (schema.number(), True, "must be a number, not true or false"),
    (schema.number(), None, "must be a number, not null"),
    (schema.number(), -1, "not -1"),
    (schema.number(), math.inf, "not inf"),
    (schema.number(), math.nan, "not nan"),
    (schema.number(least=2), 1, "2 or more"),
    (schema.number(most=3), 4, "at most 3"),
    (schema.number(least=0, above=True), 0, "above 0"),
    (schema.number(whole=True), 1.5, "must be a whole number, not the number 1.5"),
    (schema.number(whole=True), False, "must be a whole number, not true or false"),
    (schema.choice("fail", "skip"), "halt", "must be one of 'fail', 'skip', not 'halt'"),
    (schema.choice("fail", "skip"), "fial", "did you mean 'fail'?"),
    (schema.choice("fail", "skip"), 5, "not the number 5"),
    (schema.choice("fail", "skip"), ["fail"], "not a list"),
    (schema.pattern, "(", "is not a regular expression"),
    (schema.pattern, 5, "must be text, not the number 5"),
    (schema.list_of(schema.text()), "a", "must be a list, not text"),
    (schema.list_of(schema.text()), {}, "must be a list, not an object"),
    (schema.list_of(schema.text(), least=1), [], "must not be an empty list"),
    (schema.object_of(schema.text()), [], "must be an object, not a list"),
    (schema.table({}, build=dict), None, "must be an object, not null"),
    (schema.url, 5, "must be text, not the number 5"),
    (schema.url, "ftp://example.org/", "must be an http:// or https:// URL"),
    (schema.or_null(schema.number()), "5", "must be a number, not text"),
]


@pytest.mark.parametrize(("check", "value", "message"), REFUSED)
def test_a_wrong_value_is_refused_with_what_it_must_be(check: Check, value: Any, message: str) -> None:
    assert message in complaint(check, value)


def test_every_wrong_element_of_a_list_is_named() -> None:
    problems: list[Problem] = []
    assert schema.list_of(schema.text())(["a", 5, "b", None], "$.ignore", problems) == ("a", "b")
    assert [problem.path for problem in problems] == ["$.ignore[1]", "$.ignore[3]"]


def test_every_wrong_value_of_an_object_is_named() -> None:
    problems: list[Problem] = []
    schema.object_of(schema.text())({"a": 1, "b": "right", "c": 2}, "$.tags", problems)
    assert [problem.path for problem in problems] == ["$.tags.a", "$.tags.c"]


TABLE = schema.table(
    {"name": schema.text(), "port": schema.number(whole=True)}, required=("name",), build=dict
)


def test_a_table_is_built_from_the_keys_that_are_there() -> None:
    assert checked(TABLE, {"name": "a"}) == {"name": "a"}
    assert checked(TABLE, {"port": 1, "name": "a"}) == {"name": "a", "port": 1}


def test_a_table_names_all_that_is_wrong_with_it_at_once() -> None:
    problems: list[Problem] = []
    assert TABLE({"port": "x", "pord": 1, "zzz": 2}, "$", problems) is None
    assert sorted(problem.path for problem in problems) == ["$.name", "$.pord", "$.port", "$.zzz"]


def test_a_table_suggests_the_nearest_key() -> None:
    problems: list[Problem] = []
    TABLE({"name": "a", "prot": 1}, "$", problems)
    assert [str(problem) for problem in problems] == ["$.prot: unknown key; did you mean 'port'?"]


def test_a_table_lists_its_keys_where_none_is_near() -> None:
    problems: list[Problem] = []
    TABLE({"name": "a", "zzz": 1}, "$", problems)
    assert [str(problem) for problem in problems] == ["$.zzz: unknown key; known are name, port"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({}, "an object"),
        ([], "a list"),
        ("", "text"),
        (True, "true or false"),
        (None, "null"),
        (8, "the number 8"),
        (0.5, "the number 0.5"),
    ],
)
def test_types_have_the_names_of_json_not_of_python(value: Any, name: str) -> None:
    assert schema.json_type(value) == name


def test_json_text_becomes_its_value() -> None:
    assert schema.parse_json('{"a": [1, 2.5, "x", null, true]}', "p", []) == {"a": [1, 2.5, "x", None, True]}


def test_a_byte_order_mark_before_the_json_is_no_trouble() -> None:
    assert schema.parse_json('\ufeff{"a": 1}', "p", []) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "pipeline.json:1:1"),
        ("{", "pipeline.json:1:2"),
        ('{"a": }', "pipeline.json:1:7"),
        ('{\n  "a": 1\n  "b": 2\n}', "pipeline.json:3:3"),
        ('{"a": 1} x', "pipeline.json:1:10"),
        ('{\n\n  "a": nope\n}', "pipeline.json:3:8"),
        ("{'a': 1}", "pipeline.json:1:2"),
    ],
)
def test_broken_json_is_refused_with_line_and_column(text: str, place: str) -> None:
    assert refusal(text).startswith(f"{place}: not JSON: ")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{"a": 1,}', "comma"),
        ("[1,]", "comma"),
        ('{"a": 1 // one\n}', "no comments"),
        ('{"a": 1 /* one */}', "no comments"),
        ("# a pipeline\n{}", "no comments"),
        ("{'a': 1}", "double quotes"),
    ],
)
def test_common_slips_get_a_hint(text: str, hint: str) -> None:
    assert hint in refusal(text)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_refused(constant: str) -> None:
    assert constant in refusal(f'{{"a": {constant}}}')


def test_a_key_that_stands_twice_is_refused() -> None:
    assert "'a'" in refusal('{"b": {"a": 1, "a": 2}}')


def test_json_without_end_in_its_nesting_is_refused() -> None:
    assert "nested too deeply" in refusal("[" * 100_000)


WRONG_OPTIONS: list[tuple[str, dict[str, Any], str, str]] = [
    ("filter", {"pattern": "a", "patern": "b"}, "patern", "did you mean 'pattern'?"),
    ("uppercase", {"locale": "tr"}, "locale", "no options"),
    ("write", {"zzz": 1}, "zzz", "file"),
    ("filter", {"pattern": "("}, "pattern", "is not a regular expression"),
    ("tag", {"rules": {"a": "["}}, "rules.a", "is not a regular expression"),
    ("tally", {"pattern": "*"}, "pattern", "is not a regular expression"),
    ("filter", {"pattern": 5}, "pattern", "must be text, not the number 5"),
    ("tag", {"rules": ["a"]}, "rules", "must be an object, not a list"),
    ("tag", {"rules": {}, "default": 5}, "default", "must be text"),
    ("tag_field", {"field": 1, "tags": {"a": 1}}, "tags.a", "must be text"),
    ("tag_prefix", {"separator": ""}, "separator", "must not be empty"),
    ("fields", {"template": "{3}", "max": 2}, "template", "field 3"),
    ("fields", {"template": "{1}", "separator": ""}, "separator", "must not be empty"),
    ("fields", {"template": "{1}", "otherwise": "kep"}, "otherwise", "'keep', 'drop' or 'reject'"),
    ("rewrite", {"pattern": "(?P<level>a)", "template": "{levle}"}, "template", "did you mean 'level'?"),
    ("rewrite", {"pattern": "(a)", "template": "{1}"}, "template", "is not a named group"),
    ("rewrite", {"pattern": "(?P<a>a)", "template": "{a"}, "template", "expected '}'"),
    ("replace", {"pattern": "a", "with": "\\1"}, "with", "does not go with the pattern"),
    ("replace", {"pattern": "a", "with": "\\g<x>"}, "with", "does not go with the pattern"),
    ("count", {"total": "yes"}, "total", "must be true or false"),
    ("count", {"template": "{nummer}"}, "template", "{number}, {line}"),
    ("tally", {"template": "{keys}"}, "template", "does not know {keys}; did you mean 'key'?"),
    ("write", {"file": "{nme:>5}"}, "file", "is not a plain {name}"),
    *(
        ("write", {"file": file}, "file", "plain file name")
        for file in ("/{name}", "a//{name}", "{tag}/", "../{name}", "a/../b", "./a", ".stage/a", "a/.stage")
    ),
    ("write", {"file": ""}, "file", "plain file name"),
    *(
        ("rewrite", {"pattern": "(?P<a>a)", "template": template}, "template", "is not a plain {name}")
        for template in ("{}", "{a.b}", "{a[0]}", "{a:>5}", "{a!r}")
    ),
    *(("join", {"lines": count}, "lines", "a whole number from 1") for count in (0, -1, 1.5, "2", True)),
    ("write", {"file": 5}, "file", "must be text"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "config", "option", "message"), WRONG_OPTIONS)
def test_a_wrong_option_is_refused_at_its_path(
    kind: str, config: dict[str, Any], option: str, message: str
) -> None:
    [problem] = option_problems(kind, config)
    assert problem.startswith(f"$.config.{option}: ")
    assert message in problem


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        *((kind, ["pattern"]) for kind in ("filter", "drop_matching")),
        *[("replace", ["pattern", "with"]), ("rewrite", ["pattern", "template"]), ("fields", ["template"])],
        *[("split", ["separator"]), ("join", ["lines"]), ("tag", ["rules"])],
    ],
)
def test_an_option_that_a_built_in_cannot_do_without_is_missed(kind: str, needed: list[str]) -> None:
    expected = [f"$.config.{option}: '{kind}' needs this option" for option in needed]
    assert [problem.partition(";")[0] for problem in option_problems(kind, {})] == expected
