"""What the page knows of its server."""

from __future__ import annotations

from pathlib import Path

import pytest

from fproc.config.model import Config
from fproc.web.api.page_constants import inbox_in_shell


@pytest.mark.parametrize(
    ("watched", "inbox"),
    [
        ("watch_dir", "watch_dir/unprocessed/"),
        (".", "unprocessed/"),
        ("in box", "'in box/unprocessed/'"),
        ("/srv/in/box", "/srv/in/box/unprocessed/"),
    ],
)
def test_commands_name_the_folder_that_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: str, inbox: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert inbox_in_shell(Config(watch_dir=str(tmp_path / watched))) == inbox


def test_where_the_folder_of_the_start_is_gone_they_name_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert inbox_in_shell(Config(watch_dir="/srv/box")) == "/srv/box/unprocessed/"
