"""Reload: a new version of configuration, modules and secrets, checked by a process of its own, then taken.

    SIGHUP --> request --> a child loads all of it afresh --Version--> taken: new work is done by it
                                                          --RefusedVersion--> told; what ran goes on

The parent never imports users' modules a second time: it gets the configuration, and the sources for its
workers, from the child. Meanwhile the loop turns as ever.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from fproc.base.errors import ConfigError, UsageError
from fproc.base.ids import sha256, short_fingerprint
from fproc.base.text import log_fields, shown
from fproc.base.times import rfc3339
from fproc.base.values import dataclass, field
from fproc.config.model import Config, to_json
from fproc.pipeline.plugins.sources import PluginSources
from fproc.process.children import Child
from fproc.process.ipc import Receiver

log = logging.getLogger("fproc.reload")

LOAD_SECONDS = 60.0
"""How long a new version may take to load, users' modules included."""

LOOK_SECONDS = 2.0
"""How often the files that a version was made of are checked for changes."""

MOST_NAMED = 5
"""The most changed files that a message names."""


@dataclass(frozen=True, slots=True)
class Version:
    """A configuration that was found valid, with all that belongs to it.

    Attributes:
        config: the configuration.
        fingerprint: that of its pipeline.
        sources: those of users' modules.
        search_path: where modules are searched.
        tables: the digest of each file with a table, by path.
        files: the digest of each file that it was made of, by path; "" for one that is not there.
        tokens: the dashboard's, as its authentication takes them.
        warnings: what looks mistyped.
    """

    config: Config
    fingerprint: str
    sources: PluginSources
    search_path: tuple[str, ...]
    files: Mapping[str, str]
    tables: Mapping[str, str] = field(default_factory=dict)
    tokens: tuple[Any, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The fingerprint as people see it."""
        return short_fingerprint(self.fingerprint)


@dataclass(frozen=True, slots=True)
class RefusedVersion:
    """What is wrong with a new version."""

    problems: tuple[str, ...]


class Manager(Protocol):
    """What is told of a reload; see `fproc.telemetry.notify.service_manager.ServiceManager`."""

    def ready(self) -> None:
        """Take note that a reload is done."""

    def reloading(self) -> None:
        """Take note that a reload has begun."""


class Reloader:
    """Reloads one running fproc, as its loop turns. Only `notes` and `checks` may be called from any thread.

    Args:
        version: the one that runs.
        start: starts a child that sends a `Version` or a `RefusedVersion`.
        take: has everything use a version from now on, or raises `ConfigError` and changes nothing.
        manager: told of each reload.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        version: Version,
        start: Callable[[], Child],
        take: Callable[[Version], None],
        manager: Manager,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._version = version
        self._start = start
        self._take = take
        self._manager = manager
        self._clock = clock
        self._monotonic = monotonic
        self._loaded = rfc3339(clock())
        self._is_requested = False
        self._child: Child | None = None
        self._receiver = Receiver()
        self._until = 0.0
        self._refused = ""
        self._seen: dict[str, tuple[int, ...]] = {}
        self._changed: tuple[str, ...] = ()

    def request(self) -> None:
        """Reload soon; the handler of a signal."""
        self._is_requested = True

    def checks(self) -> dict[str, str]:
        """Return what is wrong, by the name of a check."""
        return {"configuration": self._refused} if self._refused else {}

    def notes(self) -> dict[str, dict[str, str]]:
        """Return what is to be known of the version that runs, by the name of a check."""
        note = {"fingerprint": self._version.short, "loaded": self._loaded}
        if self._changed and not self._refused:
            note["message"] = _changed_text(self._changed)
        return {"configuration": note}

    def sockets(self) -> list[int]:
        """Return descriptors that become readable when there is something for `turn` to do."""
        return [self._child.channel.fileno()] if self._child else []

    def turn(self) -> None:
        """Do what is due; called often."""
        if self._child is None and self._is_requested:
            self._is_requested = False
            self._begin()
        elif self._child is not None:
            self._look_at_child(self._child)

    def look(self) -> None:
        """Log files that have changed since they were loaded, once for each change."""
        changed = []
        for path, digest in self._version.files.items():
            stamp, is_changed = _stamp(path), path in self._changed
            if self._seen.get(path) != stamp:
                self._seen[path] = stamp
                is_changed = file_digest(path) != digest
            if is_changed:
                changed.append(path)
        new = [path for path in changed if path not in self._changed]
        self._changed = tuple(changed)
        if new:
            log.warning(_changed_text(new), extra=log_fields("changed_on_disk", files=new))

    def close(self) -> None:
        """End a reload that is under way."""
        self._end_child()

    def _begin(self) -> None:
        self._manager.reloading()
        log.info("reloading", extra=log_fields("reloading"))
        self._receiver = Receiver()
        self._until = self._monotonic() + LOAD_SECONDS
        try:
            self._child = self._start()
        except OSError as error:
            self._refuse([f"no process can be started that loads it: {error.strerror}"])

    def _look_at_child(self, child: Child) -> None:
        answer: object = None
        try:
            child.channel.setblocking(False)
            data = child.channel.recv(1 << 20)
        except BlockingIOError:
            if self._monotonic() >= self._until:
                self._end_child()
                self._refuse([f"loading it took more than {LOAD_SECONDS:g} s"])
            return
        except OSError:
            data = b""
        for message in self._receiver.add(data):
            answer = message
        if answer is None and data:
            return
        self._end_child()
        if isinstance(answer, Version):
            self._adopt(answer)
        elif isinstance(answer, RefusedVersion):
            self._refuse(answer.problems)
        else:
            self._refuse(["the process that loaded it has died"])

    def _adopt(self, version: Version) -> None:
        before = self._version
        try:
            self._take(version)
        except (ConfigError, UsageError, OSError) as error:
            self._refuse([*map(str, error.problems)] if isinstance(error, ConfigError) else [str(error)])
            return
        self._version, self._refused, self._changed, self._seen = version, "", (), {}
        self._loaded = rfc3339(self._clock())
        for warning in version.warnings:
            log.warning(warning)
        changes = changed_parts(before, version)
        log.info(
            "reloaded: fingerprint %s -> %s; changed: %s",
            before.short,
            version.short,
            ", ".join(changes) or "nothing",
            extra=log_fields("reloaded", fingerprint=version.short, before=before.short, changed=changes),
        )
        self._manager.ready()

    def _refuse(self, problems: Sequence[str]) -> None:
        text = "; ".join(problems)
        self._refused = f"the reload was refused, fingerprint {self._version.short} goes on: {text}"
        for problem in problems:
            log.error(
                "reload refused, fingerprint %s goes on: %s",
                self._version.short,
                problem,
                extra=log_fields("reload_refused", fingerprint=self._version.short, error=problem),
            )
        self._manager.ready()

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()


def changed_parts(before: Version, after: Version) -> list[str]:
    """Return the names of what differs between two versions; no values, which may be secret."""
    old, new = to_json(before.config), to_json(after.config)
    parts = [key for key in new if old.get(key) != new[key]]
    if before.sources.modules != after.sources.modules:
        parts.append("modules")
    if before.tables != after.tables:
        parts.append("tables")
    if before.tokens != after.tokens:
        parts.append("tokens")
    known = {before.config.dashboard.tls_cert, before.config.dashboard.tls_key} - {None}
    if any(before.files.get(str(path)) != after.files.get(str(path)) for path in known):
        parts.append("certificate")
    return parts


def file_digest(path: str) -> str:
    """Return the digest of a file, or "" if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()
    except OSError:
        return ""


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _changed_text(paths: Sequence[str]) -> str:
    names = ", ".join(map(shown, paths[:MOST_NAMED])) + (", ..." if len(paths) > MOST_NAMED else "")
    return f"changed on the disk since it was loaded: {names}; reload (SIGHUP) or restart to use it"
