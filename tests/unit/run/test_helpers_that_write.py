"""Helpers that write into results: to the last byte what one process makes, whatever becomes of a helper."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import OutputError
from fproc.pipeline import plan as planning
from fproc.pipeline.plan import Plan
from fproc.pipeline.plugins.sources import kept_sources
from fproc.process.mark import CurrentTask, Whereabouts
from fproc.process.waiting import wait_readable
from fproc.run import run as running
from fproc.run.chunked import chunks, helper, helpers, serving
from fproc.run.chunked.chunks import Chunk, SharedInput
from fproc.run.chunked.helper import Helper, Share
from fproc.run.chunked.helpers import Helpers
from fproc.run.chunked.messages import BUFFERS, Order, Placing
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import is_locked
from fproc.spool.output.parts import Staging
from tests.support.chunked import BUILT_IN, DATA, Files, Harm, check_same, let_stopped_go_on
from tests.support.helpers import SOURCE, plan_of
from tests.support.spool.claims import Place, owned

STEPS = 80
"""More than a helper takes for its part of `DATA`."""

KILL, STOP = signal.SIGKILL, signal.SIGSTOP


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setattr(running, "LEAST_BYTES", 0)
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 300)
    monkeypatch.setattr(helper, "PLACED_BYTES", 0)
    monkeypatch.setattr(helpers, "LAP_SECONDS", 0.01)
    monkeypatch.setattr(helpers, "STILL_LAPS", 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # other tests may have left some
    return Files(tmp_path)


def harmed(files: Files, number: signal.Signals, step: int, *, pause: bool = False, every: int = 4) -> bool:
    """Run a file with a helper that is harmed; return whether it came to that."""
    path, plan = files.put(DATA), plan_of(BUILT_IN)
    alone = files.run(plan, path, 0)
    token = files.folder / f"harmed-{files.runs}"
    ticks = 0

    def go_on(_offset_bytes: int) -> None:
        nonlocal ticks
        ticks += token.exists()
        if pause and ticks == 3:
            let_stopped_go_on()

    with pytest.MonkeyPatch.context() as patch:
        Harm(patch, token, step, number)
        together = files.run(plan, path, 2, keep=go_on, every=every)
    check_same(together, alone)
    for written in together.written:
        assert all(alone.results[name].startswith(data) for name, data in written.items())
    return token.exists()


@pytest.mark.parametrize("step", [1, 4, 12, 16])
@pytest.mark.parametrize(("number", "pause"), [(KILL, False), (STOP, False), (STOP, True)])
def test_a_helper_that_is_killed_or_stopped_leaves_no_hole(
    files: Files, number: signal.Signals, step: int, *, pause: bool
) -> None:
    harmed(files, number, step, pause=pause)


@pytest.mark.sweep
@pytest.mark.parametrize("every", [1, 3, 1000])
@pytest.mark.parametrize(("number", "pause"), [(KILL, False), (STOP, False), (STOP, True)])
def test_at_whatever_step_that_happens(
    files: Files, number: signal.Signals, every: int, *, pause: bool
) -> None:
    came_to_it = [harmed(files, number, step, pause=pause, every=every) for step in range(0, STEPS, 3)]
    assert sum(came_to_it) >= 5, "helpers had next to nothing to do"


@pytest.mark.parametrize("every", [1, 1000])
def test_helpers_write_what_they_do(files: Files, every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plan = files.put(DATA), plan_of(BUILT_IN)
    alone = files.run(plan, path, 0)
    placed: list[int] = []

    def note(buffer: int, places: tuple[tuple[int, str, int], ...]) -> Placing:
        placed.append(buffer)
        return Placing(buffer, places)

    monkeypatch.setattr(Helper, "_fill", lambda *_: pytest.fail("this was for the helper to write"))
    monkeypatch.setattr(helpers, "LAP_SECONDS", 60)
    monkeypatch.setattr(helper, "Placing", note)
    check_same(files.run(plan, path, 2, every=every), alone)
    assert placed


def test_what_a_helper_cannot_write_its_owner_writes(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plan, owner = files.put(DATA), plan_of(BUILT_IN), os.getpid()
    alone = files.run(plan, path, 0)
    reopen = Disk.reopen_to_fill

    def refuse(disk: Disk, part: str) -> int:
        if os.getpid() != owner:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return reopen(disk, part)

    monkeypatch.setattr(Disk, "reopen_to_fill", refuse)
    check_same(files.run(plan, path, 2, every=1000), alone)


def test_a_disk_that_is_full_is_trouble_of_the_host_whoever_writes(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path, plan = files.put(DATA), plan_of(BUILT_IN)
    monkeypatch.setattr(Disk, "reopen_to_fill", refuse)
    with pytest.raises(OutputError, match="cannot write results: No space left on device"):
        files.run(plan, path, 2)


def test_where_the_job_is_held_by_a_lease_its_owner_writes_alone(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plan = files.put(DATA), plan_of(BUILT_IN)
    alone = files.run(plan, path, 0)
    monkeypatch.setattr(helper, "Placing", lambda *_: pytest.fail("it was told to write"))
    check_same(files.run(plan, path, 2, held=None), alone)


def test_what_a_dead_helper_has_not_written_its_owner_writes(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plan = files.put(DATA), plan_of(BUILT_IN)
    alone = files.run(plan, path, 0)
    monkeypatch.setattr(serving._Work, "_place", lambda *_: os.kill(os.getpid(), KILL))
    check_same(files.run(plan, path, 2, every=1000), alone)


def test_what_a_helper_does_too_late_is_dropped(files: Files) -> None:
    with started(files, plan_of(BUILT_IN)) as (one, chunk):
        share = Share(chunk, one, is_done=True)  # by its owner, who waited for it in vain
        one.give(share)
        wait_readable([one.channel.fileno()], None)
        assert one.take()
        assert share.outcome is None
        assert len(one._free) == BUFFERS


def test_an_owner_that_is_asked_briefly_while_it_waits_has_answered_when_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = Helpers.__new__(Helpers)
    owner._mark = CurrentTask.own()

    def wait(owner: Helpers, _seconds: float) -> bool:
        assert owner._mark.defers
        owner._mark.ask(briefly=True)
        return True  # an outcome has come

    monkeypatch.setattr(Helpers, "_wait", wait)
    owner._wait_for(Share(Chunk(0, 1)))
    assert owner._mark.answer() == Whereabouts("waiting for a helper")


def test_an_owner_says_how_many_processes_work_on_the_file(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Helpers.work
    owners: list[tuple[Helpers, int]] = []

    def note(owner: Helpers, *arguments: int) -> Iterator[Any]:
        owners.append((owner, owner._mark.processes))
        return work(owner, *arguments)

    monkeypatch.setattr(Helpers, "work", note)
    files.run(plan_of(BUILT_IN), files.put(DATA), 2)
    [(owner, processes)] = owners
    assert (processes, owner._mark.processes) == (3, 1)


def test_a_result_s_pieces_stay_in_order(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "HELD_CHARACTERS", 50)
    monkeypatch.setattr(planning, "QUICK_LINES", 3)
    path, plan = files.put(DATA), plan_of(BUILT_IN)
    check_same(files.run(plan, path, 2, every=1000), files.run(plan, path, 0))


class Noted(Disk):
    """Notes what is made durable."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(power=True)
        self.notes = notes

    def sync(self, descriptor: int) -> None:
        self.notes.append("fsync")
        super().sync(descriptor)


def test_nothing_is_durable_before_all_that_was_reserved_is_written(tmp_path: Path) -> None:
    notes: list[str] = []
    output = Staging(Noted(notes), lambda: str(tmp_path), "p-")
    output.begin_sharing(lambda: notes.append("all is written"))
    output.reserve("x", 2, 1)
    output.sync()
    assert notes == ["all is written", "fsync"]
    output.end_sharing()
    assert notes == ["all is written", "fsync", "all is written"]


def test_room_comes_after_all_that_was_written_before(tmp_path: Path) -> None:
    output = Staging(Disk(power=False), lambda: str(tmp_path), "p-")
    output.write("x", "a")
    output.flush()
    output.begin_sharing(lambda: None)
    output.write("x", "b")
    place = output.reserve("x", 2, 1)
    assert place is not None
    output.add("x", b"d\n", 1)
    output.fill(place, b"c\n")
    output.end_sharing()
    output.add("x", b"e\n", 1)
    output.seal()
    assert Path(place.path).read_bytes() == b"a\nb\nc\nd\ne\n"


def test_what_a_helper_inherits_is_the_lock_of_the_job(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.put("unprocessed/a.log")
    claim = owned(place.spool.claim("a.log"))
    (lock,) = claim.staging.held or ()
    assert os.path.samestat(os.fstat(lock), os.stat(claim.job.folder))
    claim.release()


def test_a_job_stays_locked_until_its_helpers_are_dead(files: Files) -> None:
    job = str(files.folder / "job")
    lock = Disk(power=False).lock(job)
    assert lock is not None
    with started(files, None, held=(lock,)):
        os.close(lock)  # as the kernel does if the owner dies
        assert is_locked(job)
    assert not is_locked(job)


@contextmanager
def started(files: Files, plan: Plan | None, held: tuple[int, ...] = ()) -> Iterator[tuple[Helper, Chunk]]:
    """A helper for a file of one chunk: a copy of this process, if there is a plan."""
    path = files.put(DATA)
    output = Staging(Disk(power=False), lambda: str(files.folder), "p-", held=held)
    order = Order(plan_of(BUILT_IN).config, SharedInput(SOURCE, "start"), kept_sources())
    with open(path, "rb") as file:
        one = Helper(order, file.fileno(), output, plan)
        try:
            yield one, Chunk(0, len(DATA))
        finally:
            one.close()


def test_no_more_is_dealt_to_a_helper_than_it_has_buffers_for(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plan = files.put(DATA * 5), plan_of(BUILT_IN)
    most = 0
    give = Helper.give

    def note(one: Helper, share: Any) -> None:
        nonlocal most
        give(one, share)
        in_use = [buffer for _, buffer in one._shares] + list(one._placements)
        assert not {*in_use} & {*one._free}
        assert len(in_use) == len({*in_use})
        most = max(most, len(in_use))

    monkeypatch.setattr(Helper, "give", note)
    check_same(files.run(plan, path, 2, every=1000), files.run(plan, path, 0))
    assert 0 < most <= BUFFERS
