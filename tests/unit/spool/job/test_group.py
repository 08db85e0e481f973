"""Several inputs that are claimed and that commit together: each is as safe as it would be alone."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.process.mark import NONE
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.group import FEW
from fproc.spool.job.job import RolledForward, part_prefix
from fproc.spool.output.parts import Part, Staging
from fproc.spool.spool import Spool
from fproc.watch.workers.messages import Report, Task, Trouble, Why
from fproc.watch.workers.worker import perform_all
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.groups import NAMES, Place, check_done


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.with_inputs(tmp_path / "w")


def test_several_files_are_done_together_and_leave_nothing(place: Place) -> None:
    found = place.perform(*NAMES)
    assert {name: (value.verdict, value.event.results) for name, value in found.items()} == {
        name: (Verdict.COMMIT, (name,)) for name in NAMES
    }
    check_done(place, *NAMES)


def test_it_is_told_which_file_is_run_and_that_none_is_while_they_commit(place: Place) -> None:
    place.perform(*NAMES)
    assert place.begun == [0, 1, 2, NONE]


def test_it_is_told_as_well_of_one_whose_earlier_file_has_to_be_adopted_first(place: Place) -> None:
    place.put("underprocess/a.log", "earlier\n")
    place.perform(*NAMES)
    assert place.begun == [1, 2, NONE, 0, NONE]
    seen = place.look()
    assert (seen["processed"]["a.log"], seen["unprocessed"]) == ("earlier\n", {"a.log": "a.log\n"})


def test_folders_are_fsynced_once_for_all(place: Place) -> None:
    place.disk.calls.clear()
    place.perform(*NAMES)
    assert place.disk.calls.count("sync_folder") == 9
    assert place.disk.calls.count("sync_all") == 2, "what the inputs hold, and the parts"
    assert place.disk.calls.count("sync") == 2 * len(NAMES) + 1, "the record, once it has names"
    assert place.disk.calls.count("create_unnamed") == 1


@pytest.mark.parametrize("vanished", ["underprocess", "processed", "results/.stage"])
def test_nothing_is_decided_about_files_while_a_folder_of_the_commit_is_away(
    place: Place, monkeypatch: pytest.MonkeyPatch, vanished: str
) -> None:
    finish_all, folder, away = attempt.end_runs, place.folder / vanished, place.folder / "away"

    def finish_without(*arguments: Any) -> Any:
        folder.rename(away)
        return finish_all(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(attempt, "end_runs", finish_without)
        found = place.perform(*NAMES)
    assert {value.verdict for value in found.values()} == {Verdict.PAUSE}
    assert all("has vanished" in value.event.error for value in found.values())
    assert os.listdir(place.folder / ".fproc/commits") == []
    away.rename(folder)
    for name in NAMES:
        place.perform(name, why=Why.ORPHAN)
    check_done(place, *NAMES)


def test_one_that_fails_and_one_that_is_gone_trouble_no_other(place: Place) -> None:
    place.put("unprocessed/b.log", "bad\n")
    found = place.verdicts(NAMES[0], "gone.log", *NAMES[1:])
    assert found == {
        "a.log": Verdict.COMMIT,
        "gone.log": None,
        "b.log": Verdict.FAIL,
        "c.log": Verdict.COMMIT,
    }
    seen = place.look()
    assert sorted(seen["results"]) == sorted(seen["processed"]) == ["a.log", "c.log"]
    assert sorted(seen["failed"]) == ["b.log", "b.log.error.json"]
    assert seen["litter"] == []


@pytest.mark.parametrize("others", [0, 1, 10])
def test_records_about_earlier_inputs_of_these_names_are_forgotten(place: Place, others: int) -> None:
    names = [*NAMES, *(f"o{number}.log" for number in range(others))]
    for name in names[len(NAMES) :]:
        place.put(f"unprocessed/{name}", name + "\n")
    place.put(".fproc/late/b.log", "of an earlier b.log")
    place.put(".fproc/late/z.log", "of another input")
    place.perform(*names)
    check_done(place, *names)
    assert os.listdir(place.folder / ".fproc/late") == ["z.log"]


def test_a_lost_folder_of_records_about_earlier_inputs_holds_nothing_up(place: Place) -> None:
    names = [*NAMES, *(f"o{number}.log" for number in range(FEW))]
    for name in names[len(NAMES) :]:
        place.put(f"unprocessed/{name}", name + "\n")
    os.rmdir(place.folder / ".fproc/late")
    place.perform(*names)
    check_done(place, *names)


def test_results_of_one_name_get_numbers(tmp_path: Path) -> None:
    nodes: list[dict[str, Any]] = [{"tag": "start", "type": "write", "config": {"file": "all.log"}}]
    place = Place(tmp_path / "w", nodes=nodes)
    for name in NAMES:
        place.put(f"unprocessed/{name}", name + "\n")
    found = place.perform(*NAMES)
    assert [value.event.results for value in found.values()] == [("all.log",), ("all~2.log",), ("all~3.log",)]
    seen = place.look()
    assert seen["results"] == {"all.log": "a.log\n", "all~2.log": "b.log\n", "all~3.log": "c.log\n"}
    assert seen["litter"] == []


def test_results_of_one_name_replace_each_other_where_that_is_wanted(tmp_path: Path) -> None:
    nodes: list[dict[str, Any]] = [{"tag": "start", "type": "write", "config": {"file": "all.log"}}]
    place = Place(tmp_path / "w", nodes=nodes, on_conflict="replace")
    for name in NAMES:
        place.put(f"unprocessed/{name}", name + "\n")
    place.perform(*NAMES)
    assert place.look()["results"] == {"all.log": "c.log\n"}


def test_a_part_that_someone_meddled_with_fails_its_file_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_parts = Staging.open_parts

    def meddle(self: Staging) -> list[tuple[Part, int]]:
        for name, part in self.parts.items():
            if name == "b.log":
                Path(part.path).write_text("mine")
        return open_parts(self)

    monkeypatch.setattr(Staging, "open_parts", meddle)
    found = place.perform(*NAMES)
    assert found["b.log"].verdict is Verdict.FAIL
    assert "someone else has changed or removed the part" in found["b.log"].event.error
    assert {found["a.log"].verdict, found["c.log"].verdict} == {Verdict.COMMIT}
    assert place.look()["litter"] == []


def test_a_job_folder_that_is_taken_away_loses_its_file_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = Staging.flush

    def meddle(self: Staging) -> None:
        flush(self)
        if "b.log" in self.parts and os.path.exists(place.folder / ".fproc/jobs/b.log"):
            os.rmdir(place.folder / ".fproc/jobs/b.log")

    monkeypatch.setattr(Staging, "flush", meddle)
    assert place.verdicts(*NAMES) == {"a.log": Verdict.COMMIT, "b.log": Verdict.LOST, "c.log": Verdict.COMMIT}
    assert sorted(place.look()["underprocess"]) == ["b.log"]


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("lock_new", "b.log"),
        ("begin_move", "unprocessed/b.log"),
        ("open_to_sync", "b.log"),
        ("begin_move", "underprocess/b.log', '/"),
    ],
)
def test_a_name_that_the_disk_refuses_troubles_no_other(place: Place, method: str, what: str) -> None:
    place.disk.refused = (method, what, errno.ENOTDIR)
    found = place.perform(*NAMES)
    assert {found["a.log"].verdict, found["c.log"].verdict} == {Verdict.COMMIT}
    trouble = found["b.log"]
    assert isinstance(trouble, Trouble) or trouble.verdict is Verdict.WAIT
    place.disk.refused = None
    place.perform("b.log")
    place.perform("b.log", why=Why.ORPHAN)
    check_done(place, *NAMES)


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("sync_folder", "underprocess"),
        ("sync_folder", "unprocessed"),
        ("sync_folder", ".stage"),
        ("create_unnamed", "commits"),
        ("write", "decisions"),
        ("give_name", "c.log"),
        ("sync_folder", "commits"),
        ("sync_folder", "results"),
        ("sync_folder", "processed"),
        ("unlink", "commits"),
    ],
)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_refuses_what_is_shared_costs_no_file_anything(
    place: Place, method: str, what: str, code: int
) -> None:
    place.disk.refused = (method, what, code)
    for value in place.perform(*NAMES).values():
        assert isinstance(value, Trouble) or value.verdict is Verdict.PAUSE
    place.disk.refused = None
    for name in place.spool.orphans((), deep=True):
        place.perform(name, why=Why.ORPHAN)
    place.perform(*[name for name in NAMES if place.spool.is_waiting(name)])
    check_done(place, *NAMES)


@pytest.mark.parametrize(
    ("method", "code"), [("create_unnamed", errno.EOPNOTSUPP), ("give_name", errno.ENOENT)]
)
def test_where_files_without_names_are_not_to_be_had_each_commits_alone(
    place: Place, method: str, code: int
) -> None:
    place.disk.refused = (method, "", code)
    assert set(place.verdicts(*NAMES).values()) == {Verdict.COMMIT}
    check_done(place, *NAMES)


def test_an_input_whose_job_is_known_is_claimed_alone_with_what_is_known(place: Place) -> None:
    place.put(".fproc/jobs/b.log/attempts.json", json.dumps({"attempts": 2, "not_before": 0}))
    place.put(f"results/.stage/{os.listdir(place.folder / 'results/.stage')[0]}/{part_prefix('c.log')}x-0")
    assert set(place.verdicts(*NAMES).values()) == {Verdict.COMMIT}
    check_done(place, *NAMES)


def after_a_crash(place: Place) -> Place:
    """Three files whose owner has died right after it had decided about two of them."""
    disk = BrokenDisk(10**9)
    spool = Spool(place.plan.config, disk=disk)
    found = spool.claim_all(NAMES)
    sealed: dict[Claim, FileStamp] = {}
    for name, claim in found.items():
        assert isinstance(claim, Claim)
        claim.staging.write(name, name)
        claim.staging.flush()
        sealed[claim] = FileStamp.of(os.stat(claim.path))
    give_name = disk.give_name

    def die_at_the_third(descriptor: int, path: str) -> None:
        if path.endswith("c.log"):
            disk.calls_left = 0
        give_name(descriptor, path)

    disk.give_name = die_at_the_third  # type: ignore[method-assign]
    with pytest.raises(Crash):
        spool.commit_all(sealed, replace_results=False)
    disk.die()
    assert sorted(os.listdir(place.folder / ".fproc/commits")) == ["a.log", "b.log"]
    return place


def test_what_was_decided_together_is_carried_out_one_by_one(place: Place) -> None:
    after_a_crash(place)
    assert sorted(place.spool.orphans(())) == NAMES
    found = {name: place.spool.adopt(name) for name in NAMES[:2]}
    assert found == {name: RolledForward(name, succeeded=True, results=(name,)) for name in NAMES[:2]}
    assert place.perform("c.log", why=Why.ORPHAN)["c.log"].verdict is Verdict.COMMIT
    check_done(place, *NAMES)


def test_a_second_file_of_a_decided_name_waits_for_the_first(place: Place) -> None:
    after_a_crash(place)
    place.put("unprocessed/a.log", "second\n")
    place.perform("a.log")
    place.perform("a.log")
    seen = place.look()
    assert (seen["processed"]["a.log"], seen["processed"]["a~2.log"]) == ("a.log\n", "second\n")
    assert (seen["results"]["a.log"], seen["results"]["a~2.log"]) == ("a.log\n", "second\n")


def test_a_record_that_is_not_fproc_s_decides_nothing(place: Place) -> None:
    place.put(".fproc/commits/a.log", "[]")
    place.put(".fproc/commits/b.log", json.dumps({"version": 1, "decisions": {"other": {}}}))
    assert set(place.verdicts(*NAMES).values()) == {Verdict.COMMIT}
    check_done(place, *NAMES)


def test_a_file_that_is_alone_is_reported_as_it_was_given(place: Place) -> None:
    [report] = perform_all(
        place.spool, place.plan, [Task("a.log", Why.NEW)], RunContext(), place.begun.append
    )
    assert isinstance(report, Report)
    assert isinstance(report.value, Outcome)


class MeddlingDisk(Disk):
    """A disk on which something happens before, or after, the decision about `b.log` gets its name."""

    def __init__(self, meddle: Callable[[], None], *, is_before: bool) -> None:
        super().__init__(power=True)
        self.meddle = meddle
        self.is_before = is_before
        self.has_meddled = False

    def give_name(self, descriptor: int, path: str) -> None:
        is_it = path.endswith("b.log") and not self.has_meddled
        self.has_meddled |= is_it
        if is_it and self.is_before:
            self.meddle()
        super().give_name(descriptor, path)
        if is_it and not self.is_before:
            self.meddle()


@pytest.mark.parametrize("is_before", [True, False], ids=["before it is decided", "after"])
@pytest.mark.parametrize("is_taken_over", [True, False], ids=["taken over", "not yet taken over"])
def test_a_file_whose_job_folder_is_removed_while_its_group_decides_is_decided_once(
    place: Place, *, is_before: bool, is_taken_over: bool
) -> None:
    """An operator removes the folder, and then another instance takes the file over and works on it."""
    held: list[Claim] = []

    def meddle() -> None:
        os.rmdir(place.folder / ".fproc/jobs/b.log")
        if is_taken_over:
            taken = Spool(place.plan.config).adopt("b.log", is_orphan=True)
            if isinstance(taken, Claim):
                held.append(taken)

    place.disk = MeddlingDisk(meddle, is_before=is_before)  # type: ignore[assignment]
    place.spool = Spool(place.plan.config, disk=place.disk)
    found = place.perform(*NAMES)
    assert {found["a.log"].verdict, found["c.log"].verdict} == {Verdict.COMMIT}
    for claim in held:
        assert attempt.process_claim(claim, place.plan).verdict is Verdict.COMMIT
    place.perform("b.log", why=Why.ORPHAN)
    check_done(place, *NAMES)


def test_a_commit_record_of_a_late_owner_does_not_block_the_next_one(place: Place) -> None:
    def meddle() -> None:
        (place.folder / ".fproc/commits/b.log").write_text("of a late owner")

    place.disk = MeddlingDisk(meddle, is_before=True)  # type: ignore[assignment]
    place.spool = Spool(place.plan.config, disk=place.disk)
    assert set(place.verdicts(*NAMES).values()) == {Verdict.COMMIT}
    check_done(place, *NAMES)
