"""The system calls that change a spool, one method each, and nothing else.

All of fproc's renames, links, unlinks, folders, fsyncs and locks are made here, so crash safety is audited
in one place, and a test can stop the world before any one of them. Methods raise `OSError`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Sequence
from contextlib import suppress

from fproc.base.ids import new_id
from fproc.spool.disk.libc import renameat2, sync_file_range
from fproc.spool.disk.mounts import is_local
from fproc.spool.disk.paths import is_at, is_there, same_file
from fproc.spool.disk.together import do_together

NO_RENAMEAT2 = frozenset({errno.ENOSYS, errno.EINVAL})
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
NO_FLOCK = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_QUICK_SECONDS = 0.0005
"""What an fsync takes at most that has nothing to wait for: the disk has it all, or there is none."""

BEGUN = ".new"
"""What the name of a file ends with that `write_whole` has begun, and maybe died over."""


class Disk:
    """The calls, with every fsync made (`power=True`) or none (`power=False`).

    A move between folders has two halves, between which the target's folder is fsynced; see
    `fproc.spool.job.unjournaled`. Here the first half does it all.
    """

    has_halves = False

    def __init__(self, *, power: bool) -> None:
        self.power = power

    def make_folder(self, path: str) -> None:
        """Make one folder; it is no error if it is there, nor if another process removes it just then."""
        while True:
            try:
                os.mkdir(path)
            except FileExistsError:
                if os.path.isdir(path):
                    return
                if os.path.lexists(path):
                    raise
            else:
                return

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        os.rmdir(path)

    def create(self, path: str) -> int:
        """Create or empty a file, and return it open for appending."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(path, flags, 0o666)

    def reopen(self, path: str) -> int:
        """Open a file that `create` made for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)

    def reopen_to_fill(self, path: str) -> int:
        """Open a file that `create` made for `write_at`: what is open for appending takes no offset."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def open_to_append(self, path: str) -> int:
        """Open a file for reading and appending, made if it is missing; not the target of a link."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)

    def open_to_sync(self, path: str) -> int:
        """Open a file of others so that it can be made durable; not the target of a link."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def create_locked(self, path: str) -> int:
        """Create a file, open for writing, and locked for as long as it is open."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def create_unnamed(self, folder: str) -> int:
        """Create a file without a name on a folder's filesystem, open for writing (Linux, O_TMPFILE).

        It goes with its descriptor, unless it is given a name. `EOPNOTSUPP` where there are none.
        """
        flag = getattr(os, "O_TMPFILE", 0)
        if not flag:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), folder)
        return os.open(folder, flag | os.O_WRONLY | os.O_CLOEXEC, 0o666)

    def give_name(self, descriptor: int, path: str) -> None:
        """Give an open file one more name, which must be free (linkat(2), AT_SYMLINK_FOLLOW)."""
        # With a folder's descriptor, which an absolute path makes nothing of, os.link follows the link.
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)

    def overwrite(self, descriptor: int, data: bytes) -> None:
        """Put other contents into a small file of JSON, with spaces behind it until the file is cut."""
        padded = data.ljust(os.fstat(descriptor).st_size)
        if os.pwrite(descriptor, padded, 0) < len(padded):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(descriptor, len(data))

    def truncate(self, path: str, size_bytes: int) -> None:
        """Cut a file to a size; not what a link leads to."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.ftruncate(descriptor, size_bytes)
        finally:
            os.close(descriptor)

    def lock_open(self, descriptor: int) -> bool:
        """Lock an open file until it is closed, where that is possible; return False if another has."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in NO_FLOCK:
                raise
        return True

    def truncate_open(self, descriptor: int, size_bytes: int) -> None:
        """Cut an open file to a size."""
        os.ftruncate(descriptor, size_bytes)

    def write(self, descriptor: int, data: bytes | memoryview) -> None:
        """Write all of `data`; the kernel may take it in several parts."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def write_at(self, descriptor: int, data: bytes | memoryview, offset_bytes: int) -> None:
        """Write all of `data` at an offset; the kernel may take it in several parts."""
        view = memoryview(data)
        while view:
            written_bytes = os.pwrite(descriptor, view, offset_bytes)
            view, offset_bytes = view[written_bytes:], offset_bytes + written_bytes

    def sync(self, descriptor: int) -> None:
        """Make what was written to a file survive power loss."""
        if self.power:
            os.fsync(descriptor)

    def sync_all(self, descriptors: Sequence[int]) -> list[OSError | None]:
        """Make what was written to several files durable; return the error of each, or None.

        The system begins with the writing of all of them first; they stay in memory, as others are about to
        read them. Then some at a time, because a device takes several flushes that come together for little
        more than one; but one after the other as long as there is nothing to wait for, which is quicker than
        a thread.
        """
        count = len(descriptors)
        errors: list[OSError | None] = [None] * count
        if not self.power:
            return errors
        if count > 1 and (start := sync_file_range()):
            for descriptor in descriptors:
                start(descriptor)

        def sync(index: int) -> None:
            try:
                self.sync(descriptors[index])
            except OSError as error:
                errors[index] = error

        remaining = iter(range(count))
        for index in remaining:
            begin = time.perf_counter()
            sync(index)
            if time.perf_counter() - begin > _QUICK_SECONDS:
                break
        if slow := list(remaining):
            do_together(sync, slow)
        return errors

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder survive power loss."""
        if self.power:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a file, and give back the lock if it is one."""
        os.close(descriptor)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        os.unlink(path)

    def replace(self, source: str, target: str) -> None:
        """Rename, over whatever is at `target`. For names that are fproc's own or meant to be replaced."""
        os.replace(source, target)

    def move(self, source: str, target: str) -> None:
        """Rename without replacing, in one atomic call where the system has one.

        Where it has not, a hard link and an unlink do it; a crash between the two leaves both names on one
        file, and then moving again finishes the job. Where links are refused as well (another owner's file
        under `fs.protected_hardlinks`, or a FAT filesystem) the target is looked at first: only something
        other than fproc could come between the look and the rename.

        An NFS client links what it remembers a name to be, even if another host has moved that away. So
        a source that others may move wants `take`.

        Raises:
            FileExistsError: there is another file at `target`.
            FileNotFoundError: there is no `source`, or no folder for `target`.
        """
        if not self._is_moved(source, target):
            self._move_by_link(source, target)

    def begin_move(self, source: str, target: str) -> None:
        """Give a file its new name as `move` does; it may keep the old one until `end_move`."""
        self.move(source, target)

    def begin_replace(self, source: str, target: str) -> None:
        """Do the same over whatever is at `target`."""
        self.replace(source, target)

    def end_move(self, source: str) -> None:
        """Remove the old name, once the new one is durable."""

    def take(self, source: str, target: str) -> None:
        """Do what `move` does, where others may move the source, and nobody else makes the target.

        Without `renameat2`, on a filesystem that other hosts may use, it is a look at the target and then
        a rename, which goes by names and so succeeds for one host only.

        Raises:
            FileExistsError: there is another file at `target`.
            FileNotFoundError: there is no `source`, or no folder for `target`.
        """
        if self._is_moved(source, target):
            return
        if is_local(os.path.dirname(source)) is False:
            self._look_and_rename(source, target)
        else:
            self._move_by_link(source, target)

    def _is_moved(self, source: str, target: str) -> bool:
        """Rename without replacing; return whether the system could do that."""
        try:
            self.rename_noreplace(source, target)
        except FileExistsError:
            if not same_file(source, target):
                raise
            self.unlink(source)
        except OSError as error:
            if error.errno not in NO_RENAMEAT2:
                raise
            return False
        return True

    def _look_and_rename(self, source: str, target: str) -> None:
        before = os.lstat(source)
        if is_there(target):
            if not same_file(source, target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), source, None, target)
            self.unlink(source)
            return
        _replace_once(self, source, target, before)

    def rename_noreplace(self, source: str, target: str) -> None:
        """Rename atomically without replacing (Linux, renameat2(2)); `ENOSYS` where that is missing."""
        rename = renameat2()
        code = rename(source, target) if rename else errno.ENOSYS
        if code:
            raise OSError(code, os.strerror(code), source, None, target)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name, which must be free."""
        os.link(source, target, follow_symlinks=False)

    def _move_by_link(self, source: str, target: str) -> None:
        if not is_there(source):  # an NFS client may remember what is gone, and link that
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
        try:
            self.link(source, target)
        except FileExistsError:
            if not same_file(source, target):
                raise
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            self._look_and_rename(source, target)
            return
        unlink_if_there(self, source)

    def lock(self, folder: str) -> int | None:
        """Lock a folder, made if it is missing, or None if someone holds it.

        The lock is the kernel's: it goes with the death of the process, however it died.
        """
        while True:
            self.make_folder(folder)
            try:
                return self._lock_there(folder)
            except FileNotFoundError:
                continue

    def lock_new(self, folder: str) -> int | None:
        """Make a folder and lock it, or None if it is there already, or someone else was quicker."""
        try:
            os.mkdir(folder)
            return self._lock_there(folder)
        except (FileExistsError, FileNotFoundError):
            return None

    def _lock_there(self, folder: str) -> int | None:
        """Lock a folder that is there.

        Raises:
            FileNotFoundError: it was removed, maybe while this waited for it; another one may be there now.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(descriptor, folder):
                return descriptor
        except BlockingIOError:
            self.close(descriptor)
            return None
        except BaseException:
            self.close(descriptor)
            raise
        self.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)


def set_aside(disk: Disk, path: str) -> str:
    """Move a broken database out of the way, its companions first; return where it is now."""
    aside = f"{path}.corrupt-{new_id()}"
    for ending in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            disk.move(path + ending, aside + ending)
    return aside


def write_whole(disk: Disk, folder: str, name: str, data: bytes, *, begin_in: str = "") -> None:
    """Put a file into a folder so that it is there whole or not at all, also after power loss.

    It is written beside its place, or in the folder `begin_in`, if what a crash leaves there is removed.
    """
    path = os.path.join(folder, name)
    # nobody else's: several processes may write one record at a time
    partial = os.path.join(begin_in or folder, f"{name}.{new_id()}{BEGUN}")
    descriptor = disk.create(partial)
    try:
        try:
            disk.write(descriptor, data)
            disk.sync(descriptor)
            status = os.fstat(descriptor)
        finally:
            disk.close(descriptor)
        _replace_once(disk, partial, path, status)
    except OSError:
        with suppress(OSError):
            disk.unlink(partial)
        raise
    disk.sync_folder(folder)


def _replace_once(disk: Disk, source: str, target: str, status: os.stat_result) -> None:
    """Rename a file that has this status, over whatever is at `target`.

    A file server that is restarted may do a rename, and be asked again because its answer was lost.
    """
    try:
        disk.replace(source, target)
    except FileNotFoundError:
        if not is_there(target) or not os.path.samestat(status, os.lstat(target)):
            raise


def remove_begun(disk: Disk, folder: str) -> None:
    """Remove what owners of a folder's records had begun to write; the last one has died or lost it."""
    for name in os.listdir(folder):
        if name.endswith(BEGUN):
            unlink_if_there(disk, os.path.join(folder, name))


def unlink_if_there(disk: Disk, path: str) -> None:
    """Remove a file's name, which may be gone already."""
    with suppress(FileNotFoundError):
        disk.unlink(path)
