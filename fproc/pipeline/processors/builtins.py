"""The built-in processors: one explicit table of names, one module a family or a processor.

A module is imported when one of its built-ins is asked for: a pipeline has few of them, and each start waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

from fproc.pipeline.processors.base import Builtin

_HOMES = {
    "Routing": {
        "tag": "routing.BUILTINS",
        "tag_field": "routing.BUILTINS",
        "tag_prefix": "routing.BUILTINS",
    },
    "Lines": {
        "where": "editing.where.WHERE",
        "head": "counting.picking.HEAD",
        "sample": "counting.picking.SAMPLE",
        "dedupe": "editing.dedupe.DEDUPE",
    },
    "Text": {
        "filter": "text.BUILTINS",
        "drop_matching": "text.BUILTINS",
        "uppercase": "text.BUILTINS",
        "lowercase": "text.BUILTINS",
        "snakecase": "text.BUILTINS",
        "trim": "text.BUILTINS",
        "replace": "text.BUILTINS",
        "rewrite": "text.BUILTINS",
        "fields": "text.BUILTINS",
        "split": "text.BUILTINS",
        "mask": "editing.mask.MASK",
    },
    "Parsers": {
        "parse_csv": "parsers.csv_table.PARSE_CSV",
        "parse_json": "parsers.json_lines.PARSE_JSON",
        "parse_regex": "parsers.matching.PARSE_REGEX",
        "dissect": "parsers.dissect.DISSECT",
        "parse_kv": "parsers.key_value.PARSE_KV",
        "parse_fixed": "parsers.fixed.PARSE_FIXED",
        "parse_log": "parsers.logs.PARSE_LOG",
    },
    "Fields": {
        "edit": "editing.edit.EDIT",
        "timestamp": "editing.timestamp.TIMESTAMP",
        "lookup": "editing.lookup.LOOKUP",
        "validate": "editing.validate.VALIDATE",
        "envelope": "editing.envelope.ENVELOPE",
    },
    "Counting": {
        "join": "counting.numbering.JOIN",
        "count": "counting.numbering.COUNT",
        "tally": "counting.tally.TALLY",
    },
    "Ends": {
        "format": "parsers.format.FORMAT",
        "write": "sinks.BUILTINS",
        "stdout": "sinks.BUILTINS",
    },
}
"""Where each built-in is, or the table that has it, by family, in the order of docs/PROCESSORS.md."""


class _Builtins(MutableMapping[str, Builtin]):
    """Built-ins by their names, imported when they are asked for."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes = dict(homes)
        self._loaded: dict[str, Builtin] = {}

    def __getitem__(self, name: str) -> Builtin:
        if name not in self._loaded:
            module, _, attribute = self._homes[name].rpartition(".")
            value: Any = getattr(import_module(f"{__package__}.{module}"), attribute)
            self._loaded[name] = value[name] if isinstance(value, dict) else value
        return self._loaded[name]

    def __setitem__(self, name: str, builtin: Builtin) -> None:
        self._homes.setdefault(name, "")
        self._loaded[name] = builtin

    def __delitem__(self, name: str) -> None:
        del self._homes[name]
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._homes

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


BUILTINS = _Builtins({name: home for family in _HOMES.values() for name, home in family.items()})
"""All built-ins, by name."""

FAMILIES: Mapping[str, Mapping[str, Builtin]] = {family: _Builtins(homes) for family, homes in _HOMES.items()}
"""The same by family."""
