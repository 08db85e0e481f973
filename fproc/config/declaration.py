"""The declaration of a key of the configuration: once, as the default of a field of a dataclass in `model`.

From that come the check of what a file says, the flag and the variable that give the same, what the log may
show, and the tables of the documents.

The classes here are plain ones: there are dozens of their objects in each start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from typing import Any, TypeVar, cast

from fproc.base.schema import Check, Shape, object_shape, shape_of, shaped, table
from fproc.base.values import field, fields, replace

_Value = TypeVar("_Value")

NUMBER_DIGITS = 18
"""A number in a variable or flag with more digits than this is out of any range."""

_NUMBER = rf"[0-9]{{1,{NUMBER_DIGITS}}}(?P<part>\.[0-9]{{1,{NUMBER_DIGITS}}})?"

_KEY = "key"
"""The name of a field's `Key` in its metadata."""


class Flag:
    """An option that sets a key: the placeholder of its value ("": a switch), and its text in `--help`."""

    def __init__(self, name: str = "", metavar: str = "", help_text: str = "") -> None:
        self.name = name
        self.metavar = metavar
        self.help = help_text


NO_FLAG = Flag()


class Key:
    """The declaration of a key, beside its name, type and default.

    Args:
        check: whether a value is right.
        help_text: what it means, for docs/CONFIGURATION.md.
        flag: the option of the command line that sets it; one without a name is none.
        variable: the environment variable that sets it, or "".
        is_secret: whether the log must not show it.
        is_path: whether it is a path, relative to the file that has it.
        is_required: whether it has to be there.
        default_text: how the documents show the default, where that is not plain.
        section: the dataclass of the keys in it, if it is an object.
    """

    def __init__(
        self,
        check: Check,
        help_text: str = "",
        *,
        flag: Flag = NO_FLAG,
        variable: str = "",
        is_secret: bool = False,
        is_path: bool = False,
        is_required: bool = False,
        default_text: str = "",
        section: type | None = None,
    ) -> None:
        self.check = check
        self.help = help_text
        self.flag = flag
        self.variable = variable
        self.is_secret = is_secret
        self.is_path = is_path
        self.is_required = is_required
        self.default_text = default_text
        self.section = section


class Setting:
    """A key with the names that lead to it, and the type and default of its field."""

    def __init__(self, path: tuple[str, ...], type_text: str, default: Any, key: Key) -> None:
        self.path = path
        self.type = type_text
        self.default = default
        self.key = key

    @property
    def name(self) -> str:
        """The name of the key in messages and documents."""
        return ".".join(self.path)

    def of(self, config: Any) -> Any:
        """Return its value in a configuration."""
        return reduce(getattr, self.path, config)

    def changed(self, config: Any, value: Any) -> Any:
        """Return a configuration with another value of it."""
        for depth in range(len(self.path) - 1, -1, -1):
            value = replace(reduce(getattr, self.path[:depth], config), **{self.path[depth]: value})
        return value

    def read(self, text: str) -> Any:
        """Return the JSON value that a flag or variable means; the key's check says whether it is right."""
        kinds = self.type.split(" | ")
        number = re.fullmatch(_NUMBER, text)
        if number is not None and "float" in kinds and number["part"]:
            return float(text)
        if number is not None and {"int", "float"}.intersection(kinds) and not number["part"]:
            return int(text)
        return text == "true" if "bool" in kinds and text in {"true", "false"} else text


def key(default: _Value, check: Check, help_text: str, **declared: Any) -> _Value:
    """Declare a key: the default of a field, its check and text; see `Key` for the others."""
    new_key = Key(check, help_text, **declared)
    return field(default=default, repr=not new_key.is_secret, metadata={_KEY: new_key})


def section(build: type[_Value], check: Check | None = None) -> _Value:
    """Declare an object whose keys are the fields of a dataclass; `check` replaces theirs."""
    new_key = Key(check or checked_fields(build), section=build)
    return field(default_factory=build, metadata={_KEY: new_key})


def checked_fields(build: type) -> Check:
    """Return a check of an object that has the keys of a dataclass, and becomes one."""
    check = table({name: field_key.check for name, field_key in keys_of(build).items()}, build=build)
    return shaped(check, lambda: shape_of_fields(build))


def shape_of_fields(build: type) -> Shape:
    """Return the shape of such an object, with the meaning and the default of each key."""
    keys: dict[str, Shape] = {}
    for entry in fields(cast("Any", build)):
        declared: Key = entry.metadata[_KEY]
        keys[entry.name] = shape = dict(shape_of(declared.check))
        if declared.section is None:
            shape["description"] = declared.help
        if declared.section is None and not declared.default_text and not declared.is_required:
            shape["default"] = list(entry.default) if isinstance(entry.default, tuple) else entry.default
    return object_shape(
        keys, tuple(name for name, declared in keys_of(build).items() if declared.is_required)
    )


def settings_of(build: type, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Yield the keys of a dataclass and of the sections in it, each with its path."""
    for entry in fields(cast("Any", build)):
        field_key = entry.metadata[_KEY]
        field_path = (*path, entry.name)
        if field_key.section is None:
            yield Setting(field_path, str(entry.type), entry.default, field_key)
        else:
            yield from settings_of(field_key.section, field_path)


def keys_of(build: type) -> dict[str, Key]:
    """Return the declarations of the fields of a dataclass, by name."""
    return {entry.name: entry.metadata[_KEY] for entry in fields(cast("Any", build))}
