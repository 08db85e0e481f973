"""A result that inputs share, in a folder of its own: who appends, who dies meanwhile, who rotates it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders, prepare, stage_of
from fproc.spool.locks.locks import Locks
from fproc.spool.output.appends import Appender
from fproc.spool.output.intents import AppendedPart

RESULT = "all.log"


class Shelf:
    """The folders of a spool, with parts of results that are ready to be appended."""

    def __init__(self, folder: Path) -> None:
        self.folders = Folders(str(folder), str(folder / "results"))
        disk = Disk(power=False)
        os.makedirs(folder)
        self.stage = stage_of(self.folders, prepare(self.folders, disk))
        self._made = 0

    @property
    def result(self) -> Path:
        return Path(self.folders.results, RESULT)

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
        return Appender(disk, self.folders, self.stage, lambda: locks, **options)

    def litter(self) -> list[str]:
        """What is left of appending when all is done."""
        folders = (self.stage, self.folders.appends, self.folders.jobs)
        return [name for folder in folders for name in os.listdir(folder)]


class MeddledDisk(Disk):
    """Has others do something before, or after, the nth call of one kind."""

    def __init__(self, call: str, do: Callable[[], None], *, times: int = 1, after: bool = False) -> None:
        super().__init__(power=False)
        self._call = call
        self._do = do
        self._times = times
        self._after = after

    def __getattribute__(self, name: str) -> Any:
        given = super().__getattribute__(name)
        if name.startswith("_") or name != self._call or not self._times:
            return given

        def call(*arguments: Any) -> Any:
            is_time, self._times = self._times > 0, max(0, self._times - 1)
            if is_time and not self._after:
                self._do()
            returned = given(*arguments)
            if is_time and self._after:
                self._do()
            return returned

        return call
