"""Inputs that lost lines run again, and their results take the place of those before, and of no others."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import InputError
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import put_back_all
from fproc.spool.job.claim import Claim
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, Crash, look

STRICT: list[dict[str, Any]] = [
    {"tag": "start", "type": user("reject_bad"), "next": ["end", "all"]},
    {"tag": "all", "type": "write", "config": {"file": "{stem}.all"}},
]
LENIENT: list[dict[str, Any]] = [{**STRICT[0], "type": "uppercase"}, STRICT[1]]
FAILING: list[dict[str, Any]] = [{**STRICT[0], "type": user("fail_on_bad")}, STRICT[1]]


class Place:
    """A spool, whose pipeline may change from run to run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def spool(self, nodes: list[dict[str, Any]], disk: Disk | None = None) -> Spool:
        self.plan = plan_of(nodes, watch_dir=str(self.folder), intake={"ready": "rename"})
        self.config = self.plan.config
        return Spool(self.config, disk=disk or Disk(power=False))

    def drop(self, data: str, name: str = "x.log") -> None:
        (self.folder / "unprocessed" / name).write_text(data)

    def run(
        self,
        nodes: list[dict[str, Any]],
        data: str | None = None,
        name: str = "x.log",
        *,
        disk: Disk | None = None,
    ) -> Outcome:
        spool = self.spool(nodes, disk)
        if data is not None:
            self.drop(data, name)
        [taken] = spool.claim_all([name]).values()
        assert isinstance(taken, Claim)
        ran = attempt.run_claim(taken, self.plan, RunContext())
        if ran.error is None and spool.can_commit_together(taken):
            return attempt.end_runs([ran], spool, self.plan, RunContext())[0]
        return attempt.end_run(ran, self.plan, RunContext())

    def retry(self, *names: str) -> None:
        moved, refused = put_back_all(self.config, Disk(power=False), names)
        for error in refused.values():
            raise error
        assert moved == [*names]

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def test_a_file_with_rejects_runs_again_and_replaces_its_results(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    assert place.look()["results"] == {"x.log": "a\n", "x.all": "a\n"}
    place.retry("x.log")
    seen = place.look()
    assert (seen["unprocessed"], seen["processed"]) == ({"x.log": "a\nbad\n"}, {})
    assert seen["results"] == {"x.log": "a\n", "x.all": "a\n"}
    assert place.run(LENIENT).verdict is Verdict.COMMIT
    seen = place.look()
    assert seen["results"] == {"x.log": "A\nBAD\n", "x.all": "A\nBAD\n"}
    assert (seen["processed"], seen["failed"], seen["litter"]) == ({"x.log": "a\nbad\n"}, {}, [])


def test_a_file_that_was_fixed_by_hand_counts_as_the_same(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    archived = place.folder / "processed/x.log"
    archived.unlink()
    archived.write_text("a\nfixed\n")
    place.retry("x.log")
    place.run(STRICT)
    seen = place.look()
    assert (seen["results"]["x.log"], seen["failed"]) == ("a\nfixed\n", {})
    assert list(seen["processed"]) == ["x.log"]


def test_what_is_set_aside_again_replaces_what_was_set_aside_before(place: Place) -> None:
    place.run(STRICT, "a\nbad\nbad too\n")
    (place.folder / "processed/x.log").write_text("a\nbad\nb\n")
    place.retry("x.log")
    place.run(STRICT)
    seen = place.look()
    assert list(seen["failed"]) == ["x.log.rejected.jsonl"]
    assert [json.loads(line)["line_no"] for line in seen["failed"]["x.log.rejected.jsonl"].splitlines()] == [
        2
    ]
    place.retry("x.log")
    place.run(LENIENT)
    assert place.look()["results"]["x.log"] == "A\nBAD\nB\n"


def test_the_second_file_of_a_name_replaces_its_own_results_and_keeps_its_number(place: Place) -> None:
    place.run(STRICT, "first\n")
    place.run(STRICT, "second\nbad\n")
    place.retry("x~2.log")
    assert list(place.look()["unprocessed"]) == ["x.log"]
    place.run(LENIENT)
    seen = place.look()
    assert seen["results"] == {
        "x.log": "first\n",
        "x.all": "first\n",
        "x~2.log": "SECOND\nBAD\n",
        "x~2.all": "SECOND\nBAD\n",
    }
    assert seen["processed"] == {"x.log": "first\n", "x~2.log": "second\nbad\n"}


def test_results_that_several_inputs_share_the_name_of_are_told_apart(place: Place) -> None:
    nodes = [STRICT[0], {**STRICT[1], "config": {"file": "all"}}]
    place.run(nodes, "a\n", "a.log")
    place.run(nodes, "b\nbad\n", "b.log")
    assert place.look()["results"]["all~2"] == "b\n"
    place.retry("b.log")
    place.run([LENIENT[0], nodes[1]], name="b.log")
    results = place.look()["results"]
    assert (results["all"], results["all~2"]) == ("a\n", "B\nBAD\n")
    assert sorted(results) == ["a.log", "all", "all~2", "b.log"]


def test_a_result_that_someone_has_put_in_the_place_is_left_alone(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    result = place.folder / "results/x.log"
    result.unlink()
    result.write_text("somebody's")
    place.retry("x.log")
    place.run(LENIENT)
    results = place.look()["results"]
    assert (results["x.log"], results["x~2.log"], results["x.all"]) == ("somebody's", "A\nBAD\n", "A\nBAD\n")


def test_a_result_that_is_not_made_any_more_is_named(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.run(STRICT, "a\nbad\n")
    place.retry("x.log")
    place.run([{**LENIENT[0], "next": "end"}])
    assert "x.all is of the run before; this one makes no such result" in caplog.text
    assert place.look()["results"] == {"x.log": "A\nBAD\n", "x.all": "a\n"}


def test_a_run_that_fails_replaces_nothing_and_its_retry_replaces_still(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    place.retry("x.log")
    assert place.run(FAILING).verdict is Verdict.FAIL
    seen = place.look()
    assert seen["results"]["x.log"] == "a\n"
    assert sorted(seen["failed"]) == ["x.log", "x.log.error.json"]
    place.retry("x.log")
    place.run(LENIENT)
    seen = place.look()
    assert (seen["results"]["x.log"], seen["failed"], seen["litter"]) == ("A\nBAD\n", {}, [])
    assert sorted(seen["results"]) == ["x.all", "x.log"]


def test_a_note_says_nothing_about_a_later_file_of_the_name(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.run(STRICT, "a\nbad\n")
    place.retry("x.log")
    (place.folder / "unprocessed/x.log").unlink()
    place.run(LENIENT, "another\n")
    seen = place.look()
    assert (seen["results"]["x.log"], seen["results"]["x~2.log"]) == ("a\n", "ANOTHER\n")
    assert "x.log: is not the file that was put back to work; it replaces no results" in caplog.text
    assert seen["litter"] == []


def test_a_note_whose_input_never_came_goes(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    place.retry("x.log")
    spool = place.spool(STRICT)
    assert spool.adopt("x.log") is None
    assert os.listdir(place.folder / ".fproc/jobs") == ["x.log"]
    (place.folder / "unprocessed/x.log").rename(place.folder / "elsewhere")
    assert spool.adopt("x.log") is None
    assert place.look()["litter"] == []


def test_a_note_outlives_an_owner_who_dies(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    place.retry("x.log")
    spool = place.spool(LENIENT)
    claim = spool.claim("x.log")
    assert isinstance(claim, Claim)
    claim.release()
    again = spool.adopt("x.log", is_orphan=True)
    assert isinstance(again, Claim)
    assert attempt.process_claim(again, place.plan).verdict is Verdict.COMMIT
    assert place.look()["results"] == {"x.log": "A\nBAD\n", "x.all": "A\nBAD\n"}


def test_another_input_that_gets_the_name_in_the_archive_takes_the_record_away(place: Place) -> None:
    place.run(STRICT, "a\nbad\n")
    for path in ("processed/x.log", "results/x.log", "results/x.all"):
        (place.folder / path).unlink()
    place.run(STRICT, "later\n")
    assert sorted(place.look()["results"]) == ["x.all", "x.log"]
    with pytest.raises(InputError, match="is in processed/, and no line of it was set aside"):
        place.retry("x.log")


def test_a_name_as_long_as_names_can_be_is_no_matter(place: Place) -> None:
    name = "n" * 251 + ".log"
    place.run([{**STRICT[0], "next": "end"}], "a\nbad\n", name)
    place.retry(name)
    place.run([{**LENIENT[0], "next": "end"}], name=name)
    assert place.look()["results"] == {name: "A\nBAD\n"}


def test_what_cannot_be_put_back_says_why(place: Place) -> None:
    place.run(STRICT, "good\n", "good.log")
    place.run(STRICT, "a\nbad\n")
    for name, why in (
        ("good.log", "is in processed/, and no line of it was set aside"),
        ("none.log", "there is no such input in failed/"),
    ):
        with pytest.raises(InputError, match=why):
            place.retry(name)
    place.drop("waits\n")
    with pytest.raises(InputError, match="a file of that name is in unprocessed/ already"):
        place.retry("x.log")
    claim = place.spool(STRICT).claim("x.log")
    assert isinstance(claim, Claim)
    with pytest.raises(InputError, match="a file of that name is being worked on"):
        place.retry("x.log")
    claim.release()
    assert list(place.look()["processed"]) == ["good.log", "x.log"]


def test_a_crash_before_any_call_of_a_retry_loses_and_doubles_nothing(tmp_path: Path) -> None:
    points = 0
    for calls in itertools.count():
        place = Place(tmp_path / str(calls))
        place.run(STRICT, "a\nbad\n")
        disk = BrokenDisk(calls)
        try:
            put_back_all(place.config, disk, ["x.log"])
            break
        except Crash:
            points += 1
        finally:
            disk.die()
        if (place.folder / "processed/x.log").exists():
            place.spool(STRICT).adopt("x.log")
            place.retry("x.log")
        place.run(LENIENT)
        check_replaced(place)
    assert points > 5


@pytest.mark.parametrize("nodes", [LENIENT, STRICT], ids=["lenient", "strict"])
@pytest.mark.sweep
def test_a_crash_before_any_call_of_the_run_replaces_all_the_same(
    tmp_path: Path, nodes: list[dict[str, Any]]
) -> None:
    points = 0
    for calls in itertools.count():
        place = Place(tmp_path / str(calls))
        place.run([{**STRICT[0], "type": user("reject_bad_and_b")}, STRICT[1]], "good\nbad\nb\n")
        place.retry("x.log")
        disk = BrokenDisk(calls)
        try:
            place.run(nodes, disk=disk)
            break
        except Crash:
            points += 1
        finally:
            disk.die()
        spool = place.spool(nodes)
        taken = spool.claim("x.log") or spool.adopt("x.log", is_orphan=True)
        if isinstance(taken, Claim):
            assert attempt.process_claim(taken, place.plan).verdict is Verdict.COMMIT
        if nodes is LENIENT:
            check_replaced(place, "GOOD\nBAD\nB\n")
        else:
            seen = place.look()
            assert seen["results"] == {"x.log": "good\nb\n", "x.all": "good\nb\n"}
            assert list(seen["failed"]) == ["x.log.rejected.jsonl"]
            assert seen["failed"]["x.log.rejected.jsonl"].count("\n") == 1
            assert seen["litter"] == []
            place.retry("x.log")
    assert points > 20


def check_replaced(place: Place, text: str = "A\nBAD\n") -> None:
    seen = place.look()
    assert seen["results"] == {"x.log": text, "x.all": text}
    assert (list(seen["processed"]), seen["failed"], seen["litter"]) == (["x.log"], {}, [])
    assert (seen["unprocessed"], seen["underprocess"]) == ({}, {})


SHARED: list[dict[str, Any]] = [
    STRICT[0],
    {"tag": "all", "type": "write", "config": {"file": "all.log", "append": True}},
]


def test_what_a_run_has_appended_its_rerun_does_not_append_again_and_says_so(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.run(SHARED, "a\nbad\n")
    place.retry("x.log")
    place.run([{**LENIENT[0]}, SHARED[1]])
    seen = place.look()
    assert seen["results"] == {"x.log": "A\nBAD\n", "all.log": "a\n"}
    assert (
        "the run before has appended to all.log, which cannot be replaced; this one does not" in caplog.text
    )
    assert seen["litter"] == []


def test_a_rerun_of_what_failed_appends_as_the_first_run_would_have(place: Place) -> None:
    place.run([FAILING[0], SHARED[1]], "a\nbad\n")
    assert place.look()["results"] == {}
    place.retry("x.log")
    place.run([LENIENT[0], SHARED[1]])
    assert place.look()["results"] == {"x.log": "A\nBAD\n", "all.log": "A\nBAD\n"}
