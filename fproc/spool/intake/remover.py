"""Removal of what `retention` does not keep, and the list of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from fproc.base.text import shown
from fproc.config.retention import Retention
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.archive import ArchivedInputs
from fproc.spool.intake.bounds import Bounds, Removal
from fproc.spool.intake.old_results import OldResults, ResultNames
from fproc.spool.layout import Folders

log = logging.getLogger("fproc.spool")


class Remover:
    """Removes archived inputs, and results, of one spool.

    Args:
        disk: makes the calls.
        home: the spool's.
        folders: the spool's.
        is_input_name: whether an input can have a name.
        names: who knows what results were published, or None.
        is_dry: whether nothing is removed, but only listed.
    """

    def __init__(
        self,
        disk: Disk,
        home: Home,
        folders: Folders,
        is_input_name: Callable[[str], bool],
        names: ResultNames | None,
        *,
        is_dry: bool = False,
    ) -> None:
        self._disk = disk
        self._archive = ArchivedInputs(folders, is_input_name)
        self._results = names and OldResults(home, folders.results, names, is_dry=is_dry)

    def removals(self, retention: Retention, now: float) -> Iterator[Removal]:
        """Yield what is not to be kept, results last."""
        yield from self._archive.removals(retention, now)
        if self._results:
            yield from self._results.removals(retention, now)

    def remove(
        self,
        retention: Retention,
        trusted_time: Callable[[], float],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> int:
        """Remove what is not to be kept, and return the number of files; the rest is for another call.

        Args:
            retention: the bounds.
            trusted_time: gives the time that is believed; asked only if something may be removed.
            is_stopping: says whether to stop.
        """
        if not any(Bounds.of(retention, what).is_set for what in ("processed", "failed", "results")):
            return 0
        now = trusted_time()
        count = 0
        for removal in self._archive.removals(retention, now):
            if is_stopping():
                return count
            count += _said(removal, is_done=self._archive.remove(self._disk, removal.kept))
        if self._results and retention.prunes_results:
            self._results.clean(self._disk)
            for removal in self._results.removals(retention, now):
                if is_stopping():
                    return count
                count += _said(removal, is_done=self._results.remove(self._disk, removal.kept))
        return count


def _said(removal: Removal, *, is_done: bool) -> int:
    """Log what was removed; return how many files that were."""
    if not is_done:
        return 0
    for path in removal.kept.paths:
        log.info("removed %s: %s", shown(path), removal.why)
    return len(removal.kept.paths)
