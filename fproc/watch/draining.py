"""When a `--drain` has waited long enough, and what it says that it leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from fproc.base.text import counted, shown
from fproc.config.model import Intake
from fproc.spool.intake.scanner import Scan

log = logging.getLogger("fproc.watch")

SETTLE_TIMES = 2
"""How many settle times a file is waited for that needs nothing but time, and may go on changing."""

MOST_NAMED = 20
"""How many files that are left behind are named one by one."""


class Patience:
    """For how long one `--drain` waits for files that need nothing but time.

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
        """Whether to wait for the files that a look found settling."""
        waited_seconds = self._monotonic() - self._began
        if waited_seconds < self._seconds:
            return bool(scan.settling)
        return waited_seconds < self._longest_seconds and bool(scan.unknown)


class Changing:
    """Inputs in `underprocess/` that someone was writing to when they were read, and since when.

    Args:
        intake: the settle times.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, intake: Intake, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._longest_seconds = max(intake.settle_seconds, intake.settle_unknown_seconds) * SETTLE_TIMES + 1
        self._found: dict[str, tuple[str, float]] = {}

    def add(self, name: str, why: str) -> None:
        """Note that an input was found so, again or for the first time."""
        since = self._found.get(name, ("", self._monotonic()))[1]
        self._found[name] = why, since

    def forget(self, name: str) -> None:
        """Note that something else has become of an input."""
        self._found.pop(name, None)

    def given_up(self) -> dict[str, str]:
        """Return those that no `--drain` waits for any longer, each with what was found."""
        now = self._monotonic()
        return {
            name: why for name, (why, since) in self._found.items() if now - since >= self._longest_seconds
        }


def say_what_is_left(scan: Scan, at_work: Mapping[str, str], troubled: Collection[str]) -> None:
    """Name what is left in `unprocessed/`, and `at_work` in `underprocess/`, and why.

    Those that are `troubled` were named with what is in their way when that was found.
    """
    left = {**at_work, **scan.waiting}
    left |= {name: "it is in trouble, see above" for name in scan.ready if name in troubled}
    for name, why in list(left.items())[:MOST_NAMED]:
        log.warning("left behind: %s: %s", shown(name), why)
    if len(left) > MOST_NAMED:
        log.warning("left behind: %s more", counted(len(left) - MOST_NAMED, "file"))
