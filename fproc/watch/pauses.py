"""Pauses of intake while the host is in trouble: since when, why, and when it is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fproc.base.text import log_fields
from fproc.telemetry.recorder import Recorder
from fproc.watch.queue import pause_seconds

log = logging.getLogger("fproc.watch")


class Pauses:
    """Decides whether intake is paused. Only `trouble` may be read from any thread.

    Args:
        recorder: told of each pause and of its end.
        monotonic: seconds on a clock that is never set.

    Attributes:
        trouble: why intake is paused, or was when last tried; "" once it goes on.
    """

    def __init__(self, recorder: Recorder, *, monotonic: Callable[[], float]) -> None:
        self.trouble = ""
        self._recorder = recorder
        self._monotonic = monotonic
        self._times = 0
        self._until = monotonic()

    def is_on(self) -> bool:
        """Return whether nothing may be tried yet."""
        return self._monotonic() < self._until

    def begin(self, trouble: str, *, is_first: bool = False) -> None:
        """Pause for a while, longer each time in a row; `is_first` begins a new row."""
        if not self.trouble:
            self._recorder.paused(trouble)
            log.error(
                "intake is paused, nothing is lost, work goes on by itself once this is fixed: %s",
                trouble,
                extra=log_fields("intake_paused", error=trouble),
            )
        self.trouble = trouble
        if is_first:
            self._times = 0
        if self.is_on():
            return
        self._until = self._monotonic() + pause_seconds(self._times)
        self._times += 1

    def end(self) -> None:
        """End the pause if its time is over."""
        if self.trouble and not self.is_on():
            log.info("intake goes on", extra=log_fields("intake_resumed"))
            self._recorder.resumed()
            self.trouble = ""
            self._times = 0
