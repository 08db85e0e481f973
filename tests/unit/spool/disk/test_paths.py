"""Whether something has a path, as all hosts see it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from fproc.spool.disk.paths import is_there


def test_a_file_a_folder_and_a_link_to_nowhere_are_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "folder", "link"):
        assert is_there(str(tmp_path / name))


@pytest.mark.parametrize("path", ["none", "none/none", "file/none"])
def test_what_has_no_file_or_no_folder_is_not_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    assert not is_there(str(tmp_path / path))


@pytest.mark.parametrize(
    ("path", "number"),
    [("loop/x", errno.ELOOP), ("x" * 300, errno.ENAMETOOLONG), ("x" * 300 + "/x", errno.ENAMETOOLONG)],
    ids=["a folder that is a link to itself", "too long a name", "too long a name of the folder"],
)
def test_what_cannot_be_known_is_an_error_and_not_taken_for_gone(
    tmp_path: Path, path: str, number: int
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is looked at
        is_there(str(tmp_path / path))
    assert caught.value.errno == number
