"""Power loss, by the strictest reading of the standard.

What was written to a file is there after power loss if the file was fsynced since. (While a file of someone
else is in `unprocessed/`, nothing that fproc does can keep more of it than its writer did, so there the model
lets all of it survive; anywhere else it does not.) A name in a folder, or its absence, is there if the
folder was; until then it may be there or not, each name for itself. Real filesystems keep more than that, so
they hide a missing fsync; this model does not. One thing it grants, as all filesystems with a journal do: a
rename into another folder that was not fsynced has not happened at all, unless one of the two folders was
fsynced; then the new name is there, and the file is in both if the old one's folder was not. Without a
journal not even that holds, and a file that had no name when it was fsynced (O_TMPFILE) has to be fsynced
again once it has one.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from tests.support.spool.crashes import BrokenDisk, InHalves

RESULTS = "results"
STAGES = "results/.stage"
SHARED = (
    "unprocessed",
    STAGES,
    "underprocess",
    "processed",
    "failed",
    RESULTS,
    ".fproc/commits",
    ".fproc/jobs",
    ".fproc/appends",
)
"""The folders that other processes use, too."""


class PowerDisk(BrokenDisk):
    """Makes the calls, and knows what of them would survive.

    Args:
        calls: dies before this one.
        newest_survives: of the new names that were not fsynced, the last one is there after power loss; the
            others are not. (Otherwise none is.)
        root: the folder it is about. All in it is durable, unless `earlier` knows better; but of what lies in
            an `unprocessed/` only the names are, because those who drop files there do not fsync them.
        earlier: the disk of a process that died in the same folder while the power stayed on.
    """

    has_journal = True

    def __init__(
        self, calls: int, root: str, *, newest_survives: bool = False, earlier: PowerDisk | None = None
    ) -> None:
        super().__init__(calls)
        self._root = root
        self._newest_survives = newest_survives
        self._made: list[str] = []
        self._kept = root + ".kept"  # each file under its inode, so that it comes back as the same file
        os.makedirs(self._kept, exist_ok=True)
        self._names: dict[str, dict[str, int]] = earlier._names if earlier else {}
        self._contents: dict[int, bytes] = earlier._contents if earlier else {}
        self._renamed: list[tuple[str, str]] = earlier._renamed if earlier else []
        self._unfinished: set[int] = earlier._unfinished if earlier else set()
        self._own: set[int] = earlier._own if earlier else set()
        self._nameless: set[int] = earlier._nameless if earlier else set()
        self._grown: set[int] = earlier._grown if earlier else set()
        if earlier is None:
            for folder, _, files in os.walk(root):
                self._keep_names(folder)
                for name in files:
                    if not _is_dropped(folder):
                        self._keep_contents(os.path.join(folder, name))

    def count(self, name: str, *arguments: Any) -> Any:
        given = super().count(name, *arguments)
        if name == "sync":
            self._keep_contents(f"/proc/self/fd/{arguments[0]}")
            self._unfinished.discard(os.fstat(arguments[0]).st_ino)
        elif name == "sync_folder":
            self._keep_names(arguments[0])
            self._keep_renames(arguments[0])
        elif name in {"create", "open_to_append", "replace", "rename_noreplace", "link", "give_name"}:
            self._made.append(arguments[-1])
        if name in {"replace", "rename_noreplace"}:
            self._renamed.append((arguments[0], arguments[1]))
            self._follow(arguments[0], arguments[1])
        elif name == "create":
            self._own.add(os.fstat(given).st_ino)
        elif name == "create_unnamed":
            self._nameless.add(os.fstat(given).st_ino)
        elif name == "open_to_append":
            self._grown.add(os.fstat(given).st_ino)
        elif name == "give_name" and os.fstat(arguments[0]).st_ino in self._nameless:
            self._unfinished.add(os.fstat(arguments[0]).st_ino)
        return given

    def let_others_fsync(self, *only: str) -> None:
        """Make names durable as other processes do, which fsync folders for files of their own.

        They do so with all folders that are `SHARED`, or with some of these.
        """
        for folder in only or SHARED:
            path = os.path.join(self._root, folder)
            within = [entry.path for entry in list(os.scandir(path)) if entry.is_dir(follow_symlinks=False)]
            if folder == STAGES:
                synced = within
            elif folder == RESULTS:
                synced = [path, *(below for below in within if below != os.path.join(self._root, STAGES))]
            else:
                synced = [path]
            for each in synced:
                self._keep_names(each)
                self._keep_renames(each)

    def lose_power(self) -> None:
        """Put the folder into the state that it would have after the host was switched on again."""
        self.die()
        durable = {inode for names in self._names.values() for inode in names.values()}
        for path in reversed(self._made if self._newest_survives else []):
            if os.path.exists(path) and os.stat(path).st_ino not in durable:
                folder, name = os.path.split(path)
                self._names.setdefault(folder, {})[name] = self._listed(folder)[name]
                break
        self._rebuild(self._root)

    def _rebuild(self, folder: str) -> None:
        """Put a folder into that state; one that survives stays the same folder."""
        durable_names = self._names.get(folder, {})
        os.makedirs(folder, exist_ok=True)
        for entry in list(os.scandir(folder)):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
            elif durable_names.get(entry.name, 0) >= 0:
                shutil.rmtree(entry.path)
        for name, inode in durable_names.items():
            path = os.path.join(folder, name)
            if inode < 0:
                self._rebuild(path)
                continue
            if inode in self._unfinished and not self.has_journal:
                continue
            os.link(os.path.join(self._kept, str(inode)), path)
            status = os.stat(path)
            with open(path, "r+b") as file:
                written = file.read()
                is_kept = not written or (_is_dropped(folder) and inode not in self._own)
                durable = self._contents.get(inode, written if is_kept else b"torn")
                if inode in self._grown:  # its size may be durable without what was written there
                    durable = durable.ljust(len(written), b"\0")
                if written != durable:
                    file.truncate(0)
                    file.seek(0)
                    file.write(durable)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _follow(self, source: str, target: str) -> None:
        """Know a renamed folder by both names, whichever survives: what is durable in it goes with it."""
        for folder in list(self._names) if os.path.isdir(target) else ():
            if folder == source or folder.startswith(source + os.sep):
                self._names[target + folder[len(source) :]] = self._names[folder]

    def _keep_names(self, folder: str) -> None:
        listed = self._listed(folder)
        names = self._names.setdefault(folder, {})
        names.clear()
        names.update(listed)

    def _keep_renames(self, folder: str) -> None:
        """Keep the new names of what has left a folder by a rename, as a journal keeps the rename."""
        for source, target in self._renamed if self.has_journal else []:
            if os.path.dirname(source) == folder and os.path.lexists(target):
                there, name = os.path.split(target)
                self._names.setdefault(there, {})[name] = self._listed(there)[name]

    def _listed(self, folder: str) -> dict[str, int]:
        """The names in a folder, with their inodes, or -1 for folders."""
        found = {}
        for entry in os.scandir(folder):
            is_folder = entry.is_dir(follow_symlinks=False)
            found[entry.name] = -1 if is_folder else entry.inode()
            kept = os.path.join(self._kept, str(entry.inode()))
            if not is_folder and not os.path.lexists(kept):
                os.link(entry.path, kept)
        return found

    def _keep_contents(self, path: str) -> None:
        with open(path, "rb") as file:
            self._contents[os.fstat(file.fileno()).st_ino] = file.read()


class UnjournaledPowerDisk(InHalves, PowerDisk):
    """The same on a filesystem without a journal."""

    has_journal = False


def has_other_names(path: str) -> bool:
    """What `paths.has_other_names` says, but for the name by which a `PowerDisk` keeps a file."""
    status = os.lstat(path)
    folder, kept = os.path.dirname(path), 0
    while folder != os.path.dirname(folder):
        kept |= os.path.lexists(f"{folder}.kept/{status.st_ino}")
        folder = os.path.dirname(folder)
    return status.st_nlink - kept > 1


def _is_dropped(folder: str) -> bool:
    return os.path.basename(folder) == "unprocessed"
