"""A version of all that `--watch` is told by files and variables: of this start, or for a reload."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from fproc.base.errors import ConfigError, FprocError, Problem, reason_of
from fproc.base.ids import sha256
from fproc.base.values import dataclass, field
from fproc.cli import settings
from fproc.cli.serving.tokens import dashboard_tokens, token_files
from fproc.cli.settings import Given
from fproc.pipeline.plan import Plan
from fproc.pipeline.plugins.sources import kept_sources, own_search_path
from fproc.process import children
from fproc.process.children import Child
from fproc.process.ipc import Receiver, send
from fproc.watch.reloading import RefusedVersion, Version, file_digest


@dataclass(frozen=True, slots=True)
class Call:
    """What the command line and the environment say of a configuration.

    The process that loads a version is told the environment: what it inherits has no secrets.
    """

    config: str | None
    mode: str | None
    flags: Mapping[str, Any]
    needs_tokens: bool
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Order:
    """The first message to the process that loads a version."""

    call: Call
    search_path: tuple[str, ...]


def loaded_version(call: Call, given: Given, plan: Plan) -> Version:
    """Return the version that was just loaded.

    Raises:
        ConfigError: a token cannot be read, or is no token.
    """
    dashboard = plan.config.dashboard
    tokens = dashboard_tokens(given, dashboard) if call.needs_tokens else ()
    sources = kept_sources()
    paths = [given.file.path, os.path.join(given.file.folder, ".env")]
    paths += [*token_files(given, dashboard), dashboard.tls_cert or "", dashboard.tls_key or ""]
    files = {path: file_digest(path) for path in paths if path}
    files |= {module.path: sha256(module.code).hexdigest() for module in sources.modules.values()}
    return Version(
        plan.config,
        plan.fingerprint,
        sources,
        tuple(sys.path),
        {**plan.table_files, **files},
        plan.table_files,
        tokens,
        tuple(settings.doubts(given, is_file_wanted=not call.mode)),
    )


def start_loading(call: Call) -> Child:
    """Start a process that loads a version from what is on the disk now, and sends it.

    Raises:
        OSError: the system refuses.
    """
    child = children.start_process("fproc.cli.serving.reload.serve_version")
    send(child.channel, _Order(call, tuple(own_search_path())))
    return child


def serve_version(channel_number: int, parent: int) -> None:
    """Load a version, and send it, or what is wrong with it."""
    channel = children.begin_process(channel_number, parent)
    order = _first_message(channel)
    if isinstance(order, _Order):
        sys.path[:] = order.search_path
        send(channel, _loaded(order.call))


def _loaded(call: Call) -> Version | RefusedVersion:
    try:
        given = settings.gather(call.config, call.environ)
        plan = settings.load_plan(given, call.flags, mode=call.mode, with_mode=True)
        return loaded_version(call, given, plan)
    except FprocError as error:
        problems = error.problems if isinstance(error, ConfigError) else [error]
        return RefusedVersion(tuple(map(str, problems)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the version that runs goes on
        return RefusedVersion((reason_of(error),))


def _first_message(channel: socket.socket) -> object:
    receiver = Receiver()
    while data := channel.recv(65536):
        for message in receiver.add(data):
            return message
    return None


FIXED = (("watch_dir",), ("results_dir",), ("durability",), ("dashboard", "host"), ("dashboard", "port"))
"""The keys that count for a whole run of fproc."""


def check_fixed(before: Version, after: Version) -> None:
    """Check that a new version changes nothing that needs a restart.

    Raises:
        ConfigError: it does.
    """
    problems = [
        Problem("$." + ".".join(path), "cannot change while fproc runs", "put it back, or restart fproc")
        for path in FIXED
        if _value(before.config, path) != _value(after.config, path)
    ]
    old, new = before.config.dashboard, after.config.dashboard
    if bool(old.tls_cert) != bool(new.tls_cert):
        what = "cannot come or go while fproc runs"
        problems.append(Problem("$.dashboard.tls_cert", what, "put it back, or restart fproc"))
    if problems:
        raise ConfigError(problems)


def _value(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = getattr(value, name)
    return value
