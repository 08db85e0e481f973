"""A log file that is renamed, removed or out of reach while it is written to."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.base.errors import UsageError
from fproc.base.stdout import complain
from fproc.base.text import log_fields
from fproc.cli.logs import FollowedFileHandler, JournalFormatter, JsonFormatter, TextFormatter, set_up


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


def event(
    level: int = logging.INFO, message: str = "hello", exc: BaseException | None = None
) -> logging.LogRecord:
    info = (type(exc), exc, exc.__traceback__) if exc else None
    record = logging.LogRecord("fproc.job", level, "job.py", 1, message, None, info)
    record.created = 0.25
    return record


def test_a_line_of_the_log_has_time_level_and_message() -> None:
    assert TextFormatter(colour=False).format(event()) == "1970-01-01T00:00:00.250Z INFO hello"


def test_only_warnings_and_worse_are_coloured_and_only_on_request() -> None:
    coloured, plain = TextFormatter(colour=True), TextFormatter(colour=False)
    assert "\x1b" not in coloured.format(event())
    for level in (logging.WARNING, logging.ERROR, logging.CRITICAL):
        assert coloured.format(event(level)).startswith("\x1b[")
        assert coloured.format(event(level)).endswith("\x1b[0m")
        assert "\x1b" not in plain.format(event(level))


def test_the_log_as_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(event(logging.WARNING, "two\nlines \udcff"))
    assert "\n" not in line
    assert json.loads(line) == {
        "timestamp": "1970-01-01T00:00:00.250Z",
        "level": "warning",
        "logger": "fproc.job",
        "message": "two\nlines \udcff",
    }


def test_the_log_as_json_has_fields_beside_the_sentence() -> None:
    record = event(logging.ERROR, "a.csv: failed after 1 attempt: no such account")
    vars(record).update(log_fields("file_failed", file="a.csv", lines=3, node=None, error="no such account"))
    line = json.loads(JsonFormatter().format(record))
    assert line["message"].startswith("a.csv: failed")
    assert [line[name] for name in ("event", "file", "lines", "error")] == [
        *("file_failed", "a.csv", 3, "no such account")
    ]
    assert "node" not in line


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)],
)
def test_lines_for_the_journal_begin_with_their_priority(level: int, priority: int) -> None:
    formatter = JournalFormatter(logging.Formatter())
    assert formatter.format(event(level, "one\ntwo")) == f"<{priority}>one\n<{priority}>two"


def test_the_log_as_json_has_the_traceback() -> None:
    line = JsonFormatter().format(event(logging.ERROR, exc=ValueError("bad date")))
    assert "\n" not in line
    assert json.loads(line)["traceback"].endswith("ValueError: bad date")


@pytest.fixture
def root_logger(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger, as it was again after the test."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    yield root
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_the_log_goes_to_a_file_without_colours(tmp_path: Path, root_logger: logging.Logger) -> None:
    set_up(level=logging.INFO, form="text", path=str(tmp_path / "fproc.log"), colour=True)
    root_logger.warning("disk nearly full")
    root_logger.debug("nobody asked")
    [line] = (tmp_path / "fproc.log").read_text(encoding="utf-8").splitlines()
    assert line.endswith("Z WARNING disk nearly full")
    assert "\x1b" not in line


def test_the_log_goes_to_standard_error_as_json(
    monkeypatch: pytest.MonkeyPatch, root_logger: logging.Logger
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up(level=logging.DEBUG, form="json", path=None, colour=True)
    root_logger.debug("hello")
    assert json.loads(stream.getvalue())["message"] == "hello"


def test_a_log_file_that_cannot_be_opened_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--log-file .*No such file or directory"):
        set_up(level=logging.INFO, form="text", path=str(tmp_path / "no" / "fproc.log"), colour=False)


def test_where_standard_error_is_the_journal_the_log_has_no_time_of_its_own(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, root_logger: logging.Logger
) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False))  # noqa: SIM115 - the descriptor stays
    set_up(level=logging.INFO, form="text", path=None, colour=False)
    root_logger.warning("disk nearly full")
    complain("no such file")
    set_up(level=logging.INFO, form="json", path=None, colour=False)
    root_logger.info("hello")
    sys.stderr.flush()
    first, second, third = capfd.readouterr().err.splitlines()
    assert (first, second) == ("<4>disk nearly full", "<3>fproc: no such file")
    assert third.startswith('<6>{"timestamp"')


def test_another_standard_error_than_the_journal_gets_times(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, root_logger: logging.Logger
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False))  # noqa: SIM115 - the descriptor stays
    set_up(level=logging.INFO, form="text", path=None, colour=False)
    root_logger.warning("disk nearly full")
    complain("no such file")
    sys.stderr.flush()
    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith("Z WARNING disk nearly full")
    assert second == "fproc: no such file"
