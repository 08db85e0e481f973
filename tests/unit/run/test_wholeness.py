"""Inputs that someone writes to while they are read: released at no cost, and read again once quiet."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.base.values import replace
from fproc.run import attempt, wholeness
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Claim
from fproc.spool.readiness.evidence import Evidence
from fproc.spool.spool import Spool
from tests.support.helpers import as_user, plan_of
from tests.support.programs.running import NOBODY

NOW = 1_000_000.0
WHOLE = gzip.compress(b"one\ntwo\n", mtime=0)


def write_more(line: str, path: str) -> str:
    if line == "one":
        with open(path, "a", encoding="utf-8") as file:
            file.write("more\n")
    return line


def need_an_end(line: str) -> str:
    if not line.endswith(";"):
        raise ValueError(f"{line!r} has no end")
    return line


class Place:
    """One input in a spool, and a clock."""

    def __init__(self, folder: Path, name: str = "x.log", type_: str = "trim", **options: Any) -> None:
        self.folder = folder
        self.name = name
        self.now = NOW
        self.intake = {"ready": "auto", "settle_seconds": 1, "settle_unknown_seconds": 10}
        self.nodes = [{"tag": "start", "type": type_, "config": options, "next": "end"}]
        self.around = RunContext(clock=lambda: self.now)
        self.put(b"")

    @property
    def input(self) -> Path:
        return self.folder / "underprocess" / self.name

    def spool(self) -> Spool:
        plan = plan_of(self.nodes, watch_dir=str(self.folder), intake=self.intake)
        return Spool(plan.config, disk=Disk(power=False), clock=lambda: self.now)

    def put(self, data: bytes) -> None:
        self.spool()
        Path(self.folder, "unprocessed", self.name).write_bytes(data)

    def take(self) -> Claim:
        taken = self.adopt() if self.input.exists() else self.spool().claim(self.name)
        assert isinstance(taken, Claim)
        return taken

    def adopt(self) -> object:
        """What another instance gets, which remembers nothing but what lies on the disk."""
        return self.spool().adopt(self.name)

    def run(self, **around: Any) -> Outcome:
        plan = plan_of(self.nodes, watch_dir=str(self.folder), intake=self.intake)
        return attempt.process_claim(self.take(), plan, replace(self.around, **around))

    def results(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.folder / "results").iterdir() if path.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell who writes to the input, as if it were another user's."""
    monkeypatch.setattr(wholeness, "evidence_of", lambda _descriptor, _path: Evidence.UNKNOWN)
    monkeypatch.setattr("fproc.spool.spool.evidence_at", lambda _path: Evidence.UNKNOWN)


def test_a_file_that_someone_has_open_after_the_run_is_left_and_taken_once_that_is_over(place: Place) -> None:
    place.put(b"one\n")
    with Path(place.folder, "unprocessed", place.name).open("ab", buffering=0) as writer:
        outcome = place.run()
        assert (outcome.verdict, outcome.event.attempt, outcome.retry_seconds) == (Verdict.CHANGED, 0, 1)
        assert outcome.event.error.startswith("was written to while it was read")
        assert place.adopt() == NotYet(NOW + 1)
        place.now += 5
        assert place.adopt() == NotYet(place.now + 1)
        writer.write(b"two\n")
    place.now += 1
    assert place.adopt() == NotYet(place.now + 1)
    place.now += 1
    assert place.run().verdict is Verdict.COMMIT
    assert place.results() == {"x.log": "one\ntwo\n"}


def test_a_file_that_grows_again_and_again_is_read_again_without_end_and_never_fails(tmp_path: Path) -> None:
    path = str(tmp_path / "underprocess" / "x.log")
    place = Place(tmp_path, type_=f"{__name__}.write_more", path=path)
    place.put(b"one\n")
    for _ in range(10):
        outcome = place.run()
        assert (outcome.verdict, outcome.event.attempt) == (Verdict.CHANGED, 0)
        place.now += 1
    place.nodes[0]["type"], place.nodes[0]["config"] = "trim", {}
    assert place.run().event.attempt == 1
    assert place.results() == {"x.log": "one\n" + "more\n" * 10}


@pytest.mark.usefixtures("untold")
def test_where_nobody_can_tell_it_has_to_stay_as_it_is_for_longer(tmp_path: Path) -> None:
    path = str(tmp_path / "underprocess" / "x.log")
    place = Place(tmp_path, type_=f"{__name__}.write_more", path=path)
    place.put(b"one\n")
    assert place.run().retry_seconds == 10
    assert place.adopt() == NotYet(NOW + 10)
    place.now += 10
    with place.input.open("a") as file:
        file.write("later\n")
    os.utime(place.input, (1e9, 1e9))
    assert place.adopt() == NotYet(place.now + 10)
    place.now += 10
    assert isinstance(place.adopt(), Claim)


def test_a_record_cut_in_two_by_a_writer_that_goes_on_does_not_fail_the_file(tmp_path: Path) -> None:
    place = Place(tmp_path, type_=f"{__name__}.need_an_end")
    place.put(b"one;\ntw")
    with Path(place.folder, "unprocessed", place.name).open("ab", buffering=0) as writer:
        outcome = place.run()
        assert (outcome.verdict, "'tw' has no end" in outcome.event.error) == (Verdict.CHANGED, True)
        writer.write(b"o;\n")
    place.now += 1
    place.adopt()
    place.now += 1
    assert place.run().verdict is Verdict.COMMIT
    assert place.results() == {"x.log": "one;\ntwo;\n"}


@pytest.mark.usefixtures("untold")
def test_half_of_a_compressed_file_is_read_again_once_it_may_be_whole(tmp_path: Path) -> None:
    place = Place(tmp_path, "x.log.gz")
    place.put(WHOLE[:-9])
    outcome = place.run()
    assert (outcome.verdict, outcome.event.attempt, outcome.retry_seconds) == (Verdict.CHANGED, 0, 10)
    assert "nobody can tell whether it is still being written" in outcome.event.error
    place.input.write_bytes(WHOLE)
    place.now += 10
    assert place.adopt() == NotYet(place.now + 10)
    place.now += 10
    assert place.run().verdict is Verdict.COMMIT
    assert place.results() == {"x.log": "one\ntwo\n"}


@pytest.mark.usefixtures("untold")
def test_a_compressed_file_that_stays_cut_off_fails_in_the_end(tmp_path: Path) -> None:
    place = Place(tmp_path, "x.log.gz")
    place.put(WHOLE[:-9])
    assert place.run().verdict is Verdict.CHANGED
    place.now += 10
    outcome = place.run()
    assert (outcome.verdict, outcome.event.attempt) == (Verdict.FAIL, 1)
    assert outcome.event.error.startswith("is not a whole gzip file")


def test_a_cut_off_compressed_file_that_nobody_writes_to_fails_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path, "x.log.gz")
    place.put(WHOLE[:-9])
    assert place.run().verdict is Verdict.FAIL


@pytest.mark.usefixtures("untold")
def test_what_the_kernel_saw_closed_is_whole_or_fails_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path, "x.log.gz")
    place.put(WHOLE[:-9])
    assert place.run(was_closed=True).verdict is Verdict.FAIL


def test_a_claim_knows_at_its_end_what_can_be_told_of_writers(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends_as(evidence: Evidence, *, was_closed: bool = False) -> Evidence:
        monkeypatch.setattr(wholeness, "evidence_of", lambda _descriptor, _path: evidence)
        place.put(b"one\n")
        claim = place.take()
        plan = plan_of(place.nodes, watch_dir=str(place.folder), intake=place.intake)
        outcome = attempt.process_claim(claim, plan, replace(place.around, was_closed=was_closed))
        assert outcome.verdict is Verdict.COMMIT
        return claim.writers

    assert ends_as(Evidence.NOBODY_WRITES) is Evidence.NOBODY_WRITES
    assert ends_as(Evidence.UNKNOWN) is Evidence.UNKNOWN
    assert ends_as(Evidence.UNKNOWN, was_closed=True) is Evidence.NOBODY_WRITES


@pytest.mark.parametrize("ready", ["stable", "rename"])
def test_in_other_modes_a_file_that_changed_waits_for_the_settle_time(tmp_path: Path, ready: str) -> None:
    path = str(tmp_path / "underprocess" / "x.log")
    place = Place(tmp_path, type_=f"{__name__}.write_more", path=path)
    place.intake["ready"] = ready
    place.put(b"one\n")
    with Path(place.folder, "unprocessed", place.name).open("ab"):
        assert place.run().retry_seconds == 1
        place.now += 1
        assert isinstance(place.adopt(), Claim)  # nobody is asked who has it open


def test_without_a_settle_time_it_is_not_read_over_and_over_either(tmp_path: Path) -> None:
    path = str(tmp_path / "underprocess" / "x.log")
    place = Place(tmp_path, type_=f"{__name__}.write_more", path=path)
    place.intake["settle_seconds"] = 0
    place.put(b"one\n")
    assert place.run().retry_seconds == 0.1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_an_input_that_may_not_be_read_waits_until_it_may(memory_path: Path) -> None:
    memory_path.chmod(0o755)
    place = Place(memory_path)
    place.put(b"one\n")
    claim = place.take()
    place.input.chmod(0o600)
    plan = plan_of(place.nodes, watch_dir=str(place.folder), intake=place.intake)
    with as_user(NOBODY):
        ran = attempt.run_claim(claim, plan, place.around)
    outcome = attempt.end_run(ran, plan, place.around)
    assert (outcome.verdict, "Permission denied" in outcome.event.error) == (Verdict.WAIT, True)
    assert place.run().event.attempt == 1


def test_why_says_that_it_was_being_written(place: Place) -> None:
    place.put(b"one\n")
    with Path(place.folder, "unprocessed", place.name).open("ab", buffering=0):
        place.run()
        plan = plan_of(place.nodes, watch_dir=str(place.folder), intake=place.intake)
        status = SpoolStatus(plan.config, clock=lambda: place.now)
        [found] = status.why(place.name)
        assert found.why.startswith("was written to while it was read; it is read again once it is quiet")
