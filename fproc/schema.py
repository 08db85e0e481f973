"""Checking JSON against a description, all problems at once.

A check takes a value, the JSON path it stands at and the list of problems; it returns the clean value, or
None after it has put a problem on the list. Checks are built from smaller ones.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from fproc.errors import ConfigError, Problem, nearest

Problems = list[Problem]
Check = Callable[[Any, str, Problems], Any]


def parse_json(text: str, name: str) -> Any:
    """The value of a JSON text.

    Raises:
        ConfigError: it is not JSON (with line and column), or an object has a key twice.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ConfigError(
                [Problem(name, f"the key {twice!r} stands twice in one object", "keep one of them")]
            )
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ConfigError([Problem(name, f"{constant} is not a JSON number")])

    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigError([Problem(place, f"not JSON: {error.msg}", _json_hint(text, error))]) from error
    except RecursionError as error:
        raise ConfigError([Problem(name, "nested too deeply")]) from error


def _json_hint(text: str, error: json.JSONDecodeError) -> str:
    before = text[: error.pos].rstrip()
    if before.endswith(",") and text[error.pos : error.pos + 1] in "]}":
        return "remove the comma before it"
    if text[error.pos : error.pos + 2] in {"//", "/*"} or text[error.pos : error.pos + 1] == "#":
        return "JSON has no comments"
    if text[error.pos : error.pos + 1] == "'":
        return "JSON wants double quotes"
    return ""


def json_type(value: Any) -> str:
    """What JSON calls the type of a value."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"the number {value}")


def text(*, empty: bool = False) -> Check:
    """A string, not empty unless `empty`."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if isinstance(value, str) and (value or empty) and "\0" not in value:
            return value
        wanted = "text" if not isinstance(value, str) else "text that is not empty and has no NUL"
        problems.append(Problem(path, f"must be {wanted}, not {json_type(value)}"))
        return None

    return check


def boolean(value: Any, path: str, problems: Problems) -> Any:
    """True or false."""
    if isinstance(value, bool):
        return value
    problems.append(Problem(path, f"must be true or false, not {json_type(value)}"))
    return None


def number(*, least: float = 0, most: float = math.inf, above: bool = False, whole: bool = False) -> Check:
    """A number from `least` to `most`, or above `least`; whole numbers stay `int`, others become `float`."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        kind = int if whole else int | float
        if isinstance(value, kind) and not isinstance(value, bool):
            if (value > least if above else value >= least) and value <= most and math.isfinite(value):
                return value if whole else float(value)
            span = f"above {least:g}" if above else f"{least:g} or more"
            span += "" if most == math.inf else f", at most {most:g}"
            problems.append(Problem(path, f"must be {span}, not {value:g}"))
        else:
            wanted = "a whole number" if whole else "a number"
            problems.append(Problem(path, f"must be {wanted}, not {json_type(value)}"))
        return None

    return check


def choice(*words: str) -> Check:
    """One of several words."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if value in words:
            return value
        said = repr(value) if isinstance(value, str) else json_type(value)
        known = ", ".join(map(repr, words))
        hint = nearest(value, list(words)) if isinstance(value, str) else ""
        problems.append(Problem(path, f"must be one of {known}, not {said}", hint))
        return None

    return check


def pattern(value: Any, path: str, problems: Problems) -> Any:
    """A regular expression; the text is kept, compiling is left to whoever uses it."""
    value = text()(value, path, problems)
    try:
        re.compile(value or "")
    except re.error as error:
        problems.append(Problem(path, f"is not a regular expression: {error}"))
        return None
    return value


def list_of(item: Check, *, least: int = 0) -> Check:
    """A list; it becomes a tuple of what is right in it."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, list):
            problems.append(Problem(path, f"must be a list, not {json_type(value)}"))
            return None
        if len(value) < least:
            problems.append(Problem(path, "must not be an empty list"))
            return None
        checked = [item(element, f"{path}[{index}]", problems) for index, element in enumerate(value)]
        return tuple(element for element in checked if element is not None)

    return check


def object_of(item: Check) -> Check:
    """An object with any keys and values of one kind."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {json_type(value)}"))
            return None
        return {key: item(element, f"{path}.{key}", problems) for key, element in value.items()}

    return check


def anything(value: Any, _path: str, _problems: Problems) -> Any:
    """Any JSON value."""
    return value


def later(*, null_is_off: bool = False) -> Check:
    """A key of the contract whose feature is still to come: refused, never silently accepted."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not (null_is_off and value is None):
            problems.append(Problem(path, "not supported yet", "leave it out for now"))

    return check


def table(keys: Mapping[str, Check], *, required: tuple[str, ...] = (), build: Callable[..., Any]) -> Check:
    """An object with known keys; `build` is called with those that are there and right, by name."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {json_type(value)}"))
            return None
        clean = {}
        for key, element in value.items():
            if key not in keys:
                hint = nearest(key, list(keys)) or "known are " + ", ".join(keys)
                problems.append(Problem(f"{path}.{key}", "unknown key", hint))
            elif (checked := keys[key](element, f"{path}.{key}", problems)) is not None:
                clean[key] = checked
        missing = [key for key in required if key not in value]
        problems.extend(Problem(f"{path}.{key}", "is missing") for key in missing)
        if any(key not in clean for key in required):
            return None
        return build(**clean)

    return check
