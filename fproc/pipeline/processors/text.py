"""Built-ins that change a line, or keep and drop lines, without knowing any other line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from fproc.base.text import nearest
from fproc.pipeline.processors.base import (
    OTHERWISE,
    Builtin,
    Maker,
    Option,
    Processor,
    mapping,
    misfit,
    no_tags,
    stateless,
)
from fproc.pipeline.processors.options.splits import FieldNeed, names_of_parts
from fproc.pipeline.processors.options.templates import POSITIONS, Places, Template
from fproc.pipeline.records import Record

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[\W_]+")


def snake_case(line: str) -> str:
    """Return a line in snake case: `HTTPServer started, portOpen` as `http_server_started_port_open`."""
    return _NOT_WORD.sub("_", _WORD_START.sub("_", line)).strip("_").lower()


def _filter(*, pattern: re.Pattern[str]) -> Maker:
    search = pattern.search
    return mapping(lambda line: line if search(line) else None)


def _pattern_of(values: Mapping[str, Any]) -> re.Pattern[str]:
    pattern: re.Pattern[str] = values["pattern"]
    return pattern


def _drop_matching(*, pattern: re.Pattern[str]) -> Maker:
    search = pattern.search
    return mapping(lambda line: None if search(line) else line)


def _replace(*, pattern: re.Pattern[str], **options: str) -> Maker:
    replacement = options["with"]
    return mapping(lambda line: pattern.sub(replacement, line))


def _rewrite(*, pattern: re.Pattern[str], template: Template, otherwise: str) -> Maker:
    search, fill = pattern.search, template.fill

    def rewriting(places: Places) -> Callable[[str], str | None]:
        def rewrite(line: str) -> str | None:
            match = search(line)
            if match is None:
                return misfit(line, otherwise, f"does not match {pattern.pattern!r}")
            return fill(match[0], **{**places(), **match.groupdict("")})

        return rewrite

    return template.mapping(rewriting)


def _check_groups(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each placeholder of `rewrite` that is no group of its pattern."""
    groups = list(values["pattern"].groupindex)
    for name in values["template"].names:
        if name not in {"0", *groups, *POSITIONS}:
            hint = f"the pattern has {', '.join(groups)}" if groups else "name a group with (?P<name>...)"
            yield "template", f"{{{name}}} is not a named group", nearest(name, groups) or hint


def _check_replacement(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what in the new text of `replace` is no group of its pattern."""
    try:
        values["pattern"].sub(values["with"], "")
    except (re.error, IndexError) as error:
        yield "with", f"does not go with the pattern: {error}", ""


def _check_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each placeholder of `fields` that is no field that there may be."""
    template, most = values["template"], values["max"]
    for name in template.names:
        if not name.isdecimal() and name not in POSITIONS:
            yield "template", f"{{{name}}} is not a field", "fields have numbers: {1}, {2}, ..."
    if most is not None and template.highest_number > most:
        yield "template", f"uses field {template.highest_number}, but 'max' is {most}", ""


def field_splitter(separator: str, max_splits: int = -1) -> Callable[[str], list[str]]:
    """Return a call that splits a line into fields; `" "` is any run of white space, as in awk."""
    text = None if separator == " " else separator
    return lambda line: line.split(text, max_splits)


def _fields(*, separator: str, max: int | None, template: Template, otherwise: str) -> Maker:  # noqa: A002
    needed = template.highest_number
    split = field_splitter(separator, -1 if max is None else max - 1)
    fill = template.fill

    def reformatting(places: Places) -> Callable[[str], str | None]:
        def reformat(line: str) -> str | None:
            parts = split(line)
            if len(parts) < needed:
                return misfit(line, otherwise, f"has {len(parts)} fields, the template needs {needed}")
            return fill(line, *parts, **places())

        return reformat

    return template.mapping(reformatting)


def _fields_of_template(values: Mapping[str, Any]) -> FieldNeed | None:
    """Return the fields that `fields` needs: those of its template, and with a `max` the rest in the last."""
    least = values["template"].highest_number
    return FieldNeed(values["separator"], least, values["max"]) if least else None


def _fields_of_pattern(values: Mapping[str, Any]) -> FieldNeed | None:
    """Return the parts that the pattern of `rewrite` splits a line into, if it does no more."""
    names = names_of_parts(values["pattern"])
    return FieldNeed(" ", len(names), len(names), is_single=True) if names else None


def _split(*, separator: str) -> Maker:
    def process(tag: str, line: str) -> Sequence[Record]:
        return [(tag, part) for part in line.split(separator)]

    processor = Processor(process)
    return lambda _source, _output: processor


PATTERN = Option("pattern", "a regular expression, searched for anywhere in the line", required=True)
SEPARATOR = Option("separator", 'what stands between fields; `" "` is any run of white space', default=" ")

same_tag = partial(stateless, gives_tags=no_tags)
"""Declare a built-in whose lines keep the tag that they came with."""

BUILTINS: dict[str, Builtin] = {
    "filter": same_tag(
        "Keeps the lines that match a pattern and drops the others.",
        _filter,
        ({"pattern": "disk|cpu"}, ["disk full", "all good", "cpu hot"], ["disk full", "cpu hot"]),
        {"pattern": PATTERN},
        passes_line=True,
        needs_match=_pattern_of,
    ),
    "drop_matching": same_tag(
        "Drops the lines that match a pattern and keeps the others.",
        _drop_matching,
        ({"pattern": "healthz"}, ["GET /", "GET /healthz"], ["GET /"]),
        {"pattern": PATTERN},
        passes_line=True,
    ),
    "uppercase": same_tag(
        "Turns the line into capitals.", lambda: mapping(str.upper), ({}, ["disk Full"], ["DISK FULL"])
    ),
    "lowercase": same_tag(
        "Turns the line into small letters.", lambda: mapping(str.lower), ({}, ["Disk FULL"], ["disk full"])
    ),
    "snakecase": same_tag(
        "Turns the line into words in small letters, joined by underscores.",
        lambda: mapping(snake_case),
        ({}, ["Hello World", "diskFull: HTTPError"], ["hello_world", "disk_full_http_error"]),
    ),
    "trim": same_tag(
        "Removes white space from both ends of the line.",
        lambda: mapping(str.strip),
        ({}, ["  disk full\t"], ["disk full"]),
    ),
    "replace": same_tag(
        "Replaces every match of a pattern.",
        _replace,
        (
            {"pattern": "user=(\\w)\\w*", "with": "user=\\1***"},
            ["user=alice from user=bob"],
            ["user=a*** from user=b***"],
        ),
        {
            "pattern": PATTERN,
            "with": Option(
                "line", r"the new text; `\1` or `\g<name>` is what a group matched", required=True
            ),
        },
        check=_check_replacement,
    ),
    "rewrite": same_tag(
        "Makes a new line from what the named groups of a pattern matched.",
        _rewrite,
        (
            {"pattern": "^(?P<level>\\w+): (?P<text>.*)$", "template": "[{level}] {text}"},
            ["ERROR: disk full", "no level"],
            ["[ERROR] disk full", "no level"],
        ),
        {
            "pattern": PATTERN,
            "template": Option(
                "template",
                "the new line; `{name}` is what group `name` matched, `{0}` the whole match, and `{file}`, "
                "`{line_no}` and `{offset}` say where the line stands",
                required=True,
            ),
            "otherwise": OTHERWISE,
        },
        needs_fields=_fields_of_pattern,
        check=_check_groups,
    ),
    "fields": same_tag(
        "Makes a new line from numbered fields, as awk does.",
        _fields,
        (
            {"separator": " ", "max": 3, "template": "[{2}] {1}: {3}"},
            ["10:00 ERROR disk  is full", "short"],
            ["[ERROR] 10:00: disk  is full", "short"],
        ),
        {
            "separator": SEPARATOR,
            "max": Option("count", "the most fields to split into; the last one takes the rest"),
            "template": Option(
                "template",
                "the new line; `{1}` is the first field, `{0}` the whole line; `{file}`, `{line_no}` and "
                "`{offset}` say where it stands",
                required=True,
            ),
            "otherwise": OTHERWISE,
        },
        needs_fields=_fields_of_template,
        check=_check_fields,
    ),
    "split": same_tag(
        "Makes several lines out of one.",
        _split,
        ({"separator": ","}, ["a,b,c"], ["a", "b", "c"]),
        {"separator": Option("separator", "what stands between the new lines", required=True)},
    ),
}
