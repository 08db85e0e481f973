"""What the kernel tells of files that were closed, and when its word counts."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.spool.readiness import closings as closings_module
from fproc.spool.readiness import inotify
from fproc.spool.readiness.closings import Closings
from fproc.spool.readiness.evidence import reach_of
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.helpers import as_user
from tests.support.programs.running import NOBODY


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Closings]:
    closings = Closings(str(tmp_path))
    closings.listen(is_wanted=True)
    if closings._inotify is None:
        pytest.skip("this system has no inotify")
    yield closings
    closings.close()


def is_closed(closings: Closings, name: str = "x") -> bool:
    closings.hear()
    return closings.was_closed(name)


def test_a_file_is_vouched_for_once_its_writer_has_closed_it(heard: Closings, tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb", buffering=0) as writer:
        assert not is_closed(heard)
        writer.write(b"half")
        assert not is_closed(heard)
    assert is_closed(heard)
    with (tmp_path / "x").open("ab"):
        assert not is_closed(heard)
    assert is_closed(heard)


def test_of_two_writers_the_last_one_counts(heard: Closings, tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb", buffering=0) as first:
        first.write(b"one")
        with (tmp_path / "x").open("ab", buffering=0) as second:
            second.write(b"two")
            first.close()
            assert not is_closed(heard)
    assert is_closed(heard)


def test_two_opens_that_were_told_as_one_make_the_file_doubtful(heard: Closings, tmp_path: Path) -> None:
    first = os.open(tmp_path / "x", os.O_CREAT | os.O_WRONLY)
    second = os.open(tmp_path / "x", os.O_WRONLY)
    os.close(first)
    heard.hear()
    os.write(second, b"more")
    assert not is_closed(heard)
    os.close(second)
    assert not is_closed(heard)


def test_a_reader_that_has_it_open_is_waited_for_as_well(heard: Closings, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"whole")
    with (tmp_path / "x").open("rb"):
        assert not is_closed(heard)
    assert is_closed(heard)


def test_a_file_that_was_there_before_is_not_vouched_for(tmp_path: Path) -> None:
    writer = (tmp_path / "x").open("wb")
    closings = Closings(str(tmp_path))
    closings.listen(is_wanted=True)
    writer.close()
    with (tmp_path / "x").open("ab"):
        pass
    assert not is_closed(closings)
    closings.close()


def test_a_file_that_was_moved_here_or_linked_is_not_vouched_for(heard: Closings, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    with (elsewhere / "x").open("wb") as writer:
        os.rename(elsewhere / "x", tmp_path / "x")
        os.link(tmp_path / "x", tmp_path / "y")
        assert not is_closed(heard)
        writer.write(b"late")
    assert not is_closed(heard)
    assert not is_closed(heard, "y")


def test_a_file_keeps_what_is_known_of_it_when_it_is_renamed_within_the_folder(
    heard: Closings, tmp_path: Path
) -> None:
    (tmp_path / ".x.part").write_bytes(b"whole")
    with (tmp_path / "y.part").open("wb", buffering=0) as writer:
        writer.write(b"half")
        os.rename(tmp_path / ".x.part", tmp_path / "x")
        os.rename(tmp_path / "y.part", tmp_path / "y")
        assert is_closed(heard)
        assert not is_closed(heard, "y")
    assert is_closed(heard, "y")


def test_another_file_of_the_name_is_not_vouched_for_by_the_first(heard: Closings, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"whole")
    assert is_closed(heard)
    os.unlink(tmp_path / "x")
    assert not is_closed(heard)
    with (tmp_path / "x").open("wb"):
        assert not is_closed(heard)
    os.rename(tmp_path / "x", tmp_path.parent / "x")
    assert not is_closed(heard)


def test_where_events_were_lost_nothing_is_known_of_what_was_there(
    heard: Closings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"whole")
    assert is_closed(heard)
    with monkeypatch.context() as patch:
        patch.setattr(inotify.Inotify, "events", lambda _self: iter([inotify.Told(inotify.OVERFLOW, 0, "")]))
        heard.hear()
    assert not is_closed(heard)
    heard.listen(is_wanted=True)
    assert not is_closed(heard)
    (tmp_path / "y").write_bytes(b"whole")
    assert is_closed(heard, "y")


def test_the_folder_that_is_there_now_is_listened_to(heard: Closings, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"whole")
    assert is_closed(heard)
    os.rename(tmp_path, tmp_path.parent / "away")
    tmp_path.mkdir()
    heard.listen(is_wanted=True)
    assert not is_closed(heard)
    (tmp_path / "x").write_bytes(b"whole")
    assert is_closed(heard)


def test_of_too_many_files_some_are_not_vouched_for(
    heard: Closings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closings_module, "MOST_FILES", 2)
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"whole")
    assert [is_closed(heard, name) for name in ("a", "b", "c")] == [True, True, False]


def test_a_system_that_does_not_tell_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(inotify, "_calls", refuse)
    closings = Closings(str(tmp_path))
    closings.listen(is_wanted=True)
    (tmp_path / "x").write_bytes(b"whole")
    assert not is_closed(closings)


def test_it_listens_only_where_that_helps_and_leaves_no_descriptor(tmp_path: Path) -> None:
    before = open_descriptors()
    closings = Closings(str(tmp_path))
    closings.listen(is_wanted=False)
    assert not new_descriptors(before)
    closings.listen(is_wanted=True)
    closings.listen(is_wanted=True)
    assert len(new_descriptors(before)) <= 1
    closings.listen(is_wanted=False)
    assert not new_descriptors(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_without_the_capability_leases_do_not_tell_of_all_files(tmp_path: Path) -> None:
    with as_user(NOBODY):
        assert not reach_of(str(tmp_path)).tells_all
