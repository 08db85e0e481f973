"""Claiming, adopting and settling inputs, among other instances and what people do by hand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.base.errors import LostClaimError
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Claim
from fproc.spool.job.job import RolledForward
from tests.support.spool.claims import Place, commit, owned
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.dropping import seen_by


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def test_a_claim_moves_the_input_and_a_commit_publishes_and_archives_it(place: Place) -> None:
    place.put("unprocessed/x.log")
    claim = owned(place.spool.claim("x.log"))
    assert (claim.name, claim.attempts) == ("x.log", 0)
    assert claim.path == str(place.folder / "underprocess" / "x.log")
    assert (place.has("unprocessed/x.log"), place.has("underprocess/x.log")) == (False, True)
    assert commit(claim) == RolledForward("x.log", succeeded=True, results=("x.log",))
    seen = place.look()
    assert (seen["processed"], seen["results"]) == ({"x.log": "a\n"}, {"x.log": "A\n"})
    assert (seen["unprocessed"], seen["underprocess"], seen["failed"], seen["litter"]) == ({}, {}, {}, [])


def test_nothing_is_overwritten_and_everything_of_a_second_file_has_its_number(place: Place) -> None:
    for number in (1, 2, 3):
        place.put("unprocessed/x.log", f"{number}\n")
        claim = owned(place.spool.claim("x.log"))
        claim.reject(b'"%d"\n' % number)
        commit(claim, f"R{number}")
    seen = place.look()
    assert seen["processed"] == {"x.log": "1\n", "x~2.log": "2\n", "x~3.log": "3\n"}
    assert seen["results"] == {"x.log": "R1\n", "x~2.log": "R2\n", "x~3.log": "R3\n"}
    assert seen["failed"] == {
        "x.log.rejected.jsonl": '"1"\n',
        "x~2.log.rejected.jsonl": '"2"\n',
        "x~3.log.rejected.jsonl": '"3"\n',
    }


def test_a_foreign_file_in_a_result_s_place_stays_and_the_result_gets_the_next_number(place: Place) -> None:
    place.put("results/x.log", "foreign\n")
    place.put("unprocessed/x.log")
    assert commit(owned(place.spool.claim("x.log"))).results == ("x~2.log",)
    assert place.look()["results"] == {"x.log": "foreign\n", "x~2.log": "A\n"}


def test_results_can_replace_earlier_ones_and_inputs_never_do(place: Place) -> None:
    for number in (1, 2):
        place.put("unprocessed/x.log", f"{number}\n")
        commit(owned(place.spool.claim("x.log")), f"R{number}", replace_results=True)
    seen = place.look()
    assert seen["results"] == {"x.log": "R2\n"}
    assert seen["processed"] == {"x.log": "1\n", "x~2.log": "2\n"}


def test_an_input_has_one_owner(place: Place) -> None:
    place.put("unprocessed/x")
    claim = owned(place.spool.claim("x"))
    other = place.instance()
    assert other.claim("x") is None
    assert other.adopt("x") is None
    assert place.spool.adopt("x") is None
    claim.release()
    assert owned(other.adopt("x")).path == claim.path


MOST = 300.0
"""The default of `backoff_max_seconds`."""


@pytest.mark.parametrize(
    ("ahead", "wait"), [(60, 60), (MOST, MOST), (MOST + 1, MOST), (4 * 365 * 86400, MOST), (0, 0), (-60, 0)]
)
def test_no_retry_waits_longer_than_the_longest_delay_whenever_it_was_written(
    place: Place, ahead: float, wait: float
) -> None:
    place.put("unprocessed/x")
    owned(place.spool.claim("x")).retry(place.now + ahead)
    taken = place.spool.adopt("x")
    if not wait:
        owned(taken)
        return
    assert taken == NotYet(place.now + ahead)
    assert isinstance(taken, NotYet)
    assert taken.wait_seconds == wait


def test_who_has_waited_for_a_retry_takes_it_up_whatever_the_clock_says(place: Place) -> None:
    place.put("unprocessed/x")
    owned(place.spool.claim("x")).retry(place.now + 60)
    waited_for = place.now + 60
    place.now -= 3600
    assert isinstance(place.spool.adopt("x"), NotYet)
    assert isinstance(place.spool.adopt("x", waited_for=waited_for + 1), NotYet)  # for another one
    assert owned(place.spool.adopt("x", waited_for=waited_for)).attempts == 1


def test_a_second_file_of_a_name_waits_while_the_first_waits_for_its_retry(place: Place) -> None:
    place.put("unprocessed/x", "first\n")
    owned(place.spool.claim("x")).retry(place.now + 60)
    place.put("unprocessed/x", "second\n")
    for spool in (place.spool, place.instance()):
        assert spool.claim("x") is None
        assert spool.adopt("x") == NotYet(1060.0)
    place.now += 60
    first = owned(place.spool.adopt("x"))
    assert (Path(first.path).read_text(), first.attempts) == ("first\n", 1)
    assert place.spool.claim("x") is None
    commit(first, "R1")
    second = owned(place.spool.claim("x"))
    assert (Path(second.path).read_text(), second.attempts) == ("second\n", 0)
    commit(second, "R2")
    assert place.look()["results"] == {"x": "R1\n", "x~2": "R2\n"}


def test_attempts_are_counted_across_instances_and_a_release_costs_none(place: Place) -> None:
    place.put("unprocessed/x")
    owned(place.spool.claim("x")).retry(0)
    for attempts in (1, 2, 3):
        released = owned(place.instance().adopt("x"))
        assert released.attempts == attempts
        released.release()
        owned(place.instance().adopt("x")).retry(0)
    assert owned(place.instance().adopt("x")).attempts == 4


def test_what_a_dead_owner_had_not_decided_starts_over_without_its_parts(place: Place) -> None:
    place.put("unprocessed/x")
    disk = BrokenDisk(10**9)
    claim = owned(place.instance(disk).claim("x"))
    claim.staging.write("x", "half")
    claim.staging.flush()
    claim.reject(b"{}\n")
    disk.die()
    again = owned(place.spool.adopt("x"))
    commit(again, "whole")
    seen = place.look()
    assert (seen["results"], seen["failed"], seen["litter"]) == ({"x": "whole\n"}, {}, [])


def decided_by_a_dead_owner(place: Place, *, until: str) -> None:
    """Leave what an owner leaves that dies before a call whose description has `until` in it."""
    for calls in range(8, 200):
        place.put("unprocessed/x", "original\n")
        disk = BrokenDisk(10**9)
        claim = owned(place.instance(disk).claim("x"))
        disk.calls_left = calls
        try:
            commit(claim)
        except Crash:
            disk.die()
        if until in disk.broke_at and place.has(".fproc/jobs/x/commit.json"):
            return
        shutil.rmtree(place.folder)
        place.spool = place.instance()
    raise AssertionError(f"no call has {until!r} in it")


def test_what_a_dead_owner_had_decided_is_carried_out_and_never_redone(place: Place) -> None:
    decided_by_a_dead_owner(place, until="move")
    assert place.spool.claim("x") is None
    assert place.instance().adopt("x") == RolledForward("x", succeeded=True, results=("x",))
    seen = place.look()
    assert (seen["results"], seen["processed"], seen["litter"]) == ({"x": "A\n"}, {"x": "original\n"}, [])


def test_a_file_put_under_a_decided_record_by_hand_is_left_alone_and_processed_itself(place: Place) -> None:
    decided_by_a_dead_owner(place, until="unlink")
    assert place.look()["processed"] == {"x": "original\n"}
    place.put("underprocess/x", "by hand\n")
    assert isinstance(place.spool.adopt("x"), RolledForward)
    assert place.look()["underprocess"] == {"x": "by hand\n"}
    commit(owned(place.spool.adopt("x")), "H")
    seen = place.look()
    assert seen["processed"] == {"x": "original\n", "x~2": "by hand\n"}
    assert (seen["results"], seen["litter"]) == ({"x": "A\n", "x~2": "H\n"}, [])


FOREIGN = {
    "empty": "",
    "torn": '{"version": 1, "stamp": {"inode": 1,',
    "not JSON": "hello",
    "not ASCII": "\xe9",
    "a list": "[]",
    "null": "null",
    "keys missing": '{"version": 1}',
    "unknown keys": '{"version": 1, "stamp": {"inod": 1}, "publications": [], "archive": {}}',
    "wrong sections": '{"version": 1, "stamp": 5, "publications": {}, "archive": []}',
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("where", ["underprocess", "unprocessed"])
def test_a_record_that_fproc_cannot_have_written_is_ignored(place: Place, where: str, text: str) -> None:
    place.put(f"{where}/x")
    place.put(".fproc/jobs/x/commit.json", text)
    taken = place.spool.adopt("x") if where == "underprocess" else place.spool.claim("x")
    claim = owned(taken)
    assert not place.has(".fproc/jobs/x/commit.json")
    commit(claim)
    seen = place.look()
    assert (seen["results"], seen["processed"], seen["litter"]) == ({"x": "A\n"}, {"x": "a\n"}, [])


def test_a_record_of_another_version_is_left_to_that_version(place: Place) -> None:
    place.put("underprocess/x")
    place.put(".fproc/jobs/x/commit.json", '{"version": 99}')
    with pytest.raises(OSError, match="decided by another version of fproc"):
        place.spool.adopt("x")
    assert place.look()["underprocess"] == {"x": "a\n"}
    assert place.has(".fproc/jobs/x/commit.json")


ENDINGS: dict[str, Callable[[Claim], object]] = {
    "commit": lambda claim: commit(claim, "late"),
    "bury": lambda claim: claim.bury({"reason": "late"}),
    "retry": lambda claim: claim.retry(1e12),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("remade", [False, True])
def test_a_late_owner_whose_job_folder_was_removed_decides_nothing(
    place: Place, ending: str, *, remade: bool
) -> None:
    place.put("unprocessed/x")
    late = owned(place.spool.claim("x"))
    shutil.rmtree(place.folder / ".fproc" / "jobs" / "x")
    successor = owned(place.instance().adopt("x")) if remade else None
    if successor:
        successor.reject(b'"set aside"\n')
    with pytest.raises(LostClaimError, match="its job folder was removed"):
        ENDINGS[ending](late)
    late.release()
    assert place.look()["results"] == {}
    if successor:
        assert place.instance().adopt("x") is None  # its lock is its own
    commit(successor or owned(place.instance().adopt("x")), "next")
    seen = place.look()
    assert (seen["results"], seen["processed"]) == ({"x": "next\n"}, {"x": "a\n"})
    assert seen["failed"] == ({"x.rejected.jsonl": '"set aside"\n'} if remade else {})
    assert (seen["underprocess"], seen["litter"]) == ({}, [])


def test_what_is_left_over_is_found_and_nothing_else(place: Place) -> None:
    place.put("underprocess/by hand")
    place.put("underprocess/x.tmp")
    place.put("unprocessed/new")
    place.put(".fproc/jobs/stale/attempts.json")
    (place.folder / "underprocess" / "link").symlink_to("by hand")
    assert place.spool.orphans([]) == {"by hand": ""}
    assert place.spool.orphans([], deep=True) == {"by hand": "", "stale": ""}
    assert place.spool.adopt("stale") is None
    assert place.spool.orphans([], deep=True) == {"by hand": ""}
    assert place.spool.orphans(["by hand"], deep=True) == {}


def test_a_marker_goes_with_its_file_and_a_later_one_stays(place: Place) -> None:
    spool = place.instance(ready="marker")
    place.put("unprocessed/x")
    place.put("unprocessed/x.done", "")
    claim = owned(spool.claim("x"))
    assert os.listdir(place.folder / "unprocessed") == []
    place.put("unprocessed/x.done", "the next one's")
    claim.release()
    commit(owned(spool.adopt("x")))
    assert place.look()["unprocessed"] == {"x.done": "the next one's"}


def test_a_file_whose_marker_has_gone_again_is_not_claimed(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("unprocessed/x")
    assert place.instance(ready="marker").claim("x") is None
    assert place.has("unprocessed/x")
    assert place.jobs() == []


def test_a_spool_without_inputs_is_still_empty_until_one_lies_in_underprocess(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: str) -> None:
        raise OSError("the disk refuses")

    underprocess = place.folder / "underprocess"
    for folder in (underprocess, place.folder / "unprocessed"):
        os.utime(folder, (1, 1))
    seen_by(place.spool.look)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(OSError, match="the disk refuses"):
            place.spool.orphans([])
    assert not place.spool.is_still_empty()
    place.spool.orphans([])
    assert place.spool.is_still_empty()
    place.put("underprocess/x.log")
    assert not place.spool.is_still_empty()
    os.utime(underprocess, (1, 1))
    place.spool.orphans([])
    assert not place.spool.is_still_empty()
