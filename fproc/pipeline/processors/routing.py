"""Built-ins that give a line a tag, and so decide where it goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fproc.pipeline.processors.base import (
    Builtin,
    Maker,
    Option,
    StepKind,
    Tags,
    routing,
    same_fields,
    stateless,
)
from fproc.pipeline.processors.objects import MISSING, Misfit, StructuredRecord, decode, get, needing
from fproc.pipeline.processors.options.splits import FieldNeed, words_of_field
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import SEPARATOR, field_splitter


def _tag(*, rules: Mapping[str, re.Pattern[str]], default: str | None) -> Maker:
    searches = [(tag, pattern.search) for tag, pattern in rules.items()]

    def route(line: str) -> tuple[str | None, str]:
        for tag, search in searches:
            if search(line):
                return tag, line
        return default, line

    return routing(route)


def _tag_field(*, separator: str, field: int | str, tags: Mapping[str, str], default: str | None) -> Maker:
    text_at = _column_text(field, separator) if isinstance(field, int) else _key_text(field)

    def route(line: str) -> tuple[str | None, str]:
        text = text_at(line)
        return (default if text is None else tags.get(text, default)), line

    return routing(route)


def _column_text(column: int, separator: str) -> Callable[[str], str | None]:
    split = field_splitter(separator, column)

    def text_at(line: str) -> str | None:
        fields = split(line)
        return fields[column - 1] if len(fields) >= column else None

    return text_at


def _key_text(path: str) -> Callable[[str], str | None]:
    def text_at(line: str) -> str | None:
        try:
            return text_of_field(decode(line), path)
        except Misfit:
            return None

    return text_at


def text_of_field(record: StructuredRecord, path: str) -> str | None:
    """Return the field of a record as text; None where there is none, or it is null."""
    value = get(record, path)
    return None if value is MISSING or value is None else text_of(value)


def _tag_prefix(*, separator: str, default: str | None) -> Maker:
    def route(line: str) -> tuple[str | None, str]:
        prefix, separated, rest = line.partition(separator)
        return (prefix, rest) if separated else (default, line)

    return routing(route)


def _one_field(values: Mapping[str, Any]) -> FieldNeed | None:
    return FieldNeed(values["separator"], values["field"]) if isinstance(values["field"], int) else None


def _step(values: Mapping[str, Any]) -> StepKind | None:
    return StepKind.ROUTE if isinstance(values["field"], str) else None


def _field_of_rules(values: Mapping[str, Any]) -> FieldNeed | None:
    """Return the field that all rules are about, if there is one."""
    found = words_of_field(values["rules"])
    return FieldNeed(" ", found.field, is_single=True) if found else None


def _has_default(values: Mapping[str, Any]) -> bool:
    return values["default"] is not None


def _tags_of(option: str) -> Tags:
    """Return what says which tags an option names, and the default if there is one."""

    def tags(values: Mapping[str, Any]) -> frozenset[str]:
        named = values[option]
        given = named if option == "rules" else named.values()
        return frozenset(given) | ({values["default"]} if _has_default(values) else frozenset())

    return tags


DEFAULT = Option("text", "the tag of a line that gets no other; without it the line keeps the tag it has")

BUILTINS: dict[str, Builtin] = {
    "tag": stateless(
        "Tags a line by the first of several patterns that it matches.",
        _tag,
        (
            {"rules": {"error": "ERROR|FATAL", "warn": "WARN"}, "default": "info"},
            ["ERROR: disk full", "all good"],
            ["ERROR: disk full", "all good"],
        ),
        {
            "rules": Option(
                "rules", "tags and the patterns they stand for; the first match wins", required=True
            ),
            "default": DEFAULT,
        },
        sets_tag=_has_default,
        gives_tags=_tags_of("rules"),
        passes_line=True,
        needs_fields=_field_of_rules,
    ),
    "tag_field": stateless(
        "Tags a line by the text of one of its fields.",
        _tag_field,
        (
            {"field": 2, "tags": {"ERROR": "error", "INFO": "info"}, "default": "other"},
            ["10:00 ERROR disk full"],
            ["10:00 ERROR disk full"],
        ),
        {
            "separator": SEPARATOR,
            "field": Option("field", "the field: a column of the line from 1, or a key", required=True),
            "tags": Option("tags", "texts of that field and the tags they stand for", required=True),
            "default": DEFAULT,
        },
        sets_tag=_has_default,
        gives_tags=_tags_of("tags"),
        passes_line=True,
        needs_fields=_one_field,
        step=_step,
        fields_after=same_fields,
        fields_before=needing(lambda values: [values["field"]]),
    ),
    "tag_prefix": stateless(
        "Takes the tag from the front of the line: `tag:line` becomes `line`, tagged `tag`.",
        _tag_prefix,
        ({}, ["error:disk full", "no prefix"], ["disk full", "no prefix"]),
        {
            "separator": Option("separator", "what ends the tag", default=":"),
            "default": DEFAULT,
        },
        sets_tag=_has_default,
    ),
}
