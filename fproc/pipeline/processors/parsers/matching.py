"""`parse_regex`: the fields of a line by a regular expression."""

from __future__ import annotations

from typing import Any

from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, StepKind
from fproc.pipeline.processors.editing.values import number_of, number_value
from fproc.pipeline.processors.objects import Misfit, StructuredRecord, first_keys, parsing, put
from fproc.pipeline.processors.parsers.grok import FieldPattern
from fproc.pipeline.processors.text import same_tag


def typed(path: str, text: str | None, kind: str | None) -> Any:
    """Return the text of a field as its type, or as it is; null where there is none.

    Raises:
        Misfit: it is no number, or no whole one.
    """
    if text is None or kind is None:
        return text
    number = number_of(text)
    if number is None or (kind == "int" and type(number) is not int):
        raise Misfit(f"the field {path!r} is no {'whole ' * (kind == 'int')}number: {text!r}")
    return number_value(number)


def _parse_regex(*, pattern: FieldPattern, otherwise: str) -> Maker:
    search, fields = pattern.pattern.search, pattern.fields
    why = f"does not match {pattern.text!r}"

    def parse(line: str) -> StructuredRecord:
        match = search(line)
        if match is None:
            raise Misfit(why)
        record: StructuredRecord = {}
        for path, groups, kind in fields:
            texts = (text for group in groups if (text := match[group]) is not None)
            put(record, path, typed(path, next(texts, None), kind))
        return record

    def parse_plain(line: str) -> StructuredRecord:
        match = search(line)
        if match is None:
            raise Misfit(why)
        return match.groupdict()

    is_plain = all(groups == (path,) and kind is None for path, groups, kind in fields)
    processor = parsing(parse_plain if is_plain else parse, otherwise)
    return lambda _source, _output: processor


PARSE_REGEX = same_tag(
    "Makes a record of the named groups of a regular expression.",
    _parse_regex,
    (
        {"pattern": "^%{IP:client} (?P<method>[A-Z]+) %{NOTSPACE:path} %{INT:status:int}"},
        ["10.0.0.1 GET /index.html 200"],
        ['{"client":"10.0.0.1","method":"GET","path":"/index.html","status":200}'],
    ),
    {
        "pattern": Option(
            "field_pattern",
            "a regular expression, searched for anywhere in the line, with fields `(?P<name>...)` or "
            "`%{NAME:field}`, where NAME is a known pattern, and `%{NAME:field:int}` or `:float` a number",
            required=True,
        ),
        "otherwise": OTHERWISE_REJECT,
    },
    step=lambda _values: StepKind.PARSE,
    fields_after=lambda values, _before: first_keys(path for path, _, _ in values["pattern"].fields),
)
