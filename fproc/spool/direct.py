"""Publishing without a spool, for `--input` and `--sample`: the input stays, results replace, atomically."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from fproc.errors import InputError, shown
from fproc.processors.sinks import STAGE_FOLDER
from fproc.spool.disk import Disk, same_file
from fproc.spool.staging import Staging

_PREFIX = "input-"


class DirectOutput:
    """The results of one input that is not in the spool.

    Args:
        disk: makes the calls.
        folder: where results go; made if it is missing.
        rename: names of results that are published under another name.
        to_stdout: the result whose lines go to standard output at once, or None.
    """

    def __init__(
        self, disk: Disk, folder: str, *, rename: dict[str, str] | None = None, to_stdout: str | None = None
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._rename = rename or {}
        self._stages = os.path.join(folder, STAGE_FOLDER)
        self._stage = os.path.join(self._stages, _PREFIX + secrets.token_hex(8))
        self._lock = self._make_stage()
        self._sweep()
        self.staging = Staging(disk, self._stage, "", to_stdout=to_stdout)

    def publish(self, inputs: list[str]) -> list[str]:
        """Give each result its final name, over an earlier one; gives their paths.

        Raises:
            InputError: a result would replace one of the `inputs`. Nothing was published.
        """
        self.staging.seal()
        paths = {
            part: os.path.join(self._folder, self._rename.get(result, result))
            for result, part in self.staging.parts.items()
        }
        for path in paths.values():
            if any(same_file(path, given) for given in inputs):
                raise InputError(f"its result {shown(path)} would replace an input; choose another --output")
        for part, path in paths.items():
            self._disk.replace(part, path)
        self._disk.sync_folder(self._folder)
        return list(paths.values())

    def close(self) -> None:
        """Remove what was not published, and leave no trace in the folder."""
        self.staging.discard()
        self._disk.remove_folder(self._stage)
        self._disk.close(self._lock)
        with suppress(OSError):  # others may have their stages there
            self._disk.remove_folder(self._stages)

    def _make_stage(self) -> int:
        """Make and lock this run's own folder; another run may remove the one above it in between."""
        while True:
            os.makedirs(self._folder, exist_ok=True)
            with suppress(FileNotFoundError):
                self._disk.make_folder(self._stages)
                lock = self._disk.lock(self._stage)
                if lock is not None:
                    return lock

    def _sweep(self) -> None:
        """Remove the stages of runs that were killed: their locks are free."""
        for name in os.listdir(self._stages):
            path = os.path.join(self._stages, name)
            if not name.startswith(_PREFIX) or path == self._stage or not os.path.isdir(path):
                continue
            lock = self._disk.lock(path)
            if lock is not None:
                for part in os.listdir(path):
                    self._disk.unlink(os.path.join(path, part))
                self._disk.remove_folder(path)
                self._disk.close(lock)


def publish_text(folder: str, name: str, text: str) -> None:
    """Write a small file so that it appears whole, over an earlier one."""
    disk = Disk(power=False)
    hidden = os.path.join(folder, f".{name}.{secrets.token_hex(4)}")
    descriptor = disk.create(hidden)
    try:
        disk.write(descriptor, text.encode())
    finally:
        disk.close(descriptor)
    disk.replace(hidden, os.path.join(folder, name))
