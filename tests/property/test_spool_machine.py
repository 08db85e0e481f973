"""The spool under processes that crash, owners that are slow, and people who move files.

The model is small: every input that was handed in, with its contents. Whatever was crashed, taken over and
moved by hand, after a quiet drain each input is in exactly one of the folders, each result is whole and there
once for each time that its input was handed in and succeeded, and nothing is left behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fproc.pipeline.plan import Plan
from fproc.run import attempt
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.spool import Spool
from fproc.watch.loop import Watcher
from tests.conftest import MEMORY
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, Crash, files, inputs, is_decided, look
from tests.support.spool.inline import watcher

NODES: list[dict[str, Any]] = [
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
        self.folder = tempfile.mkdtemp(prefix="fproc-spool-", dir=MEMORY if os.path.isdir(MEMORY) else None)
        self.dropped: list[tuple[str, str]] = []
        self.again: list[tuple[str, str]] = []
        self.held: list[tuple[BrokenDisk, Claim]] = []
        self.plan: Plan
        self.now = 1_000_000_000.0

    @initialize()
    def start(self) -> None:
        self.plan = plan_of(
            NODES,
            watch_dir=self.folder,
            intake={"ready": "rename", "order": "name"},
            retry={"max_attempts": 1},
            checkpoint={"seconds": 1e-9},
        )
        Spool(self.plan.config)

    def watcher(self, disk: Disk) -> Watcher:
        spool = Spool(self.plan.config, disk=disk, clock=lambda: self.now)
        return watcher(spool, self.plan)

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
        disk = BrokenDisk(calls)
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
    def another_instance_takes_a_file_and_is_slow(self, name: str) -> None:
        """It owns the file, and everyone else leaves it alone, until it finishes or dies."""
        disk = BrokenDisk(10**9)
        spool = Spool(self.plan.config, disk=disk, clock=lambda: self.now)
        taken = spool.claim(name) or spool.adopt(name)
        if isinstance(taken, Claim):
            self.held.append((disk, taken))

    @rule(calls=st.integers(0, 60))
    def it_goes_on_and_maybe_dies(self, calls: int) -> None:
        if self.held:
            disk, claim = self.held.pop(0)
            disk.calls_left = calls
            try:
                attempt.process_claim(claim, self.plan)
            except Crash:
                pass
            finally:
                disk.die()

    @rule(name=st.sampled_from(NAMES), archive=st.sampled_from(["processed", "failed"]))
    def someone_hands_an_archived_file_in_again(self, name: str, archive: str) -> None:
        self.move(name, archive, "unprocessed")

    @rule(name=st.sampled_from(NAMES))
    def someone_moves_a_file_into_underprocess_by_hand(self, name: str) -> None:
        if name not in [claim.name for _, claim in self.held]:
            self.move(name, "unprocessed", "underprocess")

    @rule(name=st.sampled_from(NAMES))
    def someone_removes_a_job_folder_before_anything_was_decided(self, name: str) -> None:
        folder = self.path(".fproc", "jobs", name)
        if not is_decided(self.path(), name):
            shutil.rmtree(folder, ignore_errors=True)

    def move(self, name: str, source: str, target: str) -> None:
        """What `mv -n` does; an archived file so becomes an input again."""
        here, there = self.path(source, name), self.path(target, name)
        if os.path.lexists(here) and not os.path.lexists(there):
            if source != "unprocessed":
                with open(here, encoding="utf-8") as file:
                    self.again.append((name, file.read()))
            os.rename(here, there)

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
        assert inputs(self.folder) == wanted
        whole = Counter[str]()
        for name, content in [*self.dropped, *self.again]:
            whole.update(text for _, text in expected_results(name, content) or ())
        seen = Counter(text for text in files(self.folder, "results").values() if text != "foreign")
        assert seen <= whole, f"partial or doubled: {seen - whole}"

    def teardown(self) -> None:
        try:
            if hasattr(self, "plan"):
                self.settle()
        finally:
            shutil.rmtree(self.folder)

    def settle(self) -> None:
        while self.held:
            self.it_goes_on_and_maybe_dies(10**9)
        for _ in range(len(self.dropped) + len(self.again) + 2):
            self.watcher(Disk(power=True)).turn()
        self.no_input_is_lost_and_no_partial_result_is_visible()
        seen = look(self.folder)
        assert seen["unprocessed"] == seen["underprocess"] == {}
        succeeded = [(name, text) for name, text in self.dropped if expected_results(name, text) is not None]
        assert Counter(seen["processed"].values()) == Counter(text for _, text in succeeded)
        results = Counter[str]()
        for name, content in [*succeeded, *self.again]:
            results.update(text for _, text in expected_results(name, content) or ())
        assert Counter(text for text in seen["results"].values() if text != "foreign") == results
        reports = [name for name in seen["failed"] if name.endswith(".error.json")]
        failed = [name for name in seen["failed"] if name not in reports]
        assert {f"{name}.error.json" for name in failed} <= set(reports)
        assert seen["litter"] == []


SpoolMachine.TestCase.settings = settings(stateful_step_count=25)
TestSpoolMachine = SpoolMachine.TestCase
