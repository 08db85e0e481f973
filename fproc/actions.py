"""What each action of the command line does, once its arguments are understood."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from argparse import Namespace

from fproc import drawing, examples, logs, settings
from fproc.config import to_json
from fproc.engine import Observer
from fproc.errors import EXIT_FILE_FAILED, EXIT_OK, ConfigError, counted, shown
from fproc.plan import Plan
from fproc.settings import Given
from fproc.stdout import keep_for_results, say

log = logging.getLogger("fproc")


def run(arguments: Namespace) -> int:
    """Do what is asked for; gives the exit status."""
    keep_for_results()
    given = settings.gather(arguments.config, os.environ)
    _set_up_log(arguments, given)
    plan = _plan(arguments, given)
    log.debug("configuration in force: %s", json.dumps(to_json(plan.config)))
    if arguments.graph:
        return graph(plan, arguments.graph)
    if arguments.check:
        return check(plan)
    if arguments.input:
        return process_inputs(plan, arguments)
    return watch(plan, arguments)


def _set_up_log(arguments: Namespace, given: Given) -> None:
    """Send the log to standard error or to `--log-file`."""
    level = logging.DEBUG if arguments.debug else logging.WARNING if arguments.quiet else logging.INFO
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    form = arguments.log_format or given.log_format() or "text"
    path = arguments.log_file or given.variable(settings.LOG_FILE)
    logs.set_up(level=level, form=form, path=path, colour=colour)


def graph(plan: Plan, form: str) -> int:
    """Draw the pipeline."""
    say(drawing.draw(plan.graph, form))
    return EXIT_OK


def check(plan: Plan) -> int:
    """Check configuration and plugins, run the examples, print a summary."""
    problems = examples.failures(plan)
    if problems:
        raise ConfigError(problems)
    config = plan.config
    count = len(config.examples)
    say(f"configuration: ok, {counted(len(config.nodes), 'node')}, {counted(count, 'example')} passed")
    say(f"watched folder: {shown(config.watch_dir)}")
    say(f"results: {shown(config.results_dir)}")
    say(f"lines enter at: {', '.join(plan.graph.entries)}")
    for name in plan.graph.unreachable():
        say(f"warning: no line can reach the node {name!r}")
    say(drawing.draw(plan.graph, "text"))
    return EXIT_OK


def process_inputs(plan: Plan, arguments: Namespace) -> int:
    """Process files where they are."""
    from fproc import oneshot  # noqa: PLC0415 - not for --watch

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    to = oneshot.destination(plan, arguments.input, arguments.output)
    bars = sys.stderr.isatty() and not arguments.quiet and not arguments.trace
    well = oneshot.process_inputs(plan, arguments.input, to, observer=_tracer(arguments), bars=bars)
    return EXIT_OK if well else EXIT_FILE_FAILED


def watch(plan: Plan, arguments: Namespace) -> int:
    """Process files as they land. With `--drain`, a job for cron, there is no dashboard."""
    from fproc.metrics import Metrics  # noqa: PLC0415 - not for --input
    from fproc.spool import Spool  # noqa: PLC0415
    from fproc.watch import Watcher  # noqa: PLC0415

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


def _plan(arguments: Namespace, given: Given) -> Plan:
    flags = {
        "--watch-dir": arguments.watch_dir,
        "--results-dir": arguments.results_dir,
        "--workers": arguments.workers,
        "--host": arguments.host,
        "--port": arguments.port,
    }
    return settings.load_plan(given, flags, mode=arguments.mode, with_mode=bool(arguments.input))


def _tracer(arguments: Namespace) -> Observer | None:
    if not arguments.trace:
        return None
    from fproc.trace import Tracer  # noqa: PLC0415

    return Tracer(sys.stderr)
