"""A newer fproc goes on with what an older one left, in any state, and one by one while both work."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import fproc
from fproc.pipeline import plan as plans
from fproc.spool.checks.takeover import take_over
from fproc.spool.layout import Folders
from tests.support.helpers import plan_of
from tests.support.programs.archives import build_version
from tests.support.programs.running import DEADLINE_SECONDS, configure, environment, wait_until
from tests.support.spool.places import PLAIN, Place
from tests.support.spool.scenarios import SCENARIOS

OLDER = "0.0.9"

STATES = {
    "a committed file": "two results",
    "an append": "an appended result",
    "set-aside lines": "lines that are set aside",
    "a failed file": "a file that fails",
}


class Upgraded(Place):
    """A spool that an older fproc works on until it dies, and a newer one from then on."""

    def upgrade(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plans, "__version__", "9.9.9")
        before = self.plan.fingerprint
        self.plan = plan_of(self.scenario.nodes, watch_dir=self.folder, **{**PLAIN, **self.scenario.config})
        assert self.plan.fingerprint != before


@pytest.mark.parametrize("name", STATES.values(), ids=STATES)
@pytest.mark.usefixtures("names_of_the_model")
def test_whatever_an_older_fproc_was_at_when_it_died_a_newer_one_goes_on_with(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for point in itertools.count():
        place = Upgraded(memory_path / str(point), SCENARIOS[name])
        is_over = not place.crash(point)
        with monkeypatch.context() as patch:
            place.upgrade(patch)
            place.recover()
        place.check(point)
        if is_over:
            break
    assert point > 20


def test_who_goes_on_with_a_folder_says_whose_it_was_and_what_is_in_it_once(tmp_path: Path) -> None:
    folders = Folders(str(tmp_path), str(tmp_path / "results"))
    for folder in (*folders.inputs(), folders.jobs, folders.commits, folders.appends):
        os.makedirs(folder)
    assert take_over(folders, OLDER) == ""
    Path(folders.underprocess, "a").touch()
    Path(folders.jobs, "a").mkdir()
    Path(folders.jobs, "a", "commit.json").touch()
    Path(folders.appends, "digest").touch()
    what = "1 input in underprocess/, 1 of them committed, 1 result being appended to"
    assert take_over(folders, "9.9") == (
        f"{tmp_path} was last used by fproc {OLDER}; fproc 9.9 goes on with it ({what})"
    )
    assert take_over(folders, "9.9") == ""
    Path(folders.state, "version").unlink()
    assert take_over(folders, "9.9").startswith(f"{tmp_path} was last used by an earlier fproc;")


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This fproc, built as an older version."""
    return build_version(tmp_path_factory.mktemp("older"), OLDER)


class Instance:
    """A running `--watch` of one archive."""

    def __init__(self, pyz: Path, folder: Path) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self.process = subprocess.Popen(
            [sys.executable, str(pyz), "--watch", "--no-dashboard"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def log(self) -> str:
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        self.process.kill()  # by its own id; nothing happens if it has ended
        self.process.wait(DEADLINE_SECONDS)
        self._log.close()


@contextmanager
def instance(pyz: Path, folder: Path) -> Iterator[Instance]:
    """A running instance, which is ended with the block."""
    found = Instance(pyz, folder)
    try:
        wait_until(lambda: "INFO watching " in found.log, lambda: found.log)
        yield found
    finally:
        found.close()


SLOW = """
import time

class Slow:
    def __init__(self):
        self.seen = 0

    def process(self, line):
        self.seen += 1
        if self.seen % 100 == 0:
            time.sleep(0.01)
        return f"{self.seen} {line}"
"""


@pytest.mark.sweep
def test_a_file_at_a_checkpoint_of_an_older_version_starts_over_and_back_again(
    pyz: Path, older: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(SLOW)
    nodes = [{"tag": "start", "type": "own.Slow", "next": "end"}]
    configure(tmp_path, nodes, workers=1, checkpoint={"seconds": 0.05, "mb": 64})
    watched = tmp_path / "watch_dir"
    lines = [f"line {number}" for number in range(30_000)]
    with instance(older, tmp_path) as running:
        (watched / "unprocessed/big.log").write_text("\n".join(lines) + "\n")
        wait_until((watched / ".fproc/jobs/big.log/checkpoint.json").exists, lambda: running.log)
        running.end(signal.SIGKILL)
    with instance(pyz, tmp_path) as running:
        whose = f"was last used by fproc {OLDER}; fproc {fproc.__version__} goes on with it (1 input in"
        assert whose in running.log
        wait_until((watched / "processed/big.log").exists, lambda: running.log)
        assert running.end() == 0
    expected = [f"{number} {line}" for number, line in enumerate(lines, 1)]
    assert (watched / "results/big.log").read_text().splitlines() == expected
    with instance(older, tmp_path) as running:
        assert f"was last used by fproc {fproc.__version__}; fproc {OLDER} goes on with it" in running.log
        (watched / "unprocessed/small.log").write_text("a\n")
        wait_until((watched / "processed/small.log").exists, lambda: running.log)
        assert running.end() == 0


ROLLED_FILES = 400
"""How many files are dropped while two instances are restarted, one after the other."""


class Dropper(threading.Thread):
    """Drops files, each with a line of its own, until all are there."""

    def __init__(self, unprocessed: Path) -> None:
        super().__init__(daemon=True)
        self._unprocessed = unprocessed
        self.dropped = 0
        self.pause = threading.Event()

    def run(self) -> None:
        for number in range(ROLLED_FILES):
            hidden = self._unprocessed / f".{number}"
            hidden.write_text(f"line of {number}\n")
            hidden.rename(self._unprocessed / f"{number}.log")
            self.dropped = number + 1
            self.pause.wait(0.01)


@pytest.mark.sweep
def test_a_rolling_restart_of_two_instances_under_load_loses_and_doubles_nothing(
    pyz: Path, older: Path, tmp_path: Path
) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "uppercase", "next": ["end", "all"]},
        {"tag": "all", "type": "write", "config": {"file": "all.log", "append": True}},
    ]
    configure(tmp_path, nodes, workers=1)
    watched = tmp_path / "watch_dir"
    with ExitStack() as stack:
        running = [stack.enter_context(instance(older, tmp_path)) for _ in range(2)]
        dropper = Dropper(watched / "unprocessed")
        dropper.start()
        for number in range(2):
            wait_until(lambda: dropper.dropped > (number + 1) * ROLLED_FILES // 4)  # noqa: B023 - at once
            assert running[number].end() == 0
            running[number] = stack.enter_context(instance(pyz, tmp_path))
        dropper.join(DEADLINE_SECONDS)
        wait_until(lambda: len(os.listdir(watched / "processed")) == ROLLED_FILES, lambda: running[0].log)
        assert [each.end() for each in running] == [0, 0]
    numbers = range(ROLLED_FILES)
    assert sorted(os.listdir(watched / "processed")) == sorted(f"{number}.log" for number in numbers)
    results = {path.name: path.read_text() for path in (watched / "results").glob("*.log")}
    shared = Counter(results.pop("all.log").splitlines())
    assert results == {f"{number}.log": f"LINE OF {number}\n" for number in numbers}
    assert shared == Counter(f"LINE OF {number}" for number in numbers)
    assert [os.listdir(watched / name) for name in ("unprocessed", "underprocess", "failed")] == [[], [], []]
    status = subprocess.run(
        [sys.executable, str(pyz), "--status", "--json"], cwd=tmp_path, capture_output=True, check=False
    )
    assert json.loads(status.stdout)["totals"]["files_processed"] == ROLLED_FILES


def test_an_older_fproc_refuses_a_newer_folder_to_all_that_would_change_it(pyz: Path, tmp_path: Path) -> None:
    configure(tmp_path)
    state = tmp_path / "watch_dir/.fproc"
    state.mkdir(parents=True)
    (tmp_path / "watch_dir/failed").mkdir()
    (tmp_path / "watch_dir/failed/x").touch()
    (state / "format-99").touch()
    (state / "id").write_text("id-0")
    (tmp_path / "a.log").write_text("a\n")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    for action in (["--watch", "--drain"], ["--retry", "x"], ["--prune"], ["--doctor"], ["--input", "a.log"]):
        ended = subprocess.run(
            [sys.executable, str(pyz), *action],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 78
        assert "was used by a newer fproc (format 99; this one knows 2)" in ended.stderr
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before
