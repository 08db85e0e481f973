"""What JSON Schema says of the options of built-ins; see `base.schema`."""

from __future__ import annotations

from collections.abc import Callable

from fproc.base.schema import TEXT, Shape, any_of, object_shape
from fproc.pipeline.processors.base import Builtin

_ANY_TEXT: Shape = {"type": "string"}
_LINE: Shape = {"type": "string", "pattern": r"^[^\n]*$"}
_FLAG: Shape = {"type": "boolean"}
_FIELD = any_of({"type": "integer", "minimum": 1}, TEXT)
_BOUND = any_of({"type": "number"}, TEXT)


def _list(shape: Shape) -> Shape:
    return {"type": "array", "items": shape, "minItems": 1}


def _table(shape: Shape) -> Shape:
    return {"type": "object", "additionalProperties": shape}


_SHAPES: dict[str, Shape] = {
    "text": _ANY_TEXT,
    "separator": TEXT,
    "character": {"type": "string", "minLength": 1, "maxLength": 1},
    "header": any_of({"const": True}, _list(TEXT)),
    "columns": {"type": "object"},
    "field_pattern": _ANY_TEXT,
    "layout": _LINE,
    "record": _LINE,
    "own": _LINE,
    "count": {"type": "integer", "minimum": 1},
    "flag": _FLAG,
    "pattern": _ANY_TEXT,
    "line": _LINE,
    "rules": _table(_ANY_TEXT),
    "tags": _table(_ANY_TEXT),
    "otherwise": {"enum": ["keep", "drop", "reject"]},
    "field": _FIELD,
    "fields": any_of(_FIELD, _list(_FIELD)),
    "names": any_of(TEXT, _list(TEXT)),
    "values": {},
    "number": {"type": "integer", "minimum": 0},
    "share": {"type": "number", "minimum": 0, "maximum": 1},
    "bound": _BOUND,
    "settings": {"type": "object"},
    "ranges": _table({"type": "array", "minItems": 2, "maxItems": 2}),
    "sums": _table(_FIELD),
    "renamed": any_of(TEXT, _list(TEXT), {**_table(TEXT), "minProperties": 1}),
    "table": any_of(TEXT, {"type": "object"}, {"type": "array"}),
    "lists": _table({}),
    "template": _LINE,
    "result": {**_LINE, "minLength": 1},
}
"""By kind, for those that know no words."""


def _one_of(words: list[str]) -> Shape:
    return {"enum": words}


_OF_WORDS: dict[str, Callable[[list[str]], Shape]] = {
    "template": lambda _words: _LINE,
    "choice": _one_of,
    "words": lambda words: any_of(_one_of(words), _list(_one_of(words))),
    "types": lambda words: _table(_one_of(words)),
}


def option_shape(kind: str) -> Shape:
    """Return the shape of what an option of a kind may be."""
    name, _, words = kind.partition(":")
    return _OF_WORDS[name](words.split(",")) if words else _SHAPES[name]


def options_shape(builtin: Builtin) -> Shape:
    """Return the shape of the `config` of a node with this built-in."""
    keys: dict[str, Shape] = {}
    for name, option in builtin.options.items():
        keys[name] = {**option_shape(option.kind), "description": option.meaning}
        if option.default is not None:
            keys[name]["default"] = option.default
    return object_shape(keys, tuple(name for name, option in builtin.options.items() if option.required))
