"""The inputs: a big log and small files, the same bytes each time (fixed seeds)."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

BYTES_PER_MB = 1_000_000
SMALL_LINES = 20
"""Lines of a small file."""

_VERSION = 1
"""The version in the big log's name: a log that an earlier form of this module made is not used."""

_SEED = 20261122
_BEGIN = datetime(2026, 11, 22, 10, tzinfo=timezone.utc)
_TAILS = 50_000
_LINES_PER_SECOND = 1000
"""Of the time in the lines: one line each millisecond."""

_LEVELS = {"INFO": 80, "WARN": 15, "ERROR": 5}
_STATUSES = {"INFO": ("200", "200", "201", "204", "304"), "WARN": ("404", "429"), "ERROR": ("500", "503")}
_USERS = ("alice", "bob", "carol", "dave", "eve", "mallory", "peggy", "trent", "walter", "zoe")
_PATHS = ("/x", "/", "/login", "/cart", "/orders", "/orders/17", "/api/items", "/static/app.js", "/search")
_HEALTH = "/healthz"


def big_log(folder: Path, size_mb: int) -> Path:
    """Return the log of W1, at least `size_mb` megabytes of whole lines; made if it is not there."""
    path = folder / f"w1-v{_VERSION}-{size_mb}mb.log"
    if path.exists():
        return path
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    size_bytes = 0
    with unfinished.open("wb") as file:
        for block in _blocks():
            size_bytes += file.write(block.encode("ascii"))
            if size_bytes >= size_mb * BYTES_PER_MB:
                break
    unfinished.rename(path)
    return path


def gzipped(path: Path) -> Path:
    """Return a file's compressed form, as gzip makes it; made if it is not there."""
    packed = path.with_name(f"{path.name}.gz")
    if not packed.exists():
        unfinished = packed.with_suffix(f".{os.getpid()}.tmp")
        with path.open("rb") as source, gzip.open(unfinished, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        unfinished.rename(packed)
    return packed


def small_files(count: int) -> Iterator[tuple[str, bytes]]:
    """Return names and contents of small files."""
    lines = (line for block in _blocks() for line in block.splitlines(keepends=True))
    for number in range(count):
        yield f"f{number:06}.log", "".join(itertools.islice(lines, SMALL_LINES)).encode("ascii")


def small_result(data: bytes) -> bytes:
    """Return the result of `pipelines/small.json` for a small file: the oracle, which need not be fast."""
    kept = [line.split(" ", 3) for line in data.decode("ascii").splitlines() if "healthz" not in line]
    return "".join(f"[{level}] {service}: {rest}\n" for _, level, service, rest in kept).encode("ascii")


def _blocks() -> Iterator[str]:
    """Yield lines without end, a second of them at a time, each with its line ending."""
    rng = random.Random(_SEED)  # noqa: S311 - test data
    tails = [_tail(rng) for _ in range(_TAILS)]
    milliseconds = [f".{number:03}Z " for number in range(_LINES_PER_SECOND)]
    for second in itertools.count():
        stamp = (_BEGIN + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
        chosen = rng.choices(tails, k=_LINES_PER_SECOND)
        yield "".join([f"{stamp}{part}{tail}" for part, tail in zip(milliseconds, chosen, strict=True)])


def _tail(rng: random.Random) -> str:
    """Return a line without its time. A tenth of each level ask for /healthz; W1 drops only those of INFO."""
    (level,) = rng.choices([*_LEVELS], [*_LEVELS.values()])
    path = _HEALTH if rng.random() < 0.1 else rng.choice(_PATHS)  # noqa: PLR2004 - a tenth
    method = "GET" if path == _HEALTH else rng.choice(("GET", "GET", "GET", "POST"))
    service, request, user = rng.randrange(10, 60), rng.randrange(10_000, 1_000_000), rng.choice(_USERS)
    status, took = rng.choice(_STATUSES[level]), rng.randrange(1, 2000)
    return f'{level} svc-{service} req={request} user={user} "{method} {path}" {status} {took}ms\n'
