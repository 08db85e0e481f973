"""The layout of a spool: where everything is, and how names are made that clash with no others."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Callable

from fproc.base.errors import ConfigError, Problem
from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.pipeline.processors.options.result_names import STAGE_FOLDER
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.disk.format import mark, refuse_newer
from fproc.spool.disk.mounts import is_local

log = logging.getLogger("fproc.spool")

REPORT_ENDING = ".error.json"
REJECTS_ENDING = ".rejected.jsonl"
REPORTS = (REPORT_ENDING, REJECTS_ENDING)
"""What stands behind the name of an input in `failed/` in the names of the files about it: why it failed, and
its lines that were set aside."""

NUMBER_DIGITS = 10
"""No `~N` of fproc's has this many digits."""

_CANDIDATE = "id-"

_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
"""What is replaced in a host's name when a file is named after it."""

_CHARACTER_BYTES = 4
"""The most that one takes in UTF-8."""

NAME_BYTES = 255
"""The longest file name of the usual filesystems."""


class Folders:
    """The folders of one spool, by absolute path.

    Attributes:
        watch, results: what the configuration says.
        unprocessed: where inputs are dropped.
        underprocess: inputs that are being worked on.
        processed: inputs that succeeded.
        failed: inputs that failed, each with its report.
        state: all that is fproc's own, the following included.
        id: the file with this spool's own name.
        jobs: a folder for each input that is being worked on: lock and records.
        commits: what was decided about inputs that commit together, under the name of each.
        late: what was decided about inputs in `processed/` that may still be written to, by their names.
        incomplete: the same about inputs in `failed/` that were still written to.
        new: where leases are made, before they are renamed into place.
        shared: the file that says that other hosts may use this spool.
        history: the database of what happened, where this host alone uses the spool; see `history_of`.
        instances: a file for each running fproc.
        lockers: a folder for each running fproc that holds jobs by locks.
        published: what inputs have published of which lines were set aside, or that were written to late;
            see `fproc.spool.job.reruns`.
        appends: what is being appended to results that inputs share; see `fproc.spool.output.appends`.
        uploads: a folder for each upload that is coming in; see `fproc.spool.intake.uploads`.
    """

    def __init__(self, watch: str, results: str) -> None:
        self.watch = watch
        self.results = results
        self.unprocessed = os.path.join(watch, "unprocessed")
        self.underprocess = os.path.join(watch, "underprocess")
        self.processed = os.path.join(watch, "processed")
        self.failed = os.path.join(watch, "failed")
        self.state = os.path.join(watch, ".fproc")
        self.id = os.path.join(self.state, "id")
        self.jobs = os.path.join(self.state, "jobs")
        self.commits = os.path.join(self.state, "commits")
        self.late = os.path.join(self.state, "late")
        self.incomplete = os.path.join(self.state, "incomplete")
        self.new = os.path.join(self.state, "new")
        self.shared = os.path.join(self.state, "shared")
        self.history = os.path.join(self.state, "history.db")
        self.instances = os.path.join(self.state, "instances")
        self.lockers = os.path.join(self.state, "lockers")
        self.appends = os.path.join(self.state, "appends")
        self.uploads = os.path.join(self.state, "uploads")
        self.published = os.path.join(self.state, "published")
        self._within = os.path.join(watch, "")

    def within(self, *parts: str) -> str:
        """Return a path below the watched folder."""
        return os.path.join(self.watch, *parts)

    def inputs(self) -> tuple[str, ...]:
        """Return the folders that an input goes through."""
        return (self.unprocessed, self.underprocess, self.processed, self.failed)

    def portable(self, path: str) -> str:
        """Return a path as records keep it: relative to the watched folder if inside it, which may move."""
        return os.curdir if path == self.watch else path.removeprefix(self._within)

    def absolute(self, path: str) -> str:
        """Return the path that `portable` was called with."""
        return path if path.startswith("/") else self._within + path


def prepare(folders: Folders, disk: Disk) -> str:
    """Make the folders that are missing, see that they can be used, and return this spool's own name.

    Raises:
        ConfigError: a folder cannot be made or written to, or is of a newer fproc.
    """
    stages = os.path.join(folders.results, STAGE_FOLDER)
    refuse_newer(folders.watch, folders.state)
    for path in (folders.watch, folders.state):
        _make_usable(disk, path, "$.watch_dir")
    _make_private(folders)
    mark(folders.watch, folders.state, disk)
    records = (folders.jobs, folders.commits, folders.late, folders.incomplete, folders.appends)
    for path in (*folders.inputs(), *records):
        _make_usable(disk, path, "$.watch_dir")
    for path in (folders.results, stages):
        _make_usable(disk, path, "$.results_dir")
    name = _make_id(folders, disk)
    _make_usable(disk, stage_of(folders, name), "$.results_dir")
    return name


def stage_of(folders: Folders, name: str) -> str:
    """Return the folder where the results of the spool of that name grow until they are published.

    It is on the results' filesystem, and named after the spool, because several may share a results folder.
    """
    return os.path.join(folders.results, STAGE_FOLDER, name)


def check_places(folders: Folders) -> None:
    """Check that results do not go where inputs are; the folders may still be missing.

    Raises:
        ConfigError: they do.
    """
    results = os.path.realpath(folders.results)
    for path in (*folders.inputs(), folders.state):
        if os.path.commonpath([results, os.path.realpath(path)]) == os.path.realpath(path):
            what = f"{shown(folders.results)} is in {shown(path)}, where results would be taken for inputs"
            raise ConfigError([Problem("$.results_dir", what, "choose another folder")])


def _make_usable(disk: Disk, path: str, setting: str) -> None:
    try:
        make_durably(disk, path)
    except OSError as error:
        what = f"cannot make the folder {shown(path)}: {error.strerror}"
        raise ConfigError([Problem(setting, what)]) from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        hint = f"let the user with id {os.geteuid()} write to it, or choose another folder"
        raise ConfigError([Problem(setting, f"cannot write to the folder {shown(path)}", hint)])


def _make_private(folders: Folders) -> None:
    """Close the state to other users, whatever the umask was: lines of inputs are in it.

    A group that shares the watched folder, as its setgid bit shows, shares the state too. Only the owner can
    do this, and need not where it was done before.
    """
    is_shared_by_group = bool(os.stat(folders.watch).st_mode & stat.S_ISGID)
    status = os.stat(folders.state)
    mode = stat.S_IMODE(status.st_mode)
    wanted = stat.S_ISGID | 0o770 if is_shared_by_group else 0o700
    if mode != wanted and status.st_uid == os.geteuid():
        os.chmod(folders.state, wanted)


def missing_folders(path: str) -> list[str]:
    """Return a folder and those above it, the highest first, as far as they are missing."""
    if not path or os.path.isdir(path):
        return []
    return [*missing_folders(os.path.dirname(path)), path]


def make_durably(disk: Disk, path: str) -> list[str]:
    """Make a folder and those missing above it, each of them durably; return those that were made."""
    made = missing_folders(path)
    for folder in made:
        disk.make_folder(folder)
        disk.sync_folder(os.path.dirname(folder) or ".")
    return made


def is_shared(folders: Folders, disk: Disk) -> bool:
    """Return whether other hosts may use this spool; once one instance finds that, it holds for all."""
    if os.path.exists(folders.shared):
        return True
    if is_local(folders.watch) is not False:
        return False
    try:
        write_whole(disk, folders.state, os.path.basename(folders.shared), b"")
    except FileNotFoundError:
        if not os.path.exists(folders.shared):
            raise
        # another instance was first, and has cleaned up already
    return True


def history_of(folders: Folders) -> str:
    """Return the path of this host's own history: SQLite keeps no database that several hosts write to."""
    if not os.path.exists(folders.shared):
        return folders.history
    stem, suffix = os.path.splitext(folders.history)
    return f"{stem}.{_UNUSUAL.sub('_', os.uname().nodename)}{suffix}"


def _make_id(folders: Folders, disk: Disk) -> str:
    """Return this spool's own random name, made if it has none: the same for all instances and for ever."""
    state, path = folders.state, folders.id
    if not os.path.exists(path):
        candidate = f"{_CANDIDATE}{new_id(8)}"
        try:
            write_whole(disk, state, candidate, candidate.encode())
            disk.move(os.path.join(state, candidate), path)
        except (FileExistsError, FileNotFoundError):
            if not os.path.exists(path):
                raise
            # another instance was first, and may have cleaned up already
        disk.sync_folder(state)
    begun = f"{os.path.basename(folders.shared)}."
    for name in os.listdir(state):
        if name.startswith(_CANDIDATE) or (name.startswith(begun) and os.path.exists(folders.shared)):
            unlink_if_there(disk, os.path.join(state, name))
    return read_id(folders)


def read_id(folders: Folders) -> str:
    """Return what stands in a spool's `.fproc/id`.

    Raises:
        OSError: it cannot be read.
    """
    with open(folders.id, encoding="ascii", errors="replace") as file:
        return os.path.basename(file.read())


def numbered(name: str, number: int, extra: str = "") -> str:
    """Return a name for the `number`th file of that name: `NAME.EXT`, `NAME~2.EXT`, then `extra`.

    The stem is cut where the whole would be longer than a file name can be. Folders in the name stay as they
    are.
    """
    if number == 1 and not extra and len(name) * _CHARACTER_BYTES <= NAME_BYTES:
        return name
    folder, slash, name = name.rpartition("/")
    stem, suffix = os.path.splitext(name)
    if len(os.fsencode(suffix)) > NAME_BYTES // 2:
        stem, suffix = name, ""
    tail = (f"~{number}" if number > 1 else "") + suffix + extra
    room = NAME_BYTES - len(os.fsencode(tail))
    raw = os.fsencode(stem)
    if len(raw) > room:
        cut = raw[:room]
        stem = os.fsdecode(cut.decode("utf-8", "ignore").encode() if _is_utf8(raw) else cut)
    return folder + slash + stem + tail


def archive_number(name: str, archived: str) -> int | None:
    """Return which file of a name an archived one is, by its own name: 1, or the `~N`; None if it is none."""
    if archived == name:
        return 1
    mark = os.path.splitext(archived)[0].rpartition("~")[2]
    number = int(mark) if mark.isascii() and mark.isdecimal() and len(mark) < NUMBER_DIGITS else 0
    return number if number > 1 and archived == numbered(name, number) else None


def about(archived: str, ending: str) -> str:
    """Return the name of a file about an archived input, cut for `ending` as the input's is for its `~N`."""
    stem, suffix = os.path.splitext(archived)
    base, mark, number = stem.rpartition("~")
    is_number = mark and number.isascii() and number.isdecimal() and len(number) < NUMBER_DIGITS
    first = base + suffix
    if is_number and int(number) > 1 and numbered(first, int(number)) == archived:  # and no name with `~02`
        return numbered(first, int(number), ending)
    return numbered(archived, 1, ending)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def free_number(taken: Callable[[int], bool], least: int = 1) -> int:
    """Return the first number, from `least`, that is not `taken`, if those that are taken have no gaps.

    With gaps it may not be the first, but it is free. The search doubles its step and then halves it, so
    that the ten-thousandth file of one name costs a few looks and not ten thousand.
    """
    if not taken(least):
        return least
    low, step = least, 1
    while taken(low + step):
        low += step
        step *= 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(middle) else (low, middle)
    return high
