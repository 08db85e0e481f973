"""Checking JSON against a description, all problems at once.

A check takes a value, its JSON path and the list of problems; it returns the clean value, or None after it
has put a problem on the list. Checks are built from smaller ones.

At each check it is noted what JSON Schema (draft-07) says of the values that it accepts: their shape. One may
accept more than its check does, never less: what is right must not be marked in an editor.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fproc.base import urls
from fproc.base.errors import ConfigError, Problem
from fproc.base.text import nearest

if TYPE_CHECKING:
    from json import JSONDecodeError

Problems = list[Problem]
Check = Callable[[Any, str, Problems], Any]

Shape = dict[str, Any]
"""A schema as a JSON value; an empty one accepts everything."""

_Check = TypeVar("_Check", bound=Callable[..., Any])

_SHAPE = "shape"
"""The attribute of a check that has the call which makes its shape."""

NULL: Shape = {"type": "null"}
TEXT: Shape = {"type": "string", "minLength": 1}


def shaped(check: _Check, shape: Callable[[], Shape]) -> _Check:
    """Return the check, after noting at it how its shape is made: only when somebody asks."""
    vars(check)[_SHAPE] = shape
    return check


def has_shape(shape: Callable[[], Shape]) -> Callable[[_Check], _Check]:
    """Return a decorator that does the same."""
    return lambda check: shaped(check, shape)


def shape_of(check: Callable[..., Any]) -> Shape:
    """Return the shape of what a check accepts, as a new dictionary."""
    make: Callable[[], Shape] = vars(check).get(_SHAPE, dict)
    return dict(make())


def any_of(*shapes: Shape) -> Shape:
    """Return the shape of what has one of these shapes."""
    return {"anyOf": list(shapes)}


def object_shape(keys: dict[str, Shape], required: tuple[str, ...] = ()) -> Shape:
    """Return the shape of an object with known keys, and with those that are allowed in each."""
    shape: Shape = {"type": "object", "properties": {**keys, **COMMENTS}, "additionalProperties": False}
    return {**shape, "required": list(required)} if required else shape


COMMENTS: dict[str, Shape] = {
    "$schema": {"type": "string", "description": "the schema of this file, for editors"},
    "description": {"type": "string", "description": "a comment"},
}
"""Keys that each object may have, and that mean nothing to fproc."""


def parse_json(text: str, name: str, problems: Problems) -> Any:
    """Return the value of a JSON text; a duplicate key, or a number that JSON has not, is a problem.

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
        position = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigError([Problem(position, f"not JSON: {error.msg}", _json_hint(text, error))]) from error
    except UnicodeEncodeError as error:
        what = f"{error.object[error.start]!a} is half of a character"
        raise ConfigError([Problem(name, what, "remove it")]) from error
    except (RecursionError, ValueError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else "has a number that is too long"
        raise ConfigError([Problem(name, what)]) from error
    return value


def _json_hint(text: str, error: JSONDecodeError) -> str:
    before = text[: error.pos].rstrip()
    if before.endswith(",") and text[error.pos : error.pos + 1] in "]}":
        return "remove the comma before it"
    if text[error.pos : error.pos + 2] in {"//", "/*"} or text[error.pos : error.pos + 1] == "#":
        return "JSON has no comments; a name that ends in .jsonc allows them"
    if text[error.pos : error.pos + 1] == "'":
        return "JSON wants double quotes"
    return ""


def json_type(value: Any) -> str:
    """Return JSON's word for the type of a value."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value)) or f"the number {_number(value)}"


def _number(value: float) -> str:
    """Return a number as the user would write it; one of very many digits is shortened."""
    if isinstance(value, int):
        return str(value) if -(10**18) < value < 10**18 else "with more than 18 digits"
    return repr(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(value)


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile a regular expression.

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
    """Return a check for a string, not empty unless `empty`."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if isinstance(value, str) and (value or empty) and "\0" not in value:
            return value
        if isinstance(value, str):
            problems.append(Problem(path, "must not have a NUL in it" if value else "must not be empty"))
        else:
            problems.append(Problem(path, f"must be text, not {json_type(value)}"))
        return None

    return shaped(check, lambda: {"type": "string"} if empty else TEXT)


@has_shape(lambda: {"type": "boolean"})
def boolean(value: Any, path: str, problems: Problems) -> Any:
    """Check that a value is true or false."""
    if isinstance(value, bool):
        return value
    problems.append(Problem(path, f"must be true or false, not {json_type(value)}"))
    return None


def number(*, least: float = 0, most: float = math.inf, above: bool = False, whole: bool = False) -> Check:
    """Return a check for a number from `least` (or `above` it) to `most`; `int` if `whole`, else `float`."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        kind = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind):
            type_name = "a whole number" if whole else "a number"
            problems.append(Problem(path, f"must be {type_name}, not {json_type(value)}"))
            return None
        if (least < value if above else least <= value) and value <= most and value != math.inf:
            return value if whole else float(value)
        span = f"above {_number(least)}" if above else f"{_number(least)} or more"
        span += "" if most == math.inf else f", at most {_number(most)}"
        problems.append(Problem(path, f"must be {span}, not {_number(value)}"))
        return None

    def shape() -> Shape:
        least_shape = {"exclusiveMinimum" if above else "minimum": least}
        most_shape = {} if most == math.inf else {"maximum": most}
        return {"type": "integer" if whole else "number", **least_shape, **most_shape}

    return shaped(check, shape)


def choice(*words: str) -> Check:
    """Return a check for one of several words."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if value in words:
            return value
        shown_value = repr(value) if isinstance(value, str) else json_type(value)
        choices = ", ".join(map(repr, words))
        hint = nearest(value, list(words)) if isinstance(value, str) else ""
        problems.append(Problem(path, f"must be one of {choices}, not {shown_value}", hint))
        return None

    return shaped(check, lambda: {"enum": list(words)})


@has_shape(lambda: TEXT)
def pattern(value: Any, path: str, problems: Problems) -> Any:
    """Check that a value is a regular expression; it stays text, which its user compiles."""
    value = text()(value, path, problems)
    try:
        compile_pattern(value or "")
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return None
    return value


@has_shape(lambda: TEXT)
def url(value: Any, path: str, problems: Problems) -> Any:
    """Check that a value is a URL that can be called. Problems do not show it: it may hold a secret."""
    value = text()(value, path, problems)
    if value is None or urls.is_usable(value):
        return value
    hint = "other characters than those of ASCII are written as %XX"
    problems.append(Problem(path, "must be an http:// or https:// URL, without spaces", hint))
    return None


def list_of(item: Check, *, least: int = 0) -> Check:
    """Return a check for a list; it becomes a tuple of the elements that are right."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, list):
            problems.append(Problem(path, f"must be a list, not {json_type(value)}"))
            return None
        if len(value) < least:
            problems.append(Problem(path, "must not be an empty list"))
            return None
        elements = [item(element, f"{path}[{index}]", problems) for index, element in enumerate(value)]
        return tuple(element for element in elements if element is not None)

    return shaped(check, lambda: {"type": "array", "items": shape_of(item), "minItems": least})


def object_of(item: Check) -> Check:
    """Return a check for an object with any keys and values of one kind."""

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {json_type(value)}"))
            return None
        return {key: item(element, f"{path}.{key}", problems) for key, element in value.items()}

    return shaped(check, lambda: {"type": "object", "additionalProperties": shape_of(item)})


def anything(value: Any, _path: str, _problems: Problems) -> Any:
    """Accept any JSON value."""
    return value


_NULL = object()
"""The result of a check for a null that means something; a check that returns None has found a problem."""


def or_null(check: Check) -> Check:
    """Return a check for a key of a `table` that may be null, which then is its value."""

    def check_or_null(value: Any, path: str, problems: Problems) -> Any:
        return _NULL if value is None else check(value, path, problems)

    return shaped(check_or_null, lambda: any_of(shape_of(check), NULL))


def table(keys: Mapping[str, Check], *, required: tuple[str, ...] = (), build: Callable[..., Any]) -> Check:
    """Return a check for an object with known keys; `build` takes those that are there and right, by name.

    It may have comments, too.
    """

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {json_type(value)}"))
            return None
        clean = {}
        for key, element in value.items():
            if key not in keys:
                if key in COMMENTS:
                    _COMMENT(element, f"{path}.{key}", problems)
                    continue
                hint = nearest(key, list(keys)) or "known are " + ", ".join(keys)
                problems.append(Problem(f"{path}.{key}", "unknown key", hint))
            elif (clean_element := keys[key](element, f"{path}.{key}", problems)) is not None:
                clean[key] = None if clean_element is _NULL else clean_element
        missing = [key for key in required if key not in value]
        problems.extend(Problem(f"{path}.{key}", "is missing") for key in missing)
        if any(key not in clean for key in required):
            return None
        return build(**clean)

    def shape() -> Shape:
        return object_shape({key: shape_of(check_key) for key, check_key in keys.items()}, required)

    return shaped(check, shape)


_COMMENT = text(empty=True)
