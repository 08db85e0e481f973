"""Who works on a spool: each running fproc keeps one small file in `.fproc/instances/`.

The file is locked by its owner for as long as that lives, so it cannot outlive it unnoticed. What stands in
it is for people: nothing that is decided about inputs depends on it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fproc.health import Facts
from fproc.spool.disk import Disk, unlink_if_there
from fproc.spool.folders import Folders
from fproc.spool.home import Home
from fproc.spool.paths import is_locked
from fproc.tokens import new_token
from fproc.values import dataclass


@dataclass(frozen=True, slots=True)
class Instance:
    """A running fproc, and what it last said of itself: `health`, `current` files, `started`."""

    host: str
    pid: int
    said: Mapping[str, Any]

    @property
    def facts(self) -> Facts:
        """What it knows of how it does."""
        return Facts.of(self.said.get("health"))


class Presence:
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
        self._name = f"{os.getpid()}-{new_token()}.json"
        self._descriptor: int | None = None
        self._said: Mapping[str, Any] | None = None

    def say(self, said: Mapping[str, Any]) -> None:
        """Put down how things stand, if that has changed."""
        if said == self._said and self._is_there():
            return
        with suppress(OSError):
            if not self._is_there():
                self._open()
            assert self._descriptor is not None
            value = {"host": socket.gethostname(), "pid": os.getpid(), **said}
            self._disk.overwrite(self._descriptor, json.dumps(value).encode())
            self._said = dict(said)

    def close(self) -> None:
        """Say no more."""
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
    """Those that are running on this spool, as far as locks of files reach."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in sorted(os.listdir(folders.instances)):
            path = os.path.join(folders.instances, name)
            with suppress(OSError):
                if os.path.isfile(path) and is_locked(path):
                    found.append(_instance(path))
    return found


def _instance(path: str) -> Instance:
    """What a running fproc says of itself; one that could not write, on a full disk, says nothing."""
    pid = os.path.basename(path).partition("-")[0]
    try:
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
        return Instance(str(said.pop("host")), int(said.pop("pid")), said)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Instance(socket.gethostname(), int(pid) if pid.isdecimal() else 0, {})
