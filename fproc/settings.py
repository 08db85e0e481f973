"""Which configuration is in force: flag, environment, `.env`, `pipeline.json`, default, in this order."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fproc import schema
from fproc.config import KEYS, Dashboard
from fproc.default import DEFAULT
from fproc.errors import ConfigError, Problem, UsageError, reason_of
from fproc.plan import Plan, build, mode_nodes
from fproc.schema import Problems

CONFIG_VARIABLE = "FPROC_CONFIG"
CONFIG_NAME = "pipeline.json"
MODE_VARIABLE = "MODE"
TOKEN_CHARACTERS = 4096
"""The most that a token may have."""

NUMBER_DIGITS = 18
"""A number in a variable or flag with more digits than this is out of any range."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a flag (or "", if none does) or a variable may give.

    `key` is where it stands in the configuration; the rest says how it is written.
    """

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
    Setting("--heartbeat-url", "FPROC_HEARTBEAT_URL", ("alerts", "heartbeat_url")),
    Setting("", "FPROC_WEBHOOK", ("alerts", "webhook")),
)

TOKEN = "FPROC_TOKEN"  # noqa: S105 - the name of a variable
CREDENTIALS = "CREDENTIALS_DIRECTORY"
CREDENTIAL = "fproc-token"
"""Variables with the token and with the folder of a systemd unit's credentials, and the credential's name."""

LOG_FORMAT = "FPROC_LOG_FORMAT"
LOG_FILE = "FPROC_LOG_FILE"


@dataclass(slots=True)
class Given:
    """What configuration, environment and `.env` say, before it is checked as a whole.

    `variables` are those of the process, and those of `.env` where the process has none; `origin` says
    which came from there. `problems` are those found so far.
    """

    value: Any
    folder: str
    variables: dict[str, str]
    origin: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=list)

    def where(self, variable: str) -> str:
        """A variable's name, with its file if it comes from one."""
        return self.origin.get(variable, "") + variable

    def variable(self, name: str) -> str | None:
        """The value of a variable; an empty one counts as not set."""
        return self.variables.get(name) or None

    def log_format(self) -> str | None:
        """`FPROC_LOG_FORMAT`."""
        form = self.variable(LOG_FORMAT)
        return (
            None
            if form is None
            else schema.choice("text", "json")(form, self.where(LOG_FORMAT), self.problems)
        )


def gather(config_flag: str | None, environ: Mapping[str, str]) -> Given:
    """Read the configuration and the environment.

    Raises:
        ConfigError: the configuration cannot be read, or is not JSON.
    """
    problems: Problems = []
    value, folder = _read_config(config_flag, environ, problems)
    given = Given(value, folder, dict(environ), problems=problems)
    _add_env_file(given, os.path.join(folder, ".env"))
    return given


def load_plan(given: Given, flags: Mapping[str, Any], *, mode: str | None, with_mode: bool) -> Plan:
    """The plan that is in force.

    Args:
        given: what configuration and environment say.
        flags: values of flags by name (`--port`), None where a flag was not given.
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
    variable_mode = given.variable(MODE_VARIABLE) if with_mode else None
    if mode is not None or variable_mode is not None:
        source = "--mode" if mode is not None else given.where(MODE_VARIABLE)
        nodes = mode_nodes(source, mode if mode is not None else str(variable_mode))
        overrides = {"nodes": nodes, "files": (), "examples": ()}
        value.setdefault("nodes", DEFAULT["nodes"])
    return build(value, folder=given.folder, overrides=overrides, problems=given.problems)


def token(given: Given, dashboard: Dashboard) -> str | None:
    """The dashboard's token: that of the environment, of `dashboard.token_file`, or of systemd, or None.

    Raises:
        ConfigError: it cannot be read, or is none; or there is none, and others can reach the dashboard.
    """
    found, where = given.variable(TOKEN), given.where(TOKEN)
    credential = os.path.join(given.variable(CREDENTIALS) or "", CREDENTIAL)
    if found is None and dashboard.token_file:
        where = "$.dashboard.token_file"
        found = _read_token(dashboard.token_file, where)
    elif found is None and given.variable(CREDENTIALS) and os.path.lexists(credential):
        where = credential
        found = _read_token(credential, where)
    if found is not None and not (found.isascii() and found.isprintable() and " " not in found and found):
        raise ConfigError([Problem(where, "is no token", "use letters, digits and -_.~+/= alone")])
    if found is None and not is_loopback(dashboard.host):
        what = f"{dashboard.host} can be reached from elsewhere, and there is no token"
        hint = f"set {TOKEN} or dashboard.token_file, or listen on 127.0.0.1"
        raise ConfigError([Problem("$.dashboard.host", what, hint)])
    return found


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach an address."""
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdecimal())


def _read_token(path: str, where: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(2 * TOKEN_CHARACTERS).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(where, f"{path} cannot be read: {reason_of(error)}")]) from error
    if len(text) > TOKEN_CHARACTERS:
        raise ConfigError([Problem(where, f"{path} has more than {TOKEN_CHARACTERS} characters")])
    return text


def _read_config(flag: str | None, environ: Mapping[str, str], problems: Problems) -> tuple[Any, str]:
    """The configuration as a JSON value, and the folder that its paths are relative to."""
    named = flag if flag is not None else environ.get(CONFIG_VARIABLE) or None
    if named is None and not os.path.lexists(CONFIG_NAME):
        return copy.deepcopy(DEFAULT), os.getcwd()
    path = CONFIG_NAME if named is None else named
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise ConfigError([Problem(path or "--config", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [Problem(path, f"is not UTF-8 text: {error.reason} at byte {error.start}")]
        ) from error
    return schema.parse_json(text, path, problems), os.path.dirname(os.path.abspath(path))


def _add_env_file(given: Given, path: str) -> None:
    """Fill the variables up from a `.env` file: `NAME=value` lines, `#` comments, maybe quotes."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        given.problems.append(Problem(".env", f"cannot be read: {reason_of(error)}"))
        return
    for number, raw in enumerate(lines, 1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, text = (part.strip() for part in line.partition("="))
        if not equals or not name.isidentifier():
            given.problems.append(Problem(f".env:{number}", "is not NAME=value"))
        elif name in given.origin or name not in given.variables:
            given.variables[name] = _unquoted(text)
            given.origin[name] = f".env:{number}: "


def _unquoted(text: str) -> str:
    """A value without its quotes, or without a comment behind it."""
    if text[:1] in {"'", '"'} and text.find(text[0], 1) > 0:
        return text[1 : text.index(text[0], 1)]
    return text.partition(" #")[0].rstrip()


def _override(given: Given, flags: Mapping[str, Any]) -> None:
    """Put what flags and variables say into the configuration, checked by the same rules."""
    for setting in SETTINGS:
        text, name, base = flags.get(setting.flag), setting.flag, os.getcwd()
        is_flag = text is not None
        if not is_flag:
            text, name = given.variable(setting.variable), given.where(setting.variable)
            base = given.folder if setting.variable in given.origin else os.getcwd()
        if text is None:
            continue
        found: Problems = []
        checked = _check(setting, text, name, found)
        if found and is_flag:
            raise UsageError(str(found[0]))
        given.problems += found
        if not found:
            _put(given.value, setting.key, os.path.join(base, checked) if setting.is_path else checked)


def _check(setting: Setting, text: str, name: str, problems: Problems) -> Any:
    is_number = setting.is_number and text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS
    value: Any = int(text) if is_number else text
    key = setting.key[-1]
    if len(setting.key) == 1:
        return KEYS[key](value, name, problems)
    inner: Problems = []
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
