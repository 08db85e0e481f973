"""The parser of the command line, with its help.

It takes a tenth of a start to import and to make, so `quick` reads the usual calls without it.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

from fproc.base.errors import EXIT_USAGE
from fproc.base.own_code import version_line
from fproc.cli.arguments.options import OPTIONS
from fproc.cli.arguments.table import ACTIONS

DEFAULT_COLUMNS = 80
"""The width of help where no terminal tells one."""

DESCRIPTION = """\
Files that land in watch_dir/unprocessed/ are taken one by one, streamed line by line through the pipeline of
pipeline.json, and filed in processed/ or failed/; results appear in results/, whole or not at all."""

EPILOG = """\
exit status: 0 all well, 1 a file failed, 2 wrong usage, 78 wrong configuration, 130 interrupted
settings: a flag wins over a variable (FPROC_WATCH_DIR, FPROC_PORT, ...), that over .env beside the
configuration, that over pipeline.json"""


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in the same form as all other errors."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or version; unlike the base class, raise an error if that fails."""
        if message and file is not None:
            file.write(message)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"fproc: {message} (fproc --help lists what there is)\n")


class _Version(argparse.Action):
    """Reads what to print once it is asked for; that of the base class would be read at each start."""

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: object, **_keywords: object) -> None:
        print(version_line())
        parser.exit()


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Looks up the terminal's width itself: the base class imports `shutil` for it, at each start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    with suppress(AttributeError, ValueError, OSError):  # closed, or no terminal
        return os.get_terminal_size(sys.stdout.fileno()).columns or DEFAULT_COLUMNS
    return DEFAULT_COLUMNS


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="fproc",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    actions = parser.add_argument_group("actions (one)").add_mutually_exclusive_group()
    for action in ACTIONS:
        actions.add_argument(action.flag, help=action.help, **action.takes)
    actions.add_argument("--version", action=_Version, nargs=0, help="print the version and its commit")
    options = parser.add_argument_group("options")
    for option in OPTIONS:
        takes = {"choices": option.choices or None, "metavar": option.metavar or None}
        options.add_argument(
            option.flag, help=option.help, **({"action": "store_true"} if option.is_switch else takes)
        )
    return parser
