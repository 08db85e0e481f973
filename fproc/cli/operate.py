"""An operator's commands on a spool: its status, why a file waits, failed files back to work."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fproc import __version__
from fproc.base.errors import EXIT_FILE_FAILED, EXIT_OK, InputError, UsageError, reason_of
from fproc.base.stdout import say
from fproc.base.text import counted, nearest, shown
from fproc.base.times import rfc3339
from fproc.config.model import Config
from fproc.pipeline.failures import left_out_text
from fproc.run.outcome import KINDS
from fproc.spool.checks.condition import disks
from fproc.spool.checks.doctor import Rating, examine, render_findings
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.format import refuse_newer
from fproc.spool.intake.requeue import failed_inputs, put_back_all
from fproc.spool.intake.status import SpoolStatus, is_input
from fproc.spool.layout import Folders, history_of, prepare
from fproc.spool.output.intents import is_place
from fproc.telemetry.health import judge
from fproc.telemetry.history.history import History
from fproc.telemetry.recorder import open_history

EVENTS = 20
"""How many of a file's last events are printed."""

HINTED = 10_000
"""Among how many names at most a similar one is searched for."""


def status(config: Config, *, as_json: bool) -> int:
    """Print how many inputs are in each state, which are in work, and whether all is well."""
    spool_status = spool_status_there(config)
    value = _status(config, spool_status)
    exit_status = EXIT_OK if value["health"]["status"] == "ok" else EXIT_FILE_FAILED
    if as_json:
        say(json.dumps(value))
        return exit_status
    say(f"{shown(config.watch_dir)}: {value['health']['status']}")
    for trouble in value["health"]["troubles"]:
        say(f"  {trouble}")
    say("  ".join(f"{state} {number}" for state, number in value["counts"].items()))
    for current in value["current"]:
        left_out = left_out_text(current.get("rejected") or 0, current.get("skipped") or 0)
        lines = counted(current["lines"], "line") + (f", {left_out}" if left_out else "")
        say(f"  {shown(current['file'])}: {lines}, since {current['started']}")
    for waiting_file in value["waiting"]:
        say(f"  {shown(waiting_file['file'])}: tried again at {waiting_file['not_before']}")
    for instance in value["instances"]:
        say(f"running: {instance['host']} pid {instance['pid']}, since {instance['started']}")
    if any(value["totals"].values()):
        say("so far: " + "  ".join(f"{name} {number}" for name, number in value["totals"].items()))
    return exit_status


def why(config: Config, path: str) -> int:
    """Print where an input is, and why it is not processed yet."""
    spool_status = spool_status_there(config)
    place, name = spool_status.located(path)
    entries = spool_status.why(name, place)
    if not entries:
        hint = _hint(spool_status, name, place)
        here = os.path.join(config.watch_dir, place) if place else config.watch_dir
        raise InputError(f"{shown(name)}: no such file in {shown(here)}" + (f"; {hint}" if hint else ""))
    for entry in entries:
        say(f"{entry.place}/{shown(entry.name)}: {entry.why}")
    with history_there(spool_status, config) as history:
        for row in history.timeline(name, EVENTS) if history else []:
            event = row.event
            what = ": " + shown(event.error) if event.error else ""
            attempt = f", attempt {event.attempt}" if event.kind in KINDS.values() else ""
            client = f" by {event.client}" if event.client else ""
            left_out = left_out_text(event.rejected, event.skipped)
            left_out = f", {left_out}" if left_out else ""
            appended = "".join(f", {shown(place)}" for place in event.results if is_place(place))
            say(f"  {rfc3339(event.time)} {event.kind}{client}{attempt}{left_out}{appended}{what}")
    return EXIT_OK


def _hint(spool_status: SpoolStatus, name: str, place: str) -> str:
    """Return where a missing file may be, or what it may be called, or ""."""
    elsewhere = spool_status.why(name) if place else []
    if elsewhere:
        return "there is " + ", ".join(f"{entry.place}/{shown(entry.name)}" for entry in elsewhere)
    folders = [spool_status.folders.within(place)] if place else spool_status.folders.inputs()
    names = [entry for folder in folders if os.path.isdir(folder) for entry in os.listdir(folder)]
    return nearest(name, names) if len(names) < HINTED else ""  # more comparisons take seconds


def retry(config: Config, names: list[str], *, everything: bool) -> int:
    """Put inputs that failed or lost lines back to work; one that cannot be does not stop the others."""
    if bool(names) == everything:
        raise UsageError(
            "--retry needs the names of files in failed/ or processed/, or --all for failed ones"
        )
    spool_status = spool_status_there(config)
    refuse_newer(spool_status.folders.watch, spool_status.folders.state)
    disk = Disk(power=config.durability == "power")
    failed_names = spool_status.names(spool_status.folders.failed)
    located_names, strays = _named(spool_status, names)
    inputs = [
        name for name in located_names if name not in failed_names or is_input(name, failed_names)
    ]  # `failed/*` has reports
    names_to_retry = failed_inputs(spool_status) if everything else inputs
    _, refusals = put_back_all(config, disk, names_to_retry)
    for stray in strays:
        say(stray)
    for name in names_to_retry:
        why = refusals.get(name)
        say(f"{shown(name)}: " + ("put back into unprocessed/" if why is None else reason_of(why)))
    if not (names_to_retry or strays):
        say("there are no failed files")
    return EXIT_FILE_FAILED if refusals or strays else EXIT_OK


def _named(spool_status: SpoolStatus, paths: list[str]) -> tuple[list[str], list[str]]:
    """Return the names of inputs that paths mean, and a message for each path that means none."""
    names, strays = [], []
    for path in paths:
        try:
            place, name = spool_status.located(path)
        except InputError as error:
            strays.append(str(error))
            continue
        if place in {"", "failed", "processed"}:
            names.append(name)
        else:
            strays.append(f"{place}/{shown(name)}: --retry is for files in failed/ and processed/")
    return names, strays


def doctor(config: Config) -> int:
    """Find out and print what the folders' filesystems can do."""
    folders = Folders(config.watch_dir, config.results_dir)
    prepare(folders, Disk(power=config.durability == "power"))
    findings = examine(folders)
    say(render_findings(findings))
    return EXIT_FILE_FAILED if any(finding.verdict is Rating.BAD for finding in findings) else EXIT_OK


def spool_status_there(config: Config) -> SpoolStatus:
    """Return what answers questions about a spool.

    Raises:
        InputError: there is no such folder.
    """
    if not os.path.isdir(config.watch_dir):
        raise InputError(
            f"there is no folder {shown(config.watch_dir)}; --watch makes it, --watch-dir names another"
        )
    return SpoolStatus(config)


@contextmanager
def history_there(
    spool_status: SpoolStatus, config: Config, *, clock: Callable[[], float] = time.time
) -> Iterator[History | None]:
    """Yield the history, or None if there is none yet."""
    if not os.path.isfile(history_of(spool_status.folders)):
        yield None
        return
    history = open_history(spool_status.folders, config.retention, clock=clock)
    try:
        yield history
    finally:
        history.close()


def _status(config: Config, spool_status: SpoolStatus) -> dict[str, Any]:
    running = spool_status.instances()
    health = judge([instance.facts for instance in running], disks(spool_status.folders))
    with history_there(spool_status, config) as history:
        totals = history.totals() if history else {}
    return {
        "version": __version__,
        "watch_dir": shown(config.watch_dir),
        "counts": spool_status.counts(),
        "current": [
            _current(entry, spool_status)
            for instance in running
            for entry in instance.state.get("current", ())
        ],
        "waiting": spool_status.waiting(),
        "health": {"status": health.status, "troubles": health.troubles(), "checks": health.checks},
        "totals": totals,
        "instances": [
            {"host": instance.host, "pid": instance.pid, "started": instance.state.get("started")}
            for instance in running
        ],
    }


def _current(entry: Mapping[str, Any], spool_status: SpoolStatus) -> dict[str, Any]:
    size_bytes = spool_status.size_bytes(entry["file"])
    return dict(entry) if size_bytes is None else {**entry, "total_bytes": size_bytes}
