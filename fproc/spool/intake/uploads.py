"""Uploads: how files that a client sends become inputs, each whole or not at all.

They are written in a private folder, `.fproc/uploads/TOKEN/files/`, each under the name that it is to have,
and are renamed into `unprocessed/` when all of them are there. `TOKEN` is held as jobs are: by a lock, or by
a lease where other hosts may use the spool. One that nobody holds was left by a crash, and is swept.

With markers, the files are renamed first, then the markers: the other way round, a marker left alone by a
crash would make a later file of its name ready before that is whole. The sweep publishes the markers that a
crash has held up.
"""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType

from fproc.base.errors import InputError, reason_of
from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import same_file
from fproc.spool.intake.upload_names import check_name
from fproc.spool.job.markers import shares_marker
from fproc.spool.layout import Folders, free_number, is_shared, numbered
from fproc.spool.locks.holding import lock_manager
from fproc.spool.locks.locks import JobLock, LockManager
from fproc.spool.readiness.names import InputNames

log = logging.getLogger("fproc.spool")

_FILES = "files"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that is in `unprocessed/`: the name that it got, its size in bytes, and its digest in hex."""

    name: str
    bytes: int
    sha256: str


class UploadArea:
    """The uploads of one spool, as this process sees it. Safe to use from several threads.

    Args:
        config: has the folders, which must be there, and says when files are ready.
        disk: makes the system calls; by default as durable as the configuration says.
        home: the spool's; by default that of the spool that is there now.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        config: Config,
        disk: Disk | None = None,
        *,
        home: Home | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.disk = disk or Disk(power=config.durability == "power")
        self.folders = Folders(config.watch_dir, config.results_dir)
        self.home = home or Home.found(self.folders)
        self.names = InputNames(config.intake)
        self._lock_folders = copy.copy(self.folders)
        self._lock_folders.jobs = self._lock_folders.uploads  # they are held as jobs are
        self._monotonic = monotonic
        self._is_shared = is_shared(self.folders, self.disk)
        self._locks = lock_manager(
            self._lock_folders, self.disk, is_shared=self._is_shared, monotonic=monotonic
        )

    def _lock_manager(self) -> LockManager:
        """Return the manager of the uploads' locks; other hosts may have begun to use the spool."""
        if not self._is_shared and os.path.exists(self.folders.shared):
            self._is_shared = True
            self._locks = lock_manager(
                self._lock_folders, self.disk, is_shared=True, monotonic=self._monotonic
            )
        return self._locks

    def begin(self) -> Upload:
        """Make a private folder for the files of one upload.

        Raises:
            OSError: the disk refuses.
        """
        hold = None
        self.home.check()
        while hold is None:  # a sweep may have been quicker to lock the new folder
            self._make_folder()
            hold = self._lock_manager().hold(new_id(8))
        try:
            return Upload(self, hold)
        except BaseException:
            hold.release()
            raise

    def _make_folder(self) -> None:
        """Make the folder of all uploads, but none above it: if that is missing, the spool has vanished."""
        if not os.path.isdir(self.folders.uploads):
            self.disk.make_folder(self.folders.uploads)
            self.disk.sync_folder(self.folders.state)

    def sweep(self) -> None:
        """Remove what processes that died during an upload left behind, and finish what they published.

        What cannot be removed is logged, and left for the next sweep. So is one with a lease, until that is
        known to be over.
        """
        with suppress(FileNotFoundError):
            for token in os.listdir(self.folders.uploads):
                try:
                    seen_version = self._lock_manager().stale(token)
                    hold = None if seen_version is None else self._lock_manager().hold(token, seen_version)
                    if hold is not None:
                        self.clean(hold)
                except OSError as error:
                    log.warning("cannot remove the unfinished upload %s: %s", shown(token), reason_of(error))

    def clean(self, hold: JobLock) -> None:
        """Finish what was published of an upload, remove the rest, and release it."""
        files = os.path.join(hold.folder, _FILES)
        try:
            if os.path.isdir(files):
                self.make_ready(files)
                self._drop_markers(files)
                for name in os.listdir(files):
                    self.disk.unlink(os.path.join(files, name))
                self.disk.remove_folder(files)
        finally:
            hold.release()

    def make_ready(self, files: str) -> None:
        """Publish the markers of those files that have moved from a private folder to `unprocessed/`.

        Each file's name is durable before its marker's is. A file moved by a link may have both names.
        """
        waiting = self.folders.unprocessed
        names = set(os.listdir(files))
        ready: dict[str, list[str]] = {}
        for name, target in self._marked(names).items():
            private, published = os.path.join(files, target), os.path.join(waiting, target)
            if os.path.lexists(published) and (target not in names or same_file(private, published)):
                ready.setdefault(self.names.marker_of(target), []).append(os.path.join(files, name))
        if ready:
            self.disk.sync_folder(waiting)
            self._leave_one_of_each(files, ready.values())
            for marker, (kept, *_) in ready.items():
                with suppress(FileExistsError):  # someone else has made it ready
                    self.disk.move(kept, os.path.join(waiting, marker))
            self.disk.sync_folder(waiting)

    def _leave_one_of_each(self, files: str, markers: Iterable[list[str]]) -> None:
        """Remove all but one of the markers that share a name, before that one is published.

        Published after it, the others would make a later file of their stem ready too early.
        """
        spare = [path for paths in markers for path in paths[1:]]
        for path in spare:
            self.disk.unlink(path)
        if spare:
            self.disk.sync_folder(files)

    def _drop_markers(self, files: str) -> None:
        """Remove the remaining markers, durably, before their files are removed.

        A marker without its file would be taken for that of a file which has been published.
        """
        markers = self._marked(os.listdir(files))
        for name in markers:
            self.disk.unlink(os.path.join(files, name))
        if markers:
            self.disk.sync_folder(files)

    def _marked(self, names: Iterable[str]) -> dict[str, str]:
        """Return the markers among the names in a private folder, in order, each with its file's name."""
        marker = self.names.marker
        return {name: marker.within(name) for name in sorted(names) if marker and marker.is_marker(name)}


class IncomingFile:
    """One file that is being written. It is whole when it is closed.

    Attributes:
        name: the name that was asked for.
        target: the name that it will get; another one if that is taken.
    """

    def __init__(self, disk: Disk, name: str, target: str, path: str) -> None:
        from hashlib import sha256  # noqa: PLC0415 - loads OpenSSL, which a start does without

        self.name = name
        self.target = target
        self._disk = disk
        self._bytes = 0
        self._digest = sha256()
        self._descriptor: int | None = disk.create(path)

    def write(self, data: bytes | memoryview) -> None:
        """Append to the file.

        Raises:
            OSError: the disk refuses.
        """
        assert self._descriptor is not None, "written to after it was closed"
        self._disk.write(self._descriptor, data)
        self._digest.update(data)
        self._bytes += len(data)

    def close(self) -> None:
        """Close the file, which is whole now, and make it durable.

        Raises:
            OSError: the disk refuses; then the upload must be abandoned.
        """
        if self._descriptor is not None:
            self._disk.sync(self._descriptor)
            self.abandon()

    def abandon(self) -> None:
        """Close the file as it is."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._disk.close(descriptor)

    def arrived(self) -> Uploaded:
        """Return the name, size and digest of the file, once it is published."""
        return Uploaded(self.target, self._bytes, self._digest.hexdigest())


class Upload:
    """The files of one upload, which are published together or not at all.

    As a context manager it leaves nothing behind that was not published.
    """

    def __init__(self, upload_area: UploadArea, hold: JobLock) -> None:
        self._upload_area = upload_area
        self._disk = upload_area.disk
        self._unprocessed = upload_area.folders.unprocessed
        self._names = upload_area.names
        self._hold = hold
        self._is_over = False
        self._private = os.path.join(hold.folder, _FILES)
        self._files: list[IncomingFile] = []
        self._disk.make_folder(self._private)

    def __enter__(self) -> Upload:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self.discard()

    def create(self, name: str) -> IncomingFile:
        """Make a new file.

        Raises:
            InputError: it cannot have this name.
            OSError: the disk refuses.
        """
        target = self._free(check_name(name, self._names))
        file = IncomingFile(self._disk, name, target, self._own(target))
        self._files.append(file)
        return file

    def publish(self) -> list[Uploaded]:
        """Move the files to `unprocessed/`, in order; each gets the next `~N` if its name is taken by then.

        Raises:
            InputError, OSError: it cannot be done. What was published before that stays.
        """
        for file in self._files:
            file.close()
        self._upload_area.home.check()
        if self._names.marker:
            self._mark(self._files)
            self._disk.sync_folder(self._hold.folder)
            self._hold.make_durable()
        for file in self._files:
            self._move(file)
        self._disk.sync_folder(self._unprocessed)
        self._upload_area.make_ready(self._private)
        uploaded = [file.arrived() for file in self._files]
        self.discard()
        return uploaded

    def discard(self) -> None:
        """Remove what was not published. What cannot be removed is logged, and left to the sweep."""
        if self._is_over:
            return
        self._is_over = True
        try:
            try:
                for file in self._files:
                    file.abandon()
            finally:
                self._upload_area.clean(self._hold)
        except OSError as error:
            log.warning("cannot remove all of an upload; the next start will: %s", reason_of(error))

    def _mark(self, files: list[IncomingFile]) -> None:
        """Make the markers of files, and make both durable.

        A marker without its file would be taken for that of a file which has been published, so the file's
        name is durable before there is one.
        """
        self._disk.sync_folder(self._private)
        for file in files:
            self._disk.close(self._disk.create(self._own_marker(file.target)))
        self._disk.sync_folder(self._private)

    def _move(self, file: IncomingFile) -> None:
        """Move a file to its name in `unprocessed/`; while that is taken, to another one."""
        while True:
            if not self._is_taken(file.target):
                with suppress(FileExistsError):
                    self._disk.move(self._own(file.target), self._there(file.target))
                    return
            self._rename(file, self._free(file.name))

    def _rename(self, file: IncomingFile, target: str) -> None:
        """Rename a file in the private folder, while it has no marker."""
        if self._names.marker:
            self._disk.unlink(self._own_marker(file.target))
            self._disk.sync_folder(self._private)
        self._disk.replace(self._own(file.target), self._own(target))
        file.target = target
        if self._names.marker:
            self._mark([file])

    def _free(self, name: str) -> str:
        """Return the first numbered form of a name that is free, both here and in `unprocessed/`.

        Raises:
            InputError: a file of that name would be ignored.
        """
        extra = self._names.marker.around("") if self._names.marker else ""

        def target(number: int) -> str:
            return numbered(name, number, extra).removesuffix(extra)

        def is_taken(number: int) -> bool:
            return os.path.lexists(self._own(target(number))) or self._is_taken(target(number))

        free = target(free_number(is_taken))
        if not self._names.is_taken(free):
            raise InputError(f"a file '{shown(name)}' waits already, and '{shown(free)}' would be ignored")
        return free

    def _is_taken(self, target: str) -> bool:
        """Return whether `unprocessed/` has a file of this name, or one that its marker would make ready."""
        if os.path.lexists(self._there(target)):
            return True
        marker = self._names.marker_of(target)
        if not marker:
            return False
        own = {file.target for file in self._files}
        return os.path.lexists(self._there(marker)) or shares_marker(
            self._names, self._unprocessed, target, besides=own
        )

    def _own_marker(self, target: str) -> str:
        """Return the path of a file's unpublished marker: each file has its own here."""
        assert self._names.marker
        return self._own(self._names.marker.around(target))

    def _own(self, name: str) -> str:
        return os.path.join(self._private, name)

    def _there(self, name: str) -> str:
        return os.path.join(self._unprocessed, name)
