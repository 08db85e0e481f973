"""The history survives restarts and kills, and its damage costs no file."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.programs.operating import history, process
from tests.support.programs.running import (
    Watching,
    configure,
    drop,
    spooled,
)


def test_the_history_survives_restarts_and_kills(tmp_path: Path) -> None:
    configure(tmp_path, workers=1)
    drop(tmp_path, "a.log", b"a\n")
    process(tmp_path)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "b.log", b"b\n")
        watching.wait_until(lambda: history(tmp_path) == ["a.log", "b.log"])
        watching.signal(signal.SIGKILL)
        watching.wait()
    drop(tmp_path, "c.log", b"c\n")
    assert process(tmp_path).status == 0
    assert history(tmp_path) == ["a.log", "b.log", "c.log"]


def corrupt(path: Path) -> None:
    """As a backup does that brings garbage back."""
    for other in path.parent.glob("history.db-*"):
        other.unlink()
    (path.parent / "garbage").write_bytes(b"this was never a database\n" * 1000)
    (path.parent / "garbage").rename(path)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "corrupt": corrupt,
    "a folder": replace_by_folder,
}


def warnings(watching: Watching) -> list[str]:
    """What is not well, without the times."""
    found = (re.search("(?:WARNING|ERROR).*", line) for line in watching.log.splitlines())
    return [match[0] for match in found if match]


@pytest.mark.parametrize(("damage", "said_times"), [("deleted", 0), ("corrupt", 1), ("a folder", 1)])
def test_a_history_that_is_gone_or_corrupt_at_the_start_costs_no_file_and_is_said_once(
    tmp_path: Path, damage: str, said_times: int
) -> None:
    configure(tmp_path, workers=1)
    assert process(tmp_path).status == 0
    database = tmp_path / "watch_dir/.fproc/history.db"
    DAMAGE[damage](database)
    with Watching(tmp_path) as watching:
        for name in ("a.log", "b.log"):
            drop(tmp_path, name, b"a\n")
            watching.wait_for(f"processed/{name}")
        assert watching.stop() == 0
        assert len(warnings(watching)) == said_times
        assert all("history" in line for line in warnings(watching))
    assert history(tmp_path) == ([] if damage == "a folder" else ["a.log", "b.log"])
    assert len(list(database.parent.glob("history.db.corrupt-*"))) == (damage == "corrupt")


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_history_that_goes_while_it_is_written_costs_no_file_and_is_said_once(
    tmp_path: Path, damage: str
) -> None:
    configure(tmp_path, workers=1)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "a.log", b"a\n")
        watching.wait_until(lambda: history(tmp_path) == ["a.log"])
        DAMAGE[damage](watching.spool / ".fproc/history.db")
        for name in ("b.log", "c.log"):
            drop(tmp_path, name, b"a\n")
            watching.wait_for(f"processed/{name}")
        assert watching.stop() == 0
        said_so = warnings(watching)
        assert 1 <= len(said_so) == len(set(said_so)) <= 2
        assert all("history" in line for line in said_so)
    assert len(spooled(tmp_path)) == 6
    assert history(tmp_path) == ([] if damage == "a folder" else ["b.log", "c.log"])
