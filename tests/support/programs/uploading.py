"""Uploads as servers receive them: files of another user, written in pieces with stalls in between."""

from __future__ import annotations

import gzip
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONG_AGO = (1e9, 1e9)


@dataclass(slots=True)
class Upload:
    """One file, in two pieces with a stall between them.

    With `is_old`, its time is set back after each piece, as by clients that keep the source's. With `writers`
    of 2, a second one has it open from before the first ends, and writes the second piece. `begin` says how
    it comes into being: `here`, in the folder; `before`, before fproc runs; `moved`, elsewhere, and while it
    is open it is moved here.
    """

    name: str
    stall_seconds: float
    is_old: bool = False
    writers: int = 1
    begin: str = "here"
    _descriptors: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(f"{self.name} line {number}\n" for number in range(200))

    @property
    def data(self) -> bytes:
        plain = self.text.encode()
        return gzip.compress(plain, mtime=0) if self.name.endswith(".gz") else plain

    def open(self, folder: Path, elsewhere: Path) -> None:
        """Begin, and write the first piece."""
        path = (elsewhere if self.begin == "moved" else folder) / self.name
        self._descriptors.append(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644))
        self._write(self.data[: len(self.data) // 2], path)
        if self.begin == "moved":
            os.rename(path, folder / self.name)
        if self.writers > 1:
            self._descriptors.append(os.open(folder / self.name, os.O_WRONLY | os.O_APPEND))
            os.close(self._descriptors.pop(0))

    def end(self, folder: Path) -> None:
        """Stall, write the second piece, and close it."""
        time.sleep(self.stall_seconds)
        self._write(self.data[len(self.data) // 2 :], folder / self.name)
        os.close(self._descriptors.pop())

    def _write(self, piece: bytes, path: Path) -> None:
        os.write(self._descriptors[-1], piece)
        if self.is_old and path.exists():
            os.utime(path, LONG_AGO)


def upload_all(uploads: list[Upload], spool: Path, elsewhere: Path, start: Any, *, at_a_time: int) -> None:
    """Make uploads, `at_a_time` side by side; call `start()` once those that begin before are there."""
    unprocessed = spool / "unprocessed"
    early = [upload for upload in uploads if upload.begin == "before"]
    later = [upload for upload in uploads if upload.begin != "before"]
    for upload in early:
        upload.open(unprocessed, elsewhere)
    threads = [threading.Thread(target=upload.end, args=(unprocessed,)) for upload in early]
    start()
    gate = threading.Semaphore(at_a_time)

    def make(upload: Upload) -> None:
        with gate:
            upload.open(unprocessed, elsewhere)
            upload.end(unprocessed)

    threads += [threading.Thread(target=make, args=(upload,)) for upload in later]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def said_or_whole(upload: Upload, spool: Path) -> str:
    """Return how an upload ended: `whole`, `said` (it failed, with a report), `waits`, or `partial`."""
    if (spool / "failed" / f"{upload.name}.error.json").exists():
        return "said"
    if not (spool / "processed" / upload.name).exists():
        return "waits"
    result = spool / "results" / upload.name.removesuffix(".gz")
    return "whole" if result.exists() and result.read_text() == upload.text else "partial"
