"""Checking JSON against a description, all problems at once.

A check takes a value, the JSON path it stands at and the list of problems; it returns the clean value, or
None after it has put a problem on the list. Checks are built from smaller ones.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fproc.base import urls
from fproc.base.errors import ConfigError, Problem
from fproc.base.text import nearest

if TYPE_CHECKING:
    from json import JSONDecodeError

Problems = list[Problem]
Check = Callable[[Any, str, Problems], Any]


def parse_json(text: str, name: str, problems: Problems) -> Any:
    """The value of a JSON text; a key that stands twice, or a number that is none, is a problem.

    Raises:
        ConfigError: it is not JSON at all (with line and column).
    """
    import json  # noqa: PLC0415 - --version and --help do without

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            times = Counter(key for key, _ in pairs)
            for key in sorted(key for key, count in times.items() if count > 1):
                what = f"the key {key!r} stands twice in one object"
                problems.append(Problem(name, what, "keep one of them"))
        return value

    def refuse(constant: str) -> None:
        problems.append(Problem(name, f"{constant} is not a JSON number"))

    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigError([Problem(place, f"not JSON: {error.msg}", _json_hint(text, error))]) from error
    except UnicodeEncodeError as error:
        bad = f"{error.object[error.start]!a} is half of a character"
        raise ConfigError([Problem(name, bad, "remove it")]) from error
    except (RecursionError, ValueError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else "has a number that is too long"
        raise ConfigError([Problem(name, what)]) from error
    return value


def _json_hint(text: str, error: JSONDecodeError) -> str:
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
    return names.get(type(value)) or f"the number {_number(value)}"


def _number(value: float) -> str:
    """A number as the user would write it; one of very many digits is shortened."""
    if isinstance(value, int):
        return str(value) if -(10**18) < value < 10**18 else "with more than 18 digits"
    return repr(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(value)


def compile_pattern(text: str) -> re.Pattern[str]:
    """A regular expression.

    Raises:
        ValueError: it is none, or one that is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about sets that may be nested in a later Python
            return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error


def text(*, empty: bool = False) -> Check:
    """A string, not empty unless `empty`."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if isinstance(value, str) and (value or empty) and "\0" not in value:
            return value
        if isinstance(value, str):
            problems.append(Problem(path, "must not have a NUL in it" if value else "must not be empty"))
        else:
            problems.append(Problem(path, f"must be text, not {json_type(value)}"))
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
        if isinstance(value, bool) or not isinstance(value, kind):
            wanted = "a whole number" if whole else "a number"
            problems.append(Problem(path, f"must be {wanted}, not {json_type(value)}"))
            return None
        if (least < value if above else least <= value) and value <= most and value != math.inf:
            return value if whole else float(value)
        span = f"above {_number(least)}" if above else f"{_number(least)} or more"
        span += "" if most == math.inf else f", at most {_number(most)}"
        problems.append(Problem(path, f"must be {span}, not {_number(value)}"))
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
        compile_pattern(value or "")
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return None
    return value


def url(value: Any, path: str, problems: Problems) -> Any:
    """A URL that can be called. What is wrong with it is told without it: it may hold a secret."""
    value = text()(value, path, problems)
    if value is None or urls.is_usable(value):
        return value
    hint = "other characters than those of ASCII are written as %XX"
    problems.append(Problem(path, "must be an http:// or https:// URL, without spaces", hint))
    return None


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


_NULL = object()
"""What a check gives for a null that means something; a check that gives None has found a problem."""


def or_null(check: Check) -> Check:
    """A key of a `table` that may be null, which then is its value."""
    return lambda value, path, problems: _NULL if value is None else check(value, path, problems)


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
                clean[key] = None if checked is _NULL else checked
        missing = [key for key in required if key not in value]
        problems.extend(Problem(f"{path}.{key}", "is missing") for key in missing)
        if any(key not in clean for key in required):
            return None
        return build(**clean)

    return check
