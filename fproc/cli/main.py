"""The command line: arguments to one action. Only here are clock, output streams and log wired together."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
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
from fproc.base.stdout import complain

DESCRIPTION = """\
Files that land in watch_dir/unprocessed/ are taken one by one, streamed line by line through the pipeline of
pipeline.json, and filed in processed/ or failed/; results appear in results/, whole or not at all."""

EPILOG = """\
exit status: 0 all well, 1 a file failed, 2 wrong usage, 78 wrong configuration, 130 interrupted
settings: a flag wins over a variable (FPROC_WATCH_DIR, FPROC_PORT, ...), that over .env beside the
configuration, that over pipeline.json"""


def main(argv: list[str] | None = None) -> int:
    """Run fproc; gives the exit status."""
    _fill_standard_descriptors()
    if os.getpid() == 1:
        _end_when_told()
    is_debugging = "--debug" in (sys.argv if argv is None else argv)
    try:
        parser = _parser()
        try:
            arguments = parser.parse_args(argv)
        except SystemExit:  # --help, --version, wrong usage: all is said, if it can be
            _flush()
            raise
        if _count_actions(arguments) == 0:
            parser.print_help()
            return EXIT_USAGE
        status = _act(arguments)
        _flush()
    except KeyboardInterrupt:
        complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # nobody reads standard output any more: `| head` has what it wanted
        _abandon_standard_output()
        return EXIT_OK
    except Exception as error:  # noqa: BLE001 - the last edge: a user sees one line, not a traceback
        if is_debugging:
            traceback.print_exc()
        return _explain(error)
    return status


def _explain(error: Exception) -> int:
    """Say what is wrong, in a line for each problem; gives the exit status."""
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
        complain(f"{reason_of(error)} (this is a mistake in fproc; --debug shows where)")
    return EXIT_FILE_FAILED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in the same form as everything else does."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or version; unlike the base class, say so where that is impossible."""
        if message and file is not None:
            file.write(message)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"fproc: {message} (fproc --help lists what there is)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fproc",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_argument_group("actions (one)").add_mutually_exclusive_group()
    actions.add_argument("--watch", action="store_true", help="process files as they land, until stopped")
    actions.add_argument(
        "--input", nargs="+", metavar="PATH", help="process these files where they are; - is standard input"
    )
    actions.add_argument("--check", action="store_true", help="check the configuration and run its examples")
    actions.add_argument(
        "--graph", nargs="?", const="text", choices=("text", "mermaid", "dot"), help="draw the pipeline"
    )
    actions.add_argument(
        "--sample", type=int, metavar="COUNT", help="write sample log files into --output DIR"
    )
    actions.add_argument(
        "--status", action="store_true", help="how many files are in each state, and whether all is well"
    )
    actions.add_argument("--why", metavar="NAME", help="where that file is, and why it is not processed yet")
    actions.add_argument(
        "--retry",
        nargs="*",
        metavar="NAME",
        help="put failed files back to work; or all of them: --retry --all",
    )
    actions.add_argument(
        "--doctor", action="store_true", help="find out what the folders' filesystems can do"
    )
    actions.add_argument("--version", action="version", version=f"fproc {__version__}")
    options = parser.add_argument_group("options")
    options.add_argument("--json", action="store_true", help="with --status: say it in JSON")
    options.add_argument("--all", action="store_true", help="with --retry: all failed files")
    options.add_argument(
        "--config", metavar="PATH", help="the configuration (default: ./pipeline.json, or a built-in one)"
    )
    options.add_argument("--watch-dir", metavar="DIR", help="the folder with unprocessed/, processed/, ...")
    options.add_argument(
        "--results-dir", metavar="DIR", help="where results go (default: results/ in the watched folder)"
    )
    options.add_argument(
        "--output", metavar="PATH", help="with --input: where results go; - is standard output"
    )
    options.add_argument(
        "--mode", metavar="NAME", help="with --input: one built-in processor instead of a pipeline"
    )
    options.add_argument(
        "--drain", action="store_true", help="with --watch: process what is there, then exit"
    )
    options.add_argument("--workers", metavar="N", help="worker processes (default: auto)")
    options.add_argument("--host", metavar="ADDRESS", help="where the dashboard listens (default: 127.0.0.1)")
    options.add_argument("--port", metavar="N", help="the dashboard's port (default: 8000; 0: any free one)")
    options.add_argument("--no-dashboard", action="store_true", help="do not listen on any port")
    options.add_argument(
        "--heartbeat-url", metavar="URL", help="with --watch: call this URL once a minute while all is well"
    )
    options.add_argument("--trace", action="store_true", help="print each line's way through the graph")
    options.add_argument("--debug", action="store_true", help="log more, and show tracebacks")
    options.add_argument("--log-format", choices=("text", "json"), help="the form of the log (default: text)")
    options.add_argument("--log-file", metavar="PATH", help="log there (default: standard error)")
    options.add_argument("--quiet", action="store_true", help="log warnings and errors only; no progress bar")
    return parser


def _count_actions(arguments: argparse.Namespace) -> int:
    asked = (
        *(
            arguments.watch,
            arguments.input,
            arguments.check,
            arguments.graph,
            arguments.status,
            arguments.doctor,
        ),
        *(given is not None for given in (arguments.sample, arguments.why, arguments.retry)),
    )
    return sum(map(bool, asked))


def _act(arguments: argparse.Namespace) -> int:
    _refuse_strays(arguments)
    if arguments.sample is not None:
        return _sample(arguments)
    from fproc.cli import actions  # noqa: PLC0415 - --version and --help start faster without the engine

    return actions.run_action(arguments)


def _refuse_strays(arguments: argparse.Namespace) -> None:
    """Refuse options that mean nothing with this action, rather than ignore them."""
    if arguments.json and not arguments.status:
        raise UsageError("--json goes with --status")
    if arguments.all and arguments.retry is None:
        raise UsageError("--all goes with --retry")
    if arguments.drain and not arguments.watch:
        raise UsageError("--drain goes with --watch")
    if arguments.heartbeat_url is not None and not arguments.watch:
        raise UsageError("--heartbeat-url goes with --watch")
    if arguments.mode is not None and not arguments.input:
        raise UsageError("--mode goes with --input")
    if arguments.output is not None and not arguments.input and arguments.sample is None:
        raise UsageError("--output goes with --input or --sample; for --watch there is --results-dir")
    if arguments.trace and not (arguments.input or arguments.watch):
        raise UsageError("--trace goes with --input or --watch")
    if arguments.output == "" or "" in (arguments.input or ()):
        raise UsageError("--input and --output must not be empty")


def _sample(arguments: argparse.Namespace) -> int:
    if arguments.sample < 1:
        raise UsageError("--sample must be 1 or more")
    if arguments.output is None:
        raise UsageError("--sample needs --output DIR, the folder to write to")
    from fproc.cli.sample import write_samples  # noqa: PLC0415

    for path in write_samples(arguments.sample, arguments.output):
        print(path)
    return EXIT_OK


def _end_when_told() -> None:
    """Let an early SIGTERM end the first process of a container, whose default action the kernel leaves out.

    Nothing is begun yet. `--watch` and `--input` do better once they can; `boot` has the same line, which
    comes sooner.
    """
    import signal  # noqa: PLC0415 - slow to import, and there is no hurry anywhere else

    status = EXIT_OK if "--watch" in sys.argv else EXIT_INTERRUPTED
    signal.signal(signal.SIGTERM, lambda *_: os._exit(status))


def _fill_standard_descriptors() -> None:
    """Put nothing where standard input, output or error was closed, lest a data file take its number.

    Processes that are started inherit it. As standard output it cannot be written to: that is an error, not a
    way to lose results.
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
    """Let the interpreter, which flushes standard output when it ends, not fail at that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
