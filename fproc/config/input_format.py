"""What an input's bytes mean: how they are compressed and encoded, and what one record of them is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fproc.base import schema
from fproc.base.errors import Problem
from fproc.base.schema import (
    TEXT,
    Problems,
    any_of,
    choice,
    has_shape,
    json_type,
    or_null,
    shape_of,
    table,
    text,
)
from fproc.base.values import dataclass, replace
from fproc.config.declaration import key, keys_of
from fproc.config.patterns import matches, result_name

LINES, CSV = "lines", "csv"
"""Records that are lines, and lines of which one that ends within quotes ends no record."""

STARTS, CONTINUES, SEPARATOR = "starts", "continues", "separator"
"""The keys of the other kinds of records."""

AUTO, NONE = "auto", "none"

COMPRESSIONS = (AUTO, NONE, "gzip", "bzip2", "xz", "zlib", "zip", "zstd")

_NO_TEXT = frozenset(
    {
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "raw-unicode-escape",
        "undefined",
        "unicode-escape",
        "unicode-internal",
    }
)
"""Codecs that Python counts among those of text, but that no file is written in."""

Records = str | Mapping[str, str]
"""What one record is, as the configuration says it."""


@has_shape(lambda: TEXT)
def check_encoding(value: Any, path: str, problems: Problems) -> Any:
    """Check the name of an encoding, or `auto`."""
    name = text()(value, path, problems)
    if name is not None and name != AUTO and not _is_encoding(name):
        problems.append(
            Problem(
                path, f"is no encoding that Python knows: {name!r}", 'such as "latin-1", "cp1252", "utf-16"'
            )
        )
    return name


def _is_encoding(name: str) -> bool:
    with suppress(LookupError, ValueError):  # unknown; a NUL in it
        found: Any = codecs.lookup(name)
        is_text: bool = found._is_text_encoding  # noqa: SLF001 - as `open` does
        return is_text and found.incrementaldecoder is not None and found.name not in _NO_TEXT
    return False


_BOUNDARY = table({STARTS: schema.pattern, CONTINUES: schema.pattern, SEPARATOR: text()}, build=dict)


@has_shape(lambda: any_of({"enum": [LINES, CSV]}, {**shape_of(_BOUNDARY), "minProperties": 1}))
def check_records(value: Any, path: str, problems: Problems) -> Any:
    """Check what one record is."""
    if isinstance(value, str):
        return choice(LINES, CSV)(value, path, problems)
    if not isinstance(value, dict):
        what = f'"{LINES}", "{CSV}" or an object'
        problems.append(Problem(path, f"must be {what}, not {json_type(value)}"))
        return None
    checked = _BOUNDARY(value, path, problems)
    if len(value) != 1:
        problems.append(
            Problem(path, "must say one thing", f"either '{STARTS}', '{CONTINUES}' or '{SEPARATOR}'")
        )
    return checked


@dataclass(frozen=True, slots=True)
class InputFormat:
    """How inputs are read, where no rule of `files` says something else."""

    encoding: str = key(
        AUTO,
        check_encoding,
        "`auto` is UTF-8, or what a byte order mark says; or the name of an encoding, such as `latin-1`, "
        "`cp1252` or `utf-16`",
    )
    compression: str = key(
        AUTO,
        choice(*COMPRESSIONS),
        "`auto` looks at the content, not at the name; or `none`, `gzip`, `bzip2`, `xz`, `zlib`, `zip` or "
        "`zstd`",
    )
    records: Records = key(
        LINES,
        check_records,
        "what one record is: `lines`, `csv`, or an object with `starts`, `continues` or `separator`; see "
        "[below](#records)",
    )
    binary: str = key(
        "fail",
        choice("fail", "accept"),
        "a file whose first bytes say that it is no text fails; `accept` takes its bytes as they are",
    )


@dataclass(frozen=True, slots=True)
class FileRule:
    """Where files start, and how they are read: by name, by first line, or by both."""

    start: str | None = None
    match: str | None = None
    first_line: str | None = None
    encoding: str | None = None
    compression: str | None = None
    records: Records | None = None
    binary: str | None = None


_BYTES = ("encoding", "compression", "binary")
"""What has to be known of a file before its first line is."""

_OPTIONS = {name: or_null(declared.check) for name, declared in keys_of(InputFormat).items()}

_FILE_RULE = table(
    {
        "match": text(),
        "first_line": schema.pattern,
        "start": text(),
        **_OPTIONS,
    },
    build=FileRule,
)


@has_shape(lambda: shape_of(_FILE_RULE))
def check_file_rule(value: Any, path: str, problems: Problems) -> Any:
    """Check a rule, which must say which files it is about, and what is to be done with them."""
    rule = _FILE_RULE(value, path, problems)
    if not isinstance(value, dict):
        return rule
    if not {"match", "first_line"} & value.keys():
        problems.append(Problem(path, "matches no file", "say 'match', 'first_line' or both"))
    if not {"start", *_OPTIONS} & value.keys():
        problems.append(Problem(f"{path}.start", "is missing", "name a node, or say how files are read"))
    early = [name for name in _BYTES if value.get(name) is not None]
    if value.get("first_line") is not None and early:
        problems.append(
            Problem(
                f"{path}.{early[0]}",
                "must be known before the first line is",
                "put it into a rule with 'match' alone",
            )
        )
    return rule


@dataclass(frozen=True, slots=True)
class InputRules:
    """How files are read, by their names and first lines.

    Each option is as the first rule says that fits a file and has it, or else as `base` does. `match` may fit
    the name of a file or the name of its results, which has no suffix of compression. A compressed one that
    holds more than `most_expanded_bytes` fails.
    """

    base: InputFormat = InputFormat()
    rules: tuple[FileRule, ...] = ()
    most_expanded_bytes: int | None = None

    def format_of(self, name: str) -> InputFormat:
        """Return how the bytes of a file are read; its records may depend on its first line, too."""
        named = [rule for rule in self.rules if rule.first_line is None and _is_named(rule, name)]
        if not named:
            return self.base
        changes = {option: _first_of(named, option) for option in _BYTES}
        return replace(self.base, **{option: value for option, value in changes.items() if value is not None})

    def entry_of(self, name: str, first_line: Callable[[], str]) -> tuple[str | None, Records]:
        """Return the node at which a file starts (None: the usual one), and what its records are.

        `first_line` is called if a rule asks for it.
        """
        if not self.rules:
            return None, self.base.records
        fitting = [
            rule
            for rule in self.rules
            if _is_named(rule, name) and (rule.first_line is None or re.search(rule.first_line, first_line()))
        ]
        records = _first_of(fitting, "records")
        return _first_of(fitting, "start"), self.base.records if records is None else records


def _is_named(rule: FileRule, name: str) -> bool:
    return rule.match is None or matches(name, rule.match) or matches(result_name(name), rule.match)


def _first_of(rules: Sequence[FileRule], option: str) -> Any:
    """Return an option as the first of the rules says that has it, or None."""
    return next((value for rule in rules if (value := getattr(rule, option)) is not None), None)
