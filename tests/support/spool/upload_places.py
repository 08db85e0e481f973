"""A spool that files are uploaded to, and what is uploaded."""

from __future__ import annotations

from pathlib import Path

from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import Upload, UploadArea, Uploaded
from fproc.spool.locks.leases import LEASE_SECONDS
from fproc.spool.spool import Spool
from tests.support.spool.crashes import files
from tests.support.spool.inline import watcher
from tests.support.spool.places import planned

NODES = [{"tag": "start", "type": "uppercase", "next": "end"}]


READY = ("rename", "marker")


LONGEST = "n" * 251 + ".log"


class Place:
    """A spool into which files are uploaded."""

    def __init__(self, folder: Path, ready: str = "rename", ignore: tuple[str, ...] = ()) -> None:
        self.folder = folder
        intake = {"ready": ready, "ignore": [*ignore]}
        self.plan = planned(NODES, str(folder), intake=intake, durability="power")
        self.config = self.plan.config
        self.spool = Spool(self.config)

    def arrivals(self, disk: Disk | None = None) -> UploadArea:
        return UploadArea(self.config, disk)

    def upload(self, *contents: tuple[str, str], disk: Disk | None = None) -> list[Uploaded]:
        with self.arrivals(disk).begin() as arrival:
            grow(arrival, *contents)
            return arrival.publish()

    def drop(self, name: str, text: str = "foreign\n") -> None:
        (self.folder / "unprocessed" / name).write_text(text)

    def waiting(self) -> dict[str, str]:
        return files(str(self.folder / "unprocessed"))

    def uploads(self) -> list[str]:
        """All that lies in the private folders."""
        found = sorted((self.folder / ".fproc/uploads").rglob("*"))
        return [str(path.relative_to(self.folder / ".fproc/uploads")) for path in found]

    def sweep(self, disk: Disk | None = None) -> None:
        """Sweep twice, so that a lease that says nothing is seen to be over."""
        now = 0.0
        arrivals = UploadArea(self.config, disk, monotonic=lambda: now)
        for _ in range(2):
            arrivals.sweep()
            now += LEASE_SECONDS

    def work(self) -> None:
        watcher(Spool(self.config), self.plan).drain()


def grow(arrival: Upload, *contents: tuple[str, str]) -> None:
    for name, text in contents:
        file = arrival.create(name)
        for character in text:
            file.write(character.encode())
        file.close()
