r"""Structured records: what a JSON object on a line is to the built-ins that make, change and end one.

A record is a `dict` of JSON values in the order of its keys. A number whose spelling Python would not give
back (`1.50`, `1e3`, `-0`) is a `SpelledNumber`, which counts as its value and is written as it came. What is
no such record, or has not what a processor needs, is a `Misfit`.

The compiler passes records from one built-in to the next, the same `dict` to each that follows. So a
processor never changes a record that it was given: it changes a copy, `dict(record)`, with `put` and
`remove`, which copy the objects within that they change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import Any

from fproc.pipeline.processors.base import FieldsBefore, Processor, State, misfit
from fproc.pipeline.records import Record

StructuredRecord = dict[str, Any]

MOST_FORMS = 256
"""The most sets of keys of which it is kept how their records are written."""

MOST_IN_FORM = 4096
"""The most keys, and characters in them, of a set that is kept."""

MISSING: Any = object()
"""What `get` returns for a field that a record has not: one that is null is there."""


class Misfit(Exception):  # noqa: N818 - what a line is, not an error of the program
    """A line or a record that does not fit; the message says why."""


class SpelledNumber(float):
    """A number that is written as it came."""

    __slots__ = ("text",)

    text: str


def spelled(text: str) -> SpelledNumber:
    """Return the number that JSON writes as this text."""
    number = SpelledNumber(text)
    number.text = text
    return number


def _number(text: str) -> float:
    number = float(text)
    return number if repr(number) == text else spelled(text)


def _whole_number(text: str) -> int | float:
    try:
        number = int(text)
    except ValueError:  # more digits than Python converts
        return spelled(text)
    return number if number or text == "0" else spelled(text)


def _no_number(text: str) -> Any:
    raise Misfit(f"is not JSON: {text} is no number of JSON")


_scan = json.JSONDecoder(parse_float=_number, parse_constant=_no_number).scan_once  # type: ignore[attr-defined]
"""The fast way to decode the usual line, from its first character to its last."""

_decode_any = json.JSONDecoder(parse_float=_number, parse_int=_whole_number, parse_constant=_no_number).decode

_NEGATIVE_ZERO = re.compile(r"-0(?![\d.eE])")

_ESCAPES = r"""(?xs) \\(?: u [dD][89abAB][0-9a-fA-F]{2} \\u [dD][c-fC-F][0-9a-fA-F]{2}
            | (?P<half> u [dD][89a-fA-F][0-9a-fA-F]{2} )
            | . )"""
"""Each escape in a text of JSON; `half` is one half of a pair (UTF-16) without the other."""


def decode(line: str) -> StructuredRecord:
    """Return the record that is the JSON object on a line.

    Raises:
        Misfit: there is none, there is something else as well, or it has half a character, which could not
            be told from a byte that is no UTF-8.
    """
    try:
        record, end = _scan(line, 0)
        is_done = end == len(line) and not ("-0" in line and _NEGATIVE_ZERO.search(line))
    except (ValueError, StopIteration, RecursionError):
        is_done = False
    if not is_done:
        record = _decoded(line)
    if type(record) is not dict:
        raise Misfit(f"is no JSON object but {_kind(record)}")
    if "\\u" in line and any(escape["half"] for escape in re.finditer(_ESCAPES, line)):
        raise Misfit("has half a character in it (a lone surrogate)")
    return record


def _decoded(line: str) -> Any:
    """Return the value on a line that is unusual: with blanks around, numbers in odd forms, or no JSON."""
    try:
        return _decode_any(line)
    except json.JSONDecodeError as error:
        raise Misfit(f"is not JSON: {error.msg} (column {error.pos + 1})") from error
    except RecursionError as error:
        raise Misfit("is nested too deep") from error


def _kind(value: Any) -> str:
    kinds = {str: "text", list: "a list", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} is no type of JSON")


as_json: Callable[[str], str] = encode_basestring
"""Return a text as it is written in JSON, in quotes."""

_encode_pieces = c_make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, False, False)
"""What `json.JSONEncoder` makes anew for each value; it looks for no circles, and refuses NaN."""


def _encode(value: Any) -> str:
    return "".join(_encode_pieces(value, 0))


_PLAIN = frozenset({str, int, bool, type(None), float})
"""Types that the encoder of the standard library writes as they came."""


def encode(record: StructuredRecord) -> str:
    """Return a record as one line of JSON, without blanks between its parts; undecodable bytes survive.

    Raises:
        Misfit: it has something in it that JSON cannot write.
    """
    try:
        form = _FORMS[tuple(record)]
        return _spelled(record) if form is None else form.filled(record.values())
    except (ValueError, TypeError) as error:
        raise Misfit(f"cannot be written as JSON: {error}") from error
    except RecursionError as error:
        raise Misfit("is nested too deep") from error


def _pieces(keys: Sequence[str], quote: str) -> list[str]:
    """Return the pieces of a record's text, every second one for a value within these quotes."""
    pieces, before = list[str](), "{"
    for key in keys:
        pieces += [f"{before}{encode_basestring(key)}:{quote}", ""]
        before = f"{quote},"
    return [*pieces, f"{quote}}}" if keys else "{}"]


class _Form:
    """How records with certain keys are written: values that are plain text only, or any values."""

    __slots__ = ("has_text_only", "pieces", "text_pieces")

    def __init__(self, keys: Sequence[str]) -> None:
        self.pieces, self.text_pieces = _pieces(keys, ""), _pieces(keys, '"')
        self.has_text_only = True

    def filled(self, values: Collection[Any]) -> str:
        """Return the text of a record with these values; raise what `encode` makes a `Misfit` of."""
        if self.has_text_only:
            try:
                text = "".join(values)
            except TypeError:
                self.has_text_only = False
            else:
                if '"' not in text and "\\" not in text and text.isprintable():
                    pieces = self.text_pieces.copy()
                    pieces[1::2] = values
                    return "".join(pieces)
        pieces = self.pieces.copy()
        pieces[1::2] = [
            encode_basestring(value) if type(value) is str else _spelled(value) for value in values
        ]
        return "".join(pieces)


class _Forms(dict[tuple[Any, ...], _Form | None]):
    """The forms of keys that were met lately; None for those that are no texts, or too many to be kept."""

    def __missing__(self, keys: tuple[Any, ...]) -> _Form | None:
        if not {str}.issuperset(map(type, keys)) or len(keys) + sum(map(len, keys)) > MOST_IN_FORM:
            return None
        if len(self) >= MOST_FORMS:
            self.clear()
        form = self[keys] = _Form(keys)
        return form


_FORMS = _Forms()


_CONSTANTS = {None: "null", True: "true", False: "false"}


def _spelled(value: Any) -> str:
    """Return a value as JSON, each number as it came."""
    kind = type(value)
    if kind is int or (kind is float and value - value == 0):  # neither infinite nor NaN
        return repr(value)
    if value is None or kind is bool:
        return _CONSTANTS[value]
    if kind is SpelledNumber:
        return str(value.text)
    if kind is dict and not _PLAIN.issuperset(map(type, value.values())):
        parts = [f"{_key(key)}:{_spelled(item)}" for key, item in value.items()]
        return f"{{{','.join(parts)}}}"
    if kind is list and not _PLAIN.issuperset(map(type, value)):
        return f"[{','.join(map(_spelled, value))}]"
    return _encode(value)


def _key(key: Any) -> str:
    if type(key) is not str:
        raise TypeError(f"the key {key!r} is no text")
    return encode_basestring(key)


def get(record: StructuredRecord, path: str, default: Any = MISSING) -> Any:
    """Return the field at a path: a key, or keys of objects within each other (`a.b`).

    A key that has the dot in it wins.
    """
    if path in record:
        return record[path]
    key, dot, rest = path.partition(".")
    inner = record.get(key) if dot else None
    return get(inner, rest, default) if type(inner) is dict else default


def put(record: StructuredRecord, path: str, value: Any) -> None:
    """Set the field at a path, with the objects on the way to it. The record is the caller's own copy.

    Raises:
        Misfit: something on the way is no object.
    """
    key, dot, rest = path.partition(".")
    if path in record or not dot:
        record[path] = value
        return
    inner = record.get(key, {})
    if type(inner) is not dict:
        raise Misfit(f"the field {key!r} is no object but {_kind(inner)}, so it has no {rest!r}")
    inner = dict(inner)
    put(inner, rest, value)
    record[key] = inner


def remove(record: StructuredRecord, path: str) -> Any:
    """Take the field at a path out of a record, the caller's own copy; return it, or `MISSING`."""
    if path in record:
        return record.pop(path)
    key, dot, rest = path.partition(".")
    inner = record.get(key) if dot else None
    if type(inner) is not dict or get(inner, rest) is MISSING:
        return MISSING
    record[key] = inner = dict(inner)
    return remove(inner, rest)


def top_keys(paths: Iterable[str]) -> frozenset[str]:
    """Return the keys of a record that `get`, `put` and `remove` may look at for some paths."""
    return frozenset(key for path in paths for key in (path, path.partition(".")[0]))


def first_keys(paths: Iterable[str]) -> frozenset[str]:
    """Return the keys of a record under which `put` puts fields at some paths, if it has none of them yet."""
    return frozenset(path.partition(".")[0] for path in paths)


def needing(paths_of: Callable[[Mapping[str, Any]], Iterable[str]]) -> FieldsBefore:
    """Declare that a built-in needs the fields at some paths, beside those that are needed behind it."""
    return lambda values, behind: None if behind is None else behind | top_keys(paths_of(values))


def needing_only(paths_of: Callable[[Mapping[str, Any]], Iterable[str] | None]) -> FieldsBefore:
    """Declare that records end at a built-in, which needs the fields at some paths; None is all."""

    def before(values: Mapping[str, Any], _behind: frozenset[str] | None) -> frozenset[str] | None:
        paths = paths_of(values)
        return None if paths is None else top_keys(paths)

    return before


Parse = Callable[[str], StructuredRecord | None]
"""Make a record of a line; None drops the line."""

Edit = Callable[[StructuredRecord], StructuredRecord | None]
"""Make a record of another, which stays as it is; None drops it."""

Select = Callable[[StructuredRecord], bool]
"""Return whether to keep a record."""

Format = Callable[[StructuredRecord], str | None]
"""Make the text of a record; None drops it."""

Finish = Callable[[], Iterable[Record]]


def parsing(
    parse: Parse,
    otherwise: str,
    *,
    finish: Finish | None = None,
    state: State | None = None,
    is_settled: Callable[[], bool] | None = None,
    narrow: Callable[[frozenset[str]], Parse] | None = None,
) -> Processor:
    """Return a processor that makes records of lines; `narrow` is as in `Processor`."""

    def make(line: str) -> str | None:
        record = parse(line)
        return None if record is None else encode(record)

    process = _fitting(make, otherwise)
    return Processor(process, finish, state=state, step=parse, is_settled=is_settled, narrow=narrow)


def editing(
    edit: Edit, otherwise: str, *, finish: Finish | None = None, state: State | None = None
) -> Processor:
    """Return a processor that makes records of records."""

    def make(line: str) -> str | None:
        record = edit(decode(line))
        return None if record is None else encode(record)

    return Processor(_fitting(make, otherwise), finish, state=state, step=edit)


def selecting(
    keep: Select,
    otherwise: str,
    *,
    finish: Finish | None = None,
    state: State | None = None,
    target: Any = None,
) -> Processor:
    """Return a processor that keeps some records, each with its line; `target` is as in `Processor`."""
    return Processor(
        _fitting(lambda line: line if keep(decode(line)) else None, otherwise),
        finish,
        state=state,
        step=keep,
        target=target,
    )


def formatting(
    form: Format, otherwise: str, *, finish: Finish | None = None, state: State | None = None
) -> Processor:
    """Return a processor that makes text of records."""
    return Processor(_fitting(lambda line: form(decode(line)), otherwise), finish, state=state, step=form)


def _fitting(make: Callable[[str], str | None], otherwise: str) -> Callable[[str, str], Sequence[Record]]:
    """Return what makes one line of another, or does as `otherwise` says with one that does not fit."""

    def process(tag: str, line: str) -> Sequence[Record]:
        try:
            made = make(line)
        except Misfit as why:
            made = misfit(line, otherwise, str(why))
        return () if made is None else ((tag, made),)

    return process
