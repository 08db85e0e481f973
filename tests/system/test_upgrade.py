"""The archive is replaced, or what it was unpacked to is removed, while fproc runs: nothing comes of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from fproc.base.own_code import REPLACED
from tests.support.programs import running
from tests.support.programs.archives import copy_of_project, other_build
from tests.support.programs.running import DEADLINE_SECONDS, Watching, drop, own_processor, spooled
from tests.system.test_workers import workers_of

OWN = "import os\n\ndef step(line):\n    return f'{line} done'\n"

PAUSED = "nothing is lost, work goes on by itself once this is fixed"

BIG_LINES = 33 * 2**20 // 32


class Installed:
    """A copy of the archive in a folder of its own, and how it is run there."""

    def __init__(self, pyz: Path, folder: Path, *, style: str, has_cache: bool) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.path = Path(shutil.copy(pyz, folder / "fproc.pyz"))
        self.other = other_build(pyz, folder / "other.pyz")
        self._command = [sys.executable, str(self.path)] if style == "python3 fproc.pyz" else ["./fproc.pyz"]
        home = str(self.home) if has_cache else "/nonexistent"
        self.environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "LANG": "C.UTF-8"}

    @contextmanager
    def watching(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
        """A running `--watch` of it."""
        monkeypatch.setattr(running, "command", lambda *arguments, **_: [*self._command, *arguments])
        monkeypatch.setattr(running, "environment", lambda *_: self.environment)
        with Watching(self.folder, dashboard=True, anew=True) as watching:
            yield watching

    def version(self) -> subprocess.CompletedProcess[str]:
        """Ask it for its version."""
        return subprocess.run(
            [*self._command, "--version"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def overwrite(self) -> None:
        """Put another version in its place: the same file, other bytes."""
        inode = self.path.stat().st_ino
        shutil.copyfile(self.other, self.path)
        assert self.path.stat().st_ino == inode

    def cut(self) -> None:
        """Leave half of it, as a copy that is not yet complete does."""
        os.truncate(self.path, self.path.stat().st_size // 2)

    def rename_over(self) -> None:
        """Put another version in its place: another file."""
        Path(shutil.copy(self.other, self.folder / "newer.pyz")).rename(self.path)

    def remove(self) -> None:
        """Remove it."""
        self.path.unlink()

    def remove_cache(self) -> None:
        """Remove what it was unpacked to, though a worker that is about to start may write there."""
        while self.home.exists():
            shutil.rmtree(self.home, ignore_errors=True)

    def thin_cache(self) -> None:
        """Remove some of what it was unpacked to, as a cleaner of old files does."""
        for path in self.home.rglob("*"):
            if path.name.partition(".")[0] in {"worker", "helpers", "pages", "index", "feeds", "openapi"}:
                path.unlink()


HARMS = [
    pytest.param(Installed.remove_cache, True, marks=pytest.mark.sweep),
    (Installed.thin_cache, True),
    pytest.param(Installed.overwrite, False, marks=pytest.mark.sweep),
    pytest.param(Installed.cut, False, marks=pytest.mark.sweep),
    (Installed.rename_over, False),
    pytest.param(Installed.remove, False, marks=pytest.mark.sweep),
]
"""What may happen to it, and whether it was unpacked. Where it was, the archive is not needed any more."""


def drop_all(folder: Path, names: list[str]) -> dict[str, bytes]:
    """Drop small files; gives what is to become of them."""
    for name in names:
        drop(folder, name, name.encode())
    inputs = {f"processed/{name}": name.encode() for name in names}
    return inputs | {f"results/{name}": f"{name} done\n".encode() for name in names}


def kill_workers(watching: Watching) -> None:
    """Have all workers started anew."""
    for worker in workers_of(watching):
        os.kill(worker, signal.SIGKILL)


def errors(watching: Watching) -> list[str]:
    """What it has said of errors, but for workers that were killed here over a file."""
    return [
        line for line in watching.log.splitlines() if " ERROR " in line and "killed by SIGKILL" not in line
    ]


def check_dashboard(watching: Watching) -> None:
    """Ask for what is read only when it is asked for."""
    assert watching.get("/health")[0] == 200
    assert "paths" in watching.get("/openapi.json")[1]
    with urlopen(f"{watching.url}/", timeout=DEADLINE_SECONDS) as page:
        assert b"</html>" in page.read()
    assert watching.get("/graph")[0] == 200


@pytest.mark.parametrize(("harm", "has_cache"), HARMS)
def test_a_running_instance_works_on_whatever_becomes_of_its_files(
    pyz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Installed], None],
    has_cache: bool,  # noqa: FBT001
) -> None:
    own_processor(tmp_path, OWN, workers=2)
    installed = Installed(pyz, tmp_path, style="./fproc.pyz", has_cache=has_cache)
    with installed.watching(monkeypatch) as watching:
        expected = drop_all(installed.folder, ["before.log"])
        watching.wait_for("processed/before.log")
        harm(installed)
        kill_workers(watching)
        expected |= drop_all(installed.folder, [f"{number}.log" for number in range(10)])
        watching.wait_for(*expected)
        check_dashboard(watching)
        assert watching.stop() == 0
        assert errors(watching) == []
    assert spooled(installed.folder) == expected


def test_where_there_are_no_files_in_memory_it_pauses_once_it_was_replaced_and_costs_no_file_anything(
    pyz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_processor(tmp_path, OWN, workers=1)
    installed = Installed(pyz, tmp_path, style="./fproc.pyz", has_cache=False)
    (tmp_path / "python").mkdir()
    (tmp_path / "python/sitecustomize.py").write_text("import os\ndel os.memfd_create\n")
    installed.environment["PYTHONPATH"] = str(tmp_path / "python")
    with installed.watching(monkeypatch) as watching:
        expected = drop_all(tmp_path, ["a.log"])
        watching.wait_for(*expected)
        installed.rename_over()
        kill_workers(watching)
        expected |= drop_all(tmp_path, ["b.log"])
        watching.wait_until(lambda: f"intake is paused, {PAUSED}: a worker could not start" in watching.log)
        assert REPLACED in watching.log
        assert watching.stop() == 0
        assert "Traceback" not in watching.log
    shutil.copyfile(pyz, installed.path)
    with installed.watching(monkeypatch) as watching:
        watching.wait_for(*expected)
    assert spooled(tmp_path) == expected


@pytest.mark.parametrize("has_cache", [True, False])
def test_it_starts_though_some_of_what_it_was_unpacked_to_is_gone(
    pyz: Path,
    tmp_path: Path,
    has_cache: bool,  # noqa: FBT001
) -> None:
    installed = Installed(pyz, tmp_path, style="./fproc.pyz", has_cache=has_cache)
    assert installed.version().stdout.startswith("fproc ")
    before = sorted(path for path in installed.home.rglob("*") if path.suffix == ".py")
    installed.thin_cache()
    assert installed.version().stdout.startswith("fproc ")
    assert bool(before) == has_cache


@pytest.mark.sweep
@pytest.mark.parametrize("has_cache", [True, False])
@pytest.mark.parametrize("style", ["python3 fproc.pyz", "./fproc.pyz"])
def test_an_upgrade_under_load_harms_no_file(
    pyz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    style: str,
    has_cache: bool,  # noqa: FBT001
) -> None:
    own_processor(tmp_path, OWN, workers=2)
    installed = Installed(pyz, tmp_path, style=style, has_cache=has_cache)
    with installed.watching(monkeypatch) as watching:
        expected = drop_all(tmp_path, [f"first-{number}.log" for number in range(100)])
        watching.wait_for(*expected)
        for harm in (Installed.overwrite, Installed.rename_over, Installed.remove_cache):
            kill_workers(watching)
            expected |= drop_all(tmp_path, [f"{harm.__name__}-before-{number}.log" for number in range(67)])
            harm(installed)
            expected |= drop_all(tmp_path, [f"{harm.__name__}-after-{number}.log" for number in range(67)])
            watching.wait_for(*expected)
        big = b"".join(b"%031d\n" % number for number in range(BIG_LINES))
        drop(tmp_path, "big.log", big)
        watching.wait_for("processed/big.log")
        check_dashboard(watching)
        assert watching.stop() == 0
        assert errors(watching) == []
        assert "helper" not in watching.log
    found = spooled(tmp_path)
    assert found.pop("processed/big.log") == big
    assert found.pop("results/big.log") == b"".join(b"%031d done\n" % number for number in range(BIG_LINES))
    assert (found, len(found)) == (expected, 2 * (100 + 3 * 134))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package as it lies where it was installed to, which is what runs here."""
    package = copy_of_project(tmp_path / "installed") / "fproc"
    known = running.environment
    monkeypatch.setattr(running, "environment", lambda *_: known({"PYTHONPATH": str(package.parent)}))
    return package


def test_an_installed_fproc_that_was_replaced_pauses_and_costs_no_file_anything(
    tmp_path: Path, source: Path
) -> None:
    own_processor(tmp_path, OWN, workers=1)
    with Watching(tmp_path, anew=True) as watching:
        expected = drop_all(tmp_path, ["a.log"])
        watching.wait_for(*expected)
        (source / "base/times.py").write_text(
            (source / "base/times.py").read_text() + "# of another version\n"
        )
        kill_workers(watching)
        expected |= drop_all(tmp_path, ["b.log"])
        watching.wait_until(lambda: f"intake is paused, {PAUSED}: a worker could not start" in watching.log)
        assert REPLACED in watching.log
        assert watching.stop() == 0
    with Watching(tmp_path, anew=True) as watching:
        watching.wait_for(*expected)
    assert spooled(tmp_path) == expected


def test_a_module_that_is_gone_when_it_is_needed_costs_no_file_an_attempt(
    tmp_path: Path, source: Path
) -> None:
    own_processor(tmp_path, OWN, workers=2, retry={"max_attempts": 1})
    big = b"".join(b"%031d\n" % number for number in range(BIG_LINES))
    with Watching(tmp_path, anew=True) as watching:
        module = (source / "run/chunked/helpers.py").read_bytes()
        (source / "run/chunked/helpers.py").unlink()
        drop(tmp_path, "big.log", big)
        watching.wait_until(lambda: f"intake is paused, {PAUSED}: {REPLACED}" in watching.log)
        assert watching.stop() == 0
        assert "Traceback" not in watching.log
    assert spooled(tmp_path) == {"underprocess/big.log": big}
    (source / "run/chunked/helpers.py").write_bytes(module)
    with Watching(tmp_path, anew=True) as watching:
        watching.wait_for("processed/big.log")
