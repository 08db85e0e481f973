"""The command line: arguments to one action. Only here are clock, output streams and log wired together."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

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
from fproc.base.own_code import importing, leave, version_line
from fproc.base.stdout import complain

if TYPE_CHECKING:
    from fproc.cli.arguments.options import Arguments
    from fproc.cli.arguments.table import Action


def run() -> NoReturn:
    """Run fproc as a program, which exits with its status."""
    leave(main())


def main(argv: list[str] | None = None) -> int:
    """Run fproc, and return the exit status."""
    _fill_standard_descriptors()
    if os.getpid() == 1:
        _end_when_told()
    command_line = sys.argv[1:] if argv is None else argv
    is_debugging = "--debug" in command_line
    try:
        if command_line == ["--version"]:  # without the cost of a parser
            print(version_line())
            _flush()
            return EXIT_OK
        status = _do(command_line)
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


def _refuse_strays(action: Action, arguments: Arguments) -> None:
    """Refuse options that mean nothing with this action, rather than ignore them."""
    from fproc.cli.arguments.options import OPTIONS, value_of  # noqa: PLC0415 - as below
    from fproc.cli.arguments.table import ACTIONS  # noqa: PLC0415

    for option in OPTIONS:
        flag = option.flag
        homes = sorted(other.flag for other in ACTIONS if flag in other.options)
        if homes and action.flag not in homes and value_of(arguments, flag) is not None:
            raise UsageError(f"{flag} goes with {' or '.join(homes)}" + (option.hint and f"; {option.hint}"))
    if arguments.output == "" or "" in (arguments.input or ()):
        raise UsageError("--input and --output must not be empty")


def _do(command_line: list[str]) -> int:
    from fproc.cli.arguments.quick import asked_action, quick_arguments  # noqa: PLC0415 - --version does without

    arguments = quick_arguments(command_line) or _parsed(command_line)
    action = asked_action(arguments)
    if action is None:
        from fproc.cli.arguments.parser import command_parser  # noqa: PLC0415 - slow to import

        command_parser().print_help()
        return EXIT_USAGE
    _refuse_strays(action, arguments)
    module, _, function = action.function.rpartition(".")
    with importing():
        do: Callable[[Arguments], int] = getattr(import_module(module), function)
    return do(arguments)


def _parsed(command_line: list[str]) -> Arguments:
    """Return the values of an unusual command line, or exit if it asks for help, or is wrong."""
    from fproc.cli.arguments.options import Arguments  # noqa: PLC0415
    from fproc.cli.arguments.parser import command_parser  # noqa: PLC0415 - slow to import

    try:
        return command_parser().parse_args(command_line, Arguments())
    except SystemExit:  # --help, --version, wrong usage: the text is printed already
        _flush()
        raise


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
