"""What a running fproc tells of itself in its own file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fproc.base.times import rfc3339
from fproc.run.figures import Progress
from fproc.spool.locks.instance import Facts
from fproc.telemetry.recorder import (
    TELL_SECONDS,
)
from tests.support.books import NONE_LOST, Books

WELL = Facts().to_json()


def test_how_things_stand_is_told_at_once_and_then_once_a_second(books: Books) -> None:
    started = rfc3339(books.now)
    books.turn()
    assert books.said() == [{"started": started, "current": [], "health": WELL}]
    books.turn(TELL_SECONDS / 2, paused="the disk is full")
    assert books.said()[0]["health"] == WELL
    books.turn(TELL_SECONDS / 2, paused="the disk is full", stopping=True)
    assert books.said() == [
        {
            "started": started,
            "current": [],
            "health": {**WELL, "paused": "the disk is full", "stopping": True},
        }
    ]
    books.recorder.close()


def test_what_is_worked_on_is_told_with_its_own_start(books: Books) -> None:
    books.turn(running={"a\n": Progress(5, 50, 412)})
    first = {
        "file": "a\n",
        "started": rfc3339(books.now),
        "lines": 5,
        "bytes": 50,
        **NONE_LOST,
        "worker": 412,
    }
    assert books.said()[0]["current"] == [first]
    books.turn(3, {"a\n": Progress(9, 90, 412), "b": Progress()})
    second = {"file": "b", "started": rfc3339(books.now), "lines": 0, "bytes": 0, **NONE_LOST, "worker": None}
    assert books.said()[0]["current"] == [{**first, "lines": 9, "bytes": 90}, second]
    books.turn(3, {"b": Progress()})
    books.turn(3, {"a\n": Progress(1, 1, 413)})  # a second file of that name
    assert books.said()[0]["current"][0]["started"] == rfc3339(books.now)
    books.recorder.close()


def test_what_is_told_is_json_that_others_can_read(books: Books) -> None:
    books.turn(running={"\udcff\n": Progress()}, paused="\udcff")
    [name] = os.listdir(books.folders.instances)
    value = json.loads(Path(books.folders.instances, name).read_bytes())
    assert value["current"][0]["file"] == "\udcff\n"
    assert value["pid"] == os.getpid()
