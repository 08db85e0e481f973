"""`--sample`: log files to try a pipeline on, the same ones each time."""

from __future__ import annotations

import os
import random

from fproc.base.errors import UsageError, reason_of
from fproc.base.text import shown
from fproc.spool.output.direct import publish_text

FIRST = "start:ERROR: Something bad happened\nstart:INFO: All good\nstart:WARNING: Potential issue\n"
"""The contents of the first file, `sample.txt`."""

LINES = 20
_LEVELS = ("INFO", "INFO", "INFO", "INFO", "WARNING", "ERROR")
_MESSAGES = (
    "All good",
    "Potential issue",
    "Something bad happened",
    "disk /dev/sda1 is 91% full",
    "request 4711 took 53 ms",
    "user alice logged in",
)


def write_samples(count: int, folder: str) -> list[str]:
    """Write `count` files into a folder, created if it is missing, and return their paths.

    The first is `sample.txt`, the others `sample-2.txt` and so on. Files of these names are replaced, each
    atomically, so the folder may be one that is watched.

    Raises:
        UsageError: the folder cannot be written to.
    """
    paths = []
    try:
        os.makedirs(folder, exist_ok=True)
        for number in range(1, count + 1):
            name = "sample.txt" if number == 1 else f"sample-{number}.txt"
            publish_text(folder, name, FIRST if number == 1 else _lines(number))
            paths.append(os.path.join(folder, name))
    except OSError as error:
        raise UsageError(f"--output {shown(folder)}: {reason_of(error)}") from error
    return paths


def _lines(seed: int) -> str:
    chance = random.Random(seed)  # noqa: S311 - sample data, the same every time
    levels_and_messages = [(chance.choice(_LEVELS), chance.choice(_MESSAGES)) for _ in range(LINES)]
    return "".join(f"start:{level}: {message}\n" for level, message in levels_and_messages)
