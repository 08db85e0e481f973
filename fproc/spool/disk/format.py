"""The format of a spool's folders and records, so that an older fproc does not misread those of a newer one.

The format has a number, and the number a file of its own: `.fproc/format-2`. So it can only be raised, by any
instance, and nothing in it can be torn. It is there, safe from power loss, before anything else of that
format. Format 1, which had no groups, has no such file, and does not look for one either.
"""

from __future__ import annotations

import os
import re

from fproc.base.errors import ConfigError, Problem
from fproc.base.text import shown
from fproc.spool.disk.disk import Disk

FORMAT = 2
"""The form that this version of fproc reads and writes."""

_NAME = re.compile(r"format-([0-9]{1,9})")


def refuse_newer(watch: str, state: str) -> None:
    """Check that this version knows the form of a spool, if it is there: the watched folder and `.fproc/`.

    Raises:
        ConfigError: it is of a newer one.
    """
    try:
        names = os.listdir(state)
    except OSError:  # there is none yet, or what is wrong with it is told where it is made usable
        return
    newest = max((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), default=1)
    if newest > FORMAT:
        what = f"{shown(watch)} was used by a newer fproc (format {newest}; this one knows {FORMAT})"
        raise ConfigError([Problem("$.watch_dir", what, "run that version, or choose another folder")])


def mark(watch: str, state: str, disk: Disk) -> None:
    """Note that a spool has the form of this version from now on.

    Raises:
        ConfigError: it has got a newer one meanwhile.
    """
    path = os.path.join(state, f"format-{FORMAT}")
    if not os.path.exists(path):
        disk.close(disk.create(path))
        disk.sync_folder(state)
    refuse_newer(watch, state)
