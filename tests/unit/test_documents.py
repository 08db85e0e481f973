"""The documents are whole: each option, variable, key and built-in is in them, and links lead somewhere."""

from __future__ import annotations

import argparse
import re

from fproc.base.values import fields
from fproc.cli.arguments import parser as command_line
from fproc.cli.settings import VARIABLES
from fproc.config import input_format, model, nodes
from fproc.config.keys import KEYS
from fproc.pipeline.processors.builtins import BUILTINS
from tests.support.project import PROJECT


def text_of(*names: str) -> str:
    return "\n".join((PROJECT / name).read_text(encoding="utf-8") for name in names)


def test_every_option_of_the_command_line_is_documented() -> None:
    actions = command_line.command_parser()._actions
    flags = [flag for action in actions for flag in action.option_strings if flag.startswith("--")]
    missing = [flag for flag in flags if f"`{flag}" not in text_of("docs/COMMANDS.md")]
    assert missing == []
    assert all(action.help for action in actions if not isinstance(action, argparse._VersionAction))


def test_every_variable_is_documented() -> None:
    assert [name for name in (*VARIABLES, "MODE") if f"`{name}`" not in text_of("docs/COMMANDS.md")] == []


def test_every_key_of_the_configuration_is_documented() -> None:
    documented = text_of("docs/CONFIGURATION.md")
    sections = [
        model.Intake,
        model.RetryPolicy,
        model.Recovery,
        model.Limits,
        model.Dashboard,
        model.AlertPolicy,
        input_format.InputFormat,
        input_format.FileRule,
        nodes.NodeSpec,
    ]
    inner = [field.name for section in sections for field in fields(section)]
    inner[inner.index("gets")] = "as"
    inner = [name for name in inner if name not in {"path", "folder"}]  # where they were read from
    written = {name for quoted in re.findall(r"`([a-z_.]+)`", documented) for name in quoted.split(".")}
    assert {*KEYS, *inner} - written == set()


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
