"""The inputs of the workload of records: a table as CSV and as JSON lines, an access log (fixed seeds)."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from bench.workloads import BYTES_PER_MB

COLUMNS = ("id", "name", "city", "price", "qty", "date", "status", "email", "note", "ok")

_VERSION = 1
_SEED = 20261127
_NAMES = ("bolt", "nut", "washer", "bolt, M8", 'plate 4" steel')
_CITIES = ("Berlin", "Paris", "Zürich", "New York")
_PATHS = ("/", "/login", "/cart", "/orders/17", "/api/items?id=3", "/static/app.js")
_STATUSES = ("200", "200", "200", "304", "404", "500")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def table_csv(folder: Path, size_mb: int) -> Path:
    """Return a table as CSV; a fifth of its cells with names is quoted."""

    def write(file: TextIO) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in _rows():
            writer.writerow(row)
            if file.tell() >= size_mb * BYTES_PER_MB:
                return

    return _made(folder / f"table-v{_VERSION}-{size_mb}mb.csv", write)


def table_json(folder: Path, size_mb: int) -> Path:
    """Return the same rows as JSON lines."""

    def write(file: TextIO) -> None:
        for row in _rows():
            file.write(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
            if file.tell() >= size_mb * BYTES_PER_MB:
                return

    return _made(folder / f"table-v{_VERSION}-{size_mb}mb.jsonl", write)


def access_log(folder: Path, size_mb: int) -> Path:
    """Return the access log of a web server, in the combined format."""

    def write(file: TextIO) -> None:
        rng = random.Random(_SEED)  # noqa: S311 - test data
        while file.tell() < size_mb * BYTES_PER_MB:
            client = f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)}"
            time = (
                f"{rng.randrange(1, 29):02}/Nov/2026:10:{rng.randrange(60):02}:{rng.randrange(60):02} +0100"
            )
            request, status = f"GET {rng.choice(_PATHS)} HTTP/1.1", rng.choice(_STATUSES)
            size = rng.randrange(100, 99_999)
            file.write(f'{client} - - [{time}] "{request}" {status} {size} "-" "{_AGENT}"\n')

    return _made(folder / f"access-v{_VERSION}-{size_mb}mb.log", write)


def _rows() -> Iterator[list[str]]:
    rng = random.Random(_SEED)  # noqa: S311 - test data
    number = 0
    while True:
        number += 1
        yield [
            str(number),
            rng.choice(_NAMES),
            rng.choice(_CITIES),
            f"{rng.random() * 1000:.2f}",
            str(rng.randrange(100)),
            f"2026-11-{rng.randrange(1, 29):02}",
            rng.choice(("open", "closed")),
            f"user{number}@example.com",
            f"some longer text of a note {number}",
            "yes",
        ]


def _made(path: Path, write: Callable[[TextIO], None]) -> Path:
    """Return an input, made if it is not there."""
    if not path.exists():
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            write(file)
        unfinished.rename(path)
    return path
