"""`parse_kv`: pairs of keys and values."""

from __future__ import annotations

import re
from collections.abc import Callable

from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, StepKind
from fproc.pipeline.processors.objects import Misfit, StructuredRecord, parsing
from fproc.pipeline.processors.text import SEPARATOR, same_tag

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def pair_splitter(separator: str, delimiter: str, quote: str) -> Callable[[str], list[str]]:
    """Return a call that splits a line into pairs; it raises `Misfit` where a quote is wrong.

    A quote opens a value right behind the first delimiter of a pair. In quotes, a backslash may stand before
    a quote or another backslash.
    """
    by = None if separator == " " else separator
    gap = r"\s+" if by is None else re.escape(separator)
    mark, begin = re.escape(quote), re.escape(delimiter)
    inside = rf"(?:[^{mark}\\]|\\.)*"
    outside = rf"(?:(?!{gap}|{begin}).)*"
    pair = re.compile(
        rf"{outside}{begin}(?P<quoted>{mark}{inside}(?P<closed>{mark})?)(?=(?P<ended>{gap}|\Z)?)"
        rf"|(?P<plain>(?:(?!{gap}).)+)",
        re.DOTALL,
    )
    skip = re.compile(f"(?:{gap})*")

    def quoted(line: str) -> list[str]:
        pairs: list[str] = []
        position = skip.match(line).end()  # type: ignore[union-attr]  # it matches anything
        while position < len(line):
            found = pair.match(line, position)
            assert found
            if found["plain"] is None and (found["closed"] is None or found["ended"] is None):
                what = "is never closed" if found["closed"] is None else "has text behind it"
                raise Misfit(f"the quoted value of {found[0].partition(delimiter)[0]!r} {what}")
            pairs.append(found[0])
            position = skip.match(line, found.end()).end()  # type: ignore[union-attr]
        return pairs

    return lambda line: quoted(line) if quote in line else line.split(by)


def _parse_kv(*, separator: str, delimiter: str, quote: str, skip_words: bool, otherwise: str) -> Maker:
    split = pair_splitter(separator, delimiter, quote)

    def parse(line: str) -> StructuredRecord | None:
        if not line or line.isspace():
            return None
        record: StructuredRecord = {}
        for pair in split(line):
            key, found, value = pair.partition(delimiter)
            if not (found and key):
                if skip_words or not pair:
                    continue
                raise Misfit(f"has {pair!r}, which is no key{delimiter}value")
            record[key] = _unquoted(value, quote) if quote in value else value
        if not record:
            raise Misfit(f"has no key{delimiter}value")
        return record

    processor = parsing(parse, otherwise)
    return lambda _source, _output: processor


def _unquoted(value: str, quote: str) -> str:
    if value[0] != quote:
        return value
    text = value[len(quote) : -len(quote)]
    return _ESCAPED.sub(lambda found: found[1] if found[1] in {quote, "\\"} else found[0], text)


def kv_joiner(separator: str, delimiter: str, quote: str) -> Callable[[list[tuple[str, str]]], str]:
    """Return a call that makes a line of pairs, with quotes around values that need them.

    It raises `Misfit` for a key that no line can have.
    """
    special = re.compile(r"\s" if separator == " " else "[" + re.escape(separator) + r"\n\r]")

    def join(pairs: list[tuple[str, str]]) -> str:
        return separator.join([f"{key}{delimiter}{value}" for key, value in map(checked, pairs)])

    def checked(pair: tuple[str, str]) -> tuple[str, str]:
        key, value = pair
        if not key or delimiter in key or quote in key or special.search(key):
            raise Misfit(f"has a key that no key{delimiter}value can have: {key!r}")
        if quote in value or special.search(value):
            escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
            value = f"{quote}{escaped}{quote}"
        return key, value

    return join


DELIMITER = Option("separator", "what stands between a key and its value", default="=")
QUOTE = Option("character", "what stands around a value with a separator in it", default='"')

PARSE_KV = same_tag(
    "Makes a record of `key=value` pairs; a value may be empty, or have a `=` in it.",
    _parse_kv,
    (
        {},
        ['user=ann query="a=1 and b" note= sum=1=1'],
        ['{"user":"ann","query":"a=1 and b","note":"","sum":"1=1"}'],
    ),
    {
        "separator": SEPARATOR,
        "delimiter": DELIMITER,
        "quote": QUOTE,
        "skip_words": Option(
            "flag", "pass over words that are no pair; else a line with one does not fit", default=False
        ),
        "otherwise": OTHERWISE_REJECT,
    },
    step=lambda _values: StepKind.PARSE,
)
