"""Databases that are spoilt are set aside, and history begins anew."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.telemetry.history.database import SET_ASIDE_LIMIT
from tests.support.histories import Opener, event, fill, jobs, move_aside

GARBAGE = b"this was never a database\n" * 1000


def refuse(path: str) -> str:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def test_a_file_that_is_no_database_is_set_aside(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    Path(path).write_bytes(GARBAGE)
    history = opened()
    history.record([event()])
    assert jobs(history) == ["j1"]
    assert Path(f"{path}.corrupt-1").read_bytes() == GARBAGE
    (warning,) = warnings()
    assert path in warning
    assert f"{path}.corrupt-1" in warning


def test_a_database_that_was_cut_off_in_the_middle_is_set_aside(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    fill(opened)
    os.truncate(path, os.path.getsize(path) // 2)
    history = opened()
    assert history.timeline("a.log") == []
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert len(warnings()) == 1
    assert os.path.exists(f"{path}.corrupt-1")


def overwrite_pages(path: str) -> None:
    """Spoil everything but the first page of a database."""
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(path) - 4096))


def test_a_query_that_meets_a_spoilt_page_finds_nothing_and_history_begins_anew(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    fill(opened)
    history = opened()
    overwrite_pages(path)
    assert history.recent(limit=5000) == []
    assert len(warnings()) == 1
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert len(warnings()) == 1


def test_events_that_meet_a_spoilt_page_go_to_the_new_database(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    fill(opened)
    history = opened()
    overwrite_pages(path)
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert os.path.exists(f"{path}.corrupt-1")
    assert len(warnings()) == 1


def test_a_corrupt_database_is_set_aside_by_one_only(opened: Opener, path: str) -> None:
    fill(opened)
    histories = [opened(), opened()]
    overwrite_pages(path)
    for number, history in enumerate(histories):
        history.record([event(str(number))])
    assert jobs(histories[0]) == jobs(histories[1]) == ["1", "0"]
    assert not os.path.exists(f"{path}.corrupt-2")


def test_a_query_does_not_set_aside_what_another_has_put_in_place_of_a_corrupt_database(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(opened)
    history, other = opened(), opened()
    overwrite_pages(path)
    recover = history._database._recover

    def recover_late(error: Exception, seen: os.stat_result | None) -> bool:
        other.record([event("other")])
        return recover(error, seen)

    monkeypatch.setattr(history._database, "_recover", recover_late)
    assert history.timeline("a.log") == []
    assert jobs(history) == ["other"]
    assert not os.path.exists(f"{path}.corrupt-2")
    assert len(warnings()) == 1


def test_where_a_corrupt_database_cannot_be_set_aside_there_is_no_history(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    Path(path).write_bytes(GARBAGE)
    history = opened(set_aside=refuse)
    history.record([event()])
    assert history.recent(limit=1) == []
    assert history.totals() == {}
    assert Path(path).read_bytes() == GARBAGE
    (warning,) = warnings()
    assert "Permission denied" in warning


def test_a_disk_that_spoils_every_database_is_given_up(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    def spoil(bad: str) -> str:
        put = move_aside(bad)
        Path(bad).write_bytes(GARBAGE)
        return put

    Path(path).write_bytes(GARBAGE)
    history = opened(set_aside=spoil)
    for number in range(5):
        history.record([event(str(number))])
    assert len(list(Path(path).parent.iterdir())) == SET_ASIDE_LIMIT + 1
    assert len(warnings()) == SET_ASIDE_LIMIT + 1
