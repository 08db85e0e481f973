"""Appending to results that many inputs share: whole inputs, each once, whatever crashes meanwhile.

Whoever appends holds the lock of the result. An *intent* says to which file (by inode), from where on, and
what (parts, or short texts in commit records); it is durable before the first byte. After the last byte the
file is fsynced; then the parts are removed; then the intent, or, because of the texts, it is kept as done. So
as long as an intent is there, with all that it is about, what was written may be incomplete, and is completed
or written again; once one of its parts or records is gone, all of it is there.

The file has a second name in the stage meanwhile: a log rotator may rename it at any instant, and after a
crash the file that was written to is still found.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import TypeVar

from fproc.spool.checks.result_folders import make_again
from fproc.spool.disk import paths
from fproc.spool.disk.disk import NO_LINKS, Disk, unlink_if_there
from fproc.spool.disk.identity import identity_of
from fproc.spool.layout import Folders, numbered
from fproc.spool.locks.locks import JobLock, LockManager
from fproc.spool.output.entries import AppendedPart, Entry, TextReader, has_text
from fproc.spool.output.intents import Intent, Intents, digest_of
from fproc.spool.output.shared_result import SharedResult

PATIENCE_SECONDS = 30.0
"""How long whoever appends waits for another before it lets its input wait instead."""

LOCK = ".append~"
"""What the name of a result's lock, among those of jobs, begins with; the digest of the result follows."""

_LINK = "append-"
_SHORTEST_WAIT_SECONDS = 0.001
_LONGEST_WAIT_SECONDS = 0.005
_TRIES = 100
"""How often a result may be removed while it is appended to before something else must be wrong."""


_Taken = TypeVar("_Taken")


class Appender:
    """Appends to results of one spool, for this process.

    Args:
        disk: makes the calls.
        folders: the spool's.
        stage: the folder in which parts grow.
        lock_manager: returns what holds jobs, and the locks of results.
        read_text: returns what is to be appended from a commit record.
        mode: of results that begin with this, or None for what the umask says.
        monotonic: seconds on a clock that is never set.
        wait: waits for a number of seconds.
    """

    def __init__(
        self,
        disk: Disk,
        folders: Folders,
        stage: str,
        lock_manager: Callable[[], LockManager],
        read_text: TextReader,
        *,
        mode: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._disk = disk
        self._results = folders.results
        self._stage = stage
        self._lock_manager = lock_manager
        self._intents = Intents(disk, folders, read_text)
        self._mode = mode
        self._monotonic = monotonic
        self._wait = wait

    def append(self, result: str, entries: Sequence[Entry]) -> dict[str, int]:
        """Append to a result, all together, except what was appended already.

        Returns:
            Where each entry begins in the result, by its key, as far as that is known: not if it was appended
            before.

        Raises:
            OSError: the disk refuses, or another appends for too long. It has to be tried again.
        """
        result = numbered(result, 1)
        with self._locked(result) as lock:
            settled = self._settle(result)
            appended = self._intents.appended(digest_of(result)) if has_text(entries) else {}
            left = [entry for entry in entries if entry.is_there and entry.key not in appended]
            if not left:
                return settled
            earlier = self._intents.with_records(appended) if has_text(left) else {}
            return settled | self._append(result, left, earlier, lock)

    def append_alone(self, result: str, part: AppendedPart) -> int:
        """Append a part for which nothing is remembered after a crash, and remove it.

        Returns:
            Where it begins in the result.

        Raises:
            OSError: the disk refuses, or another appends for too long. Nothing was appended.
        """
        result = numbered(result, 1)
        with self._locked(result):
            self._settle(result)
            with closing(self._opened(result)) as shared:
                begin_bytes = shared.size_bytes()
                intent = Intent(result, shared.inode, begin_bytes, (part,), "", {})
                self._complete(intent, shared, 0)
                end_bytes = shared.size_bytes()
        self._disk.unlink(part.path)
        return max(0, end_bytes - part.size_bytes)

    def is_about(self, folder: str) -> bool:
        """Return whether a part in this folder is just being appended to a result.

        Raises:
            OSError: that was begun by another version of fproc.
        """
        intents = [self._intents.read(digest) for digest in self._intents.digests()]
        paths = [entry.key for intent in intents if intent for entry in intent.entries]
        return any(os.path.dirname(path) == folder for path in paths)

    def recover(self) -> None:
        """Complete what appenders that died had begun, as far as nobody holds the lock.

        Raises:
            OSError: the disk refuses.
        """
        begun = {name.removeprefix(_LINK) for name in os.listdir(self._stage) if name.startswith(_LINK)}
        for digest in sorted({*self._intents.digests(), *begun}):
            lock = self._hold(digest)
            if lock is None:
                continue
            try:
                intent = self._intents.read(digest)
                if intent is not None:
                    self._settle(intent.result)
                else:
                    unlink_if_there(self._disk, os.path.join(self._stage, f"{_LINK}{digest}"))
                self._intents.forget_finished(digest)
            finally:
                lock.release()

    @contextmanager
    def _locked(self, result: str) -> Iterator[JobLock]:
        """Hold the lock of a result.

        Raises:
            OSError: `EBUSY`, someone else has held it for too long.
        """
        digest = digest_of(result)
        lock = self._waited(result, lambda: self._hold(digest))
        try:
            yield lock
        finally:
            lock.release()

    def _waited(self, result: str, take: Callable[[], _Taken | None]) -> _Taken:
        """Return what `take` does, once that is there.

        Raises:
            OSError: `EBUSY`, it was not for too long.
        """
        wait_seconds = _SHORTEST_WAIT_SECONDS
        give_up_at = self._monotonic() + PATIENCE_SECONDS
        while (taken := take()) is None:
            if self._monotonic() >= give_up_at:
                what = "another process has been appending to this result, or has it locked, for long"
                raise OSError(errno.EBUSY, what, self._path(result))
            self._wait(wait_seconds)
            wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT_SECONDS)
        return taken

    def _hold(self, digest: str) -> JobLock | None:
        """Take the lock of a result, also from an owner that is dead; return None if someone has it."""
        name, manager = f"{LOCK}{digest}", self._lock_manager()
        lock = manager.hold(name)
        if lock is None and (seen_version := manager.stale(name)):
            lock = manager.hold(name, seen_version)
        return lock

    def _append(
        self, result: str, entries: Sequence[Entry], earlier: Mapping[str, str], lock: JobLock
    ) -> dict[str, int]:
        for _ in range(_TRIES):
            with closing(self._opened(result)) as shared:
                if not self._link(result, shared.descriptor):
                    continue
                stage = identity_of(self._stage)
                begin_bytes = shared.size_bytes()
                intent = Intent(result, shared.inode, begin_bytes, tuple(entries), stage, earlier)
                self._intents.write(intent, lock.folder)
                if not lock.is_owner():
                    what = "this process was taken for dead while it appended to this result"
                    raise OSError(errno.EBUSY, what, self._path(result))
                self._complete(intent, shared, 0)
                end_bytes = shared.size_bytes()
            if not self._is_gone(result):
                self._end(intent)
                return intent.offsets(end_bytes)
        what = "is removed again and again while it is appended to"
        raise OSError(errno.EBUSY, what, self._path(result))

    def _complete(self, intent: Intent, shared: SharedResult, done_bytes: int) -> None:
        """Append what is left of an intent, and make it durable."""
        try:
            shared.append(intent.entries, done_bytes)
            self._disk.sync(shared.descriptor)
        except OSError:
            # What could not be made durable has to be written again: the next fsync would take it for done.
            with suppress(OSError):
                shared.cut(intent.offset_bytes)
            raise

    def _settle(self, result: str) -> dict[str, int]:
        """Complete what an appender that died had begun, or forget it if the file is gone or was emptied.

        Returns:
            Where each entry of that begins in the result, by its key, if it is there now.

        Raises:
            OSError: the disk refuses, or the stage is not there.
        """
        intent = self._intents.read(digest_of(result))
        if intent is None:
            return {}
        gone = [entry for entry in intent.entries if not entry.is_there]
        if gone:
            if not has_text(gone) and identity_of(self._stage) != intent.stage:
                what = f"what is to be appended is not there: {self._stage} is gone, or another folder"
                hint = "mount or put back the results folder as it was, then fproc goes on"
                raise OSError(errno.ENOLINK, f"{what}; {hint}", self._path(result))
            self._end(intent)
            return intent.offsets(intent.offset_bytes + intent.size_bytes)
        found = self._find(intent)
        if found is not None:
            with closing(self._locked_open(result, found)) as shared:
                is_settled = shared.inode == intent.inode and self._settle_in(intent, shared)
            if is_settled:
                self._end(intent)
                return intent.offsets(intent.offset_bytes + intent.size_bytes)
        self._forget(intent)
        return {}

    def _settle_in(self, intent: Intent, shared: SharedResult) -> bool:
        """Complete an intent in the file that it was begun with; return whether all of it counts as there."""
        if shared.size_bytes() < intent.offset_bytes:
            return False
        done_bytes = shared.count_appended(intent.entries, intent.offset_bytes)
        if done_bytes is None:
            if shared.size_bytes() > intent.offset_bytes + intent.size_bytes:
                return False  # someone else has written there, too: that is not fproc's to cut
            shared.cut(intent.offset_bytes)
            done_bytes = 0
        if done_bytes == intent.size_bytes:
            self._complete(intent, shared, done_bytes)
            return True  # whoever has removed it since has had all of it
        if self._is_gone(intent.result):
            return False
        self._complete(intent, shared, done_bytes)
        return not self._is_gone(intent.result)

    def _find(self, intent: Intent) -> str | None:
        """Return a path of the file that an intent is about: in the stage, its own, or one beside that."""
        path = self._path(intent.result)
        candidates = [self._link_path(intent.result), path]
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(os.path.dirname(path)) as entries:
            candidates += [entry.path for entry in entries if entry.inode() == intent.inode]
        for candidate in candidates:
            with suppress(FileNotFoundError, NotADirectoryError):
                if os.lstat(candidate).st_ino == intent.inode:
                    return candidate
        return None

    def _opened(self, result: str) -> SharedResult:
        """Open a result for appending; one that is empty is made durable under its name."""
        path = self._path(result)
        try:
            shared = self._locked_open(result, path)
        except FileNotFoundError:
            if "/" not in result:
                raise
            make_again(self._disk, self._results, os.path.dirname(result))
            shared = self._locked_open(result, path)
        try:
            if shared.size_bytes() == 0:
                if self._mode is not None:
                    os.fchmod(shared.descriptor, self._mode)
                self._disk.sync_folder(os.path.dirname(path))
        except BaseException:
            shared.close()
            raise
        return shared

    def _locked_open(self, result: str, path: str) -> SharedResult:
        """Open a file for appending, and lock it: a rotator may hold that lock while it copies and empties.

        Raises:
            OSError: the disk refuses; `EBUSY`, someone else has had it locked for too long.
        """
        shared = SharedResult(self._disk, self._disk.open_to_append(path))
        try:
            self._waited(result, lambda: self._disk.lock_open(shared.descriptor) or None)
        except BaseException:
            shared.close()
            raise
        return shared

    def _link(self, result: str, descriptor: int) -> bool:
        """Give a result its second name, where links can be made; return False if it was removed.

        That is not made durable: only who renames it into another folder just before power is lost hides it.
        """
        link = self._link_path(result)
        unlink_if_there(self._disk, link)
        try:
            self._disk.give_name(descriptor, link)
        except FileNotFoundError:
            return os.fstat(descriptor).st_nlink > 0  # there is no /proc; else it has no name left to link
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
        return True

    def _is_gone(self, result: str) -> bool:
        """Return whether the file that is appended to has no name any more but the one in the stage."""
        try:
            return not paths.has_other_names(self._link_path(result))
        except FileNotFoundError:
            return False

    def _end(self, intent: Intent) -> None:
        """End an intent of which all bytes are durable: the parts go first, which tells others that."""
        parts = [entry for entry in intent.entries if isinstance(entry, AppendedPart)]
        for part in parts:
            unlink_if_there(self._disk, part.path)
        if not intent.has_text:
            self._forget(intent)
            return
        if parts:
            self._disk.sync_folder(self._stage)
        self._intents.finish(intent.result)
        unlink_if_there(self._disk, self._link_path(intent.result))

    def _forget(self, intent: Intent) -> None:
        """Forget an intent; if what it is about is there, that is still to be appended."""
        unlink_if_there(self._disk, self._link_path(intent.result))
        self._disk.sync_folder(self._stage)
        self._intents.remove(intent.result)

    def _path(self, result: str) -> str:
        return os.path.join(self._results, result)

    def _link_path(self, result: str) -> str:
        return os.path.join(self._stage, f"{_LINK}{digest_of(result)}")
