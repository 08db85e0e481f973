"""Times in one form, whatever form they come in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from fproc.pipeline.processors.base import (
    OTHERWISE,
    Maker,
    Option,
    Processor,
    Source,
    StepKind,
    mapping,
    misfit,
    same_fields,
)
from fproc.pipeline.processors.editing.moments import (
    UNITS,
    Calendar,
    NoZoneError,
    format_pattern,
    has_zone,
    time_reader,
    time_writer,
    zone_of,
)
from fproc.pipeline.processors.editing.values import Field
from fproc.pipeline.processors.objects import MISSING, Misfit, StructuredRecord, editing, get, needing, put
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import SEPARATOR, same_tag

CACHED_TIMES = 10_000
"""How many times are kept as they are written and will be written: many lines have the same second."""

Convert = Callable[[str], Any]
"""Return a time in its new form; raises `Misfit`."""


def _converter(formats: Sequence[str], zone: str | None, to: str, source: Source) -> Convert:
    calendar = Calendar(None if zone is None else zone_of(zone), date.fromisoformat(source.date))
    readers = [time_reader(text, calendar) for text in formats]
    write = time_writer(to)
    cached: dict[str, Any] = {}

    def convert(text: str) -> Any:
        known = cached.get(text)
        if known is not None:
            return known
        for read in readers:
            try:
                instant = read(text)
                if instant is not None:
                    if len(cached) == CACHED_TIMES:
                        cached.clear()
                    cached[text] = written = write(instant)
                    return written
            except NoZoneError as why:
                raise Misfit(f"{text!r} {why}") from None
            except (OverflowError, ValueError):
                raise Misfit(f"{text!r} is outside of the years 1 to 9999") from None
        raise Misfit(f"{text!r} is no time in {' or '.join(map(repr, formats))}")

    return convert


def _timestamp(
    *, field: Field, separator: str, formats: Sequence[str], zone: str | None, to: str, otherwise: str
) -> Maker:
    def make(source: Source, output: Any) -> Processor:
        convert = _converter(formats, zone, to, source)
        if isinstance(field, str):
            return editing(_in_record(field, convert), otherwise)
        return mapping(_in_line(field, separator, convert, otherwise))(source, output)

    return make


def _in_record(field: str, convert: Convert) -> Callable[[StructuredRecord], StructuredRecord]:
    def edit(record: StructuredRecord) -> StructuredRecord:
        value = get(record, field)
        if value is MISSING:
            raise Misfit(f"has no field {field!r}")
        changed = dict(record)
        put(changed, field, convert(value if type(value) is str else text_of(value)))
        return changed

    return edit


def _in_line(column: int, separator: str, convert: Convert, otherwise: str) -> Callable[[str], str | None]:
    """Return a call that converts a column of a line, whose other text stays as it is."""
    before = (
        rf"\s*(?:\S+\s+){{{column - 1}}}"
        if separator == " "
        else rf"(?:.*?{re.escape(separator)}){{{column - 1}}}"
    )
    text = r"\S+" if separator == " " else rf"(?:(?!{re.escape(separator)}).)*"
    find = re.compile(f"({before})({text})", re.DOTALL).match

    def change(line: str) -> str | None:
        match = find(line)
        if match is None:
            return misfit(line, otherwise, f"has no column {column}")
        try:
            return f"{match[1]}{convert(match[2])}{line[match.end() :]}"
        except Misfit as why:
            return misfit(line, otherwise, str(why))

    return change


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    zone = values["zone"]
    if zone is not None:
        try:
            zone_of(zone)
        except ValueError as error:
            yield "zone", str(error), "say UTC, an offset such as +02:00, or a name such as Europe/Berlin"
    for text in values["formats"]:
        if text == "iso" or text in UNITS:
            continue
        try:
            format_pattern(text)
        except ValueError as error:
            yield "formats", f"{text!r} {error}", ""
            continue
        if "%" not in text:
            yield "formats", f"{text!r} is no format", f"say iso, {', '.join(UNITS)}, or one with %Y, %m, ..."
        elif zone is None and not has_zone(text):
            yield "zone", f"{text!r} has no zone in it, so it has to be said", "UTC, for example"
    if values["to"] != "iso" and values["to"] not in UNITS and "%" not in values["to"]:
        yield "to", f"{values['to']!r} is no format", f"say iso, {', '.join(UNITS)}, or one with %Y, %m, ..."


TIMESTAMP = same_tag(
    "Brings a time into another form, in UTC.",
    _timestamp,
    (
        {"field": "time", "formats": ["%d/%b/%Y:%H:%M:%S %z", "unix_ms"]},
        ['{"time": "22/Nov/2026:10:00:00 +0100"}', '{"time": 1795338000250}', '{"time": "now"}'],
        ['{"time":"2026-11-22T09:00:00Z"}', '{"time":"2026-11-22T09:00:00.250Z"}', '{"time": "now"}'],
    ),
    {
        "field": Option("field", "the field: a column of the line from 1, or a key", required=True),
        "separator": SEPARATOR,
        "formats": Option(
            "names",
            "how it is written; the first that fits counts: `iso` (ISO 8601), `unix`, `unix_ms`, `unix_us` "
            "or `unix_ns` (since 1970), or a format of `strptime` (`%d/%b/%Y:%H:%M:%S %z`), with English "
            "names. Without a year, it is in the one that brings it nearest to when the input was last "
            "written",
            default=["iso"],
        ),
        "zone": Option(
            "separator",
            "the zone of times that do not say theirs: `UTC`, `+02:00`, `Europe/Berlin`; without it, such a "
            "time is a misfit",
        ),
        "to": Option(
            "separator", "the new form: `iso`, `unix` and its like, or a format of `strftime`", default="iso"
        ),
        "otherwise": OTHERWISE,
    },
    step=lambda values: StepKind.EDIT if isinstance(values["field"], str) else None,
    check=_check,
    fields_after=same_fields,
    fields_before=needing(lambda values: [values["field"]]),
)
