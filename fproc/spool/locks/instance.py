"""The instances that work on a spool: each running fproc keeps one small file in `.fproc/instances/`.

The file is locked by its owner for as long as that lives, so it cannot outlive it unnoticed. Its contents are
for people: nothing that is decided about inputs depends on them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fproc.base.ids import new_id
from fproc.base.text import counted, shown
from fproc.base.values import asdict, dataclass, field
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk, unlink_if_there
from fproc.spool.disk.paths import is_locked
from fproc.spool.layout import Folders


@dataclass(frozen=True, slots=True)
class Instance:
    """A running fproc, and the state that it last wrote to its file: `health`, `current` files, `started`."""

    host: str
    pid: int
    state: Mapping[str, Any]

    @property
    def facts(self) -> Facts:
        """The facts about its own condition."""
        return Facts.of(self.state.get("health"))


class InstanceFile:
    """This process's own file. One that cannot be written is done without.

    Args:
        folders: the spool's.
        disk: makes the calls.
        home: the spool's, so that no file is put into another one that is at its place now.
    """

    def __init__(self, folders: Folders, disk: Disk, home: Home | None = None) -> None:
        self._disk = disk
        self._home = home
        self._folder = folders.instances
        self._name = f"{os.getpid()}-{new_id()}.json"
        self._descriptor: int | None = None
        self._state: Mapping[str, Any] | None = None

    def say(self, state: Mapping[str, Any]) -> None:
        """Write the state of this instance to its file, if it has changed."""
        if state == self._state and self._is_there():
            return
        with suppress(OSError):
            if not self._is_there():
                self._open()
            assert self._descriptor is not None
            value = {"host": os.uname().nodename, "pid": os.getpid(), **state}
            self._disk.overwrite(self._descriptor, json.dumps(value).encode())
            self._state = dict(state)

    def close(self) -> None:
        """Remove the file."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):
                unlink_if_there(self._disk, os.path.join(self._folder, self._name))
            with suppress(OSError):  # NFS says so if the server has given up on the lock meanwhile
                self._disk.close(descriptor)

    def _is_there(self) -> bool:
        return self._descriptor is not None and os.path.exists(os.path.join(self._folder, self._name))

    def _open(self) -> None:
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None
        if self._home is not None:
            self._home.check_name()
        self._disk.make_folder(self._folder)
        for name in os.listdir(self._folder):
            path = os.path.join(self._folder, name)
            with suppress(OSError):  # a folder, say, that someone put there
                if not is_locked(path):
                    unlink_if_there(self._disk, path)  # its owner has died
        self._descriptor = self._disk.create_locked(os.path.join(self._folder, self._name))


def instances(folders: Folders) -> list[Instance]:
    """Return the instances that run on this spool, as far as file locks reach."""
    running = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in sorted(os.listdir(folders.instances)):
            path = os.path.join(folders.instances, name)
            with suppress(OSError):
                if os.path.isfile(path) and is_locked(path):
                    running.append(_instance(path))
    return running


def _instance(path: str) -> Instance:
    """Return what a running fproc has written; one that could not write, on a full disk, has no facts."""
    pid = os.path.basename(path).partition("-")[0]
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        return Instance(str(state.pop("host")), int(state.pop("pid")), state)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Instance(os.uname().nodename, int(pid) if pid.isdecimal() else 0, {})


MOST_NAMES = 100
"""The most names in trouble that an instance writes down."""


SHOWN_NAMES = 5
"""The most of them that a message shows."""


def named(troubles: Mapping[str, str], more: int = 0) -> str:
    """Return what is wrong with the first few names, and how many others there are, `more` included."""
    names = [f"{shown(name)}: {why}" for name, why in list(troubles.items())[:SHOWN_NAMES]]
    more += len(troubles) - len(names)
    return "; ".join([*names, *([f"and {counted(more, 'more name')} in trouble"] if more else [])])


@dataclass(frozen=True, slots=True)
class Facts:
    """What a running fproc knows of how it does.

    Attributes:
        paused: what pauses intake, or "".
        stopping: whether it is about to exit.
        names: inputs that cannot be worked with, and why; `MOST_NAMES` at most.
        more_names: how many more there are.
        checks: what else is wrong, by the name of a check.
        notes: what is to be known beside it, by the name of a check.
    """

    paused: str = ""
    stopping: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    more_names: int = 0
    checks: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, health: Any) -> Facts:
        """Return what an instance wrote into its file; one that wrote nothing, on a full disk, is well."""
        value = health if isinstance(health, dict) else {}
        more = value.get("more_names")
        return cls(
            paused=_text(value.get("paused")),
            stopping=value.get("stopping") is True,
            names=_texts(value.get("names")),
            more_names=more if isinstance(more, int) else 0,
            checks=_texts(value.get("checks")),
            notes={name: _texts(note) for name, note in _object(value.get("notes")).items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON value that `of` takes."""
        return asdict(self)

    @property
    def trouble(self) -> str:
        """The reasons why inputs are not taken, in one message, or ""."""
        return "; ".join(filter(None, [self.paused, named(self.names, self.more_names)]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> dict[str, str]:
    return {name: _text(text) for name, text in _object(value).items()}
