"""The state of a processor as a JSON value, for checkpoints in the middle of a file.

What is restored must equal what was saved, to the type: a `Counter` restored as a dict would make other
results after a crash than without one. So a value that JSON does not restore exactly is refused, and the file
has no checkpoints.
"""

from __future__ import annotations

import copyreg
import re
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from fproc.base.errors import UnsavableError
from fproc.pipeline.processors.base import State, seen

_SCALARS = (str, int, float, bool, type(None))

_TWO_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_CONSTANTS = (bytes, complex, range, re.Pattern, ModuleType, type)
"""Types of values that are not JSON and cannot change; one that is still that of `__init__` is not saved."""


def refused(why: str) -> State:
    """Return the state of a processor that can have no checkpoint."""

    def refuse(*_value: Any) -> Any:
        raise UnsavableError(why)

    return State(refuse, refuse)


def of_attributes(instance: Any, names: Sequence[str]) -> State:
    """Return the state of an object that is known to be in these attributes, which are JSON values."""

    def restore(value: dict[str, Any]) -> None:
        for name in names:
            setattr(instance, name, value[name])

    return State(lambda: {name: getattr(instance, name) for name in names}, restore)


def of_instance(instance: Any) -> State:
    """Return the state of a user's object, as it is right after `__init__`.

    Its own `snapshot` and `restore` are used where it has them. Otherwise its state is its attributes: those
    that are constants from `__init__` come from `__init__` again, the others are saved.
    """
    own_snapshot = getattr(instance, "snapshot", None)
    own_restore = getattr(instance, "restore", None)
    default = _of_all_attributes(instance)
    return State(
        _checked(own_snapshot) if callable(own_snapshot) else default.snapshot,
        own_restore if callable(own_restore) else default.restore,
    )


def _checked(snapshot: Callable[[], Any]) -> Callable[[], Any]:
    def checked() -> Any:
        value = snapshot()
        if not isinstance(value, dict):
            raise UnsavableError(f"snapshot() gave {seen(value)}; it gives a dict of JSON values")
        _check(value, "snapshot()", set())
        return value

    return checked


def _of_all_attributes(instance: Any) -> State:
    if not _is_in_attributes(instance):
        return refused(
            "it has __slots__, or is a list, dict or the like itself; give it snapshot() and restore()"
        )
    fresh = dict(vars(instance))
    constants = {name for name, value in fresh.items() if type(value) not in _SCALARS and _is_constant(value)}

    def snapshot() -> dict[str, Any]:
        deleted = constants - vars(instance).keys()
        if deleted:
            raise UnsavableError(f"its attribute {min(deleted)!r} was deleted")
        saved, visited = {}, set[int]()
        for name, value in vars(instance).items():
            if not (name in constants and value is fresh[name]):
                _check(value, f"its attribute {name!r}", visited)
                saved[name] = value
        return saved

    def restore(value: dict[str, Any]) -> None:
        for name in vars(instance).keys() - value.keys() - constants:
            delattr(instance, name)
        vars(instance).update(value)

    return State(snapshot, restore)


def _is_in_attributes(instance: Any) -> bool:
    """Return whether an object is all in its `__dict__`: without slots, and no list or dict (PEP 307)."""
    try:
        make, arguments, state, *items = instance.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - a user's class may raise anything
        return False
    is_plain = make is copyreg.__newobj__ and arguments == (type(instance),) and not any(items)  # type: ignore[attr-defined]
    return (
        is_plain
        and hasattr(instance, "__dict__")
        and (state is None or state is vars(instance) or state == vars(instance))
    )


def _is_constant(value: Any) -> bool:
    """Return whether a value cannot change; functions count if they hold nothing that can."""
    if type(value) in {tuple, frozenset}:
        return all(map(_is_constant, value))
    if isinstance(value, FunctionType):
        defaults = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
        return not (value.__closure__ or value.__dict__) and _is_constant(defaults)
    if isinstance(value, BuiltinFunctionType):
        return value.__self__ is None or isinstance(value.__self__, ModuleType)
    return type(value) in _SCALARS or isinstance(value, _CONSTANTS)


def _check(value: Any, where: str, visited: set[int]) -> None:
    """Check that JSON restores a value exactly. `visited` are the ids of lists and dicts checked before.

    Raises:
        UnsavableError: it does not: the type is another, or one list or dict is in two places.
    """
    kind = type(value)
    if kind in _SCALARS:
        if kind is str and not value.isascii() and _TWO_HALVES.search(value):
            raise UnsavableError(f"{where} has a character in two halves, which JSON gives back as one")
        return
    if kind not in {dict, list}:
        raise UnsavableError(f"{where} is {seen(value)}, which JSON does not give back")
    if id(value) in visited:
        raise UnsavableError(f"{where} is in two places, which JSON does not give back")
    visited.add(id(value))
    if kind is dict:
        if not all(type(key) is str for key in value):
            raise UnsavableError(f"{where} has keys that are not text, which JSON does not give back")
        for key in value:
            _check(key, where, visited)
    for item in value.values() if kind is dict else value:
        _check(item, where, visited)
