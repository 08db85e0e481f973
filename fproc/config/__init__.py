"""`pipeline.json`: `model` has what it says as frozen dataclasses, `keys` reads it."""

from fproc.config.keys import KEYS, parse
from fproc.config.model import (
    IGNORED,
    MEGABYTE,
    AlertPolicy,
    CheckpointPolicy,
    Config,
    Dashboard,
    Example,
    FileRule,
    Intake,
    Limits,
    Next,
    NodeSpec,
    Recovery,
    Retention,
    to_json,
    to_log,
)

__all__ = [
    "IGNORED",
    "KEYS",
    "MEGABYTE",
    "AlertPolicy",
    "CheckpointPolicy",
    "Config",
    "Dashboard",
    "Example",
    "FileRule",
    "Intake",
    "Limits",
    "Next",
    "NodeSpec",
    "Recovery",
    "Retention",
    "parse",
    "to_json",
    "to_log",
]
