"""Several instances on one folder, calm and under SIGKILL and SIGSTOP: every result right, none twice.

What happened is read from `marks`, to which the plugin appends one mark for each line that it is given: which
run of which file, by which process, when.
"""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.layout import numbered
from tests.support.programs.disturbing import (
    children_of,
    open_child,
    seeded_chance,
    send,
    wait_while_it_gets_on,
)
from tests.support.programs.running import (
    DEADLINE_SECONDS,
    Watching,
    command,
    configure,
    drop,
    environment,
    is_group_alive,
    left_over,
    spooled,
    wait_until,
)
from tests.support.programs.runs import PLUGIN, Run, runs_of

pytestmark = pytest.mark.sweep


NAMES = ("{}.log", "{}.log.gz", "{}", "two words {}.txt", "größe-{}.log", "{}~2.log")


ODD_NAMES = ("-{}.log", "new\nline {}.log", os.fsdecode(b"\xff\xfe-{}.log"), "l" * 247 + "{}.log")


@dataclass(frozen=True)
class Dropped:
    """One input: what its file holds, and the results that it must get, with the name that each asks for."""

    name: str
    data: bytes
    results: dict[bytes, str]


def make_input(number: int, name: str, count: int) -> Dropped:
    """An input whose contents and results are no other's."""
    lines = [f"{number:04} {line} {'x' * (line * number % 23)}" for line in range(1, count + 1)]
    ended = [f"{line_no} {line}" for line_no, line in enumerate(lines, 1)]
    totals = "".join(f"{number:04} {total}\n" for total in accumulate(map(len, ended)))
    data = "".join(f"{line}\n" for line in lines).encode()
    plain = name.removesuffix(".gz")
    own, totals_name = "".join(f"{line}\n" for line in ended), f"{os.path.splitext(plain)[0]}.sum"
    results = {own.encode(): plain, totals.encode(): totals_name}
    return Dropped(name, gzip.compress(data) if name.endswith(".gz") else data, results)


class Storm:
    """Instances that are killed, stopped and started again, on a folder that files are dropped into."""

    def __init__(self, folder: Path, chance: random.Random, instances: int) -> None:
        self.dropped: list[Dropped] = []
        self.killed: list[tuple[int, int]] = []  # process id and when, in ns
        self._folder = folder
        self._chance = chance
        self._paused: list[tuple[float, int]] = []  # until when, and a descriptor
        self._processes: list[subprocess.Popen[bytes]] = []
        for _ in range(instances):
            self._start()

    def drop(self, count: int) -> None:
        """Drop files by rename, some under names that were there before."""
        incoming, unprocessed = self._folder / "incoming", self._folder / "watch_dir/unprocessed"
        for _ in range(count):
            number = len(self.dropped)
            name = [*NAMES, *ODD_NAMES][number % 10].format(f"{number // 10:04}")
            if self.dropped and self._chance.random() < 0.2:
                earlier = self._chance.choice(self.dropped).name
                name = name if os.path.lexists(unprocessed / earlier) else earlier
            few, many = (60, 150) if self._chance.random() < 0.1 else (3, 10)
            given = make_input(number, name, self._chance.randint(few, many))
            incoming.write_bytes(given.data)
            incoming.rename(unprocessed / name)  # only this test drops files, so none is replaced
            self.dropped.append(given)

    def rest(self, seconds: float) -> None:
        """Let them work, and go on with those whose pause is over."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            due = [paused for paused in self._paused if paused[0] <= now]
            for paused in due:
                self._paused.remove(paused)
                send(paused[1], signal.SIGCONT)
                os.close(paused[1])
            time.sleep(0.005)

    def kill_instance(self) -> None:
        """Kill one with all its workers, and start another."""
        process = self._chance.choice(self._processes)
        self.killed.append((process.pid, time.monotonic_ns()))
        process.kill()
        process.wait(DEADLINE_SECONDS)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while is_group_alive(process.pid):  # a worker that was stopped as it started dies when it goes on
            assert time.monotonic() < deadline, "its workers have not died with it"
            self.rest(0.005)
        self._processes.remove(process)
        self._start()

    def kill_worker(self) -> None:
        """Kill one worker alone."""
        pid, descriptor = self._a_worker()
        self.killed.append((pid, time.monotonic_ns()))
        send(descriptor, signal.SIGKILL)
        os.close(descriptor)

    def stop_instance(self) -> None:
        """Stop one for a while; its workers go on."""
        self._pause(os.pidfd_open(self._chance.choice(self._processes).pid))

    def stop_worker(self) -> None:
        """Stop one worker for a while, with all that it holds."""
        self._pause(self._a_worker()[1])

    def end(self) -> list[int]:
        """End all as an operator does, once the last one is up; gives the exit statuses."""
        here = self._folder / "watch_dir/.fproc/instances"
        wait_until(lambda: all(any(here.glob(f"{process.pid}-*")) for process in self._processes), self.log)
        for process in self._processes:
            process.terminate()
        return [process.wait(DEADLINE_SECONDS) for process in self._processes]

    def close(self) -> None:
        """Let nothing run on, whatever happened."""
        for _, descriptor in self._paused:
            send(descriptor, signal.SIGCONT)
            os.close(descriptor)
        for process in self._processes:
            process.kill()  # by its own id; nothing happens if it has ended
            process.wait(DEADLINE_SECONDS)
        pids = [process.pid for process in self._processes]
        wait_until(lambda: not any(map(is_group_alive, pids)), lambda: "something still runs")

    def log(self) -> str:
        """What all of them have said."""
        return (self._folder / "log").read_text(errors="backslashreplace")

    def _start(self) -> None:
        arguments = command("--watch", "--no-dashboard", "--workers", "2")
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                arguments, cwd=self._folder, env=environment(), stderr=log, start_new_session=True
            )
        self._processes.append(process)

    def _pause(self, descriptor: int) -> None:
        send(descriptor, signal.SIGSTOP)
        self._paused.append((time.monotonic() + self._chance.uniform(0.05, 0.5), descriptor))

    def _a_worker(self) -> tuple[int, int]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            parent = self._chance.choice(self._processes).pid
            for pid in self._chance.sample(children := children_of(parent), len(children)):
                descriptor = open_child(pid, parent)
                if descriptor is not None:
                    return pid, descriptor
            self.rest(0.01)
        raise AssertionError(f"there are no workers\n{self.log()}")


NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "own.Step", "config": {"pause": 0.004}, "next": ["end", "total"]},
    {"tag": "total", "type": "own.Total", "next": "totals"},
    {"tag": "totals", "type": "write", "config": {"file": "{stem}.sum"}},
]


PATIENT = {
    "retry": {"max_attempts": 50, "backoff_seconds": 0.02, "backoff_max_seconds": 0.2},
    "checkpoint": {"seconds": 0.02},
    "recovery": {"check_interval": 0.5},
}


def wait_for_processed(folder: Path, files: int, log: Callable[[], str]) -> None:
    """Wait until this many files are done, and all is quiet."""
    processed = folder / "watch_dir/processed"
    wait_while_it_gets_on(
        lambda: len(os.listdir(processed)) >= files and not left_over(folder),
        lambda: len(os.listdir(processed)),
        log,
    )


def assert_all_is_right(folder: Path, dropped: list[Dropped]) -> None:
    """Each input is archived once, each result is there once, under a name of its own, and nothing else."""
    assert left_over(folder) == []
    found = spooled(folder)
    inputs = Counter(data for path, data in found.items() if path.startswith("processed/"))
    results = Counter(data for path, data in found.items() if path.startswith("results/"))
    assert inputs == Counter(given.data for given in dropped)
    assert results == Counter(result for given in dropped for result in given.results)
    wanted = {result: name for given in dropped for result, name in given.results.items()}
    for path, data in found.items():
        if path.startswith("results/"):
            possible = {numbered(wanted[data], number) for number in range(1, 100)}
            assert path.removeprefix("results/") in possible


def assert_one_at_a_time(runs: list[Run], killed: list[tuple[int, int]]) -> None:
    """No two runs of a file overlap: a run is over when it has finished, or when it was killed."""
    by_file = defaultdict[str, list[Run]](list)
    for run in runs:
        by_file[run.file].append(run)
    for file, of_file in by_file.items():
        assert of_file[-1].has_finished, file
        for run, later in pairwise(of_file):
            assert run.last < later.began, f"{file}: {run} and {later}"
            deaths = (at for pid, at in killed if pid in {run.pid, run.parent})
            assert run.has_finished or any(at < later.began for at in deaths), f"{file}: {run} and {later}"


@pytest.mark.parametrize(
    ("instances", "files", "each"),
    [(2, 150, 3), pytest.param(3, 2000, 50, marks=[pytest.mark.long, pytest.mark.timeout(1800)])],
)
def test_kills_and_pauses_of_anything_at_any_time_change_no_result(
    memory_path: Path, instances: int, files: int, each: int
) -> None:
    (memory_path / "own.py").write_text(PLUGIN)
    (memory_path / "watch_dir/unprocessed").mkdir(parents=True)
    configure(memory_path, NODES, **PATIENT)
    chance = seeded_chance()
    began = time.monotonic()
    with closing(Storm(memory_path, chance, instances)) as storm:
        acts = [storm.kill_instance, storm.kill_worker, storm.stop_instance, storm.stop_worker] * each
        chance.shuffle(acts)
        storm.drop(files // 3)
        for left, act in zip(range(len(acts), 0, -1), acts, strict=True):
            storm.drop((files - len(storm.dropped)) // left)
            storm.rest(chance.uniform(0, 0.3))
            act()
        storm.rest(0.6)
        wait_for_processed(memory_path, files, storm.log)
        assert storm.end() == [0] * instances, storm.log()
    assert_all_is_right(memory_path, storm.dropped)
    runs = runs_of(memory_path)
    assert_one_at_a_time(runs, storm.killed)
    hit = sum(not run.has_finished for run in runs)
    again = sum(run.lines[0] > 1 for run in runs)
    figures = f"{len(storm.killed)} kills, {hit} runs killed, {again} went on from a checkpoint"
    print(f"{files} files, {figures}, {time.monotonic() - began:.0f} s")
    assert hit >= len(storm.killed) // 3 - 2, "the kills came too early or too late to show anything"


def test_instances_that_start_together_share_the_work(tmp_path: Path) -> None:
    files = 200
    (tmp_path / "own.py").write_text(PLUGIN)
    nodes = [{**NODES[0], "config": {"pause": 0.01, "gate": "go"}}, *NODES[1:]]
    configure(tmp_path, nodes, workers=1, durability="process")
    dropped = [make_input(number, f"{number:03}.log", 1) for number in range(files)]
    for given in dropped:
        drop(tmp_path, given.name, given.data)
    with Watching(tmp_path) as one, Watching(tmp_path) as other:
        wait_until(lambda: (tmp_path / "marks").exists() and len(runs_of(tmp_path)) == 2, lambda: one.log)
        (tmp_path / "go").touch()
        wait_for_processed(tmp_path, files, lambda: one.log + other.log)
        assert one.stop() == other.stop() == 0
    runs = runs_of(tmp_path)
    shares = Counter(run.parent for run in runs)
    print(f"{files} files, shared as {dict(shares)}")
    assert min(shares[watching.process.pid] for watching in (one, other)) > files * 0.2
    assert max(Counter(run.file for run in runs).values()) == 1
    assert_all_is_right(tmp_path, dropped)
