"""Uploads: how files that someone sends become inputs, each whole or not at all.

They grow in a private folder, `.fproc/uploads/TOKEN/files/`, each under the name that it is to have, and are
renamed into `unprocessed/` when all of them are there. `TOKEN` is held as jobs are: by a lock, or by a lease
where other machines may use the spool. One that nobody holds is what a crash has left, and is swept.

With markers, the files get their names first, then the markers theirs: the other way round, a marker that a
crash has left alone would make a later file of its name ready before that is whole. The sweep gives the
markers that a crash has kept back.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from fproc.config import Config
from fproc.errors import InputError, reason_of, shown
from fproc.spool.disk import Disk, same_file
from fproc.spool.folders import NAME_BYTES, Folders, free_number, is_shared, make_durably, numbered
from fproc.spool.holding import Hold, holder
from fproc.spool.inquiry import REPORTS
from fproc.spool.intake import Scanner
from fproc.tokens import new_token

log = logging.getLogger("fproc.spool")

_FILES = "files"

_SHOWN_CHARACTERS = 80
"""How much of a refused name is repeated."""

_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters, separators of lines, and what turns the direction of text."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""What stands in a string for bytes that are not UTF-8, or is half a character."""

_DEVICE = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9]) *(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is in `unprocessed/`: the name that it got, its size in bytes, and its digest in hex."""

    name: str
    bytes: int
    sha256: str


def check_name(name: str, config: Config) -> str:
    """A name that an uploaded file may have, as it was given.

    Nothing is cut off or replaced: a name that is not safe is refused.

    Raises:
        InputError: it is not safe, or a file of this name would never be taken.
    """
    why = _why_not(name, config)
    if why:
        quoted = f"'{shown(name[:_SHOWN_CHARACTERS])}{'...' * (len(name) > _SHOWN_CHARACTERS)}'"
        raise InputError(f"a file cannot be uploaded as {quoted}: the name {why}")
    return name


def _why_not(name: str, config: Config) -> str:
    """What is wrong with a name, or ""."""
    size_bytes = len(name.encode("utf-8", "surrogatepass"))
    most_bytes = NAME_BYTES - len(os.fsencode(_marker_of(config)))
    is_taken = not name.startswith(".") and _is_input_name(name, config)
    reasons = {
        "is empty": not name,
        "is not text in UTF-8": _SURROGATE.search(name),
        "is a path, of which nothing is cut off; send the file's own name alone": "/" in name or "\\" in name,
        "has control characters": _UNSHOWABLE.search(name),
        f"is {size_bytes} bytes long; {most_bytes} is the most": size_bytes > most_bytes,
        "ends in a dot or a space": name.endswith((".", " ")),
        "is a device's on Windows": _DEVICE.fullmatch(name),
        "is one that fproc gives to its reports": name.endswith(REPORTS),
        "is one that intake ignores": not is_taken,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _marker_of(config: Config) -> str:
    """What stands behind a name in its marker's; "" without markers."""
    return config.intake.marker if config.intake.ready == "marker" else ""


def _is_input_name(name: str, config: Config) -> bool:
    return Scanner("", config.intake, monotonic=time.monotonic, clock=time.time).is_input_name(name)


class Arrivals:
    """The uploads of one spool, as this process sees it. Safe to use from several threads.

    Args:
        config: where the folders are, which must be there, and when files are ready.
        disk: makes the calls; by default as durable as the configuration says.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, config: Config, disk: Disk | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config
        self.disk = disk or Disk(power=config.durability == "power")
        self.folders = Folders(config.watch_dir, config.results_dir)
        self.marker = _marker_of(config)
        uploads = copy.copy(self.folders)
        uploads.jobs = uploads.uploads  # they are held as jobs are
        shared = is_shared(self.folders, self.disk)
        self._holder = holder(uploads, self.disk, is_shared=shared, monotonic=monotonic)

    def begin(self) -> Arrival:
        """Make a place for the files of one upload.

        Raises:
            OSError: the disk refuses.
        """
        hold = None
        while hold is None:  # a sweep may have been quicker to lock the new folder
            make_durably(self.disk, self.folders.uploads)
            hold = self._holder.hold(new_token(8))
        try:
            return Arrival(self, hold)
        except BaseException:
            hold.release()
            raise

    def sweep(self) -> None:
        """Remove what was left by those who died in the middle of an upload, and finish what they published.

        What cannot be removed is said in the log, and left for the next time. So is one with a lease, until
        that is seen to be over.
        """
        with suppress(FileNotFoundError):
            for token in os.listdir(self.folders.uploads):
                try:
                    evidence = self._holder.abandoned(token)
                    hold = None if evidence is None else self._holder.hold(token, evidence)
                    if hold is not None:
                        self.clean(hold)
                except OSError as error:
                    log.warning("cannot remove the unfinished upload %s: %s", shown(token), reason_of(error))

    def clean(self, hold: Hold) -> None:
        """Finish what was published of an upload, remove the rest, and let go of it."""
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
        """Publish the markers of those files that have left a private folder for `unprocessed/`.

        Each file's name is durable before its marker's is. One that left by a link may have both names.
        """
        waiting = self.folders.unprocessed
        names = set(os.listdir(files))
        ready = []
        for name in self._markers(names):
            target = name.removesuffix(self.marker)
            here, there = os.path.join(files, target), os.path.join(waiting, target)
            if os.path.lexists(there) and (target not in names or same_file(here, there)):
                ready.append(name)
        if ready:
            self.disk.sync_folder(waiting)
            for name in ready:
                with suppress(FileExistsError):  # someone else has made it ready
                    self.disk.move(os.path.join(files, name), os.path.join(waiting, name))
            self.disk.sync_folder(waiting)

    def _drop_markers(self, files: str) -> None:
        """Remove what markers are left, and see that they stay so, before their files go.

        A marker without its file would be taken for that of a file which has left.
        """
        markers = self._markers(os.listdir(files))
        for name in markers:
            self.disk.unlink(os.path.join(files, name))
        if markers:
            self.disk.sync_folder(files)

    def _markers(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if self.marker and name.endswith(self.marker))


class Incoming:
    """One file that grows. It is whole when it is closed.

    Attributes:
        name: what it is to be called.
        target: what it will be called; another name if that is taken.
    """

    def __init__(self, disk: Disk, name: str, target: str, path: str) -> None:
        self.name = name
        self.target = target
        self._disk = disk
        self._bytes = 0
        self._digest = hashlib.sha256()
        self._descriptor: int | None = disk.create(path)

    def write(self, data: bytes | memoryview) -> None:
        """Append to it.

        Raises:
            OSError: the disk refuses.
        """
        assert self._descriptor is not None, "written to after it was closed"
        self._disk.write(self._descriptor, data)
        self._digest.update(data)
        self._bytes += len(data)

    def close(self) -> None:
        """Nothing comes after this: make it survive power loss.

        Raises:
            OSError: the disk refuses; then the upload must be given up.
        """
        if self._descriptor is not None:
            self._disk.sync(self._descriptor)
            self.abandon()

    def abandon(self) -> None:
        """Close it as it is."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._disk.close(descriptor)

    def arrived(self) -> Arrived:
        """What there is to say about it when it is published."""
        return Arrived(self.target, self._bytes, self._digest.hexdigest())


class Arrival:
    """The files of one upload, which are published together or not at all.

    As a context manager it leaves nothing behind that was not published.
    """

    def __init__(self, arrivals: Arrivals, hold: Hold) -> None:
        self._arrivals = arrivals
        self._disk = arrivals.disk
        self._unprocessed = arrivals.folders.unprocessed
        self._marker = arrivals.marker
        self._hold = hold
        self._is_over = False
        self._private = os.path.join(hold.folder, _FILES)
        self._files: list[Incoming] = []
        self._disk.make_folder(self._private)

    def __enter__(self) -> Arrival:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self.discard()

    def create(self, name: str) -> Incoming:
        """A new file.

        Raises:
            InputError: it cannot have this name.
            OSError: the disk refuses.
        """
        target = self._free(check_name(name, self._arrivals.config))
        file = Incoming(self._disk, name, target, self._own(target))
        self._files.append(file)
        return file

    def publish(self) -> list[Arrived]:
        """Put the files into `unprocessed/`, in order; each gets the next `~N` if its name is taken by then.

        Raises:
            InputError, OSError: it cannot be done. What was published before that stays.
        """
        for file in self._files:
            file.close()
        make_durably(self._disk, self._unprocessed)
        if self._marker:
            self._mark(self._files)
            self._disk.sync_folder(self._hold.folder)
            self._hold.make_durable()
        for file in self._files:
            self._move(file)
        self._disk.sync_folder(self._unprocessed)
        self._arrivals.make_ready(self._private)
        arrived = [file.arrived() for file in self._files]
        self.discard()
        return arrived

    def discard(self) -> None:
        """Remove what was not published. What cannot be removed is said in the log, and left to the sweep."""
        if self._is_over:
            return
        self._is_over = True
        try:
            try:
                for file in self._files:
                    file.abandon()
            finally:
                self._arrivals.clean(self._hold)
        except OSError as error:
            log.warning("cannot remove all of an upload; the next start will: %s", reason_of(error))

    def _mark(self, files: list[Incoming]) -> None:
        """Make the markers of files, and see that both survive power loss.

        A marker without its file would be taken for that of a file which has left, so the file's name is
        durable before there is one.
        """
        self._disk.sync_folder(self._private)
        for file in files:
            self._disk.close(self._disk.create(self._own(file.target + self._marker)))
        self._disk.sync_folder(self._private)

    def _move(self, file: Incoming) -> None:
        """Give a file its name in `unprocessed/`; as long as someone else has taken that, another one."""
        while True:
            if not self._is_taken(file.target):
                with suppress(FileExistsError):
                    self._disk.move(self._own(file.target), self._there(file.target))
                    return
            self._rename(file, self._free(file.name))

    def _rename(self, file: Incoming, target: str) -> None:
        """Give a file another name here, while it has no marker."""
        if self._marker:
            self._disk.unlink(self._own(file.target + self._marker))
            self._disk.sync_folder(self._private)
        self._disk.replace(self._own(file.target), self._own(target))
        file.target = target
        if self._marker:
            self._mark([file])

    def _free(self, name: str) -> str:
        """The first of a name's numbered forms that is taken neither here nor in `unprocessed/`.

        Raises:
            InputError: a file would be ignored under that.
        """

        def target(number: int) -> str:
            return numbered(name, number, self._marker).removesuffix(self._marker)

        def is_taken(number: int) -> bool:
            return os.path.lexists(self._own(target(number))) or self._is_taken(target(number))

        found = target(free_number(is_taken))
        if not _is_input_name(found, self._arrivals.config):
            raise InputError(f"a file '{shown(name)}' waits already, and '{shown(found)}' would be ignored")
        return found

    def _is_taken(self, target: str) -> bool:
        """Whether a file of this name, or a marker for one, is in `unprocessed/`."""
        return any(map(os.path.lexists, {self._there(target), self._there(target + self._marker)}))

    def _own(self, name: str) -> str:
        return os.path.join(self._private, name)

    def _there(self, name: str) -> str:
        return os.path.join(self._unprocessed, name)
