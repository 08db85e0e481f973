"""What each action of the command line does, once its arguments are understood."""

from __future__ import annotations

import logging
import os
import sys
import time
from argparse import Namespace

from fproc import drawing, examples, logs, settings
from fproc.engine import Observer
from fproc.errors import EXIT_FILE_FAILED, EXIT_OK, ConfigError
from fproc.plan import Plan

log = logging.getLogger("fproc")


def set_up_log(arguments: Namespace) -> None:
    """Send the log to standard error or to `--log-file`."""
    level = logging.DEBUG if arguments.debug else logging.WARNING if arguments.quiet else logging.INFO
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    logs.set_up(level=level, form=arguments.log_format, path=arguments.log_file, colour=colour)


def graph(arguments: Namespace) -> int:
    """Draw the pipeline."""
    print(drawing.draw(_plan(arguments).graph, arguments.graph))
    return EXIT_OK


def check(arguments: Namespace) -> int:
    """Check configuration and plugins, run the examples, print a summary."""
    plan = _plan(arguments)
    problems = examples.failures(plan)
    if problems:
        raise ConfigError(problems)
    config = plan.config
    count = len(config.examples)
    print(f"configuration: ok, {len(config.nodes)} nodes, {count} example{'s' if count != 1 else ''} passed")
    print(f"watched folder: {config.watch_dir}")
    print(f"results: {config.results_dir}")
    print(f"lines enter at: {', '.join(plan.graph.entries)}")
    for name in plan.graph.unreachable():
        print(f"warning: no line can reach the node {name!r}")
    print(drawing.draw(plan.graph, "text"))
    return EXIT_OK


def process_inputs(arguments: Namespace) -> int:
    """Process files where they are."""
    from fproc import oneshot  # noqa: PLC0415 - not for --watch

    plan = _plan(arguments, with_mode=True)
    to = oneshot.destination(plan, arguments.input, arguments.output)
    bars = sys.stderr.isatty() and not arguments.quiet and not arguments.trace
    well = oneshot.process_inputs(plan, arguments.input, to, observer=_tracer(arguments), bars=bars)
    return EXIT_OK if well else EXIT_FILE_FAILED


def watch(arguments: Namespace) -> int:
    """Process files as they land. With `--drain`, a job for cron, there is no dashboard."""
    from fproc.metrics import Metrics  # noqa: PLC0415 - not for --input
    from fproc.spool import Spool  # noqa: PLC0415
    from fproc.watch import Watcher  # noqa: PLC0415

    plan = _plan(arguments)
    spool, metrics = Spool(plan.config), Metrics()
    watcher = Watcher(spool, plan, metrics, observer=_tracer(arguments))
    if arguments.drain:
        reached = watcher.drain()
        return EXIT_OK if reached and not watcher.failed else EXIT_FILE_FAILED
    if arguments.no_dashboard:
        watcher.watch()
        return EXIT_OK
    from fproc.dashboard.routes import View  # noqa: PLC0415 - http.server is slow to import
    from fproc.dashboard.server import Server  # noqa: PLC0415

    view = View(spool, metrics, watcher.health, time.monotonic())
    server = Server(plan.config.dashboard, view)
    server.start()
    log.info("dashboard on %s", server.url)
    try:
        watcher.watch()
    finally:
        server.stop()
    return EXIT_OK


def _plan(arguments: Namespace, *, with_mode: bool = False) -> Plan:
    flags = {
        "--config": arguments.config,
        "--watch-dir": arguments.watch_dir,
        "--results-dir": arguments.results_dir,
        "--workers": arguments.workers,
        "--host": arguments.host,
        "--port": arguments.port,
    }
    return settings.load_plan(flags, os.environ, mode=arguments.mode, with_mode=with_mode)


def _tracer(arguments: Namespace) -> Observer | None:
    if not arguments.trace:
        return None
    from fproc.trace import Tracer  # noqa: PLC0415

    return Tracer(sys.stderr)
