"""W2's latency: one file at a time, from its rename to its result, while the service is idle."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from bench import trees
from bench.measure import Say
from bench.report import Report, Spread, goal, share
from bench.scratch import Scratch
from bench.services import (
    FPROC,
    FPROC_POWER,
    WARM_SECONDS,
    Place,
    Service,
    ServiceError,
    fproc,
    fproc_before,
    loggers,
    running,
    script,
)
from bench.settings import Settings

GAP_SECONDS = 0.020
"""The idle time between a result and the next file, on average: half of it is left to chance."""

LIMIT_SECONDS = 10.0
"""A file whose result takes longer has failed."""

ROUND_SECONDS = 20.0
"""A round ends after that, however few files it has had."""


@dataclass(slots=True)
class _Outcome:
    milliseconds: list[float] = field(default_factory=list)
    cpu_milliseconds: list[float] = field(default_factory=list)
    same: bool = True
    failure: str = ""


def measure(settings: Settings, scratch: Scratch, say: Say) -> Report:
    """Measure the latency of each service in each round, and report on all files together."""
    everyone = [
        fproc(settings),
        *fproc_before(settings),
        fproc(settings, "power"),
        script(settings, "watchfiles"),
        script(settings, "watchdog"),
        *loggers(),
    ]
    outcomes = {service.name: _Outcome() for service in everyone}
    for number in range(settings.rounds):
        for service in everyone:
            outcome = outcomes[service.name]
            if service.missing or outcome.failure:
                continue
            say(f"latency, round {number + 1} of {settings.rounds}: {service.name}")
            try:
                _run_once(service, settings.latency_files, scratch, outcome)
            except ServiceError as error:
                outcome.failure = str(error)
    return _report(everyone, outcomes)


def _run_once(service: Service, count: int, scratch: Scratch, outcome: _Outcome) -> None:
    place = Place(scratch.fresh("latency"))
    warm, files = service.files(count)
    place.prepare([*warm, *files])
    scratch.rest()
    rng = random.Random(len(outcome.milliseconds))  # noqa: S311 - to be idle for different times
    with running(service, place) as run:
        place.drop(warm)
        run.wait(warm, seconds=WARM_SECONDS)
        deadline = time.perf_counter() + ROUND_SECONDS
        dropped_files: list[tuple[str, bytes]] = []
        cpu_seconds = trees.cpu_seconds(trees.members(run.pids))
        for name, data in files:
            time.sleep(GAP_SECONDS * (0.5 + rng.random()))
            outcome.milliseconds.append(run.time_one(name, data, LIMIT_SECONDS) * 1e3)
            dropped_files.append((name, data))
            if time.perf_counter() > deadline:
                break
        time.sleep(GAP_SECONDS)
        cpu_seconds = trees.cpu_seconds(trees.members(run.pids)) - cpu_seconds
        outcome.cpu_milliseconds.append(cpu_seconds / len(dropped_files) * 1e3)
    outcome.same = outcome.same and service.check(place, [*warm, *dropped_files])
    scratch.done(place.folder)


def _report(everyone: list[Service], outcomes: dict[str, _Outcome]) -> Report:
    report = Report(
        "W2 latency: one file at a time, from rename to result, in milliseconds",
        ("program", "p50", "p99", "max", "CPU a file", "files", "right"),
    )
    for service in everyone:
        outcome = outcomes[service.name]
        if service.missing:
            report.missing(service.name, service.missing)
            continue
        if outcome.failure:
            report.failed(service.name, outcome.failure)
            continue
        ordered = sorted(outcome.milliseconds)
        p50, p99, most = share(ordered, 0.5), share(ordered, 0.99), ordered[-1]
        cpu = Spread.of(outcome.cpu_milliseconds).median
        report.ok = report.ok and outcome.same
        report.add(
            service.name,
            f"{p50:.2f}",
            f"{p99:.2f}",
            f"{most:.2f}",
            f"{cpu:.2f}",
            str(len(ordered)),
            "yes" if outcome.same else "NO",
            p50_ms=p50,
            p99_ms=p99,
            max_ms=most,
            cpu_ms_per_file=cpu,
            files=len(ordered),
            same=outcome.same,
        )
        limits = {FPROC: (2, 5), FPROC_POWER: (5, 10)}.get(service.name)
        if limits:
            report.notes.append(goal(f"{service.name}, p50", p50, limits[0], " ms"))
            report.notes.append(goal(f"{service.name}, p99", p99, limits[1], " ms"))
    return report
