"""What errors say."""

from __future__ import annotations

import errno

import pytest

from fproc.base.errors import ConfigError, FprocError, Problem, Reject, Retry, reason_of
from fproc.pipeline.failures import RecordError
from tests.support.helpers import line_failure


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
