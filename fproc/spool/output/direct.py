"""Publishing without a spool, for `--input` and `--sample`: the input stays, results replace, atomically."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

from fproc.base.errors import InputError
from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.pipeline.processors.options.result_names import APPENDED, STAGE_FOLDER
from fproc.spool.checks.result_folders import ResultFolders
from fproc.spool.disk.disk import Disk, unlink_if_there
from fproc.spool.disk.mounts import is_local
from fproc.spool.layout import Folders, make_durably, missing_folders, numbered, read_id, stage_of
from fproc.spool.locks.holding import lock_manager
from fproc.spool.locks.locks import JobLock
from fproc.spool.locks.owner import BOOT_ID, read_text
from fproc.spool.output.appends import Appender
from fproc.spool.output.entries import AppendedPart, TextReader
from fproc.spool.output.intents import place_in
from fproc.spool.output.parts import Staging

_PREFIX = "input-"
_BOOT_CHARACTERS = 12
_ABANDONED_SECONDS = 24 * 3600.0
"""For how long nothing may change in the stage of a run that no lock tells of, before it is swept."""
_TRIES = 100
"""How often another run may remove the folder above this one's before something else must be wrong."""


class DirectOutput:
    """The results of one input that is not in the spool.

    Nothing is made in the folder before there is a result to put there, and nothing is left there but
    results.

    Args:
        disk: makes the calls.
        folder: where results go; made if it is missing.
        rename: names of results that are published under another name.
        stream: takes the lines of the result named `streamed_result` at once, or None.
        streamed_result: see `stream`.
        mode: of results, or None for what the umask says.
        spool: the folders of the spool whose results these are, if there is one; where inputs share a result,
            its own inputs do, too.
        read_text: returns what is to be appended from a commit record.
    """

    def __init__(
        self,
        disk: Disk,
        folder: str,
        *,
        rename: dict[str, str],
        stream: BinaryIO | None = None,
        streamed_result: str | None = None,
        mode: int | None = None,
        spool: Folders | None = None,
        read_text: TextReader,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._rename = rename
        self._mode = mode
        self._spool = spool
        self._read_text = read_text
        self._stages = os.path.join(folder, STAGE_FOLDER)
        self._host = host_mark()
        self._stage = os.path.join(self._stages, f"{_PREFIX}{self._host}-{new_id(8)}")
        self._lock: int | None = None
        self._made: list[str] = []
        self._result_folders = ResultFolders(folder, self._stage)
        self.staging = Staging(
            disk, self._make_stage, "", stream=stream, streamed_result=streamed_result, mode=mode
        )

    def publish(self, inputs: list[str], taken_paths: set[str]) -> list[str]:
        """Give each result its final name, over an earlier one; return their paths.

        Args:
            inputs: the files that no result may replace.
            taken_paths: the paths of results of other inputs of the same call; a result of the same name
                gets the next `~N`. The new paths are added.

        Raises:
            InputError: a result cannot have its name. Nothing was published.
        """
        self.staging.seal()
        paths: dict[str, str] = {}
        appended: dict[str, str] = {}
        for result, part in self.staging.parts.items():
            if result.startswith(APPENDED):
                appended[part.path] = os.path.join(self._folder, numbered(result.removeprefix(APPENDED), 1))
                _check_target(appended[part.path], inputs)
                continue
            path = self._free_path(self._rename.get(result, result), {*taken_paths, *paths.values()})
            _check_target(path, inputs)
            paths[part.path] = path
        parts = {os.path.relpath(path, self._folder): part for part, path in (paths | appended).items()}
        self._result_folders.prepare(self._disk, parts)
        self._result_folders.check_appended(os.path.relpath(path, self._folder) for path in appended.values())
        for part_path, path in paths.items():
            self._disk.replace(part_path, path)
        for folder in sorted({os.path.dirname(path) for path in paths.values()}):
            self._disk.sync_folder(folder)
        taken_paths.update(paths.values())
        return [*paths.values(), *self._append(appended)]

    def _append(self, appended: dict[str, str]) -> list[str]:
        """Append parts to results that inputs share; return what is told of them."""
        told = []
        for part_path, path in appended.items():
            part = AppendedPart(part_path, os.stat(part_path).st_size)
            result = os.path.relpath(path, self._folder)
            if self._spool is None:
                begin_bytes: int | None = self._lone_appender().append_alone(result, part)
            else:
                begin_bytes = self._appender(self._spool).append(result, [part]).get(part.key)
            told.append(place_in(path, part.size_bytes, begin_bytes))
        return told

    def _lone_appender(self) -> Appender:
        """Return what appends to results that belong to no spool."""
        folders = Folders(self._stage, self._folder)
        return Appender(self._disk, folders, self._stage, _NoLocks, self._read_text, mode=self._mode)

    def _appender(self, spool: Folders) -> Appender:
        """Return what appends to results of a spool, as the spool does."""
        manager = lock_manager(
            spool, self._disk, is_shared=os.path.exists(spool.shared), monotonic=time.monotonic
        )
        stage = stage_of(spool, read_id(spool))
        return Appender(self._disk, spool, stage, lambda: manager, self._read_text, mode=self._mode)

    def close(self) -> None:
        """Remove what was not published, and leave no trace in the folder."""
        self.staging.discard()
        if self._lock is not None:
            self._disk.remove_folder(self._stage)
            self._disk.close(self._lock)
        for path in (self._stage, self._stages, *reversed(self._made)):
            with suppress(OSError):  # it is not there, or has something in it: stages of others, or results
                self._disk.remove_folder(path)

    def _free_path(self, name: str, taken_paths: set[str]) -> str:
        number = 1
        while (path := os.path.join(self._folder, numbered(name, number))) in taken_paths:
            number += 1
        return path

    def _make_stage(self) -> str:
        """Make and lock this run's own folder, once; another run may remove the one above it in between."""
        for _ in range(_TRIES):
            if self._lock is not None:
                return self._result_folders.stage()
            self._made += missing_folders(self._folder)  # noted before, as a signal may end this anywhere
            make_durably(self._disk, self._folder)
            with suppress(FileNotFoundError):
                self._disk.make_folder(self._stages)
                self._lock = self._disk.lock(self._stage)
                self._sweep()
        raise FileNotFoundError(2, "cannot make a folder", self._stages)

    def _sweep(self) -> None:
        """Remove the stages of runs that were killed: their locks are free.

        On a filesystem that other hosts use, no lock tells of runs there; such stages are left alone until
        nothing in them has changed for a day of that filesystem's own time.
        """
        reaches_all = is_local(self._stages) is not False
        for name in os.listdir(self._stages):
            path = os.path.join(self._stages, name)
            if not name.startswith(_PREFIX) or path == self._stage or not os.path.isdir(path):
                continue
            is_of_host = self._host and name.startswith(f"{_PREFIX}{self._host}-")
            if not (reaches_all or is_of_host) and not self._is_abandoned(path):
                continue
            lock = self._disk.lock(path)
            if lock is None:
                continue
            if self._is_appended(path):
                for part in os.listdir(path):
                    self._disk.unlink(os.path.join(path, part))
                self._disk.remove_folder(path)
            self._disk.close(lock)

    def _is_appended(self, stage: str) -> bool:
        """Complete what was being appended from another run's stage; return whether nothing of it is left."""
        if self._spool is None:
            return True
        appender = self._appender(self._spool)
        if appender.is_about(stage):
            appender.recover()
        return not appender.is_about(stage)

    def _is_abandoned(self, stage: str) -> bool:
        """Return whether nothing in another run's stage has changed for long; it may be removed just now."""
        now = os.stat(self._stage).st_mtime
        try:
            changed_at = [os.stat(stage).st_mtime]
            changed_at += [os.lstat(os.path.join(stage, part)).st_mtime for part in os.listdir(stage)]
        except FileNotFoundError:
            return False
        return now - max(changed_at) > _ABANDONED_SECONDS


class _NoLocks:
    """Holds nothing: where there is no spool, the lock of the result's own file has to do."""

    def hold(self, _name: str, seen_version: str = "") -> JobLock:  # noqa: ARG002 - as all lock managers have it
        """Return what holds nothing."""
        return _NoLock()

    def stale(self, _name: str) -> str | None:
        """Return that nobody holds it."""
        return ""

    def sweep(self) -> None:
        """Do nothing."""


class _NoLock:
    folder = ""
    descriptor = None
    is_lease = False
    is_fresh_start = False

    def is_owner(self) -> bool:
        return True

    def make_durable(self) -> None:
        pass

    def release(self) -> None:
        pass


def host_mark() -> str:
    """Return what tells this host, since it was started, from others; "" if the system does not say."""
    return read_text(BOOT_ID).replace("-", "")[:_BOOT_CHARACTERS]


def _check_target(path: str, inputs: list[str]) -> None:
    """Check that a result may be put at a path.

    Raises:
        InputError: there is a folder, or one of the inputs.
    """
    if os.path.isdir(path):
        raise InputError(f"its result cannot be put at {shown(path)}, which is a folder")
    for input_path in inputs:
        if os.path.exists(path) and os.path.exists(input_path) and os.path.samefile(path, input_path):
            raise InputError(f"its result {shown(path)} would replace an input; choose another --output")


def publish_folder(folder: str, texts: Mapping[str, str]) -> None:
    """Write small files into a folder, made if it is missing: all of them, or none if there is an error."""
    disk = Disk(power=False)
    made = make_durably(disk, folder)
    written: list[str] = []
    try:
        for name, text in texts.items():
            publish_text(folder, name, text)
            written.append(os.path.join(folder, name))
    except OSError:
        for path in written:
            unlink_if_there(disk, path)
        for path in reversed(made):
            disk.remove_folder(path)
        raise


def publish_text(folder: str, name: str, text: str) -> None:
    """Write a small file so that it appears whole, over an earlier one."""
    disk = Disk(power=False)
    hidden = os.path.join(folder, f".{name}.{new_id()}")
    try:
        descriptor = disk.create(hidden)
        try:
            disk.write(descriptor, text.encode())
        finally:
            disk.close(descriptor)
        disk.replace(hidden, os.path.join(folder, name))
    except OSError:
        unlink_if_there(disk, hidden)
        raise
