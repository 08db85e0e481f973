"""The usual command lines, read without a parser: an action with options that are all spelt out.

What is unusual in any way, and all that is wrong, is left to the parser. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fproc.cli.arguments.options import OPTIONS, Arguments, CommandOption, value_of
from fproc.cli.arguments.table import ACTIONS, Action


def quick_arguments(words: Sequence[str]) -> Arguments | None:
    """Return the values of a usual command line; None if only the parser can tell what it means."""
    values: dict[str, Any] = {
        **{_name(action.flag): _default(action) for action in ACTIONS},
        "version": None,
        **{_name(option.flag): False if option.is_switch else None for option in OPTIONS},
    }
    actions = {action.flag: action for action in ACTIONS}
    options = {option.flag: option for option in OPTIONS}
    left = list(reversed(words))
    asked = None
    while left:
        word = left.pop()
        if word in actions and asked is None:
            asked = actions[word]
            value = _value_of_action(asked, left)
        elif word in options:
            value = _value_of_option(options[word], left)
        else:
            return None
        if value is None:
            return None
        values[_name(word)] = value
    return None if asked is None else Arguments(**values)


def asked_action(arguments: Arguments) -> Action | None:
    """Return the action that is asked for, or None."""
    return next((action for action in ACTIONS if value_of(arguments, action.flag) is not None), None)


def _name(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _default(action: Action) -> bool | None:
    return False if action.takes.get("action") == "store_true" else None


def _value_of_action(action: Action, left: list[str]) -> Any:
    """Take the value of an action from the words that are left, of which the last one comes next."""
    if action.takes.get("action") == "store_true":
        return True
    if action.takes.get("nargs") != "+":
        return None
    paths = []
    while left and _is_value(left[-1]):
        paths.append(left.pop())
    return paths or None


def _value_of_option(option: CommandOption, left: list[str]) -> Any:
    if option.is_switch:
        return True
    if not left or not _is_value(left[-1]):
        return None
    value = left.pop()
    return None if option.choices and value not in option.choices else value


def _is_value(word: str) -> bool:
    """Return whether the parser takes a word for a value too, whatever it looks like."""
    return word == "-" or not word.startswith("-")
