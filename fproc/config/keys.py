"""The keys of `pipeline.json`: JSON text to the dataclasses of `model`, or every problem at once."""

from __future__ import annotations

import os
from typing import Any

from fproc.base.schema import Problems, Shape, table
from fproc.base.values import replace
from fproc.config.declaration import keys_of, shape_of_fields
from fproc.config.model import SETTINGS, Config

KEYS = keys_of(Config)
_CHECK = table(
    {name: key.check for name, key in KEYS.items()},
    required=tuple(name for name, key in KEYS.items() if key.is_required),
    build=Config,
)


def parse_config(value: Any, *, folder: str) -> tuple[Config | None, Problems]:
    """Check a configuration.

    Args:
        value: the JSON value.
        folder: the folder that paths in it are relative to.

    Returns:
        The configuration as far as it is right (None if it is no object or has no usable nodes), and the
        problems.
    """
    problems: Problems = []
    config: Config | None = _CHECK(value, "$", problems)
    return config and _placed(config, folder), problems


def config_shape() -> Shape:
    """Return the shape of a configuration, as JSON Schema; what a node's `config` holds is not in it."""
    return shape_of_fields(Config)


def _placed(config: Config, folder: str) -> Config:
    """Return the configuration with absolute paths; results go to `watch_dir` by default.

    Paths of folders, which are compared, are normalized; files are opened by the path in the configuration.
    """
    config = replace(
        config,
        results_dir=config.results_dir or os.path.join(config.watch_dir, "results"),
        nodes=tuple(replace(node, folder=folder) for node in config.nodes),
    )
    for setting in SETTINGS:
        if setting.key.is_path and setting.of(config):
            path = os.path.join(folder, setting.of(config))
            config = setting.changed(config, path if setting.path[1:] else os.path.abspath(path))
    return config
