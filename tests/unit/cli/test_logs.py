"""A log file that is renamed, removed or out of reach while it is written to."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.cli.logs import FollowedFileHandler


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[FollowedFileHandler]:
    (tmp_path / "logs").mkdir()
    handler = FollowedFileHandler(tmp_path / "logs" / "log")
    yield handler
    handler.close()


def say(handler: FollowedFileHandler, message: str) -> None:
    handler.handle(logging.LogRecord("fproc", logging.INFO, "log.py", 1, message, None, None))


def test_the_log_goes_on_in_a_new_file_once_the_one_before_was_renamed(
    tmp_path: Path, handler: FollowedFileHandler
) -> None:
    say(handler, "one")
    (tmp_path / "logs/log").rename(tmp_path / "log.1")
    say(handler, "two")
    assert (tmp_path / "log.1").read_text() == "one\n"
    assert (tmp_path / "logs/log").read_text() == "two\n"


def test_the_log_goes_on_in_the_file_that_another_process_has_made(
    tmp_path: Path, handler: FollowedFileHandler
) -> None:
    (tmp_path / "logs/log").unlink()
    (tmp_path / "logs/log").write_text("another's\n")
    say(handler, "one")
    assert (tmp_path / "logs/log").read_text() == "another's\none\n"


def test_the_log_goes_on_where_it_is_while_it_cannot_be_opened_anew_and_then_moves(
    tmp_path: Path, handler: FollowedFileHandler
) -> None:
    (tmp_path / "logs/log").rename(tmp_path / "log.1")
    shutil.rmtree(tmp_path / "logs")
    say(handler, "one")
    (tmp_path / "logs").mkdir()
    say(handler, "two")
    assert (tmp_path / "log.1").read_text() == "one\n"
    assert (tmp_path / "logs/log").read_text() == "two\n"


def test_a_log_file_that_was_cut_goes_on_at_its_beginning(
    tmp_path: Path, handler: FollowedFileHandler
) -> None:
    say(handler, "one")
    with open(tmp_path / "logs/log", "r+") as file:
        file.truncate()
    say(handler, "two")
    assert (tmp_path / "logs/log").read_text() == "two\n"
