"""The check of a node's `config` against what its built-in declares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fproc.base.errors import Problem
from fproc.base.text import nearest
from fproc.pipeline.processors.base import Builtin, Option
from fproc.pipeline.processors.options.kinds import KINDS, ready_made
from fproc.pipeline.processors.options.templates import POSITIONS, Template

FILE_KIND = "table"
"""The kind of an option that names a file."""


def check_options(
    name: str, builtin: Builtin, config: Mapping[str, Any], path: str, folder: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the options of a node, checked and with defaults, and what is wrong with them.

    Files that they name are looked for from `folder` on.
    """
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
        if builtin.options[key].kind == FILE_KIND and isinstance(value, str) and value:
            value = os.path.join(folder, value)  # noqa: PLW2901 - the same file, as seen from here
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
        if name not in {"0", *groups, *POSITIONS}:
            hint = f"the pattern has {', '.join(groups)}" if groups else "name a group with (?P<name>...)"
            yield Problem(path, f"{{{name}}} is not a named group", nearest(name, groups) or hint)


def _check_fields(template: Template, most: int | None, path: str) -> Iterator[Problem]:
    for name in template.names:
        if not name.isdecimal() and name not in POSITIONS:
            yield Problem(path, f"{{{name}}} is not a field", "fields have numbers: {1}, {2}, ...")
    if most is not None and template.highest_number > most:
        yield Problem(path, f"uses field {template.highest_number}, but 'max' is {most}")
