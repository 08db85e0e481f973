"""The functions of the command line's actions, called with parsed arguments; `main.ACTIONS` names them."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from fproc.base.errors import EXIT_FILE_FAILED, EXIT_OK, ConfigError, UsageError
from fproc.base.own_code import build_id, importing
from fproc.base.stdout import complain, keep_for_results, say
from fproc.base.text import counted, shown
from fproc.base.values import dataclass
from fproc.cli import logs, settings
from fproc.cli.arguments.options import LOG_FILE_VARIABLE, Arguments, options_again, value_of
from fproc.cli.settings import Given
from fproc.config.model import Config, to_log
from fproc.pipeline.plan import Plan
from fproc.process.signals import expect_signals
from fproc.spool.layout import Folders, check_places

if TYPE_CHECKING:
    from fproc.process.worker_process import WorkerProcess

log = logging.getLogger("fproc")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The pipeline, and the settings, of an action that needs one."""

    plan: Plan
    given: Given
    set_up_log: Callable[[], None]


def watch(arguments: Arguments) -> int:
    """Process files as they land. With `--drain`, a job for cron, there is no dashboard."""
    _begin()
    environ = settings.take_environment()
    with _first_worker() as first:
        work = _prepared(arguments, environ)
        _warn(work, arguments)
        return _serve(work, arguments, first, environ)


def process_files(arguments: Arguments) -> int:
    """Process files where they are."""
    work = _prepared(arguments)
    _warn(work, arguments)
    with importing():
        from fproc.cli.input import destination, process_inputs  # noqa: PLC0415 - not for --watch
        from fproc.telemetry.printer import tracer  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    plan = work.plan
    results_to = destination(plan, arguments.input, arguments.output)
    bars = sys.stderr.isatty() and not arguments.quiet and not arguments.trace
    observer = tracer(is_wanted=arguments.trace)
    helpers = _worker_count(plan.config) - 1
    is_well = process_inputs(plan, arguments.input, results_to, observer=observer, bars=bars, helpers=helpers)
    return EXIT_OK if is_well else EXIT_FILE_FAILED


def graph(arguments: Arguments) -> int:
    """Draw the pipeline."""
    from fproc.cli.design.draw import draw  # noqa: PLC0415 - each action imports what others do without

    say(draw(_prepared(arguments).plan.graph, arguments.graph))
    return EXIT_OK


def check(arguments: Arguments) -> int:
    """Check configuration and plugins, run the examples, print a summary and what looks like an error."""
    from fproc.cli.design.check import failed_examples, why_not_chunked  # noqa: PLC0415
    from fproc.cli.design.draw import draw  # noqa: PLC0415
    from fproc.cli.serving.tokens import open_doors  # noqa: PLC0415
    from fproc.pipeline import advice  # noqa: PLC0415

    work = _prepared(arguments)
    plan, config = work.plan, work.plan.config
    check_places(Folders(config.watch_dir, config.results_dir))
    problems = [*advice.unknown_fields(plan), *failed_examples(plan)]
    if problems:
        raise ConfigError(problems)
    count = len(config.examples)
    say(f"configuration: ok, {counted(len(config.nodes), 'node')}, {counted(count, 'example')} passed")
    say(f"configuration file: {settings.pipeline_file(work.given)}")
    say(f"watched folder: {shown(config.watch_dir)}")
    say(f"results: {shown(config.results_dir)}")
    say(f"lines enter at: {', '.join(plan.graph.entries)}")
    for entry in plan.graph.entries:
        why = plan.why_interpreted(entry)
        say(f"lines from {entry!r} on are " + (f"interpreted, which is slow: {why}" if why else "compiled"))
    unshared = [*plan.why_unshared(), *why_not_chunked(config)]
    who = f"one worker: {'; '.join(unshared)}" if unshared else "all workers that are free"
    say(f"a big file is done by {who}")
    doors = open_doors(work.given, config.dashboard)
    own = (*settings.doubts(work.given), *settings.replaced_nodes(work.given), *doors)
    for warning in (*own, *advice.configuration_warnings(plan)):
        say(f"warning: {warning}")
    say(draw(plan.graph, "text"))
    return EXIT_OK


def show_status(arguments: Arguments) -> int:
    """Print the states of all files."""
    from fproc.cli import operate  # noqa: PLC0415 - not for --input

    return operate.status(_operated(arguments), as_json=arguments.json)


def show_processors(arguments: Arguments) -> int:
    """Print the built-in processors, or the page of one."""
    from fproc.cli.design.builtin_pages import builtin_pages  # noqa: PLC0415

    _begin()
    say(builtin_pages(arguments.processors))
    return EXIT_OK


def show_schema(_arguments: Arguments) -> int:
    """Print the JSON Schema of `pipeline.json`."""
    from fproc.cli.design.json_schema import json_schema  # noqa: PLC0415

    _begin()
    say(json.dumps(json_schema(), indent=2))
    return EXIT_OK


def make_new_folder(arguments: Arguments) -> int:
    """Make a folder to begin with, and print what to do there."""
    from fproc.cli.design.new.folder import make_folder  # noqa: PLC0415

    _begin()
    say(make_folder(arguments.new, value_of(arguments, "--from")))
    return EXIT_OK


def explain(arguments: Arguments) -> int:
    """Print what becomes of one line, or of each line of standard input."""
    from fproc.cli.design.explain import print_explanations  # noqa: PLC0415

    print_explanations(_prepared(arguments).plan, arguments.explain, as_json=arguments.json)
    return EXIT_OK


def say_why(arguments: Arguments) -> int:
    """Print where a file is, and why it is not processed yet."""
    from fproc.cli import operate  # noqa: PLC0415

    return operate.why(_operated(arguments), arguments.why)


def put_back(arguments: Arguments) -> int:
    """Put files back into `unprocessed/`."""
    from fproc.cli import operate  # noqa: PLC0415

    return operate.retry(_operated(arguments), arguments.retry, everything=arguments.all)


def show_history(arguments: Arguments) -> int:
    """Print what happened."""
    from fproc.cli.keeping import past  # noqa: PLC0415

    return past.print_history(
        _operated(arguments), arguments.history, arguments.pipeline or "", as_json=arguments.json
    )


def show_rejects(arguments: Arguments) -> int:
    """Print the lines that were set aside."""
    from fproc.cli.keeping import past  # noqa: PLC0415

    return past.print_rejects(_operated(arguments), arguments.rejects, as_json=arguments.json)


def export_history(arguments: Arguments) -> int:
    """Print the history for other programs."""
    from fproc.cli.keeping import past  # noqa: PLC0415

    return past.print_export(_operated(arguments), arguments.export_history, arguments.pipeline or "")


def prune(arguments: Arguments) -> int:
    """Remove what is not to be kept, or list it."""
    from fproc.cli.keeping import prune  # noqa: PLC0415

    return prune.prune_now(_operated(arguments), is_dry=arguments.dry_run)


def examine_folders(arguments: Arguments) -> int:
    """Find out what the folders' filesystems can do."""
    from fproc.cli import operate  # noqa: PLC0415

    return operate.doctor(_operated(arguments))


def print_install_file(arguments: Arguments) -> int:
    """Print a file to install fproc with."""
    from fproc.cli.install.installation import Installation, own_command  # noqa: PLC0415 - not for --input
    from fproc.cli.install.kinds import install_text  # noqa: PLC0415

    _begin()  # without a log: its file, and the folder of that, may not be there yet
    given = settings.gather(arguments.config, os.environ)
    plan = settings.load_plan(given, settings.given_flags(arguments), mode=None, with_mode=False)
    log_file = arguments.log_file or given.variable(LOG_FILE_VARIABLE)
    installation = Installation(
        own_command(),
        options_again(arguments, os.environ),
        plan.config,
        given.file.path,
        os.path.abspath(log_file) if log_file else "",
    )
    say(install_text(arguments.print, installation))
    return EXIT_OK


def write_sample_files(arguments: Arguments) -> int:
    """Write sample files."""
    if arguments.sample < 1:
        raise UsageError("--sample must be 1 or more")
    if arguments.output is None:
        raise UsageError("--sample needs --output DIR, the folder to write to")
    from fproc.cli.design.sample import SEED, write_samples  # noqa: PLC0415

    seed = SEED if arguments.seed is None else arguments.seed
    for path in write_samples(arguments.sample, arguments.output, arguments.shape or "logs", seed):
        print(path)
    return EXIT_OK


def _begin() -> None:
    """Prepare this process for work, before it has read anything."""
    keep_for_results()
    expect_signals()
    build_id()


def _prepared(arguments: Arguments, environ: Mapping[str, str] | None = None) -> _Prepared:
    """Set up the log, and return the pipeline that is in force; an environment that is not given is taken."""
    _begin()
    environ = settings.take_environment() if environ is None else environ
    given = settings.gather(arguments.config, environ)
    set_up_log = _log_set_up(arguments, given)
    set_up_log()
    flags = settings.given_flags(arguments)
    plan = settings.load_plan(
        given, flags, mode=arguments.mode, with_mode=bool(arguments.input or arguments.watch)
    )
    if log.isEnabledFor(logging.DEBUG):
        log.debug("configuration in force: %s", json.dumps(to_log(plan.config)))
    return _Prepared(plan, given, set_up_log)


def _warn(work: _Prepared, arguments: Arguments) -> None:
    """Log what looks like a mistyped file or variable."""
    for warning in settings.doubts(work.given, is_file_wanted=not arguments.mode):
        log.warning(warning)


def _operated(arguments: Arguments) -> Config:
    """Return the part of the configuration that an operator's questions need, whatever else is wrong."""
    _begin()
    given = settings.gather_leniently(arguments.config, os.environ)
    _log_set_up(arguments, given)()
    config, problems = settings.operating_config(given, settings.given_flags(arguments))
    if problems:
        more = f"; and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else ""
        complain(f"warning: {problems[0]}{more}; asking about {shown(config.watch_dir)} nevertheless")
    return config


@contextmanager
def _first_worker() -> Iterator[WorkerProcess | None]:
    """Yield a worker forked before its work is known, while this process holds nothing but modules."""
    with importing():
        from fproc.process.worker_process import WorkerProcess  # noqa: PLC0415
        from fproc.watch.workers import worker  # noqa: PLC0415 - not for --input

    try:
        first = WorkerProcess.forked(worker.serve_tasks)
    except OSError:
        yield None  # the error is reported once there is work
        return
    try:
        yield first
    finally:
        first.end()


def _log_set_up(arguments: Arguments, given: Given) -> Callable[[], None]:
    """Return a function that sends the log to standard error or `--log-file`, here and in workers."""
    level = logging.DEBUG if arguments.debug else logging.WARNING if arguments.quiet else logging.INFO
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    form = arguments.log_format or given.log_format() or "text"
    path = arguments.log_file or given.variable(LOG_FILE_VARIABLE)
    return partial(logs.set_up, level=level, form=form, path=path, colour=colour)


def _serve(
    work: _Prepared, arguments: Arguments, first: WorkerProcess | None, environ: Mapping[str, str]
) -> int:
    with importing():
        from fproc.cli.serving.reload import (  # noqa: PLC0415 - not for --input
            Call,
            loaded_version,
            start_loading,
        )
        from fproc.cli.serving.watch import Options, Service  # noqa: PLC0415

    has_dashboard = not (arguments.drain or arguments.no_dashboard)
    flags = settings.given_flags(arguments)
    call = Call(arguments.config, arguments.mode, flags, has_dashboard, environ)
    options = Options(
        workers=_worker_count,
        load=partial(start_loading, call),
        set_up_log=work.set_up_log,
        is_traced=arguments.trace,
        first=first,
        has_dashboard=has_dashboard,
    )
    service = Service(loaded_version(call, work.given, work.plan), options)
    if arguments.drain:
        return EXIT_OK if service.drain() else EXIT_FILE_FAILED
    log.info("configuration: %s", settings.pipeline_file(work.given))  # not for cron, which mails all output
    chosen = settings.chosen_mode(work.given, arguments.mode)
    if chosen:
        log.info("mode: %s, by %s, instead of the nodes of the configuration", chosen[1], chosen[0])
    service.watch()
    return EXIT_OK


def _worker_count(config: Config) -> int:
    """Return the number of workers: by default, one for each processor that this process may use."""
    if isinstance(config.workers, int):
        return config.workers
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
