"""W3: a backlog that is waiting when fproc starts."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench import small, trees
from bench.measure import Say
from bench.report import Report, Spread, goal
from bench.scratch import Scratch
from bench.services import FPROC, Place, Service, ServiceError, fproc, fproc_before, running
from bench.settings import Settings
from bench.workloads import small_files

SAMPLE_SECONDS = 0.2
"""Seconds between samples of memory."""

LIMIT_SECONDS = 1800.0
ROUNDS = 3
"""More are not run: a backlog takes long."""

SLOW_SECONDS = 180.0
"""A backlog that took longer is not tried again."""

FIRST_SECONDS = 2.0
"""The goal for the first result of a million waiting files."""


@dataclass(slots=True)
class _Watched:
    """A run over a backlog that is looked at from outside.

    Attributes:
        begin: when fproc was started, on `perf_counter`.
        results: the folder of the results.
        pids: the processes that were started.
        first_seconds: seconds from the start to the first result; 0 until it is there.
        first_cpu_seconds: what all processes had used by then.
        peak_mb: the most memory that all processes had together.
        next_sample: when memory is looked at again.
    """

    begin: float
    results: Path
    pids: list[int]
    first_seconds: float = 0.0
    first_cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    next_sample: float = 0.0

    def look(self) -> None:
        """Note the first result, and how much memory there is in use."""
        now = time.perf_counter()
        if not self.first_seconds and _has_result(self.results):
            self.first_seconds = now - self.begin
            self.first_cpu_seconds = trees.cpu_seconds(trees.members(self.pids))
        if now >= self.next_sample:
            self.next_sample = now + SAMPLE_SECONDS
            self.peak_mb = max(self.peak_mb, trees.memory(trees.members(self.pids)).pss_mb)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over the backlog, and when its first result was there."""

    run: small.Run
    first_seconds: float
    first_cpu_seconds: float


def measure(settings: Settings, scratch: Scratch, say: Say) -> Report:
    """Let fproc work off the backlog, in turn with W2, and compare the files/s of both."""
    report = Report(
        f"W3: {settings.backlog} files waiting before the start",
        (
            "program",
            "files/s",
            "min..max",
            "files",
            "first result s",
            "CPU s by then",
            "peak Pss MB",
            "right",
        ),
    )
    warm: list[small.Run] = []
    services = [fproc(settings), *fproc_before(settings)]
    runs: dict[str, list[_Run]] = {service.name: [] for service in services}
    rounds = min(settings.rounds, ROUNDS)
    try:
        for number in range(rounds):
            say(f"W3, round {number + 1} of {rounds}")
            warm.append(small.run_once(services[0], settings.files, scratch))
            for service in services:
                if all(done.run.seconds <= SLOW_SECONDS for done in runs[service.name]):
                    runs[service.name].append(_run_once(service, settings.backlog, scratch))
    except ServiceError as error:
        report.failed(services[0].name, str(error))
        return report
    warm_rate = _add(report, "fproc, W2", warm, [])
    for service in services:
        rate = _add(
            report, f"{service.name}, W3", [done.run for done in runs[service.name]], runs[service.name]
        )
        if service.name == FPROC:
            report.notes.append(goal("files/s, W3 / W2", rate / warm_rate, 0.9, at_least=True))
    own = runs[FPROC]
    report.notes += [
        goal("memory", max(done.run.memory_mb for done in own), 100, " MB"),
        goal("first result", Spread.of([done.first_seconds for done in own]).median, FIRST_SECONDS, " s"),
        "W3 has the start of fproc in its time; memory is that of all processes, 5 times a second",
    ]
    return report


def _add(report: Report, name: str, runs: list[small.Run], backlogs: list[_Run]) -> float:
    """Add a row, and return the median of the files/s."""
    rate = Spread.of([run.rate for run in runs])
    same = all(run.same for run in runs)
    memory_mb = max(run.memory_mb for run in runs)
    first_seconds = [done.first_seconds for done in backlogs]
    first_cpu_seconds = [done.first_cpu_seconds for done in backlogs]
    report.ok = report.ok and same
    report.add(
        name,
        *rate.cells(0),
        str(runs[0].files),
        *(f"{Spread.of(s).median:.2f}" if s else "-" for s in (first_seconds, first_cpu_seconds)),
        f"{memory_mb:.1f}",
        "yes" if same else "NO",
        files_per_second=[run.rate for run in runs],
        files=runs[0].files,
        first_result_seconds=first_seconds,
        first_result_cpu_seconds=first_cpu_seconds,
        peak_pss_mb=memory_mb,
        same=same,
    )
    return rate.median


def _run_once(service: Service, count: int, scratch: Scratch) -> _Run:
    scratch.need(count * small.BYTES_PER_FILE)
    place = Place(scratch.fresh("backlog"))
    files = list(small_files(count))
    place.prepare(files)
    place.drop(files)
    scratch.rest()
    begin = time.perf_counter()
    with running(service, place) as run:
        watched = _Watched(begin, place.results, run.pids)
        seconds = run.wait(files, seconds=LIMIT_SECONDS, meanwhile=watched.look) - begin
        watched.next_sample = 0.0
        watched.look()
        cpu_seconds = trees.cpu_seconds(trees.members(run.pids))
    same = service.check(place, files)
    scratch.done(place.folder)
    measured = small.Run(len(files), seconds, cpu_seconds, watched.peak_mb, same)
    return _Run(measured, watched.first_seconds, watched.first_cpu_seconds)


def _has_result(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(not entry.name.startswith(".") for entry in entries)
