"""A claimed file: run it from its checkpoint or its start, decide, carry that out, and return an outcome."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from fproc.base.errors import (
    ConservationError,
    FprocError,
    InputError,
    LostClaimError,
    ProcessorExitError,
    RestoreError,
    ResultNameError,
    StoppedError,
    UnsavableError,
    WorkerDiedError,
    reason_of,
)
from fproc.base.faults import trouble_of
from fproc.base.ids import fraction, short_fingerprint
from fproc.base.text import shown
from fproc.base.times import rfc3339
from fproc.base.values import dataclass, field
from fproc.config.model import MEGABYTE
from fproc.pipeline.failures import LineFailure, RecordError
from fproc.pipeline.plan import Plan, SpareRun
from fproc.pipeline.tracing.observer import Observer
from fproc.pipeline.tracing.timing import Sampling
from fproc.process.mark import CurrentTask, Doing
from fproc.run.figures import Figures
from fproc.run.outcome import Outcome, outcome_of
from fproc.run.reading.inputs import open_input
from fproc.run.run import Progress, run_input
from fproc.run.verdict import INTERRUPTIONS, Verdict, decide
from fproc.run.wholeness import blame, check_whole, leave_until_quiet
from fproc.spool.job.checkpoint import Position
from fproc.spool.job.claim import Claim, Origin
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool

log = logging.getLogger("fproc.job")


@dataclass(frozen=True, slots=True)
class WorkerDeath:
    """The death of the worker that had the file before, in words.

    A file that had got further than ever before is not blamed for the death of its worker; if it was
    `too_slow`, it is. `node`, `line_no` and `line` are what the worker was processing, as far as known.
    """

    reason: str
    too_slow: bool = False
    node: str | None = None
    line_no: int | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the process provides to a job: clocks, observers, whether it has to stop.

    `helpers` is how many more processes it may start for a big file; `sampling` decides which lines are
    timed; `mark` takes the current work; `taken_up` is called with an input's name and how it came into
    `underprocess/`, before it is processed; `was_closed` is true if the kernel has reported that the input's
    writer closed it; `spare` has the run of the file before.
    """

    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    observer: Observer | None = None
    progress: Progress | None = None
    is_stopping: Callable[[], bool] = field(default=lambda: False)
    helpers: int = 0
    sampling: Sampling | None = None
    mark: CurrentTask = field(default_factory=CurrentTask.own)
    taken_up: Callable[[str, Origin], None] = field(default=lambda _name, _origin: None)
    was_closed: bool = False
    spare: SpareRun | None = None


@dataclass(slots=True)
class Ran:
    """A claimed file that was run; by which pipeline, the stamp of the file, and the error that ended it."""

    claim: Claim
    figures: Figures
    seconds: float
    stamp: FileStamp | None
    error: Exception | None
    pipeline: str


def process_claim(
    claim: Claim, plan: Plan, context: RunContext | None = None, *, death: WorkerDeath | None = None
) -> Outcome:
    """Run a claimed file and carry out the verdict. The claim is ended, whatever happens.

    `death` is that of the worker that had the file before, if it is known to have died.

    Raises:
        BaseException: only those that are no `Exception`; the file is then released.
    """
    context = context or RunContext()
    return end_run(run_claim(claim, plan, context, death=death), plan, context)


def run_claim(claim: Claim, plan: Plan, context: RunContext, *, death: WorkerDeath | None = None) -> Ran:
    """Run a claimed file; its results are written, and nothing is decided.

    Raises:
        BaseException: only those that are no `Exception`; the file is then released.
    """
    begin = time.perf_counter()
    figures = Figures()
    stamp, error = None, _blamed(claim, death)
    try:
        if error is None:
            stamp, error = _run_claimed(claim, plan, figures, context)
    except BaseException:
        with suppress(OSError):
            claim.release()
        raise
    seconds = time.perf_counter() - begin
    return Ran(claim, figures, seconds, stamp, error, short_fingerprint(plan.fingerprint))


def end_run(ran: Ran, plan: Plan, context: RunContext) -> Outcome:
    """Decide about a file that was run, and carry out the verdict. The claim is ended, whatever happens."""
    begin = time.perf_counter()
    context.mark.note(Doing.COMMITTING)
    try:
        if ran.error is None:
            _seal(ran)
        return _conclude(ran, plan, context.clock, begin)
    except (OSError, LostClaimError) as error:  # while deciding; the disk says how far that got
        return _troubled(ran, plan, error, time.perf_counter() - begin)
    finally:
        with suppress(OSError):
            ran.claim.release()


def end_runs(runs: Sequence[Ran], spool: Spool, plan: Plan, context: RunContext) -> list[Outcome]:
    """Do the same as `end_run` for several runs that ended well, together."""
    begin = time.perf_counter()
    context.mark.note(Doing.COMMITTING)
    sealed = {ran.claim: ran.stamp for ran in runs if ran.stamp}
    endings = spool.commit_all(sealed, replace_results=plan.config.on_conflict == "replace")
    seconds = (time.perf_counter() - begin) / max(1, len(runs))
    outcomes = []
    for ran in runs:
        ending = endings[ran.claim]
        if isinstance(ending, RolledForward):
            outcomes.append(_outcome(ran, Verdict.COMMIT, seconds, results=ending.results))
        elif isinstance(ending, ConservationError | ResultNameError):
            ran.error = ending
            outcomes.append(end_run(ran, plan, context))
        else:
            outcomes.append(_troubled(ran, plan, ending, seconds))
            with suppress(OSError):
                ran.claim.release()
    return outcomes


def _seal(ran: Ran) -> None:
    try:
        ran.claim.seal()
    except Exception as error:  # noqa: BLE001 - classified like an error of the run
        ran.error = error


def _troubled(ran: Ran, plan: Plan, error: OSError | LostClaimError, seconds: float) -> Outcome:
    """Return the outcome of an error while deciding; it is not known how far that got."""
    claim = ran.claim
    verdict = Verdict.LOST if claim.is_lost() else decide(error, claim.attempts, plan.config.retry)
    return _outcome(ran, verdict, seconds, error, attempt=1)


def _outcome(
    ran: Ran,
    verdict: Verdict,
    seconds: float,
    error: Exception | None = None,
    *,
    attempt: int | None = None,
    results: tuple[str, ...] = (),
    retry_seconds: float = 0.0,
    not_before: float = 0.0,
) -> Outcome:
    """Return the outcome of a file, whose end took `seconds` after its run."""
    claim = ran.claim
    culprit: LineFailure | WorkerDiedError | None = None
    if isinstance(error, RecordError):
        culprit = error.failure
    elif isinstance(error, WorkerDiedError):
        culprit = error
    return outcome_of(
        claim.name,
        verdict,
        ran.figures,
        ran.seconds + seconds,
        job=claim.id,
        attempt=claim.attempts + 1 if attempt is None else attempt,
        results=results,
        error="" if error is None else trouble_of(error),
        node=culprit.node if culprit else None,
        line_no=culprit.line_no if culprit else None,
        retry_seconds=retry_seconds,
        not_before=not_before,
        pipeline=ran.pipeline,
    )


def _blamed(claim: Claim, death: WorkerDeath | None) -> Exception | None:
    """Return the error that the file has caused in earlier processes, if it is blamed for their end."""
    if death and (death.too_slow or not claim.has_progressed):
        return WorkerDiedError(death.reason, node=death.node, line_no=death.line_no, line=death.line)
    if claim.interrupted >= INTERRUPTIONS:
        return InputError(f"fproc itself ended {claim.interrupted} times while it was processed")
    return None


def _run_claimed(
    claim: Claim, plan: Plan, figures: Figures, context: RunContext
) -> tuple[FileStamp | None, Exception | None]:
    """Run a claimed file; return the stamp of the file that was read, or the error that ended the run."""
    try:
        try:
            return _run_once(claim, plan, figures, context, may_resume=True), None
        except RestoreError as why:
            log.warning("%s: starts over, not from its checkpoint: %s", shown(claim.name), why)
            claim.start_over()
            return _run_once(claim, plan, figures, context, may_resume=False), None
    except KeyboardInterrupt as error:  # Ctrl-C is caught by the loop, so it is a processor that raised this
        return None, InputError(f"a processor raised {reason_of(error)}")
    except Exception as error:  # noqa: BLE001 - a user's processors may raise anything
        return None, error


def _run_once(
    claim: Claim, plan: Plan, figures: Figures, context: RunContext, *, may_resume: bool
) -> FileStamp:
    """Run a claimed file, from its checkpoint if it may; return the stamp of the file that was read."""
    source_file = open_input(claim.path, in_spool=True)
    try:
        stamp = FileStamp.of(source_file.status)
        position = claim.resume(stamp, plan.fingerprint) if may_resume else None
        run_input(
            plan,
            source_file,
            claim.staging,
            figures,
            reject=claim.reject,
            observer=context.observer,
            progress=context.progress,
            keep=_Keeper(claim, plan, stamp, context, position.offset_bytes if position else 0),
            begin_at=position,
            helpers=context.helpers,
            sampling=context.sampling,
            mark=context.mark,
            spare=context.spare,
        )
        check_whole(claim, plan.config, source_file, was_closed=context.was_closed)
    except Exception as error:  # of any kind: the cause may be that half of a file was read
        cause = blame(error, claim, plan.config, source_file, was_closed=context.was_closed)
        if cause is error:
            raise
        raise cause from error
    finally:
        source_file.close()
    return stamp


class _Keeper:
    """A keeper that makes checkpoints of one run when they are due and when fproc stops."""

    def __init__(
        self, claim: Claim, plan: Plan, stamp: FileStamp, context: RunContext, offset_bytes: int
    ) -> None:
        self._claim = claim
        self._plan = plan
        self._stamp = stamp
        self._context = context
        self._can_keep = True
        self._seconds = context.monotonic()
        self._offset_bytes = offset_bytes

    def __call__(self, offset_bytes: int, get_position: Callable[[], Position]) -> None:
        """Save the position, if due; `get_position()` may raise anything, as it calls users' code.

        Raises:
            StoppedError: it was saved, and fproc is stopping.
        """
        policy = self._plan.config.checkpoint
        is_stopping = self._context.is_stopping()
        is_due = is_stopping or (
            self._context.monotonic() - self._seconds >= policy.seconds
            or offset_bytes - self._offset_bytes >= policy.mb * MEGABYTE
        )
        if is_due and self._can_keep:
            if offset_bytes > self._offset_bytes:
                self._keep(offset_bytes, get_position)
            if is_stopping and self._can_keep:
                raise StoppedError("fproc is stopping")

    def _keep(self, offset_bytes: int, get_position: Callable[[], Position]) -> None:
        self._context.mark.note(Doing.KEEPING)
        try:
            self._claim.save(self._stamp, self._plan.fingerprint, _position(get_position))
        except UnsavableError as why:
            log.info("%s: has no checkpoints: %s", shown(self._claim.name), why)
            self._can_keep = False
        self._seconds = self._context.monotonic()
        self._offset_bytes = offset_bytes


def _position(get_position: Callable[[], Position]) -> Position:
    try:
        return get_position()
    except UnsavableError:
        raise
    except Exception as error:
        raise UnsavableError(f"snapshot() raised {reason_of(error)}") from error


def _conclude(ran: Ran, plan: Plan, clock: Callable[[], float], begin: float) -> Outcome:
    """Decide, and carry out the verdict; `begin` is when that began, by `time.perf_counter`."""
    claim, error = ran.claim, ran.error
    attempt = claim.attempts + 1
    results: tuple[str, ...] = ()
    delay_seconds = not_before = 0.0
    verdict = decide(error, attempt, plan.config.retry)
    if verdict is Verdict.COMMIT:
        assert ran.stamp is not None
        results = claim.commit(ran.stamp, replace_results=plan.config.on_conflict == "replace").results
    elif verdict is Verdict.FAIL:
        assert error is not None
        claim.bury(failure_report(claim.name, error, attempt, clock(), ran.figures))
    elif verdict is Verdict.STOP:
        claim.leave()
    elif verdict in {Verdict.PAUSE, Verdict.WAIT}:
        with suppress(OSError):  # perhaps nothing can be written, not even this
            claim.leave()
    elif verdict is Verdict.RETRY:
        delay_seconds = plan.config.retry.delay_seconds(attempt, fraction())
        not_before = clock() + delay_seconds
        claim.retry(not_before)
    elif verdict is Verdict.CHANGED:
        attempt, now = claim.attempts, clock()
        delay_seconds = leave_until_quiet(claim, plan.config, now)
        not_before = now + delay_seconds
    return _outcome(
        ran,
        verdict,
        time.perf_counter() - begin,
        error,
        attempt=attempt,
        results=results,
        retry_seconds=delay_seconds,
        not_before=not_before,
    )


def failure_report(
    name: str, error: Exception, attempts: int, now: float, figures: Figures
) -> dict[str, Any]:
    """Return the content of `NAME.error.json`; keys about a record are null if none is at fault."""
    failure = error.failure if isinstance(error, RecordError) else None
    culprit = error if isinstance(error, WorkerDiedError) else failure
    return {
        "file": shown(name),
        "reason": failure.reason if failure else reason_of(error),
        "node": culprit.node if culprit else None,
        "line_no": culprit.line_no if culprit else None,
        "line": failure.known_line if failure else culprit.line if culprit else None,
        "tag": failure.tag if failure else None,
        "given": failure.given if failure else None,
        "rejected": figures.rejected,
        "skipped": figures.skipped,
        "attempts": attempts,
        "timestamp": rfc3339(now),
        "traceback": _traceback(error),
    }


def _traceback(error: Exception) -> list[str]:
    """Return the traceback of an error that a processor raised; none for those of fproc itself."""
    cause = error.__cause__ if isinstance(error, RecordError) else error
    if isinstance(cause, ProcessorExitError):
        cause = cause.__cause__
    if cause is None or isinstance(cause, FprocError):
        return []
    return "".join(traceback.format_exception(cause)).splitlines()
