"""An instance counts for its workers, whose interpreters may stand still."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.locks import leases
from fproc.spool.locks.beats import Beats
from fproc.spool.locks.leases import LEASE_SECONDS
from fproc.spool.locks.owner import Owner
from tests.support.programs.running import wait_until
from tests.support.spool.leases import Shared

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


def beats_of(shared: Shared, claim: Claim) -> Beats:
    """What the parent of the worker that has a claim counts with."""
    jobs = os.path.dirname(os.path.dirname(claim.job.folder))
    me = Owner.current()
    return Beats(Disk(power=False), jobs, Owner("first", "a namespace", "a boot of first", me.pid, me.began))


def claimed(shared: Shared, host: str = "first", *, is_dead: bool = False) -> Claim:
    shared.put("unprocessed/x.log")
    claim = shared.on_host(host, is_dead=is_dead).claim("x.log")
    assert claim is not None
    return claim


def count_of(claim: Claim) -> int:
    """How far its lease has counted; 0 while that is being renamed."""
    counts = [name.partition("-")[2] for name in os.listdir(claim.job.folder) if name.startswith("count-")]
    return int(counts[0]) if counts else 0


def is_taken_for_dead(shared: Shared, beats: Beats) -> bool:
    """Whether another host thinks so, after it has looked for long while the parent has counted."""
    other = shared.on_host("other")
    for _ in range(3):
        if other.orphans([]):
            return True
        shared.seconds.now += LEASE_SECONDS - 1
        beats.count_for(["x.log", "a name that nobody holds"])
    return bool(other.orphans([]))


def test_an_instance_counts_for_its_workers_as_long_as_they_live(tmp_path: Path) -> None:
    alive, dead = Shared(tmp_path / "alive", NODES), Shared(tmp_path / "dead", NODES)
    claim = claimed(alive)
    assert not is_taken_for_dead(alive, beats_of(alive, claim))
    claim.release()
    claim = claimed(dead, is_dead=True)
    assert is_taken_for_dead(dead, beats_of(dead, claim))


def test_nobody_counts_for_workers_of_other_hosts(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "w", NODES)
    claim = claimed(shared, "elsewhere")
    assert is_taken_for_dead(shared, beats_of(shared, claim))


def test_a_lease_that_is_given_back_is_not_counted_for(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "w", NODES)
    claim = claimed(shared)
    beats = beats_of(shared, claim)
    claim.retry(0.0)
    beats.count_for(["x.log"])
    assert "free" in os.listdir(claim.job.folder)
    again = shared.on_host("first").adopt("x.log")
    assert isinstance(again, Claim)
    again.release()
    beats.count_for(["x.log"])


def test_it_counts_on_a_thread_for_as_long_as_the_loop_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    shared = Shared(tmp_path / "w", NODES)
    claim = claimed(shared)
    with beats_of(shared, claim).counting(lambda: ["x.log"]):
        wait_until(lambda: count_of(claim) > 3)
    wait_until(lambda: "beats" not in {thread.name for thread in threading.enumerate()})
