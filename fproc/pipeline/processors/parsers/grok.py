"""Regular expressions whose groups are fields, with known patterns: `%{IP:client}`, `%{INT:status:int}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from fproc.base.schema import compile_pattern
from fproc.base.text import nearest

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_OCTETS = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_HEX = "[0-9A-Fa-f]"
_GROUP = f"{_HEX}{{1,4}}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})"

KNOWN_PATTERNS: Mapping[str, str] = {
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "QUOTEDSTRING": r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""",
    "QS": r"%{QUOTEDSTRING}",
    "INT": r"[+-]?\d+",
    "POSINT": r"\b[1-9]\d*\b",
    "NONNEGINT": r"\b\d+\b",
    "NUMBER": r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?",
    "BASE16NUM": rf"(?:0[xX])?{_HEX}+",
    "UUID": rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}",
    "MAC": rf"(?:{_HEX}{{2}}[:-]){{5}}{_HEX}{{2}}|(?:{_HEX}{{4}}\.){{2}}{_HEX}{{4}}",
    "IPV4": rf"(?<![\d.]){_OCTETS}(?![\d.]*\d)",
    "IPV6": (
        rf"(?<!\w)(?<!{_HEX}:)(?:(?:{_GROUP}:){{7}}{_GROUP}"
        rf"|(?:{_GROUP}(?::{_GROUP}){{0,6}})?::(?:(?:{_GROUP}:){{0,6}}(?:{_OCTETS}|{_GROUP}))?)(?!\w)"
    ),
    "IP": r"%{IPV6}|%{IPV4}",
    "HOSTNAME": rf"\b{_LABEL}(?:\.{_LABEL})*\.?(?!\w)",
    "IPORHOST": r"%{IP}|%{HOSTNAME}",
    "HOSTPORT": r"%{IPORHOST}:\d+",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"%{USERNAME}",
    "EMAILADDRESS": r"[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]+@%{HOSTNAME}",
    "PATH": r"(?:/[^\s/]*)+|[A-Za-z]:(?:\\[^\\\s]*)+",
    "URI": r"[A-Za-z][A-Za-z0-9+.-]*://\S+",
    "URIPATH": r"(?:/[^\s?#]*)+",
    "LOGLEVEL": (
        r"(?i:trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe"
        r"|alert|emerg(?:ency)?)"
    ),
    "YEAR": r"\d{4}|\d{2}",
    "MONTH": (
        r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
        r"|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
    ),
    "MONTHDAY": r"3[01]|[12]\d|0?[1-9]",
    "DAY": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*",
    "TIME": r"(?:2[0-3]|[01]?\d):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d+)?)?",
    "TIMESTAMP_ISO8601": r"\d{4}-\d\d-\d\d[T ]%{TIME}(?:Z|[+-]\d\d:?\d\d)?",
    "HTTPDATE": r"%{MONTHDAY}/%{MONTH}/\d{4}:%{TIME} [+-]\d{4}",
    "SYSLOGTIMESTAMP": r"%{MONTH} +%{MONTHDAY} %{TIME}",
}
"""What `%{NAME}` stands for."""

_REFERENCE = re.compile(r"%\{(?P<name>\w+)(?::(?P<field>[^{}:]+))?(?::(?P<type>[^{}:]*))?\}")

TYPES = ("int", "float")


class FieldPattern(NamedTuple):
    """A pattern as it was written, and its fields: each with the groups that may have it, and its type."""

    text: str
    pattern: re.Pattern[str]
    fields: tuple[tuple[str, tuple[str, ...], str | None], ...]


def field_pattern(text: str) -> FieldPattern:
    """Return the pattern of a text with `(?P<name>...)` and `%{NAME:field}` in it.

    Raises:
        ValueError: it is no pattern, refers to an unknown one, or names no field.
    """
    groups: dict[str, tuple[str, str | None]] = {}
    pattern = compile_pattern(_REFERENCE.sub(_opened(groups), text))
    fields: dict[str, list[str]] = {}
    types: dict[str, str | None] = {}
    for group in pattern.groupindex:
        path, kind = groups.get(group, (group, None))
        fields.setdefault(path, []).append(group)
        types[path] = kind
    if not fields:
        raise ValueError("names no field: a field is (?P<name>...) or %{NAME:field}")
    return FieldPattern(
        text, pattern, tuple((path, tuple(names), types[path]) for path, names in fields.items())
    )


def _opened(groups: dict[str, tuple[str, str | None]]) -> Callable[[re.Match[str]], str]:
    """Return what replaces a reference by its pattern, and notes the field of each new group."""

    def replace(found: re.Match[str]) -> str:
        name, field, kind = found.group("name", "field", "type")
        if name not in KNOWN_PATTERNS:
            hint = nearest(name, list(KNOWN_PATTERNS)) or f"known are {', '.join(KNOWN_PATTERNS)}"
            raise ValueError(f"does not know %{{{name}}}; {hint}")
        if kind is not None and kind not in TYPES:
            raise ValueError(f"{found[0]}: a type is int or float, not {kind!r}")
        body = _REFERENCE.sub(replace, KNOWN_PATTERNS[name])
        if field is None:
            return f"(?:{body})"
        group = f"_{len(groups)}"
        groups[group] = field, kind
        return f"(?P<{group}>{body})"

    return replace
