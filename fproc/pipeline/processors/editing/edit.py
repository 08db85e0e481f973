"""Changing records: what is set, renamed, removed, kept, and of what type it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fproc.pipeline.processors.base import OTHERWISE, Maker, Option, Source, StepKind
from fproc.pipeline.processors.editing.values import number_of, number_value
from fproc.pipeline.processors.objects import (
    MISSING,
    Misfit,
    SpelledNumber,
    StructuredRecord,
    editing,
    get,
    put,
    remove,
    spelled,
    top_keys,
)
from fproc.pipeline.processors.options.columns import Rearrange
from fproc.pipeline.processors.options.templates import RecordTemplate, text_of
from fproc.pipeline.processors.text import same_tag

Change = Callable[[StructuredRecord], StructuredRecord]
"""Change a record, which is the caller's own, or return another."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _as_text(value: Any) -> str:
    return text_of(value)


def _as_number(value: Any) -> Any:
    if type(value) in {int, float, SpelledNumber}:
        return value
    number = number_of(value)
    if number is None:
        raise Misfit("is no number")
    if type(number) is int or not _JSON_NUMBER.fullmatch(value):
        return number_value(number)
    return spelled(value)


def _as_integer(value: Any) -> Any:
    number = value if type(value) is int else number_of(value)
    if number is None or number != int(number):
        raise Misfit("is no whole number")
    return int(number)


def _as_boolean(value: Any) -> bool:
    truth = value if type(value) is bool else _TRUTHS.get(text_of(value).lower())
    if truth is None:
        raise Misfit("is neither true nor false")
    return truth


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "text": _as_text,
    "number": _as_number,
    "integer": _as_integer,
    "boolean": _as_boolean,
}
"""The types that a field can be given; empty text becomes null, but for `text`."""


def _typing(types: Mapping[str, str]) -> Change:
    conversions = [(path, kind, CONVERSIONS[kind]) for path, kind in types.items()]

    def change(record: StructuredRecord) -> StructuredRecord:
        for path, kind, convert in conversions:
            value = get(record, path)
            if value is MISSING or value is None:
                continue
            if value == "" and kind != "text":
                put(record, path, None)
                continue
            try:
                put(record, path, convert(value))
            except Misfit as why:
                raise Misfit(f"the field {path!r}, {text_of(value)!r}, {why}") from None
        return record

    return change


def _setting(values: Mapping[str, Any], source: Source) -> Change:
    makes = [(path, _made(value, source)) for path, value in values.items()]
    if len(makes) == 1 and "." not in makes[0][0]:
        ((key, make_one),) = makes

        def change_one(record: StructuredRecord) -> StructuredRecord:
            record[key] = make_one(record)
            return record

        return change_one

    def change(record: StructuredRecord) -> StructuredRecord:
        for path, value in [(path, make(record)) for path, make in makes]:
            put(record, path, value)
        return record

    return change


def _made(value: Any, source: Source) -> Callable[[StructuredRecord], Any]:
    """Return a call that makes a value: text is a template, of which one field alone keeps its type."""
    if isinstance(value, RecordTemplate) and not value.names:
        value = value.fill()
    if not isinstance(value, RecordTemplate):
        return lambda _record: value
    return value.value_maker(source)


def _renaming(names: Mapping[str, str]) -> Change:
    plain = dict(names) if not any("." in name for pair in names.items() for name in pair) else None
    news = frozenset(names.values())

    def change(record: StructuredRecord) -> StructuredRecord:
        if plain is not None:
            if plain.keys().isdisjoint(record):
                return record
            if not news.isdisjoint(record):
                taken = {new for old, new in plain.items() if old in record}
                record = {key: value for key, value in record.items() if key not in taken or key in plain}
            named = plain.get
            return {named(key, key): value for key, value in record.items()}
        for old, new in names.items():
            value = remove(record, old)
            if value is not MISSING:
                put(record, new, value)
        return record

    return change


def _removing(fields: Sequence[str]) -> Change:
    plain = [field for field in fields if "." not in field]
    nested = [field for field in fields if "." in field]

    def change(record: StructuredRecord) -> StructuredRecord:
        for field in plain:
            record.pop(field, None)
        for field in nested:
            remove(record, field)
        return record

    return change


def _keeping_only(fields: Sequence[str]) -> Change:
    wanted = frozenset(fields)
    nested = [field for field in fields if "." in field]

    def change(record: StructuredRecord) -> StructuredRecord:
        kept = {key: value for key, value in record.items() if key in wanted}
        for field in nested:
            value = get(record, field)
            if value is not MISSING and field not in record:
                put(kept, field, value)
        return kept

    return change


CHANGES = ("set", "rename", "remove", "keep", "types")
"""The options that change records."""


def _change(options: Mapping[str, Any], source: Source) -> Change:
    """Return a call that makes all changes, in their order, and leaves the record as it is."""
    changes: list[Change] = []
    if options["set"]:
        changes.append(_setting(options["set"], source))
    if options["rename"]:
        changes.append(_renaming(options["rename"]))
    if options["remove"]:
        changes.append(_removing(options["remove"]))
    if options["keep"]:
        changes.append(_keeping_only(options["keep"]))
    if options["types"]:
        changes.append(_typing(options["types"]))

    if [name for name in CHANGES if options[name]] == ["keep"]:
        return changes[0]  # it makes a new record anyway

    def edit(record: StructuredRecord) -> StructuredRecord:
        record = dict(record)
        for change in changes:
            record = change(record)
        return record

    return edit


def _edit(*, otherwise: str, **options: Any) -> Maker:
    return lambda source, _output: editing(_change(options, source), otherwise)


def _rearranges(values: Mapping[str, Any]) -> Rearrange | None:
    """Return the edit, if it only moves fields and sets others to what is the same in all records."""
    settings, names = values["set"] or {}, values["rename"] or {}
    paths = [*settings, *names, *names.values(), *(values["remove"] or ()), *(values["keep"] or ())]
    asks = any(isinstance(value, RecordTemplate) and value.names for value in settings.values())
    if values["types"] or asks or any("." in path for path in paths):
        return None
    return _change(values, Source("", ""))


def _fields_after(values: Mapping[str, Any], before: frozenset[str] | None) -> frozenset[str] | None:
    kept = values["keep"]
    if before is None and kept is None:
        return None
    names = values["rename"] or {}
    fields = {_first_key(field) for field in (*(before or ()), *(values["set"] or ()))}
    fields = ({names.get(field, field) for field in fields} | {_first_key(new) for new in names.values()}) - {
        *(values["remove"] or ())
    }
    if kept is not None:
        wanted = {_first_key(field) for field in kept}
        fields = wanted if before is None else fields & wanted
    return frozenset(fields)


def _fields_before(values: Mapping[str, Any], behind: frozenset[str] | None) -> frozenset[str] | None:
    """Return what is needed: also what a change reads or stumbles over to make what nobody needs."""
    kept = values["keep"]
    if kept is not None:
        behind = top_keys(kept) if behind is None else behind & top_keys(kept)
    if behind is None:
        return None
    settings, names = values["set"] or {}, values["rename"] or {}
    asked = [name for value in settings.values() if isinstance(value, RecordTemplate) for name in value.names]
    return behind | top_keys([*asked, *settings, *names, *names.values(), *(values["types"] or ())])


def _first_key(path: str) -> str:
    return path.partition(".")[0]


EDIT = same_tag(
    "Sets, renames, removes and keeps fields of a record, and gives them types, in this order.",
    _edit,
    (
        {
            "set": {"source": "{host}:{port}"},
            "rename": {"msg": "message"},
            "remove": ["host"],
            "types": {"port": "integer"},
        },
        ['{"host": "db1", "port": "5432", "msg": "up"}'],
        ['{"port":5432,"message":"up","source":"db1:5432"}'],
    ),
    {
        "set": Option(
            "settings",
            "fields and their values; text is a template of fields (`{host}`, `{a.b}`), `{file}`, "
            "`{line_no}` and `{offset}`; one placeholder alone gives the field as it is",
        ),
        "rename": Option("tags", "fields and their new names; they keep their places"),
        "remove": Option("names", "fields to remove"),
        "keep": Option("names", "the fields that stay; all others are removed"),
        "types": Option(
            "types:" + ",".join(CONVERSIONS),
            "fields and their types: `text`, `number`, `integer` or `boolean`; empty text becomes null",
        ),
        "otherwise": OTHERWISE,
    },
    step=lambda _values: StepKind.EDIT,
    fields_after=_fields_after,
    fields_before=_fields_before,
    rearranges=_rearranges,
)
