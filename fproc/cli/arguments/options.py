"""The options of the command line that go with actions: parser, variables and documents take them from here.

Those that give a key of the configuration are declared with it, in `config.model`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from fproc.base.values import dataclass
from fproc.config.model import SETTINGS
from fproc.config.sources.defaults import CONFIG_VARIABLE

LOG_FORMATS = ("text", "json")
SAMPLE_SHAPES = ("logs", "csv", "jsonl", "batch")

TOKEN_VARIABLE = "FPROC_TOKEN"  # noqa: S105 - the name of a variable
LOG_FORMAT_VARIABLE = "FPROC_LOG_FORMAT"
LOG_FILE_VARIABLE = "FPROC_LOG_FILE"
MODE_VARIABLE = "MODE"


@dataclass(frozen=True, slots=True)
class CommandOption:
    """An option, which takes a value if it has a `metavar` or `choices`.

    `help` is for `--help`; the documents show `meaning`, if there is one. `variable` sets the same. `hint` is
    the advice if it is used with an action that has no use for it.
    """

    flag: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    variable: str = ""
    meaning: str = ""
    hint: str = ""

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return not (self.metavar or self.choices)


_OF_KEYS = {
    key.flag.name: CommandOption(key.flag.name, key.flag.help, key.flag.metavar, (), key.variable, key.help)
    for key in (setting.key for setting in SETTINGS)
    if key.flag.name
}
_FOLDERS = ("--watch-dir", "--results-dir")
_SERVICE = ("--workers", "--host", "--port")

OPTIONS = (
    CommandOption(
        "--json",
        "with --explain, --history, --rejects, --status: print JSON",
        meaning="with `--explain`, `--history`, `--rejects` and `--status`: print JSON",
    ),
    CommandOption(
        "--dry-run",
        "with --prune: only list what would be removed",
        meaning="with `--prune`: only list what would be removed, and why",
    ),
    CommandOption(
        "--from",
        "with --new: a file that the pipeline is made for",
        "SAMPLE",
        meaning="with `--new`: a file that the pipeline is made for",
    ),
    CommandOption(
        "--pipeline",
        "with --history, --export-history: only what ran under it",
        "FINGERPRINT",
        meaning="with `--history` and `--export-history`: only what ran under the pipeline with this "
        "fingerprint",
    ),
    CommandOption("--all", "with --retry: all failed files", meaning="with `--retry`: all failed files"),
    CommandOption(
        "--config",
        "the configuration (default: ./pipeline.json, or a built-in one)",
        "PATH",
        variable=CONFIG_VARIABLE,
        meaning="the configuration; by default `./pipeline.json`, or the built-in one",
    ),
    *(_OF_KEYS[flag] for flag in _FOLDERS),
    CommandOption(
        "--output",
        "with --input: where results go; - is standard output",
        "PATH",
        meaning="with `--input` and `--sample`, see [below](#where-results-go)",
        hint="for --watch there is --results-dir",
    ),
    CommandOption(
        "--mode",
        "one built-in processor instead of a pipeline",
        "NAME",
        variable=MODE_VARIABLE,
        meaning="with `--watch` and `--input`: one built-in processor instead of a pipeline, such as "
        "`uppercase`",
    ),
    CommandOption(
        "--shape",
        "with --sample: what the files look like (default: logs)",
        choices=SAMPLE_SHAPES,
        meaning="with `--sample`: what the files look like; by default logs. `batch` has a header, and a "
        "trailer with number and sum",
    ),
    CommandOption(
        "--seed",
        "with --sample: any text; the same one gives the same files",
        "TEXT",
        meaning="with `--sample`: any text; the same one gives the same files, on every host",
    ),
    CommandOption(
        "--drain",
        "with --watch: process what is there, then exit",
        meaning="with `--watch`: process what is there, then exit; without a dashboard, so that cron may run "
        "it beside a `--watch`",
    ),
    *(_OF_KEYS[flag] for flag in _SERVICE),
    CommandOption("--no-dashboard", "do not listen on any port"),
    *(option for flag, option in _OF_KEYS.items() if flag not in {*_FOLDERS, *_SERVICE}),
    CommandOption(
        "--trace",
        "print each line's path through the graph",
        meaning="print the path of each line through the graph to standard error",
    ),
    CommandOption("--debug", "log more, and show tracebacks"),
    CommandOption(
        "--log-format",
        "the format of the log (default: text)",
        choices=LOG_FORMATS,
        variable=LOG_FORMAT_VARIABLE,
        meaning="the format of the log; by default text",
    ),
    CommandOption(
        "--log-file",
        "log there (default: standard error)",
        "PATH",
        variable=LOG_FILE_VARIABLE,
        meaning="log there instead of to standard error; once the file was renamed, removed or cut by a log "
        "rotator, the log goes on in a new one",
    ),
    CommandOption(
        "--quiet",
        "log warnings and errors only; no progress bar",
        meaning="log warnings and errors only, and show no progress bar",
    ),
)


class Arguments(SimpleNamespace):
    """The values of a command line, by the names of actions and options."""

    def __getattr__(self, name: str) -> Any:
        """Raise an error for a name that is none; it tells type checkers that all others are there."""
        raise AttributeError(name)


def value_of(arguments: Arguments, flag: str) -> Any:
    """Return what the command line says for an option or action; None if it is not there."""
    value = getattr(arguments, flag.removeprefix("--").replace("-", "_"))
    return None if value is False else value


def options_again(arguments: Arguments, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that flags and variables give, with absolute paths, as flags of another call.

    Without `--config`, and without what is secret or means nothing to `--watch`.
    """
    words: list[str] = []
    for option in OPTIONS:
        value = value_of(arguments, option.flag) or environ.get(option.variable)
        if value and option.flag not in _NOT_AGAIN:
            words.append(option.flag)
            words += [] if option.is_switch else [_absolute(option, value)]
    return tuple(words)


def _absolute(option: CommandOption, value: Any) -> str:
    return os.path.abspath(value) if option.metavar in {"PATH", "DIR"} else str(value)


_NOT_AGAIN = {"--config", "--mode", *(setting.key.flag.name for setting in SETTINGS if setting.key.is_secret)}
