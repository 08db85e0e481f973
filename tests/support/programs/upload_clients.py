"""A running fproc that files are uploaded to, and what stays of that."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.programs.running import Watching
from tests.support.programs.talking import (
    FORM,
    Answer,
    only,
    request,
    say,
    sockets_of,
)

PATIENT = {"ready": "stable", "settle_seconds": 3600, "poll_seconds": 0.05}
"""Intake that takes nothing, so what was uploaded stays in sight."""


MEGABYTE = 10**6


MOST_BYTES = MEGABYTE


class Place:
    """A running instance that leaves uploads where they arrive, and whose folders a test looks over."""

    def __init__(self, running: Watching, around: Path) -> None:
        self.running = running
        self._around = around

    def waiting(self) -> dict[str, bytes]:
        """What lies in `unprocessed/`."""
        return {path.name: path.read_bytes() for path in (self.running.spool / "unprocessed").iterdir()}

    def clear(self) -> None:
        for path in (self.running.spool / "unprocessed").iterdir():
            path.unlink()

    def unfinished(self) -> list[Path]:
        """Files and folders of uploads that are under way, or were left behind."""
        return list((self.running.spool / ".fproc/uploads").glob("*"))

    def sockets(self) -> int:
        """How many sockets the instance has open."""
        return len(sockets_of(self.running.process.pid))

    def others(self) -> list[str]:
        """All that there is, also around the spool, but for inputs, the books, and what counts."""
        found = {str(path.relative_to(self._around)) for path in self._around.rglob("*")}
        return sorted(
            re.sub(r"(/\.fproc/lockers/.*/count)-\d+$", r"\1", path)
            for path in found
            if "/unprocessed/" not in path and "/.fproc/history.db" not in path
        )

    def put(self, name: str | bytes, data: bytes, **headers: str | None) -> Answer:
        """Upload one file; the name is written into the path as it is."""
        where = b"/upload/" + (name if isinstance(name, bytes) else name.encode())
        return only(say(self.running, request("PUT", where, data, headers)))

    def post(self, body: bytes, content_type: str = FORM, **headers: str | None) -> Answer:
        """Upload a form."""
        return only(
            say(self.running, request("POST", "/upload", body, {"Content-Type": content_type, **headers}))
        )
