"""W4: what fproc uses while it has nothing to do, and how long it takes to start."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import trees
from bench.measure import Say
from bench.report import Report, Spread, goal
from bench.scratch import Scratch
from bench.services import (
    WARM_FILES,
    WARM_SECONDS,
    Place,
    Service,
    ServiceError,
    fproc_command,
    running,
    start,
    stop,
)
from bench.settings import PIPELINES, Settings
from bench.workloads import small_files, small_result

STARTS = 10
"""The timed starts of each kind, after one that is not timed."""

LIMIT_SECONDS = 10.0
SETTLE_SECONDS = 3.0
_HEALTHY = b"HTTP/1.1 200", b"HTTP/1.0 200"


def measure(settings: Settings, scratch: Scratch, say: Say) -> Report:
    """Start fproc in each way, let it idle, and report."""
    report = Report("W4: starting and idling", ("program", "median", "min..max", "unit"))
    say(f"W4: idling for {settings.idle_seconds:.0f} s")
    try:
        _idle(settings, scratch, report)
    except ServiceError as error:
        report.failed("fproc, idle", str(error))
    say("W4: starting")
    _start(report, "python -c pass, to its end", lambda: _nothing(settings))
    once = _start(report, "--input, exec to result", lambda: _input(settings, scratch))
    watch = _start(report, "--watch, exec to result of a waiting file", lambda: _watch(settings, scratch))
    if settings.pyz.exists():
        health = _start(report, "fproc.pyz, exec to /health", lambda: _health(settings, scratch))
    else:
        report.missing("fproc.pyz, exec to /health", "not built: make pyz")
        health = None
    for what, milliseconds, limit in (
        ("--input", once, 120),
        ("--watch", watch, 120),
        ("fproc.pyz to /health", health, 200),
    ):
        if milliseconds is not None:
            report.notes.append(goal(what, milliseconds, limit, " ms"))
    return report


def _idle(settings: Settings, scratch: Scratch, report: Report) -> None:
    """Report CPU and memory of a parent with its dashboard and two workers that have all had files."""
    service = Service(
        "fproc, idle",
        lambda place: [[*fproc_command(settings, place, "power"), "--workers", "2", "--port", "0"]],
        small_result,
    )
    place = Place(scratch.fresh("idle"))
    files = list(small_files(WARM_FILES))
    place.prepare(files)
    with running(service, place) as run:
        place.drop(files)
        run.wait(files, seconds=WARM_SECONDS)
        time.sleep(SETTLE_SECONDS)
        everyone = trees.members(run.pids)
        begin, cpu_before = time.perf_counter(), trees.cpu_seconds(everyone)
        time.sleep(settings.idle_seconds)
        cpu_seconds, seconds = trees.cpu_seconds(everyone) - cpu_before, time.perf_counter() - begin
        memory = trees.memory(everyone)
    report.ok = report.ok and service.check(place, files)
    percent = cpu_seconds / seconds * 100
    report.add(
        "idle, all processes", f"{percent:.3f}", "", "% of a core", idle_percent=percent, seconds=seconds
    )
    what = f"memory, {len(everyone)} processes"
    report.add(what, f"{memory.pss_mb:.1f}", "", "MB (Pss)", pss_mb=memory.pss_mb, processes=len(everyone))
    report.add(what, f"{memory.rss_mb:.1f}", "", "MB (RSS)", rss_mb=memory.rss_mb, processes=len(everyone))
    report.notes.append(goal("idle", percent, 0.1, " %"))
    report.notes.append(goal("memory, Pss", memory.pss_mb, 70, " MB"))


def _start(report: Report, name: str, once: Callable[[], float]) -> float | None:
    """Time a start several times; return the median in milliseconds, or None if it failed."""
    try:
        once()
        milliseconds = [once() * 1e3 for _ in range(STARTS)]
    except ServiceError as error:
        report.failed(name, str(error))
        return None
    spread = Spread.of(milliseconds)
    report.add(name, *spread.cells(1), "ms", milliseconds=milliseconds)
    return spread.median


def _nothing(settings: Settings) -> float:
    begin = time.perf_counter()
    subprocess.run([settings.python, "-c", "pass"], check=True)
    return time.perf_counter() - begin


def _input(settings: Settings, scratch: Scratch) -> float:
    place = Place(scratch.fresh("start"))
    name, data = _one_file(place.aside)
    config = str(PIPELINES / "small.json")
    command = [settings.python, "-m", "fproc", "--input", str(place.aside / name), "--config", config]
    return _to_result([*command, "--output", f"{place.results}/", "--quiet"], place, name, data)


def _watch(settings: Settings, scratch: Scratch) -> float:
    place = Place(scratch.fresh("start"))
    name, data = _one_file(place.unprocessed)
    return _to_result([*fproc_command(settings, place, "power"), "--port", "0"], place, name, data)


def _health(settings: Settings, scratch: Scratch) -> float:
    place = Place(scratch.fresh("start"))
    with socket.create_server(("127.0.0.1", 0)) as free_socket:
        port = free_socket.getsockname()[1]
    _, _, _, *options = fproc_command(settings, place, "power")
    command = [settings.python, str(settings.pyz), "--watch", *options, "--port", str(port)]
    return _until(command, place, lambda: _is_healthy(port))


def _one_file(folder: Path) -> tuple[str, bytes]:
    ((name, data),) = small_files(1)
    (folder / name).write_bytes(data)
    return name, data


def _to_result(command: Sequence[str], place: Place, name: str, data: bytes) -> float:
    result = place.results / name
    path = str(result)
    seconds = _until(command, place, lambda: os.path.exists(path))
    if result.read_bytes() != small_result(data):
        raise ServiceError("the result is wrong")
    return seconds


def _until(command: Sequence[str], place: Place, is_there: Callable[[], bool]) -> float:
    """Return the seconds from starting a command until something is there, polled without a pause.

    Raises:
        ServiceError: it is false for `LIMIT_SECONDS`.
    """
    begin = time.perf_counter()
    process = start(command, place)
    try:
        while not is_there():
            if time.perf_counter() > begin + LIMIT_SECONDS:
                raise ServiceError(f"not there after {LIMIT_SECONDS:.0f} s")
        return time.perf_counter() - begin
    finally:
        stop(process)


def _is_healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(1024).startswith(_HEALTHY)
    except OSError:
        return False
