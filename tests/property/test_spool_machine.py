"""The spool under a machine that crashes: before any call that changes the disk, again and again.

The model is small: every input that was dropped, with its contents. Whatever was crashed and recovered, after
a quiet drain each input is in exactly one of the folders, each result is whole and there once for each input
that succeeded, and nothing is left behind.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fproc.metrics import Metrics
from fproc.plan import Plan
from fproc.spool import Disk, Spool
from fproc.watch import Watcher
from tests.helpers import plan_of, user

NODES = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "split"]},
    {
        "tag": "split",
        "type": "tag_field",
        "config": {"field": 1, "tags": {"a": "a"}, "default": "b"},
        "next": "kept",
    },
    {"tag": "kept", "type": "write", "config": {"file": "{stem}.{tag}.txt"}},
]
NAMES = ["x.log", "y", "x~2.log", "z.tar.gz.txt"]
CONTENTS = ["", "a 1\nb 2\n", "b only\n", "a 1\na bad line\n", "no line ending"]


class Crash(BaseException):
    """The process dies here."""


class CrashingDisk(Disk):
    """Dies before the nth call that changes something; then the kernel closes what it had open."""

    def __init__(self, calls_to_live: float = float("inf")) -> None:
        super().__init__(power=True)
        self.calls_to_live = calls_to_live
        self.descriptors: set[int] = set()

    def die(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


def _counted(name: str) -> Any:
    original = getattr(Disk, name)

    def call(self: CrashingDisk, *arguments: Any) -> Any:
        if self.calls_to_live <= 0:
            raise Crash(name)
        self.calls_to_live -= 1
        given = original(self, *arguments)
        if name in {"create", "reopen", "lock"} and given is not None:
            self.descriptors.add(given)
        if name == "close":
            self.descriptors.discard(*arguments)
        return given

    return call


CALLS = [name for name, value in vars(Disk).items() if callable(value) and not name.startswith("_")]
for _name in CALLS:
    setattr(CrashingDisk, _name, _counted(_name))


def expected_results(name: str, content: str) -> Counter[tuple[str, str]] | None:
    """The results of one input, by the name it would have without clashes; None if it fails."""
    if "bad" in content:
        return None
    lines = content.splitlines()
    stem = os.path.splitext(name)[0]
    results: Counter[tuple[str, str]] = Counter()
    for result, chosen in (
        (name, lines),
        (f"{stem}.a.txt", [line for line in lines if line.startswith("a ")]),
        (f"{stem}.b.txt", [line for line in lines if not line.startswith("a ")]),
    ):
        if chosen:
            results[result, "".join(line + "\n" for line in chosen)] += 1
    return results


class SpoolMachine(RuleBasedStateMachine):
    """Drops, crashes at random, restarts, and at the end looks at everything."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="fproc-spool-")
        self.dropped: list[tuple[str, str]] = []
        self.plan: Plan
        self.now = 1_000_000_000.0

    @initialize(by_link=st.booleans())
    def start(self, *, by_link: bool) -> None:
        self.by_link = by_link
        self.plan = plan_of(
            NODES,
            watch_dir=self.folder,
            intake={"ready": "rename", "order": "name"},
            retry={"max_attempts": 1},
        )
        Spool(self.plan.config)

    def watcher(self, disk: Disk) -> Watcher:
        spool = Spool(self.plan.config, disk=disk, clock=lambda: self.now)
        return Watcher(spool, self.plan, Metrics())

    def path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS))
    def drop(self, name: str, content: str) -> None:
        if os.path.lexists(self.path("unprocessed", name)):
            return
        content = f"{content}" if not content else f"a {len(self.dropped)}\n{content}"
        with open(self.path("new"), "w", encoding="utf-8") as file:
            file.write(content)
        os.rename(self.path("new"), self.path("unprocessed", name))
        self.dropped.append((name, content))

    @rule(calls=st.integers(0, 90))
    def run_and_crash(self, calls: int) -> None:
        disk = CrashingDisk(calls)
        try:
            self.watcher(disk).turn()
        except Crash:
            pass
        finally:
            disk.die()

    @rule()
    def run(self) -> None:
        self.watcher(Disk(power=True)).turn()

    @rule(name=st.sampled_from(NAMES))
    def someone_else_writes_a_result(self, name: str) -> None:
        """A file of a result's name that is not fproc's: it must never be replaced."""
        path = self.path("results", name)
        if not os.path.lexists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write("foreign")

    @invariant()
    def no_input_is_lost_and_no_partial_result_is_visible(self) -> None:
        wanted = Counter(content for _, content in self.dropped)
        places = itertools.chain(
            *(self.files(folder) for folder in ("unprocessed", "underprocess", "processed", "failed"))
        )
        found = Counter(content for name, content in places if not name.endswith(".error.json"))
        assert found == wanted
        whole = Counter[str]()
        for name, content in self.dropped:
            whole.update(text for _, text in expected_results(name, content) or ())
        seen = Counter(text for _, text in self.files("results") if text != "foreign")
        assert seen <= whole, f"partial or doubled: {seen - whole}"

    def files(self, folder: str) -> list[tuple[str, str]]:
        found = []
        for entry in os.scandir(self.path(folder)):
            if entry.is_file():
                with open(entry.path, encoding="utf-8") as file:
                    found.append((entry.name, file.read()))
        return found

    def teardown(self) -> None:
        try:
            if hasattr(self, "plan"):
                self.settle()
        finally:
            shutil.rmtree(self.folder)

    def settle(self) -> None:
        for _ in range(len(self.dropped) + 2):
            self.watcher(Disk(power=True)).turn()
        self.no_input_is_lost_and_no_partial_result_is_visible()
        assert self.files("unprocessed") == self.files("underprocess") == []
        succeeded = [
            (name, content) for name, content in self.dropped if expected_results(name, content) is not None
        ]
        assert Counter(text for _, text in self.files("processed")) == Counter(text for _, text in succeeded)
        results = Counter[str]()
        for name, content in succeeded:
            results.update(text for _, text in expected_results(name, content) or ())
        assert Counter(text for _, text in self.files("results") if text != "foreign") == results
        failed = [name for name, _ in self.files("failed")]
        reports = [name for name in failed if name.endswith(".error.json")]
        assert sorted(reports) == sorted(f"{name}.error.json" for name in failed if name not in reports)
        assert os.listdir(self.path(".fproc", "jobs")) == []
        (stage,) = os.listdir(self.path("results", ".stage"))
        assert os.listdir(self.path("results", ".stage", stage)) == []


SpoolMachine.TestCase.settings = settings(stateful_step_count=25)
TestSpoolMachine = SpoolMachine.TestCase


def test_every_call_that_changes_the_disk_is_a_place_to_crash() -> None:
    assert {"move", "replace", "unlink", "sync", "sync_folder", "write", "create", "lock"} <= set(CALLS)
