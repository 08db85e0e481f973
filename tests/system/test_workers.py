"""Worker processes under a real `--watch`: files that kill, hang or are interrupted harm nobody else."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import (
    Watching,
    configure,
    drop,
    own_processor,
    report,
    run,
    spooled,
    wait_until,
)

POISON = """
import ctypes, os, resource, signal, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def step(line):
    if line.startswith("!"):
        exec(line[1:])
    return line.upper()
"""
STUCK_ONCE = """
import os, re
def step(line):
    try:
        os.close(os.open("stuck", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return line.upper()
    return re.match("(a+)+$", "a" * 40 + "b")
"""
COUNTS = """
import os, time
class step:
    def __init__(self):
        self.lines = 0
    def process(self, line):
        self.lines += 1
        with open("seen", "a") as file:
            file.write(f"{self.lines}\\n")
        if os.path.exists("slow"):
            time.sleep(0.005)
        yield f"{self.lines} {line}"
        if self.lines % 7 == 0:
            yield "seven"
"""
STREAM = """
import time
def step(records):
    for number, (tag, line) in enumerate(records):
        with open("seen", "a") as file:
            file.write(f"{number}\\n")
        time.sleep(0.001)
        yield tag, f"{number} {line}"
"""
PRINTS = """
def step(line):
    print("noise about", line)
    return line
"""
LINES = 1500
MANY_LINES = "".join(f"line {number}\n" for number in range(LINES)).encode()
FEWER_LINES = "".join(f"line {number}\n" for number in range(600)).encode()
QUICK_RETRY = {"backoff_seconds": 0.05, "backoff_max_seconds": 0.1}


def workers_of(watching: Watching) -> set[int]:
    """The worker processes that are there now."""
    pid = watching.process.pid
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_running(pid: int) -> bool:
    """Whether a process is there, and not just waited for by its parent."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def seen(folder: Path) -> list[int]:
    """The numbers of the lines that the plugin has processed, whole ones."""
    try:
        text = (folder / "seen").read_text()
    except FileNotFoundError:
        return []
    return [int(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def checkpoint(folder: Path) -> dict[str, Any]:
    """Where the checkpoint of the file x.log stands; line 0 if there is none."""
    try:
        record = (folder / "watch_dir/.fproc/jobs/x.log/checkpoint.json").read_bytes()
    except FileNotFoundError:
        return {"line_no": 0}
    place: dict[str, Any] = json.loads(record.partition(b"\n")[2])["place"]
    return place


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the file of many lines comes to when nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    own_processor(folder, COUNTS)
    drop(folder, "x.log", MANY_LINES)
    assert run(folder, "--watch", "--drain").status == 0
    return spooled(folder)["results/x.log"]


def poisoned(folder: Path, line: str, count: int, **config: Any) -> dict[str, bytes]:
    """Drop one bad file in the middle of good ones; gives what is to be of the good ones."""
    own_processor(folder, POISON, workers=2, durability="process", **config)
    names = [f"{number:03}.log" for number in range(count)]
    for number, name in enumerate(names):
        if number == count // 2:
            drop(folder, "bad.log", f"fine\n!{line}\n".encode())
        drop(folder, name, f"line {number}\n".encode())
    inputs = {f"processed/{name}": b"line %d\n" % number for number, name in enumerate(names)}
    results = {f"results/{name}": b"LINE %d\n" % number for number, name in enumerate(names)}
    return inputs | results


@pytest.mark.parametrize(
    ("line", "how", "count"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL; perhaps memory ran out", 200),
        pytest.param("ctypes.string_at(0)", "was killed by SIGSEGV", 10, marks=pytest.mark.sweep),
        pytest.param("os.abort()", "was killed by SIGABRT", 200, marks=pytest.mark.long),
        pytest.param("os._exit(7)", "ended with exit status 7", 200, marks=pytest.mark.long),
    ],
)
def test_a_file_that_kills_its_worker_fails_alone_after_its_attempts(
    tmp_path: Path, line: str, how: str, count: int
) -> None:
    good = poisoned(tmp_path, line, count, retry={"max_attempts": 3, **QUICK_RETRY})
    with Watching(tmp_path) as watching:
        watching.wait_for("failed/bad.log.error.json", "failed/bad.log", *good)
        assert watching.stop() == 0
        log = watching.log
    kept = spooled(tmp_path)
    del kept["failed/bad.log"], kept["failed/bad.log.error.json"]
    assert kept == good
    said = report(tmp_path, "bad.log")
    assert (said["reason"], said["attempts"]) == (f"the worker that processed it {how}", 3)
    assert (said["node"], said["line_no"], said["line"], said["traceback"]) == (None, None, None, [])
    assert log.count("ERROR bad.log: the worker that processed it ") == 3
    assert log.count(" tried again in ") == log.count("WARNING bad.log: tried again in ") == 2
    assert log.count("ERROR bad.log: failed after 3 attempts") == 1
    assert log.count("ERROR") == 4


def test_a_file_that_takes_too_long_fails_alone_after_its_attempts(tmp_path: Path) -> None:
    retry = {"max_attempts": 2, **QUICK_RETRY}
    good = poisoned(tmp_path, "time.sleep(1000)", 20, retry=retry, limits={"timeout_seconds": 2})
    with Watching(tmp_path) as watching:
        watching.wait_for("failed/bad.log.error.json", "failed/bad.log", *good)
        assert watching.stop() == 0
        assert watching.log.count(" tried again in ") == 1
    said = report(tmp_path, "bad.log")
    assert said["reason"].startswith("took longer than limits.timeout_seconds (2 s)")
    assert said["attempts"] == 2
    kept = spooled(tmp_path)
    del kept["failed/bad.log"], kept["failed/bad.log.error.json"]
    assert kept == good


def test_workers_die_with_fproc_and_another_instance_goes_on(tmp_path: Path) -> None:
    own_processor(tmp_path, STUCK_ONCE, workers=2)
    with Watching(tmp_path) as doomed:
        drop(tmp_path, "x.log", b"a\n")
        doomed.wait_until((tmp_path / "stuck").exists)
        (worker,) = workers_of(doomed)
        with Watching(tmp_path) as other:
            doomed.signal(signal.SIGKILL)
            doomed.wait()
            wait_until(lambda: not is_running(worker))
            other.wait_until(lambda: "INFO x.log: 1 line in, 1 out" in other.log)
            other.wait_until(lambda: "INFO x.log: taken up again after a crash" in other.log)
            assert other.stop() == 0
    assert spooled(tmp_path) == {"processed/x.log": b"a\n", "results/x.log": b"A\n"}


def tell_fproc_alone(watching: Watching) -> None:
    """As `kill` does."""
    watching.signal(signal.SIGTERM)


def tell_all_processes(watching: Watching) -> None:
    """As a service manager does."""
    os.killpg(watching.process.pid, signal.SIGTERM)


def tell_from_the_keyboard(watching: Watching) -> None:
    """As Ctrl-C does."""
    os.killpg(watching.process.pid, signal.SIGINT)


@pytest.mark.parametrize(
    "tell",
    [
        tell_fproc_alone,
        pytest.param(tell_all_processes, marks=pytest.mark.sweep),
        pytest.param(tell_from_the_keyboard, marks=pytest.mark.sweep),
    ],
)
def test_a_slow_file_is_left_at_a_checkpoint_and_goes_on_from_there(
    tmp_path: Path, expected: bytes, tell: Callable[[Watching], None]
) -> None:
    own_processor(tmp_path, COUNTS)
    (tmp_path / "slow").touch()
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", MANY_LINES)
        watching.wait_until(lambda: len(seen(tmp_path)) > 200)
        tell(watching)
        assert watching.wait() == 0
        assert "INFO x.log: left at a checkpoint after " in watching.log
        assert "Traceback" not in watching.log
    assert spooled(tmp_path) == {"underprocess/x.log": MANY_LINES}
    before = seen(tmp_path)
    assert 200 < len(before) < LINES
    assert checkpoint(tmp_path)["line_no"] == len(before) + 1
    (tmp_path / "slow").unlink()
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/x.log")
    assert spooled(tmp_path) == {"processed/x.log": MANY_LINES, "results/x.log": expected}
    assert seen(tmp_path) == list(range(1, LINES + 1))
    assert not list((tmp_path / "watch_dir/results/.stage").glob("*/*"))


def test_a_file_that_can_have_no_checkpoint_is_finished_before_fproc_stops(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(STREAM)
    configure(tmp_path, [{"tag": "start", "type": "own.step", "stream": True, "next": "end"}])
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", FEWER_LINES)
        watching.wait_until(lambda: len(seen(tmp_path)) > 100)
        assert watching.stop() == 0
        assert "INFO x.log: 600 lines in, 600 out" in watching.log
    assert seen(tmp_path) == list(range(600))
    lines = b"".join(b"%d line %d\n" % (number, number) for number in range(600))
    assert spooled(tmp_path) == {"processed/x.log": FEWER_LINES, "results/x.log": lines}


@pytest.mark.parametrize("workers", ["1", "3"])
def test_draining_gives_all_results_however_many_workers_there_are(tmp_path: Path, workers: str) -> None:
    configure(tmp_path)
    names = [f"{number:02}.log" for number in range(50)]
    for name in names:
        drop(tmp_path, name, name.encode())
    ended = run(tmp_path, "--watch", "--drain", "--workers", workers)
    assert (ended.status, ended.out) == (0, b"")
    expected = {f"processed/{name}": name.encode() for name in names}
    expected |= {f"results/{name}": name.encode() + b"\n" for name in names}
    assert spooled(tmp_path) == expected
    assert "ERROR" not in ended.err


def test_standard_output_gets_what_is_meant_for_it_and_nothing_that_is_printed(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PRINTS)
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "own.step", "next": ["shown", "end"]},
        {"tag": "shown", "type": "stdout"},
    ]
    configure(tmp_path, nodes, workers=2)
    lines = {f"{name} {number}" for name in "abcd" for number in range(100)}
    for name in "abcd":
        drop(tmp_path, name, "".join(f"{name} {number}\n" for number in range(100)).encode())
    ended = run(tmp_path, "--watch", "--drain")
    assert ended.status == 0
    given = ended.out.decode().splitlines()
    assert (len(given), set(given)) == (400, lines)
    assert [line for line in given if line.startswith("a")] == [f"a {number}" for number in range(100)]
    assert {line for line in ended.lines if "noise" in line} == {f"noise about {line}" for line in lines}


def kill_worker_after_progress(watching: Watching) -> None:
    """Kill the only worker once there is a newer checkpoint, and wait until that is noticed."""
    line_no = checkpoint(watching.folder)["line_no"]
    watching.wait_until(lambda: checkpoint(watching.folder)["line_no"] > line_no)
    (worker,) = workers_of(watching)
    os.kill(worker, signal.SIGKILL)
    watching.wait_until(lambda: worker not in workers_of(watching))


def test_a_file_that_gets_on_is_not_blamed_for_workers_that_are_killed(
    tmp_path: Path, expected: bytes
) -> None:
    own_processor(tmp_path, COUNTS, workers=1, checkpoint={"seconds": 0.05}, retry={"max_attempts": 1})
    (tmp_path / "slow").touch()
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", MANY_LINES)
        for _ in range(3):
            kill_worker_after_progress(watching)
        line_no = checkpoint(tmp_path)["line_no"]
        (tmp_path / "slow").unlink()
        watching.wait_for("processed/x.log")
        assert watching.log.count("ERROR x.log: the worker that processed it was killed by SIGKILL") == 3
        assert "tried again" not in watching.log
    assert 1 < line_no < LINES
    assert spooled(tmp_path) == {"processed/x.log": MANY_LINES, "results/x.log": expected}
    assert len(seen(tmp_path)) >= LINES


def test_a_worker_that_an_operator_ends_leaves_its_file_to_another(tmp_path: Path, expected: bytes) -> None:
    own_processor(tmp_path, COUNTS, workers=1, retry={"max_attempts": 1})
    (tmp_path / "slow").touch()
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", MANY_LINES)
        watching.wait_until(lambda: len(seen(tmp_path)) > 100)
        (worker,) = workers_of(watching)
        os.kill(worker, signal.SIGTERM)
        watching.wait_until(lambda: "INFO x.log: left at a checkpoint after " in watching.log)
        (tmp_path / "slow").unlink()
        watching.wait_for("processed/x.log")
        assert worker not in workers_of(watching)
        assert "ERROR" not in watching.log
    assert spooled(tmp_path) == {"processed/x.log": MANY_LINES, "results/x.log": expected}
    assert seen(tmp_path) == list(range(1, LINES + 1))


def test_helpers_of_one_big_file_leave_its_results_alone(tmp_path: Path) -> None:
    lines = 34 * 2**20 // 32
    (tmp_path / "in.log").write_bytes(b"".join(b"%031d\n" % number for number in range(lines)))
    configure(tmp_path)
    ended = run(tmp_path, "--input", "in.log", "--output", "out/", "--workers", "3")
    assert (ended.status, ended.out) == (0, b""), ended.err
    assert os.listdir(tmp_path / "out") == ["in.log"]
    assert (tmp_path / "out/in.log").read_bytes() == (tmp_path / "in.log").read_bytes()
