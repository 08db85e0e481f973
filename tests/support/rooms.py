"""A spool, its history and its traces, and what the dashboard lists of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fproc.base.times import rfc3339
from fproc.config.retention import Retention
from fproc.pipeline.plan import Plan
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.outcome import FileEvent
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.folder_watch import COARSE_SECONDS
from fproc.spool.spool import Spool
from fproc.telemetry.history.history import History
from fproc.telemetry.traces import Traces
from fproc.web.api.queries import Queries
from tests.support.helpers import plan_of, user

NODES = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]


STRANGE = os.fsdecode(b"caf\xe9\xff\n.log")


LATER_SECONDS = COARSE_SECONDS + 1


def refuse(path: str) -> str:
    raise OSError(13, "not in this test", path)


def history_in(folder: Path) -> History:
    """A history that forgets nothing."""
    return History(str(folder / "history.db"), retention=Retention(history_days=None), set_aside=refuse)


class Room:
    """A spool, its history, and the lists of it.

    The clock, which a test may replace, is `later` seconds ahead; the others stand where they are put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {"intake": {"ready": "rename"}}
        self.plan = self.a_plan()
        self.spool = Spool(self.plan.config, disk=Disk(power=False))
        self.folders = self.spool.folders
        self.time: Callable[[], float] = time.time
        self.later = 0.0
        self.monotonic = 100.0
        self.thread_time = 1.0
        self.history: History | None = history_in(folder)
        self.traces = Traces()
        self.working: list[dict[str, Any]] = []
        self.listing = self.a_listing()

    def a_plan(self) -> Plan:
        keys = {"watch_dir": str(self.folder / "w"), "durability": "process"}
        return plan_of(NODES, **keys, **self.config)

    def a_listing(self) -> Queries:
        return Queries(
            self.a_plan().config,
            self.history,
            lambda: self.working,
            self.traces,
            lambda: self.time() + self.later,
            monotonic=lambda: self.monotonic,
            thread_time=lambda: self.thread_time,
        )

    def put(self, folder: str, *names: str, text: str = "a\n") -> None:
        """Files in a folder, that came there one after the other."""
        for name in names:
            path = self.folder / "w" / folder / name
            path.write_text(text)
            if self.came_at(path) <= self.last_at:
                wait_for_tick(path, self.last_at)
            self.last_at = self.came_at(path)

    last_at = 0

    @staticmethod
    def came_at(path: Path) -> int:
        return path.lstat().st_ctime_ns

    def process(self, name: str, *lines: str) -> None:
        """Take a file through the whole of it, and write that down."""
        (self.folder / "w" / "unprocessed" / name).write_text("".join(f"{line}\n" for line in lines))
        claim = self.spool.claim(name)
        assert claim is not None
        outcome = attempt.process_claim(claim, self.plan, RunContext())
        kind = {Verdict.COMMIT: "processed", Verdict.FAIL: "failed"}[outcome.verdict]
        self.record(
            FileEvent(
                outcome.event.job, name, kind, time.time(), outcome.event.attempt, outcome.event.seconds,
                outcome.figures.lines_in, results=outcome.event.results, error=outcome.event.error,
                rejected=outcome.event.rejected, skipped=outcome.event.skipped,
            )
        )  # fmt: skip
        ended = rfc3339(time.time())
        while rfc3339(time.time()) == ended:  # reports tell milliseconds
            pass

    def record(self, *events: FileEvent) -> None:
        assert self.history is not None
        self.history.record(events)

    def files(
        self, state: str = "", query: str = "", limit: int = 50, after: str = "", sort: str = ""
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.whole(state, query, limit, after, sort)["recent"]
        return found

    def whole(
        self, state: str = "", query: str = "", limit: int = 50, after: str = "", sort: str = ""
    ) -> dict[str, Any]:
        answer = self.listing.files(state=state, query=query, limit=limit, after=after, sort=sort)
        decoded: dict[str, Any] = json.loads(json.dumps(answer))
        assert decoded == answer  # nothing is lost or changed in JSON
        return answer

    def names(self, *asked: Any, **more: Any) -> list[str]:
        return [row["file"] for row in self.files(*asked, **more)]

    def pages(self, state: str, limit: int, query: str = "", sort: str = "") -> list[list[str]]:
        """All pages of a list."""
        found, after = [], ""
        while True:
            answer = self.whole(state, query, limit, after, sort)
            found.append([row["file"] for row in answer["recent"]])
            after = answer["after"]
            if after is None:
                return found


def wait_for_tick(path: Path, last_at: int) -> None:
    """Change a file until the filesystem's clock has moved on."""
    while path.lstat().st_ctime_ns <= last_at:
        path.touch()


def counts(**found: int) -> dict[str, int]:
    return {"unprocessed": 0, "underprocess": 0, "processed": 0, "failed": 0, **found}
