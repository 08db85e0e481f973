"""What an operator asks from the command line, and what is answered."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.programs.running import (
    FOLDERS,
    Ended,
    run,
)

FAILS_ON_BAD = """
def step(line):
    if "bad" in line:
        raise ValueError("cannot digest " + line)
    return line
"""


REPAIRED = "def step(line):\n    return line.upper()\n"


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def said(ended: Ended) -> str:
    assert (ended.status, ended.err) == (0, "")
    return ended.out.decode().rstrip("\n")


def why(folder: Path, name: str) -> str:
    """What is said of a name, without its history."""
    return "\n".join(line for line in whole_why(folder, name).splitlines() if not line.startswith("  "))


def whole_why(folder: Path, name: str) -> str:
    return said(run(folder, "--why", name))


def status(folder: Path) -> dict[str, Any]:
    """What `--status` finds; its exit status is 0 if all is well, else 1, in both forms."""
    ended = run(folder, "--status", "--json")
    value: dict[str, Any] = json.loads(ended.out)
    assert (ended.status, ended.err) == (0 if value["health"]["status"] == "ok" else 1, "")
    return value


def told(folder: Path, *, exit_status: int) -> str:
    """What `--status` says."""
    ended = run(folder, "--status")
    assert (ended.status, ended.err) == (exit_status, "")
    return ended.out.decode().rstrip("\n")


def counts(*numbers: int) -> dict[str, int]:
    return dict(zip(FOLDERS, numbers, strict=False))


def process(folder: Path) -> Ended:
    return run(folder, "--watch", "--drain")


def history(folder: Path) -> list[str]:
    """The names of processed files, as the history has them; none, if it is out of order."""
    address = f"file:{folder}/watch_dir/.fproc/history.db?mode=rw"  # one that is not there is not made
    query = "SELECT file FROM events WHERE kind = 'processed' ORDER BY id"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            return [name for (name,) in database.execute(query)]
    except sqlite3.Error:
        return []
