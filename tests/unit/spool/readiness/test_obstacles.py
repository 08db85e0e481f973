"""What keeps a user from taking or reading a file, as a process of that user finds it."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fproc.spool.readiness import obstacles as module
from fproc.spool.readiness.obstacles import may_take_from_others, obstacle, obstacles
from tests.support.programs.running import NOBODY, open_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a file of root's that anybody may read."""
    with open_folder() as path:
        (path / "x").write_text("a\n")
        (path / "x").chmod(0o644)
        yield path


def as_nobody(ask: Callable[[], object]) -> str:
    """What a process is told that has given up root for good, and not only for a while.

    What Python would import meanwhile it may not find.
    """
    codecs.lookup("ascii")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, str(ask()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as told:
        answer = told.read()
    assert os.waitpid(child, 0) == (child, 0)
    return answer


@as_root
def test_nothing_is_in_the_way_of_a_file_that_others_may_read_in_a_folder_that_all_may_write_to(
    folder: Path,
) -> None:
    assert as_nobody(lambda: obstacle(str(folder), "x")) == ""


@as_root
def test_a_sticky_folder_keeps_files_to_their_owners_and_its_own(folder: Path) -> None:
    folder.chmod(0o1777)
    assert as_nobody(lambda: obstacle(str(folder), "x")) == (
        f"Operation not permitted: {folder} has the sticky bit, and neither the folder nor the"
        f" file belongs to the user with id {NOBODY}"
    )
    os.chown(folder / "x", NOBODY, NOBODY)
    assert as_nobody(lambda: obstacle(str(folder), "x")) == ""
    os.chown(folder / "x", 0, 0)
    os.chown(folder, NOBODY, NOBODY)
    assert as_nobody(lambda: obstacle(str(folder), "x")) == ""


@as_root
def test_a_folder_that_may_not_be_written_to_and_a_file_that_may_not_be_read_are_in_the_way(
    folder: Path,
) -> None:
    (folder / "x").chmod(0o600)
    assert as_nobody(lambda: obstacle(str(folder), "x")) == "cannot be read: Permission denied"
    folder.chmod(0o755)
    assert as_nobody(lambda: obstacle(str(folder), "x")) == f"cannot write to {folder}"


@as_root
def test_a_limited_number_of_files_is_looked_at_and_no_folders(folder: Path) -> None:
    (folder / "x").chmod(0o600)
    (folder / "more").mkdir()
    why = "cannot be read: Permission denied"
    assert as_nobody(lambda: obstacles(str(folder), 10)) == str([("x", why)])
    assert as_nobody(lambda: obstacles(str(folder), 0)) == "[]"
    assert obstacles(str(folder / "none"), 10) == []


@as_root
@pytest.mark.parametrize("tells", [True, False])
def test_a_sticky_folder_holds_nothing_back_from_root_whether_linux_tells_of_capabilities_or_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, tells: bool
) -> None:
    os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o1777)
    if not tells:
        monkeypatch.setattr(module, "_STATUS", str(folder / "none"))
    assert may_take_from_others(str(folder))
    assert as_nobody(lambda: may_take_from_others(str(folder))) == "True", "it is its own folder"
    os.chown(folder, 1, 1)
    assert as_nobody(lambda: may_take_from_others(str(folder))) == "False"
