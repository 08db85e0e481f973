"""The programs of W1, W1r, W1u, W1s, its compressed form and the routed workloads."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.measure import Comparison, Goal, Program
from bench.settings import PIPELINES, RIVALS, Settings
from bench.workloads import gzipped

_RENAMED = {"INFO": "info.log", "WARN": "warn.log", "ERROR": "error.log"}

FPROC = "fproc"
TWO = "fproc, 2 workers"
BEFORE = "fproc, before"
MAWK = "mawk"
TUNED = "mawk, tuned"
LOOP = "Python loop"
OF_W1 = "fproc W1"
LIMIT = "C program (the limit)"
ZCAT = "zcat | mawk"


@dataclass(frozen=True, slots=True)
class Bench:
    """The parts of commands: the settings, the big log, and a folder for compiled programs."""

    settings: Settings
    log: Path
    folder: Path

    def fproc(self, pipeline: str, name: str = FPROC, *, workers: int = 1, compared: bool = True) -> Program:
        """Return fproc with one of the pipelines."""
        config = str(PIPELINES / f"{pipeline}.json")
        command = [self.settings.python, "-m", "fproc", "--input", str(self.log), "--config", config]
        command += ["--workers", str(workers), "--quiet"]
        return Program(name, lambda folder: [*command, "--output", f"{folder}/"], compared=compared)

    def awk(self, name: str, script: str, title: str = "") -> Program:
        """Return an awk with one of the scripts."""
        program = str(RIVALS / script)
        return tool(
            name,
            lambda folder: [name, "-v", f"dir={folder}", "-f", program, str(self.log)],
            title=title,
            renamed=_RENAMED if script.startswith("routed") else {},
        )

    def loop(self, script: str) -> Program:
        """Return one of the plain Python loops."""
        command = [self.settings.python, str(RIVALS / script)]
        return Program(LOOP, lambda folder: [*command, folder, str(self.log)])

    def limit(self) -> Program:
        """Compile the C program, and return it."""
        compiler = next((path for path in map(shutil.which, ("cc", "gcc", "clang")) if path), None)
        if compiler is None:
            return Program(LIMIT, lambda _folder: [], missing="no C compiler is installed")
        binary = str(self.folder / "w1")
        subprocess.run([compiler, "-O2", "-o", binary, str(RIVALS / "w1.c")], check=True)
        return Program(LIMIT, lambda folder: [binary, folder, str(self.log)])


def tool(
    name: str,
    command: Callable[[str], Sequence[str]],
    *,
    title: str = "",
    renamed: dict[str, str] | None = None,
    needs: Sequence[str] = (),
) -> Program:
    """Return a program of this system; one that is not installed still has its row in the table."""
    absent = [command_name for command_name in (name, *needs) if not shutil.which(command_name)]
    missing = "not installed" if absent == [name] else f"not installed: {', '.join(absent)}" if absent else ""
    return Program(title or name, command, renamed or {}, missing=missing)


def lacks(python: str, module: str) -> str:
    """Return why a module from PyPI cannot be used, or ""."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    is_importable = subprocess.run([python, "-c", code], check=False).returncode == 0
    return "" if is_importable else f"not installed: {module} (PyPI; see --rivals-python)"


def older(before: Path, command: Sequence[str]) -> list[str]:
    """Return a command of fproc that runs the one of another checkout."""
    return ["env", f"PYTHONPATH={before}", *command]


def with_before(comparison: Comparison, before: Path) -> Comparison:
    """Return a comparison in which the fproc of another checkout runs next to this one."""
    programs = list(comparison.programs)
    place, own = next((i, program) for i, program in enumerate(programs) if program.name == FPROC)
    program = Program(BEFORE, lambda folder: older(before, own.command(folder)), compared=own.compared)
    programs.insert(place + 1, program)
    return replace(comparison, programs=programs, goals=[*comparison.goals, Goal(FPROC, 1.0, BEFORE)])


def w1(bench: Bench) -> list[Comparison]:
    log = str(bench.log)
    python = bench.settings.rivals_python
    miller = ["mlr", "-S", "--inidx", "--onidx", "--ifs", " ", "put", "-q", "-f", str(RIVALS / "w1.mlr"), log]
    programs = [
        bench.awk(MAWK, "w1.awk"),
        bench.fproc("w1"),
        bench.fproc("w1", TWO, workers=2),
        bench.awk(MAWK, "w1_tuned.awk", TUNED),
        bench.awk(MAWK, "w1_sub.awk", "mawk, with sub()"),
        bench.awk("gawk", "w1.awk"),
        tool("perl", lambda folder: ["perl", str(RIVALS / "w1.pl"), folder, log]),
        tool("mlr", lambda _folder: miller, title="miller (2 cores)"),
        tool(
            "parallel",
            lambda folder: ["sh", str(RIVALS / "w1_parallel.sh"), "2", folder, log],
            title="parallel, 2 mawks",
            needs=["mawk"],
        ),
        Program(
            "polars, streaming (2 cores)",
            lambda folder: [python, str(RIVALS / "w1_polars.py"), folder, log],
            missing=lacks(python, "polars"),
        ),
        bench.limit(),
    ]
    goals = [
        Goal(FPROC, 0.8, MAWK),
        Goal(FPROC, 1.0, TUNED),
        Goal(TWO, 0.5, MAWK, by_wall=True),
        Goal(TWO, 2.5, LIMIT, by_wall=True),
        Goal(FPROC, 25),
    ]
    return [Comparison(f"W1: {bench.settings.mb} MB, built-ins", programs, goals)]


def w1r(bench: Bench) -> list[Comparison]:
    programs = [
        bench.awk(MAWK, "w1.awk"),
        bench.fproc("w1r"),
        bench.fproc("w1r", TWO, workers=2),
        bench.loop("loop_w1r.py"),
        bench.fproc("w1", OF_W1),
    ]
    goals = [Goal(FPROC, 2.0, OF_W1), Goal(FPROC, 1.1, LOOP)]
    return [Comparison(f"W1r: {bench.settings.mb} MB, regular expressions", programs, goals)]


def w1u(bench: Bench) -> list[Comparison]:
    programs = [
        bench.awk(MAWK, "w1.awk"),
        bench.fproc("w1u"),
        bench.fproc("w1u", TWO, workers=2),
        bench.loop("loop_w1u.py"),
    ]
    goals = [Goal(FPROC, 1.2, MAWK), Goal(TWO, 1.2, MAWK, by_wall=True), Goal(FPROC, 1.1, LOOP)]
    return [Comparison(f"W1u: {bench.settings.mb} MB, three user functions a line", programs, goals)]


def w1s(bench: Bench) -> list[Comparison]:
    programs = [
        bench.awk(MAWK, "w1s.awk"),
        bench.fproc("w1s"),
        bench.loop("loop_w1s.py"),
        bench.fproc("w1", OF_W1, compared=False),
    ]
    goals = [Goal(FPROC, 1.5, OF_W1), Goal(FPROC, 1.1, LOOP)]
    return [Comparison(f"W1s: {bench.settings.mb} MB, with a class that keeps state", programs, goals)]


def compressed(bench: Bench) -> list[Comparison]:
    packed = replace(bench, log=gzipped(bench.log))
    script = f"zcat '{packed.log}' | mawk -v dir=\"$1\" -f '{RIVALS / 'w1.awk'}'"
    programs = [
        tool("mawk", lambda folder: ["sh", "-c", script, "sh", folder], title=ZCAT, needs=["zcat"]),
        packed.fproc("w1"),
        packed.fproc("w1", TWO, workers=2),
    ]
    goals = [Goal(FPROC, 1.0, ZCAT), Goal(TWO, 1.0, ZCAT, by_wall=True)]
    return [Comparison(f"W1 from a .gz: {bench.settings.mb} MB in it, built-ins", programs, goals)]


def routed(bench: Bench) -> list[Comparison]:
    goals = [Goal(FPROC, 0.9, MAWK), Goal(TWO, 0.9, MAWK, by_wall=True)]
    titles = {
        "routed": f"routed: {bench.settings.mb} MB, lines into three files, unchanged",
        "routed_drop": f"routed, dropped: {bench.settings.mb} MB, the same without health checks",
    }
    return [
        Comparison(
            title,
            [
                bench.awk(MAWK, f"{name}.awk"),
                bench.fproc(name),
                bench.fproc(name, TWO, workers=2),
            ],
            goals,
        )
        for name, title in titles.items()
    ]


COMPARISONS: dict[str, Callable[[Bench], list[Comparison]]] = {
    "W1": w1,
    "W1r": w1r,
    "W1u": w1u,
    "W1s": w1s,
    "gzip": compressed,
    "routed": routed,
}
"""The comparisons of each workload that reads the big log."""
