"""Starts: what it costs to start fproc for one small file, by the clock and in processor time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import Cost, ProgramError, Say, run
from bench.programs import BEFORE, older
from bench.report import Report, Spread, goal
from bench.scratch import Scratch
from bench.settings import PIPELINES, Settings
from bench.workloads import small_files, small_result

ROUNDS = 15
"""Starts are short, so there are more of them than of other programs."""

INPUT = "fproc --input"
DRAIN = "fproc --watch --drain"
PACKED_INPUT = "fproc.pyz --input"
PACKED_DRAIN = "fproc.pyz --watch --drain"

CPU_GOALS_MS = {INPUT: 50.0, DRAIN: 115.0}
PACKED_GOAL_MS = 2.0
"""How much more the archive may take than the same from its sources."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way to start.

    Attributes:
        name: its name in the table.
        command: returns the command for a folder that has the file of `_one_file` in it.
        result: the path of the result, below that folder; "" if there is none.
        missing: why it cannot be run, or "".
    """

    name: str
    command: Callable[[Path], Sequence[str]]
    result: str = ""
    missing: str = ""
    costs: list[Cost] = field(default_factory=list)


def measure(settings: Settings, scratch: Scratch, say: Say) -> Report:
    """Start each kind once in each round, and report."""
    report = Report(
        "starts: one file of 20 lines, from exec to exit", ("program", "ms", "min..max", "CPU ms", "right")
    )
    kinds = _kinds(settings)
    ((name, data),) = small_files(1)
    for number in range(ROUNDS + 1):
        say(f"starts, round {number} of {ROUNDS}")
        for kind in kinds:
            if kind.missing:
                continue
            try:
                cost = _start(kind, _folder(scratch, name, data), small_result(data))
            except ProgramError as error:
                report.failed(kind.name, str(error))
                return report
            if number:  # the first round only compiles and warms
                kind.costs.append(cost)
    for kind in kinds:
        if kind.missing:
            report.missing(kind.name, kind.missing)
            continue
        spread = Spread.of([cost.seconds * 1e3 for cost in kind.costs])
        cpu_ms = [cost.cpu_seconds * 1e3 for cost in kind.costs]
        report.add(
            kind.name,
            *spread.cells(1),
            f"{Spread.of(cpu_ms).median:.1f}",
            "yes" if kind.result else "-",
            milliseconds=[cost.seconds * 1e3 for cost in kind.costs],
            cpu_milliseconds=cpu_ms,
        )
    _judge(report, {kind.name: kind for kind in kinds if not kind.missing})
    return report


def _start(kind: _Kind, folder: Path, expected: bytes) -> Cost:
    """Start it once, and remove the folder.

    Raises:
        ProgramError: it failed, or its result is wrong.
    """
    cost = run(kind.command(folder), folder)
    if kind.result and (folder / kind.result).read_bytes() != expected:
        raise ProgramError("the result is wrong")
    shutil.rmtree(folder)
    return cost


def _judge(report: Report, kinds: dict[str, _Kind]) -> None:
    """Note the goals, by processor time."""
    for name, limit in CPU_GOALS_MS.items():
        cpu_ms = Spread.of([cost.cpu_seconds * 1e3 for cost in kinds[name].costs]).median
        report.notes.append(goal(f"{name}, CPU", cpu_ms, limit, " ms"))
    for packed, plain in ((PACKED_INPUT, INPUT), (PACKED_DRAIN, DRAIN)):
        if packed in kinds:
            pairs = zip(kinds[packed].costs, kinds[plain].costs, strict=True)
            more_ms = Spread.of([(a.cpu_seconds - b.cpu_seconds) * 1e3 for a, b in pairs]).median
            report.notes.append(goal(f"{packed} over {plain}, CPU", more_ms, PACKED_GOAL_MS, " ms"))


def _kinds(settings: Settings) -> list[_Kind]:
    python, pyz = settings.python, str(settings.pyz)
    unbuilt = "" if settings.pyz.exists() else "not built: make pyz"
    once = ("--input", "in/f000000.log", "--config", "pipeline.json", "--output", "results/", "--quiet")
    drain = ("--watch", "--drain", "--watch-dir", "watch", "--config", "pipeline.json", "--quiet")
    result, drained = "results/f000000.log", "watch/results/f000000.log"
    own = [python, "-m", "fproc"]
    kinds = [
        _Kind("python -c pass", lambda _: [python, "-c", "pass"]),
        _Kind("fproc --version", lambda _: [*own, "--version"]),
        _Kind(INPUT, lambda _: [*own, *once], result),
        _Kind(PACKED_INPUT, lambda _: [python, pyz, *once], result, unbuilt),
        _Kind(DRAIN, lambda _: [*own, *drain], drained),
        _Kind(PACKED_DRAIN, lambda _: [python, pyz, *drain], drained, unbuilt),
    ]
    if (before := settings.before) is not None:
        kinds += [
            _Kind(f"{BEFORE}, --input", lambda _: older(before, [*own, *once]), result),
            _Kind(f"{BEFORE}, --watch --drain", lambda _: older(before, [*own, *drain]), drained),
        ]
    return kinds


def _folder(scratch: Scratch, name: str, data: bytes) -> Path:
    """Return a folder with the pipeline and the file, once to be given and once to be found."""
    folder = scratch.fresh("start")
    for place in ("in", "watch/unprocessed", "watch/results"):
        (folder / place).mkdir(parents=True)
    (folder / "in" / name).write_bytes(data)
    (folder / "watch/unprocessed" / name).write_bytes(data)
    shutil.copy(PIPELINES / "small.json", folder / "pipeline.json")
    return folder
