"""The keys of `pipeline.json`: JSON text to the dataclasses of `model`, or every problem at once.

The tables at the end name every key of the contract.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Any

from fproc.base import schema
from fproc.base.errors import Problem
from fproc.base.schema import (
    Check,
    Problems,
    anything,
    choice,
    json_type,
    list_of,
    number,
    object_of,
    or_null,
    table,
    text,
)
from fproc.base.values import fields, replace
from fproc.config.model import (
    AlertPolicy,
    CheckpointPolicy,
    Config,
    Dashboard,
    Example,
    FileRule,
    Intake,
    Limits,
    NodeSpec,
    Recovery,
    Retention,
    RetryPolicy,
)
from fproc.config.patterns import MarkerPattern


def parse_config(value: Any, *, folder: str) -> tuple[Config | None, Problems]:
    """Check a configuration.

    Args:
        value: what the JSON text says.
        folder: what the paths in it are relative to.

    Returns:
        The configuration as far as it is right (None if it is no object or has no usable nodes), and the
        problems.
    """
    problems: Problems = []
    found: dict[str, Any] | None = table(KEYS, required=("nodes",), build=dict)(value, "$", problems)
    if found is None:
        return None, problems
    watch_dir = os.path.join(folder, found.pop("watch_dir", "watch_dir"))
    results_dir = os.path.join(folder, found.pop("results_dir", os.path.join(watch_dir, "results")))
    plugins_dir = os.path.join(folder, found.pop("plugins_dir", "."))
    found["dashboard"] = _placed(found.get("dashboard", Dashboard()), folder)
    config = Config(
        watch_dir=os.path.abspath(watch_dir),
        results_dir=os.path.abspath(results_dir),
        plugins_dir=os.path.abspath(plugins_dir),
        **found,
    )
    return config, problems


def _placed(dashboard: Dashboard, folder: str) -> Dashboard:
    """The dashboard with absolute paths."""

    def placed(path: str | None) -> str | None:
        return path and os.path.join(folder, path)

    return replace(
        dashboard,
        token_file=placed(dashboard.token_file),
        tls_cert=placed(dashboard.tls_cert),
        tls_key=placed(dashboard.tls_key),
    )


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


def _check_workers(value: Any, path: str, problems: Problems) -> Any:
    if value == "auto":
        return value
    return number(least=1, most=256, whole=True)(value, path, problems)


def _check_max_rejected(value: Any, path: str, problems: Problems) -> Any:
    """A number of lines, or a share of them in percent."""
    if not isinstance(value, str):
        return number(least=0, whole=True)(value, path, problems)
    share = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", value, re.ASCII)
    if share is None or float(share[1]) > 100:  # noqa: PLR2004 - all of it
        problems.append(Problem(path, "must be a number of lines or a share of them", 'such as 100 or "5%"'))
    return value


def _check_host(value: Any, path: str, problems: Problems) -> Any:
    host = text()(value, path, problems)
    if host is not None and ("/" in host or host != host.strip() or host.count(":") == 1):
        problems.append(Problem(path, "must be an address or a name alone", "the port has its own key"))
    return host


def _check_dashboard(value: Any, path: str, problems: Problems) -> Any:
    dashboard = _DASHBOARD(value, path, problems)
    if dashboard is not None and dashboard.tls_key and not dashboard.tls_cert:
        problems.append(
            Problem(f"{path}.tls_cert", "is missing", "a key is of no use without its certificate")
        )
    return dashboard


def _check_file_rule(value: Any, path: str, problems: Problems) -> Any:
    rule = _FILE_RULE(value, path, problems)
    if isinstance(value, dict) and not {"match", "first_line"} & value.keys():
        problems.append(Problem(path, "matches no file", "say 'match', 'first_line' or both"))
    return rule


def _check_node(value: Any, path: str, problems: Problems) -> Any:
    """A node without a usable type keeps its place, so that routes to it are not reported as well."""
    if isinstance(value, dict) and "type" not in value:
        problems.append(Problem(f"{path}.type", "is missing", "name a built-in or a module.attribute"))
    node = _NODE(value, path, problems)
    return node and replace(node, path=path)


def _check_marker(value: Any, path: str, problems: Problems) -> Any:
    marker = text()(value, path, problems)
    if marker is None:
        return None
    if "/" in marker:
        problems.append(Problem(path, "must be the end of a file name, without '/'"))
        return marker
    try:
        MarkerPattern.of(marker)
    except ValueError as why:
        problems.append(Problem(path, str(why), 'such as ".done", "{name}.done" or "{stem}.ok"'))
    return marker


def _section(build: type, **keys: Check) -> Check:
    known = {entry.name for entry in fields(build)}
    assert known <= keys.keys(), f"{build.__name__} has fields that no key sets: {known - keys.keys()}"
    return table(keys, build=build)


def _seconds() -> Check:
    return number(least=0, most=86400 * 365)


def _days() -> Check:
    return number(least=0, above=True, most=36500)


_LINES = list_of(text(empty=True))

_FILE_RULE = table(
    {"match": text(), "first_line": schema.pattern, "start": text()}, required=("start",), build=FileRule
)

_NODE = table(
    {
        "tag": text(),
        "type": text(),
        "config": object_of(anything),
        "next": _check_next,
        "stream": schema.boolean,
    },
    required=("tag",),
    build=partial(NodeSpec, type=""),
)

_DASHBOARD = _section(
    Dashboard,
    host=_check_host,
    port=number(least=0, most=65535, whole=True),
    token_file=or_null(text()),
    tls_cert=or_null(text()),
    tls_key=or_null(text()),
)

KEYS: dict[str, Check] = {
    "watch_dir": text(),
    "results_dir": text(),
    "plugins_dir": text(),
    "intake": _section(
        Intake,
        ready=choice("auto", "stable", "rename", "marker"),
        settle_seconds=_seconds(),
        settle_unknown_seconds=_seconds(),
        poll_seconds=number(least=0.001, most=3600),
        marker=_check_marker,
        order=choice("oldest", "newest", "name"),
        match=list_of(text(), least=1),
        ignore=list_of(text()),
        ignore_more=list_of(text()),
    ),
    "workers": _check_workers,
    "on_error": choice("fail", "reject", "skip"),
    "on_conflict": choice("keep", "replace"),
    "retry": _section(
        RetryPolicy,
        max_attempts=number(least=1, whole=True),
        backoff_seconds=_seconds(),
        backoff_max_seconds=_seconds(),
    ),
    "recovery": _section(
        Recovery, enabled=schema.boolean, check_interval=number(least=0, above=True, most=86400)
    ),
    "checkpoint": _section(
        CheckpointPolicy,
        seconds=number(least=0, above=True, most=86400),
        mb=number(least=0, above=True, most=10**9),
    ),
    "durability": choice("power", "process"),
    "limits": _section(
        Limits,
        max_line_bytes=number(least=1, most=2**30, whole=True),
        max_hops=number(least=1, most=10**6, whole=True),
        timeout_seconds=or_null(number(least=0, above=True, most=86400 * 365)),
        stall_seconds=number(least=0, above=True, most=86400 * 365),
        max_rejected=or_null(_check_max_rejected),
        max_upload_mb=number(least=0, above=True, most=10**9),
    ),
    "retention": _section(
        Retention,
        processed_days=or_null(_days()),
        failed_days=or_null(_days()),
        history_days=or_null(_days()),
    ),
    "dashboard": _check_dashboard,
    "alerts": _section(
        AlertPolicy,
        webhook=or_null(schema.url),
        heartbeat_url=or_null(schema.url),
        quiet_seconds=or_null(number(least=0, above=True, most=86400 * 365)),
    ),
    "files": list_of(_check_file_rule),
    "nodes": list_of(_check_node, least=1),
    "examples": list_of(
        table({"input": _LINES, "expect": object_of(_LINES)}, required=("input", "expect"), build=Example)
    ),
}
