"""The rules of the house that no other tool checks: layers, homes of calls, documents that are whole."""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc import cli, config
from fproc.lifecycle import RetryPolicy
from fproc.processors import BUILTINS
from fproc.settings import VARIABLES
from fproc.values import fields

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "fproc"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "boot.py")

LAYERS: list[set[str]] = [
    {
        "errors",
        "failures",
        "own_code",
        "records",
        "times",
        "timing",
        "tokens",
        "traces",
        "stdout",
        "schema",
        "urls",
        "values",
        "config",
        "graph",
        "engine",
        "compiler",
        "lifecycle",
        "processors",
        "default",
        "health",
    },
    {
        "spool",
        "events",
        "history",
        "history_schema",
        "inputs",
        "streams",
        "plugins",
        "plan",
        "examples",
        "drawing",
    },
    {
        "run",
        "job",
        "wholeness",
        "worker",
        "worker_process",
        "pool",
        "agenda",
        "signals",
        "wakeup",
        "processes",
        "wire",
        "waiting",
        "chunks",
        "losses",
        "pruning",
        "workers",
        "recorder",
        "crew",
        "pace",
        "chores",
        "pieces",
        "mark",
        "stalls",
        "whereabouts",
        "journal",
        "memory",
        "metrics",
        "windows",
        "alerts",
        "caller",
        "webcall",
        "watch",
        "draining",
        "pauses",
        "oneshot",
        "trace",
        "progress",
        "sample",
    },
    {
        "advice",
        "dashboard",
        "config_file",
        "settings",
        "logs",
        "service",
        "actions",
        "operate",
        "cli",
        "__main__",
        "pyz",
    },
]
"""A module may import from its own layer and from those above it in this list, never from below."""

HOMES = {
    "fproc/spool/": [
        "os.rename",
        "os.replace",
        "os.unlink",
        "os.remove",
        "os.link",
        "os.fsync",
        "os.rmdir",
        "fcntl.flock",
    ],
    "fproc/history": ["sqlite3"],
    "fproc/processes.py": ["subprocess"],
    "fproc/wire.py": ["pickle"],
    "nowhere": ["multiprocessing", "select.select"],
}
"""What only the named folder may use."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def layer_of(name: str) -> int:
    return next((number for number, names in enumerate(LAYERS) if name in names), -1)


def imported(path: Path) -> Iterator[str]:
    """The modules of fproc that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "fproc":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fproc."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_only_downward(path: Path) -> None:
    name = name_of(path)
    if name == "__init__":
        assert set(imported(path)) == {"errors"}
        return
    assert layer_of(name) >= 0, f"{name} is in no layer"
    upward = [
        other for other in imported(path) if other != "__version__" and layer_of(other) > layer_of(name)
    ]
    assert upward == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_kind_of_call_has_one_home(path: Path) -> None:
    place = path.relative_to(PROJECT).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    if place == "fproc/pyz/build.py":
        return  # runs when fproc is built, not when it is used
    for home, calls in HOMES.items():
        if not place.startswith(home):
            assert used.isdisjoint(calls), home


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_a_person_reads_at_once(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_version_starts_without_what_only_work_needs() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "fproc", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    heavy = {
        "http",
        "http.server",
        "sqlite3",
        "multiprocessing",
        "email",
        "logging",
        "json",
        "dataclasses",
        "inspect",
    }
    assert loaded & heavy == set()
    assert "fproc.cli" in loaded


def text_of(*names: str) -> str:
    return "\n".join((PROJECT / name).read_text(encoding="utf-8") for name in names)


def test_every_option_of_the_command_line_is_documented() -> None:
    actions = cli._parser()._actions
    flags = [flag for action in actions for flag in action.option_strings if flag.startswith("--")]
    missing = [flag for flag in flags if f"`{flag}" not in text_of("docs/COMMANDS.md")]
    assert missing == []
    assert all(action.help for action in actions if not isinstance(action, argparse._VersionAction))


def test_every_variable_is_documented() -> None:
    assert [name for name in (*VARIABLES, "MODE") if f"`{name}`" not in text_of("docs/COMMANDS.md")] == []


def test_every_key_of_the_configuration_is_documented() -> None:
    documented = text_of("docs/CONFIGURATION.md")
    sections = [
        config.Intake,
        RetryPolicy,
        config.Recovery,
        config.Limits,
        config.Dashboard,
        config.AlertPolicy,
        config.FileRule,
        config.NodeSpec,
    ]
    inner = [field.name for section in sections for field in fields(section) if field.name != "path"]
    written = {name for quoted in re.findall(r"`([a-z_.]+)`", documented) for name in quoted.split(".")}
    assert {*config.KEYS, *inner} - written == set()


def test_every_built_in_is_documented_with_its_options_and_example() -> None:
    documented = text_of("docs/PROCESSORS.md")
    for name, builtin in BUILTINS.items():
        assert f"### `{name}`" in documented
        section = documented.split(f"### `{name}`")[1].split("\n### ")[0]
        assert builtin.summary in section
        for option, described in builtin.options.items():
            assert f"`{option}`" in section, (name, option)
            assert described.meaning in section, (name, option)
        for line in [*builtin.example[1], *builtin.example[2]]:
            assert line in section, (name, line)


def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} -> {target}"
