"""Owners of other hosts that are paused before a call, and what others do meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from fproc.run import attempt
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from tests.support.helpers import user
from tests.support.spool.crashes import CALLS, look
from tests.support.spool.dropping import seen_by
from tests.support.spool.leases import Shared

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "count"]},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "{stem}.count"}},
]


RESULTS = {"x.log": "a\nb\n", "x.count": "2\n"}


def owned(taken: object) -> Claim:
    assert isinstance(taken, Claim)
    return taken


def finish(shared: Shared, claim: Claim) -> Outcome:
    return attempt.process_claim(claim, shared.plan)


def check_done(shared: Shared) -> None:
    seen = look(str(shared.folder))
    assert seen["processed"] == {"x.log": "a\nb\n"}
    assert (seen["results"], seen["litter"]) == (RESULTS, [])
    assert (seen["unprocessed"], seen["underprocess"], seen["failed"]) == ({}, {}, {})


class PausingDisk(Disk):
    """Stops before call number `calls` until it may go on."""

    def __init__(self, calls: int) -> None:
        super().__init__(power=True)
        self.calls_left = calls
        self.is_paused = threading.Event()
        self.may_go_on = threading.Event()


def _pausing(name: str) -> Any:
    def call(self: PausingDisk, *arguments: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == -1:
            self.is_paused.set()
            assert self.may_go_on.wait(30)
        return getattr(Disk, name)(self, *arguments)

    return call


for _name in CALLS:
    setattr(PausingDisk, _name, _pausing(_name))


def claimed(spool: Spool) -> object:
    return spool.claim("x.log")


def paused_at(
    shared: Shared, calls: int, take_over: Any, *, begin: Callable[[Spool], object] = claimed
) -> bool:
    """Pause a host before a call, run `take_over`, and let it go on; return whether it came to that call."""
    disk = PausingDisk(calls)
    spool = shared.on_host("first", disk)
    disk.calls_left = calls
    outcomes: list[Outcome] = []

    def work() -> None:
        claim = begin(spool)
        if isinstance(claim, Claim):
            outcomes.append(finish(shared, claim))
        disk.is_paused.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert disk.is_paused.wait(30)
    was_paused = thread.is_alive() and disk.calls_left < 0
    try:
        if was_paused:
            take_over()
    finally:
        disk.may_go_on.set()
        thread.join(30)
    assert all(outcome.verdict in {Verdict.COMMIT, Verdict.LOST, Verdict.WAIT} for outcome in outcomes), (
        outcomes
    )
    return was_paused


def settle(shared: Shared, spool: Spool) -> None:
    """Do on this host whatever there is to do."""
    for _ in range(3):
        for name, evidence in shared.wait(spool).items():
            taken = spool.adopt(name, seen_version=evidence)
            if isinstance(taken, Claim):
                finish(shared, taken)
            else:
                assert taken is None or isinstance(taken, RolledForward)
        for name in seen_by(spool.look).ready:
            claim = spool.claim(name)
            if claim is not None:
                finish(shared, claim)
