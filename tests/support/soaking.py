"""Files of every kind that land for a long time, and what must come of each of them.

Each input has a number of its own, and each of its lines begins with it. So what was lost, or came twice, is
seen in the result that they all append to, whatever was archived, rotated and removed meanwhile.
"""

from __future__ import annotations

import gzip
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from pathlib import Path
from typing import BinaryIO

from tests.support.programs.running import DEADLINE_SECONDS

PROCESSOR = """
import os
import fproc

HERE = os.path.dirname(os.path.abspath(__file__))

def step(line):
    number, _, what = line.partition(" ")
    if what == "reject":
        raise fproc.Reject("not wanted")
    if what == "bad":
        raise ValueError("cannot digest it")
    if what == "retry":
        try:
            os.close(os.open(os.path.join(HERE, "tried", number), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return line
        raise fproc.Retry("another time")
    return line
"""

BIG_LINES = 60_000


class Arrivals:
    """Drops inputs into a watched folder, one after the other, and knows what must come of them.

    `lines` has, for each input that must succeed, how many of its lines reach the result; `failing` has those
    that must fail.
    """

    def __init__(self, watched: Path, seed: int) -> None:
        self._unprocessed = watched / "unprocessed"
        self._random = random.Random(seed)
        self._slow: list[tuple[BinaryIO, int]] = []
        self._kinds: list[Callable[[int], None]] = [
            *[self._renamed] * 12,
            *[self._of_one_name] * 3,
            *[self._with_rejects] * 3,
            *[self._retried] * 2,
            *[self._slowly] * 2,
            *[self._compressed] * 2,
            self._failing,
            self._binary,
            self._empty,
            self._big,
        ]
        self.count = 0
        self.lines: dict[int, int] = {}
        self.failing: set[int] = set()

    def land(self) -> None:
        """Drop one input of some kind, or go on with one that comes slowly."""
        if self._slow and self._random.random() < 0.3:
            self._go_on(self._random.randrange(len(self._slow)))
            return
        self.count += 1
        self._random.choice(self._kinds)(self.count)

    def upload(self, url: str) -> bool:
        """Upload one input; return False if it is refused, as while intake is paused."""
        self.count += 1
        number = self.count
        connection = HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE_SECONDS)
        try:
            connection.request("PUT", f"/upload/{number}.up", body=self._text(number, 5))
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status in {201, 503}, text
        finally:
            connection.close()
        if answer.status == 201:
            self.lines[number] = 5
        return answer.status == 201

    def finish(self) -> None:
        """Complete what comes slowly."""
        while self._slow:
            self._go_on(0)

    def _text(self, number: int, count: int) -> bytes:
        return b"".join(b"%d %d\n" % (number, line) for line in range(count))

    def _put(self, name: str, data: bytes) -> None:
        hidden = self._unprocessed / f".{name}"
        hidden.write_bytes(data)
        hidden.rename(self._unprocessed / name)

    def _renamed(self, number: int) -> None:
        self.lines[number] = count = self._random.randrange(1, 50)
        self._put(f"{number}.log", self._text(number, count))

    def _of_one_name(self, number: int) -> None:
        if os.path.lexists(self._unprocessed / "same.log"):
            self._renamed(number)
            return
        self.lines[number] = 3
        self._put("same.log", self._text(number, 3))

    def _with_rejects(self, number: int) -> None:
        self.lines[number] = 2
        self._put(f"{number}.rej", b"%d 0\n%d reject\n%d 1\n" % (number, number, number))

    def _retried(self, number: int) -> None:
        self.lines[number] = 2
        self._put(f"{number}.again", b"%d 0\n%d retry\n" % (number, number))

    def _slowly(self, number: int) -> None:
        file = open(self._unprocessed / f"{number}.slow", "wb", buffering=0)  # noqa: SIM115 - comes slowly
        file.write(b"%d 0\n%d" % (number, number))
        self.lines[number] = 2
        self._slow.append((file, number))

    def _go_on(self, index: int) -> None:
        file, _ = self._slow.pop(index)
        with file:
            file.write(b" 1\n")

    def _compressed(self, number: int) -> None:
        self.lines[number] = 20
        self._put(f"{number}.log.gz", gzip.compress(self._text(number, 20)))

    def _failing(self, number: int) -> None:
        self.failing.add(number)
        self._put(f"{number}.bad", self._text(number, 2) + b"%d bad\n" % number)

    def _binary(self, number: int) -> None:
        self.failing.add(number)
        self._put(f"{number}.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")

    def _empty(self, number: int) -> None:
        self._put(f"{number}.empty", b"")

    def _big(self, number: int) -> None:
        if self._random.random() < 0.3:
            self.lines[number] = BIG_LINES
            self._put(f"{number}.big", self._text(number, BIG_LINES))
        else:
            self._renamed(number)


def counted_lines(paths: Iterable[Path]) -> dict[int, int]:
    """Return how many lines of each input are in results that were appended to; each but once, none torn."""
    seen: dict[int, set[bytes]] = defaultdict(set)
    for path in sorted(paths):
        for line in path.read_bytes().splitlines():
            number, space, rest = line.partition(b" ")
            assert space, (path, line)
            assert rest not in seen[int(number)], f"{line!r} of {path} is there twice"
            seen[int(number)].add(rest)
    return {number: len(lines) for number, lines in seen.items()}
