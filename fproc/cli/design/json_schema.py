"""The JSON Schema (draft-07) of `pipeline.json`, for editors: made of what keys and built-ins declare.

It accepts all that fproc does, and is silent about what it cannot say: routes to nodes that are not there,
options that exclude each other, broken patterns. `--check` says those.
"""

from __future__ import annotations

import re
from typing import Any

from fproc.base.schema import Shape, any_of
from fproc.config.keys import config_shape
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.shapes import options_shape

DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> Shape:
    """Return the schema of a configuration, as a JSON value."""
    shape = _in_plain_words(config_shape())
    node = shape["properties"]["nodes"]["items"]
    node["properties"]["type"] = {
        **any_of({"enum": list(BUILTINS)}, {"type": "string", "pattern": r"[^.]\.[^.]"}),
        "description": "a built-in, or module.attribute of your own Python",
    }
    node["allOf"] = [_node_of(name) for name in BUILTINS]
    return {"$schema": DRAFT, "title": "pipeline.json of fproc", **shape}


def _node_of(name: str) -> Shape:
    """Return what is right for a node if its type is this built-in."""
    options = options_shape(BUILTINS[name])
    then: Shape = {"description": BUILTINS[name].summary, "properties": {"config": options}}
    if "required" in options:
        then["required"] = ["config"]
    return {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": then}


def _in_plain_words(shape: Any) -> Any:
    """Return a schema whose descriptions have no links: those lead from one document to another."""
    if isinstance(shape, list):
        return [_in_plain_words(item) for item in shape]
    if not isinstance(shape, dict):
        return shape
    plain = {key: _in_plain_words(value) for key, value in shape.items()}
    if isinstance(shape.get("description"), str):
        plain["description"] = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", shape["description"])
    return plain
