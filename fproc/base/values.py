"""Dataclasses that cost little to define, to make and to send to another process.

The standard `dataclasses` take a millisecond to define each class at import, of which a start has dozens, and
four times as long as necessary to make a frozen object. These do the same, as far as fproc needs it, with two
differences: `__init__` is compiled when it is called often, and only mypy, which takes them for those of
`dataclasses`, checks that a class is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

__all__ = ["asdict", "dataclass", "field", "fields", "replace"]

_Class = TypeVar("_Class")
_Value = TypeVar("_Value")

_MISSING: Any = object()

LATE_CALLS = 8
"""The first calls of an `__init__`, which are made without compiling it: that takes as long as 20 of them."""


class Field(NamedTuple):
    """A field of a class: its annotation as it is written, and the arguments of `_field`."""

    name: str
    type: str
    default: Any = _MISSING
    default_factory: Any = _MISSING
    repr: bool = True
    compare: bool = True
    metadata: Mapping[str, Any] | None = None

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is _MISSING and self.default_factory is _MISSING


def _field(
    *,
    default: Any = _MISSING,
    default_factory: Any = _MISSING,
    repr: bool = True,  # noqa: A002 - as it is called in `dataclasses`
    compare: bool = True,
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    return Field("", "", default, default_factory, repr, compare, metadata)


def _dataclass(*, frozen: bool = False, slots: bool = False) -> Callable[[type[_Class]], type[_Class]]:
    """Return a decorator for a class that inherits from no dataclass; `slots` has to be true."""
    if not slots:
        raise TypeError("these have slots: say slots=True")

    def make(plain_class: type[_Class]) -> type[_Class]:
        body = dict(plain_class.__dict__)
        class_fields = tuple(
            _read(name, annotation, body.pop(name, _MISSING))
            for name, annotation in body.get("__annotations__", {}).items()
            if not annotation.startswith("ClassVar")
        )
        for name in ("__dict__", "__weakref__"):
            body.pop(name, None)
        value_class: Any = type(
            plain_class.__name__, plain_class.__bases__, {**_methods(class_fields, is_frozen=frozen), **body}
        )
        value_class.__init__ = _late_init(value_class, class_fields)
        return cast("type[_Class]", value_class)

    return make


def _read(name: str, annotation: str, default: Any) -> Field:
    if isinstance(default, Field):
        return default._replace(name=name, type=annotation)
    return Field(name, annotation, default)


def _methods(class_fields: tuple[Field, ...], *, is_frozen: bool) -> dict[str, Any]:
    """Return the attributes that a class with these fields gets besides its own body."""
    get_all = _getter([entry.name for entry in class_fields])
    get_compared = _getter([entry.name for entry in class_fields if entry.compare])
    in_repr = [entry.name for entry in class_fields if entry.repr]

    def __repr__(self: Any) -> str:  # noqa: N807
        return (
            f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in in_repr)})"
        )

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        return get_compared(self) == get_compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(get_compared(self))

    def __reduce__(self: Any) -> tuple[Any, tuple[Any, ...]]:  # noqa: N807
        return type(self), get_all(self)

    return {
        "__slots__": tuple(entry.name for entry in class_fields),
        "__value_fields__": class_fields,
        "__repr__": __repr__,
        "__eq__": __eq__,
        "__hash__": __hash__ if is_frozen else None,
        "__reduce__": __reduce__,
    }


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that returns these attributes of an object as a tuple."""
    if not names:
        return lambda _: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


def _late_init(value_class: type[Any], class_fields: tuple[Field, ...]) -> Callable[..., None]:
    """Return an `__init__` that replaces itself by a compiled one once it was called some times."""
    calls = 0

    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
        nonlocal calls
        calls += 1
        if calls > LATE_CALLS or not _set_fields(self, class_fields, arguments, keywords):
            value_class.__init__ = _compiled_init(value_class, class_fields)
            value_class.__init__(self, *arguments, **keywords)

    return __init__


def _set_fields(
    value: Any, class_fields: tuple[Field, ...], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> bool:
    """Do what a compiled `__init__` does, without that; return False if it would raise an error."""
    taken = 0
    for index, entry in enumerate(class_fields):
        name = entry.name
        if index < len(arguments):
            if name in keywords:
                return False
            setattr(value, name, arguments[index])
        elif name in keywords:
            taken += 1
            setattr(value, name, keywords[name])
        elif entry.default_factory is not _MISSING:
            setattr(value, name, entry.default_factory())
        elif entry.default is not _MISSING:
            setattr(value, name, entry.default)
        else:
            return False
    return taken == len(keywords) and len(arguments) <= len(class_fields)


def _compiled_init(value_class: type[Any], class_fields: tuple[Field, ...]) -> Callable[..., None]:
    names: dict[str, Any] = {"_missing": _MISSING}
    parameters, lines = [], []
    for entry in class_fields:
        name = entry.name
        if entry.default_factory is not _MISSING:
            names[f"_make_{name}"] = entry.default_factory
            parameters.append(f"{name}=_missing")
            lines.append(f"self.{name} = _make_{name}() if {name} is _missing else {name}")
            continue
        if entry.default is not _MISSING:
            names[f"_default_{name}"] = entry.default
        parameters.append(name if entry.default is _MISSING else f"{name}=_default_{name}")
        lines.append(f"self.{name} = {name}")
    source = f"def __init__(self, {', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    exec(compile(source, f"<{value_class.__qualname__}>", "exec"), names)  # noqa: S102 - names of fields and nothing else
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{value_class.__qualname__}.__init__"
    return init


def _fields(value: Any) -> tuple[Field, ...]:
    class_fields: tuple[Field, ...] = value.__value_fields__
    return class_fields


def _replace(value: _Value, /, **changes: Any) -> _Value:
    value_class: Any = type(value)
    values = zip(value_class.__slots__, value_class.__reduce__(value)[1], strict=True)
    return cast("_Value", value_class(**{**dict(values), **changes}))


def _asdict(value: Any) -> dict[str, Any]:
    return {entry.name: _plain(getattr(value, entry.name)) for entry in _fields(value)}


def _plain(value: Any) -> Any:
    """Return a value with all dataclasses in it as dicts."""
    if hasattr(type(value), "__value_fields__"):
        return _asdict(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_plain, value))
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    return value


if TYPE_CHECKING:
    from dataclasses import asdict, dataclass, field, fields, replace
else:
    asdict, dataclass, field, fields, replace = _asdict, _dataclass, _field, _fields, _replace
