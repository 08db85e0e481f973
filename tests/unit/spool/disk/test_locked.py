"""Files that are locked from when they are made."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import NoReturn

import pytest

from fproc.spool.disk.disk import Disk


def test_a_file_is_locked_for_as_long_as_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "x"
    descriptor = Disk(power=False).create_locked(str(path))
    with path.open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_that_cannot_be_locked_does_not_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def refuse(descriptor: int, _operation: int) -> NoReturn:
        tried.append(descriptor)
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="No locks available"):
        Disk(power=False).create_locked(str(tmp_path / "x"))
    (descriptor,) = tried
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
