"""fproc as a child process: how system tests run it, watch it and end it."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, BinaryIO

from tests.support import bytecode
from tests.support.programs import forking
from tests.support.programs.forking import Process
from tests.support.project import PROJECT

ROOT = str(PROJECT)
DEADLINE_SECONDS = 20.0
POLL_SECONDS = 0.01

SAMPLE = b"start:ERROR: Something bad happened\nstart:INFO: All good\nstart:WARNING: Potential issue\n"
SAMPLE_RESULT = b"[ERROR] Something bad happened\n[INFO] All good\n[WARNING] Potential issue\n"

FOLDERS = ("unprocessed", "underprocess", "processed", "failed", "results")
QUICK = {"ready": "rename", "poll_seconds": 0.02}
COPY: list[dict[str, Any]] = [{"tag": "start", "type": "filter", "config": {"pattern": ""}, "next": "end"}]

WAITING_OR_BAD = """
import os, time
def step(line):
    if line == "bad":
        raise ValueError("cannot digest bad")
    while line == "wait" and not os.path.exists("go"):
        time.sleep(0.01)
    return line
"""
"""A processor that fails at a line, and waits at another for a file that the test makes."""

NOBODY = 65534
OWN_VARIABLES = ("FPROC_", "KEEP_CAP_LEASE")
"""How the names of variables begin that Python itself does not read when it starts."""


@dataclass(frozen=True)
class Ended:
    """What a run that has ended came to."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said on standard error."""
        return self.err.splitlines()


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the child sees: nothing of the tests' own environment that could change what it does."""
    own = {"PYTHONPATH": ROOT, "LANG": "C.UTF-8", **bytecode.for_children()}
    return {"PATH": os.environ.get("PATH", os.defpath), **own, **(variables or {})}


def command(*arguments: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "fproc", *arguments]


def begun(
    folder: Path,
    *arguments: str,
    streams: Sequence[int],
    variables: Mapping[str, str] | None = None,
    as_nobody: bool = False,
    through: Sequence[str] = (),
    anew: bool = False,
    is_session: bool = False,
) -> Process:
    """Begin a run whose three standard streams these are: forked, unless Python's own start may matter."""
    known = all(name.startswith(OWN_VARIABLES) for name in variables or {})
    if as_nobody or (known and not through and not anew):
        python = python_for_all() if as_nobody else sys.executable
        server = forking.server(python, frozenset(environment().items()))
        user = NOBODY if as_nobody else None
        return server.fork(
            folder, arguments, environment(variables), streams, user=user, is_session=is_session
        )
    return subprocess.Popen(
        [*through, *command(*arguments)],
        cwd=folder,
        env=environment(variables),
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        start_new_session=is_session,
    )


def python_for_all() -> str:
    """A Python that every user can start, with all its modules: this one, or the system's."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        ways = Path(candidate).resolve().parents
        if all(way.stat().st_mode & 0o005 == 0o005 for way in ways) or os.geteuid() != 0:
            return candidate
    raise AssertionError("there is no Python that every user can start")


def run(
    folder: Path,
    *arguments: str,
    given: bytes = b"",
    variables: Mapping[str, str] | None = None,
    as_nobody: bool = False,
    through: Sequence[str] = (),
) -> Ended:
    """Run to the end in a folder; `given` is standard input, `variables` are added to the environment.

    `through` is a command that starts it.
    """
    pipes = [os.pipe() for _ in range(3)]
    theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
    with open(pipes[0][1], "wb") as to, open(pipes[1][0], "rb") as out, open(pipes[2][0], "rb") as err:
        try:
            process = begun(
                folder, *arguments, streams=theirs, variables=variables, as_nobody=as_nobody, through=through
            )
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        with ThreadPoolExecutor(3) as threads:
            threads.submit(_give, to, given)
            said, complained = threads.submit(out.read), threads.submit(err.read)
            try:
                status = process.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(DEADLINE_SECONDS)
                raise
    return Ended(status, said.result(), complained.result().decode("utf-8", "backslashreplace"))


def _give(to: BinaryIO, data: bytes) -> None:
    """Write all that a run is given; it need not read it."""
    with suppress(BrokenPipeError), to:
        to.write(data)


def run_in_shell(folder: Path, line: str) -> Ended:
    """Run a shell's command line, in which `$0 "$@"` is fproc."""
    arguments = ["sh", "-c", line, *command()]
    ended = subprocess.run(
        arguments, cwd=folder, env=environment(), capture_output=True, timeout=DEADLINE_SECONDS, check=False
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr.decode())


def run_on_terminal(folder: Path, *arguments: str) -> bytes:
    """Run with a terminal as standard error; gives what it shows. The run must succeed."""
    terminal, child_end = pty.openpty()
    shown = b""
    child = subprocess.Popen(command(*arguments), cwd=folder, env=environment(), stderr=child_end)
    with open(terminal, "rb", buffering=0) as screen, child:
        os.close(child_end)
        with suppress(OSError):  # EIO: the child has closed its end
            while data := screen.read(4096):
                shown += data
        assert child.wait(DEADLINE_SECONDS) == 0
    return shown


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run in the middle, with pipes to it; it is ended at the latest with the block."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()  # by its own id; nothing happens if it has ended
            process.wait(DEADLINE_SECONDS)
    wait_until(lambda: not is_group_alive(process.pid), lambda: "something it started still runs")


def wait_until(condition: Callable[[], object], what: Callable[[], str] = str) -> None:
    """Wait for a condition, up to a deadline. What takes long to find out is looked at less often."""
    began = time.monotonic()
    deadline = began + DEADLINE_SECONDS
    while not condition():
        ended = time.monotonic()
        assert ended < deadline, f"this did not come true in {DEADLINE_SECONDS} s\n{what()}"
        time.sleep(max(POLL_SECONDS, ended - began))
        began = time.monotonic()


class Watching:
    """A running `--watch` in a folder. It is ended with the block, whatever happens.

    With `dashboard`, it listens on a port that the system chose, and `url` says where. `variables` are added
    to its environment. `through` is a command that starts it. With `as_nobody` it gives up root, if there is
    any to give up. With `anew`, Python itself starts, for tests to which that matters.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        dashboard: bool = False,
        variables: Mapping[str, str] | None = None,
        through: Sequence[str] = (),
        as_nobody: bool = False,
        anew: bool = False,
    ) -> None:
        self.folder = folder
        self.spool = folder / "watch_dir"
        self.url = ""
        self._arguments = (*(["--port", "0"] if dashboard else ["--no-dashboard"]), *arguments)
        self._variables = variables
        self._through = through
        self._as_nobody = as_nobody
        self._anew = anew
        self._stack = ExitStack()

    def __enter__(self) -> Watching:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        with ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            nothing = stack.enter_context(open(os.devnull, "rb"))
            self.process = begun(
                self.folder,
                "--watch",
                *self._arguments,
                streams=(nothing.fileno(), self._log.fileno(), self._log.fileno()),
                variables=self._variables,
                as_nobody=self._as_nobody,
                through=self._through,
                anew=self._anew,
                is_session=True,
            )
            stack.callback(self._end)
            self.wait_until(lambda: "INFO watching " in self.log)
            found = re.search(r"dashboard on (https?://\S+)", self.log)
            self.url = found[1] if found else ""
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @property
    def log(self) -> str:
        """Everything that it has said so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "backslashreplace")

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition while it runs."""

        def holds() -> object:
            if found := condition():
                return found
            assert self.process.poll() is None, f"it ended with {self.process.returncode}\n{self.log}"
            return found

        wait_until(holds, lambda: self.log)

    def wait_for(self, *paths: str) -> None:
        """Wait until there is something at each of these paths below the watched folder."""
        self.wait_until(lambda: all(os.path.lexists(self.spool / path) for path in paths))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Ask the dashboard; gives the status and the value."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=DEADLINE_SECONDS)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.load(answer)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; gives the exit status."""
        return self.process.wait(DEADLINE_SECONDS)

    def stop(self) -> int:
        """End it as an operator does; gives the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def _end(self) -> None:
        try:
            self.stop()
        finally:
            self.process.kill()  # by its own id; nothing happens if it has ended
            self.process.wait(DEADLINE_SECONDS)
        wait_until(lambda: not is_group_alive(self.process.pid), lambda: "something it started still runs")


def is_group_alive(pid: int) -> bool:
    """Whether any process of the session that a child began is still there."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def configure(folder: Path, nodes: list[dict[str, Any]] | None = None, **config: Any) -> None:
    """Write a `pipeline.json`: unless said otherwise, lines pass unchanged, and files are taken at once."""
    value = {"nodes": nodes or COPY, "intake": QUICK, "dashboard": {"port": 0}, **config}
    (folder / "pipeline.json").write_text(json.dumps(value))


def own_processor(folder: Path, source: str, **config: Any) -> None:
    """Write a pipeline with one node, the processor `own.step` with this source."""
    (folder / "own.py").write_text(source)
    configure(folder, [{"tag": "start", "type": "own.step", "next": "end"}], **config)


def drop(folder: Path, name: str, data: bytes) -> Path:
    """Put a file into `unprocessed/` in one go; gives its path."""
    unprocessed = folder / "watch_dir" / "unprocessed"
    unprocessed.mkdir(parents=True, exist_ok=True)
    hidden = unprocessed / f".{name}"
    hidden.write_bytes(data)
    return hidden.rename(unprocessed / name)


def tree(folder: Path) -> dict[str, bytes]:
    """All that is below a folder: files with their contents, anything else with b"", folders with a `/`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        place = str(path.relative_to(folder)) + ("/" if path.is_dir() else "")
        found[place] = path.read_bytes() if path.is_file() else b""
    return found


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may reach and write to; pytest's own are for one user alone."""
    with tempfile.TemporaryDirectory(prefix="fproc-test-") as name:
        os.chmod(name, 0o777)
        yield Path(name)


def can_make_namespaces() -> bool:
    """Whether a process may begin a namespace of processes here: not every root may."""
    tried = ["unshare", "--pid", "--fork", "true"]
    return (
        bool(shutil.which(tried[0]))
        and subprocess.run(tried, capture_output=True, check=False).returncode == 0
    )


def spooled(folder: Path) -> dict[str, bytes]:
    """The inputs, reports and results in the watched folder, by path; they may be moved meanwhile."""
    found = {}
    for state in FOLDERS:
        for above, folders, names in os.walk(folder / "watch_dir" / state):
            folders[:] = [name for name in folders if name != ".stage"]
            for path in filter(Path.is_file, (Path(above, name) for name in names)):
                with suppress(FileNotFoundError):
                    found[str(path.relative_to(folder / "watch_dir"))] = path.read_bytes()
    return found


def left_over(folder: Path) -> list[str]:
    """What lies where nothing is to be once all work is done."""
    spool = folder / "watch_dir"
    places = ("unprocessed/*", "underprocess/*", "failed/*", ".fproc/jobs/*", "results/.stage/*/*")
    return [str(path.relative_to(spool)) for place in places for path in spool.glob(place)]


def report(folder: Path, name: str) -> dict[str, Any]:
    """The report about a failed input."""
    value: dict[str, Any] = json.loads((folder / "watch_dir/failed" / f"{name}.error.json").read_text())
    return value
