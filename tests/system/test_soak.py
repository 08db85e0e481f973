"""Half an hour of everything: whatever comes and is done, nothing is lost or doubled, and nothing grows.

Two instances share the folder. One runs from the beginning to the end, and is measured; the other one is
stopped, killed and started again. `SOAK_SECONDS` says for how long.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.programs.disturbing import children_of
from tests.support.programs.running import Watching, configure, run
from tests.support.soaking import PROCESSOR, Arrivals, counted_lines

SECONDS = float(os.environ.get("SOAK_SECONDS", "1800"))
ARRIVALS_SECONDS = 0.08
"""How long from one arrival to the next."""

MEASURE_SECONDS = 2.0
UNTIL_REMOVED_SECONDS = 150.0
"""How long at most something is too much before it is removed: it is looked for once a minute."""

LOST_EVENTS = 12
"""How many inputs may end in the half second whose events a kill loses; their results stay."""

KEPT_FILES, KEPT_EVENTS = 200, 300
RETENTION = {
    "processed_files": KEPT_FILES,
    "results_files": KEPT_FILES,
    "history_events": KEPT_EVENTS,
    "history_mb": 20,
}


class Measure(NamedTuple):
    """What an instance has, with its workers."""

    memory_bytes: int
    descriptors: int
    threads: int
    processes: int


def measured(pid: int) -> Measure | None:
    """Measure an instance; None if one of its workers is just ending."""
    pids = [pid, *children_of(pid)]
    memory = descriptors = threads = 0
    try:
        for each in pids:
            status = dict(
                line.split(":", 1) for line in Path(f"/proc/{each}/status").read_text().splitlines()
            )
            memory += int(status["RssAnon"].split()[0]) * 1024
            threads += int(status["Threads"])
            descriptors += len(os.listdir(f"/proc/{each}/fd"))
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return None
    return Measure(memory, descriptors, threads, len(pids))


class Soak:
    """A folder with two instances, what lands there, and what is done to all of it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self.watched = folder / "watch_dir"
        self._stack = stack
        self._random = random.Random(14)
        self.steady = self._started(dashboard=True)
        self._other = self._started(dashboard=False)
        self.arrivals = Arrivals(self.watched, 14)
        self.measures: list[Measure] = []
        self.most_archived = 0
        self._rotated = 0
        self._done: dict[str, int] = {}
        self._chores: list[tuple[float, Callable[[], None]]] = [
            (MEASURE_SECONDS, self._measure),
            (1.0, self._upload),
            (5.0, self._rotate),
            (8.0, self._kill_worker),
            (19.0, self._reload),
            (17.0, self._restart),
            (23.0, self._kill),
        ]

    def _started(self, *, dashboard: bool) -> Watching:
        return self._stack.enter_context(Watching(self._folder, dashboard=dashboard, anew=True))

    def run(self, seconds: float) -> None:
        """Have everything happen for so long."""
        began = time.monotonic()
        due = [began + every for every, _ in self._chores]
        while (now := time.monotonic()) < began + seconds:
            self.arrivals.land()
            for index, (every, chore) in enumerate(self._chores):
                if now >= due[index]:
                    due[index] = now + every
                    chore()
            time.sleep(max(0.0, ARRIVALS_SECONDS - (time.monotonic() - now)))
        self.arrivals.finish()

    def _count(self, what: str) -> None:
        self._done[what] = self._done.get(what, 0) + 1

    def _measure(self) -> None:
        measure = measured(self.steady.process.pid)
        if measure is not None:
            self.measures.append(measure)
        self.most_archived = max(self.most_archived, len(os.listdir(self.watched / "processed")))

    def _upload(self) -> None:
        self._count("uploads" if self.arrivals.upload(self.steady.url) else "refused uploads")

    def _rotate(self) -> None:
        with suppress(FileNotFoundError):  # nothing has come since the last time
            (self.watched / "results/all.log").rename(self.watched / f"results/all.log.{self._rotated}")
            self._rotated += 1
            self._count("rotations")

    def _kill_worker(self) -> None:
        workers = children_of(self.steady.process.pid)
        if workers:
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(workers), signal.SIGKILL)
            self._count("killed workers")

    def _reload(self) -> None:
        """Offer a module that cannot be loaded, which is refused, and then one that can."""
        module = self._folder / "own.py"
        good = module.read_text()
        module.write_text("this is no Python\n")
        self._offer("reload refused")
        module.write_text(f"{good}# once more\n")
        self._offer("reloaded: ")
        self._count("reloads")

    def _offer(self, answer: str) -> None:
        before = self.steady.log.count(answer)
        self.steady.signal(signal.SIGHUP)
        self.steady.wait_until(lambda: self.steady.log.count(answer) > before)

    def _restart(self) -> None:
        assert self._other.stop() == 0
        self._other = self._started(dashboard=False)
        self._count("restarts")

    def _kill(self) -> None:
        self._other.signal(signal.SIGKILL)
        self._other.wait()
        self._other = self._started(dashboard=False)
        self._count("kills")

    @property
    def kills(self) -> int:
        """How often a process was killed."""
        return self._done.get("kills", 0) + self._done.get("killed workers", 0)

    def drain(self) -> None:
        """Wait until all is done, and stop."""
        folders = [self.watched / "unprocessed", self.watched / "underprocess"]

        def is_done() -> bool:
            return not any(name for folder in folders for name in os.listdir(folder) if name[0] != ".")

        self.steady.wait_until(is_done)
        self._measure()
        assert (self.steady.stop(), self._other.stop()) == (0, 0)
        print(f"{self.arrivals.count} arrivals, {self._done}, {len(self.measures)} measures")
        for line in self.steady.log.splitlines():
            if "paused" in line or "goes on" in line:
                print(line)
        print(self.measures[len(self.measures) // 4], self.measures[-1])


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 1200)
def test_half_an_hour_of_everything_loses_and_doubles_nothing_and_nothing_grows(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PROCESSOR)
    (tmp_path / "tried").mkdir()
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "own.step", "next": ["end", "all"]},
        {"tag": "all", "type": "write", "config": {"file": "all.log", "append": True}},
    ]
    intake = {"ready": "auto", "settle_seconds": 0.2, "poll_seconds": 0.05}
    configure(
        tmp_path,
        nodes,
        workers=2,
        intake=intake,
        retention=RETENTION,
        retry={"max_attempts": 20, "backoff_seconds": 0.1, "backoff_max_seconds": 1},
        checkpoint={"seconds": 0.5, "mb": 1},
    )
    with ExitStack() as stack:
        soak = Soak(tmp_path, stack)
        soak.run(SECONDS)
        soak.drain()
    check_nothing_lost(soak)
    check_nothing_grew(soak.measures)
    check_bounds(tmp_path, soak.most_archived, soak.kills)


def check_nothing_lost(soak: Soak) -> None:
    """Check that each input has come out once: its lines where all append to, or itself in `failed/`."""
    results = soak.watched / "results"
    assert counted_lines(results.glob("all.log*")) == soak.arrivals.lines
    failed = [
        path for path in (soak.watched / "failed").iterdir() if not path.name.endswith(("json", "jsonl"))
    ]
    assert sorted(int(path.stem) for path in failed) == sorted(soak.arrivals.failing)
    whole = {path.name for path in results.iterdir() if not path.name.startswith((".", "all.log"))}
    for name in whole:
        lines = (results / name).read_bytes().splitlines()
        number = int(lines[0].split()[0])
        assert len(lines) == soak.arrivals.lines[number], name


def check_nothing_grew(measures: list[Measure]) -> None:
    """Check that what was measured at the end is what it was after a while."""
    quarter = len(measures) // 4
    early, late = measures[quarter : 2 * quarter], measures[-quarter:]
    for field in Measure._fields:
        before, after = (
            statistics.median(getattr(measure, field) for measure in some) for some in (early, late)
        )
        assert after <= before * 1.1 + (8e6 if field == "memory_bytes" else 2), (field, before, after)


def check_bounds(folder: Path, most_archived: int, kills: int) -> None:
    """Check that retention has kept history and archives small all the while, and exactly so at the end."""
    watched = folder / "watch_dir"
    assert most_archived < KEPT_FILES + UNTIL_REMOVED_SECONDS / ARRIVALS_SECONDS
    database = watched / ".fproc/history.db"
    assert database.stat().st_size < 10e6
    assert run(folder, "--prune", "--quiet").status == 0
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (KEPT_EVENTS,)
    assert len(os.listdir(watched / "processed")) == KEPT_FILES
    kept = [name for name in os.listdir(watched / "results") if not name.startswith((".", "all.log"))]
    assert KEPT_FILES <= len(kept) <= KEPT_FILES + kills * LOST_EVENTS
