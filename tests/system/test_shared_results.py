"""Results that inputs share: what the program says of them, and what storms and rotations leave in them."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import EXIT_CONFIG, EXIT_OK
from fproc.spool.output.intents import digest_of
from tests.support.programs.disturbing import (
    children_of,
    open_child,
    seeded_chance,
    send,
    wait_while_it_gets_on,
)
from tests.support.programs.running import Watching, configure, drop, left_over, run

BY_TAG: list[dict[str, Any]] = [
    {"tag": "start", "type": "tag_prefix", "next": "sink"},
    {"tag": "sink", "type": "write", "config": {"file": "{tag}/all.log", "append": True}},
]


def test_inputs_are_added_to_a_result_one_after_the_other_and_why_says_where(tmp_path: Path) -> None:
    configure(tmp_path, BY_TAG)
    for name, text in (("x.log", b"error:a\ninfo:b\n"), ("y.log", b"error:c\n")):
        drop(tmp_path, name, text)
        assert run(tmp_path, "--watch", "--drain", "--no-dashboard").status == EXIT_OK
    assert (tmp_path / "watch_dir/results/error/all.log").read_bytes() == b"a\nc\n"
    assert (tmp_path / "watch_dir/results/info/all.log").read_bytes() == b"b\n"
    why = run(tmp_path, "--why", "y.log").out.decode()
    assert "processed, attempt 1, error/all.log (appended, bytes 2-3)" in why
    assert left_over(tmp_path) == []


def test_small_files_that_come_together_are_appended_by_one_call(tmp_path: Path) -> None:
    configure(tmp_path, BY_TAG, workers=1)
    for number in range(30):
        drop(tmp_path, f"{number:02}.log", b"error:%d\n" % number)
    assert run(tmp_path, "--watch", "--drain", "--no-dashboard").status == EXIT_OK
    lines = (tmp_path / "watch_dir/results/error/all.log").read_text().splitlines()
    assert sorted(map(int, lines)) == list(range(30))
    assert left_over(tmp_path) == []


def test_files_tell_which_part_of_a_result_an_input_gave(tmp_path: Path) -> None:
    configure(tmp_path, BY_TAG)
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "x.log", b"error:a\n")
        watching.wait_for("processed/x.log")
        watching.wait_until(lambda: watching.get("/files")[1]["recent"])
        assert watching.get("/files")[1]["recent"][0]["results"] == ["error/all.log (appended, bytes 0-1)"]


def test_an_input_beside_the_spool_is_added_to_the_same_result_and_the_log_says_so(tmp_path: Path) -> None:
    configure(tmp_path, BY_TAG)
    drop(tmp_path, "x.log", b"error:a\n")
    assert run(tmp_path, "--watch", "--drain", "--no-dashboard").status == EXIT_OK
    (tmp_path / "beside.log").write_bytes(b"error:b\n")
    for _ in range(2):
        ended = run(tmp_path, "--input", "beside.log")
        assert ended.status == EXIT_OK
    assert (tmp_path / "watch_dir/results/error/all.log").read_bytes() == b"a\nb\nb\n"
    assert "results/error/all.log (appended, bytes 4-5)" in ended.err


def test_a_folder_of_output_has_shared_results_of_its_own(tmp_path: Path) -> None:
    configure(tmp_path, BY_TAG)
    for name in ("one.log", "two.log"):
        (tmp_path / name).write_text(f"error:{name}\n")
    assert run(tmp_path, "--input", "one.log", "two.log", "--output", "out/").status == EXIT_OK
    assert (tmp_path / "out/error/all.log").read_text() == "one.log\ntwo.log\n"
    assert sorted(os.listdir(tmp_path / "out")) == ["error"]


def test_output_is_a_folder_where_something_is_appended(tmp_path: Path) -> None:
    nodes = [{"tag": "start", "type": "write", "config": {"append": True}}]
    configure(tmp_path, nodes)
    (tmp_path / "one.log").write_text("a\n")
    for _ in range(2):
        assert run(tmp_path, "--input", "one.log", "--output", "out").status == EXIT_OK
    assert (tmp_path / "out/one.log").read_text() == "a\na\n"


def test_what_is_replaced_cannot_be_appended_to_and_check_says_where(tmp_path: Path) -> None:
    configure(tmp_path, BY_TAG, on_conflict="replace")
    ended = run(tmp_path, "--check")
    assert ended.status == EXIT_CONFIG
    assert "$.nodes[1].config.append: a result cannot be appended to and replaced" in ended.err


RESULTS = 5
INPUTS = 250
DISTURBED = 0.05
"""How often something happens to a worker, at each look and each drop."""

WHOLE = 0.1
"""How often that is the end of its whole instance, in whose place another one is started."""


def inputs(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Inputs with lines for several results each; each line says whose it is, and which one."""
    for number in range(INPUTS):
        lines = chance.choice((1, 3, 40, 2000))
        tags = chance.sample(range(RESULTS), chance.randint(1, RESULTS))
        text = "".join(f"r{tag}:{number} {line} of {lines}\n" for line in range(lines) for tag in tags)
        yield f"{number:03}.log", text.encode()


class Rotator(threading.Thread):
    """Renames some results from time to time, and copies and empties the others under their locks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._results = folder / "watch_dir" / "results"
        self._intents = folder / "watch_dir" / ".fproc" / "appends"
        self._ends = threading.Event()
        self.rotations = 0

    def run(self) -> None:
        while not self._ends.wait(0.3):
            for tag in range(RESULTS):
                path = self._results / f"r{tag}" / "all.log"
                with suppress(FileNotFoundError):
                    if tag % 2:
                        self._empty(path)
                    else:
                        path.rename(path.with_suffix(f".{self.rotations}"))
                    self.rotations += 1

    def _empty(self, path: Path) -> None:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            is_under_way = (self._intents / digest_of(str(path.relative_to(self._results)))).exists()
            if not is_under_way and (data := file.read()):
                path.with_suffix(f".{self.rotations}").write_bytes(data)
                os.truncate(path, 0)

    def stop(self) -> None:
        self._ends.set()
        self.join()


class Instances:
    """Three of them, of which some are killed and started anew, or lose a worker.

    Args:
        folder: that they watch.
        stack: ends them.
        chance: says what happens.
    """

    def __init__(self, folder: Path, stack: ExitStack, chance: random.Random) -> None:
        self._folder = folder
        self._stack = stack
        self._chance = chance
        self.killed = 0
        self.running = [self._start() for _ in range(3)]

    def _start(self) -> Watching:
        return self._stack.enter_context(Watching(self._folder))

    def perhaps_disturb(self) -> None:
        """Kill an instance, kill a worker, stop one for a moment, or mostly do nothing."""
        if self._chance.random() >= DISTURBED:
            return
        index = self._chance.randrange(len(self.running))
        if self._chance.random() < WHOLE or not self.killed:
            self.running[index].process.kill()
            self.running[index].wait()
            self.killed += 1
            self.running[index] = self._start()
        else:
            disturb_worker(self._chance, self.running[index].process.pid)


def disturb_worker(chance: random.Random, parent: int) -> None:
    """Kill a worker, or stop one for a moment."""
    workers = children_of(parent)
    descriptor = open_child(chance.choice(workers), parent) if workers else None
    if descriptor is None:
        return
    try:
        if chance.random() < 0.5:
            send(descriptor, signal.SIGKILL)
        else:
            send(descriptor, signal.SIGSTOP)
            time.sleep(0.1)
            send(descriptor, signal.SIGCONT)
    finally:
        os.close(descriptor)


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_under_kills_stops_and_rotations_each_input_is_there_once_and_whole(tmp_path: Path) -> None:
    chance = seeded_chance()
    dropped = dict(inputs(chance))
    keys = {"workers": 2, "retry": {"max_attempts": 1000, "backoff_max_seconds": 0.1}}
    configure(tmp_path, BY_TAG, **keys, recovery={"check_interval": 0.5})
    processed = tmp_path / "watch_dir" / "processed"
    rotator = Rotator(tmp_path)
    with ExitStack() as stack:
        instances = Instances(tmp_path, stack, chance)
        rotator.start()
        stack.callback(rotator.stop)
        for name, data in dropped.items():
            drop(tmp_path, name, data)
            instances.perhaps_disturb()

        def is_done() -> bool:
            instances.perhaps_disturb()
            return len(os.listdir(processed)) == INPUTS

        wait_while_it_gets_on(is_done, lambda: len(os.listdir(processed)), lambda: instances.running[0].log)
        rotator.stop()
        instances.running[0].wait_until(lambda: not left_over(tmp_path))  # what the last kills left
    assert rotator.rotations > RESULTS
    assert instances.killed > 0
    check_each_is_there_once_and_whole(tmp_path / "watch_dir" / "results", dropped)


def check_each_is_there_once_and_whole(results: Path, dropped: dict[str, bytes]) -> None:
    """Check that the lines of each input are, in each of its results, in one file, together and in order."""
    seen: dict[tuple[str, str], list[tuple[str, int, str]]] = defaultdict(list)
    for path in results.glob("r*/*"):
        for place, line in enumerate(path.read_text().splitlines()):
            number, rest = line.split(" ", 1)
            seen[path.parent.name, number].append((path.name, place, rest))
    for data in dropped.values():
        wanted = defaultdict(list)
        for line in data.decode().splitlines():
            tag, rest = line.split(":", 1)
            number, rest = rest.split(" ", 1)
            wanted[tag, number].append(rest)
        for key, lines in wanted.items():
            file, begin, _ = seen[key][0]
            assert seen.pop(key) == [(file, begin + at, line) for at, line in enumerate(lines)], key
    assert seen == {}
