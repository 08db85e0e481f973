"""W2: many small files at once, from the first rename to the last result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bench import trees
from bench.measure import SLOW_SECONDS, Say
from bench.report import Report, Spread, goal
from bench.scratch import Scratch
from bench.services import (
    BARE,
    BARE_POWER,
    BARE_POWER_TWO,
    BARE_TWO,
    FPROC,
    FPROC_POWER,
    WARM_SECONDS,
    Place,
    Service,
    ServiceError,
    bare,
    fproc,
    fproc_before,
    loggers,
    running,
    script,
)
from bench.settings import Settings

ARCHIVE_SECONDS = 0.2
"""Seconds in which a service may archive its last input, after the result is there."""

BYTES_PER_FILE = 3 * 4096
"""Room that a file may need: itself, its result, and the folders' entries."""


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of one run: wall and CPU seconds, MB of all processes at its end; and whether it was right."""

    files: int
    seconds: float
    cpu_seconds: float
    memory_mb: float
    same: bool

    @property
    def rate(self) -> float:
        """Return the files per second."""
        return self.files / self.seconds


@dataclass(slots=True)
class _Outcome:
    runs: list[Run] = field(default_factory=list)
    failure: str = ""

    def is_over(self) -> bool:
        return bool(self.failure) or any(run.seconds > SLOW_SECONDS for run in self.runs)

    def rate(self) -> float:
        return Spread.of([run.rate for run in self.runs]).median


def run_once(service: Service, count: int, scratch: Scratch) -> Run:
    """Let a service that is running and warm process `count` files.

    Raises:
        ServiceError: it failed.
    """
    scratch.need(count * BYTES_PER_FILE)
    place = Place(scratch.fresh("small"))
    warm, files = service.files(count)
    place.prepare([*warm, *files])
    scratch.rest()
    with running(service, place) as run:
        place.drop(warm)
        run.wait(warm, seconds=WARM_SECONDS)
        time.sleep(0.5)
        cpu_seconds = trees.cpu_seconds(trees.members(run.pids))
        begin = time.perf_counter()
        place.drop(files)
        seconds = run.wait(files) - begin
        everyone = trees.members(run.pids)
        cpu_seconds = trees.cpu_seconds(everyone) - cpu_seconds
        memory_mb = trees.memory(everyone).pss_mb
        time.sleep(ARCHIVE_SECONDS)
    same = service.check(place, [*warm, *files])
    scratch.done(place.folder)
    return Run(len(files), seconds, cpu_seconds, memory_mb, same)


def services(settings: Settings) -> list[Service]:
    """Return all services that are compared."""
    return [
        bare(settings, BARE, "process", 1),
        bare(settings, BARE_TWO, "process", 2),
        fproc(settings),
        *fproc_before(settings),
        bare(settings, BARE_POWER, "power", 1),
        bare(settings, BARE_POWER_TWO, "power", 2),
        fproc(settings, "power"),
        fproc(settings, appends=True),
        fproc(settings, "power", appends=True),
        script(settings, "watchfiles"),
        *loggers(),
    ]


def measure(settings: Settings, scratch: Scratch, say: Say) -> Report:
    """Let each service run once in each round, and report."""
    everyone = services(settings)
    outcomes = {service.name: _Outcome() for service in everyone if not service.missing}
    for number in range(settings.rounds):
        for service in everyone:
            if service.missing or outcomes[service.name].is_over():
                continue
            say(f"W2, round {number + 1} of {settings.rounds}: {service.name}")
            try:
                outcomes[service.name].runs.append(run_once(service, settings.files, scratch))
            except ServiceError as error:
                outcomes[service.name].failure = str(error)
    return _report(settings, scratch, everyone, outcomes)


def _report(
    settings: Settings, scratch: Scratch, everyone: list[Service], outcomes: dict[str, _Outcome]
) -> Report:
    columns = ("program", "files/s", "min..max", "files", "of bare loop", "CPU us/file", "Pss MB", "right")
    report = Report(f"W2: {settings.files} files of 20 lines, at once", columns)
    rates = {
        name: outcome.rate() for name, outcome in outcomes.items() if outcome.runs and not outcome.failure
    }
    for service in everyone:
        name = service.name
        if service.missing:
            report.missing(name, service.missing)
            continue
        if name not in rates:
            report.failed(name, outcomes[name].failure)
            continue
        runs = outcomes[name].runs
        same = all(run.same for run in runs)
        ratio = rates[name] / rates[service.reference] if service.reference in rates else None
        cpu = Spread.of([run.cpu_seconds / run.files * 1e6 for run in runs]).median
        memory_mb = max(run.memory_mb for run in runs)
        report.ok = report.ok and same
        report.add(
            name,
            *Spread.of([run.rate for run in runs]).cells(0),
            str(runs[0].files),
            f"{ratio:.2f}" if ratio is not None else "-",
            f"{cpu:.0f}",
            f"{memory_mb:.1f}",
            "yes" if same else "NO",
            files_per_second=[run.rate for run in runs],
            files=runs[0].files,
            of_bare_loop=ratio,
            cpu_microseconds_per_file=cpu,
            pss_mb=memory_mb,
            same=same,
        )
    for name, least_rate, reference in ((FPROC, 3000, BARE), (FPROC_POWER, 1500, BARE_POWER)):
        if name in rates:
            report.notes.append(goal(f"{name}, files/s", rates[name], least_rate, at_least=True))
        if name in rates and reference in rates:
            ratio = rates[name] / rates[reference]
            report.notes.append(goal(f"{name} / {reference}", ratio, 0.5, at_least=True))
    if not scratch.is_durable:
        report.notes.append(f"fsync does nothing on {scratch.filesystem}: power is the same as process here")
    report.notes.append("rsyslog and syslog-ng append to one file, move nothing and make nothing durable")
    return report
