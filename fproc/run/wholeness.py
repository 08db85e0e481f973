"""The check that a whole input was read, not one that someone was still writing.

A file that is read while it is written gives half of a result, or an error that is not its fault: a record
that is cut in two, a compressed file that ends too early. However a run ended, it counts only if nobody wrote
meanwhile. Otherwise the file is read again once it is quiet, which costs it no attempt.
"""

from __future__ import annotations

import os

from fproc.base.errors import (
    ChangedWhileReadError,
    ConservationError,
    InputError,
    LostClaimError,
    NotWholeError,
    ProcessorExitError,
    TooManyRejectedError,
    reason_of,
)
from fproc.config.model import Config
from fproc.pipeline.failures import RecordError
from fproc.run.reading.inputs import Input
from fproc.run.run import check_bytes
from fproc.spool.job.claim import Claim
from fproc.spool.readiness.evidence import Evidence, evidence_of
from fproc.spool.readiness.looks import look_of, quiet_seconds

_OF_CONTENTS = (ConservationError, InputError, ProcessorExitError, RecordError, TooManyRejectedError)
"""Errors that half of a file may cause."""

WATCHED = ("auto", "stable")
"""Values of `intake.ready` with which a file is watched for late writers, unless the writers are known."""


def check_whole(claim: Claim, config: Config, source_file: Input, *, was_closed: bool) -> None:
    """Check that what was read is the whole input, and all of it; note what is known about its writers.

    `was_closed` is true if the kernel has reported that its writer closed it, before the input was claimed.

    Raises:
        LostClaimError: it is gone.
        OSError: so is the folder.
        ChangedWhileReadError: someone has written to it, or has it open for writing.
        ConservationError: something of it was not read.
    """
    if _is_written(claim, config, source_file, was_closed=was_closed):
        raise ChangedWhileReadError("was written to while it was read; it is read again once it is whole")
    claim.is_watched = config.intake.ready in WATCHED and claim.writers is Evidence.UNKNOWN
    check_bytes(source_file)


def blame(
    error: Exception, claim: Claim, config: Config, source_file: Input, *, was_closed: bool
) -> Exception:
    """Return the cause of an error of a run: the error itself, or that the input was being written.

    A compressed file that ends too early may be one whose writer stalls. If that is not known, it is read
    once more after it was unchanged for long enough; if it still is as it was, the error stands.
    """
    if not isinstance(error, _OF_CONTENTS):
        return error
    if _is_written(claim, config, source_file, was_closed=was_closed):
        return ChangedWhileReadError(
            f"was written to while it was read ({reason_of(error)}); it is read again once it is whole"
        )
    is_unknown = config.intake.ready == "auto" and claim.writers is Evidence.UNKNOWN
    if isinstance(error, NotWholeError) and is_unknown and claim.changing != look_of(source_file.status):
        seconds = quiet_seconds(config.intake, claim.writers)
        advice = f"so it is read again after {seconds:g} s without a change"
        return ChangedWhileReadError(f"{reason_of(error)}; {claim.writers.value}, {advice}")
    return error


def leave_until_quiet(claim: Claim, config: Config, now: float) -> float:
    """Leave an input that is being written; return for how many seconds it has to be unchanged."""
    seconds = quiet_seconds(config.intake, claim.writers)
    claim.wait_until_quiet(look_of(os.lstat(claim.path)), now + seconds)
    return seconds


def _is_written(claim: Claim, config: Config, source_file: Input, *, was_closed: bool) -> bool:
    try:
        has_changed = source_file.has_changed(claim.path)
    except FileNotFoundError as error:
        claim.check_place()
        raise LostClaimError("it was removed while it was processed") from error
    if config.intake.ready == "auto":
        claim.writers = evidence_of(source_file.fileno(), claim.path)
        if claim.writers is Evidence.UNKNOWN and was_closed and not has_changed:
            claim.writers = Evidence.NOBODY_WRITES
    return has_changed or claim.writers is Evidence.SOMEONE_WRITES
