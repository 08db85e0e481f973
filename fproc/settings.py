"""Which configuration is in force: flag, environment, `.env`, `pipeline.json`, default, in this order."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fproc import schema
from fproc.config import KEYS
from fproc.default import DEFAULT
from fproc.errors import ConfigError, Problem, UsageError, reason_of, shown
from fproc.plan import Plan, build, mode_nodes

CONFIG_VARIABLE = "FPROC_CONFIG"
CONFIG_NAME = "pipeline.json"
MODE_VARIABLE = "MODE"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a flag or a variable may give: its key in the configuration, and how it is written."""

    flag: str
    variable: str
    key: tuple[str, ...]
    is_path: bool = False
    is_number: bool = False


SETTINGS = (
    Setting("--watch-dir", "FPROC_WATCH_DIR", ("watch_dir",), is_path=True),
    Setting("--results-dir", "FPROC_RESULTS_DIR", ("results_dir",), is_path=True),
    Setting("--workers", "FPROC_WORKERS", ("workers",), is_number=True),
    Setting("--host", "FPROC_HOST", ("dashboard", "host")),
    Setting("--port", "FPROC_PORT", ("dashboard", "port"), is_number=True),
)

LATER = {"FPROC_TOKEN": "a token is not supported yet"}
"""Variables of the contract whose feature is still to come: refused, so that nobody relies on them."""


@dataclass(slots=True)
class Environment:
    """The variables of the process, and those of `.env` where the process has none.

    `origin` names where a variable comes from, for messages.
    """

    values: dict[str, str]
    origin: dict[str, str] = field(default_factory=dict)

    def where(self, variable: str) -> str:
        """A variable's name, with its file if it comes from one."""
        return self.origin.get(variable, "") + variable


def load_plan(
    flags: Mapping[str, Any], environ: Mapping[str, str], *, mode: str | None, with_mode: bool
) -> Plan:
    """The plan that is in force.

    Args:
        flags: values of flags by name (`--port`), None where a flag was not given.
        environ: the process's variables.
        mode: the value of `--mode`.
        with_mode: whether `--mode` and `MODE` apply to what is being done.

    Raises:
        ConfigError: the configuration, the environment or `.env` is wrong.
        UsageError: a flag is wrong.
    """
    value, folder = _read_config(flags.get("--config"), environ)
    environment = _with_env_file(environ, os.path.join(folder, ".env"))
    if not isinstance(value, dict):
        raise ConfigError([Problem("$", f"must be an object, not {schema.json_type(value)}")])
    _override(value, flags, environment, folder)
    chosen = mode or (environment.values.get(MODE_VARIABLE) if with_mode else None)
    overrides = {}
    if chosen:
        overrides = {"nodes": mode_nodes(chosen), "files": (), "examples": ()}
        value.setdefault("nodes", DEFAULT["nodes"])
    return build(value, folder=folder, overrides=overrides)


def _read_config(flag: str | None, environ: Mapping[str, str]) -> tuple[Any, str]:
    """The configuration as a JSON value, and the folder that its paths are relative to."""
    named = flag or environ.get(CONFIG_VARIABLE)
    if not named and not os.path.lexists(CONFIG_NAME):
        return copy.deepcopy(DEFAULT), os.getcwd()
    path = named or CONFIG_NAME
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise ConfigError([Problem(shown(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [Problem(shown(path), f"is not UTF-8 text: {error.reason} at byte {error.start}")]
        ) from error
    return schema.parse_json(text, shown(path)), os.path.dirname(os.path.abspath(path))


def _with_env_file(environ: Mapping[str, str], path: str) -> Environment:
    """The environment, filled up from a `.env` file: `NAME=value` lines, `#` comments, maybe quotes."""
    environment = Environment(dict(environ))
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return environment
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(".env", f"cannot be read: {reason_of(error)}")]) from error
    problems = []
    for number, raw in enumerate(lines, 1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, text = line.partition("=")
        if not equals or not name.strip().isidentifier():
            problems.append(Problem(f".env:{number}", "is not NAME=value"))
        elif name.strip() not in environ:
            environment.values[name.strip()] = _unquoted(text.strip())
            environment.origin[name.strip()] = f".env:{number}: "
    if problems:
        raise ConfigError(problems)
    return environment


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if is_quoted else text


def _override(value: dict[str, Any], flags: Mapping[str, Any], environment: Environment, folder: str) -> None:
    """Put what flags and variables say into the configuration, checked by the same rules."""
    problems = [
        Problem(environment.where(name), what, "unset it for now")
        for name, what in LATER.items()
        if environment.values.get(name)
    ]
    for setting in SETTINGS:
        given = flags.get(setting.flag)
        name, base = setting.flag, os.getcwd()
        if given is None:
            given = environment.values.get(setting.variable) or None
            name = environment.where(setting.variable)
            base = folder if setting.variable in environment.origin else os.getcwd()
        if given is None:
            continue
        found: list[Problem] = []
        checked = _check(setting, given, name, found)
        if found and name == setting.flag:
            raise UsageError(str(found[0]))
        problems += found
        if not found:
            _put(value, setting.key, os.path.join(base, checked) if setting.is_path else checked)
    if problems:
        raise ConfigError(problems)


def _check(setting: Setting, given: str, name: str, problems: list[Problem]) -> Any:
    value: Any = int(given) if setting.is_number and given.isascii() and given.isdecimal() else given
    key = setting.key[-1]
    if len(setting.key) == 1:
        return KEYS[key](value, name, problems)
    inner: list[Problem] = []
    KEYS[setting.key[0]]({key: value}, "", inner)
    problems += [Problem(name, problem.what, problem.suggestion) for problem in inner]
    return value


def _put(value: dict[str, Any], key: tuple[str, ...], setting: Any) -> None:
    for name in key[:-1]:
        inner = value.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the check of the whole will say so
        value = inner
    value[key[-1]] = setting
