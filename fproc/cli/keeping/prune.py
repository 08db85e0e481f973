"""Removal, or only the list, of what `retention` does not keep; with or without a running fproc."""

from __future__ import annotations

import time

from fproc.base.errors import EXIT_OK
from fproc.base.stdout import say
from fproc.base.text import counted, shown
from fproc.cli.operate import history_there, spool_status_there
from fproc.config.model import MEGABYTE, Config
from fproc.spool.checks.home import Home
from fproc.spool.checks.trusted import TrustedTime
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.format import refuse_newer
from fproc.spool.intake.remover import Remover
from fproc.spool.readiness.names import InputNames
from fproc.telemetry.history.history import History


def prune_now(config: Config, *, is_dry: bool) -> int:
    """Remove what is too old or too much, or print what that is.

    Raises:
        OSError: the folder is not fproc's, or the disk refuses.
    """
    spool_status = spool_status_there(config)
    folders = spool_status.folders
    refuse_newer(folders.watch, folders.state)
    trusted_time = TrustedTime(folders, clock=time.time)
    time_now = trusted_time.peek() if is_dry else trusted_time.now()
    with history_there(spool_status, config, clock=lambda: time_now) as history:
        remover = Remover(
            Disk(power=config.durability == "power"),
            Home.found(folders),
            folders,
            InputNames(config.intake).may_be_input,
            history.upkeep if history else None,
            is_dry=is_dry,
        )
        if is_dry:
            _list(remover, config, time_now, history)
            return EXIT_OK
        files = remover.remove(config.retention, lambda: time_now)
        events = history.prune() if history else 0
        if history and not spool_status.instances():
            history.upkeep.compact()
    say(f"removed {counted(files, 'file')} and {counted(events, 'event')} of the history")
    return EXIT_OK


def _list(remover: Remover, config: Config, now: float, history: History | None) -> None:
    files = size_bytes = 0
    for removal in remover.removals(config.retention, now):
        size_bytes += removal.kept.size_bytes
        for path in removal.kept.paths:
            files += 1
            say(f"{shown(path)}: {removal.why}")
    events = history.upkeep.count_excess() if history else 0
    what = f"{counted(files, 'file')} ({size_bytes / MEGABYTE:.1f} MB) and {counted(events, 'event')}"
    say(f"--prune would remove {what} of the history")
