"""The tables of actions and options are whole, and the parser takes what they say."""

from __future__ import annotations

from importlib import import_module

import pytest

from fproc.base.errors import EXIT_USAGE
from fproc.cli.arguments.options import OPTIONS, CommandOption
from fproc.cli.arguments.table import ACTIONS, Action
from fproc.cli.main import main
from fproc.config.model import SETTINGS

FLAGS = {option.flag for option in OPTIONS}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.flag)
def test_the_function_of_an_action_is_where_it_is_said_to_be(action: Action) -> None:
    module, _, name = action.function.rpartition(".")
    assert callable(getattr(import_module(module), name))
    assert set(action.options) <= FLAGS


def test_every_flag_of_a_key_is_an_option() -> None:
    assert {setting.key.flag.name for setting in SETTINGS if setting.key.flag.name} <= FLAGS
    assert len(OPTIONS) == len(FLAGS)


def values_of(action: Action) -> list[str]:
    """What an action may be asked for: nothing, one of its choices, or a value that does for all others."""
    is_switch = action.takes.get("action") == "store_true"
    return [] if is_switch else [*action.takes.get("choices", ()), "1"][:1]


CASES = [
    (action, option)
    for action in ACTIONS
    for option in OPTIONS
    for homes in [[other.flag for other in ACTIONS if option.flag in other.options]]
    if homes and action.flag not in homes
]


@pytest.mark.parametrize(
    ("action", "option"), CASES, ids=[f"{action.flag}{option.flag}" for action, option in CASES]
)
def test_an_option_that_means_nothing_with_an_action_is_refused_and_told_where_it_goes(
    action: Action, option: CommandOption, capsys: pytest.CaptureFixture[str]
) -> None:
    value = [] if option.is_switch else [*option.choices, "x"][:1]
    assert main([action.flag, *values_of(action), option.flag, *value]) == EXIT_USAGE
    said = capsys.readouterr().err
    homes = sorted(other.flag for other in ACTIONS if option.flag in other.options)
    assert said.startswith(f"fproc: {option.flag} goes with {' or '.join(homes)}")


def test_where_results_of_a_watch_go_is_told_to_who_looks_for_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--watch", "--output", "x"]) == EXIT_USAGE
    message = "fproc: --output goes with --input or --sample; for --watch there is --results-dir\n"
    assert capsys.readouterr().err == message
