"""Real processes that are killed before a system call that is counted, by strace."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fproc.spool.job import decision
from fproc.spool.job.decision import FileStamp
from tests.support.helpers import SAMPLES, user
from tests.support.programs.running import DEADLINE_SECONDS, environment, wait_until

AT_ONCE = 2
"""How many points are tried at the same time."""


CHANGES = (
    *("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat"),
    *("symlink", "symlinkat", "openat", "creat", "write", "writev", "pwrite64", "truncate", "ftruncate"),
    *("fallocate", "fsync", "fdatasync", "flock", "utimensat", "fchmod", "fchmodat"),
)
"""System calls that change folders, files or locks; `openat` only where it makes a file."""


TRACED = "trace=getpgid," + ",".join(f"?{name}" for name in CHANGES)


LAUNCHER = """
import ctypes, json, os, subprocess, sys
import fproc.cli.actions, fproc.cli.main, fproc.cli.settings, fproc.cli.serving.watch
import fproc.run.attempt, fproc.run.run
import fproc.telemetry.metrics, fproc.watch.loop, fproc.watch.workers.pool, fproc.watch.workers.worker
fproc.run.pieces.PIECE_SECONDS = 60.0  # pieces, and so checkpoints, do not depend on how fast the host is
exec(os.environ["SABOTAGE"])
role, steps = sys.argv[1], os.environ["STEPS"]

def trace(name, options):
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(2**64 - 1))  # PR_SET_PTRACER: any process may
    log = os.open(f"{name}.log", os.O_RDONLY | os.O_CREAT)
    command = ["strace", "-q", "-y", "-s", "0", "-o", f"{name}.log", *options, "-p", str(os.getpid())]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not os.fstat(log).st_size:  # until it sees this very call, and from then on every one
        if tracer.poll() is not None:
            sys.exit("strace cannot trace here")
        os.getpgid(0)
    os.close(log)
    return tracer

def take_step(role):
    todo = sorted(name for name in os.listdir(steps) if name.startswith(role) and name.endswith(".todo"))
    if todo:
        path = os.path.join(steps, todo[0].removesuffix(".todo"))
        os.rename(path + ".todo", path)
        with open(path) as file:
            tracers.append(trace(path, json.load(file)))

def be_forked(*numbers, main=fproc.watch.workers.worker.serve_tasks):
    take_step("worker")
    main(*numbers)

tracers = []
take_step(role)
if role == "worker":
    sys.argv[:4] = [code := sys.argv[3]]
    exec(code)
else:
    fproc.watch.workers.worker.serve_tasks = be_forked
    sys.executable = os.environ["WORKER"]
    sys.argv = ["fproc", "--watch", "--drain"]
    sys.exit(fproc.cli.main.main())
"""
"""Starts fproc, or is a worker that it starts or forks, and takes the first thing that is left to do."""


CLASH = {"processed/x.log": "old\n", "results/x.log": "old result\n"}


CHECKPOINTS: dict[str, Any] = {"checkpoint": {"seconds": 1e-9, "mb": 0.000001}}


SEVERAL: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "a", "b"]},
    {"tag": "a", "type": "write", "config": {"file": "{stem}.a.log"}},
    {"tag": "b", "type": "write", "config": {"file": "{stem}.b.log"}},
]


STATEFUL: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["total", "tally", "number", "last"]},
    {"tag": "total", "type": "count", "config": {"total": True}, "next": "counts"},
    {"tag": "tally", "type": "tally", "config": {"field": 1}, "next": "counts"},
    {"tag": "number", "type": user("Numbered"), "next": "end"},
    {"tag": "last", "type": user("LastOnes"), "next": "counts"},
    {"tag": "counts", "type": "write", "config": {"file": "{stem}.counts"}},
]


def lines(number: int, bad: Sequence[int] = ()) -> str:
    return "".join(f"k{i % 3} {'bad' if i in bad else 'line'} {i}\n" for i in range(number))


SCENARIOS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "several results, and taken names": ({"unprocessed/x.log": lines(3), **CLASH}, {"nodes": SEVERAL}),
    "an empty file, and one that fails": (
        {"unprocessed/a.log": "", "unprocessed/b.log": lines(7, bad=[5]), "failed/b.log": "old\n"},
        {"nodes": SEVERAL, **CHECKPOINTS},
    ),
    "checkpoints": ({"unprocessed/x.log": lines(30), **CLASH}, {"nodes": STATEFUL, **CHECKPOINTS}),
    "lines that are set aside": (
        {"unprocessed/x.log": lines(22, bad=[0, 3, 9, 21]), "unprocessed/y.log": lines(2, bad=[1]), **CLASH},
        {"nodes": STATEFUL, "on_error": "reject", **CHECKPOINTS},
    ),
    "a marker": (
        {"unprocessed/x.log": lines(2), "unprocessed/x.log.done": "", **CLASH},
        {"nodes": SEVERAL, "intake": {"ready": "marker", "poll_seconds": 0.01}},
    ),
}
"""What lies below `watch_dir` before the first start, and the configuration."""


DEFAULTS: dict[str, Any] = {
    "workers": 1,
    "plugins_dir": SAMPLES,
    "intake": {"ready": "rename", "order": "name", "poll_seconds": 0.01},
    "retry": {"max_attempts": 1000, "backoff_seconds": 0},
}


ROLES = {"worker": "worker", "all": "worker", "parent": "parent"}
"""Whose calls count for each target."""


class Call(NamedTuple):
    """The `number`th call of its name that a process makes, and how strace shows it."""

    name: str
    number: int
    text: str


class Kill(NamedTuple):
    """Who is killed before which call."""

    target: str
    call: Call


class NeverCameError(Exception):
    """A process has ended before the call at which it was to be killed."""


class Place:
    """One spool, set up for a scenario; `sabotage` is code that breaks fproc."""

    def __init__(self, folder: Path, scenario: str, sabotage: str = "") -> None:
        self.folder, self.watch_dir = folder, folder / "watch_dir"
        self._scenario, self._sabotage = scenario, sabotage
        (self.watch_dir / "unprocessed").mkdir(parents=True)
        files, config = SCENARIOS[scenario]
        for path, text in files.items():
            (self.watch_dir / path).parent.mkdir(exist_ok=True)
            (self.watch_dir / path).write_text(text)
        (folder / "pipeline.json").write_text(json.dumps({**DEFAULTS, **config}))
        (folder / "launcher.py").write_text(LAUNCHER)
        worker = folder / "worker"
        worker.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/launcher.py" worker "$@"\n')
        worker.chmod(0o755)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def run(self, kills: Sequence[Kill] = (), observed: str = "") -> list[Call]:
        """Run fproc until nothing is left to do, or until it is killed.

        Gives the calls of the next process of a role after those that were killed, if one is observed.
        """
        steps = Path(tempfile.mkdtemp(prefix="steps-", dir=self.folder))
        paths = [steps / f"{ROLES[kill.target]}-{number}" for number, kill in enumerate(kills)]
        observation = steps / f"{observed}-observed"
        options = [["-e", TRACED] for _ in (*kills, observation)]
        for option, (target, call) in zip(options, kills, strict=False):
            how = "STOP" if target == "all" else "KILL"
            option += ["-e", f"inject={call.name}:signal={how}:when={call.number}"]
        for path, option in zip((*paths, observation), options, strict=True):
            path.with_suffix(".todo").write_text(json.dumps(option))
        self._age_probes()
        with self._started(steps) as process:
            if kills and kills[-1].target == "all":
                is_stopped = re.compile("--- stopped by SIGSTOP ---").search
                wait_until(lambda: is_stopped(log_of(paths[-1])) or process.poll() is not None)
                process.kill()
            status = process.wait(DEADLINE_SECONDS)
        if not all(whole_log_of(path).endswith("+++ killed by SIGKILL +++\n") for path in paths):
            raise NeverCameError(f"fproc ended with {status}\n{self.log}")
        if kills and kills[-1].target != "worker":
            assert status == -signal.SIGKILL
        else:
            assert status in {0, 1}, self.log
            assert self.log.count("was killed by SIGKILL") >= len(kills)
        return touching(whole_log_of(observation), str(self.watch_dir))

    def _age_probes(self) -> None:
        """Let the notes of starts that were killed be as old as those that the next start removes."""
        for note in self.watch_dir.glob(".fproc/probes/*"):
            os.utime(note, (0, 0))

    def seen(self, *, may_have_died: bool = False) -> dict[str, object]:
        """All below the watched folder but what is in the history; what chance and time made is left out."""
        stamp = (self.watch_dir / ".fproc" / "id").read_text()
        found: dict[str, object] = {}
        for path in sorted(self.watch_dir.rglob("*")):
            place = str(path.relative_to(self.watch_dir)).replace(stamp, "ID")
            if place.startswith(".fproc/new/"):
                continue  # a lease that was not finished: it goes after as long as any lease is waited for
            if path.is_dir():
                found[place + "/"] = None
            elif place.endswith(".error.json"):
                report = json.loads(path.read_text())
                del report["timestamp"], report["traceback"]
                assert report["attempts"] == 1 or (may_have_died and report["attempts"] > 1), report
                found[place] = {**report, "attempts": "as many as it should"}
            elif place.startswith(".fproc/published/"):
                found[place] = self._published(path)
            elif place not in {".fproc/history.db", ".fproc/clock.json"}:
                found[place] = path.read_bytes().replace(stamp.encode(), b"ID")
        return found

    def _published(self, record: Path) -> dict[str, bool]:
        """What a record says was published and archived, and whether each is the very file that it says."""
        found = decision.read_from(str(record))
        assert found, record
        said = {move.target: move.is_at(str(self.watch_dir / move.target)) for move in found.publications}
        archived = FileStamp.of((self.watch_dir / found.archive.target).stat())
        said[found.archive.target] = found.stamp.same_file(archived)
        assert all(said.values()), said
        return said

    def check(self, kills: Sequence[Kill] = ()) -> None:
        """See that what came out is what comes out of a run that nobody disturbs."""
        has_died = any(kill.target == "worker" for kill in kills)
        assert self.seen(may_have_died=has_died) == undisturbed(self._scenario)

    @contextmanager
    def _started(self, steps: Path) -> Iterator[subprocess.Popen[bytes]]:
        own = {"STEPS": str(steps), "WORKER": str(self.folder / "worker"), "SABOTAGE": self._sabotage}
        command = [sys.executable, str(self.folder / "launcher.py"), "parent"]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment(own), stdin=subprocess.DEVNULL, stderr=log
            )
        with process:
            try:
                yield process
            finally:
                process.kill()  # by its own id; nothing happens if it has ended


def log_of(path: Path) -> str:
    """What strace has said so far of a process that had this to do; "" if there was none."""
    log = path.with_suffix(".log")
    return log.read_text() if log.exists() else ""


def whole_log_of(path: Path) -> str:
    """The same, once that process has ended."""
    wait_until(lambda: not log_of(path) or "\n+++ " in log_of(path), lambda: f"{path} does not end")
    return log_of(path)


def touching(log: str, watch_dir: str) -> list[Call]:
    """Those of the calls in a log that change something of the spool."""
    numbers: Counter[str] = Counter()
    found = []
    for line in log.splitlines():
        name, bracket, rest = line.partition("(")
        if not bracket or not name.isidentifier():
            continue  # a signal, or the end
        numbers[name] += 1
        if name in CHANGES and watch_dir in rest and (name != "openat" or "O_CREAT" in rest):
            text = re.sub(r"[0-9a-f]{8,}", "*", line.replace(watch_dir + "/", ""))
            found.append(Call(name, numbers[name], text))
    return found


@contextmanager
def place_for(scenario: str, sabotage: str = "") -> Iterator[Place]:
    """A new place, in memory if possible, and removed at the end."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="fproc-test-", dir=memory) as folder:
        yield Place(Path(folder), scenario, sabotage)


@cache
def undisturbed(scenario: str) -> dict[str, object]:
    """What comes out of a scenario when nobody is killed."""
    with place_for(scenario) as place:
        place.run()
        seen = place.seen()
    assert not [path for path in seen if re.match(r"(un\w+|.fproc/jobs|results/.stage/ID)/.", path)]
    return seen


@cache
def calls_of(scenario: str, role: str) -> list[Call]:
    """The calls of the parent, or of the worker, in a run that nobody disturbs."""
    undisturbed(scenario)  # the first run compiles modules; a later one makes fewer calls
    with place_for(scenario) as place:
        return place.run(observed=role)


def attempt(scenario: str, kills: Sequence[Kill], observed: str = "", sabotage: str = "") -> list[Call]:
    """Kill at each of these in turn, recover, and check; gives the calls of whom is observed at recovery.

    A worker that is killed leaves a parent that goes on, so the next kill comes in the same run.
    """
    of_run: list[Kill] = []
    with place_for(scenario, sabotage) as place:
        for kill in kills:
            of_run.append(kill)
            if kill.target != "worker":
                place.run(of_run)
                of_run = []
        found = place.run(of_run, observed)
        place.check(kills)
    return found


def all_of(points: Sequence[Sequence[Kill]], scenario: str, sabotage: str = "") -> list[str]:
    """Try all of these; gives what went wrong.

    How many calls the history makes is a matter of chance, because events are written together as they come:
    only there, a call of the first run may be missing from a later one.
    """

    def trouble(kills: Sequence[Kill]) -> str | None:
        try:
            attempt(scenario, kills, sabotage=sabotage)
        except NeverCameError as error:
            of_history = any(".fproc/history" in call.text for _, call in kills)
            return None if of_history else f"{kills} did not come: {error}"
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return "\n".join([*(f"{target} killed before {call.text}" for target, call in kills), str(error)])
        return ""

    begin = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        troubles = list(pool.map(trouble, points))
    missing, seconds = troubles.count(None), time.monotonic() - begin
    print(f"{len(points) - missing} points in {seconds:.1f} s; {missing} did not come")
    return [wrong for wrong in troubles if wrong]
