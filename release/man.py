"""The man page, fproc(1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fproc import __version__
from fproc.cli.arguments.options import OPTIONS
from fproc.cli.arguments.parser import DESCRIPTION
from release.commands import Word, actions, options

EXIT_STATUSES = {
    "0": "all well",
    "1": "a file failed, or --status found fproc degraded or stopped",
    "2": "wrong usage",
    "78": "wrong configuration; each problem is one line",
    "130": "interrupted",
}

FILES = {
    "pipeline.json": "the configuration, in the current folder unless --config names another",
    ".env": "variables, beside the configuration",
    "unprocessed/": "drop files here, below the watched folder",
    "processed/": "inputs that succeeded",
    "failed/": "inputs that failed, each with NAME.error.json",
    "results/": "what the pipeline wrote",
}


def man_page(day: str) -> str:
    """Return the page in roff; `day` is that of the build, as YYYY-MM-DD."""
    return "".join(f"{line}\n" for line in _lines(day))


def _lines(day: str) -> Iterator[str]:
    yield f'.TH FPROC 1 {day} "fproc {__version__}"'
    yield from (".SH NAME", r"fproc \- process files that land in a folder", ".SH SYNOPSIS")
    yield "\n.br\n".join(f"\\fBfproc\\fR {_spelt(word)}\n[\\fIoption\\fR ...]" for word in actions())
    yield from (".SH DESCRIPTION", *map(_plain, DESCRIPTION.splitlines()))
    for title, group in (("ACTIONS", actions()), ("OPTIONS", options())):
        yield f".SH {title}"
        for word in group:
            yield from (".TP", _spelt(word), _plain(word.help))
    yield ".SH ENVIRONMENT"
    yield _plain("Each may stand in .env as well, as NAME=value; an option wins over its variable.")
    for option in OPTIONS:
        if option.variable:
            yield from (".TP", f"\\fB{option.variable}\\fR", _plain(f"the same as {option.flag}"))
    yield from _table("FILES", FILES)
    yield from _table("EXIT STATUS", EXIT_STATUSES)


def _table(title: str, rows: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in rows.items():
        yield from (".TP", f"\\fB{_plain(name)}\\fR", _plain(meaning))


def _spelt(word: Word) -> str:
    flags = ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in word.flags)
    if not word.takes_value:
        return flags
    value = "|".join(word.choices) or f"\\fI{word.metavar}\\fR"
    value += " ..." if word.is_repeated else ""
    return f"{flags} [{value}]" if word.is_optional else f"{flags} {value}"


def _plain(text: str) -> str:
    return re.sub(r"^(?=[.'])", r"\\&", _escaped(text))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\e").replace("-", r"\-")
