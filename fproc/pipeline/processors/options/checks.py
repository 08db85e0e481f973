"""The check of a node's `config` against what its built-in declares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fproc.base.errors import Problem
from fproc.base.schema import COMMENTS
from fproc.base.text import nearest
from fproc.pipeline.processors.base import Builtin, Option
from fproc.pipeline.processors.options.kinds import KINDS, ready_made
from fproc.pipeline.processors.options.templates import Template

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
        if key not in builtin.options and key in COMMENTS:
            continue
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
