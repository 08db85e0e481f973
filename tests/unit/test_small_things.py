"""Times, the progress bar, the log, traces, and what errors say."""

from __future__ import annotations

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.base.errors import ConfigError, FprocError, Problem, Reject, Retry, UsageError, reason_of
from fproc.base.text import nearest, shown
from fproc.base.times import rfc3339, utc_date
from fproc.cli.logs import JsonFormatter, TextFormatter, set_up
from fproc.cli.progress import ProgressBar
from fproc.pipeline.failures import RecordError
from fproc.telemetry.printer import Tracer
from tests.support.helpers import line_failure


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (0.25, "1970-01-01T00:00:00.250Z"),
        (1795341600, "2026-11-22T10:00:00.000Z"),
        (1709208000.5, "2024-02-29T12:00:00.500Z"),
        (-1, "1969-12-31T23:59:59.000Z"),
    ],
)
def test_a_time_is_shown_as_rfc_3339_in_utc(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text
    assert utc_date(seconds) == text[:10]


class Clock:
    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def bar_after(seconds: float, size_bytes: int | None, clock: Clock) -> ProgressBar:
    bar = ProgressBar(io.StringIO(), "a.log", size_bytes, clock)
    clock.seconds += seconds
    return bar


def test_the_bar_shows_share_rate_and_time_left() -> None:
    text = bar_after(10, 40_000_000, Clock()).text(10_000_000, 1234)
    for part in ("a.log", "25%", "1,234 lines", "1.0 MB/s", "0:30 left", "[" + "#" * 7 + " " * 23 + "]"):
        assert part in text


def test_the_bar_counts_minutes() -> None:
    assert "2:05 left" in bar_after(125, 2000, Clock()).text(1000, 1)


@pytest.mark.parametrize("position_bytes", [1000, 5000])
def test_the_bar_is_full_at_the_end_and_beyond(position_bytes: int) -> None:
    text = bar_after(10, 1000, Clock()).text(position_bytes, 1)
    assert "[" + "#" * 30 + "]" in text
    assert "100%" in text
    assert "0:00 left" in text


def test_the_bar_begins_with_nothing() -> None:
    assert " 0%" in bar_after(0, 1000, Clock()).text(0, 0)


@pytest.mark.parametrize("size_bytes", [None, 0])
def test_without_a_size_there_is_a_rate_and_no_bar(size_bytes: int | None) -> None:
    text = bar_after(2, size_bytes, Clock()).text(4_000_000, 10)
    assert "2.0 MB/s" in text
    assert "%" not in text


def test_the_bar_is_drawn_at_most_ten_times_a_second_and_can_be_cleared() -> None:
    stream, clock = io.StringIO(), Clock()
    bar = ProgressBar(stream, "a.log", 1000, clock)
    for _ in range(100):
        bar(100, 1)
        clock.seconds += 0.01
    assert 9 <= stream.getvalue().count("\r") <= 11
    bar.clear()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()


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


def test_a_trace_shows_the_route_and_what_each_node_was_given_and_made() -> None:
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open("sample.txt")
    tracer.begin(1, "ERROR: x")
    tracer.step("start", "start", "ERROR: x", [("error", "ERROR: x")], 1)
    tracer.step("format", "error", "ERROR: x", [("error", "[ERROR] x")], 2)
    tracer.step("output", "error", "[ERROR] x", [], 3)
    assert stream.getvalue() == ""
    tracer.close()
    assert stream.getvalue().splitlines()[:5] == [
        "sample.txt:1  start -> format -> output",
        "    start: [start] ERROR: x",
        "        -> [error] ERROR: x",
        "    format: [error] ERROR: x",
        "        -> [error] [ERROR] x",
    ]


def test_a_route_that_forks_is_shown_as_several() -> None:
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open("a.log")
    tracer.begin(7, "x")
    tracer.step("start", "start", "x", [("t", "x")], 1)
    tracer.step("a", "t", "x", [("t", "x")], 2)
    tracer.step("end", "t", "x", [], 3)
    tracer.step("b", "t", "x", [("t", "x")], 2)
    tracer.step("drop", "t", "x", [], 3)
    tracer.close()
    header = stream.getvalue().splitlines()[0]
    assert header == "a.log:7  start -> a -> end | start -> b -> drop"


def test_every_line_and_the_end_of_the_file_have_a_block_of_their_own() -> None:
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open("bad\x1bname")
    for line_no in (1, 2, None):
        tracer.begin(line_no, "")
        tracer.step("start", "start", "\x1b[2J", [], 1)
    tracer.close()
    headers = [line for line in stream.getvalue().splitlines() if not line.startswith(" ")]
    assert headers == ["bad\\x1bname:1  start", "bad\\x1bname:2  start", "bad\\x1bname:end  start"]
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain ünï 🚚", "plain ünï 🚚"),
        ('it\'s "quoted" \\', 'it\'s "quoted" \\'),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\0", "\\x00"),
        ("caf\udce9", "caf\\xe9"),
        ("a\x85b\u2028c", "a\\x85b\\u2028c"),
        ("\u202eevil", "\\u202eevil"),
        ("", ""),
    ],
)
def test_what_is_shown_cannot_harm_a_terminal(text: str, safe: str) -> None:
    assert shown(text) == safe


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("fromat", ["start", "format"], "did you mean 'format'?"),
        ("FORMAT", ["start", "format"], "did you mean 'format'?"),
        ("format", ["Start", "Format"], "did you mean 'Format'?"),
        ("zzz", ["start", "format"], ""),
        ("start", [], ""),
        ("", ["start"], ""),
    ],
)
def test_the_nearest_word_is_suggested_if_one_is_near(word: str, known: list[str], hint: str) -> None:
    assert nearest(word, known) == hint


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad date"), "ValueError: bad date"),
        (ValueError(), "ValueError"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError("two\nlines"), "ValueError: two\\nlines"),
        (Retry("the database is down"), "the database is down"),
        (Reject("no such account"), "no such account"),
        (Reject(), "Reject"),
        (FprocError("it is wrong"), "it is wrong"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.ENOENT, "No such file", "a\nb"), "No such file: a\\nb"),
        (OSError(errno.ENOENT, "No such file", b"\xff"), "No such file: \\xff"),
        (OSError(errno.EBADF, "Bad file descriptor", 7), "Bad file descriptor: 7"),
        (OSError("no number"), "OSError: no number"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_the_reason_is_what_the_exception_says_in_one_line(error: BaseException, reason: str) -> None:
    assert reason_of(error) == reason


def test_an_error_of_a_record_says_where_it_happened() -> None:
    failure = line_failure("failed", "format", 7, "x", "bad date")
    assert str(RecordError(failure)) == "line 7, node 'format': bad date"
    assert str(RecordError(failure._replace(line_no=None))) == "node 'format': bad date"


def test_an_error_of_the_configuration_has_one_line_for_each_problem() -> None:
    problems = [Problem("$.a", "is wrong", "say b"), Problem("$.c", "is missing")]
    assert str(ConfigError(problems)) == "$.a: is wrong; say b\n$.c: is missing"
