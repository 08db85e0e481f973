"""The findings of `--doctor` about a spool's filesystems: whether they do what fproc relies on.

Every probe works in a folder of its own, which is removed afterwards, and touches no one's files. What the
system refuses is a finding, never an exception.
"""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from math import inf
from typing import NamedTuple

from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.base.values import dataclass
from fproc.pipeline.processors.options.result_names import STAGE_FOLDER
from fproc.spool.checks.condition import LEAST_FREE_BYTES
from fproc.spool.checks.moves import move_along
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.mounts import LOCAL_TYPES, device_of, has_journal, is_local, mount_of, space
from fproc.spool.disk.paths import is_at
from fproc.spool.layout import NAME_BYTES, Folders
from fproc.spool.readiness.evidence import Evidence, evidence_at, reach_of
from fproc.spool.readiness.obstacles import may_take_from_others, obstacles, this_user

LEAST_FREE_INODES = 1000
LEAST_FREE_SHARE = 0.01
LEAST_OPEN_FILES = 256
MOST_WAITING = 1000
SLOW_SYNC_SECONDS = 0.05
COARSE_SECONDS = 0.1
SKEW_SECONDS = 2.0
PATIENCE_SECONDS, ENOUGH_SECONDS = 2.1, 0.05
"""How long files' times are watched for a first step, which some filesystems make every 2 s, and for more."""

_DISK = Disk(power=True)


class Rating(Enum):
    """What a finding means for whoever runs fproc here."""

    GOOD = "ok"
    WEAK = "note"
    BAD = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, what was found, and what to do about it, or ''."""

    what: str
    verdict: Rating
    found: str
    advice: str = ""


class _Answer(NamedTuple):
    verdict: Rating
    found: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """One probe: `ask` is given a folder to work in; `advice` is for an answer that is not good."""

    what: str
    ask: Callable[[str], _Answer]
    advice: str = ""
    of_results: bool = True

    def answer(self, place: str, suffix: str = "") -> Finding:
        """Ask, and make a finding of whatever happens."""
        try:
            verdict, found, advice = self.ask(place)
        except OSError as error:
            verdict, found, advice = Rating.BAD, error.strerror or str(error), None
        if advice is None:
            advice = "" if verdict is Rating.GOOD else self.advice
        return Finding(self.what + suffix, verdict, found, advice)


def examine(folders: Folders) -> list[Finding]:
    """Probe the filesystems of a spool whose folders were prepared; takes up to some seconds."""
    state, stages = folders.within(".fproc"), os.path.join(folders.results, STAGE_FOLDER)
    of_inputs, of_results = (*folders.inputs(), state, folders.jobs), (folders.results, stages)
    findings = _of_folders((*of_inputs, *of_results))
    if os.path.isdir(state):
        findings += _of_filesystem(state, _QUESTIONS)
    if device_of(stages) not in {None, device_of(state)}:
        findings += _of_filesystem(stages, [one for one in _QUESTIONS if one.of_results], " (results)")
    unprocessed, underprocess, processed, failed = folders.inputs()
    if all(map(os.path.isdir, of_inputs)):
        findings += [*_of_owners(folders), *_of_waiting(unprocessed)]
        findings.append(
            _of_moves("inputs", [state, unprocessed, underprocess, processed, underprocess, failed, state])
        )
    if all(map(os.path.isdir, of_results)):
        findings.append(_of_moves("results", [stages, folders.results, stages]))
    return findings


def render_findings(findings: list[Finding]) -> str:
    """Return the findings for a person, one a line: `ok       rename without replacing: renameat2 works`."""
    return "\n".join(
        shown(f"{one.verdict.value:<8} {one.what}: {one.found}" + (f"; {one.advice}" if one.advice else ""))
        for one in findings
    )


def _of_folders(paths: tuple[str, ...]) -> list[Finding]:
    advice = f"the user with id {os.geteuid()} needs to read and write in it"
    findings = [
        Finding(f"folder {path}", Rating.BAD, "not usable" if os.path.isdir(path) else "not there", advice)
        for path in paths
        if not os.path.isdir(path) or not os.access(path, os.R_OK | os.W_OK | os.X_OK)
    ]
    return findings or [Finding("folders", Rating.GOOD, "all are there and can be written to")]


def _of_owners(folders: Folders) -> list[Finding]:
    """Return whether the folders' sticky bits, if any, let this user take other users' files.

    An input keeps its owner on its way, so no folder may hold it back.
    """
    findings = []
    for path in filter(os.path.isdir, folders.inputs()):
        with suppress(FileNotFoundError):  # gone since then
            if not may_take_from_others(path):
                text = (
                    f"has the sticky bit and is not the folder of {this_user()}: inputs of others are stuck"
                )
                advice = f"chmod -t {shown(path)}, or give it to that user"
                findings.append(Finding(f"folder {path}", Rating.BAD, text, advice))
    return findings or [Finding("inputs of other users", Rating.GOOD, "can be taken from every folder")]


def _of_waiting(folder: str) -> list[Finding]:
    """Return a finding about inputs that this user may not take or read, if there are any."""
    stuck = obstacles(folder, MOST_WAITING)
    if not stuck:
        return []
    (name, why), more = stuck[0], len(stuck) - 1
    text = f"{shown(name)}: {why}" + (f"; and {more} more" if more else "")
    return [Finding("waiting inputs", Rating.BAD, text, f"let {this_user()} read and take them")]


def _of_filesystem(folder: str, questions: list[_Question], suffix: str = "") -> list[Finding]:
    """Ask about the filesystem that holds a folder, in a new folder in there."""
    place = os.path.join(folder, _new_name())
    try:
        os.mkdir(place)
        findings = [question.answer(place, suffix) for question in questions]
    except OSError as error:
        return [Finding(f"folder {folder}", Rating.BAD, f"nothing can be made in it: {error.strerror}")]
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if os.path.lexists(place):
        findings.append(Finding(f"folder {place}", Rating.WEAK, "was made to try things out", "remove it"))
    return findings


def _new_name() -> str:
    return f".fproc-probe-{new_id(8)}"


def _of_moves(what: str, way: list[str]) -> Finding:
    """Move an empty hidden folder, which nobody takes for an input, along a way."""
    here, refusal = move_along(way, _new_name())
    with suppress(OSError):
        os.rmdir(here)
    if refusal is not None:
        folder, error = refusal
        advice = "its folders must be on one filesystem, and one mount of it"
        return Finding(f"moves of {what}", Rating.BAD, f"to {folder}: {error.strerror}", advice)
    return Finding(f"moves of {what}", Rating.GOOD, "every folder can be reached by a rename")


def _made(place: str, name: str) -> str:
    """Make a file of one byte."""
    path = os.path.join(place, name)
    with open(path, "xb") as file:
        file.write(b"x")
    return path


def _type(place: str) -> _Answer:
    mount = mount_of(place)
    if mount is None:
        return _Answer(Rating.WEAK, "the system does not say which", "")
    if mount.type in LOCAL_TYPES:
        return _Answer(Rating.GOOD, f"{mount.type} ({mount.options}), local")
    return _Answer(Rating.WEAK, f"{mount.type} ({mount.options}) of {mount.source}, not known to be local")


def _journal(place: str) -> _Answer:
    """Ask whether a rename survives loss of power as a whole; if not, `spool.job.unjournaled` links."""
    answer = has_journal(place)
    if answer is None:
        return _Answer(Rating.GOOD, "the system does not say")
    if answer:
        return _Answer(Rating.GOOD, "there is one")
    try:
        _DISK.link(_made(place, "first"), os.path.join(place, "second"))
    except OSError:
        text = "there is none, and no hard links; loss of power can lose files that are being moved"
        return _Answer(Rating.BAD, text, "use a filesystem with a journal, such as ext4, xfs or btrfs")
    text = "there is none; files get their new name before they lose the old one"
    return _Answer(Rating.WEAK, text, "a filesystem with a journal survives loss of power better")


def _space(place: str) -> _Answer:
    free, total = space(place)
    return _share(f"{free / 1e6:,.0f} MB", free, total, least=LEAST_FREE_BYTES)


def _inodes(place: str) -> _Answer:
    status = os.statvfs(place)
    return _share(f"{status.f_favail:,}", status.f_favail, status.f_files, least=LEAST_FREE_INODES)


def _share(shown_free: str, free: int, total: int, *, least: int) -> _Answer:
    if not total:
        return _Answer(Rating.GOOD, "the system sets no limit, or does not tell it")
    is_short = free < least or free < total * LEAST_FREE_SHARE
    return _Answer(Rating.BAD if is_short else Rating.GOOD, f"{shown_free}, {free / total:.1%} of all")


def _replacing(place: str) -> _Answer:
    _DISK.replace(_made(place, "new"), _made(place, "old"))
    return _Answer(Rating.GOOD, "works")


def _not_replacing(place: str) -> _Answer:
    """Ask for each of the ways that `Disk.move` and `Disk.take` have.

    Asked about a name that is taken alone, the kernel would refuse before it asks the filesystem (NFS).
    """
    source, existing_path = _made(place, "source"), _made(place, "taken")
    moved_path = os.path.join(place, "moved")
    try:
        _DISK.rename_noreplace(source, moved_path)
        _DISK.rename_noreplace(moved_path, existing_path)
    except FileExistsError:
        return _Answer(Rating.GOOD, "renameat2 works")
    except OSError:
        _DISK.move(source, moved_path)
    else:
        return _Answer(Rating.BAD, "renameat2 replaced a file", "fproc cannot keep results apart here")
    try:
        _DISK.link(moved_path, os.path.join(place, "linked"))
    except OSError:
        return _Answer(Rating.WEAK, "not there, and no hard links; a look and a rename do it")
    if is_local(place) is False:
        text = "not there; within its lease fproc looks and renames, and results get their names by links"
        return _Answer(Rating.GOOD, text)
    return _Answer(Rating.GOOD, "not there; a hard link and an unlink do it")


def _sync_file(place: str) -> _Answer:
    with open(os.path.join(place, "synced"), "xb", buffering=0) as file:
        return _timed(lambda: file.write(b"x"), lambda: _DISK.sync(file.fileno()))


def _sync_folder(place: str) -> _Answer:
    return _timed(lambda: _made(place, new_id(8)), lambda: _DISK.sync_folder(place))


def _timed(change: Callable[[], object], sync: Callable[[], None]) -> _Answer:
    """Measure how long an fsync after a change takes: the median of five."""
    seconds = []
    for _ in range(5):
        change()
        begin = time.perf_counter()
        sync()
        seconds.append(time.perf_counter() - begin)
    median = sorted(seconds)[2]
    verdict = Rating.WEAK if median > SLOW_SYNC_SECONDS else Rating.GOOD
    return _Answer(verdict, f"works, in {median * 1000:.1f} ms")


def _lock(place: str) -> _Answer:
    """Lock a folder twice; not by `Disk.lock`, which never ends where inode numbers are not constant."""
    descriptors = []
    try:
        for _ in range(2):
            descriptors.append(os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            fcntl.flock(descriptors[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if len(descriptors) == 1:
            raise
        if is_at(descriptors[0], place):
            return _Answer(Rating.GOOD, "a second one is refused")
        return _Answer(Rating.BAD, "the inode numbers of folders are not constant", "fproc cannot work here")
    finally:
        for descriptor in descriptors:
            _DISK.close(descriptor)
    return _Answer(Rating.BAD, "two were given for one folder")


def _leases(place: str) -> _Answer:
    """Ask whether leases tell that a file is open for writing; of others' files only with CAP_LEASE."""
    reach = reach_of(place)
    if reach.why_none:
        return _Answer(Rating.WEAK, f"are not asked for: {reach.why_none}")
    path = os.path.join(place, "leased")
    with open(path, "xb"):
        evidence = [evidence_at(path)]
    evidence.append(evidence_at(path))
    if evidence != [Evidence.SOMEONE_WRITES, Evidence.NOBODY_WRITES]:
        return _Answer(Rating.WEAK, "do not tell who has a file open for writing")
    if reach.of_all:
        return _Answer(Rating.GOOD, "tell who has a file open for writing")
    text = "tell who has a file open for writing that this user owns; of others' files, CAP_LEASE is needed"
    return _Answer(Rating.GOOD, text)


def _time_steps(place: str) -> _Answer:
    """Write until the time of last change changes, and on for smaller steps: a stall makes one look large."""
    with open(os.path.join(place, "stepped"), "xb", buffering=0) as file:
        begin, last, step = time.monotonic(), os.fstat(file.fileno()).st_mtime_ns, inf
        while time.monotonic() - begin < (ENOUGH_SECONDS if step <= COARSE_SECONDS else PATIENCE_SECONDS):
            time.sleep(0.0005)
            file.write(b"x")
            now = os.fstat(file.fileno()).st_mtime_ns
            step, last = min(step, abs(now - last) / 1e9 or inf), now
    if step <= COARSE_SECONDS:
        return _Answer(Rating.GOOD, f"steps of {step:.2g} s or less")
    text = f"steps of {step:.2g} s" if step < inf else f"no change in {PATIENCE_SECONDS:g} s of writing"
    return _Answer(
        Rating.WEAK, text, f'set "settle_seconds" to {2 * min(step, PATIENCE_SECONDS):.2g} or more'
    )


def _clock(place: str) -> _Answer:
    ahead = os.stat(_made(place, "dated")).st_mtime - time.time()
    if abs(ahead) <= SKEW_SECONDS:
        return _Answer(Rating.GOOD, "is this host's")
    return _Answer(Rating.WEAK, f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this host's")


def _name_length(place: str) -> _Answer:
    limit = os.pathconf(place, "PC_NAME_MAX")
    return _Answer(Rating.WEAK if 0 <= limit < NAME_BYTES else Rating.GOOD, f"{limit} bytes at most")


def _name_case(place: str) -> _Answer:
    _made(place, "case")
    if os.path.lexists(os.path.join(place, "CASE")):
        return _Answer(Rating.WEAK, "does not tell names apart")
    return _Answer(Rating.GOOD, "tells names apart")


def _name_bytes(place: str) -> _Answer:
    try:
        _made(place, os.fsdecode(b"\xff"))
    except OSError as error:
        return _Answer(Rating.WEAK, f"refused: {error.strerror}")
    return _Answer(Rating.GOOD, "may be other than UTF-8")


def _open_files(_place: str) -> _Answer:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    verdict = Rating.WEAK if 0 <= limit < LEAST_OPEN_FILES else Rating.GOOD
    return _Answer(verdict, f"{limit} at most" if limit >= 0 else "not limited")


_NO_SYNC = '"durability": "process" does without; it survives kill -9, but not power loss'

_UNTOLD = '"ready": "auto" waits until a file was unchanged for "settle_unknown_seconds"'

_QUESTIONS = [
    _Question("filesystem", _type, "locks may not reach other hosts; fproc uses leases there"),
    _Question("journal", _journal),
    _Question("free space", _space, "make room"),
    _Question("free inodes", _inodes, "remove files that nobody needs"),
    _Question("rename over a file", _replacing),
    _Question("rename without replacing", _not_replacing, "only others than fproc can come between"),
    _Question("fsync of a file", _sync_file, _NO_SYNC),
    _Question("fsync of a folder", _sync_folder, _NO_SYNC),
    _Question("locks of folders", _lock, "two instances could take one file", of_results=False),
    _Question("leases", _leases, _UNTOLD, of_results=False),
    _Question("times of files", _time_steps, of_results=False),
    _Question("clock", _clock, '"ready": "stable" does not compare the two clocks', of_results=False),
    _Question("length of names", _name_length, "a file with a longer name cannot be dropped here"),
    _Question("case of names", _name_case, "let no two files differ in the case of their names alone"),
    _Question("bytes of names", _name_bytes, "use UTF-8 names"),
    _Question("open files", _open_files, "ulimit -n sets how many a process may have", of_results=False),
]
