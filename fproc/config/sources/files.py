"""The files that settings come from: `pipeline.json`, strictly or as far as it goes, and `.env` beside it."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from fproc.base import schema
from fproc.base.errors import ConfigError, Problem, reason_of
from fproc.base.schema import Problems
from fproc.base.values import dataclass
from fproc.config.sources.defaults import CONFIG_NAME, CONFIG_VARIABLE, DEFAULT
from fproc.config.sources.jsonc_text import SUFFIX, is_jsonc, without_comments
from fproc.config.sources.yaml_text import SUFFIXES, is_yaml, parse_yaml

CONFIG_NAMES = (CONFIG_NAME, *(f"pipeline{suffix}" for suffix in (SUFFIX, *SUFFIXES)))
"""The names of a configuration that is not named, the first one that is there."""

MOST_BESIDE = 1000
"""How many entries of a folder are looked at for a configuration with another name."""

BESIDE_BYTES = 1_000_000
"""The largest file that is looked into for that."""

ALIKE = 0.75
"""How much a name has to look like `pipeline.json` to be taken for a mistyped one, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration as a JSON value.

    `path` is that of its file, "" for the built-in one; paths in it are relative to `folder`. One that is not
    `is_whole` could not be read as it was meant.
    """

    path: str
    folder: str
    value: Any
    is_whole: bool = True


def read_config_file(flag: str | None, environ: Mapping[str, str], problems: Problems) -> ConfigFile:
    """Return the configuration that is named, or `./pipeline.json`, or the built-in one.

    Raises:
        ConfigError: it cannot be read, or is not JSON.
    """
    path, shown_as = _found(flag, environ)
    if not path:
        return _built_in()
    value = _parsed(path, _text(path, shown_as), shown_as, problems)
    return ConfigFile(path, os.path.dirname(path), value)


def _built_in() -> ConfigFile:
    from copy import deepcopy  # noqa: PLC0415 - only where there is no file

    return ConfigFile("", os.getcwd(), deepcopy(DEFAULT))


def read_config_leniently(flag: str | None, environ: Mapping[str, str], problems: Problems) -> ConfigFile:
    """Return the same, but of a file that is no JSON only the folders that it names; never raise."""
    path, shown_as = _found(flag, environ)
    if not path:
        return _built_in()
    text = ""
    try:
        text = _text(path, shown_as)
        value = _parsed(path, text, shown_as, problems)
    except ConfigError as error:
        problems += error.problems
        return ConfigFile(path, os.path.dirname(path), _salvaged(text), is_whole=False)
    return ConfigFile(path, os.path.dirname(path), value)


def beside(folder: str) -> list[str]:
    """Return names of files in a folder that look like a misnamed `pipeline.json`, the likeliest first."""
    candidates = []
    with suppress(OSError), os.scandir(folder) as entries:  # a folder that cannot be listed gives no hint
        for entry in islice(entries, MOST_BESIDE):
            likeness = _likeness(entry.name)
            if likeness >= ALIKE or entry.name.casefold().endswith((".json", ".jsonc")):
                candidates.append((-likeness, entry.name))
    return [name for _, name in sorted(candidates) if _is_pipeline(os.path.join(folder, name))]


def read_env_file(path: str, problems: Problems) -> dict[str, tuple[str, str]]:
    """Return the variables of a `.env` file by name, each with its position (`.env:3: `) and its value.

    It has lines `NAME=value`, `#` comments, maybe quotes. Of duplicate names the last one counts.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(".env", f"cannot be read: {reason_of(error)}"))
        return {}
    variables = {}
    for number, raw in enumerate(lines, 1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, text = (part.strip() for part in line.partition("="))
        if not equals or not name.isidentifier():
            problems.append(Problem(f".env:{number}", "is not NAME=value"))
        else:
            variables[name] = (f".env:{number}: ", _unquoted(text))
    return variables


def _found(flag: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the path of the configuration, "" for the built-in one, and its name in messages."""
    explicit_path = flag if flag is not None else environ.get(CONFIG_VARIABLE) or None
    path = explicit_path
    if path is None:
        path = next((name for name in CONFIG_NAMES if os.path.lexists(name)), None)
    if path is None:
        return "", ""
    return (os.path.abspath(path), path) if path else ("--config", "--config")


def _text(path: str, shown_as: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise ConfigError([Problem(shown_as, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text: {error.reason} at byte {error.start}"
        raise ConfigError([Problem(shown_as, what)]) from error


def _parsed(path: str, text: str, shown_as: str, problems: Problems) -> Any:
    """Return the value of a configuration's text: YAML or JSON with comments, if the file's name says so."""
    if is_yaml(path):
        return parse_yaml(text, shown_as, problems)
    return schema.parse_json(without_comments(text) if is_jsonc(path) else text, shown_as, problems)


def _salvaged(text: str) -> dict[str, str]:
    """Return the folders that are named in a text that was meant to be JSON."""
    folders = {}
    for key in ("watch_dir", "results_dir"):
        match = re.search(rf'"{key}"\s*:\s*("(?:[^"\\\n]|\\.)+")', text)
        if match is not None:
            with suppress(ValueError):  # no JSON text either: the default has to do
                folders[key] = json.loads(match[1])
    return folders


def _likeness(name: str) -> float:
    """Return how much a name, or its beginning, looks like `pipeline.json`, from 0 to 1."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only where there is no configuration

    folded = name.casefold()
    return max(
        SequenceMatcher(None, start, CONFIG_NAME).ratio() for start in (folded, folded[: len(CONFIG_NAME)])
    )


def _is_pipeline(path: str) -> bool:
    """Return whether a file has what every configuration has: nodes."""
    with suppress(OSError, UnicodeDecodeError):  # what cannot be read is none
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode) and status.st_size <= BESIDE_BYTES:
            with open(path, encoding="utf-8") as file:
                return '"nodes"' in file.read()
    return False


def _unquoted(text: str) -> str:
    """Return a value without its quotes, or without a comment behind it."""
    if text[:1] in {"'", '"'} and text.find(text[0], 1) > 0:
        return text[1 : text.index(text[0], 1)]
    return text.partition(" #")[0].rstrip()
