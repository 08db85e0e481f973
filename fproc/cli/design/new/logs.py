"""Logs: of web servers, of syslog, with levels, with stack traces, as JSON and as pairs of key and value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fproc.cli.design.new.beginning import Beginning
from fproc.cli.design.new.shape import ERRORS, EXAMPLE_RECORDS, TIDY, SampleShape, parser, share

MOST_SHARE = 0.95
"""How many of the lines have to fit."""

LEVEL_SHARE = 0.8
"""How many of the records have to have a level."""

FOLLOWING_SHARE = 0.5
"""How many of the lines that begin no record have to look like those of a stack trace."""

MOST_EXAMPLE_LINES = 40
"""Of one record."""

_OBJECTS = "one JSON object a line"

_LEVELS = {
    "error": ("ERROR", "ERR", "FATAL", "CRITICAL", "CRIT", "SEVERE", "ALERT", "EMERG", "EMERGENCY", "PANIC"),
    "warn": ("WARN", "WARNING"),
    "info": ("INFO", "INFORMATION", "NOTICE"),
    "debug": ("DEBUG", "TRACE", "FINE", "VERBOSE"),
}
"""Tags, and the levels that they stand for."""

LEVEL_WITHIN = 80
"""How far from the beginning of a line its level is, at most, in characters."""

_WORD = "|".join(word for words in _LEVELS.values() for word in words)
_LEVEL = re.compile(rf"(?<![\w/.-])(?i:{_WORD})(?![\w/.-])")

_STARTS = (
    r"^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d",
    r"^\[?\d\d[-/.]\d\d[-/.]\d{4} \d\d:\d\d",
    r"^\[?\d\d[/-][A-Z][a-z]{2}[/-]\d{4}[: ]\d\d:\d\d",
    r"^\[?(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d",
    r"^\d{6} \d{6} ",
    r"^\[?\d\d:\d\d:\d\d",
    rf"^\[?(?:{_WORD})\b",
)
"""How the first lines of a log's records may begin."""

_GOES_ON = re.compile(
    r"\s+\S|\s*$|Caused by|Traceback|[\w.$]*(?:Error|Exception|Throwable)\b|goroutine |panic:|#\d+ "
)
"""How the other lines of a stack trace begin."""

_PAIR = re.compile(r"""(?<![\w.-])[A-Za-z_][\w.-]*=(?:"|[^\s=]|$|(?=\s))""")
_PAIR_SEPARATORS = (" ", ";", ",", "|", "&", "\t")


def json_lines(sample: Beginning) -> Iterator[SampleShape]:
    """Yield JSON, an object on each line."""
    lines = _filled(sample)
    if share(lines, sum(map(_is_object, lines))) >= MOST_SHARE:
        yield SampleShape(
            what="JSON lines",
            makes=_OBJECTS,
            first=parser("parse_json"),
            example=sample.lines[:EXAMPLE_RECORDS],
        )


def access_logs(sample: Beginning) -> Iterator[SampleShape]:
    """Yield the logs of web servers; failed requests go into a result of their own."""
    for form, pattern in (("combined", r'.*" \d{3} (?:\d+|-) "'), ("common", r'.*" \d{3} (?:\d+|-)$')):
        lines = _filled(sample)
        if share(lines, sum(bool(re.match(pattern, line)) for line in lines)) >= MOST_SHARE:
            yield SampleShape(
                what=f"the access log of a web server ({form})",
                makes=f"{_OBJECTS}; requests that failed with a status from 500 on also go to {ERRORS}",
                first=parser("parse_log", format=form),
                next=["failed", TIDY],
                others=[
                    {"tag": "failed", **parser("where", field="status", above=499), "next": "errors"},
                    {"tag": "errors", **parser("write", file=ERRORS)},
                ],
                example=sample.lines[:EXAMPLE_RECORDS],
            )


def named_logs(sample: Beginning) -> Iterator[SampleShape]:
    """Yield logs of syslog, and those that name their fields themselves."""
    fields = next((number for number, line in enumerate(sample.lines) if line.startswith("#Fields:")), None)
    if fields is not None:
        yield SampleShape(
            what="a log with #Fields (W3C)",
            makes=_OBJECTS,
            first=parser("parse_log", format="w3c"),
            example=sample.lines[: fields + 1 + EXAMPLE_RECORDS],
        )
    for form, begin in (
        ("syslog_5424", r"<\d{1,3}>\d{1,2} "),
        ("syslog_3164", r"(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+: "),
    ):
        lines = _filled(sample)
        if share(lines, sum(bool(re.match(begin, line)) for line in lines)) >= LEVEL_SHARE:
            yield SampleShape(
                what=f"syslog (RFC {form[-4:]})",
                makes=_OBJECTS,
                first=parser("parse_log", format=form),
                example=sample.lines[:EXAMPLE_RECORDS],
            )


def pairs(sample: Beginning) -> Iterator[SampleShape]:
    """Yield lines of pairs of key and value."""
    lines = _filled(sample)
    if share(lines, sum(len(_PAIR.findall(line)) > 1 for line in lines)) < MOST_SHARE:
        return
    for separator in _PAIR_SEPARATORS:
        options = {} if separator == " " else {"separator": separator}
        if separator in lines[0]:
            yield SampleShape(
                what="pairs of key=value" + (f", separated by {separator!r}" if options else ""),
                makes=_OBJECTS,
                first=parser("parse_kv", **options),
                example=sample.lines[:EXAMPLE_RECORDS],
            )


def stack_traces(sample: Beginning) -> Iterator[SampleShape]:
    """Yield logs in which a record has several lines: one that begins it, and those of a stack trace."""
    lines = _filled(sample)
    begins = {start: [line for line in lines if re.match(start, line)] for start in _STARTS}
    start = max(begins, key=lambda pattern: len(begins[pattern]))
    others = [line for line in lines if not re.match(start, line)]
    if not others or not re.match(start, lines[0]):
        return
    if share(others, sum(bool(_GOES_ON.match(line)) for line in others)) < FOLLOWING_SHARE:
        return
    found = _levels(begins[start])
    yield _log(
        "a log with stack traces" + (f" and levels ({found[0]})" if found else ""),
        found[1] if found else {"error": "\\n"},
        _records(sample.lines, start),
        records={"starts": start},
    )


def levels(sample: Beginning) -> Iterator[SampleShape]:
    """Yield logs with a level in each line."""
    found = _levels(_filled(sample))
    if found:
        yield _log(f"a log with levels ({found[0]})", found[1], [[line] for line in sample.lines])


def _log(what: str, rules: Mapping[str, str], lines: list[list[str]], records: Any = "lines") -> SampleShape:
    """Return a log whose errors also go into a result of their own. Each record is a list of lines."""
    lines_text = "records" if records == "lines" else "records, each with all of its lines"
    return SampleShape(
        what=what,
        makes=f"the same {lines_text}; those that are errors also go to {ERRORS}",
        first=parser("tag", rules=dict(rules), default="other"),
        next={"error": ["errors", TIDY], "*": TIDY},
        others=[{"tag": "errors", **parser("write", file=ERRORS)}],
        is_object=False,
        records=records,
        example=_example(lines, rules["error"]),
    )


def _levels(lines: Sequence[str]) -> tuple[str, Mapping[str, str]] | None:
    """Return the levels in the heads of lines, in words and as the rules of a `tag` node."""
    found = [match for line in lines if (match := _LEVEL.search(line[:LEVEL_WITHIN]))]
    if share(lines, len(found)) < LEVEL_SHARE:
        return None
    words = {match[0] for match in found}
    is_bracketed = all(match.string[match.start() - 1 : match.start()] == "[" for match in found)
    before, behind = (r"\[", r"\]") if is_bracketed else (r"\b", r"\b")
    within = max(match.start() for match in found) + 8
    rules = {}
    for tag, known in _LEVELS.items():
        seen = sorted(word for word in words if word.upper() in known)
        if tag == "error":  # there may be none at the beginning of a log
            case = str.upper if any(map(str.isupper, words)) else str.title if _is_title(words) else str.lower
            seen = sorted({*seen, *(case(word) for word in ("ERROR", "FATAL", "CRITICAL"))})
        if seen:
            rules[tag] = f"^.{{0,{within}}}?{before}(?:{'|'.join(seen)}){behind}"
    return ", ".join(sorted(words)), rules


def _is_title(words: Iterable[str]) -> bool:
    return any(map(str.istitle, words))


def _records(lines: Sequence[str], start: str) -> list[list[str]]:
    records: list[list[str]] = []
    for line in lines:
        if not records or re.match(start, line):
            records.append([])
        records[-1].append(line)
    return records


def _example(records: list[list[str]], error: str) -> list[str]:
    """Return the lines of the first records, and of the first error and the first folded one among many."""
    first, rest = records[:EXAMPLE_RECORDS], records[EXAMPLE_RECORDS:]
    kinds: tuple[Callable[[list[str]], bool], ...] = (
        lambda record: bool(re.search(error, "\n".join(record))),
        lambda record: len(record) > 1,
    )
    for is_wanted in kinds:
        if not any(map(is_wanted, first)):
            first += [record for record in rest if is_wanted(record) and len(record) < MOST_EXAMPLE_LINES][:1]
    return [line for record in first for line in record]


def _filled(sample: Beginning) -> list[str]:
    """Return the lines that are not blank."""
    return [line for line in sample.lines if line.strip()]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
