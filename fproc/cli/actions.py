"""What each action of the command line does, once its arguments are understood."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from fproc.base.errors import EXIT_FILE_FAILED, EXIT_OK, ConfigError
from fproc.base.own_code import build_id
from fproc.base.stdout import complain, keep_for_results, say
from fproc.base.text import counted, shown
from fproc.cli import logs, settings
from fproc.cli.check import failed_examples
from fproc.cli.draw import draw
from fproc.cli.settings import Given
from fproc.config.model import Config, to_log
from fproc.pipeline import advice
from fproc.pipeline.plan import Plan
from fproc.process.children import expect_signals
from fproc.spool.layout import Folders, check_places

if TYPE_CHECKING:
    from fproc.process.worker_process import WorkerProcess

log = logging.getLogger("fproc")


def run_action(arguments: Namespace) -> int:
    """Do what is asked for; gives the exit status."""
    keep_for_results()
    expect_signals()
    build_id()
    if arguments.watch:
        with _first_worker() as first:
            return _run(arguments, first)
    return _run(arguments, None)


def _run(arguments: Namespace, first: WorkerProcess | None) -> int:
    if arguments.status or arguments.doctor or arguments.why is not None or arguments.retry is not None:
        return operate(arguments)
    given = settings.gather(arguments.config, os.environ)
    set_up_log = _log_set_up(arguments, given)
    set_up_log()
    plan = settings.load_plan(given, _flags(arguments), mode=arguments.mode, with_mode=bool(arguments.input))
    log.debug("configuration in force: %s", json.dumps(to_log(plan.config)))
    if arguments.graph:
        return graph(plan, arguments.graph)
    if arguments.check:
        return check(plan, given)
    for warning in settings.doubts(given, is_file_wanted=not arguments.mode):
        log.warning(warning)
    if arguments.input:
        return process_files(plan, arguments)
    return watch(plan, arguments, given, set_up_log, first)


@contextmanager
def _first_worker() -> Iterator[WorkerProcess | None]:
    """A worker that is there before its work is known: forked, while this process has nothing but modules."""
    from fproc.process.worker_process import WorkerProcess  # noqa: PLC0415
    from fproc.watch import worker  # noqa: PLC0415 - not for --input

    try:
        first = WorkerProcess.forked(worker.serve_tasks)
    except OSError:
        yield None  # what the system refuses is told once there is work
        return
    try:
        yield first
    finally:
        first.end()


def _log_set_up(arguments: Namespace, given: Given) -> Callable[[], None]:
    """How to send the log to standard error or to `--log-file`, here and in workers."""
    level = logging.DEBUG if arguments.debug else logging.WARNING if arguments.quiet else logging.INFO
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    form = arguments.log_format or given.log_format() or "text"
    path = arguments.log_file or given.variable(settings.LOG_FILE)
    return partial(logs.set_up, level=level, form=form, path=path, colour=colour)


def operate(arguments: Namespace) -> int:
    """Answer an operator's question, or put failed files back, whatever is wrong with the configuration."""
    from fproc.cli import operate  # noqa: PLC0415 - not for --input

    given = settings.gather_leniently(arguments.config, os.environ)
    _log_set_up(arguments, given)()
    config, problems = settings.operating_config(given, _flags(arguments))
    if problems:
        more = f"; and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else ""
        complain(f"warning: {problems[0]}{more}; asking about {shown(config.watch_dir)} nevertheless")
    if arguments.status:
        return operate.status(config, as_json=arguments.json)
    if arguments.why is not None:
        return operate.why(config, arguments.why)
    if arguments.retry is not None:
        return operate.retry(config, arguments.retry, everything=arguments.all)
    return operate.doctor(config)


def graph(plan: Plan, form: str) -> int:
    """Draw the pipeline."""
    say(draw(plan.graph, form))
    return EXIT_OK


def check(plan: Plan, given: Given) -> int:
    """Check configuration and plugins, run the examples, print a summary and what looks like a mistake."""
    check_places(Folders(plan.config.watch_dir, plan.config.results_dir))
    problems = failed_examples(plan)
    if problems:
        raise ConfigError(problems)
    config = plan.config
    count = len(config.examples)
    say(f"configuration: ok, {counted(len(config.nodes), 'node')}, {counted(count, 'example')} passed")
    say(f"configuration file: {settings.pipeline_file(given)}")
    say(f"watched folder: {shown(config.watch_dir)}")
    say(f"results: {shown(config.results_dir)}")
    say(f"lines enter at: {', '.join(plan.graph.entries)}")
    for entry in plan.graph.entries:
        why = plan.why_interpreted(entry)
        say(f"lines from {entry!r} on are " + (f"interpreted, which is slow: {why}" if why else "compiled"))
    open_doors = settings.open_doors(given, config.dashboard)
    for warning in (*settings.doubts(given), *open_doors, *advice.configuration_warnings(plan)):
        say(f"warning: {warning}")
    say(draw(plan.graph, "text"))
    return EXIT_OK


def process_files(plan: Plan, arguments: Namespace) -> int:
    """Process files where they are."""
    from fproc.cli.input import destination, process_inputs  # noqa: PLC0415 - not for --watch
    from fproc.telemetry.printer import tracer  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    to = destination(plan, arguments.input, arguments.output)
    bars = sys.stderr.isatty() and not arguments.quiet and not arguments.trace
    observer = tracer(is_wanted=arguments.trace)
    helpers = _worker_count(plan.config) - 1
    well = process_inputs(plan, arguments.input, to, observer=observer, bars=bars, helpers=helpers)
    return EXIT_OK if well else EXIT_FILE_FAILED


def watch(
    plan: Plan,
    arguments: Namespace,
    given: Given,
    set_up_log: Callable[[], None],
    first: WorkerProcess | None,
) -> int:
    """Process files as they land. With `--drain`, a job for cron, there is no dashboard."""
    from fproc.cli.watch import Options, Service  # noqa: PLC0415 - not for --input

    has_dashboard = not (arguments.drain or arguments.no_dashboard)
    service = Service(
        plan,
        Options(
            workers=_worker_count(plan.config),
            set_up_log=set_up_log,
            is_traced=arguments.trace,
            first=first,
            has_dashboard=has_dashboard,
            token=settings.token(given, plan.config.dashboard) if has_dashboard else None,
        ),
    )
    if arguments.drain:
        return EXIT_OK if service.drain() else EXIT_FILE_FAILED
    log.info("configuration: %s", settings.pipeline_file(given))  # not for cron, which mails what is said
    service.watch()
    return EXIT_OK


def _flags(arguments: Namespace) -> dict[str, str | None]:
    """Return what the flags say that settings may come from."""
    flags = [setting.key.flag.name for setting in settings.GIVEN_OUTSIDE if setting.key.flag.name]
    return {flag: getattr(arguments, flag[2:].replace("-", "_")) for flag in flags}


def _worker_count(config: Config) -> int:
    """How many workers there are: by default, one for each processor that this process may use."""
    if isinstance(config.workers, int):
        return config.workers
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
