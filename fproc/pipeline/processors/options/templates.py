"""Templates: text with `{name}` placeholders, for lines, for records, and for the names of results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from fproc.pipeline.processors.base import Maker, Source, mapping
from fproc.pipeline.processors.objects import MISSING, Misfit, SpelledNumber, StructuredRecord, encode, get

POSITIONS = ("file", "line_no", "offset")
"""Placeholders for the input's name, and the number and the offset in bytes of the line that is processed."""


def text_of(value: Any) -> str:
    """Return a value as text: a number as it is written, an object or a list as JSON, null as nothing."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is SpelledNumber:
        return str(value.text)
    if kind is bool:
        return "true" if value else "false"
    if kind in {dict, list}:
        return encode({"": value})[len('{"":') : -1]
    return "" if value is None else repr(value)


def position_value(source: Source, name: str) -> str | int | None:
    """Return what stands for one of `POSITIONS`; None, where a record belongs to no line."""
    if name == "file":
        return source.name
    return source.position.line_no() if name == "line_no" else source.position.offset_bytes()


Places = Callable[[], dict[str, str]]
"""A call that returns the text of each of `POSITIONS` that a template has."""


class Template:
    """Text with `{name}` placeholders; `{{` and `}}` stand for braces.

    Raises:
        ValueError: the text is not a template of plain `{name}` placeholders, or one is not `known`.
    """

    plain = re.compile(r"\w+")

    def __init__(self, text: str, known: list[str] | None = None) -> None:
        self.text = text
        self.names: list[str] = []
        for _, name, spec, conversion in Formatter().parse(text):
            if name is None:
                continue
            if spec or conversion or not self.plain.fullmatch(name):
                raise ValueError(f"{{{name}}} is not a plain {{name}}")
            if known is not None and name not in known:
                places = ", ".join(f"{{{place}}}" for place in known)
                raise ValueError(f"does not know {{{name}}}; there are {places}")
            self.names.append(name)

        self.positions = [name for name in dict.fromkeys(self.names) if name in POSITIONS]
        """Those of its placeholders that are `POSITIONS`."""

        self.appends = False
        """Whether it names results that are appended to."""

        self.fill = text.format
        """A call that fills the placeholders, numbered ones from positional arguments."""

    @property
    def highest_number(self) -> int:
        """The highest field number that the template uses, or 0."""
        return max((int(name) for name in self.names if name.isdecimal()), default=0)

    def places(self, source: Source) -> Places:
        """Return a call that returns the text of each of its `positions`."""
        positions = self.positions
        if not positions:
            return dict
        return lambda: {name: text_of(position_value(source, name)) for name in positions}

    def mapping(self, function_with: Callable[[Places], Callable[[str], str | None]]) -> Maker:
        """Return the maker of a map that fills it, made for each input if it has `positions`, or once."""
        if not self.positions:
            return mapping(function_with(dict))
        return lambda source, output: mapping(function_with(self.places(source)))(source, output)


class RecordTemplate(Template):
    """A template that is filled from the fields of a record; `{a.b}` is the key b of the object a.

    A field wins over one of `POSITIONS` that is called the same.
    """

    plain = re.compile(r"[^{}\[\]!:]+")

    def filler(self, source: Source, default: str | None = None) -> Callable[[StructuredRecord], str]:
        """Return a call that fills it; a missing field is the `default`, or else raises `Misfit`."""
        reads = [self._reader(name, source, default) for name in self.names]
        numbers = iter(range(len(reads)))
        pieces = [
            literal.replace("{", "{{").replace("}", "}}") + ("" if name is None else f"{{{next(numbers)}}}")
            for literal, name, _, _ in Formatter().parse(self.text)
        ]
        fill = "".join(pieces).format
        if len(reads) == 1:
            (read_one,) = reads
            return lambda record: fill(text_of(read_one(record)))
        return lambda record: fill(*[text_of(read(record)) for read in reads])

    def value_maker(self, source: Source) -> Callable[[StructuredRecord], Any]:
        """Return a call that fills it; one placeholder and nothing else is the field itself, of any type."""
        if len(self.names) == 1 and self.text == f"{{{self.names[0]}}}":
            return self._reader(self.names[0], source)
        return self.filler(source)

    @staticmethod
    def _reader(name: str, source: Source, default: str | None = None) -> Callable[[StructuredRecord], Any]:
        if name in POSITIONS:
            return lambda record: record[name] if name in record else position_value(source, name)

        def read(record: StructuredRecord) -> Any:
            value = get(record, name)
            if value is not MISSING:
                return value
            if default is None:
                raise Misfit(f"has no field {name!r}, which the template needs")
            return default

        return read


class OwnTemplate(RecordTemplate):
    """A template of what its processor makes up itself, not of fields of the records that it gets."""


class ResultTemplate(RecordTemplate):
    """A template of the name of a result, which may name fields of the record that goes there."""

    known = ("name", "stem", "suffix", "tag", "date")

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.fields = [name for name in dict.fromkeys(self.names) if name not in self.known]
        """The fields of the record that it names."""

    def fill_name(self, values: Mapping[str, str], fields: Sequence[str]) -> str:
        """Return it filled with values, and with what its fields have in this record, made safe."""
        if not self.fields:
            return self.fill(**values)
        safe = dict(zip(self.fields, map(safe_name, fields), strict=True))
        named = {**safe, **values}
        return "".join(
            [
                literal + ("" if name is None else named[name])
                for literal, name, _, _ in Formatter().parse(self.text)
            ]
        )


_UNSAFE = re.compile(r"[\x00-\x1f\x7f/%\\]|^\.")

MOST_NAME_BYTES = 150
"""The most bytes of a field that stand in a name: all of it may have 255."""


def safe_name(text: str) -> str:
    """Return text that can be a part of a name of a file, another one for each text that is not too long.

    What leads elsewhere or is not printed is written as in a URL (`%2F`), and so is an empty text (`%`).
    """
    safe = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)
    encoded = safe.encode("utf-8", "surrogateescape")
    return (
        encoded[:MOST_NAME_BYTES].decode("utf-8", "ignore") if len(encoded) > MOST_NAME_BYTES else safe or "%"
    )


def asks_line_no(values: Mapping[str, Any]) -> bool:
    """Return whether a template among these options asks for numbers of lines."""
    return any("line_no" in template.names for template in _templates(values))


def asked_fields(values: Mapping[str, Any]) -> list[str]:
    """Return the fields of records that templates among these options name."""
    names = [
        name
        for template in _templates(values)
        if isinstance(template, RecordTemplate) and not isinstance(template, OwnTemplate)
        for name in (template.fields if isinstance(template, ResultTemplate) else template.names)
    ]
    return [name for name in dict.fromkeys(names) if name not in POSITIONS]


def _templates(values: Mapping[str, Any]) -> Iterator[Template]:
    """Yield the templates among options, and in those that are objects."""
    for value in values.values():
        for entry in value.values() if isinstance(value, dict) else [value]:
            if isinstance(entry, Template):
                yield entry
