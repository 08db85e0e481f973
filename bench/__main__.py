"""`python -m bench`: measures fproc and its rivals, and prints a table for each workload.

The exit status is 1 if a program failed, or if its results were wrong.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from bench import backlog, everyday, idle, latency, programs, records, small, starts
from bench.facts import facts
from bench.measure import Comparison, Say, compare
from bench.report import Report
from bench.scratch import Scratch
from bench.settings import REPO, Settings, read
from bench.workloads import big_log

_SMALL: dict[str, Callable[[Settings, Scratch, Say], Report]] = {
    "W2": small.measure,
    "latency": latency.measure,
    "W3": backlog.measure,
    "W4": idle.measure,
    "starts": starts.measure,
}


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all services are stopped
    settings = read(sys.argv[1:])
    prepare(settings)
    with closing(Scratch(settings.scratch, settings.rest_seconds)) as scratch:
        host = facts(settings, scratch)
        print("\n".join(f"{name:<12}{fact}" for name, fact in host.items()), flush=True)
        reports = []
        for workload, report in _reports(settings, scratch):
            print(f"\n{report.text()}", flush=True)
            reports.append({"workload": workload, **report.as_json()})
    if settings.json:
        settings.json.write_text(json.dumps({"machine": host, "reports": reports}, indent=2) + "\n")
    return 0 if all(report["ok"] for report in reports) else 1


def prepare(settings: Settings) -> None:
    """Set the environment of all programs, and compile fproc."""
    _set_environment(settings)
    _compile(settings)


def _set_environment(settings: Settings) -> None:
    """Set, for all processes: this fproc, compiled once as if it were installed, and root's programs."""
    os.environ.update(
        PATH=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]),
        PYTHONPATH=str(REPO),
        PYTHONPYCACHEPREFIX=str(settings.scratch / "pycache"),
    )
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)


def _compile(settings: Settings) -> None:
    """Compile all of fproc's modules, as any installation does."""
    for checkout in (REPO, settings.before):
        if checkout:
            folder = str(checkout / "fproc")
            subprocess.run([settings.python, "-m", "compileall", "-q", folder], check=True)


def _reports(settings: Settings, scratch: Scratch) -> Iterator[tuple[str, Report]]:
    comparisons_of = {**programs.COMPARISONS, "everyday": everyday.comparisons}
    big = [name for name in settings.workloads if name in comparisons_of]
    if big:
        say("making the big log, if it is not there already")
        log = big_log(settings.scratch, settings.mb)
        bench = programs.Bench(settings, log, scratch.fresh("build"))
        for name in big:
            for comparison in comparisons_of[name](bench):
                _warm(log)
                yield name, _compare(settings, comparison, scratch)
    if "records" in settings.workloads:
        say("making tables and an access log, if they are not there already")
        for comparison in records.comparisons(settings):
            yield "records", _compare(settings, comparison, scratch)
    for name, measure in _SMALL.items():
        if name in settings.workloads:
            yield name, measure(settings, scratch, say)


def _compare(settings: Settings, comparison: Comparison, scratch: Scratch) -> Report:
    if settings.before:
        comparison = programs.with_before(comparison, settings.before)
    return compare(comparison, settings.rounds, scratch, say)


def _warm(path: Path) -> None:
    """Read a file into the page cache, so that the first program does not pay for it."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def say(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
