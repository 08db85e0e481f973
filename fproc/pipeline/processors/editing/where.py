"""Keeping lines by what one of their fields is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fproc.pipeline.processors.base import OTHERWISE, Maker, Option, StepKind, mapping, same_fields
from fproc.pipeline.processors.editing.values import Field, Test, beyond, equal_to, field_reader
from fproc.pipeline.processors.objects import MISSING, Select, needing, selecting
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import SEPARATOR, same_tag

CONDITIONS = ("is", "not", "above", "below", "matches", "exists")
"""The options that say what a field has to be."""


def _tests(values: Mapping[str, Any]) -> Iterator[Test]:
    """Yield a test for each condition of the options."""
    for name, wanted in values.items():
        if wanted is None or name not in CONDITIONS:
            continue
        if name == "exists":
            yield (lambda value: value is not MISSING) if wanted else (lambda value: value is MISSING)
        elif name == "matches":
            yield _matching(wanted)
        elif name in {"above", "below"}:
            yield beyond(wanted, above=name == "above")
        else:
            yield _one_of(wanted, is_wanted=name == "is")


def _matching(pattern: re.Pattern[str]) -> Test:
    search = pattern.search
    return lambda value: value is not MISSING and search(text_of(value)) is not None


def _one_of(wanted: list[Any], *, is_wanted: bool) -> Test:
    """Return a test for a value that is one of several, or is none of them but there."""
    texts = frozenset(item for item in wanted if isinstance(item, str))
    others = [equal_to(item) for item in wanted if not isinstance(item, str)]
    if not others and is_wanted:
        return lambda value: (value if type(value) is str else _told(value)) in texts
    if not others:
        return lambda value: value is not MISSING and _told(value) not in texts

    def is_one(value: Any) -> bool:
        return _told(value) in texts or any(test(value) for test in others)

    return is_one if is_wanted else (lambda value: value is not MISSING and not is_one(value))


def _told(value: Any) -> Any:
    """Return the text that a value is written as; what is null or not there is no text."""
    return value if value is None or value is MISSING else text_of(value)


def _where(*, field: Field, separator: str, otherwise: str, **conditions: Any) -> Maker:
    read = field_reader(field, separator)
    tests = list(_tests(conditions))

    if len(tests) == 1:
        (test,) = tests

        def keep(record: Any) -> bool:
            return test(read(record))

    else:

        def keep(record: Any) -> bool:
            value = read(record)
            return all(test(value) for test in tests)

    return _keeping(field, keep, otherwise)


def _keeping(field: Field, keep: Select, otherwise: str) -> Maker:
    if isinstance(field, int):
        select: Callable[[Any], bool] = keep
        return mapping(lambda line: line if select(line) else None)
    processor = selecting(keep, otherwise)
    return lambda _source, _output: processor


def _step(values: Mapping[str, Any]) -> StepKind | None:
    return None if isinstance(values["field"], int) else StepKind.SELECT


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if all(values[name] is None for name in CONDITIONS):
        yield "field", "nothing says what the field has to be", f"give one of {', '.join(CONDITIONS)}"


_SORTS = "; a number is compared with numbers, a date or time (ISO 8601) with those, text with text"

WHERE = same_tag(
    "Keeps the lines with a field that is as it should be, in all that is asked, and drops the others.",
    _where,
    (
        {"field": "took", "above": 100},
        ['{"path": "/a", "took": 250.0}', '{"path": "/b", "took": 99}', '{"path": "/c", "took": "1e3"}'],
        ['{"path": "/a", "took": 250.0}', '{"path": "/c", "took": "1e3"}'],
    ),
    {
        "field": Option("field", "the field: a column of the line from 1, or a key", required=True),
        "separator": SEPARATOR,
        "is": Option("values", 'what it is, or a list of what it may be; `1` is also `1.0` and `"1"`'),
        "not": Option("values", "what it is not; a line without the field is dropped"),
        "above": Option("bound", f"it is greater than this{_SORTS}"),
        "below": Option("bound", "it is less than this"),
        "matches": Option("pattern", "a regular expression, searched for anywhere in it"),
        "exists": Option("flag", "whether the line has the field at all; null counts as there"),
        "otherwise": OTHERWISE,
    },
    passes_line=True,
    step=_step,
    check=_check,
    fields_after=same_fields,
    fields_before=needing(lambda values: [values["field"]]),
)
