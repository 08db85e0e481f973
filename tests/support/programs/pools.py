"""A spool with worker processes and processors that wait, die, fork or get stuck in them."""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from fproc.cli import logs
from fproc.config.keys import parse_config
from fproc.run.attempt import WorkerDeath
from fproc.run.outcome import Outcome
from fproc.spool.spool import Spool
from fproc.telemetry.printer import tracer
from fproc.watch.workers.messages import NotBegun, Report, Setup, TakenUp, Task, Why
from fproc.watch.workers.pool import Pool
from fproc.watch.workers.sampling import CountTime
from fproc.watch.workers.slot import WorkerLost
from tests.support.programs.running import wait_until

OWN: list[dict[str, Any]] = [{"tag": "start", "type": "own.step", "next": "end"}]


UPPER = """
def step(line):
    return line.upper()
"""


WHO = """
import os
def step(line):
    return str(os.getpid())
"""


DIES = """
import os, resource, signal
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def step(line):
    exec(line)
    return line
"""


SLOW = """
import os, time
class step:
    def __init__(self):
        self.lines = 0
    def process(self, line):
        self.lines += 1
        open("begun", "w").close()
        if not os.path.exists("go"):
            time.sleep(0.01)
        return f"{self.lines} {line}"
"""


STUCK = """
import os, re, time
def step(line):
    open("begun", "w").close()
    exec(line)
    return line
"""


SLEEPS = "time.sleep(1000)"


MATCHES = "re.match('(a+)+$', 'a' * 40 + 'b')"


FORKS = """
import os, signal, time
def step(line):
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    with open("child.new", "w") as file:
        file.write(str(child))
    os.rename("child.new", "child")
    exec(line)
    return line
"""


class Place:
    """A spool, a plugin `own`, and the processes that work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.pools: list[Pool] = []

    def pool(
        self,
        source: str,
        *,
        size: int = 1,
        nodes: Any = OWN,
        count_time: CountTime = lambda *_: None,
        monotonic: Callable[[], float] = time.monotonic,
        **config: Any,
    ) -> Pool:
        (self.folder / "own.py").write_text(source)
        value = {"nodes": nodes, "durability": "process", "intake": {"ready": "rename"}, **config}
        parsed, problems = parse_config(value, folder=str(self.folder))
        assert parsed
        assert not problems
        self.spool = Spool(parsed)
        set_up = partial(logs.set_up, level=logging.INFO, form="text", path=str(self.log), colour=False)
        setup = Setup(parsed, set_up, partial(tracer, is_wanted=False))
        self.pools.append(Pool(setup, size, count_time=count_time, monotonic=monotonic))
        return self.pools[-1]

    def put(self, name: str, *lines: str) -> Task:
        text = "".join(f"{line}\n" for line in lines)
        Path(self.spool.folders.unprocessed, name).write_text(text)
        return Task(name, Why.NEW)

    def result(self, name: str) -> list[str]:
        return Path(self.spool.folders.results, name).read_text().splitlines()

    def wait_for(self, name: str) -> Path:
        """Wait until a plugin has made a file."""
        wait_until((self.folder / name).exists)
        return self.folder / name

    def end_child(self) -> None:
        """End the process that a plugin has started."""
        path = self.folder / "child"
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)
            path.unlink()

    def close(self) -> None:
        self.end_child()
        for each in self.pools:
            for slot in each._slots:
                slot.kill()


def collected(workers: Pool, count: int = 1) -> list[Report | WorkerLost]:
    """Wait for `count` events, as the loop does; that an input was taken up is none."""
    return [event for event in heard(workers, count) if not is_begin(event)]


def heard(workers: Pool, count: int) -> list[Report | WorkerLost]:
    """Wait for `count` events, and return all, as they came."""
    events: list[Report | WorkerLost] = []

    def has_come() -> bool:
        select.select(workers.sockets(), [], [], 0.05)
        events.extend(workers.collect())
        return sum(not is_begin(event) for event in events) >= count

    wait_until(has_come)
    return events


def is_begin(event: Report | WorkerLost) -> bool:
    return isinstance(event, Report) and isinstance(event.value, TakenUp)


def done(workers: Pool, task: Task) -> Outcome:
    """Have a task done, whose file must come to an outcome."""
    workers.submit(task)
    return outcome_of(*collected(workers))


def done_at_last(workers: Pool, task: Task) -> Outcome:
    """Have a task done that may be given back once, because the worker that got it was leaving."""
    workers.submit(task)
    (event,) = collected(workers)
    is_given_back = isinstance(event, Report) and isinstance(event.value, NotBegun)
    return done(workers, task) if is_given_back else outcome_of(event)


def outcome_of(event: Report | WorkerLost) -> Outcome:
    assert isinstance(event, Report), event
    assert isinstance(event.value, Outcome), event
    return event.value


def death_of(event: Report | WorkerLost) -> WorkerDeath:
    assert isinstance(event, WorkerLost), event
    return event.death


def pids(workers: Pool) -> list[int]:
    return [slot._process.pid for slot in workers._slots if slot._process]


def is_gone(pid: int) -> bool:
    """Whether there is no such process, not even one whose end nobody has taken note of."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
