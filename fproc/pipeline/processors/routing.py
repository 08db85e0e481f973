"""Built-ins that give a line a tag, and so decide where it goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fproc.pipeline.processors.base import (
    Builtin,
    Maker,
    Option,
    Tags,
    routing,
    stateless,
)
from fproc.pipeline.processors.options.splits import FieldNeed, words_of_field
from fproc.pipeline.processors.text import SEPARATOR, field_splitter


def _tag(*, rules: Mapping[str, re.Pattern[str]], default: str | None) -> Maker:
    searches = [(tag, pattern.search) for tag, pattern in rules.items()]

    def route(line: str) -> tuple[str | None, str]:
        for tag, search in searches:
            if search(line):
                return tag, line
        return default, line

    return routing(route)


def _tag_field(*, separator: str, field: int, tags: Mapping[str, str], default: str | None) -> Maker:
    split = field_splitter(separator, field)

    def route(line: str) -> tuple[str | None, str]:
        fields = split(line)
        return (tags.get(fields[field - 1], default) if len(fields) >= field else default), line

    return routing(route)


def _tag_prefix(*, separator: str, default: str | None) -> Maker:
    def route(line: str) -> tuple[str | None, str]:
        prefix, separated, rest = line.partition(separator)
        return (prefix, rest) if separated else (default, line)

    return routing(route)


def _one_field(values: Mapping[str, Any]) -> FieldNeed:
    return FieldNeed(values["separator"], values["field"])


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
            "field": Option("count", "which field, from 1", required=True),
            "tags": Option("tags", "texts of that field and the tags they stand for", required=True),
            "default": DEFAULT,
        },
        sets_tag=_has_default,
        gives_tags=_tags_of("tags"),
        passes_line=True,
        needs_fields=_one_field,
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
