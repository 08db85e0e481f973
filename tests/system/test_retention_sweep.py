"""A crash, or a disk that refuses, before each step of a removal: what is to stay stays, and it ends.

A step is a call that changes the disk, or one that asks the history for the names of results or has it forget
some.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fproc.base.values import asdict
from fproc.config.retention import Retention
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.old_results import PublishedResult
from fproc.spool.intake.remover import Remover
from fproc.spool.job import reruns
from fproc.spool.job.decision import CommitRecord, FileStamp, Publication
from fproc.spool.spool import Spool
from fproc.telemetry.history.history import History
from tests.support.helpers import plan_of
from tests.support.histories import event, move_aside
from tests.support.programs.killing import TRACED, Call, touching
from tests.support.programs.running import DEADLINE_SECONDS, command, environment
from tests.support.spool.crashes import BrokenDisk, Crash

pytestmark = pytest.mark.sweep

PROCESSED = ["p1", "p2", "p3", "p4"]
FAILED = ["f1", "f1.error.json", "f1.rejected.jsonl", "f2", "f2.error.json", "f3", "f3.error.json"]
RESULTS = ["r1", "x/y/r2", "r3", "x/r4", "r5"]
FOREIGN = ["notes.txt", "all.log", "rewritten"]
"""What is in the folder of results that nobody has published whole, or that is not as it was published."""

BOUNDS = {
    "number": Retention(processed_files=2, failed_files=1, results_files=2),
    "size": Retention(processed_mb=4e-6, failed_mb=4e-6, results_mb=4e-6),
    "age": Retention(processed_days=1, failed_days=1, results_days=1),
}
LEFT = {
    "age": ([], [], []),
    "number": (["p3", "p4"], ["f3", "f3.error.json"], ["r5", "x/r4"]),
    "size": (["p3", "p4"], ["f3", "f3.error.json"], ["r5", "x/r4"]),
}
"""What each of them leaves in `processed/`, `failed/` and `results/`; every file has two bytes."""

LATER_SECONDS = 2 * 86400.0


class SteppingDisk(BrokenDisk):
    """Dies before the nth step."""

    def step(self, name: str) -> None:
        """Count a step that is no call of the disk."""
        if self.calls_left <= 0:
            self.broke_at = name
            raise Crash(name)
        self.calls_left -= 1


class Names:
    """The history's names of results; each change of them is a step."""

    def __init__(self, history: History, step: Callable[[str], None]) -> None:
        self._upkeep = history.upkeep
        self._step = step
        self.results = self._upkeep.results

    def copy_results(self) -> None:
        self._step("copy_results")
        self._upkeep.copy_results()

    def forget(self, results: Sequence[PublishedResult]) -> None:
        self._step("forget")
        self._upkeep.forget(results)


class Kept:
    """A spool with inputs, reports, records of what was published, results and a history."""

    def __init__(self, folder: Path, bounds: str) -> None:
        self.folder, self.bounds = folder, bounds
        config = plan_of([{"tag": "start", "type": "trim", "next": "end"}], watch_dir=str(folder)).config
        self.spool = Spool(config)
        self.folders = self.spool.folders
        for name in PROCESSED:
            self._put(f"processed/{name}")
            self._keep_for_rerun(name)
        for name in FAILED:
            self._put(f"failed/{name}")
        for name in (*RESULTS, *FOREIGN):
            self._put(f"results/{name}")
        late = time.time() + 3600
        os.utime(folder / "results/rewritten", (late, late))
        with self._history() as history:
            for number, name in enumerate(RESULTS):
                history.record([event(f"j{number}", time=time.time(), results=(name,))])
            others = ("rewritten", "all.log (appended, bytes 0-2)", "taken by a reader")
            history.record([event("j9", time=time.time(), results=others)])

    def prune(self, disk: Disk) -> None:
        """Remove what is not to be kept, as the loop and `--prune` do."""
        now = time.time() + (LATER_SECONDS if self.bounds == "age" else 0)
        with self._history() as history:
            names = Names(history, disk.step if isinstance(disk, SteppingDisk) else lambda _name: None)
            remover = Remover(disk, self.spool.home, self.folders, self.spool.names.may_be_input, names)
            remover.remove(BOUNDS[self.bounds], lambda: now)

    def check_meanwhile(self) -> None:
        """See that all is there that is to stay, and no input without what says why it failed."""
        processed, failed, results = LEFT[self.bounds]
        assert set(processed) <= set(self._names("processed"))
        assert set(failed) <= (found := set(self._names("failed")))
        assert set(results) | set(FOREIGN) <= set(self._names("results"))
        for name in ("f1", "f2", "f3"):
            assert name not in found or f"{name}.error.json" in found, name
        for name in processed:
            assert reruns.published(self.folders, name)

    def check(self) -> None:
        """See that all else is gone, and what was remembered of it; an empty folder may be left."""
        processed, failed, results = LEFT[self.bounds]
        assert self._names("processed") == processed
        assert self._names("failed") == failed
        assert self._names("results") == sorted([*results, *FOREIGN])
        assert os.listdir(self.spool.home.stage) == []
        assert len(os.listdir(self.folders.published)) == len(processed)
        with self._history() as history:
            history.upkeep.copy_results()
            assert sorted(result.name for result in history.upkeep.results(None)) == results

    @contextmanager
    def _history(self) -> Iterator[History]:
        history = History(
            str(self.folder / ".fproc/history.db"),
            retention=BOUNDS[self.bounds],
            set_aside=move_aside,
            clock=time.time,
        )
        try:
            yield history
        finally:
            history.close()

    def _put(self, path: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("a\n")

    def _keep_for_rerun(self, name: str) -> None:
        stamp = FileStamp.of(os.stat(self.folder / "processed" / name))
        rejects = Publication(":job:rejected.jsonl", "failed", name, extra=".rejected.jsonl")
        record = CommitRecord(stamp, (rejects,), Publication(f"underprocess/{name}", "processed", name), name)
        reruns.keep(Disk(power=False), self.folders, self.folders.state, record)

    def _names(self, folder: str) -> list[str]:
        paths = (path for path in (self.folder / folder).rglob("*") if path.is_file())
        below = (path.relative_to(self.folder / folder) for path in paths)
        return sorted(str(path) for path in below if path.parts[0] != ".stage")


def finish(kept: Kept) -> None:
    """Prune until nothing is left to do, which is at once."""
    for _ in range(2):  # what was removed is forgotten at the next look
        kept.prune(Disk(power=True))
        kept.check_meanwhile()
    kept.check()


Bounded = pytest.mark.parametrize("bounds", BOUNDS)


@Bounded
def test_through_a_crash_at_any_step_only_what_is_not_kept_goes_and_all_of_it(
    memory_path: Path, bounds: str
) -> None:
    for point in itertools.count():
        kept, disk = Kept(memory_path / str(point), bounds), SteppingDisk(point)
        with suppress(Crash):
            kept.prune(disk)
        kept.check_meanwhile()
        finish(kept)
        if not disk.broke_at:
            break
    assert point >= 20


@Bounded
def test_a_second_crash_while_the_rest_is_removed_changes_nothing(memory_path: Path, bounds: str) -> None:
    points = 0
    for first in itertools.count(1, 3):
        for second in itertools.count(first % 2, 2):
            kept = Kept(memory_path / f"{first}-{second}", bounds)
            disks = [SteppingDisk(first), SteppingDisk(second)]
            for disk in disks:
                with suppress(Crash):
                    kept.prune(disk)
                kept.check_meanwhile()
            finish(kept)
            if not disks[1].broke_at:
                break
            points += 1
        if not disks[0].broke_at:
            break
    assert points > 30


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for a while"])
@Bounded
def test_a_disk_that_refuses_costs_nothing_that_is_to_stay(
    memory_path: Path, bounds: str, *, for_good: bool
) -> None:
    for point in itertools.count():
        kept = Kept(memory_path / str(point), bounds)
        disk = BrokenDisk(point, error=errno.EIO, for_good=for_good)
        with suppress(OSError):
            kept.prune(disk)
        kept.check_meanwhile()
        finish(kept)
        if not disk.broke_at:
            break
    assert point > 15


def test_through_a_crash_at_any_step_a_result_that_comes_in_the_place_of_an_old_one_survives(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Disk.replace
    replaced = []

    def rerun_first(disk: Disk, source: str, target: str) -> None:
        if source.endswith("/r1"):
            Path(f"{source}.new").write_text("new")
            os.rename(f"{source}.new", source)
            replaced.append(source)
        replace(disk, source, target)

    for point in itertools.count():
        kept, disk = Kept(memory_path / str(point), "number"), SteppingDisk(point)
        with monkeypatch.context() as patch, suppress(Crash):
            patch.setattr(Disk, "replace", rerun_first)
            kept.prune(disk)
        for _ in range(2):
            places = (kept.folder / "results/r1", *Path(kept.spool.home.stage).iterdir())
            texts = [path.read_text() for path in places if path.exists()]
            assert texts.count("new") == len(replaced), disk.broke_at
            kept.prune(Disk(power=True))
        if not disk.broke_at:
            break
        replaced.clear()
    assert (kept.folder / "results/r1").read_text() == "new"
    assert os.listdir(kept.spool.home.stage) == []


def prune_under_strace(kept: Kept, *injected: str) -> tuple[int, list[Call]]:
    """Run `--prune`, traced; returns its status, and its calls that change something of the spool."""
    retention = {key: value for key, value in asdict(BOUNDS[kept.bounds]).items() if value is not None}
    nodes = [{"tag": "start", "type": "trim", "next": "end"}]
    config, log = kept.folder.with_suffix(".json"), kept.folder.with_suffix(".strace")
    config.write_text(json.dumps({"nodes": nodes, "watch_dir": str(kept.folder), "retention": retention}))
    tracing = ["strace", "-q", "-y", "-s", "0", "-o", str(log), "-e", TRACED, *injected]
    done = subprocess.run(
        [*tracing, *command("--prune", "--quiet", "--config", str(config))],
        cwd=kept.folder.parent,
        env=environment(),
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0 or injected, done.stderr
    return done.returncode, touching(log.read_text(), str(kept.folder))


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.long)])
def test_a_prune_that_is_killed_before_any_call_is_finished_by_the_next_one(
    memory_path: Path, stride: int
) -> None:
    if shutil.which("strace") is None:
        pytest.fail("this needs strace: install it (apt-get install strace, dnf install strace)")
    for name in ("first", "undisturbed"):  # the first run compiles modules; a later one makes fewer calls
        kept = Kept(memory_path / name, "number")
        _, calls = prune_under_strace(kept)
        kept.prune(Disk(power=True))
        kept.check()
    assert len(calls) > 50
    for call in calls[::stride]:
        kept = Kept(memory_path / f"{call.name}-{call.number}", "number")
        status, _ = prune_under_strace(kept, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
        assert status == -signal.SIGKILL, call
        kept.check_meanwhile()
        finish(kept)
