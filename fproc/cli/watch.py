"""The service of `--watch`: the loop, its workers, its recorder, and the dashboard beside them."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from fproc import __version__
from fproc.base.text import log_fields
from fproc.base.values import dataclass, replace
from fproc.config.model import AlertPolicy
from fproc.pipeline.plan import Plan
from fproc.process.worker_process import WorkerProcess
from fproc.spool.checks.takeover import take_over
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.locks.instance import InstanceFile
from fproc.spool.spool import Spool
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.notify.alerts import Alerts
from fproc.telemetry.printer import tracer
from fproc.telemetry.recorder import Recorder, open_history
from fproc.telemetry.rolling import WINDOWS
from fproc.telemetry.traces import Traces
from fproc.watch.loop import Watcher
from fproc.watch.workers.messages import Setup
from fproc.watch.workers.pool import Pool
from fproc.web.access.tokens import Token

if TYPE_CHECKING:
    from fproc.web.assembly import Secure
    from fproc.web.http.connections import Connections

log = logging.getLogger("fproc")

MOST_EARLIER = 50_000
"""How many files from before the start are read from the history."""

DRAINED_SECONDS = 15.0
STOPPED_SECONDS = 5.0
"""How long the last alerts may take after `--drain`, and after a stop."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a `--watch` beside its configuration.

    `first` is a worker that is running already, or None; `tokens` are those that the dashboard asks for.
    """

    workers: int
    set_up_log: Callable[[], None]
    is_traced: bool
    first: WorkerProcess | None
    has_dashboard: bool
    tokens: tuple[Token, ...]


class Service:
    """One running fproc, before its loop turns.

    Raises:
        ConfigError: a folder cannot be used, or the dashboard's address cannot be listened on.
    """

    def __init__(self, plan: Plan, options: Options) -> None:
        self._plan = plan
        self._options = options
        self._began = time.monotonic()
        self._began_at = time.time()
        self._has_looked_back = False
        self._spool = Spool(plan.config)
        if said := take_over(self._spool.folders, __version__):
            log.info(said)
        self._history = open_history(
            self._spool.folders, plan.config.retention, clock=self._spool.trusted_time
        )
        self._metrics = Metrics(base=self._history.totals(), last_success=self._history.last("processed"))
        self._traces = Traces()
        instance_file = InstanceFile(self._spool.folders, Disk(power=False), self._spool.home)
        self._alerts = Alerts(plan.config.alerts, plan.config.watch_dir)
        self._recorder = Recorder(
            self._metrics,
            self._history,
            instance_file,
            traces=self._traces,
            alerts=self._alerts,
            clock=self._spool.clock,
        )
        for_workers = replace(plan.config, alerts=AlertPolicy())  # they need no secrets
        setup = Setup(
            for_workers,
            options.set_up_log,
            partial(tracer, is_wanted=options.is_traced),
            spool=self._spool.home.name,
        )
        self._pool = Pool(setup, options.workers, first=options.first)
        self._upload_area = UploadArea(plan.config, home=self._spool.home)
        self._watcher = Watcher(self._spool, plan.config, self._pool, self._recorder)
        self._watcher.chores.add(self._upload_area.sweep, plan.config.recovery.check_interval)

    def drain(self) -> bool:
        """Process the files that are there; return whether all of them succeeded."""
        with self._telling(DRAINED_SECONDS):
            is_well = self._watcher.drain() and not self._watcher.failed
            if is_well:
                self._alerts.beat()
        return is_well

    def watch(self) -> None:
        """Process files as they arrive, until stopped."""
        with self._telling(STOPPED_SECONDS):
            self._alerts.watch()
            if not self._options.has_dashboard:
                self._watcher.watch()
                return
            with self._dashboard() as url:
                log.info("dashboard on %s", url, extra=log_fields("dashboard", url=url))
                self._watcher.watch()

    @contextmanager
    def _telling(self, seconds: float) -> Iterator[None]:
        """Send the last alerts at the end of the block, and take up to `seconds` for it."""
        try:
            with self._spool.sharing.attended(self._pool.running):
                yield
        finally:
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # a second one ends the wait
            self._alerts.close(seconds)

    @contextmanager
    def _dashboard(self) -> Iterator[str]:
        """Serve the dashboard within the block, and yield its URL."""
        from fproc.web.server import Server  # noqa: PLC0415 - not for --drain

        dashboard = self._plan.config.dashboard
        secure = None
        if dashboard.tls_cert:
            from fproc.web.http.tls import Tls  # noqa: PLC0415 - slow to import

            secure = Tls(dashboard).wrap
        server = Server(dashboard, lambda listener: self._connections(listener, secure))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()

    def _look_back(self) -> None:
        """Add the files from before this start to the figures; done once, when somebody looks."""
        now = self._spool.clock()
        self._metrics.add_earlier(self._history.ended(now - max(WINDOWS), self._began_at, MOST_EARLIER))

    def _connections(
        self,
        listener: socket.socket,
        secure: Secure | None,
    ) -> Connections:
        from fproc.web.api.queries import Queries  # noqa: PLC0415
        from fproc.web.api.state import DashboardState  # noqa: PLC0415
        from fproc.web.assembly import connections  # noqa: PLC0415 - slow to import

        if not self._has_looked_back:
            self._has_looked_back = True
            threading.Thread(target=self._look_back, name="history", daemon=True).start()
        view = DashboardState(
            config=self._plan.config,
            graph=self._plan.graph,
            spool=self._spool,
            metrics=self._metrics,
            listing=Queries(
                self._plan.config,
                self._history,
                lambda: self._recorder.current(self._pool.running()),
                self._traces,
            ),
            health=self._watcher.health,
            workers=lambda: (self._pool.size, self._pool.size - self._pool.count_free()),
            began=self._began,
        )
        return connections(listener, view, self._upload_area, self._options.tokens, secure)
