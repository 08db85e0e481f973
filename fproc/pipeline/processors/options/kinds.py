"""The kinds of value that a built-in's option can have: JSON value in, checked value out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fproc.base.schema import compile_pattern, json_type
from fproc.base.text import nearest
from fproc.pipeline.processors.options.result_names import is_result_name
from fproc.pipeline.processors.options.templates import (
    POSITIONS,
    OwnTemplate,
    RecordTemplate,
    ResultTemplate,
    Template,
)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {json_type(value)}")  # noqa: TRY004 - one error for all kinds
    return value


def _one_line(value: Any) -> str:
    if "\n" in _text(value):
        raise ValueError("must not have a line ending in it: what it makes must be one line")
    return str(value)


def _columns(value: Any) -> Any:
    from fproc.pipeline.processors.parsers.layouts import columns  # noqa: PLC0415 - only parse_fixed needs it

    return columns(value)


def _field_pattern(value: Any) -> Any:
    from fproc.pipeline.processors.parsers.grok import field_pattern  # noqa: PLC0415 - for parse_regex

    return field_pattern(_text(value))


def _layout(value: Any) -> Any:
    from fproc.pipeline.processors.parsers.layouts import layout  # noqa: PLC0415 - only dissect needs it

    return layout(_one_line(value))


def _separator(value: Any) -> str:
    if not _text(value):
        raise ValueError("must not be empty")
    return str(value)


def _character(value: Any) -> str:
    if len(_text(value)) != 1:
        raise ValueError(f"must be one character, not {value!r}")
    return str(value)


def _header(value: Any) -> tuple[str, ...] | bool:
    if value is True:
        return True
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        raise ValueError("must be true or a list of names")
    if len({*value}) < len(value):
        raise ValueError("must not have a name twice")
    return tuple(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a whole number from 1, not {value!r}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {json_type(value)}")  # noqa: TRY004
    return value


def _pattern(value: Any) -> re.Pattern[str]:
    return compile_pattern(_text(value))


def _rules(value: Any) -> dict[str, re.Pattern[str]]:
    return {tag: _pattern(pattern) for tag, pattern in _table(value).items()}


def _tags(value: Any) -> dict[str, str]:
    return {text: _text(tag) for text, tag in _table(value).items()}


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be an object, not {json_type(value)}")  # noqa: TRY004
    return value


def _otherwise(value: Any) -> str:
    if value not in ("keep", "drop", "reject"):
        raise ValueError(f"must be 'keep', 'drop' or 'reject', not {value!r}")
    return str(value)


def _field(value: Any) -> int | str:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | str)
        or value in {0, ""}
        or str(value)[0] == "-"
    ):
        what = value if isinstance(value, int) else json_type(value)
        raise ValueError(f"must be the number of a column, from 1, or the name of a key, not {what}")
    return value


def _fields(value: Any) -> list[int | str]:
    fields = [_field(entry) for entry in (value if isinstance(value, list) else [value])]
    if not fields:
        raise ValueError("must not be an empty list")
    return fields


def _name(value: Any) -> str:
    return _separator(value)


def _names(value: Any) -> list[str]:
    names = [_name(entry) for entry in (value if isinstance(value, list) else [value])]
    if not names:
        raise ValueError("must not be an empty list")
    return names


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"must be a whole number from 0, not {value!r}")
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"must be a number from 0 to 1, not {json_type(value)}")
    return float(value)


def _choice(value: Any, words: list[str]) -> str:
    if value not in words:
        what = repr(value) if isinstance(value, str) else json_type(value)
        hint = nearest(value, words) if isinstance(value, str) else ""
        raise ValueError(f"must be one of {', '.join(words)}, not {what}{hint and f'; {hint}'}")
    return str(value)


def _bound(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        raise ValueError(f"must be a number, a date or another text, not {json_type(value)}")
    return value


def _settings(value: Any) -> dict[str, Any]:
    return {name: _setting(entry) for name, entry in _table(value).items()}


def _setting(value: Any) -> Any:
    return RecordTemplate(_one_line(value)) if isinstance(value, str) else value


def _types(value: Any, words: list[str]) -> dict[str, str]:
    return {name: _choice(entry, words) for name, entry in _table(value).items()}


def _ranges(value: Any) -> dict[str, tuple[Any, Any]]:
    return {name: _range(entry) for name, entry in _table(value).items()}


def _range(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2 or value == [None, None]:  # noqa: PLR2004 - least, most
        raise ValueError("must be a list of the least and the most, such as [0, 150] or [0, null]")
    least, most = (None if bound is None else _bound(bound) for bound in value)
    return least, most


def _lists(value: Any) -> dict[str, list[Any]]:
    return {name: _values(entry) for name, entry in _table(value).items()}


def _sums(value: Any) -> dict[str, int | str]:
    return {name: _field(entry) for name, entry in _table(value).items()}


def _lookup_table(value: Any) -> Any:
    from fproc.pipeline.processors.options.tables import (  # noqa: PLC0415 - only lookup needs them
        read_table,
        table_of_value,
    )

    return table_of_value(value) if isinstance(value, dict | list) else read_table(_separator(value))


def _renamed(value: Any) -> dict[str, str]:
    if isinstance(value, dict) and value:
        return {name: _name(entry) for name, entry in value.items()}
    return {name: name for name in _names(value)}


def _result(value: Any) -> ResultTemplate:
    template = ResultTemplate(_one_line(value))
    if not is_result_name(template.text):
        what = "must be a plain file name, in plain folders if any: without empty parts, '.' and '..'"
        raise ValueError(f"{template.text!r} {what}")
    return template


class Kind(NamedTuple):
    """What an option's value is, in words, and the check that returns the value to use.

    What is wrong with an entry of a table is told with that entry.
    """

    what: str
    ready: Callable[[Any], Any]
    is_table: bool = False


KINDS = {
    "text": Kind("text", _text),
    "separator": Kind("text", _separator),
    "character": Kind("character", _character),
    "header": Kind("true or names", _header),
    "columns": Kind("object", _columns),
    "field_pattern": Kind("pattern", _field_pattern),
    "layout": Kind("text with fields", _layout),
    "record": Kind("template", lambda value: RecordTemplate(_one_line(value))),
    "own": Kind("template", lambda value: OwnTemplate(_one_line(value))),
    "count": Kind("whole number", _count),
    "flag": Kind("true or false", _flag),
    "pattern": Kind("pattern", _pattern),
    "line": Kind("text", _one_line),
    "rules": Kind("object", _rules, is_table=True),
    "tags": Kind("object", _tags, is_table=True),
    "otherwise": Kind("word", _otherwise),
    "field": Kind("number or name", _field),
    "fields": Kind("number, name or list of them", _fields),
    "names": Kind("name or list of names", _names),
    "values": Kind("value or list of values", _values),
    "number": Kind("whole number", _number),
    "share": Kind("number", _share),
    "choice": Kind("word", _text),
    "words": Kind("word or list of words", _text),
    "bound": Kind("number, date or text", _bound),
    "settings": Kind("object", _settings, is_table=True),
    "types": Kind("object", _table, is_table=True),
    "ranges": Kind("object", _ranges, is_table=True),
    "sums": Kind("object", _sums, is_table=True),
    "renamed": Kind("list or object", _renamed),
    "table": Kind("path of a file, or object", _lookup_table),
    "lists": Kind("object", _lists, is_table=True),
    "template": Kind("template", lambda value: Template(_one_line(value))),
    "result": Kind("template", _result),
}


def in_words(kind: str) -> str:
    """Return the kind of an option's value, for people."""
    return KINDS[kind.partition(":")[0]].what


def ready_made(kind: str, value: Any) -> Any:
    """Return the checked value of an option.

    `template:a,b` is a template that knows only those placeholders;
    `choice:a,b` is one of these words, `words:a,b` one or a list of them, `types:a,b` one for each field.

    Raises:
        ValueError: what is wrong with it.
    """
    name, _, places = kind.partition(":")
    if not places:
        return KINDS[name].ready(value)
    return _OF_WORDS[name](value, places.split(","))


_OF_WORDS: dict[str, Callable[[Any, list[str]], Any]] = {
    "template": lambda value, known: Template(_one_line(value), [*known, *POSITIONS]),
    "choice": _choice,
    "words": lambda value, words: [_choice(entry, words) for entry in _names(value)],
    "types": _types,
}
"""The kinds that know words, which stand behind a colon."""
