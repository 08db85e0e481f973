"""A spool of several inputs that are done together, and disks that refuse what they share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fproc.pipeline.plan import Plan
from fproc.run.attempt import RunContext
from fproc.spool.disk.disk import Disk
from fproc.spool.spool import Spool
from fproc.watch.workers.messages import Task, Why
from fproc.watch.workers.worker import perform_all
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import look

NAMES = ["a.log", "b.log", "c.log"]


class RefusingDisk(Disk):
    """Refuses calls of one method about paths that have something in them."""

    def __init__(self) -> None:
        super().__init__(power=True)
        self.refused: tuple[str, str, int] | None = None
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        given = super().__getattribute__(name)
        if name.startswith("_") or name in {"power", "refused", "calls"}:
            return given

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if self.refused and self.refused[0] == name and self.refused[1] in str(arguments):
                raise OSError(self.refused[2], os.strerror(self.refused[2]))
            return given(*arguments)

        return call


class Place:
    def __init__(self, folder: Path, *, nodes: list[dict[str, Any]] | None = None, **config: Any) -> None:
        self.folder = folder
        nodes = nodes or [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]
        given = {"intake": {"ready": "rename"}, "retry": {"max_attempts": 1}, **config}
        self.plan: Plan = plan_of(nodes, watch_dir=str(folder), results_dir=str(folder / "results"), **given)
        self.disk = RefusingDisk()
        self.spool = Spool(self.plan.config, disk=self.disk)
        self.begun: list[int] = []

    def put(self, path: str, text: str = "x\n") -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def perform(self, *names: str, why: Why = Why.NEW) -> dict[str, Any]:
        tasks = [Task(name, why) for name in names]
        reports = perform_all(self.spool, self.plan, tasks, RunContext(), self.begun.append)
        assert [report.task for report in reports] == tasks
        return {report.task.name: report.value for report in reports}

    def verdicts(self, *names: str) -> dict[str, Any]:
        found = self.perform(*names)
        return {name: getattr(value, "verdict", value) for name, value in found.items()}

    @classmethod
    def with_inputs(cls, folder: Path) -> Place:
        place = cls(folder)
        for name in NAMES:
            place.put(f"unprocessed/{name}", name + "\n")
        return place

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))


def check_done(place: Place, *names: str) -> None:
    seen = place.look()
    expected = {name: name + "\n" for name in names}
    assert (seen["processed"], seen["results"]) == (expected, expected)
    assert (seen["unprocessed"], seen["underprocess"], seen["failed"], seen["litter"]) == ({}, {}, {}, [])
