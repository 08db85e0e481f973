"""Usual command lines are read without a parser, and mean what the parser says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.cli.arguments.options import OPTIONS, Arguments
from fproc.cli.arguments.parser import command_parser
from fproc.cli.arguments.quick import quick_arguments
from fproc.cli.arguments.table import ACTIONS

PARSER = command_parser()
FLAGS = [*(action.flag for action in ACTIONS), *(option.flag for option in OPTIONS)]
VALUES = ["a.log", "-", "", "b c", "text", "--", "-x", "--nothing", "--config=x", "3", "-3", "--in"]


def parsed(words: list[str]) -> dict[str, object] | None:
    """What the parser says; None if it exits."""
    try:
        return vars(PARSER.parse_args(words, Arguments()))
    except SystemExit:
        return None


@pytest.mark.parametrize(
    "words",
    [
        ["--watch"],
        ["--watch", "--drain", "--workers", "1", "--config", "c.json", "--quiet"],
        ["--quiet", "--input", "a.log", "-", "--output", "-"],
        ["--input", "a", "--log-format", "json", "--log-format", "text"],
        ["--status", "--json"],
        ["--check", "--config", ""],
    ],
)
def test_a_usual_command_line_needs_no_parser(words: list[str]) -> None:
    arguments = quick_arguments(words)
    assert arguments is not None
    assert vars(arguments) == parsed(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        ["--watch", "--input", "a"],
        ["--watch", "stray"],
        ["--input"],
        ["--input", "a", "--log-format", "xml"],
        ["--input", "a", "--config"],
        ["--input", "--", "-a"],
        ["--sample", "3", "--output", "x"],
        ["--config=c.json", "--watch"],
        ["--quiet"],
    ],
)
def test_what_is_unusual_or_wrong_is_left_to_the_parser(words: list[str]) -> None:
    assert quick_arguments(words) is None


@given(st.lists(st.sampled_from(FLAGS + VALUES), max_size=6))
def test_whatever_is_read_without_the_parser_means_the_same(words: list[str]) -> None:
    arguments = quick_arguments(words)
    assert arguments is None or vars(arguments) == parsed(words)
