"""The patience of a `--drain`, and its report of the files that it leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from fproc.base.text import counted, log_fields, shown
from fproc.config.model import Intake
from fproc.spool.intake.scanner import Scan

log = logging.getLogger("fproc.watch")

SETTLE_TIMES = 2
"""How many settle times to wait for a file that needs nothing but time, and may go on changing."""

MOST_NAMED = 20
"""How many of the files left behind are named one by one."""


class Patience:
    """Decides how long one `--drain` waits for files that need nothing but time.

    Args:
        intake: the settle times.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, intake: Intake, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._seconds = intake.settle_seconds * SETTLE_TIMES + 1
        unknown_seconds = intake.settle_unknown_seconds * SETTLE_TIMES + 1
        self._longest_seconds = max(self._seconds, unknown_seconds)

    def is_worth(self, scan: Scan) -> bool:
        """Return whether to wait for the files that a scan found settling."""
        waited_seconds = self._monotonic() - self._began
        if waited_seconds < self._seconds:
            return scan.are_any_settling()
        return waited_seconds < self._longest_seconds and scan.are_any_unknown()


class Changing:
    """Inputs in `underprocess/` that were written to while they were read, and since when.

    Args:
        intake: the settle times.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, intake: Intake, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.configure(intake)
        self._reasons: dict[str, tuple[str, float]] = {}

    def configure(self, intake: Intake) -> None:
        """Wait as these settle times say from now on."""
        self._longest_seconds = max(intake.settle_seconds, intake.settle_unknown_seconds) * SETTLE_TIMES + 1

    def add(self, name: str, why: str) -> None:
        """Note that an input has changed, again or for the first time."""
        since = self._reasons.get(name, ("", self._monotonic()))[1]
        self._reasons[name] = why, since

    def forget(self, name: str) -> None:
        """Note that an input has ended in another way."""
        self._reasons.pop(name, None)

    def given_up(self) -> dict[str, str]:
        """Return the inputs that no `--drain` waits for any longer, each with the reason."""
        now = self._monotonic()
        return {
            name: why for name, (why, since) in self._reasons.items() if now - since >= self._longest_seconds
        }


def say_what_is_left(scan: Scan, at_work: Mapping[str, str], troubled: Collection[str]) -> None:
    """Log the files left in `unprocessed/`, and those `at_work` in `underprocess/`, and why.

    What is wrong with those that are `troubled` was logged when it was found.
    """
    reasons = {**at_work, **{name: wait.why for name, wait in scan.waits.items()}}
    reasons |= dict.fromkeys(troubled, "it is in trouble, see above")
    for name, why in list(reasons.items())[:MOST_NAMED]:
        fields = log_fields("left_behind", file=name, error=why)
        log.warning("left behind: %s: %s", shown(name), why, extra=fields)
    if len(reasons) > MOST_NAMED:
        log.warning("left behind: %s more", counted(len(reasons) - MOST_NAMED, "file"))
