"""The tables of actions and options are whole, and the parser takes what they say."""

from __future__ import annotations

from importlib import import_module

import pytest

from fproc.base.errors import EXIT_USAGE
from fproc.cli.main import ACTIONS, Action, main
from fproc.cli.options import OPTIONS, CommandOption
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


ASKED = {
    "--export-history": ["csv"],
    "--input": ["a"],
    "--sample": ["1"],
    "--why": ["a"],
    "--retry": ["a"],
    "--print": ["systemd"],
}
CASES = [
    (action.flag, option)
    for action in ACTIONS
    for option in OPTIONS
    for homes in [[other.flag for other in ACTIONS if option.flag in other.options]]
    if homes and action.flag not in homes
]


@pytest.mark.parametrize(("flag", "option"), CASES, ids=[f"{flag}{option.flag}" for flag, option in CASES])
def test_an_option_that_means_nothing_with_an_action_is_refused_and_told_where_it_goes(
    flag: str, option: CommandOption, capsys: pytest.CaptureFixture[str]
) -> None:
    value = [] if option.is_switch else [*option.choices, "x"][:1]
    assert main([flag, *ASKED.get(flag, []), option.flag, *value]) == EXIT_USAGE
    said = capsys.readouterr().err
    homes = sorted(action.flag for action in ACTIONS if option.flag in action.options)
    assert said.startswith(f"fproc: {option.flag} goes with {' or '.join(homes)}")


def test_where_results_of_a_watch_go_is_told_to_who_looks_for_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--watch", "--output", "x"]) == EXIT_USAGE
    message = "fproc: --output goes with --input or --sample; for --watch there is --results-dir\n"
    assert capsys.readouterr().err == message
