"""What a version's pipeline consists of, each part with a digest, to tell later what has changed."""

from __future__ import annotations

import json
import os
from typing import Any

from fproc.base.ids import sha256, short_fingerprint
from fproc.config.model import to_json
from fproc.watch.reloading import Version

WHOLE_KEYS = ("input", "files", "on_error", "limits")
"""The keys of the configuration that results depend on, apart from the nodes."""


def pipeline_parts(version: Version) -> dict[str, str]:
    """Return a digest of each part of a pipeline, by what people call it."""
    config = to_json(version.config)
    nodes = {f"node {node['tag']}": _digest(node) for node in config["nodes"]}
    keys = {key: _digest(config[key]) for key in WHOLE_KEYS}
    modules = {
        f"module {name}": short_fingerprint(sha256(module.code).hexdigest())
        for name, module in version.sources.modules.items()
    }
    tables = {
        f"table {os.path.basename(path)}": short_fingerprint(digest)
        for path, digest in version.tables.items()
    }
    return {**nodes, **keys, **modules, **tables}


def _digest(value: Any) -> str:
    return short_fingerprint(sha256(json.dumps(value, sort_keys=True).encode()).hexdigest())
