"""W3: a backlog that is waiting when fproc starts."""

from __future__ import annotations

import time

from bench import small, trees
from bench.measure import Say
from bench.report import Report, Spread, goal
from bench.scratch import Scratch
from bench.services import Place, Service, ServiceError, fproc, running
from bench.settings import Settings
from bench.workloads import small_files

SAMPLE_SECONDS = 0.2
"""Seconds between samples of memory."""

LIMIT_SECONDS = 1800.0
ROUNDS = 3
"""More are not run: a backlog takes long."""

SLOW_SECONDS = 180.0
"""A backlog that took longer is not tried again."""


def measure(settings: Settings, scratch: Scratch, say: Say) -> Report:
    """Let fproc work off the backlog, in turn with W2, and compare the files/s of both."""
    service = fproc(settings)
    report = Report(
        f"W3: {settings.backlog} files waiting before the start",
        ("program", "files/s", "min..max", "files", "peak Pss MB", "right"),
    )
    runs: dict[str, list[small.Run]] = {"fproc, W2": [], "fproc, W3": []}
    rounds = min(settings.rounds, ROUNDS)
    try:
        for number in range(rounds):
            say(f"W3, round {number + 1} of {rounds}")
            runs["fproc, W2"].append(small.run_once(service, settings.files, scratch))
            runs["fproc, W3"].append(_run_once(service, settings.backlog, scratch))
            if runs["fproc, W3"][-1].seconds > SLOW_SECONDS:
                break
    except ServiceError as error:
        report.failed(service.name, str(error))
        return report
    rates = {}
    for name, program_runs in runs.items():
        rate = Spread.of([run.rate for run in program_runs])
        rates[name] = rate.median
        same = all(run.same for run in program_runs)
        memory_mb = max(run.memory_mb for run in program_runs)
        report.ok = report.ok and same
        report.add(
            name,
            *rate.cells(0),
            str(program_runs[0].files),
            f"{memory_mb:.1f}",
            "yes" if same else "NO",
            files_per_second=[run.rate for run in program_runs],
            files=program_runs[0].files,
            peak_pss_mb=memory_mb,
            same=same,
        )
    report.notes += [
        goal("files/s, W3 / W2", rates["fproc, W3"] / rates["fproc, W2"], 0.9, at_least=True),
        goal("memory", memory_mb, 100, " MB"),
        "W3 has the start of fproc in its time; memory is that of all processes, 5 times a second",
    ]
    return report


def _run_once(service: Service, count: int, scratch: Scratch) -> small.Run:
    scratch.need(count * small.BYTES_PER_FILE)
    place = Place(scratch.fresh("backlog"))
    files = list(small_files(count))
    place.prepare(files)
    place.drop(files)
    scratch.rest()
    begin = time.perf_counter()
    peak_mb, next_look = 0.0, begin
    with running(service, place) as run:

        def look() -> None:
            nonlocal peak_mb, next_look
            if time.perf_counter() >= next_look:
                next_look = time.perf_counter() + SAMPLE_SECONDS
                peak_mb = max(peak_mb, trees.memory(trees.members(run.pids)).pss_mb)

        seconds = run.wait(files, seconds=LIMIT_SECONDS, meanwhile=look) - begin
        next_look = 0.0
        look()
        cpu_seconds = trees.cpu_seconds(trees.members(run.pids))
    same = service.check(place, files)
    scratch.done(place.folder)
    return small.Run(len(files), seconds, cpu_seconds, peak_mb, same)
