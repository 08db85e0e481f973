"""Several processes on one big file: its owner, and helpers that do chunks for it.

The owner deals out chunks and does some itself, adds their outcomes in order, and makes checkpoints between
them. It reserves room in the results; helpers write into that what they have done. The owner also does the
chunks of a helper that died or hangs, and writes what such a helper has not written: see docs/SPOOL.md. A
chunk with a line that fails the file is done again by the owner, line by line, so that all reports are the
same as without helpers.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

from fproc.base.values import replace
from fproc.pipeline.plan import Plan
from fproc.pipeline.plugins.sources import kept_sources
from fproc.pipeline.tracing.timing import Sampling
from fproc.process.mark import CurrentTask, Doing, is_brief
from fproc.process.waiting import wait_readable
from fproc.run.chunked.chunks import (
    BUILTIN_CHUNKS,
    Chunk,
    Outcome,
    SharedInput,
    chunks,
    compute,
    count_newlines,
)
from fproc.run.chunked.helper import AHEAD, AddedOutcome, Helper, Share
from fproc.run.chunked.messages import Order
from fproc.run.pieces import PieceSizer
from fproc.spool.output.parts import Staging

log = logging.getLogger("fproc.crew")

LAP_SECONDS = 0.1
"""Seconds between checks of an owner whether the helper that it waits for makes progress."""

STILL_LAPS = 50
"""Laps without progress after which the owner does the chunk that it waits for: the helper may be stopped."""


class Helpers:
    """The helpers of one file.

    Args:
        plan: the plan of the file.
        descriptor: the open input.
        output: the results, which are shared from here on.
        shared: what is known of it.
        helpers: the most helpers to start.
        mark: it takes the owner's current work.
        lines_before: returns how many lines come before the first chunk that was not yielded yet.
        sampling: it decides which of the owner's own lines are timed, unless None.
    """

    def __init__(
        self,
        plan: Plan,
        descriptor: int,
        output: Staging,
        shared: SharedInput,
        *,
        helpers: int,
        mark: CurrentTask,
        lines_before: Callable[[], int],
        sampling: Sampling | None = None,
    ) -> None:
        self._plan = plan
        self._descriptor = descriptor
        self._shared = shared
        self._mark = mark
        self._lines_before = lines_before
        self._sampling = sampling
        self._pace = PieceSizer(plan.first_piece_lines, mark)
        self._helpers: list[Helper] = []
        self._ended: list[Helper] = []
        order = Order(plan.config, shared, kept_sources())
        # Users' modules may hold what two processes must not share: a connection, a thread. The locks of a
        # worker, which always has a second thread, would live on in a copy of it.
        may_fork = plan.is_builtin and threading.active_count() == 1
        output.begin_sharing(self.settle)
        for _ in range(helpers):
            try:
                self._helpers.append(Helper(order, descriptor, output, plan if may_fork else None))
            except OSError as error:
                log.warning("a helper cannot be started: %s", error)
                break
        mark.processes = 1 + len(self._helpers)

    def settle(self) -> None:
        """Return once all that helpers were told to write is written, by this process if need be.

        Raises:
            OutputError: the system refuses.
        """
        while any(helper.is_placing() for helper in self._helpers):
            if not self._wait(LAP_SECONDS):
                for helper in self._helpers:
                    helper.fill()

    def close(self) -> None:
        """End the helpers."""
        for helper in [*self._helpers, *self._ended]:
            helper.close()
        self._helpers.clear()
        self._ended.clear()
        self._mark.processes = 1

    def work(self, begin: int, size_bytes: int) -> Iterator[tuple[Chunk, AddedOutcome | None]]:
        """Have everything from `begin` on done; yield each chunk with its outcome, in order."""
        times = BUILTIN_CHUNKS if self._plan.is_builtin else 1
        remaining = chunks(self._descriptor, begin, size_bytes, self._shared.records, times=times)
        shares: deque[Share] = deque()
        is_all_dealt = False
        while not is_all_dealt or shares:
            for helper in self._helpers:
                while helper.has_room() and not is_all_dealt:
                    is_all_dealt = not self._deal(remaining, shares, helper)
            if shares and shares[0].is_done:
                share = shares.popleft()
                yield share.chunk, share.outcome
            elif shares and shares[0].helper is None:
                self._do(shares[0], shares)
            elif not is_all_dealt and len(shares) <= AHEAD * (len(self._helpers) + 1):
                is_all_dealt = not self._deal(remaining, shares, None)
                if not is_all_dealt:
                    self._do(shares[-1], shares)
            elif shares:
                self._wait_for(shares[0])
            self._wait(0)

    def _deal(self, remaining: Iterator[Chunk], shares: deque[Share], helper: Helper | None) -> bool:
        """Deal out the next chunk; return whether there was one."""
        chunk = next(remaining, None)
        if chunk is None:
            return False
        share = Share(chunk, helper)
        shares.append(share)
        if helper:
            helper.give(share)
        return True

    def _do(self, share: Share, shares: deque[Share]) -> None:
        """Do a chunk here, of those that were dealt out."""
        first = shares[0].chunk.begin
        self._mark.lines_before = lambda: (
            self._lines_before() + count_newlines(self._descriptor, Chunk(first, share.chunk.begin))
        )
        try:
            outcome = compute(
                self._plan,
                self._descriptor,
                self._shared,
                share.chunk,
                pace=self._pace,
                mark=self._mark,
                sampling=self._sampling,
            )
        finally:
            self._mark.lines_before = int
        share.outcome = (outcome[0], partial(_add, outcome)) if outcome else None
        share.is_done = True

    def _wait_for(self, share: Share) -> None:
        """Wait for outcomes of helpers; nothing can be added before this share is done.

        If its helper hangs, it is taken from it; what the helper may still make of it is dropped.
        """
        self._mark.note(Doing.WAITING)
        self._mark.defers = True
        try:
            while not self._wait(LAP_SECONDS) and share.helper:
                self._answer_for(share.helper)
                if share.helper.still_laps >= STILL_LAPS:
                    log.warning("a helper makes no progress; its owner does what it waits for")
                    share.helper = None
        finally:
            self._mark.defers = False
        if self._mark.is_asked() and is_brief(self._mark.question()):
            self._mark.reply(self._mark.known())  # that it has waited until now

    def _answer_for(self, helper: Helper) -> None:
        """Report the progress and the current work of a helper as those of this process."""
        if helper.gets_on():
            self._mark.beat()
        if self._mark.is_asked() and (where := helper.question.answer()):
            line_no = None if where.line_no is None else where.line_no + self._lines_before()
            self._mark.reply(replace(where, line_no=line_no))
            helper.question.forget()

    def _wait(self, seconds: float) -> bool:
        """Wait for an outcome of a helper, and take all that have arrived; return whether there were any."""
        readable: set[int] = set()
        if self._helpers:
            readable = wait_readable([helper.channel.fileno() for helper in self._helpers], seconds)
            for helper in [helper for helper in self._helpers if helper.channel.fileno() in readable]:
                if not helper.take():
                    log.warning("a helper has ended; its owner does what it had")
                    self._helpers.remove(helper)
                    self._mark.processes -= 1
                    self._ended.append(helper)
                    helper.end()
                    helper.fill()
                self._mark.beat()
        return bool(readable)


def _add(outcome: Outcome, output: Staging) -> None:
    """Add the bytes of an outcome to results."""
    done, data = outcome
    for (result, _, lines), piece in zip(done.pieces, data, strict=True):
        if result is None:
            output.add_printed(piece, lines)
        else:
            output.add(result, piece, lines)
