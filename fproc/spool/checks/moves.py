"""The check at a start that files can be moved between a spool's folders.

Two folders can say that they are on one device and still refuse a rename (two mounts of it), so an empty
folder, which nobody takes for an input, is moved through all of them. Its name is by chance, so nobody can be
in its way for ever; a note in `.fproc/probes/` says which names a crash may have left, so that no folder has
to be listed for them.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from fproc.base.errors import ConfigError, Problem
from fproc.base.faults import is_of_host, trouble_of
from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.spool.layout import Folders

log = logging.getLogger("fproc.spool")

STALE_SECONDS = 60.0
"""How much older than a new note one is whose start has died, or may be made to try another name."""

TRIES = 10
"""How many names are tried where another start takes this one for dead, before that is left open."""


def check_moves(folders: Folders, stage: str) -> None:
    """Check that files can be moved between the folders.

    Raises:
        ConfigError: a rename is refused.
    """
    of_inputs = [folders.jobs, *folders.inputs(), folders.jobs]
    of_results = [stage, folders.results, stage]
    notes = os.path.join(folders.state, "probes")
    _check_way(notes, of_inputs, "$.watch_dir")
    _check_way(notes, of_results, "$.results_dir")
    _sweep(notes, sorted({*of_inputs, *of_results}), os.path.basename(stage))


def _check_way(notes: str, way: list[str], setting: str) -> None:
    refusal: tuple[str, OSError] | None = None
    for _ in range(TRIES):
        refusal = _refusal(notes, way)
        if refusal is None:
            return
        if not isinstance(refusal[1], FileNotFoundError):
            break
    assert refusal
    folder, error = refusal
    if is_of_host(error) or isinstance(error, FileNotFoundError):
        # a full disk, say: intake will pause until it is well
        log.warning("cannot try out renames in %s: %s", shown(folder), trouble_of(error))
        return
    what = f"cannot move a file to {shown(folder)}: {error.strerror}"
    hint = "its folders must be on one filesystem, and one mount of it"
    raise ConfigError([Problem(setting, what, hint)]) from error


def _refusal(notes: str, way: list[str]) -> tuple[str, OSError] | None:
    """Move a new folder along a way; return where that was refused, and how."""
    name = f".fproc-probe-{new_id()}"
    note, here = os.path.join(notes, name), os.path.join(way[0], name)
    try:
        with suppress(FileExistsError):
            os.mkdir(notes)
        os.mkdir(note)
        here, refusal = move_along(way, name)
    except OSError as error:
        return way[0], error
    finally:
        for path in (here, note):
            with suppress(FileNotFoundError):
                os.rmdir(path)
    return refusal


def move_along(way: list[str], name: str) -> tuple[str, tuple[str, OSError] | None]:
    """Move an empty folder, which nobody takes for an input, along a way.

    Returns:
        Where it is now, for the caller to remove, and in which folder that was refused, and how.
    """
    folder, here = way[0], os.path.join(way[0], name)
    try:
        os.mkdir(here)
        for folder in way[1:]:
            there = os.path.join(folder, name)
            os.rename(here, there)
            here = there
    except OSError as error:
        return here, (folder, error)
    return here, None


def _sweep(notes: str, folders: list[str], spool: str) -> None:
    """Remove what starts that died have left in these folders; what others put under its name stays.

    Ages are told by times that the filesystem gave. Earlier versions had one name for ever: the spool's.
    """
    names = {f".fproc-probe-{spool}"}
    fresh = os.path.join(notes, f".fproc-probe-{new_id()}")
    with suppress(OSError):  # a disk in trouble: a later start removes them
        os.mkdir(fresh)
        now = os.stat(fresh).st_mtime
        with os.scandir(notes) as entries:
            names |= {entry.name for entry in entries if now - entry.stat().st_mtime > STALE_SECONDS}
        os.rmdir(fresh)
    for name in names:
        for folder in (*folders, notes):
            with suppress(OSError):
                os.rmdir(os.path.join(folder, name))
