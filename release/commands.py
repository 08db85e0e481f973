"""The command line of fproc as man page and completions see it, read from its parser."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from fproc.cli.arguments.parser import command_parser

FOLDERS = {"DIR"}
FILES = {"PATH"}


@dataclass(frozen=True)
class Word:
    """An action or option of fproc.

    Attributes:
        flags: how it is spelt, the long form last.
        help: what it does.
        metavar: how its value is called; "" without one.
        choices: the values that it may have, if they are known.
        is_optional: whether the value may be left out.
        is_repeated: whether several values may follow.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str
    choices: tuple[str, ...]
    is_optional: bool
    is_repeated: bool

    @property
    def long(self) -> str:
        """The long form."""
        return self.flags[-1]

    @property
    def takes_value(self) -> bool:
        """Whether a value may follow."""
        return bool(self.metavar or self.choices)


def actions() -> list[Word]:
    """Return what one call may ask for, one of them at a time, in the order of `--help`."""
    (one_of,) = command_parser()._mutually_exclusive_groups
    return [_word(action) for action in one_of._group_actions]


def options() -> list[Word]:
    """Return what goes with an action, in the order of `--help`, which is the first."""
    known = {action.flags for action in actions()}
    return [word for word in map(_word, command_parser()._actions) if word.flags not in known]


def _word(action: argparse.Action) -> Word:
    has_value = action.nargs != 0
    metavar = str(action.metavar or "").strip() if has_value else ""
    return Word(
        tuple(action.option_strings),
        str(action.help),
        metavar,
        tuple(map(str, action.choices or ())),
        action.nargs in {"?", "*"},
        action.nargs in {"+", "*"},
    )
