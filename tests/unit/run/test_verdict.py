"""What becomes of a file after a run."""

from __future__ import annotations

import errno

import pytest

from fproc.base.errors import (
    ChangedWhileReadError,
    FprocError,
    InputError,
    OutputError,
    Reject,
    Retry,
    RoutingError,
)
from fproc.base.faults import passes_by_itself
from fproc.config.model import RetryPolicy
from fproc.pipeline.failures import RecordError
from fproc.run.verdict import Verdict, decide
from tests.support.helpers import line_failure

POLICY = RetryPolicy(max_attempts=3, backoff_seconds=1.0, backoff_max_seconds=300.0)


def record_error(cause: BaseException | None) -> RecordError:
    error = RecordError(line_failure("failed", "start", 7, "a line", "it went wrong"))
    error.__cause__ = cause
    return error


def test_a_run_without_an_error_is_committed() -> None:
    assert decide(None, 0, POLICY) is Verdict.COMMIT


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EDQUOT, errno.ESTALE]
)
@pytest.mark.parametrize("attempts", [1, 3, 1000])
def test_trouble_of_the_host_pauses_and_costs_no_attempt(number: int, attempts: int) -> None:
    assert decide(OSError(number, "trouble"), attempts, POLICY) is Verdict.PAUSE


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.EEXIST])
@pytest.mark.parametrize("attempts", [1, 3, 1000])
def test_trouble_that_may_be_one_name_s_own_lets_that_file_wait(number: int, attempts: int) -> None:
    error = OSError(number, "trouble")
    assert decide(error, attempts, POLICY) is Verdict.WAIT
    output_error = OutputError("cannot write results")
    output_error.__cause__ = error
    assert decide(output_error, attempts, POLICY) is Verdict.WAIT


@pytest.mark.parametrize("attempts", [1, 3, 1000])
def test_results_that_cannot_be_written_pause(attempts: int) -> None:
    assert decide(OutputError("no space left"), attempts, POLICY) is Verdict.PAUSE


PASSING = [
    pytest.param(Retry("the database is down"), id="Retry"),
    pytest.param(MemoryError(), id="no memory"),
    pytest.param(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), id="refused"),
    pytest.param(ConnectionResetError(), id="reset, without a number"),
    pytest.param(BrokenPipeError(errno.EPIPE, "broken"), id="broken pipe"),
    pytest.param(TimeoutError("timed out"), id="timed out, without a number"),
    pytest.param(OSError(errno.ETIMEDOUT, "timed out"), id="timed out"),
    pytest.param(OSError(errno.EHOSTUNREACH, "unreachable"), id="unreachable"),
    pytest.param(OSError(errno.ENETUNREACH, "unreachable"), id="no network"),
    pytest.param(OSError(errno.EAGAIN, "again"), id="again"),
    pytest.param(OSError(errno.EBUSY, "busy"), id="busy"),
    pytest.param(OSError(errno.ESTALE, "stale"), id="stale file handle"),
    pytest.param(OSError(errno.ENOSPC, "full"), id="disk full"),
    pytest.param(OSError(errno.EMFILE, "too many"), id="too many open files"),
]


@pytest.mark.parametrize("cause", PASSING)
def test_what_a_processor_says_will_pass_is_tried_again_until_the_attempts_are_used(cause: Exception) -> None:
    fates = [decide(record_error(cause), attempts, POLICY) for attempts in (1, 2, 3, 4)]
    assert fates == [Verdict.RETRY, Verdict.RETRY, Verdict.FAIL, Verdict.FAIL]


LASTING = [
    pytest.param(ValueError("bad date"), id="ValueError"),
    pytest.param(KeyError("x"), id="KeyError"),
    pytest.param(ZeroDivisionError(), id="ZeroDivisionError"),
    pytest.param(SystemExit(1), id="SystemExit"),
    pytest.param(Reject("no such account"), id="Reject"),
    pytest.param(RoutingError("no route"), id="no route"),
    pytest.param(FileNotFoundError(errno.ENOENT, "no such file"), id="a missing file"),
    pytest.param(PermissionError(errno.EACCES, "denied"), id="a forbidden file"),
    pytest.param(IsADirectoryError(errno.EISDIR, "a folder"), id="a folder"),
    pytest.param(OSError("no number"), id="an OSError that says nothing"),
]


@pytest.mark.parametrize("cause", LASTING)
def test_what_does_not_pass_fails_the_file_at_once(cause: BaseException) -> None:
    assert decide(record_error(cause), 1, POLICY) is Verdict.FAIL


def test_a_record_error_without_a_cause_fails_the_file() -> None:
    assert decide(record_error(None), 1, POLICY) is Verdict.FAIL


@pytest.mark.parametrize(
    "error", [InputError("is not a whole .gz file"), FprocError("wrong"), ValueError("x")]
)
def test_an_input_that_cannot_be_processed_fails(error: Exception) -> None:
    assert decide(error, 1, POLICY) is Verdict.FAIL


def test_an_input_that_changed_while_it_was_read_never_fails_for_that() -> None:
    changed = ChangedWhileReadError("was written to")
    assert [decide(changed, attempts, POLICY) for attempts in (1, 3, 100)] == [Verdict.CHANGED] * 3


def test_an_unreadable_input_whose_cause_passes_is_tried_again() -> None:
    error = InputError("cannot be read")
    error.__cause__ = TimeoutError()
    assert decide(error, 1, POLICY) is Verdict.RETRY


def test_one_attempt_means_no_second_one() -> None:
    assert decide(record_error(Retry("later")), 1, RetryPolicy(max_attempts=1)) is Verdict.FAIL


def test_the_policy_is_three_attempts_from_one_second_to_five_minutes_unless_told() -> None:
    assert RetryPolicy() == RetryPolicy(max_attempts=3, backoff_seconds=1.0, backoff_max_seconds=300.0)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (9, 256.0), (10, 300.0), (10_000, 300.0)]
)
def test_the_delay_doubles_up_to_its_maximum(attempt: int, seconds: float) -> None:
    assert POLICY.delay_seconds(attempt, 1.0) == seconds


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)])
def test_half_of_the_delay_is_left_to_chance(jitter: float, seconds: float) -> None:
    assert POLICY.delay_seconds(3, jitter) == seconds


def test_no_backoff_means_no_delay() -> None:
    assert RetryPolicy(backoff_seconds=0.0).delay_seconds(5, 1.0) == 0.0


def test_nothing_at_all_does_not_pass() -> None:
    assert not passes_by_itself(None)
