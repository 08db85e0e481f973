"""The kinds of value that a built-in's option can have: JSON value in, checked value out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import Any, NamedTuple

from fproc.base.errors import Problem
from fproc.base.schema import compile_pattern, json_type
from fproc.base.text import nearest
from fproc.pipeline.processors.base import Builtin, Option


class Template:
    """Text with `{name}` placeholders; `{{` and `}}` stand for braces.

    Raises:
        ValueError: the text is not a template of plain `{name}` placeholders, or one is not `known`.
    """

    def __init__(self, text: str, known: list[str] | None = None) -> None:
        self.text = text
        self.names: list[str] = []
        for _, name, spec, conversion in Formatter().parse(text):
            if name is None:
                continue
            if spec or conversion or not re.fullmatch(r"\w+", name):
                raise ValueError(f"{{{name}}} is not a plain {{name}}")
            if known is not None and name not in known:
                places = ", ".join(f"{{{place}}}" for place in known)
                raise ValueError(f"does not know {{{name}}}; there are {places}")
            self.names.append(name)

        self.appends = False
        """Whether it names results that are appended to."""

        self.fill = text.format
        """A call that fills the placeholders, numbered ones from positional arguments."""

    @property
    def highest_number(self) -> int:
        """The highest field number that the template uses, or 0."""
        return max((int(name) for name in self.names if name.isdecimal()), default=0)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {json_type(value)}")  # noqa: TRY004 - one error for all kinds
    return value


def _one_line(value: Any) -> str:
    if "\n" in _text(value):
        raise ValueError("must not have a line ending in it: what it makes must be one line")
    return str(value)


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


STAGE_FOLDER = ".stage"
"""The one name in the results folder that no result can have: results are written in there."""

APPENDED = "/"
"""What the key of a result begins with, among those of a run, that the run's lines are appended to."""

_IMPOSSIBLE_PARTS = frozenset({"", ".", "..", STAGE_FOLDER})


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
    "choice": Kind("word", _text),
    "words": Kind("word or list of words", _text),
    "bound": Kind("number, date or text", _bound),
    "template": Kind("template", lambda value: Template(_one_line(value))),
    "result": Kind("template", lambda value: Template(_one_line(value))),
}


def in_words(kind: str) -> str:
    """Return the kind of an option's value, for people."""
    return KINDS[kind.partition(":")[0]].what


def ready_made(kind: str, value: Any) -> Any:
    """Return the checked value of an option.

    `template:a,b` is a template that knows only those placeholders, `result:a,b` one that makes a file name.

    Raises:
        ValueError: what is wrong with it.
    """
    name, _, places = kind.partition(":")
    if not places:
        return KINDS[name].ready(value)
    if name == "choice":
        return _choice(value, places.split(","))
    if name == "words":
        return [_choice(entry, places.split(",")) for entry in _names(value)]
    template = Template(_one_line(value), places.split(","))
    if name == "result" and not is_result_name(template.text):
        what = "must be a plain file name, in plain folders if any: without empty parts, '.' and '..'"
        raise ValueError(f"{template.text!r} {what}")
    return template


def is_result_name(name: str) -> bool:
    """Return whether a result can have this name: folders below that of results, and a file in the last."""
    return "\0" not in name and not _IMPOSSIBLE_PARTS.intersection(name.split("/"))


def check_options(
    name: str, builtin: Builtin, config: Mapping[str, Any], path: str
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the options of a node, checked and with defaults, and what is wrong with them."""
    values = {key: option.default for key, option in builtin.options.items()}
    for key, option in builtin.options.items():
        if option.default is not None:
            values[key] = ready_made(option.kind, option.default)
    problems: list[Problem] = []
    for key, value in config.items():
        if key not in builtin.options:
            hint = nearest(key, list(builtin.options)) or _has_options(name, builtin)
            problems.append(Problem(f"{path}.{key}", f"unknown option of {name!r}", hint))
            continue
        ready, value_problems = _checked(builtin.options[key], value, f"{path}.{key}")
        problems += value_problems
        values.update({} if value_problems else {key: ready})
    for key, option in builtin.options.items():
        if option.required and key not in config:
            problems.append(Problem(f"{path}.{key}", f"{name!r} needs this option", option.meaning))
    if isinstance(values.get("file"), Template):
        values["file"].appends = values.get("append") is True
    problems = problems or list(_cross_checks(values, path))
    own = [] if problems else builtin.check(values)
    return values, problems or [Problem(f"{path}.{key}", what, hint) for key, what, hint in own]


def _checked(option: Option, value: Any, path: str) -> tuple[Any, list[Problem]]:
    """Return the checked value of an option, and what is wrong with it: of a table, with each entry."""
    problems = []
    table: dict[str, Any] = {}
    is_table = KINDS[option.kind.partition(":")[0]].is_table and isinstance(value, dict) and bool(value)
    entries = [(f"{path}.{key}", {key: item}) for key, item in value.items()] if is_table else [(path, value)]
    ready: Any = None
    for place, entry in entries:
        try:
            ready = ready_made(option.kind, entry)
        except ValueError as error:
            problems.append(Problem(place, str(error), option.meaning))
            continue
        if is_table:
            table |= ready
    return table if is_table else ready, problems


def _has_options(name: str, builtin: Builtin) -> str:
    if not builtin.options:
        return f"{name!r} has no options"
    return f"{name!r} has " + ", ".join(builtin.options)


def _cross_checks(values: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Yield what is wrong with two options together."""
    pattern, template = values.get("pattern"), values.get("template")
    if isinstance(template, Template) and "max" in values:
        yield from _check_fields(template, values["max"], f"{path}.template")
    elif isinstance(template, Template) and "otherwise" in values and isinstance(pattern, re.Pattern):
        yield from _check_groups(template, pattern, f"{path}.template")
    if isinstance(pattern, re.Pattern) and isinstance(values.get("with"), str):
        try:
            pattern.sub(values["with"], "")
        except (re.error, IndexError) as error:
            yield Problem(f"{path}.with", f"does not go with the pattern: {error}")
    if values.get("field") is not None and pattern is not None:
        yield Problem(f"{path}.field", "'field' and 'pattern' both say what the key is", "keep one of them")


def _check_groups(template: Template, pattern: re.Pattern[str], path: str) -> Iterator[Problem]:
    groups = list(pattern.groupindex)
    for name in template.names:
        if name not in {"0", *groups}:
            hint = f"the pattern has {', '.join(groups)}" if groups else "name a group with (?P<name>...)"
            yield Problem(path, f"{{{name}}} is not a named group", nearest(name, groups) or hint)


def _check_fields(template: Template, most: int | None, path: str) -> Iterator[Problem]:
    for name in template.names:
        if not name.isdecimal():
            yield Problem(path, f"{{{name}}} is not a field", "fields have numbers: {1}, {2}, ...")
    if most is not None and template.highest_number > most:
        yield Problem(path, f"uses field {template.highest_number}, but 'max' is {most}")
