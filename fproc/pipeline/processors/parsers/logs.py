"""`parse_log`: the lines of web servers, of syslog, and of logs that name their fields themselves (W3C)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

from fproc.base.text import counted
from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, Processor, StepKind
from fproc.pipeline.processors.objects import Misfit, Parse, StructuredRecord, parsing
from fproc.pipeline.processors.options.usual import UsualLine
from fproc.pipeline.processors.parsers.cells import cell_splitter
from fproc.pipeline.processors.state import of_attributes
from fproc.pipeline.processors.text import same_tag

W3C = "w3c"

_INSIDE = r'[^"\\]*(?:\\.[^"\\]*)*'
_COMMON = (
    r"(\S+) (\S+) (\S+(?:(?! \[) \S+)*) \[([^\]]+)\] "
    rf'"(?:([A-Za-z]+) ([^\s"\\]+) (HTTP/[\d.]+)|({_INSIDE}))" (\d{{3}}) (\d{{1,18}}|-)'
)
_COMBINED = rf'{_COMMON} "({_INSIDE})" "({_INSIDE})"(?: .*)?'
_REQUEST = r"([A-Za-z][\w-]*) (\S.*?)(?: ([A-Z]+/[\d.]+))?"
_UNESCAPE = re.compile(r'\\(["\\])').sub
_QUOTED_FIELDS = ("user", "path", "referrer", "agent")


def _odd_request(text: str) -> Sequence[str | None]:
    """Return method, path and protocol of an unusual request; of what is none, all of it as the path."""
    found = re.fullmatch(_REQUEST, text)
    return found.groups() if found else (None, None if text == "-" else text, None)


_USUAL = {
    "host": "[!-~]+",
    "ident": "[!-~]+",
    "user": "[!-~]+",
    "time": r"[^\]]+",
    "method": "[A-Za-z]+",
    "path": "[!#-~]+",
    "protocol": "HTTP/[0-9.]+",
    "status": "[0-9]{3}",
    "bytes": "[0-9]{1,18}|-",
    "referrer": '[^"]*',
    "agent": '[^"]*',
}
"""Each field of a line that is as nearly all are: without a backslash, and with a user of one word."""

_REQUEST_FIELDS = ("method", "path", "protocol")


def _text_or_null(text: str) -> str | None:
    return None if text == "-" else text


def _number_or_null(text: str) -> int | None:
    return None if text == "-" else int(text)


class _Statuses(dict[str, int]):
    """The numbers that three digits mean: looked up in less time than they are read."""

    def __missing__(self, text: str) -> int:
        number = self[text] = int(text)
        return number


_CONVERSIONS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("ident", "user", "referrer", "agent"), _text_or_null),
    "status": _Statuses().__getitem__,
    "bytes": _number_or_null,
}


class AccessParser:
    """A parser of the access logs of web servers, with or without referrer and agent.

    What is no usual line is looked at again, with a pattern that knows them all.
    """

    def __init__(self, *, is_combined: bool) -> None:
        self._match_any = re.compile(_COMBINED if is_combined else _COMMON).fullmatch
        self._is_combined = is_combined
        self.fields = [*_USUAL] if is_combined else [*_USUAL][:-2]

    def narrowed(self, fields: Collection[str]) -> Parse:
        """Return a call that makes records of these fields only."""
        usual = self.usual(fields)
        conversions = [(field, convert) for field, convert in usual.fields.items() if convert is not str]

        def parse(line: str) -> StructuredRecord:
            match = None if usual.without in line else usual.match(line)
            if match is None:
                record = self._parse_any(line)
                return {field: record[field] for field in usual.fields}
            record = match.groupdict()
            for field, convert in conversions:
                record[field] = convert(record[field])
            return record

        return parse

    def usual(self, fields: Collection[str]) -> UsualLine:
        """Return the look of usual lines, to find these fields."""
        wanted = [field for field in self.fields if field in fields]
        match = re.compile(self._usual_pattern(wanted)).fullmatch
        return UsualLine(match, "\\", {field: _CONVERSIONS.get(field, str) for field in wanted})

    def _usual_pattern(self, wanted: Collection[str]) -> str:
        """Return a pattern of the usual line, with a group for each of these fields."""
        parts = {
            name: f"(?P<{name}>{text})" if name in wanted else f"(?:{text})" for name, text in _USUAL.items()
        }
        request = " ".join([parts[name] for name in _REQUEST_FIELDS])
        if not {*_REQUEST_FIELDS} & {*wanted}:
            request = '[^"]*'
        more = ' "{referrer}" "{agent}"(?:| .*)' if self._is_combined else ""
        form = '{host} {ident} {user} \\[{time}\\] "{request}" {status} {bytes}' + more
        return form.format(request=request, **parts)

    def _parse_any(self, line: str) -> StructuredRecord:
        match = self._match_any(line)
        if match is None:
            raise Misfit("is no line of an access log")
        host, ident, user, time, method, path, protocol, odd, status, size, *more = match.groups()
        if odd is not None:
            method, path, protocol = _odd_request(odd)
        record: StructuredRecord = {
            "host": host,
            "ident": _text_or_null(ident),
            "user": _text_or_null(user),
            "time": time,
            "method": method,
            "path": path,
            "protocol": protocol,
            "status": int(status),
            "bytes": _number_or_null(size),
        }
        if more:
            referrer, agent = more
            record["referrer"], record["agent"] = _text_or_null(referrer), _text_or_null(agent)
        if "\\" in line:
            for name in _QUOTED_FIELDS:
                if record.get(name):
                    record[name] = _UNESCAPE(r"\1", record[name])
        return record


_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
)
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


def _priority(text: str | None) -> StructuredRecord:
    """Return facility and severity of a message by name; null where the line has none."""
    if text is None:
        return {"facility": None, "severity": None}
    facility, severity = divmod(int(text), 8)
    if facility >= len(_FACILITIES):
        raise Misfit(f"has the priority {text}; the highest is {len(_FACILITIES) * 8 - 1}")
    return {"facility": _FACILITIES[facility], "severity": _SEVERITIES[severity]}


_PRIORITY_FIELDS = ("facility", "severity")
_SYSLOG_FIELDS = ("time", "host", "app", "pid", "message")

_SYSLOG_3164 = (
    r"(?:<(\d{1,3})>)?"
    r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) "
    r"(\S+) (?:([^\s:\[]+)(?:\[([^\]]*)\])?: ?)?(.*)"
)


def _parser_3164() -> Parse:
    match_line = re.compile(_SYSLOG_3164, re.DOTALL).fullmatch

    def parse(line: str) -> StructuredRecord:
        match = match_line(line)
        if match is None:
            raise Misfit("is no line of syslog (RFC 3164)")
        priority, *values = match.groups()
        return _priority(priority) | dict(zip(_SYSLOG_FIELDS, values, strict=True))

    return parse


_NAME, _VALUE = r'[^\s=\]"]+', r'[^"\\\]]*(?:\\.[^"\\\]]*)*'
_ELEMENT = rf'\[{_NAME}(?: {_NAME}="{_VALUE}")*\]'
_SYSLOG_5424 = rf"<(\d{{1,3}})>(\d{{1,3}}) (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:{_ELEMENT})+)(?: (.*))?"


def _structured_data(text: str) -> StructuredRecord:
    """Return the elements of structured data by name, each with its parameters."""
    return {
        re.findall(_NAME, element[1:])[0]: {
            key: re.sub(r'\\(["\\\]])', r"\1", value)
            for key, value in re.findall(rf' ({_NAME})="({_VALUE})"', element, re.DOTALL)
        }
        for element in re.findall(_ELEMENT, text, re.DOTALL)
    }


def _parser_5424() -> Parse:
    match_line = re.compile(_SYSLOG_5424, re.DOTALL).fullmatch

    def parse(line: str) -> StructuredRecord:
        match = match_line(line)
        if match is None:
            raise Misfit("is no line of syslog (RFC 5424)")
        priority, version, time, host, app, pid, message_id, data, message = match.groups()
        given = {"time": time, "host": host, "app": app, "pid": pid, "msgid": message_id}
        return {
            **_priority(priority),
            "version": int(version),
            **{name: None if value == "-" else value for name, value in given.items()},
            "data": {} if data == "-" else _structured_data(data),
            "message": None if message is None else message.removeprefix("\ufeff"),
        }

    return parse


def _parser_of_both() -> Parse:
    parse_older, parse_newer = _parser_3164(), _parser_5424()
    is_newer = re.compile(r"<\d{1,3}>[1-9]\d{0,2} ").match
    return lambda line: (parse_newer if is_newer(line) else parse_older)(line)


class W3cParser:
    """A parser of a log whose lines `#Fields: ...` name the fields of those that follow."""

    def __init__(self) -> None:
        self.fields: list[str] | None = None
        self._split: Callable[[str], list[str]] = cell_splitter(" ", '"')

    def parse(self, line: str) -> StructuredRecord | None:
        """Return the record of a line; None for lines about the log."""
        if line.startswith("#"):
            if line.startswith("#Fields:"):
                self.fields = line.removeprefix("#Fields:").split()
            return None
        if not line or line.isspace():
            return None
        if self.fields is None:
            raise Misfit("comes before any line '#Fields:'")
        values = line.split("\t") if "\t" in line else self._split(line.rstrip(" "))
        if len(values) != len(self.fields):
            what = f"has {counted(len(values), 'value')}, '#Fields' names {len(self.fields)}"
            few = len(values) < len(self.fields)
            raise Misfit(f"{what}: {self.fields[len(values)]!r} is missing" if few else what)
        return {
            name: None if value == "-" else value for name, value in zip(self.fields, values, strict=True)
        }


ACCESS_LOGS = ("combined", "common")

_PARSERS: Mapping[str, Callable[[], Parse]] = {
    "syslog": _parser_of_both,
    "syslog_3164": _parser_3164,
    "syslog_5424": _parser_5424,
}
"""What makes the parser of each format: its patterns are compiled where they are used."""


def _parse_log(*, format: str, otherwise: str) -> Maker:  # noqa: A002 - the option's name
    if format in ACCESS_LOGS:
        access = AccessParser(is_combined=format == "combined")
        processor = parsing(access.narrowed(access.fields), otherwise, narrow=cache(access.narrowed))
        return lambda _source, _output: processor

    if format != W3C:
        processor = parsing(_PARSERS[format](), otherwise)
        return lambda _source, _output: processor

    def make(_source: object, _output: object) -> Processor:
        parser = W3cParser()
        return parsing(parser.parse, otherwise, state=of_attributes(parser, ["fields"]))

    return make


_FIELDS: Mapping[str, Collection[str]] = {
    "combined": [*_USUAL],
    "common": [*_USUAL][:-2],
    "syslog_3164": (*_PRIORITY_FIELDS, *_SYSLOG_FIELDS),
    **dict.fromkeys(
        ("syslog", "syslog_5424"), (*_PRIORITY_FIELDS, *_SYSLOG_FIELDS, "version", "msgid", "data")
    ),
}


def _fields_after(values: Mapping[str, Any], _before: frozenset[str] | None) -> frozenset[str] | None:
    return frozenset(_FIELDS[values["format"]]) if values["format"] in _FIELDS else None


def _usual_line(values: Mapping[str, Any], fields: frozenset[str]) -> UsualLine | None:
    if values["format"] not in ACCESS_LOGS:
        return None
    return AccessParser(is_combined=values["format"] == "combined").usual(fields)


def _remembers(values: Mapping[str, Any]) -> bool:
    return bool(values["format"] == W3C)


PARSE_LOG = same_tag(
    "Makes a record of a line of a web server's log, of syslog, or of a log with `#Fields` (W3C).",
    _parse_log,
    (
        {"format": "combined"},
        ['10.0.0.1 - ann [1/Oct/2025:13:55:36 +0200] "GET /a HTTP/1.1" 200 2326 "-" "curl/8.5"'],
        [
            (
                '{"host":"10.0.0.1","ident":null,"user":"ann","time":"1/Oct/2025:13:55:36 +0200",'
                '"method":"GET","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":2326,"referrer":null,"agent":"curl/8.5"}'
            )
        ],
    ),
    {
        "format": Option(
            f"choice:{','.join([*ACCESS_LOGS, *_PARSERS, W3C])}",
            "`combined` and `common` of web servers, `syslog_3164` and `syslog_5424`, `syslog` for lines of "
            "both, or `w3c`; a `-` is null",
            required=True,
        ),
        "otherwise": OTHERWISE_REJECT,
    },
    remembers=_remembers,
    step=lambda _values: StepKind.PARSE,
    fields_after=_fields_after,
    usual_line=_usual_line,
)
