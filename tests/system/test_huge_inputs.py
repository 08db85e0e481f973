"""A file of 1 GB under `kill -9`, and a line without an end."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.job.checkpoint import read_checkpoint
from tests.conftest import MEMORY
from tests.support.programs.disturbing import (
    children_of,
    open_child,
    seeded_chance,
    send,
    wait_while_it_gets_on,
)
from tests.support.programs.running import Watching, configure, drop, left_over, report
from tests.support.programs.runs import PLUGIN, peak_memory_mb, runs_of

pytestmark = pytest.mark.sweep


MEGABYTE = 10**6


TEXT = "".join(random.Random(1).choices("abcdefghij klmnopqrst", k=16384))


PIECE_BYTES = 128 * 1024
"""More than one piece can hold: a block of 64 KiB, and a line that began before it."""


@dataclass(frozen=True)
class Big:
    """A file of long lines: how many, and the digests of it and of its result."""

    lines: int
    input: str
    result: str


def big_line(number: int) -> str:
    return f"x.log {number} {TEXT[: 4096 + number * 7919 % 12289]}\n"


def write_big(path: Path, size_bytes: int) -> Big:
    """Write a file of about `size_bytes`."""
    given, result = hashlib.sha256(), hashlib.sha256()
    number = written_bytes = 0
    with path.open("wb") as file:
        while written_bytes < size_bytes:
            number += 1
            line = big_line(number).encode()
            written_bytes += file.write(line)
            given.update(line)
            result.update(b"%d " % number + line)
    return Big(number, given.hexdigest(), result.hexdigest())


def digest(path: Path) -> str:
    value = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(MEGABYTE):
            value.update(data)
    return value.hexdigest()


@pytest.fixture
def roomy_path() -> Iterator[Path]:
    """A folder for one test with room for a few GB, in memory if there is so much."""
    has_room = os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > 4 * 2**30
    folder = tempfile.mkdtemp(prefix="fproc-test-", dir=MEMORY if has_room else None)
    yield Path(folder)
    shutil.rmtree(folder)


class Victim:
    """A `--watch` with one worker, of which now the worker, now all is killed."""

    def __init__(self, folder: Path, name: str, stack: ExitStack) -> None:
        self.memory_mb = 0.0
        self._folder = folder
        self._job = str(folder / "watch_dir/.fproc/jobs" / name)
        self._stack = stack
        self._line_no = 1
        self._logs: list[Watching] = []
        self._start()

    def log(self) -> str:
        return "".join(watching.log for watching in self._logs)

    def line_no(self) -> int:
        """Where the checkpoint stands."""
        saved = read_checkpoint(self._job)
        return saved.place.line_no if saved else 1

    def kill(self, after_seconds: float, *, is_worker: bool) -> None:
        """Kill it, so long after the first checkpoint that is newer than at the last time."""
        self._watching.wait_until(lambda: self.line_no() > self._line_no)
        time.sleep(after_seconds)
        self._line_no = self.line_no()
        parent = self._watching.process.pid
        (worker,) = children_of(parent)
        self.memory_mb = max(self.memory_mb, peak_memory_mb(worker))
        if is_worker:
            descriptor = open_child(worker, parent)
            assert descriptor is not None
            send(descriptor, signal.SIGKILL)
            os.close(descriptor)
            self._watching.wait_until(lambda: worker not in children_of(parent))
        else:
            self._watching.signal(signal.SIGKILL)
            self._watching.wait()
            self._start()

    def finish(self, name: str) -> None:
        """Wait until the file is done, and stop."""
        processed = self._folder / "watch_dir/processed" / name
        wait_while_it_gets_on(processed.exists, lambda: (self._folder / "marks").stat().st_size, self.log)
        wait_while_it_gets_on(lambda: not left_over(self._folder), str, self.log)
        assert self._watching.stop() == 0

    def _start(self) -> None:
        self._watching = self._stack.enter_context(Watching(self._folder, anew=True))
        self._logs.append(self._watching)


def set_up_big(folder: Path, pause: float, **config: Any) -> None:
    (folder / "own.py").write_text(PLUGIN)
    (folder / "watch_dir/unprocessed").mkdir(parents=True)
    nodes = [{"tag": "start", "type": "own.Step", "config": {"pause": pause}, "next": "end"}]
    configure(folder, nodes, workers=1, **config)


@pytest.mark.parametrize(
    ("megabytes", "kills", "checkpoint_mb"),
    [(48, 4, 4), pytest.param(1000, 20, 32, marks=[pytest.mark.long, pytest.mark.timeout(1200)])],
)
def test_a_big_file_is_killed_again_and_again_and_each_time_little_is_done_twice(
    roomy_path: Path, megabytes: int, kills: int, checkpoint_mb: int
) -> None:
    pause = 0.0005
    chance = seeded_chance()
    set_up_big(roomy_path, pause, checkpoint={"mb": checkpoint_mb, "seconds": 5})
    unprocessed = roomy_path / "watch_dir/unprocessed"
    big = write_big(unprocessed / "x.log", megabytes * MEGABYTE)
    interval_seconds = big.lines * checkpoint_mb / megabytes * pause
    with ExitStack() as stack:
        began = time.monotonic()
        victim = Victim(roomy_path, "x.log", stack)
        for number in range(kills):
            intervals = chance.uniform(0, 1.4) if number % 4 else 2.5  # of about a checkpoint each, or less
            victim.kill(intervals * interval_seconds, is_worker=number % 2 == 0)
        victim.finish("x.log")
        assert "tried again" not in victim.log()
        seconds = time.monotonic() - began
    assert digest(roomy_path / "watch_dir/results/x.log") == big.result
    assert digest(roomy_path / "watch_dir/processed/x.log") == big.input
    runs = runs_of(roomy_path)
    assert len(runs) == kills + 1
    repeated = []
    for run, later in pairwise(runs):
        assert run.lines == list(range(run.lines[0], run.lines[-1] + 1))
        assert later.lines[0] <= run.lines[-1] + 1
        repeated.append(sum(len(big_line(number)) for number in range(later.lines[0], run.lines[-1] + 1)))
    twice = f"done twice: at most {max(repeated) / MEGABYTE:.2f} MB, {sum(repeated) / MEGABYTE:.1f} MB in all"
    print(f"{megabytes} MB in {big.lines} lines, {kills} kills, {seconds:.0f} s; {twice};")
    print(f"a worker took at most {victim.memory_mb:.0f} MB")
    assert max(repeated) <= checkpoint_mb * MEGABYTE + PIECE_BYTES
    assert victim.memory_mb < 80


def test_a_compressed_file_goes_on_from_its_checkpoints_as_well(tmp_path: Path) -> None:
    set_up_big(tmp_path, 0.001, checkpoint={"mb": 1})
    big = write_big(tmp_path / "x.log", 8 * MEGABYTE)
    packed = gzip.compress((tmp_path / "x.log").read_bytes(), 1)
    with ExitStack() as stack:
        victim = Victim(tmp_path, "x.log.gz", stack)
        drop(tmp_path, "x.log.gz", packed)
        for is_worker in (True, False):
            victim.kill(0.05, is_worker=is_worker)
        victim.finish("x.log.gz")
    assert digest(tmp_path / "watch_dir/results/x.log") == big.result
    assert (tmp_path / "watch_dir/processed/x.log.gz").read_bytes() == packed
    assert [run.lines[0] > 1 for run in runs_of(tmp_path)] == [False, True, True]


@pytest.mark.parametrize("on_error", ["fail", "reject"])
def test_a_line_of_1_gb_fails_or_is_rejected_and_takes_no_memory(roomy_path: Path, on_error: str) -> None:
    configure(roomy_path, workers=1, on_error=on_error)
    with Watching(roomy_path, anew=True) as watching:
        drop(roomy_path, "tiny.log", b"tiny\n")
        watching.wait_for("processed/tiny.log")
        (worker,) = children_of(watching.process.pid)
        base_mb = peak_memory_mb(worker)
        big = roomy_path / "watch_dir/.big"
        big.write_bytes(b"first\n")
        os.truncate(big, 1000 * MEGABYTE)  # all NUL bytes, in one line
        with big.open("ab") as file:
            file.write(b"\nlast\n")
        big.rename(roomy_path / "watch_dir/unprocessed/x.log")
        watching.wait_for("failed/x.log" if on_error == "fail" else "processed/x.log")
        assert children_of(watching.process.pid) == [worker]
        more_mb = peak_memory_mb(worker) - base_mb
        assert watching.stop() == 0
    print(f"a line of 1 GB: {more_mb:.1f} MB more than {base_mb:.1f} MB")
    assert more_mb < 64
    if on_error == "fail":
        said = report(roomy_path, "x.log")
        assert (said["line_no"], said["attempts"]) == (2, 1)
    else:
        (line,) = (roomy_path / "watch_dir/failed/x.log.rejected.jsonl").read_text().splitlines()
        said = json.loads(line)
        assert (said["line_no"], said["byte_offset"]) == (2, 6)
        assert (roomy_path / "watch_dir/results/x.log").read_bytes() == b"first\nlast\n"
    assert "longer than limits.max_line_bytes" in said["reason" if on_error == "fail" else "error"]
    assert len(said["line"]) < 1000
