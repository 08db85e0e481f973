"""The command line of the bench."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
BENCH = REPO / "bench"
RIVALS = BENCH / "rivals"
PIPELINES = BENCH / "pipelines"

WORKLOADS = (
    *("W1", "W1r", "W1u", "W1s", "gzip", "routed", "everyday", "records"),
    *("W2", "latency", "W3", "W4", "starts"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options; `python -m bench --help` explains them."""

    workloads: tuple[str, ...]
    mb: int
    files: int
    backlog: int
    latency_files: int
    rounds: int
    rest_seconds: float
    idle_seconds: float
    python: str
    rivals_python: str
    pyz: Path
    before: Path | None
    scratch: Path
    json: Path | None


def read(arguments: Sequence[str]) -> Settings:
    """Return the settings of a command line; exit if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure fproc and its rivals side by side, on this host."
    )
    add = parser.add_argument
    names = ", ".join(WORKLOADS)
    add("workloads", nargs="*", type=_workload, metavar="WORKLOAD", help=f"{names}; by default all")
    add("--mb", type=_count, default=1000, help="megabytes of the big log (1000)")
    add("--files", type=_count, default=10_000, help="small files of W2 (10000)")
    add("--backlog", type=_count, default=200_000, help="small files of W3 (200000)")
    add("--latency-files", type=_count, default=300, help="files a round whose latency is taken (300)")
    add("--rounds", type=_count, default=5, help="how often each program runs (5)")
    add("--rest", type=float, default=5.0, help="seconds to rest before each run with small files (5)")
    add("--seconds", type=float, default=60.0, help="seconds of idling (60)")
    add("--python", default=sys.executable, help="the Python of fproc and of the plain loops (this one)")
    add("--rivals-python", help="a Python that has polars, watchfiles and watchdog (the same)")
    add("--pyz", type=Path, default=REPO / "fproc.pyz", help="the built executable (fproc.pyz)")
    add("--before", type=Path, help="a checkout of an older fproc, measured beside this one")
    add("--scratch", type=Path, help="where files are put while it runs (a folder under $TMPDIR)")
    add("--json", type=Path, help="write all figures there, too")
    options = parser.parse_args(arguments)
    return Settings(
        workloads=tuple(name for name in WORKLOADS if name in (options.workloads or WORKLOADS)),
        mb=options.mb,
        files=options.files,
        backlog=options.backlog,
        latency_files=options.latency_files,
        rounds=options.rounds,
        rest_seconds=options.rest,
        idle_seconds=options.seconds,
        python=options.python,
        rivals_python=options.rivals_python or options.python,
        pyz=options.pyz.absolute(),
        before=options.before and options.before.absolute(),
        scratch=(options.scratch or Path(tempfile.gettempdir()) / "fproc-bench").absolute(),
        json=options.json,
    )


def _workload(text: str) -> str:
    for name in WORKLOADS:
        if name.lower() == text.lower():
            return name
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(WORKLOADS)}")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
