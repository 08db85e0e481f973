"""fproc's own code: the build that this process runs, whether an error comes from it, and its exit.

The files of a program may be replaced or removed while it runs. Started from its archive, fproc has a copy
of that in memory (`fproc.pyz.boot`). Installed in another way, it detects the change: a process runs only the
build of the one that has started it, and an error that comes from a change is no input's fault.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from types import FrameType
from typing import NoReturn, Protocol

from fproc import __version__

REPLACED = "fproc's own code cannot be read as it was at the start; it was replaced meanwhile: restart fproc"
"""The message of a process that found that."""

STAMP_FILE = "pyz/built.txt"
"""The file with commit and time of a build, which only builds from a repository have."""

REPLACED_STATUS = 83
"""The exit status of a process that found that; users' processors are not likely to end with it."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Archive(Protocol):
    """The archive that fproc was started from."""

    copy: str
    """The path of a copy of it that nobody else can change."""
    descriptor: int | None
    """The descriptor of the copy; None if it is the archive itself, on systems without files in memory."""
    build: str
    """The id of its build."""
    cache: str | None
    """The folder that it was unpacked to, if it was."""

    def read(self, name: str) -> bytes:
        """Return the contents of a file in it, by its path below the folder of the packages."""


archive: Archive | None = None
"""The archive, if fproc was started from one: set by `fproc.pyz.boot`."""


def read_own_file(name: str) -> bytes:
    """Return the contents of a file that comes with fproc, by its path in the package."""
    if archive:
        return archive.read(f"fproc/{name}")
    with open(os.path.join(_PACKAGE, name), "rb") as file:
        return file.read()


def build_stamp() -> tuple[str, str] | None:
    """Return the commit that fproc was built from, and its time; None if the build did not know."""
    try:
        commit, time = read_own_file(STAMP_FILE).decode().split()
    except OSError:  # a clone that is run as it is, or a build from a copy of the sources
        return None
    return commit, time


def version_line() -> str:
    """Return name and version, with the commit that this was built from, and its day, if that is known."""
    stamp = build_stamp()
    return f"fproc {__version__}" + (f" ({stamp[0]}, {stamp[1].partition('T')[0]})" if stamp else "")


@cache
def build_id() -> str:
    """Return the id of the code that this process runs; call it first before the code can change."""
    return _build()


def has_changed() -> bool:
    """Return whether the code has been replaced since the first call of `build_id`."""
    return _build() != build_id()


def _build() -> str:
    if archive:
        return archive.build
    import zlib  # noqa: PLC0415 - those who start from the archive do not need it

    return f"{__version__} {zlib.crc32(repr(sorted(_sources(_PACKAGE))).encode()):x}"


def _sources(folder: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield the path, size and time of change of each module in a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                yield os.fsencode(entry.path), status.st_size, status.st_mtime_ns
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _sources(entry.path)


def enter(expected_build: str, function: str, *numbers: str) -> None:
    """Call a function, by its import path, in a process that one of this build has started for it."""
    try:
        if build_id() != expected_build:
            sys.exit(REPLACED_STATUS)
        module, _, name = function.rpartition(".")
        with importing():
            target = getattr(import_module(module), name)
    except Exception as error:
        if is_at_fault(error):
            sys.exit(REPLACED_STATUS)
        raise
    target(*map(int, numbers))
    leave(0)


@contextmanager
def importing() -> Iterator[None]:
    """Keep the garbage collector out of a block that imports much, and then from what that has made.

    Modules and classes stay for as long as the process lives: to look at them again takes time, and once the
    process is forked, memory too.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


has_run_others = False
"""Whether this process has imported users' code, which may count on all that Python does at an exit."""


def leave(status: int) -> NoReturn:
    """Exit, without taking all modules apart first: that takes some milliseconds, and nothing depends on it.

    What was registered for the exit is done, and what was printed is written. Python exits as usual if users'
    code has run, or if somebody waits for that: a thread, a debugger, a profiler.
    """
    if not (has_run_others or _is_awaited()):
        atexit._run_exitfuncs()  # noqa: SLF001 - what Python calls
        with suppress(OSError, ValueError):  # else Python tells what is wrong with them
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(status)
    sys.exit(status)


def _is_awaited() -> bool:
    if sys.flags.inspect or sys.gettrace() or sys.getprofile():
        return True
    threading = sys.modules.get("threading")
    main = threading and threading.main_thread()
    return bool(threading and any(not (it is main or it.daemon) for it in threading.enumerate()))


def is_at_fault(error: BaseException) -> bool:
    """Return whether an error means that fproc's own code cannot be read, or has been replaced.

    False for an error of users' code, and for one of fproc's unchanged code that an input caused.
    """
    return is_unreadable(error) or (_is_raised_here(error) and has_changed())


IMPORTERS: set[str] = set()
"""Modules of fproc that take part in all imports, by their own word: what fails there is the fault of whoever
imports."""


def is_unreadable(error: BaseException) -> bool:
    """Return whether an error comes from importing one of fproc's modules within fproc."""
    if isinstance(error, ImportError):
        is_about_this = (error.name or "fproc").partition(".")[0] == "fproc"
    elif isinstance(error, SyntaxError):
        is_about_this = (error.filename or _PACKAGE).startswith(_PACKAGE)
    else:  # such as zlib.error, from an archive that was written over
        is_about_this = _is_of_imports(_frames(error)[-1:])
    return is_about_this and _is_raised_here(error)


def _is_raised_here(error: BaseException) -> bool:
    """Return whether the innermost code that raised an error, without the import system, is fproc's."""
    frames = _frames(error)
    while _is_of_imports(frames[-1:]):
        frames.pop()
    return bool(frames) and frames[-1].f_globals.get("__name__", "").partition(".")[0] == "fproc"


def _is_of_imports(frames: list[FrameType]) -> bool:
    if not frames:
        return False
    is_python_s = frames[0].f_code.co_filename.startswith(("<frozen importlib", "<frozen zipimport"))
    return is_python_s or frames[0].f_globals.get("__name__") in IMPORTERS


def _frames(error: BaseException) -> list[FrameType]:
    """Return the frames that an error came through, the innermost one last."""
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames
