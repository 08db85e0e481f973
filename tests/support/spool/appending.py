"""A result that inputs share, in a folder of its own: who appends, who dies meanwhile, who rotates it."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk.disk import Disk
from fproc.spool.job.decision import (
    CommitRecord,
    FileStamp,
    Publication,
    appended_text,
    as_json,
    record_version,
)
from fproc.spool.layout import Folders, prepare, stage_of
from fproc.spool.locks.locks import Locks
from fproc.spool.output.appends import Appender
from fproc.spool.output.entries import AppendedPart, AppendedText, Entry
from tests.support.spool.crashes import BrokenDisk, Crash

RESULT = "all.log"


class Shelf:
    """The folders of a spool, with entries that are ready to be appended.

    Args:
        folder: it is made.
        kind: what `entry` makes, "part" or "text".
    """

    def __init__(self, folder: Path, kind: str = "part") -> None:
        self.kind = kind
        self.folders = Folders(str(folder), str(folder / "results"))
        disk = Disk(power=False)
        os.makedirs(folder)
        self.stage = stage_of(self.folders, prepare(self.folders, disk))
        self._made = 0

    @property
    def result(self) -> Path:
        return Path(self.folders.results, RESULT)

    def entry(self, text: str) -> Entry:
        """An entry of the shelf's kind."""
        return self.part(text) if self.kind == "part" else self.text(text)

    def text(self, text: str) -> AppendedText:
        """Text in a commit record."""
        self._made += 1
        name, job, data = f"in-{self._made}.log", f"job-{self._made}", text.encode()
        move = Publication("", "results", RESULT, size_bytes=len(data), appends=True, text=text)
        archive = Publication(f"underprocess/{name}", "processed", name)
        commit_record = CommitRecord(FileStamp(1, 1, 1), (move,), archive, job)
        value = {"version": record_version(commit_record), "decisions": {name: as_json(commit_record)}}
        self.record(name).write_text(json.dumps(value))
        return AppendedText(name, job, len(data), data)

    def record(self, name: str) -> Path:
        """The path of a commit record."""
        return Path(self.folders.commits, name)

    def part(self, text: str | bytes) -> AppendedPart:
        """A part that holds this."""
        data = text.encode() if isinstance(text, str) else text
        self._made += 1
        path = Path(self.stage, f"part-{self._made}")
        path.write_bytes(data)
        return AppendedPart(str(path), len(data))

    def appender(self, disk: Disk | None = None, **options: Any) -> Appender:
        disk = disk or Disk(power=True)
        locks = Locks(self.folders, disk)
        return Appender(disk, self.folders, self.stage, lambda: locks, appended_text, **options)

    def litter(self) -> list[str]:
        """What is left of appending when all is done, and the jobs of what was appended have ended."""
        if self.kind == "text":
            for name in os.listdir(self.folders.commits):
                self.record(name).unlink()
            self.appender().recover()
        folders = (self.stage, self.folders.appends, self.folders.jobs)
        return [name for folder in folders for name in os.listdir(folder)]


class MeddledDisk(Disk):
    """Has others do something before, or after, the nth call of one kind."""

    def __init__(self, call: str, do: Callable[[], None], *, nth: int = 1, after: bool = False) -> None:
        super().__init__(power=False)
        self._call = call
        self._do = do
        self._left = nth
        self._after = after

    def __getattribute__(self, name: str) -> Any:
        given = super().__getattribute__(name)
        if name.startswith("_") or name != self._call or not self._left:
            return given

        def call(*arguments: Any) -> Any:
            is_time, self._left = self._left == 1, max(0, self._left - 1)
            if is_time and not self._after:
                self._do()
            returned = given(*arguments)
            if is_time and self._after:
                self._do()
            return returned

        return call


def shelves(memory_path: Path, kind: str, text: str | None) -> Iterator[tuple[int, Shelf]]:
    """A shelf for each point, whose result holds some text, or is not there."""
    for point in itertools.count():
        shelf = Shelf(memory_path / str(point), kind)
        if text is not None:
            shelf.result.write_text(text)
        yield point, shelf


def crashed_appends(
    memory_path: Path, kind: str, before: str | None
) -> Iterator[tuple[int, Shelf, list[Entry]]]:
    """A shelf for each call before which the appending of two parts may crash, and those parts."""
    for point, shelf in shelves(memory_path, kind, before):
        parts, disk = [shelf.entry("one\n"), shelf.entry("two\n")], BrokenDisk(point)
        try:
            shelf.appender(disk).append(RESULT, parts)
        except Crash:
            disk.die()
        else:
            return
        yield point, shelf, parts


def die_before_fsync(shelf: Shelf, parts: Sequence[Entry]) -> None:
    """Append parts, and die when all is written, before that is made durable."""

    class Dying(Disk):
        def sync(self, descriptor: int) -> None:
            if os.readlink(f"/proc/self/fd/{descriptor}").endswith(RESULT):
                raise Crash
            super().sync(descriptor)

    with pytest.raises(Crash):
        shelf.appender(Dying(power=True)).append(RESULT, parts)
