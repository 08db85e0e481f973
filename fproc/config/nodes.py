"""Nodes and examples, as a configuration lists them, with what is checked of each entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fproc.base import schema
from fproc.base.errors import Problem
from fproc.base.schema import TEXT as TEXT_SHAPE
from fproc.base.schema import (
    Problems,
    any_of,
    anything,
    has_shape,
    json_type,
    list_of,
    object_of,
    shape_of,
    table,
    text,
)
from fproc.base.values import dataclass, field, replace

Next = tuple[str, ...] | Mapping[str, tuple[str, ...]] | None
"""Where a node's records go: to these nodes whatever the tag, by tag, or (None) to the tag's own node."""


TEXT, DICT = "text", "dict"
"""What a user's processor gets of a record: its line, or the object on the line."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node as it is written down; `path` is where that is, for messages, and `gets` its key `as`.

    Files that its `config` names are looked for from `folder` on.
    """

    tag: str
    type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    next: Next = None
    stream: bool = False
    gets: str = TEXT
    path: str = field(default="", compare=False)
    folder: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Example:
    """Lines in, and the lines that each result must get."""

    input: tuple[str, ...]
    expect: Mapping[str, tuple[str, ...]]


_TARGETS = any_of(TEXT_SHAPE, {"type": "array", "items": TEXT_SHAPE, "minItems": 1})
"""The shape of one or more names of nodes."""


@has_shape(lambda: any_of(_TARGETS, {"type": "object", "minProperties": 1, "additionalProperties": _TARGETS}))
def _check_next(value: Any, path: str, problems: Problems) -> Any:
    if isinstance(value, str):
        return (value,) if text()(value, path, problems) else None
    if isinstance(value, list | tuple):
        return list_of(text(), least=1)(list(value), path, problems)
    if isinstance(value, dict):
        if not value:
            problems.append(Problem(path, "must not be an empty object", "leave it out, or route '*'"))
            return None
        return object_of(_check_next_targets)(value, path, problems)
    problems.append(
        Problem(path, f"must be a node, a list of nodes or an object by tag, not {json_type(value)}")
    )
    return None


def _check_next_targets(value: Any, path: str, problems: Problems) -> Any:
    if isinstance(value, dict):
        problems.append(Problem(path, "must be a node or a list of nodes, not an object"))
        return ()
    return _check_next(value, path, problems) or ()


def _built(**keys: Any) -> NodeSpec:
    """Return a node of its keys; one of them is no name in Python."""
    gets = keys.pop("as", TEXT)
    return NodeSpec(**{"type": "", **keys}, gets=gets)


_NODE = table(
    {
        "tag": text(),
        "type": text(),
        "config": object_of(anything),
        "next": _check_next,
        "stream": schema.boolean,
        "as": schema.choice(TEXT, DICT),
    },
    required=("tag",),
    build=_built,
)

_LINES = list_of(text(empty=True))


@has_shape(lambda: {**shape_of(_NODE), "required": ["tag", "type"]})
def check_node(value: Any, path: str, problems: Problems) -> Any:
    """Check a node; one without a usable type is kept, so that routes to it are not reported as well."""
    if isinstance(value, dict) and "type" not in value:
        problems.append(Problem(f"{path}.type", "is missing", "name a built-in or a module.attribute"))
    node = _NODE(value, path, problems)
    return node and replace(node, path=path)


check_example = table(
    {"input": _LINES, "expect": object_of(_LINES)}, required=("input", "expect"), build=Example
)
"""Lines in, and lines out."""
