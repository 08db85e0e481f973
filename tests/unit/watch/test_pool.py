"""Worker processes: what they report, what they die of, and that no process stays behind."""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.values import replace
from fproc.cli import logs
from fproc.config.keys import parse_config
from fproc.process.ipc import Receiver, send
from fproc.run.attempt import Outcome, WorkerDeath
from fproc.run.figures import Figures, NodeFigures
from fproc.run.verdict import Verdict
from fproc.spool.job.claim import Origin
from fproc.spool.spool import Spool
from fproc.telemetry.printer import tracer
from fproc.watch import pool
from fproc.watch.messages import NotBegun, Report, Setup, TakenUp, Task, Trouble, Why
from fproc.watch.pool import Pool, WorkerLost
from tests.support.programs.running import wait_until

OWN: list[dict[str, Any]] = [{"tag": "start", "type": "own.step", "next": "end"}]

UPPER = """
def step(line):
    return line.upper()
"""
TOGETHER = """
import glob, os, time
def step(line):
    open(f"{line}/began-{os.getpid()}", "w").close()
    while len(glob.glob(f"{line}/began-*")) < 3:
        time.sleep(0.01)
    return str(os.getpid())
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
BREAKS_OFF = """
import socket, sys
socket.socket(fileno=int(sys.argv[4])).recv(1)
sys.exit(1)
"""
HANGS_UP = """
import os, signal, sys
with open("child", "w") as file:
    file.write(str(os.getpid()))
os.close(int(sys.argv[4]))
signal.pause()
"""
SHELLS = """
import os
def step(line):
    os.system("sleep 1000 2> sleep.log & echo $! > child")
    return line
"""


class Place:
    """A spool, a plugin `own`, and the processes that work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.pools: list[Pool] = []

    def pool(self, source: str, *, size: int = 1, nodes: Any = OWN, **config: Any) -> Pool:
        (self.folder / "own.py").write_text(source)
        value = {"nodes": nodes, "durability": "process", "intake": {"ready": "rename"}, **config}
        parsed, problems = parse_config(value, folder=str(self.folder))
        assert parsed
        assert not problems
        self.spool = Spool(parsed)
        set_up = partial(logs.set_up, level=logging.INFO, form="text", path=str(self.log), colour=False)
        self.pools.append(Pool(Setup(parsed, set_up, partial(tracer, is_wanted=False)), size))
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


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with closing(Place(tmp_path)) as opened:
        yield opened


def collected(workers: Pool, count: int = 1) -> list[Report | WorkerLost]:
    """Wait for so many events, as the loop does; that an input was taken up is none."""
    return [event for event in heard(workers, count) if not is_begin(event)]


def heard(workers: Pool, count: int) -> list[Report | WorkerLost]:
    """Wait for so many events, and give all, as they came."""
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


def wait_for_death(pid: int) -> None:
    """Wait until a child is dead; its end is left for its owner to take note of."""
    flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
    wait_until(lambda: os.waitid(os.P_PID, pid, flags))


def test_a_task_is_done_and_reported(place: Place) -> None:
    workers = place.pool(UPPER)
    task = place.put("x", "a", "b")
    workers.submit(task)
    assert (workers.has_room(), list(workers.running())) == (False, ["x"])
    (event,) = collected(workers)
    assert isinstance(event, Report)
    assert event.task == task
    outcome = outcome_of(event)
    assert (outcome.file, outcome.fate, outcome.results) == ("x", Verdict.COMMIT, ("x",))
    assert (outcome.figures.lines_in, outcome.figures.edges) == (2, {("start", "end"): 2})
    assert (workers.has_room(), workers.running(), workers.collect()) == (True, {}, [])
    assert place.result("x") == ["A", "B"]


def test_a_task_with_nothing_to_do_is_reported_as_such(place: Place) -> None:
    workers = place.pool(UPPER)
    for why in Why:
        workers.submit(Task("x", why))
        assert collected(workers) == [Report(Task("x", why), None)]


@pytest.mark.parametrize("origin", [Origin.FOUND, Origin.CRASH])
def test_an_orphan_is_told_of_once_it_is_taken_up_and_at_its_end(place: Place, origin: Origin) -> None:
    workers = place.pool(UPPER)
    Path(place.spool.folders.underprocess, "x").write_text("a\n")
    if origin is Origin.CRASH:
        Path(place.spool.folders.jobs, "x").mkdir()
    workers.submit(Task("x", Why.ORPHAN))
    first, last = heard(workers, 1)
    assert first == Report(Task("x", Why.ORPHAN), TakenUp(origin))
    assert isinstance(last, Report)
    assert outcome_of(last).fate is Verdict.COMMIT


def test_several_slots_work_at_the_same_time(place: Place) -> None:
    workers = place.pool(TOGETHER, size=3)
    for name in "xyz":
        workers.submit(place.put(name, str(place.folder)))
    assert not workers.has_room()
    fates = {outcome_of(event).fate for event in collected(workers, 3)}
    assert fates == {Verdict.COMMIT}
    assert {line for name in "xyz" for line in place.result(name)} == {str(pid) for pid in pids(workers)}


def test_a_process_is_started_only_for_a_task_and_used_again(place: Place) -> None:
    workers = place.pool(WHO, size=3)
    assert (pids(workers), workers.sockets(), workers.collect()) == ([], [], [])
    for name in "xyz":
        done(workers, place.put(name, "a"))
    (pid,) = pids(workers)
    assert {line for name in "xyz" for line in place.result(name)} == {str(pid)}


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL; perhaps memory ran out"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
        ("os._exit(0)", "ended with exit status 0"),
        ("os._exit(3)", "ended with exit status 3"),
    ],
)
def test_the_death_of_a_worker_is_told_and_its_slot_gets_another(place: Place, line: str, how: str) -> None:
    workers = place.pool(DIES)
    task = place.put("bad", line)
    workers.submit(task)
    assert collected(workers) == [WorkerLost(task, WorkerDeath(f"the worker that processed it {how}"))]
    assert (pids(workers), workers.has_room(), workers.running()) == ([], True, {})
    assert done(workers, place.put("good", "pass")).fate is Verdict.COMMIT
    blamed = done(workers, Task("bad", Why.DEATH, WorkerDeath("it died")))
    assert (blamed.fate, blamed.attempts, blamed.error) == (Verdict.RETRY, 1, "it died")


def test_the_end_of_a_process_is_put_into_words() -> None:
    assert pool._how(3) == "ended with exit status 3"
    assert pool._how(-signal.SIGABRT) == "was killed by SIGABRT"
    assert pool._how(-40) == "was killed by signal 40"


def test_the_death_of_one_worker_is_none_of_the_others_business(place: Place) -> None:
    workers = place.pool(STUCK, size=2)
    stuck = place.put("x", "while not os.path.exists('go'): time.sleep(0.01)")
    workers.submit(stuck)
    place.wait_for("begun")
    bad = place.put("bad", "os._exit(3)")
    workers.submit(bad)
    (event,) = collected(workers)
    assert death_of(event).reason.endswith("exit status 3")
    (place.folder / "go").touch()
    (event,) = collected(workers)
    assert outcome_of(event).fate is Verdict.COMMIT


def test_a_plugin_that_fails_in_the_worker_alone_is_trouble_and_no_file_s_fault(place: Place) -> None:
    workers = place.pool("raise RuntimeError('no licence')")
    task = place.put("x", "a")
    for _ in range(2):
        workers.submit(task)
        trouble = Trouble("a worker could not start (ended with exit status 78)", of_machine=True)
        assert collected(workers) == [Report(task, trouble)]
    assert place.log.read_text().count("a worker cannot start: $.nodes[0].type: ") == 2
    assert "RuntimeError: no licence" in place.log.read_text()
    assert Path(place.spool.folders.unprocessed, "x").exists()


def test_a_worker_that_ends_while_it_starts_is_trouble_and_no_loss(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = place.folder / "python"
    broken.write_text(f"#!{sys.executable}\n{BREAKS_OFF}")
    broken.chmod(0o755)
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", str(broken))
        workers = place.pool(UPPER)
        task = place.put("x", "a")
        for _ in range(2):
            workers.submit(task)
            trouble = Trouble("a worker could not start (ended with exit status 1)", of_machine=True)
            assert collected(workers) == [Report(task, trouble)]
    assert done(workers, task).fate is Verdict.COMMIT


def test_a_worker_that_does_not_read_its_setup_leaves_no_process(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {"tag": "start", "type": "tag", "config": {"rules": {"a": "b" * 10**6}}, "next": "end"}
    broken = place.folder / "python"
    broken.write_text(f"#!{sys.executable}\n{HANGS_UP}")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    workers = place.pool(UPPER, nodes=[rules])
    with pytest.raises(OSError, match=r"Broken pipe|Connection reset"):
        workers.submit(place.put("x", "a"))
    assert (workers.has_room(), workers.running(), workers.sockets()) == (True, {}, [])
    assert workers.stop() == []
    assert is_gone(int((place.folder / "child").read_text()))


def test_without_a_python_to_start_there_is_an_error_and_no_process(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = place.pool(UPPER)
    task = place.put("x", "a")
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", str(place.folder / "no-such-python"))
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                workers.submit(task)
            assert (workers.has_room(), workers.running(), workers.sockets()) == (True, {}, [])
    assert workers.stop() == []
    assert done(workers, task).fate is Verdict.COMMIT


@pytest.mark.parametrize("line", [SLEEPS, MATCHES])
def test_a_worker_that_takes_too_long_is_killed_and_told_apart(place: Place, line: str) -> None:
    workers = place.pool(STUCK, limits={"timeout_seconds": 0.3})
    task = place.put("x", line)
    workers.submit(task)
    limit = "took longer than limits.timeout_seconds (0.3 s), so its worker was killed"
    death = WorkerDeath(f"{limit} (line 1, node 'start')", too_slow=True, node="start", line_no=1, line=line)
    assert collected(workers) == [WorkerLost(task, death)]
    assert pids(workers) == []
    again = done(workers, Task("x", Why.DEATH, death))
    assert (again.fate, again.error, again.node, again.line_no) == (Verdict.RETRY, death.reason, "start", 1)


def test_an_adopted_file_that_takes_too_long_is_killed_as_well(place: Place) -> None:
    workers = place.pool(STUCK, limits={"timeout_seconds": 0.5})
    task = place.put("x.log", "pass")
    Path(place.spool.folders.underprocess, "x.log").write_text(SLEEPS + "\n")
    workers.submit(task)
    (event,) = collected(workers)
    assert isinstance(event, WorkerLost)
    assert event.death.too_slow


def test_neither_the_start_of_a_worker_nor_its_idle_time_counts_as_the_file_s(place: Place) -> None:
    source = f"import time\ntime.sleep(0.6)\n{UPPER}"
    workers = place.pool(source, limits={"timeout_seconds": 0.5})
    assert done(workers, place.put("x", "a")).fate is Verdict.COMMIT
    (pid,) = pids(workers)
    began = time.monotonic()
    wait_until(lambda: workers.collect() or time.monotonic() - began > 0.6)
    assert done(workers, place.put("y", "a")).fate is Verdict.COMMIT
    assert pids(workers) == [pid]


def test_stopping_lets_a_file_come_to_a_checkpoint(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 2000))
    place.wait_for("begun")
    left = pids(workers)
    (event,) = workers.stop()
    outcome = outcome_of(event)
    assert (outcome.fate, outcome.attempts) == (Verdict.STOP, 1)
    assert 0 < outcome.figures.lines_in < 2000
    assert all(map(is_gone, left))
    (place.folder / "go").touch()
    assert done(workers, Task("x", Why.DUE)).fate is Verdict.COMMIT
    assert place.result("x") == [f"{number} a" for number in range(1, 2001)]


@pytest.mark.parametrize("line", [SLEEPS, MATCHES])
def test_stopping_kills_a_worker_that_does_not_leave(
    place: Place, line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "STOP_SECONDS", 0.2)
    workers = place.pool(STUCK)
    workers.submit(place.put("x", line))
    place.wait_for("begun")
    left = pids(workers)
    assert workers.stop() == []
    assert all(map(is_gone, left))
    assert "a file is not done yet; it goes on from its last checkpoint at the next start" in caplog.text
    assert os.listdir(place.spool.folders.underprocess) == ["x"]


def test_stopping_with_nothing_running_leaves_no_process(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    workers = place.pool(UPPER, size=2)
    assert workers.stop() == []
    for name in "xy":
        workers.submit(place.put(name, "a"))
    collected(workers, 2)
    left = pids(workers)
    assert len(left) == 2
    assert workers.stop() == []
    assert (all(map(is_gone, left)), caplog.text) == (True, "")
    assert "Traceback" not in place.log.read_text()


def test_stopping_while_a_worker_starts_is_no_trouble(place: Place) -> None:
    workers = place.pool(UPPER)
    task = place.put("x", "a")
    workers.submit(task)
    left = pids(workers)
    events = workers.stop()
    assert all(map(is_gone, left))
    values = [event.value for event in events if isinstance(event, Report)]
    assert len(values) == len(events)
    assert not any(isinstance(value, Trouble) for value in values), values


def test_a_worker_that_is_told_twice_to_leave_does_so_quietly(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    noticed = f"import atexit, time\natexit.register(time.sleep, 0.5)\n{UPPER}"
    workers = place.pool(noticed)
    done(workers, place.put("x", "a"))
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: workers.collect() or workers._slots[0]._is_leaving or not pids(workers))
    assert workers.stop() == []
    assert is_gone(pid)
    assert "Traceback" not in capfd.readouterr().err


def test_a_busy_worker_that_is_told_to_go_leaves_at_a_checkpoint_and_another_goes_on(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 1000))
    place.wait_for("begun")
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGTERM)
    outcome = outcome_of(*collected(workers))
    assert outcome.fate is Verdict.STOP
    (place.folder / "go").touch()
    outcome = done_at_last(workers, Task("x", Why.DUE))
    assert (outcome.fate, outcome.attempts) == (Verdict.COMMIT, 1)
    assert pids(workers) != [pid]
    assert place.result("x") == [f"{number} a" for number in range(1, 1001)]


def test_an_idle_worker_that_is_told_to_go_does_and_costs_the_next_file_nothing(place: Place) -> None:
    workers = place.pool(WHO)
    done(workers, place.put("x", "a"))
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGTERM)
    wait_for_death(pid)
    task = place.put("y", "a")
    assert done_at_last(workers, task).fate is Verdict.COMMIT
    assert (is_gone(pid), place.result("y") == [str(pid)]) == (True, False)


def test_the_death_of_an_idle_worker_is_not_blamed_on_the_next_file(place: Place) -> None:
    workers = place.pool(UPPER)
    done(workers, place.put("x", "a"))
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGKILL)
    wait_for_death(pid)
    Path(place.spool.folders.underprocess, "y").write_text("a\n")
    workers.submit(Task("y", Why.DUE))
    (event,) = collected(workers)
    assert not isinstance(event, WorkerLost), event


def test_what_a_worker_reports_just_before_its_end_is_not_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = place.pool(STUCK)
    workers.submit(place.put("x", "while not os.path.exists('go'): time.sleep(0.01)"))
    place.wait_for("begun")
    (slot,), (pid,) = workers._slots, pids(workers)
    received = slot._received

    def received_before_all_that() -> bytes:
        try:
            return received()
        except BlockingIOError:
            os.kill(pid, signal.SIGTERM)
            (place.folder / "go").touch()
            wait_for_death(pid)
            raise

    monkeypatch.setattr(slot, "_received", received_before_all_that)
    (event,) = collected(workers)
    assert outcome_of(event).fate is Verdict.COMMIT


def test_an_interrupt_from_the_keyboard_is_not_for_workers(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 100))
    place.wait_for("begun")
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGINT)
    assert outcome_of(*collected(workers)).fate is Verdict.COMMIT
    os.kill(pid, signal.SIGINT)
    assert done(workers, place.put("y", "a")).fate is Verdict.COMMIT
    assert pids(workers) == [pid]


def test_progress_is_told_while_a_file_is_worked_on(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 1000))
    assert (workers.running()["x"].lines, workers.running()["x"].position_bytes) == (0, 0)
    wait_until(lambda: workers.collect() or workers.running()["x"].lines)
    assert workers.running()["x"].lines < 1000
    assert workers.running()["x"].position_bytes == 2000  # it was read in one go
    (place.folder / "go").touch()
    assert outcome_of(*collected(workers)).fate is Verdict.COMMIT
    workers.submit(Task("y", Why.DUE))
    assert workers.running()["y"].lines == 0
    collected(workers)


def big_outcome(nodes: int) -> Outcome:
    """What a run with many nodes comes to."""
    names = [f"node {number} {'x' * 100}" for number in range(nodes)]
    figures = Figures(
        nodes={name: NodeFigures(number, number, 0) for number, name in enumerate(names)},
        edges=dict.fromkeys(pairwise(names), 1),
    )
    return Outcome("x", Verdict.COMMIT, figures, 1.0)


def framed(*messages: object) -> bytes:
    """What `send` puts on a channel."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            send(ours, message)
        ours.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: theirs.recv(65536), b""))


MESSAGES = [Task("x", Why.NEW), Report(Task("x", Why.NEW), big_outcome(100)), "", Task("y\udce9", Why.DUE)]


def test_messages_that_come_byte_by_byte_arrive_whole() -> None:
    data, receiver = framed(*MESSAGES), Receiver()
    assert [message for byte in data for message in receiver.add(bytes([byte]))] == MESSAGES


@given(st.lists(st.integers(0, len(framed(*MESSAGES)))))
def test_messages_arrive_whole_wherever_they_are_cut(cuts: list[int]) -> None:
    data, receiver = framed(*MESSAGES), Receiver()
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(places)]
    assert [message for piece in pieces for message in receiver.add(piece)] == MESSAGES


def test_a_message_is_held_back_until_its_last_byte() -> None:
    data, receiver = framed("whole"), Receiver()
    assert receiver.add(data[:-1]) == []
    assert receiver.add(data[-1:]) == ["whole"]
    assert receiver.add(b"") == []


def test_a_setup_and_an_outcome_that_no_buffer_holds_arrive_whole(place: Place) -> None:
    names = [f"node {number} {'x' * 100}" for number in range(3000)]
    nodes = [
        {"tag": "start", "type": "trim", "next": names},
        *({"tag": name, "type": "filter", "config": {"pattern": "."}, "next": "end"} for name in names),
    ]
    workers = place.pool(UPPER, nodes=nodes)
    with socket.socket(socket.AF_UNIX) as one:
        buffer_bytes = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    outcome = done(workers, place.put("x", "a"))
    assert len(pickle.dumps(outcome)) > buffer_bytes
    untimed = {name: replace(at, timed=0, seconds=0.0) for name, at in outcome.figures.nodes.items()}
    assert untimed == {
        **dict.fromkeys(["start", *names], NodeFigures(1, 1, 0)),
        "end": NodeFigures(3000, 0, 0),
        "drop": NodeFigures(0, 0, 0),
    }
    assert len(outcome.figures.edges) == 6000


def test_a_death_is_noticed_while_what_the_worker_started_holds_its_socket_and_lock(place: Place) -> None:
    workers = place.pool(FORKS)
    task = place.put("x", "os.kill(os.getpid(), signal.SIGKILL)")
    workers.submit(task)
    (event,) = collected(workers)
    assert death_of(event).reason.startswith("the worker that processed it was killed by SIGKILL")
    assert not is_gone(int((place.folder / "child").read_text()))
    death = Task("x", Why.DEATH, death_of(event))
    workers.submit(death)
    assert collected(workers) == [Report(death, None)]  # the lock is held, and asked for again later
    place.end_child()
    workers.submit(death)
    while (events := collected(workers)) == [Report(death, None)]:
        workers.submit(death)
    assert outcome_of(*events).fate is Verdict.RETRY


@pytest.mark.parametrize("source", [FORKS, SHELLS])
def test_stopping_does_not_wait_for_what_a_plugin_has_started(
    place: Place, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STOP_SECONDS", 1.0)
    workers = place.pool(source)
    assert done(workers, place.put("x", "pass")).fate is Verdict.COMMIT
    left = pids(workers)
    assert not is_gone(int((place.folder / "child").read_text()))
    began = time.monotonic()
    assert workers.stop() == []
    assert time.monotonic() - began < 1.0
    assert all(map(is_gone, left))


def test_several_tasks_are_done_by_one_worker_and_reported_together(place: Place) -> None:
    workers = place.pool(UPPER)
    tasks = [place.put(name, name) for name in ("x", "y", "z")]
    workers.submit(*tasks)
    assert sorted(workers.running()) == ["x", "y", "z"]
    events = collected(workers, 3)
    assert [event.task for event in events] == tasks
    assert [outcome_of(event).fate for event in events] == [Verdict.COMMIT] * 3
    assert [place.result(task.name) for task in tasks] == [["X"], ["Y"], ["Z"]]


def test_of_several_tasks_the_one_that_was_run_is_blamed_for_a_death_and_no_other(place: Place) -> None:
    workers = place.pool(DIES)
    tasks = [
        place.put("x", "pass"),
        place.put("y", "os.kill(os.getpid(), signal.SIGKILL)"),
        place.put("z", "pass"),
    ]
    workers.submit(*tasks)
    events = collected(workers, 3)
    assert death_of(events[1]).reason.startswith("the worker that processed it was killed by SIGKILL")
    assert [events[0], events[2]] == [Report(task, NotBegun(has_died=True)) for task in (tasks[0], tasks[2])]
    for name in ("x", "z"):
        assert done(workers, Task(name, Why.ORPHAN)).fate is Verdict.COMMIT


def test_of_several_tasks_the_one_that_is_run_may_take_its_time_and_no_more(place: Place) -> None:
    workers = place.pool(
        "import time\ndef step(line):\n    time.sleep(float(line))\n", limits={"timeout_seconds": 0.5}
    )
    tasks = [place.put(name, seconds) for name, seconds in (("x", "0.3"), ("y", "0.3"), ("z", "60"))]
    workers.submit(*tasks)
    *given_back, loss = collected(workers, 3)
    assert death_of(loss).too_slow
    assert loss.task == tasks[2]
    assert given_back == [Report(task, NotBegun(has_died=True)) for task in tasks[:2]]


def test_a_worker_that_dies_while_it_runs_no_file_is_told_of_and_blames_none(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    workers = place.pool("import os\ndef step(line):\n    return line\n")
    assert done(workers, place.put("x", "a")).fate is Verdict.COMMIT
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGSTOP)
    task = place.put("y", "b")
    workers.submit(task)
    os.kill(pid, signal.SIGKILL)
    assert collected(workers) == [Report(task, NotBegun(has_died=True))]
    assert "a worker was killed by SIGKILL; perhaps memory ran out; it was running no file" in caplog.text
