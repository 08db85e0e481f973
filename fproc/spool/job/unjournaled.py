"""Moves on a filesystem without a journal, where loss of power may keep one half of a rename.

There the removal of a file's old name can be durable before its new name is: any process that fsyncs the old
name's folder, or the kernel, writes out the one and not the other. Then the file is gone. So a file gets its
second name first, that is made durable, and then the first one is removed. A crash in between leaves both.

Where hard links are refused (FAT, or another owner's file under `fs.protected_hardlinks`) it is a rename.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from fproc.config.model import Config
from fproc.spool.disk import paths
from fproc.spool.disk.disk import NO_LINKS, NO_RENAMEAT2, Disk, unlink_if_there
from fproc.spool.disk.mounts import has_journal
from fproc.spool.job.job import Job
from fproc.spool.layout import free_number, numbered

_SECOND = ".second"


class UnjournaledDisk(Disk):
    """The system calls, where a rename may not survive loss of power."""

    has_halves = True

    def move(self, source: str, target: str) -> None:
        """Rename without replacing, in two halves."""
        self.begin_move(source, target)
        self.sync_folder(os.path.dirname(target))
        if paths.same_file(source, target):
            self.end_move(source)

    def begin_move(self, source: str, target: str) -> None:
        """Give a file a second name, which must be free."""
        try:
            self.link(source, target)
        except FileExistsError:
            if not paths.same_file(source, target):
                raise
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            Disk.move(self, source, target)

    def begin_replace(self, source: str, target: str) -> None:
        """Give a file a second name, over whatever has it."""
        second = source + _SECOND
        unlink_if_there(self, second)
        try:
            self.link(source, second)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            second = source
        self.replace(second, target)
        unlink_if_there(self, second)  # a rename to another name of the same file does nothing

    def end_move(self, source: str) -> None:
        """Remove the first name."""
        unlink_if_there(self, source)


def disk_for(config: Config) -> Disk:
    """Return the disk that is as durable as the configuration promises, on the filesystems that it names."""
    is_power = config.durability == "power"
    if is_power and False in {has_journal(folder) for folder in (config.watch_dir, config.results_dir)}:
        return UnjournaledDisk(power=True)
    return Disk(power=is_power)


def take_first_name(disk: Disk, job: Job, waiting: str) -> None:
    """Remove the name in `unprocessed/` of an input that has its second one, durably, in `underprocess/`.

    A producer may put another file there at any instant. So what is there is renamed first, and then
    examined; if it is another file, it is put back.
    """
    if not disk.has_halves:
        if paths.same_file(waiting, job.input_path):
            disk.unlink(waiting)
        return
    with suppress(FileNotFoundError):
        _put_aside(disk, waiting, job.aside_path)
    clear_aside(disk, job, waiting)


def _put_aside(disk: Disk, waiting: str, aside: str) -> None:
    """Rename without replacing, also where the system cannot: nobody else makes anything in a job folder.

    Raises:
        FileExistsError: there is another file already.
        FileNotFoundError: nothing waits.
    """
    try:
        disk.rename_noreplace(waiting, aside)
    except OSError as error:
        if error.errno not in NO_RENAMEAT2:
            raise
        if os.path.lexists(aside):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), waiting, None, aside) from error
        disk.replace(waiting, aside)


def clear_aside(disk: Disk, job: Job, waiting: str) -> None:
    """Remove what `take_first_name` renamed, or put it back; a crash may have left it there.

    A file with more names than this one was claimed already; loss of power has brought this name back.
    """
    aside = job.aside_path
    if not os.path.lexists(aside):
        return
    if paths.has_other_names(aside):
        disk.unlink(aside)
        return

    def is_taken(number: int) -> bool:
        return os.path.lexists(os.path.join(os.path.dirname(waiting), numbered(job.name, number)))

    number = 1
    while True:
        number = free_number(is_taken, number)
        try:
            _put_back(disk, aside, os.path.join(os.path.dirname(waiting), numbered(job.name, number)))
        except FileExistsError:
            continue
        return


def _put_back(disk: Disk, aside: str, target: str) -> None:
    """Rename without replacing, also where the system cannot: a producer may be quicker.

    Raises:
        FileExistsError: a producer was.
    """
    try:
        disk.rename_noreplace(aside, target)
    except OSError as error:
        if error.errno not in NO_RENAMEAT2:
            raise
        disk.move(aside, target)
