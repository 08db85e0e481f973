"""Which version of fproc used a spool last, so that the log says when another one goes on with it.

That is for people: whether a version may use a spool at all says the number of its format, see
`fproc.spool.disk.format`, and each record has a version of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress

from fproc.base.text import counted, shown
from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders

RECORD = "version"
_MOST_CHARACTERS = 100


def take_over(folders: Folders, version: str) -> str:
    """Note that this version uses a spool now; return what is to be said if another one did before, or ""."""
    before = _used_by(folders)
    if before == version:
        return ""
    disk = Disk(power=False)
    with suppress(OSError):  # a full disk, say: then the next start says it once more
        # Not by way of another name, which a kill would leave behind: half a version is only said oddly.
        descriptor = disk.create(os.path.join(folders.state, RECORD))
        try:
            disk.write(descriptor, version.encode())
        finally:
            disk.close(descriptor)
    begun = _count(folders.underprocess)
    if not before and not begun and not os.path.exists(folders.history):
        return ""
    earlier = f"fproc {shown(before)}" if before else "an earlier fproc"
    what = f"{shown(folders.watch)} was last used by {earlier}; fproc {version} goes on with it"
    decided, appending = _count(folders.commits), _count(folders.appends)
    decided += sum(os.path.exists(f"{folders.jobs}/{name}/commit.json") for name in _names(folders.jobs))
    details = [
        *([f"{counted(begun, 'input')} in underprocess/"] if begun else []),
        *([f"{decided} of them committed"] if decided else []),
        *([f"{counted(appending, 'result')} being appended to"] if appending else []),
    ]
    return what + (f" ({', '.join(details)})" if details else "")


def _used_by(folders: Folders) -> str:
    """Return the version that used a spool last, or "" if that is not known."""
    try:
        with open(os.path.join(folders.state, RECORD), encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_CHARACTERS).strip()
    except OSError:
        return ""


def _count(folder: str) -> int:
    return len(_names(folder))


def _names(folder: str) -> list[str]:
    """Return what is in a folder, but for hidden names."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except FileNotFoundError:
        return []
