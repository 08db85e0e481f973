"""The command line: arguments to one action. Only here are clock, output streams and log wired together."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from fproc import __version__
from fproc.base.errors import (
    EXIT_CONFIG,
    EXIT_FILE_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    ConfigError,
    FprocError,
    UsageError,
    reason_of,
)
from fproc.base.own_code import build_stamp
from fproc.base.stdout import complain
from fproc.base.values import dataclass, field
from fproc.cli.install.kinds import KINDS

DEFAULT_COLUMNS = 80
"""The width of help where no terminal tells one."""

DESCRIPTION = """\
Files that land in watch_dir/unprocessed/ are taken one by one, streamed line by line through the pipeline of
pipeline.json, and filed in processed/ or failed/; results appear in results/, whole or not at all."""

EPILOG = """\
exit status: 0 all well, 1 a file failed, 2 wrong usage, 78 wrong configuration, 130 interrupted
settings: a flag wins over a variable (FPROC_WATCH_DIR, FPROC_PORT, ...), that over .env beside the
configuration, that over pipeline.json"""


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the command line.

    Attributes:
        flag: the option that asks for it.
        help: what it does, for `--help`.
        function: the path of its function, imported when it is called; it takes the arguments and returns the
            exit status.
        options: those that go with this action; an option that no action names goes with all.
        takes: the arguments of `argparse` for the option's value.
        meaning: the text for the documents, if that is more than `help`.
    """

    flag: str
    help: str
    function: str
    options: tuple[str, ...] = ()
    takes: Mapping[str, Any] = field(default_factory=lambda: {"action": "store_true"})
    meaning: str = ""


ACTIONS = (
    Action(
        "--watch",
        "process files as they land, until stopped",
        "fproc.cli.actions.watch",
        ("--drain", "--heartbeat-url", "--mode", "--trace"),
        meaning="process files as they land in `unprocessed/`, until stopped; the dashboard answers "
        "meanwhile",
    ),
    Action(
        "--input",
        "process these files where they are; - is standard input",
        "fproc.cli.actions.process_files",
        ("--mode", "--output", "--trace"),
        {"nargs": "+", "metavar": "PATH"},
        "process these files where they are, and exit; `-` is standard input",
    ),
    Action(
        "--check",
        "check the configuration and run its examples",
        "fproc.cli.actions.check",
        meaning="check configuration and processors, run the `examples`, print a summary; says if lines are "
        "interpreted, which is slow, or a big file is done by one worker, and why",
    ),
    Action(
        "--graph",
        "draw the pipeline",
        "fproc.cli.actions.graph",
        takes={"nargs": "?", "const": "text", "choices": ("text", "mermaid", "dot")},
    ),
    Action(
        "--explain",
        "what becomes of a line, step by step; - is each line of standard input",
        "fproc.cli.actions.explain",
        ("--json",),
        {"metavar": "FILE:LINE"},
        "what becomes of one line: its route, and what each node received and emitted, with the lines before "
        "it run first where nodes remember; `FILE` is a path, or the name of an input; `-` explains each "
        "line of standard input; with `--json` as JSON. It writes no results",
    ),
    Action(
        "--processors",
        "the built-in processors, or the options and an example of one",
        "fproc.cli.actions.show_processors",
        takes={"nargs": "?", "const": "", "metavar": "NAME"},
    ),
    Action(
        "--sample",
        "write sample files into --output DIR",
        "fproc.cli.actions.write_sample_files",
        ("--output", "--seed", "--shape"),
        {"type": int, "metavar": "COUNT"},
        "write sample files into `--output DIR`: logs, CSV, JSON lines or batches (`--shape`)",
    ),
    Action(
        "--status",
        "how many files are in each state, and whether all is well",
        "fproc.cli.actions.show_status",
        ("--json",),
        meaning="how many files are in each state, what is being worked on, and whether all is well; with "
        "`--json` as JSON",
    ),
    Action(
        "--why",
        "where that file is, and why it is not processed yet",
        "fproc.cli.actions.say_why",
        takes={"metavar": "NAME"},
    ),
    Action(
        "--retry",
        "put failed files back to work; all of them with --all",
        "fproc.cli.actions.put_back",
        ("--all",),
        {"nargs": "*", "metavar": "NAME"},
        "put files back into `unprocessed/`: failed ones (with `--all` all of them), and by name those in "
        "`processed/` of which lines were set aside",
    ),
    Action(
        "--history",
        "what happened to all files, or to one",
        "fproc.cli.actions.show_history",
        ("--json",),
        {"nargs": "?", "const": "", "metavar": "NAME"},
        "what happened to all files, or to those of one name, oldest first: when they ended, how, and with "
        "what results",
    ),
    Action(
        "--rejects",
        "the lines that were set aside, of all files or of one",
        "fproc.cli.actions.show_rejects",
        ("--json",),
        {"nargs": "?", "const": "", "metavar": "NAME"},
        "the lines that were set aside (`failed/*.rejected.jsonl`), of all files or of those of one name",
    ),
    Action(
        "--export-history",
        "the whole history for other programs",
        "fproc.cli.actions.export_history",
        takes={"choices": ("csv", "jsonl")},
        meaning="the whole history, oldest first, as CSV with a header or as a JSON object on each line",
    ),
    Action(
        "--prune",
        "remove what retention does not keep, now",
        "fproc.cli.actions.prune",
        ("--dry-run",),
        meaning="remove what [`retention`](CONFIGURATION.md#what-is-removed) does not keep, now; with "
        "`--dry-run` only list it",
    ),
    Action(
        "--doctor",
        "check what the folders' filesystems can do",
        "fproc.cli.actions.examine_folders",
        meaning="check whether the folders' filesystems can do what fproc relies on",
    ),
    Action(
        "--print",
        "a file to install fproc with, filled in with this configuration",
        "fproc.cli.actions.print_install_file",
        takes={"choices": tuple(KINDS)},
        meaning="print a file to install fproc with, filled in with the paths of this configuration; see "
        "[below](#files-to-install-fproc-with)",
    ),
)
"""All actions. A new one is an entry here, and its function."""


def main(argv: list[str] | None = None) -> int:
    """Run fproc, and return the exit status."""
    _fill_standard_descriptors()
    if os.getpid() == 1:
        _end_when_told()
    command_line = sys.argv[1:] if argv is None else argv
    is_debugging = "--debug" in command_line
    try:
        if command_line == ["--version"]:  # without the cost of a parser
            print(_version())
            _flush()
            return EXIT_OK
        parser = command_parser()
        try:
            arguments = parser.parse_args(argv)
        except SystemExit:  # --help, --version, wrong usage: the text is printed already
            _flush()
            raise
        action = _asked(arguments)
        if action is None:
            parser.print_help()
            return EXIT_USAGE
        status = _do(action, arguments)
        _flush()
    except KeyboardInterrupt:
        complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # nobody reads standard output any more, as after `| head`
        _abandon_standard_output()
        return EXIT_OK
    except Exception as error:  # noqa: BLE001 - the last edge: a user sees one line, not a traceback
        if is_debugging:
            traceback.print_exc()
        return _explain(error)
    return status


def _version() -> str:
    """Return name and version, with the commit that this was built from, and its day, if that is known."""
    stamp = build_stamp()
    return f"fproc {__version__}" + (f" ({stamp[0]}, {stamp[1].partition('T')[0]})" if stamp else "")


def _explain(error: Exception) -> int:
    """Print an error, one line for each problem, and return the exit status."""
    if isinstance(error, FprocError):
        for line in error.problems if isinstance(error, ConfigError) else [error]:
            complain(line)
        return error.exit_status
    if isinstance(error, OSError):
        from fproc.base.faults import trouble_of  # noqa: PLC0415 - only where there is trouble

        _abandon_standard_output()
        complain(trouble_of(error))
    elif isinstance(error, ModuleNotFoundError) and error.name in sys.stdlib_module_names:
        what = f"this Python has no {error.name!r}, a module of its own standard library"
        complain(f"{what}; install all of it (Debian, Ubuntu: apt install python3, not python3-minimal)")
        return EXIT_CONFIG
    else:
        complain(f"{reason_of(error)} (this is a bug in fproc; --debug shows where)")
    return EXIT_FILE_FAILED


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
        print(_version())
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
    from fproc.cli.options import OPTIONS  # noqa: PLC0415 - --version does without

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


def _asked(arguments: argparse.Namespace) -> Action | None:
    """Return the action that is asked for, or None."""
    from fproc.cli.options import value_of  # noqa: PLC0415

    return next((action for action in ACTIONS if value_of(arguments, action.flag) is not None), None)


def _refuse_strays(action: Action, arguments: argparse.Namespace) -> None:
    """Refuse options that mean nothing with this action, rather than ignore them."""
    from fproc.cli.options import OPTIONS, value_of  # noqa: PLC0415

    for option in OPTIONS:
        flag = option.flag
        homes = sorted(other.flag for other in ACTIONS if flag in other.options)
        if homes and action.flag not in homes and value_of(arguments, flag) is not None:
            raise UsageError(f"{flag} goes with {' or '.join(homes)}" + (option.hint and f"; {option.hint}"))
    if arguments.output == "" or "" in (arguments.input or ()):
        raise UsageError("--input and --output must not be empty")


def _do(action: Action, arguments: argparse.Namespace) -> int:
    _refuse_strays(action, arguments)
    module, _, function = action.function.rpartition(".")
    do: Callable[[argparse.Namespace], int] = getattr(import_module(module), function)
    return do(arguments)


def _end_when_told() -> None:
    """Let an early SIGTERM end the first process of a container, for which the kernel has no default action.

    No work has begun yet. `--watch` and `--input` install better handlers later; `boot` has the same line,
    which runs sooner.
    """
    import signal  # noqa: PLC0415 - slow to import, and only a container needs it this early

    status = EXIT_OK if "--watch" in sys.argv else EXIT_INTERRUPTED
    signal.signal(signal.SIGTERM, lambda *_: os._exit(status))


def _fill_standard_descriptors() -> None:
    """Open the null device where standard input, output or error is closed, lest a file take that number.

    Child processes inherit it. As standard output it cannot be written to: that is an error, not a way to
    lose results.
    """
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _abandon_standard_output() -> None:
    """Keep the interpreter from failing when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
