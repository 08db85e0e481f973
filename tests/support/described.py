"""What openapi.json says that is declared in code, put into the text that is otherwise written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fproc.telemetry.health import RUNNING_STATUSES
from fproc.telemetry.metrics import OUTSIDE_NODES
from fproc.telemetry.rolling import PAST_WINDOWS, WINDOWS
from fproc.web.api.queries import CHOICES, MOST_ROWS, ROWS
from fproc.web.lists.rows import STATES

DESCRIPTION = "fproc/web/api/openapi.json"
WIDTH = 110
INDENT = "  "

QUERY: dict[str, dict[str, Any]] = {
    "window": {"enum": [*WINDOWS, *PAST_WINDOWS]},
    "state": {"enum": ["", *CHOICES]},
    "limit": {"maximum": MOST_ROWS, "default": ROWS},
}
"""What may stand in a query, by the name of the parameter."""

USUAL = ("400", "408", "414", "431", "500", "503")
GUARDED = ("401", "403", "429")
"""The refusals that every endpoint may answer with, and those of one that needs a token."""


def described(text: str) -> str:
    """Return the description with what is declared elsewhere, laid out always in the same way."""
    value = json.loads(text)
    for parameter in _parameters(value):
        if parameter["in"] == "query":
            parameter["schema"].update(QUERY.get(parameter["name"], {}))
    _parameter(value, "/stats", "window")["schema"]["enum"] = list(WINDOWS)  # those in memory
    for operations in value["paths"].values():
        for operation in operations.values():
            usual = USUAL if "security" in operation else (*USUAL, *GUARDED)
            refusals = {code: {"$ref": f"#/components/responses/Status{code}"} for code in usual}
            operation["responses"] = dict(sorted({**refusals, **operation["responses"]}.items()))
    schemas = value["components"]["schemas"]
    schemas["Health"]["properties"]["status"]["enum"] = list(RUNNING_STATUSES)
    outside = schemas["Stats"]["properties"]["outside_nodes"]
    outside["propertyNames"]["enum"] = list(OUTSIDE_NODES)
    schemas["Ended"]["properties"]["state"]["enum"] = list(STATES)
    return laid_out(value) + "\n"


def _parameter(value: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    """Return a parameter of a GET."""
    parameters: list[dict[str, Any]] = value["paths"][path]["get"]["parameters"]
    return next(parameter for parameter in parameters if parameter["name"] == name)


def _parameters(value: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for operations in value["paths"].values():
        for operation in operations.values():
            yield from operation.get("parameters", [])


def queries(text: str) -> list[tuple[str, str, str]]:
    """Return the parameters of queries: each with the paths that take it, and what it means."""
    found: dict[str, tuple[list[str], str]] = {}
    for path, operations in json.loads(text)["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            paths, _ = found.setdefault(parameter["name"], ([], _meaning(parameter)))
            paths.append(f"`{path}`")
    return [(f"`{name}`", ", ".join(paths), meaning) for name, (paths, meaning) in found.items()]


def _meaning(parameter: dict[str, Any]) -> str:
    schema, what = parameter["schema"], parameter["description"]
    known = [f"`{entry}`" for entry in schema.get("enum", []) if entry != ""]
    if "maximum" in schema:
        known = [f"up to {schema['maximum']}, by default {schema['default']}"]
    return f"{what}: {', '.join(known)}" if known else what


def laid_out(value: Any, indent: str = "", used: int = 0) -> str:
    """Return JSON with a line for each entry, but for small objects and lists, which stand on one."""
    flat = json.dumps(value, ensure_ascii=False)
    fits = _depth(value) <= 2 and used + len(flat) < WIDTH
    if fits or not value or not isinstance(value, dict | list):
        return flat
    inner = indent + INDENT
    names = [f"{json.dumps(name)}: " for name in value] if isinstance(value, dict) else [""] * len(value)
    entries = value.values() if isinstance(value, dict) else value
    lines = [
        inner + name + laid_out(entry, inner, len(inner + name))
        for name, entry in zip(names, entries, strict=True)
    ]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    return begin + "\n" + ",\n".join(lines) + f"\n{indent}{end}"


def _depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
