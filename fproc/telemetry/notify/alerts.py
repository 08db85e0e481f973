"""Alerts: a file failed or lost lines, intake pauses or goes on, nothing arrives; and the heartbeat.

They are sent from threads that the work never waits for; without a URL there are none.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from fproc.base.text import counted, shown
from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.config.model import AlertPolicy
from fproc.pipeline.failures import left_out_text
from fproc.run.figures import Figures
from fproc.telemetry.notify.sender import Caller

log = logging.getLogger("fproc.alerts")

BEAT_SECONDS = 60.0
"""The least time between two heartbeats."""

MORE = {"failed": "failed", "rejected": "lost lines"}
"""What the message says of further files of one kind."""

ERROR_LENGTH = 1000
"""How many characters of an error are sent."""

AT_ONCE_SECONDS = 1.0
"""How long the last alerts may take before that is logged."""


class Alerts:
    """Sends alerts to the URLs of a policy. Only `close` waits; all methods are for one thread.

    Args:
        policy: the URLs.
        watch_dir: the watched folder, for messages.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        policy: AlertPolicy,
        watch_dir: str,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = AlertPolicy()
        self._webhook: Caller | None = None
        self._heartbeat: Caller | None = None
        self.configure(policy)
        self._watch_dir = watch_dir
        self._is_watching = False
        self._clock = clock
        self._monotonic = monotonic
        self._beat_at = self._arrived_at = monotonic()
        self._is_paused = self._is_quiet = False

    def configure(self, policy: AlertPolicy) -> None:
        """Send to the URLs of this policy from now on; what waits is still sent to those before."""
        before, self._policy = self._policy, policy
        self._quiet_seconds = policy.quiet_seconds
        if policy.webhook != before.webhook:
            _close(self._webhook)
            self._webhook = Caller(policy.webhook, "the webhook") if policy.webhook else None
        if policy.heartbeat_url != before.heartbeat_url:
            _close(self._heartbeat)
            url = policy.heartbeat_url
            self._heartbeat = Caller(url, "the heartbeat URL") if url else None

    def watch(self) -> None:
        """Begin to send a heartbeat as the loop turns, and an alert if nothing arrives for long."""
        self._is_watching = True
        self._beat_at = self._arrived_at = self._monotonic()

    def failed(
        self,
        file: str,
        error: str,
        *,
        node: str | None = None,
        line_no: int | None = None,
        attempts: int | None = None,
    ) -> None:
        """Report that a file has failed for good."""
        tries = f" after {counted(attempts, 'attempt')}" if attempts else ""
        error = error[:ERROR_LENGTH]
        details = {"file": file, "error": error, "node": node, "line_no": line_no, "attempts": attempts}
        self._tell("failed", f"{file} failed{tries}: {error}", 1, **details)

    def lost(self, file: str, figures: Figures) -> None:
        """Report that a file was processed, but lines of it were set aside or skipped."""
        lines = counted(figures.lines_in, "line")
        details = {"lines": figures.lines_in, "rejected": figures.rejected, "skipped": figures.skipped}
        message = f"{file}: {left_out_text(figures.rejected, figures.skipped)}, of {lines}"
        if figures.lines_lost >= figures.lines_in > 0:
            message += ": every one of its lines"
        self._tell("rejected", message, 1, file=file, **details)

    def paused(self, reason: str) -> None:
        """Report that intake is paused."""
        self._is_paused = True
        reason = reason[:ERROR_LENGTH]
        self._tell("paused", f"intake is paused: {reason}", error=reason)

    def resumed(self) -> None:
        """Report that intake goes on."""
        self._is_paused = False
        self._tell("resumed", "intake goes on")

    def arrived(self) -> None:
        """Note that an input is ready."""
        self._arrived_at = self._monotonic()
        self._is_quiet = False

    def progress(self) -> None:
        """Note that the loop turns; called often."""
        now = self._monotonic()
        if self._is_paused:
            self._arrived_at = now  # nobody sees what arrives meanwhile
        elif self._is_watching:
            if now >= self._beat_at:
                self._beat_at = now + BEAT_SECONDS
                self.beat()
            if self._quiet_seconds is not None and now - self._arrived_at >= self._quiet_seconds:
                self._tell_quiet(self._quiet_seconds)

    def beat(self) -> None:
        """Send a heartbeat."""
        if self._heartbeat is not None:
            self._heartbeat.post(_Beat())

    def close(self, seconds: float) -> None:
        """Send the alerts that wait, but take no longer than this."""
        callers = [caller for caller in (self._webhook, self._heartbeat) if caller is not None]
        for caller in callers:
            caller.close()
        unfinished = _unfinished(callers, AT_ONCE_SECONDS)
        if unfinished:
            log.info("telling the last alerts, for up to %g s", seconds)
            unfinished = _unfinished(unfinished, seconds - AT_ONCE_SECONDS)
        for caller in unfinished:
            log.warning("%s was not told everything before the end", caller)

    def _tell_quiet(self, quiet_seconds: float) -> None:
        if not self._is_quiet:
            self._is_quiet = True
            message = f"nothing has arrived for {quiet_seconds:g} s"
            log.warning(message)
            self._tell("quiet", message)

    def _tell(self, event: str, message: str, count: int = 0, **details: Any) -> None:
        if self._webhook is not None:
            time = rfc3339(self._clock())
            self._webhook.post(_Alert(event, time, self._watch_dir, message, count, details))


def _close(caller: Caller | None) -> None:
    if caller is not None:
        caller.close()


def _unfinished(callers: list[Caller], seconds: float) -> list[Caller]:
    """Return the callers that have not sent everything after these seconds."""
    deadline = time.monotonic() + seconds
    return [caller for caller in callers if not caller.join(deadline - time.monotonic())]


class _Beat:
    """A heartbeat; two that wait become one."""

    def absorb(self, later: object) -> bool:
        return isinstance(later, _Beat)

    def body(self) -> None:
        return None


@dataclass(slots=True)
class _Alert:
    """What happened, and how often if that is counted: then a later one of its kind adds to the count."""

    event: str
    time: str
    watch_dir: str
    message: str
    count: int
    details: dict[str, Any]

    def absorb(self, later: object) -> bool:
        if not (self.count and isinstance(later, _Alert) and later.event == self.event):
            return False
        self.count += later.count
        return True

    def body(self) -> bytes:
        host = socket.gethostname()
        more = f"; and {counted(self.count - 1, 'more file')} {MORE[self.event]}" if self.count > 1 else ""
        message = self.message + more
        value = {
            "event": self.event,
            "time": self.time,
            "host": host,
            "watch_dir": self.watch_dir,
            **{name: value for name, value in self.details.items() if value is not None},
            **({"count": self.count} if self.count else {}),
            "message": message,
            "text": f"fproc on {host}, {self.watch_dir}: {message}",
        }
        printable = {name: shown(item) if isinstance(item, str) else item for name, item in value.items()}
        return json.dumps(printable).encode()
