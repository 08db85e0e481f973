"""Checking records by rules for their fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fproc.base.text import excerpt
from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, StepKind, same_fields
from fproc.pipeline.processors.editing.moments import instant_of
from fproc.pipeline.processors.editing.values import Test, beyond, equal_to, number_of
from fproc.pipeline.processors.objects import MISSING, Misfit, StructuredRecord, get, needing, selecting
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import same_tag

Rule = tuple[str, Test, str]
"""A field, a test for its value, and what is said of a value that fails it."""

_TRUTHS = frozenset({"true", "false"})


def _is_integer(value: Any) -> bool:
    number = number_of(value)
    return number is not None and number == int(number)


TYPES: dict[str, Test] = {
    "text": lambda value: type(value) is str,
    "number": lambda value: number_of(value) is not None,
    "integer": _is_integer,
    "boolean": lambda value: type(value) is bool or (type(value) is str and value in _TRUTHS),
    "time": lambda value: type(value) is str and instant_of(value) is not None,
    "object": lambda value: type(value) is dict,
    "list": lambda value: type(value) is list,
}
"""What a field can have to be; text that reads as a number, or as true or false, is one."""


def _rules(options: Mapping[str, Any]) -> Iterator[Rule]:
    for field, kind in (options["types"] or {}).items():
        yield field, TYPES[kind], f"is no {kind}"
    for field, pattern in (options["patterns"] or {}).items():
        yield field, _matching(pattern), f"does not match {pattern.pattern!r}"
    for field, (least, most) in (options["ranges"] or {}).items():
        if least is not None:
            yield field, _within(least, is_least=True), f"is not {least} or more"
        if most is not None:
            yield field, _within(most, is_least=False), f"is not {most} or less"
    for field, wanted in (options["one_of"] or {}).items():
        yield field, _one_of(wanted), f"is not one of {excerpt(', '.join(map(text_of, wanted)))}"


def _matching(pattern: re.Pattern[str]) -> Test:
    search = pattern.search
    return lambda value: search(text_of(value)) is not None


def _within(bound: Any, *, is_least: bool) -> Test:
    """Return a test for a value that is the bound or on the right side of it."""
    inside, at = beyond(bound, above=is_least), _at(bound)
    return lambda value: inside(value) or at(value)


def _at(bound: Any) -> Test:
    number = number_of(bound)
    if number is not None:
        return lambda value: number_of(value) == number
    instant = instant_of(bound)
    if instant is not None:
        return lambda value: type(value) is str and instant_of(value) == instant
    return equal_to(bound)


def _one_of(wanted: Sequence[Any]) -> Test:
    texts = frozenset(item for item in wanted if isinstance(item, str))
    tests = [equal_to(item) for item in wanted]
    return lambda value: (type(value) is str and value in texts) or any(test(value) for test in tests)


def _validate(*, required: Sequence[str] | None, otherwise: str, **options: Any) -> Maker:
    rules = list(_rules(options))
    checks: list[Callable[[StructuredRecord], str]] = [_required(field) for field in required or ()]
    checks += [_following(*rule) for rule in rules]

    def is_valid(record: StructuredRecord) -> bool:
        for check in checks:
            if check(record):
                raise Misfit("; ".join(filter(None, [check(record) for check in checks])))
        return True

    processor = selecting(is_valid, otherwise)
    return lambda _source, _output: processor


def _required(field: str) -> Callable[[StructuredRecord], str]:
    def check(record: StructuredRecord) -> str:
        value = get(record, field)
        if value is MISSING:
            return f"the field {field!r} is missing"
        return f"the field {field!r} is empty" if value is None or value == "" else ""

    return check


def _following(field: str, test: Test, complaint: str) -> Callable[[StructuredRecord], str]:
    """Return a check of a field that is there and not empty; whether it has to be is asked by `required`."""
    path = field if "." in field else None

    def check(record: StructuredRecord) -> str:
        value = record.get(field, MISSING) if path is None else get(record, field)
        if value is MISSING or value is None or value == "" or test(value):
            return ""
        return f"the field {field!r}, {excerpt(text_of(value))!r}, {complaint}"

    return check


RULES = ("required", "types", "patterns", "ranges", "one_of")
"""The options that are rules, each for some fields."""


def _checked_fields(values: Mapping[str, Any]) -> list[str]:
    return [field for name in RULES for field in values[name] or ()]


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if not any(values[name] for name in RULES):
        yield "required", "there is no rule", "give required, types, patterns, ranges or one_of"


VALIDATE = same_tag(
    "Checks fields of a record; one that breaks a rule is rejected with the reason.",
    _validate,
    (
        {"required": ["id"], "types": {"age": "integer"}, "ranges": {"age": [0, 150]}, "otherwise": "drop"},
        ['{"id": 1, "age": "42"}', '{"age": 7}', '{"id": 2, "age": 200}'],
        ['{"id": 1, "age": "42"}'],
    ),
    {
        "required": Option("names", "fields that have to be there, and not null or empty"),
        "types": Option(
            "types:" + ",".join(TYPES),
            "fields and what they are: `text`, `number`, `integer`, `boolean`, `time` (ISO 8601), `object` "
            "or `list`; text that reads as a number is one",
        ),
        "patterns": Option("rules", "fields and regular expressions that are searched for in them"),
        "ranges": Option(
            "ranges", "fields and the least and the most that they may be, `[0, 150]`; null is no bound"
        ),
        "one_of": Option("lists", 'fields and the values that they may have, `["EUR", "USD"]`'),
        "otherwise": OTHERWISE_REJECT,
    },
    passes_line=True,
    step=lambda _values: StepKind.SELECT,
    check=_check,
    fields_after=same_fields,
    fields_before=needing(_checked_fields),
)
