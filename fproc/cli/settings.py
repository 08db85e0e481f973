"""The configuration in force: flag, environment, `.env`, `pipeline.json`, default, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fproc.base import schema
from fproc.base.errors import ConfigError, Problem, UsageError
from fproc.base.schema import Problems
from fproc.base.text import nearest, shown
from fproc.base.values import dataclass, field, replace
from fproc.cli.arguments.options import (
    LOG_FORMAT_VARIABLE,
    LOG_FORMATS,
    MODE_VARIABLE,
    OPTIONS,
    TOKEN_VARIABLE,
    Arguments,
    value_of,
)
from fproc.config.keys import parse_config
from fproc.config.model import SETTINGS, Config
from fproc.config.sources.defaults import CONFIG_NAME, DEFAULT
from fproc.config.sources.files import (
    ConfigFile,
    beside,
    read_config_file,
    read_config_leniently,
    read_env_file,
)
from fproc.pipeline.plan import Plan, build_plan, mode_nodes
from fproc.process.environment import forget_variables

GIVEN_OUTSIDE = sorted(
    (setting for setting in SETTINGS if setting.key.flag.name or setting.key.variable),
    key=lambda setting: not setting.key.flag.name,
)
"""The settings that flags and variables may give; those with a flag come first."""

PREFIX = "FPROC_"
VARIABLES = (
    *(option.variable for option in OPTIONS if option.variable.startswith(PREFIX)),
    *(setting.key.variable for setting in GIVEN_OUTSIDE if not setting.key.flag.name),
    TOKEN_VARIABLE,
)
"""The prefix of fproc's own variables, and their names."""

SECRET_VARIABLES = (
    TOKEN_VARIABLE,
    *(setting.key.variable for setting in GIVEN_OUTSIDE if setting.key.is_secret and setting.key.variable),
)
"""The variables that no child process needs to know."""

OPERATING_KEYS = ("watch_dir", "results_dir", "intake", "retry", "recovery", "durability", "retention")
"""The keys of a configuration that `--status`, `--why` and `--retry` need."""


@dataclass(slots=True)
class Given:
    """The contents of configuration, environment and `.env`, before they are checked as a whole.

    `value` is that of the configuration, to which variables and flags are added. `variables` are those of the
    process, and those of `.env` that the process does not set; `origin` has their place in `.env`.
    `problems` are those found so far.
    """

    file: ConfigFile
    value: Any
    variables: dict[str, str]
    origin: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=list)

    def where(self, variable: str) -> str:
        """Return a variable's name, with its place in `.env` if it comes from there."""
        return self.origin.get(variable, "") + variable

    def variable(self, name: str) -> str | None:
        """Return the value of a variable; an empty one counts as not set."""
        return self.variables.get(name) or None

    def log_format(self) -> str | None:
        """Return the value of `FPROC_LOG_FORMAT`, or None."""
        form = self.variable(LOG_FORMAT_VARIABLE)
        return (
            None
            if form is None
            else schema.choice(*LOG_FORMATS)(form, self.where(LOG_FORMAT_VARIABLE), self.problems)
        )


def take_environment() -> dict[str, str]:
    """Return the environment, and remove the secrets from that of this process and all that it starts.

    Users' processors, and what they start, must not find them there.
    """
    environ = dict(os.environ)
    forget_variables(SECRET_VARIABLES)
    return environ


def gather(config_flag: str | None, environ: Mapping[str, str]) -> Given:
    """Return the contents of the configuration and the environment.

    Raises:
        ConfigError: the configuration cannot be read, or is not JSON.
    """
    problems: Problems = []
    return _given(read_config_file(config_flag, environ, problems), environ, problems)


def gather_leniently(config_flag: str | None, environ: Mapping[str, str]) -> Given:
    """Return as much of them as can be read; what cannot be read is among the problems."""
    problems: Problems = []
    return _given(read_config_leniently(config_flag, environ, problems), environ, problems)


def _given(file: ConfigFile, environ: Mapping[str, str], problems: Problems) -> Given:
    given = Given(file, file.value, dict(environ), problems=problems)
    for name, (where, text) in read_env_file(os.path.join(file.folder, ".env"), problems).items():
        if name not in given.variables:
            given.variables[name], given.origin[name] = text, where
    return given


def given_flags(arguments: Arguments) -> dict[str, str]:
    """Return what the command line says of keys, by flag; a switch says "true", or nothing."""
    flags = [setting.key.flag.name for setting in GIVEN_OUTSIDE if setting.key.flag.name]
    values = {flag: value_of(arguments, flag) for flag in flags}
    return {flag: "true" if value is True else value for flag, value in values.items() if value is not None}


def operating_config(given: Given, flags: Mapping[str, Any]) -> tuple[Config, Problems]:
    """Return a configuration for an operator's questions, and the problems of the whole one.

    It has the folders, intake and the like; its nodes mean nothing. A wrong key is replaced by its default.
    Users' processors are not looked at.

    Raises:
        UsageError: a flag is wrong.
    """
    _, problems = parse_config(given.value, folder=given.file.folder) if given.file.is_whole else (None, [])
    whole = given.value if isinstance(given.value, dict) else {}
    operating_values = {key: item for key, item in whole.items() if key in OPERATING_KEYS}
    rest = replace(given, value=operating_values, problems=[*given.problems, *problems])
    others = {setting.key.flag.name for setting in GIVEN_OUTSIDE if setting.path[0] not in OPERATING_KEYS}
    _override(rest, {flag: text for flag, text in flags.items() if flag not in others})
    config, _ = parse_config({**operating_values, "nodes": DEFAULT["nodes"]}, folder=given.file.folder)
    assert config is not None
    return config, rest.problems


def pipeline_file(given: Given) -> str:
    """Return, in words, which configuration is used."""
    if given.file.path:
        return shown(given.file.path)
    return f"built-in, as there is no {CONFIG_NAME} in {shown(given.file.folder)}"


def doubts(given: Given, *, is_file_wanted: bool = True) -> list[str]:
    """Return a message for each file or variable that looks mistyped."""
    names = beside(given.file.folder) if is_file_wanted and not given.file.path else []
    messages = [
        f"the built-in pipeline is used, but there is {shown(name)}; did you mean --config {shown(name)}?"
        for name in names[:1]
    ]
    for name in sorted(given.variables):
        if name.startswith(PREFIX) and name not in VARIABLES:
            hint = nearest(name, list(VARIABLES))
            messages.append(shown(f"{given.where(name)}: unknown variable" + (f"; {hint}" if hint else "")))
    return messages


def load_plan(given: Given, flags: Mapping[str, Any], *, mode: str | None, with_mode: bool) -> Plan:
    """Return the plan that is in force.

    Args:
        given: the contents of configuration and environment.
        flags: values of flags by name (`--port`), None for a flag that was not given.
        mode: the value of `--mode`.
        with_mode: whether `--mode` and `MODE` apply to what is being done.

    Raises:
        ConfigError: the configuration, the environment or `.env` is wrong; it names all problems.
        UsageError: a flag is wrong.
    """
    value = given.value
    if not isinstance(value, dict):
        what = Problem("$", f"must be an object, not {schema.json_type(value)}")
        raise ConfigError([*given.problems, what])
    _override(given, flags)
    overrides = {}
    chosen = chosen_mode(given, mode) if with_mode else None
    if chosen:
        overrides = {"nodes": mode_nodes(*chosen), "files": (), "examples": ()}
        value.setdefault("nodes", DEFAULT["nodes"])
    return build_plan(value, folder=given.file.folder, overrides=overrides, problems=given.problems)


def chosen_mode(given: Given, flag: str | None) -> tuple[str, str] | None:
    """Return where a mode is asked for (`--mode`, or the place of the variable) and its name, or None."""
    if flag is not None:
        return "--mode", flag
    variable = given.variable(MODE_VARIABLE)
    return None if variable is None else (given.where(MODE_VARIABLE), variable)


def replaced_nodes(given: Given) -> list[str]:
    """Return what `--check` says if a variable makes `--watch` and `--input` do without the nodes."""
    chosen = chosen_mode(given, None)
    return [f"{chosen[0]}={chosen[1]}: --watch and --input use it instead of these nodes"] if chosen else []


def _override(given: Given, flags: Mapping[str, Any]) -> None:
    """Put what flags and variables say into the configuration, checked by the same rules."""
    for setting in GIVEN_OUTSIDE:
        key, name, base = setting.key, setting.key.flag.name, os.getcwd()
        text = flags.get(name)
        is_flag = text is not None
        if not is_flag and key.variable:
            text, name = given.variable(key.variable), given.where(key.variable)
            base = given.file.folder if key.variable in given.origin else os.getcwd()
        if text is None:
            continue
        problems: Problems = []
        clean_value = key.check(setting.read(text), name, problems)
        if problems and is_flag:
            raise UsageError(str(problems[0]))
        given.problems += problems
        if not problems:
            _put(given.value, setting.path, os.path.join(base, clean_value) if key.is_path else clean_value)


def _put(value: dict[str, Any], path: tuple[str, ...], setting: Any) -> None:
    for name in path[:-1]:
        inner = value.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the check of the whole reports it
        value = inner
    value[path[-1]] = setting
