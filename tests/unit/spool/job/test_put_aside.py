"""A name is put aside without replacing what is there, also where the system cannot do that at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from fproc.spool.disk.disk import Disk
from fproc.spool.job.unjournaled import _put_aside


class RefusingDisk(Disk):
    """A disk that does not rename without replacing."""

    def __init__(self, number: int) -> None:
        super().__init__(power=False)
        self._number = number

    def rename_noreplace(self, source: str, target: str) -> NoReturn:
        raise OSError(self._number, os.strerror(self._number), source, None, target)


def put_aside(folder: Path, number: int) -> None:
    """Put a file aside on a disk that says this number."""
    (folder / "waiting").write_text("waiting")
    _put_aside(RefusingDisk(number), str(folder / "waiting"), str(folder / "aside"))


def test_a_name_is_put_aside_where_nothing_renames_without_replacing(tmp_path: Path) -> None:
    put_aside(tmp_path, errno.EINVAL)
    assert os.listdir(tmp_path) == ["aside"]
    assert (tmp_path / "aside").read_text() == "waiting"


def test_what_is_aside_already_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "aside").write_text("before")
    with pytest.raises(FileExistsError):
        put_aside(tmp_path, errno.EINVAL)
    assert [(tmp_path / name).read_text() for name in ("waiting", "aside")] == ["waiting", "before"]


def test_a_disk_that_refuses_is_not_asked_in_another_way(tmp_path: Path) -> None:
    with pytest.raises(PermissionError):
        put_aside(tmp_path, errno.EACCES)
    assert os.listdir(tmp_path) == ["waiting"]
