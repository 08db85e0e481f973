"""What a job tells of itself while it runs: each of its steps, and each thing that it gets done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fproc.process.mark import NONE, CurrentTask, Doing
from fproc.run.attempt import RunContext
from fproc.spool.spool import Spool
from fproc.watch.workers.messages import Task, Why
from fproc.watch.workers.worker import perform_all
from tests.support.helpers import plan_of, user


class Listening(CurrentTask):
    """A mark that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.told: list[tuple[Doing, int, int]] = []
        self.beats = 0

    def note(self, doing: Doing, first: int = 0, size: int = 0) -> None:
        super().note(doing, first, size)
        self.told.append((doing, first, size))

    def beat(self) -> None:
        super().beat()
        self.beats += 1


@pytest.fixture
def mark() -> Iterator[Listening]:
    mark = Listening()
    yield mark
    mark.close()


def perform(folder: Path, mark: CurrentTask, files: dict[str, str], **config: Any) -> None:
    nodes = config.pop("nodes", [{"tag": "start", "type": "trim", "next": "end"}])
    plan = plan_of(nodes, watch_dir=str(folder / "w"), intake={"ready": "rename"}, **config)
    spool = Spool(plan.config)
    for name, text in files.items():
        Path(spool.folders.unprocessed, name).write_text(text)
    tasks = [Task(name, Why.NEW) for name in files]
    perform_all(spool, plan, tasks, RunContext(mark=mark), mark.begin)


READ = (Doing.READING, 0, 0)


def test_each_step_of_a_file_is_told(tmp_path: Path, mark: Listening) -> None:
    perform(tmp_path, mark, {"x.log": "a\nb\nc\n"})
    assert mark.told == [
        (Doing.TAKING_UP, 0, 0),
        READ,
        (Doing.STARTING, 0, 0),
        (Doing.FEEDING, 1, 3),
        READ,
        (Doing.ENDING, 0, 0),
        (Doing.TAKING_UP, 0, 0),
        (Doing.COMMITTING, 0, 0),
    ]
    assert mark.get() == NONE


def test_a_checkpoint_is_told(tmp_path: Path, mark: Listening) -> None:
    nodes = [{"tag": "start", "type": user("twice"), "next": "end"}]
    perform(tmp_path, mark, {"x.log": "a\nb\n"}, checkpoint={"seconds": 1e-9}, nodes=nodes)
    assert mark.told[3:7] == [(Doing.FEEDING, 1, 1), READ, (Doing.KEEPING, 0, 0), (Doing.FEEDING, 2, 1)]


def test_each_read_is_a_step_ahead(tmp_path: Path, mark: Listening) -> None:
    perform(tmp_path, mark, {"x.log": "x" * 10**6}, limits={"max_line_bytes": 10}, on_error="skip")
    assert mark.beats > 10**6 / 65536


class Holds:
    """A processor that gives all lines at the end."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def process(self, line: str) -> None:
        self.lines.append(line)

    def finish(self) -> Iterator[str]:
        yield from self.lines


def test_each_record_that_is_left_at_the_end_is_a_step_ahead(tmp_path: Path, mark: Listening) -> None:
    nodes = [{"tag": "start", "type": f"{__name__}.Holds", "next": "end"}]
    perform(tmp_path, mark, {"x.log": "a\n" * 200}, nodes=nodes)
    assert mark.beats > 200
