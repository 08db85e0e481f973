"""The programs of W2 and W3: each watches a folder and processes the files that land in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.programs import BEFORE, lacks, older
from bench.settings import PIPELINES, RIVALS, Settings
from bench.workloads import small_files, small_result

WARM_FILES = 20
"""Files that go through before anything is measured."""

POLL_SECONDS = 0.005
WARM_SECONDS = 30.0
"""A service that has not processed those by then has failed."""

LIMIT_SECONDS = 300.0
"""So has a run that takes longer."""

STOP_SECONDS = 20.0

FPROC = "fproc"
FPROC_POWER = "fproc, power"
FPROC_APPENDS = "fproc (appends)"
FPROC_POWER_APPENDS = "fproc, power (appends)"
BARE = "bare loop"
BARE_TWO = "bare loop, 2 processes"
BARE_POWER = "bare loop, power"
BARE_POWER_TWO = "bare loop, power, 2 processes"


class ServiceError(Exception):
    """A service failed, or its results were wrong; the message says how."""


class Place:
    """A fresh folder for one run of a service, with the paths in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch = folder / "watch"
        self.aside = folder / "aside"
        self.state = folder / "state"
        self.unprocessed = self.watch / "unprocessed"
        self.results = self.watch / "results"
        self.appended = self.results / "all.log"
        names = (self.aside, self.state, self.unprocessed, self.results, self.watch / "processed")
        for path in names:
            path.mkdir(parents=True, exist_ok=True)

    def prepare(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Write files beside the watched folder, on the same filesystem."""
        for name, data in files:
            (self.aside / name).write_bytes(data)

    def drop(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Rename prepared files into the watched folder."""
        source, target = f"{self.aside}/", f"{self.unprocessed}/"
        for name, _ in files:
            os.rename(source + name, target + name)

    def filled(self, template: str) -> str:
        """Return the path of a configuration made from one of the rivals' templates."""
        text = (RIVALS / template).read_text()
        for key in ("unprocessed", "results", "state"):
            text = text.replace(f"@{key.upper()}@", str(getattr(self, key)))
        path = self.folder / template
        path.write_text(text)
        return str(path)


@dataclass(frozen=True, slots=True)
class Service:
    """A program that watches a folder.

    Attributes:
        name: its name in the table.
        commands: returns the commands of its processes for a place.
        result: returns the result of a file, from its contents.
        appends: whether it adds all results to one file; otherwise each has its own, of the input's name.
        part: the share of the files that it gets (1: all), if it is too slow for more.
        reference: the service whose speed is 1, in the table.
        missing: why it cannot run here, or "".
    """

    name: str
    commands: Callable[[Place], list[list[str]]]
    result: Callable[[bytes], bytes]
    appends: bool = False
    part: float = 1.0
    reference: str = BARE
    missing: str = ""

    def files(self, count: int) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
        """Return files to warm up with, and as many of `count` further ones as this service gets."""
        files = list(small_files(WARM_FILES + max(1, int(count * self.part))))
        return files[:WARM_FILES], files[WARM_FILES:]

    def check(self, place: Place, files: Sequence[tuple[str, bytes]]) -> bool:
        """Return whether all results are right, and each input is archived (where that is done)."""
        if self.appends:
            lines = [line for _, data in files for line in self.result(data).splitlines()]
            return sorted(place.appended.read_bytes().splitlines()) == sorted(lines)
        expected = {name for name, _ in files}
        names = {name for name in os.listdir(place.results) if not name.startswith(".")}
        archived = set(os.listdir(place.watch / "processed"))
        remaining = os.listdir(place.unprocessed)
        if names != expected or archived != expected or remaining:
            return False
        return all((place.results / name).read_bytes() == self.result(data) for name, data in files)


class Running:
    """A service that runs in a place."""

    def __init__(self, service: Service, place: Place, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        self.pids = [process.pid for process in processes]
        self._service = service
        self._place = place
        self._processes = processes
        self._before_bytes = 0

    def wait(
        self,
        files: Sequence[tuple[str, bytes]],
        *,
        seconds: float = LIMIT_SECONDS,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> float:
        """Wait until all results are there; return the time on `perf_counter` when the last one was.

        Each file is looked up until it is there, the last one first, so that costs one call a file, and one
        each time that something is still missing. (Listing the results instead would cost more than some of
        the services do.)

        Raises:
            ServiceError: they are not there in time, or the service has ended.
        """
        deadline = time.perf_counter() + seconds
        results = str(self._place.results)
        paths = [f"{results}/{name}" for name, _ in files]  # `Path` takes seconds for a million
        expected_bytes = self._before_bytes
        if self._service.appends:  # only then: for a backlog, this takes longer than the first result
            expected_bytes += sum(len(self._service.result(data)) for _, data in files)
        while True:
            if self._service.appends:
                is_done = _size(self._place.appended) >= expected_bytes
            else:
                while paths and os.path.exists(paths[-1]):
                    paths.pop()
                is_done = not paths
            now = time.perf_counter()
            if is_done:
                self._before_bytes = expected_bytes
                return now
            if now > deadline:
                raise self.error(f"not all results after {seconds:.0f} s")
            self.check_running()
            meanwhile()
            time.sleep(POLL_SECONDS)

    def time_one(self, name: str, data: bytes, seconds: float) -> float:
        """Return the seconds from a prepared file's rename to its result, polled without a pause.

        Raises:
            ServiceError: it is not there in time.
        """
        place = self._place
        source, target = str(place.aside / name), str(place.unprocessed / name)
        path, wanted_bytes = str(place.results / name), 0
        if self._service.appends:
            self._before_bytes += len(self._service.result(data))
            path, wanted_bytes = str(place.appended), self._before_bytes
        begin = time.perf_counter()
        os.rename(source, target)
        while True:
            try:
                size_bytes = os.stat(path).st_size
            except FileNotFoundError:
                size_bytes = -1
            now = time.perf_counter()
            if size_bytes >= wanted_bytes:
                return now - begin
            if now > begin + seconds:
                raise self.error(f"no result after {seconds:.0f} s")

    def check_running(self) -> None:
        """Check that it still runs.

        Raises:
            ServiceError: it does not.
        """
        exit_statuses = [process.returncode for process in self._processes if process.poll() is not None]
        if exit_statuses:
            raise self.error(f"ended by itself, status {exit_statuses[0]}")

    def error(self, what: str) -> ServiceError:
        """Return an error with the last line that the service printed."""
        last_line = (self._place.folder / "log").read_text(errors="replace").strip().rpartition("\n")[2]
        return ServiceError(f"{what}: {last_line}" if last_line else what)


@contextmanager
def running(service: Service, place: Place) -> Iterator[Running]:
    """Yield a service that runs until the end of the block.

    Raises:
        ServiceError: it exited by itself.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in service.commands(place):
            processes += [start(command, place)]
        run = Running(service, place, processes)
        yield run
        run.check_running()
    finally:
        for process in processes:
            stop(process)


def start(command: Sequence[str], place: Place) -> subprocess.Popen[bytes]:
    """Start a command in a place; its output goes to the file `log` there."""
    with (place.folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, by SIGTERM if that is enough."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def fproc_command(
    settings: Settings, place: Place, durability: str = "process", *, appends: bool = False
) -> list[str]:
    """Return the command of a watching fproc, and write its configuration."""
    config = {**json.loads((PIPELINES / "small.json").read_text()), "durability": durability}
    if appends:
        config["nodes"][-1]["next"] = "all"
        write = {"file": place.appended.name, "append": True}
        config["nodes"].append({"tag": "all", "type": "write", "config": write})
    path = place.folder / "pipeline.json"
    path.write_text(json.dumps(config))
    command = [settings.python, "-m", "fproc", "--watch", "--config", str(path)]
    return [*command, "--watch-dir", str(place.watch), "--quiet"]


def fproc(settings: Settings, durability: str = "process", *, appends: bool = False) -> Service:
    """Return fproc, watching without a dashboard."""
    power, process = (FPROC_POWER_APPENDS, FPROC_APPENDS) if appends else (FPROC_POWER, FPROC)
    is_power = durability == "power"
    return Service(
        power if is_power else process,
        lambda place: [[*fproc_command(settings, place, durability, appends=appends), "--no-dashboard"]],
        small_result,
        appends=appends,
        reference=BARE_POWER if is_power else BARE,
    )


def fproc_before(settings: Settings) -> list[Service]:
    """Return the fproc of another checkout, if one was given."""
    before = settings.before
    if before is None:
        return []

    def commands(place: Place) -> list[list[str]]:
        return [older(before, [*fproc_command(settings, place), "--no-dashboard"])]

    return [Service(BEFORE, commands, small_result)]


def bare(settings: Settings, name: str, durability: str, count: int) -> Service:
    """Return the bare loop, in one or more processes that share the files."""
    script = [settings.python, str(RIVALS / "bare_loop.py")]
    return Service(
        name,
        lambda place: [
            [*script, str(place.watch), durability, str(index), str(count)] for index in range(count)
        ],
        bytes,
        part=0.1 if durability == "power" else 1.0,
        reference=BARE_POWER if durability == "power" else BARE,
    )


def script(settings: Settings, module: str) -> Service:
    """Return a script that uses a module from PyPI."""
    command = [settings.rivals_python, str(RIVALS / f"on_{module}.py")]
    return Service(
        f"script on {module}",
        lambda place: [[*command, str(place.watch)]],
        small_result,
        missing=lacks(settings.rivals_python, module),
    )


def loggers() -> list[Service]:
    """Return the services that append the lines of a folder's files to one file, and move nothing.

    Debian lets only one of rsyslog and syslog-ng be installed. The other one can be unpacked somewhere, and a
    script of its name that starts it put on the PATH.
    """
    return [
        Service(
            "rsyslog (appends)",
            lambda place: [
                ["rsyslogd", "-n", "-f", place.filled("rsyslog.conf"), "-i", str(place.state / "pid")]
            ],
            bytes,
            appends=True,
            missing=_lacks_program("rsyslogd"),
        ),
        Service(
            "syslog-ng (appends)",
            lambda place: [
                [
                    *("syslog-ng", "-F", "--no-caps", "--fd-limit", "20000"),
                    *("-f", place.filled("syslog-ng.conf"), "-R", str(place.state / "persist")),
                    *("-c", str(place.state / "control"), "-p", str(place.state / "pid")),
                ]
            ],
            bytes,
            appends=True,
            missing=_lacks_program("syslog-ng"),
        ),
        Service(
            "fluent-bit (appends)",
            lambda _place: [],
            bytes,
            appends=True,
            missing=_lacks_program("fluent-bit") or "left out: no configuration of it has been tried here",
        ),
    ]


def _lacks_program(name: str) -> str:
    return "" if shutil.which(name) else f"not installed: {name}"


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
