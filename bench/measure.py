"""Programs on one input, run in turn: what they cost, and whether their results agree."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.report import Report, Spread, goal
from bench.scratch import Scratch
from bench.settings import BENCH
from bench.trees import busy_seconds

SLOW_SECONDS = 60.0
"""A program that took longer is not run again."""

LIMIT_SECONDS = 1800.0
"""A program that takes longer is ended."""

QUIET_SHARE = 0.1
"""What others may use of the processors while programs run whose times by the clock are judged."""

Say = Callable[[str], None]
"""Prints progress for the user."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a comparison. It is started in the folder for its results, which is empty.

    Attributes:
        name: its name in the table.
        command: returns the command for that folder.
        renamed: names of its results, where they differ from the reference's, with the reference's.
        compared: whether its results must be those of the reference.
        missing: why it cannot run here, or "".
    """

    name: str
    command: Callable[[str], Sequence[str]]
    renamed: Mapping[str, str] = field(default_factory=dict)
    compared: bool = True
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `limit` times what another program takes; or, without one, at most `limit` MB of memory.

    What counts is the median of the ratios of processor time in each round, which another load of the host
    hardly changes; with `by_wall`, for programs on several processors, the ratio of the medians of their
    times by the clock, which is judged only if the host was quiet.
    """

    program: str
    limit: float
    reference: str = ""
    by_wall: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Programs to compare; the first one that is installed is the reference."""

    title: str
    programs: Sequence[Program]
    goals: Sequence[Goal]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one run.

    Attributes:
        seconds: by the clock.
        cpu_seconds: user and system, of all its processes.
        peak_mb: the peak memory of the largest process.
        others_share: the share of all processors that others used meanwhile, the host of a virtual machine
            among them.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    others_share: float


@dataclass(slots=True)
class _Outcome:
    costs: list[Cost] = field(default_factory=list)
    same: bool = True
    failure: str = ""

    def is_over(self) -> bool:
        return bool(self.failure) or any(cost.seconds > SLOW_SECONDS for cost in self.costs)


class ProgramError(Exception):
    """A program failed; the message says how."""


def compare(comparison: Comparison, rounds: int, scratch: Scratch, say: Say) -> Report:
    """Run each program once in each round, and report."""
    present = [program for program in comparison.programs if not program.missing]
    outcomes = {program.name: _Outcome() for program in present}
    expected: Mapping[str, str] | None = None
    for number in range(rounds):
        for program in present:
            outcome = outcomes[program.name]
            if outcome.is_over():
                continue
            say(f"{comparison.title}, round {number + 1} of {rounds}: {program.name}")
            folder = scratch.fresh("results")
            try:
                cost = run(program.command(str(folder)), folder)
            except ProgramError as error:
                outcome.failure = str(error)
                continue
            outcome.costs.append(cost)
            digests = _digests(folder, program.renamed)
            shutil.rmtree(folder)
            if expected is None and program is present[0]:
                expected = digests
            outcome.same = outcome.same and (not program.compared or digests == expected)
    floor_mb = run(["true"], scratch.root).peak_mb
    report = _report(comparison, outcomes)
    report.notes.append(f"peak MB is that of the largest process; less than {floor_mb:.1f} cannot be seen")
    return report


def paired_ratio(one: Program, other: Program, rounds: int, scratch: Scratch) -> float:
    """Return the median, over the rounds, of the processor time of one program by that of another.

    Raises:
        ProgramError: one of them failed, took too long, or wrote something else than the other.
    """
    ratios = []
    for _ in range(rounds):
        costs, digests = [], []
        for program in (one, other):
            folder = scratch.fresh("results")
            costs.append(run(program.command(str(folder)), folder))
            digests.append(_digests(folder, program.renamed))
            shutil.rmtree(folder)
        if digests[0] != digests[1]:
            raise ProgramError(f"{one.name} and {other.name} wrote different results")
        ratios.append(costs[0].cpu_seconds / costs[1].cpu_seconds)
    return Spread.of(ratios).median


def run(command: Sequence[str], folder: Path) -> Cost:
    """Run a command in a folder.

    Raises:
        ProgramError: it failed, or took too long.
    """
    busy_before = busy_seconds()
    launcher = [sys.executable, "-I", "-S", str(BENCH / "launch.py"), *command]
    process = subprocess.Popen(
        launcher,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        figures, errors = process.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"took longer than {LIMIT_SECONDS:.0f} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    last = errors.strip().rpartition("\n")[2]
    if process.returncode:
        raise ProgramError(f"could not be started: {last}")
    status, seconds, cpu_seconds, peak_kib = figures.split()
    if int(status):
        raise ProgramError(f"exit status {status}: {last}")
    others_seconds = busy_seconds() - busy_before - float(cpu_seconds)
    others_share = max(0.0, others_seconds / (float(seconds) * (os.cpu_count() or 1)))
    return Cost(float(seconds), float(cpu_seconds), int(peak_kib) * 1024 / 1e6, others_share)


def _digests(folder: Path, renamed: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each result that is not empty, by its name in the reference."""
    digests = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_size:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            digests[renamed.get(path.name, path.name)] = digest.hexdigest()
    return digests


def _report(comparison: Comparison, outcomes: Mapping[str, _Outcome]) -> Report:
    columns = ("program", "seconds", "min..max", "CPU s", "ratio", "peak MB", "same bytes")
    report = Report(comparison.title, columns)
    medians = {
        name: Cost(
            Spread.of([cost.seconds for cost in outcome.costs]).median,
            Spread.of([cost.cpu_seconds for cost in outcome.costs]).median,
            max(cost.peak_mb for cost in outcome.costs),
            Spread.of([cost.others_share for cost in outcome.costs]).median,
        )
        for name, outcome in outcomes.items()
        if outcome.costs and not outcome.failure
    }
    reference = next((program.name for program in comparison.programs if not program.missing), "")
    for program in comparison.programs:
        name = program.name
        if program.missing:
            report.missing(name, program.missing)
            continue
        outcome = outcomes[name]
        if outcome.failure:
            report.failed(name, outcome.failure)
            continue
        _add(report, program, outcome, medians[name], medians.get(reference))
    for target in comparison.goals:
        if target.program in medians and not target.reference:
            report.notes.append(
                goal(f"{target.program}, memory", medians[target.program].peak_mb, target.limit, " MB")
            )
        elif target.program in medians and target.reference in medians:
            report.notes.append(_verdict(target, outcomes, medians))
        else:
            report.notes.append(f"{target.program} / {target.reference}: not known here")
    return report


def _verdict(target: Goal, outcomes: Mapping[str, _Outcome], medians: Mapping[str, Cost]) -> str:
    """Return a note that says whether a goal about two programs is met, or why that is not known."""
    what = f"{target.program} / {target.reference}"
    if not target.by_wall:
        pairs = zip(outcomes[target.program].costs, outcomes[target.reference].costs, strict=False)
        ratio = Spread.of([one.cpu_seconds / other.cpu_seconds for one, other in pairs]).median
        return goal(f"{what}, CPU", ratio, target.limit)
    one, other = medians[target.program], medians[target.reference]
    ratio = one.seconds / other.seconds
    busiest = max(one.others_share, other.others_share)
    if busiest > QUIET_SHARE:
        why = f"others used {busiest:.0%} of the processors"
        return f"{what}, wall: {ratio:.2f} (goal at most {target.limit:g}, not judged: {why})"
    return goal(f"{what}, wall", ratio, target.limit)


def _add(report: Report, program: Program, outcome: _Outcome, middle: Cost, reference: Cost | None) -> None:
    seconds = Spread.of([cost.seconds for cost in outcome.costs])
    ratio = middle.seconds / reference.seconds if reference else None
    report.ok = report.ok and outcome.same
    report.add(
        program.name,
        *seconds.cells(3),
        f"{middle.cpu_seconds:.2f}",
        f"{ratio:.2f}" if ratio is not None else "-",
        f"{middle.peak_mb:.1f}",
        "-" if not program.compared else "yes" if outcome.same else "NO",
        seconds=[cost.seconds for cost in outcome.costs],
        cpu_seconds=middle.cpu_seconds,
        ratio=ratio,
        peak_mb=middle.peak_mb,
        same=outcome.same if program.compared else None,
    )
