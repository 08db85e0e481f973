"""W2 by the calls that fproc's protocol cannot do without, and nothing else.

`bare_loop.py WATCH_DIR process|power INDEX COUNT`: this is process INDEX of COUNT that share the files. The
result is the input, copied: no line is looked at. There is no recovery, no history and no check, and a file
is taken as soon as it is there. What is left is in docs/SPOOL.md; with `power`, each file and folder is made
durable where that page says so, with 11 fsyncs a file.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
import zlib

WAIT_SECONDS = 0.001
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Loop:
    """The folders, and the steps of a file."""

    def __init__(self, watch_dir: str, *, power: bool) -> None:
        os.chdir(watch_dir)
        self.power = power
        names = ("unprocessed", "underprocess", "processed", "results", "stage", "jobs")
        for name in names:
            os.makedirs(name, exist_ok=True)
        self.folders = {name: os.open(name, _FOLDER) for name in names}

    def sync(self, *names: str) -> None:
        """Make the names in folders durable."""
        if self.power:
            for name in names:
                os.fsync(self.folders[name])

    def create(self, path: str, data: bytes) -> None:
        """Make a file, and make its contents durable."""
        file = os.open(path, _NEW)
        os.write(file, data)
        if self.power:
            os.fsync(file)
        os.close(file)

    def process(self, name: str) -> None:
        """Move one file from `unprocessed/` to `processed/`."""
        job, part = f"jobs/{name}", f"stage/{name}"
        os.mkdir(job)
        lock = os.open(job, _FOLDER)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(f"unprocessed/{name}", f"underprocess/{name}")
        self.sync("underprocess", "unprocessed")
        file = os.open(f"underprocess/{name}", os.O_RDONLY)
        data = os.read(file, 1 << 20)
        os.close(file)
        self.create(part, data)
        self.sync("stage", "jobs")
        self.create(f"{job}/commit.json.new", b'{"result": "' + os.fsencode(name) + b'"}')
        os.rename(f"{job}/commit.json.new", f"{job}/commit.json")
        if self.power:
            os.fsync(lock)
        os.rename(part, f"results/{name}")
        self.sync("results")
        os.rename(f"underprocess/{name}", f"processed/{name}")
        self.sync("processed", "underprocess")
        os.unlink(f"{job}/commit.json")
        if self.power:
            os.fsync(lock)
        os.rmdir(job)
        os.close(lock)


def main() -> None:
    watch_dir, durability, index, count = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    loop = Loop(watch_dir, power=durability == "power")
    while True:
        names = os.listdir("unprocessed")
        mine = [name for name in names if zlib.crc32(os.fsencode(name)) % int(count) == int(index)]
        for name in mine:
            loop.process(name)
        if not mine:
            time.sleep(WAIT_SECONDS)


if __name__ == "__main__":
    main()
