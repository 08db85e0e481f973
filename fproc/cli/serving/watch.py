"""The service of `--watch`: the loop, its workers, its recorder, and the dashboard beside them."""

from __future__ import annotations

import logging
import os
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
from fproc.cli.serving.parts import pipeline_parts
from fproc.cli.serving.reload import check_fixed
from fproc.config.model import AlertPolicy, Config, Dashboard
from fproc.pipeline.graph import build_graph
from fproc.process.children import Child
from fproc.process.worker_process import WorkerProcess
from fproc.spool.checks.takeover import take_over
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.locks.instance import InstanceFile, instances
from fproc.spool.readiness.names import InputNames
from fproc.spool.spool import Spool
from fproc.telemetry.history.pipelines import LoadedPipeline
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.notify.alerts import Alerts
from fproc.telemetry.notify.service_manager import ServiceManager
from fproc.telemetry.printer import tracer
from fproc.telemetry.recorder import Recorder, open_history
from fproc.telemetry.rolling import WINDOWS
from fproc.telemetry.traces import Traces
from fproc.watch.loop import Watcher
from fproc.watch.reloading import Reloader, Version
from fproc.watch.workers.generations import Generations
from fproc.watch.workers.messages import Setup
from fproc.watch.workers.pool import Pool

if TYPE_CHECKING:
    from fproc.web.assembly import Secure
    from fproc.web.http.connections import Connections
    from fproc.web.http.router import Router
    from fproc.web.server import Server

log = logging.getLogger("fproc")

MOST_EARLIER = 50_000
"""How many files from before the start are read from the history."""

DRAINED_SECONDS = 15.0
STOPPED_SECONDS = 5.0
"""How long the last alerts may take after `--drain`, and after a stop."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a `--watch` beside its configuration.

    `workers` returns how many a configuration asks for; `first` is a worker that is running already, or None.
    `load` starts a process that loads a version again.
    """

    workers: Callable[[Config], int]
    load: Callable[[], Child]
    set_up_log: Callable[[], None]
    is_traced: bool
    first: WorkerProcess | None
    has_dashboard: bool


class Service:
    """One running fproc, before its loop turns.

    Raises:
        ConfigError: a folder cannot be used, or the dashboard's address cannot be listened on.
    """

    def __init__(self, version: Version, options: Options) -> None:
        config = version.config
        self._version = version
        self._config = config
        self._options = options
        self._server: Server | None = None
        self._secure: Secure | None = None
        self._port = 0
        self._began = time.monotonic()
        self._began_at = time.time()
        self._has_looked_back = False
        self._spool = Spool(config)
        if said := take_over(self._spool.folders, __version__):
            log.info(said)
        self._history = open_history(self._spool.folders, config.retention, clock=self._spool.trusted_time)
        self._metrics = Metrics(base=self._history.totals(), last_success=self._history.last("processed"))
        self._traces = Traces()
        instance_file = InstanceFile(self._spool.folders, Disk(power=False), self._spool.home)
        self._alerts = Alerts(config.alerts, config.watch_dir)
        self._recorder = Recorder(
            self._metrics,
            self._history,
            instance_file,
            traces=self._traces,
            alerts=self._alerts,
            clock=self._spool.clock,
        )
        self._pool = Generations(self._new_pool(version, options.first))
        self._upload_area = UploadArea(config, home=self._spool.home)
        self._manager = ServiceManager(os.environ)
        self._watcher = Watcher(self._spool, config, self._pool, self._recorder, manager=self._manager)
        self._watcher.chores.add(self._upload_area.sweep, config.recovery.check_interval)
        self._note_pipeline()

    def _new_pool(self, version: Version, first: WorkerProcess | None = None) -> Pool:
        setup = Setup(
            replace(version.config, alerts=AlertPolicy()),  # workers need no secrets
            self._options.set_up_log,
            partial(tracer, is_wanted=self._options.is_traced),
            search_path=version.search_path,
            spool=self._spool.home.name,
            sources=version.sources,
            fingerprint=version.fingerprint,
            tables=version.tables,
        )
        workers = self._options.workers(version.config)
        return Pool(setup, workers, first=first, count_time=self._metrics.add_time)

    def _note_pipeline(self) -> None:
        """Have the history tell what has changed, if the pipeline is not the one that it knows."""
        version = self._version
        parts = pipeline_parts(version)
        loaded = LoadedPipeline(self._spool.clock(), version.short, __version__, parts)
        self._history.pipelines.note(loaded)

    def drain(self) -> bool:
        """Process the files that are there; return whether all of them succeeded."""
        for other in instances(self._spool.folders):
            log.info(
                "fproc with pid %d on %s works on this folder as well; each file is done by one of the two",
                other.pid,
                other.host,
                extra=log_fields("not_alone", host=other.host, pid=other.pid),
            )
        with self._telling(DRAINED_SECONDS):
            is_well = self._watcher.drain() and not self._watcher.failed
            if is_well:
                self._alerts.beat()
        return is_well

    def watch(self) -> None:
        """Process files as they arrive, until stopped."""
        reloader = Reloader(self._version, self._options.load, self._take, self._manager)
        self._watcher.reload_by(reloader)
        with self._telling(STOPPED_SECONDS):
            self._alerts.watch()
            if not self._options.has_dashboard:
                self._watcher.watch()
                return
            with self._dashboard() as url:
                log.info("dashboard on %s", url, extra=log_fields("dashboard", url=url))
                self._watcher.watch()

    def _take(self, version: Version) -> None:
        """Have everything use a version from now on.

        Raises:
            ConfigError: it needs a restart, or its certificate cannot be used; nothing has changed then.
        """
        check_fixed(self._version, version)
        config = version.config
        secure = self._wrapper(config.dashboard)
        self._version, self._config, self._secure = version, config, secure
        self._pool.renew(self._new_pool(version))
        self._watcher.configure(config)
        self._upload_area.names = InputNames(config.intake)
        self._alerts.configure(config.alerts)
        self._history.upkeep.retention = config.retention
        self._note_pipeline()
        if self._server is not None:
            self._server.renew(self._renew)

    def _renew(self, connections: Connections) -> None:
        connections.secure = self._secure
        connections.router = self._router()

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

        dashboard = self._config.dashboard
        self._secure = self._wrapper(dashboard)
        self._server = server = Server(dashboard, self._connections)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()

    def _wrapper(self, dashboard: Dashboard) -> Secure | None:
        """Return what wraps connections in TLS, or None.

        Raises:
            ConfigError: the certificate cannot be used.
        """
        if not (dashboard.tls_cert and self._options.has_dashboard):
            return None
        from fproc.web.http.tls import Tls  # noqa: PLC0415 - slow to import

        return Tls(dashboard).wrap

    def _look_back(self) -> None:
        """Add the files from before this start to the figures; done once, when somebody looks."""
        now = self._spool.clock()
        self._metrics.add_earlier(self._history.ended(now - max(WINDOWS), self._began_at, MOST_EARLIER))

    def _connections(self, listener: socket.socket) -> Connections:
        from fproc.web.assembly import connections  # noqa: PLC0415 - slow to import

        if not self._has_looked_back:
            self._has_looked_back = True
            threading.Thread(target=self._look_back, name="history", daemon=True).start()
        self._port = listener.getsockname()[1]
        return connections(listener, self._router(), self._secure)

    def _router(self) -> Router:
        """Return what answers requests, for the version that runs."""
        from fproc.web.api.queries import Queries  # noqa: PLC0415
        from fproc.web.api.state import DashboardState  # noqa: PLC0415
        from fproc.web.assembly import build_router  # noqa: PLC0415 - slow to import

        config = self._config
        view = DashboardState(
            config=config,
            graph=build_graph(config.nodes, config.files)[0],
            spool=self._spool,
            metrics=self._metrics,
            listing=Queries(
                config,
                self._history,
                lambda: self._recorder.current(self._pool.running()),
                self._traces,
            ),
            health=self._watcher.health,
            workers=lambda: (self._pool.size, self._pool.size - self._pool.count_free()),
            began=self._began,
        )
        return build_router(
            view, self._upload_area, self._version.tokens, self._port, is_secure=self._secure is not None
        )
