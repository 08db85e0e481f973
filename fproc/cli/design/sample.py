"""`--sample`: files to try a pipeline on, in several shapes, the same ones each time for one seed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator

from fproc.base.errors import UsageError, reason_of
from fproc.base.text import shown
from fproc.spool.output.direct import publish_text

FIRST = "start:ERROR: Something bad happened\nstart:INFO: All good\nstart:WARNING: Potential issue\n"
"""The contents of `sample.txt`, the first log, for every seed."""

SEED = "1"
"""The seed if none is given."""

FEWEST_LINES = 20
MOST_LINES = 60

_LEVELS = ("INFO",) * 12 + ("WARNING",) * 3 + ("ERROR",) * 2 + ("DEBUG",)
_USERS = ("alice", "bob", "chloe", "dmitri", "esra", "françois")
_SERVICES = ("auth", "billing", "cart", "search")
_ITEMS = ("bolt M8", "hinge, left", 'pipe 3/4"', "paint\nwhite", "saw", "nails (100)")
_PATHS = ("/", "/login", "/orders", "/orders/{number}", "/search?q=saw")
_MESSAGES = (
    "request {number} took {small} ms",
    "user {user} logged in from 192.0.2.{small}",
    "user {user} has had {small} failed logins",
    "disk /dev/sda1 is {small}% full",
    "{service}: connection to 198.51.100.{small} lost, retry in {small} s",
    "{service}: order {number} is paid",
    "cannot read /srv/data/{number}.csv: Permission denied",
)


def write_samples(count: int, folder: str, shape: str = "logs", seed: str = SEED) -> list[str]:
    """Write `count` files into a folder, created if it is missing, and return their paths.

    The first is `sample` with the ending of its shape, the others `sample-2` and so on. Files of these names
    are replaced, each atomically, so the folder may be one that is watched.

    Args:
        count: how many files.
        folder: where they go.
        shape: a name in `SHAPES`.
        seed: any text; the same text gives the same files.

    Raises:
        UsageError: the folder cannot be written to.
    """
    suffix, lines = SHAPES[shape]
    paths = []
    try:
        os.makedirs(folder, exist_ok=True)
        for number in range(1, count + 1):
            name = f"sample{suffix}" if number == 1 else f"sample-{number}{suffix}"
            chance = random.Random(f"{shape} {seed} {number}")  # noqa: S311 - sample data, the same every time
            text = FIRST if name == "sample.txt" else "".join(f"{line}\n" for line in lines(chance))
            publish_text(folder, name, text)
            paths.append(os.path.join(folder, name))
    except OSError as error:
        raise UsageError(f"--output {shown(folder)}: {reason_of(error)}") from error
    return paths


def _logs(chance: random.Random) -> Iterator[str]:
    for _ in _rows(chance):
        values = {"user": chance.choice(_USERS), "service": chance.choice(_SERVICES)}
        number, small = chance.randrange(1000, 10_000), chance.randrange(1, 100)
        message = chance.choice(_MESSAGES).format(number=number, small=small, **values)
        yield f"start:{chance.choice(_LEVELS)}: {message}"


def _csv(chance: random.Random) -> Iterator[str]:
    yield "order,ordered_at,customer,item,quantity,price"
    first = chance.randrange(1000, 10_000)
    for row, at in enumerate(_times(chance)):
        item, quantity = _quoted(chance.choice(_ITEMS)), chance.randrange(1, 12)
        yield f"{first + row},{at},{chance.choice(_USERS)},{item},{quantity},{_amount(chance)}"


def _json_lines(chance: random.Random) -> Iterator[str]:
    for at in _times(chance):
        request = {
            "method": chance.choice(("GET", "GET", "GET", "POST")),
            "path": chance.choice(_PATHS).format(number=chance.randrange(1000, 10_000)),
            "status": chance.choice((200,) * 9 + (302, 404, 500)),
            "ms": chance.randrange(5, 2000) / 10,
        }
        event = {
            "time": at,
            "level": chance.choice(_LEVELS),
            "service": chance.choice(_SERVICES),
            "user": chance.choice((*_USERS, None)),
            "request": request,
        }
        yield json.dumps(event, ensure_ascii=False)


def _batch(chance: random.Random) -> Iterator[str]:
    """Yield payments between a header and a trailer, which has their number and their sum."""
    yield f"H|PAYMENTS|2026-01-05|{chance.randrange(1, 1000):04d}"
    cents = []
    for row in _rows(chance):
        cents.append(chance.randrange(100, 100_000))
        account = f"{chance.randrange(10**9):010d}"
        yield f"D|{row + 1:06d}|{account}|{_euros(cents[-1])}|{chance.choice(_USERS)}"
    yield f"T|{len(cents):06d}|{_euros(sum(cents))}"


SHAPES: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    "logs": (".txt", _logs),
    "csv": (".csv", _csv),
    "jsonl": (".jsonl", _json_lines),
    "batch": (".batch", _batch),
}
"""The shapes of files by name: how their names end, and what makes their lines."""


def _rows(chance: random.Random) -> range:
    return range(chance.randint(FEWEST_LINES, MOST_LINES))


def _times(chance: random.Random) -> Iterator[str]:
    """Yield times of one morning, in their order, one for each row."""
    second = chance.randrange(3600)
    for _ in _rows(chance):
        second += chance.randrange(1, 180)
        yield f"2026-01-05T{8 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def _amount(chance: random.Random) -> str:
    return _euros(chance.randrange(50, 20_000))


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
