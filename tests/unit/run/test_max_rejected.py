"""`limits.max_rejected`: how many lines of one file may be left out before that is its failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import put_back_all
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.job.claim import Claim
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import look

BAD: list[dict[str, Any]] = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]


class Place:
    """A spool whose pipeline does not digest `bad`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(
        self, data: bytes, most: int | str | None, *, on_error: str = "reject", helpers: int = 0,
        nodes: list[dict[str, Any]] = BAD,
    ) -> Outcome:  # fmt: skip
        plan = plan_of(
            nodes, watch_dir=str(self.folder), intake={"ready": "rename"}, on_error=on_error,
            limits={"max_rejected": most},
        )  # fmt: skip
        self.config = plan.config
        spool = Spool(plan.config, disk=Disk(power=False))
        Path(spool.folders.unprocessed, "x.log").write_bytes(data)
        claim = spool.claim("x.log")
        assert isinstance(claim, Claim)
        return attempt.process_claim(claim, plan, RunContext(helpers=helpers))

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / "failed/x.log.error.json").read_text())
        return report

    def rejected(self) -> list[int]:
        lines = (self.folder / "failed/x.log.rejected.jsonl").read_text().splitlines()
        return [json.loads(line)["line_no"] for line in lines]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


@pytest.mark.parametrize("on_error", ["reject", "skip"])
@pytest.mark.parametrize("most", [0, 1, 4, 5, 6, None])
def test_more_lines_than_a_number_fail_the_file(place: Place, on_error: str, most: int | None) -> None:
    outcome = place.run(b"good\nbad\n" * 5, most, on_error=on_error)
    if most is None or most >= 5:
        assert outcome.verdict is Verdict.COMMIT
        assert look(str(place.folder))["results"] == {"x.log": "good\n" * 5}
        return
    assert outcome.verdict is Verdict.FAIL
    count = "1 line" if most == 0 else f"{most + 1} lines"
    assert outcome.event.error.startswith(
        f"{count} rejected or skipped, which is more than limits.max_rejected ({most}); the first: line 2,"
    )
    assert look(str(place.folder))["results"] == {}


@pytest.mark.parametrize(
    ("data", "most", "is_fine"),
    [
        (b"good\n" * 95 + b"bad\n" * 5, "5%", True),
        (b"good\n" * 94 + b"bad\n" * 6, "5%", False),
        (b"bad\n" * 6 + b"good\n" * 94, "5%", False),
        (b"good\n" * 39 + b"bad\n", "2.5%", True),
        (b"good\n" * 38 + b"bad\n", "2.5%", False),
        (b"bad\n" * 10, "100%", True),
        (b"good\nbad\n", "0%", False),
        (b"good\n", "0%", True),
        (b"", "0%", True),
        (b"", 0, True),
    ],
)
def test_a_larger_share_of_all_lines_fails_the_file(
    place: Place, data: bytes, most: str | int, *, is_fine: bool
) -> None:
    outcome = place.run(data, most)
    assert outcome.verdict is (Verdict.COMMIT if is_fine else Verdict.FAIL)
    if not is_fine:
        lines = data.count(b"\n")
        assert f"more than limits.max_rejected ({most} of {lines} line" in outcome.event.error
        assert look(str(place.folder))["results"] == {}


def test_the_report_counts_them_and_what_was_set_aside_lies_beside_it(place: Place) -> None:
    place.run(b"good\nbad\n" * 5, 2)
    seen = look(str(place.folder))
    assert sorted(seen["failed"]) == ["x.log", "x.log.error.json", "x.log.rejected.jsonl"]
    assert (seen["results"], seen["litter"]) == ({}, [])
    assert place.rejected() == [2, 4, 6]
    report = place.report()
    assert (report["rejected"], report["skipped"], report["traceback"]) == (3, 0, [])
    assert [f"line {number}," in report["reason"] for number in (2, 4, 6, 8)] == [True, True, True, False]


def test_a_file_that_fails_otherwise_keeps_what_was_set_aside_before(place: Place) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": user("reject_bad"), "next": "check"},
        {"tag": "check", "type": "tag", "config": {"rules": {"w": "worse"}}, "next": {"start": "end"}},
    ]
    place.run(b"good\nbad\nworse\n", None, on_error="fail", nodes=nodes)
    assert place.rejected() == [2]
    assert (place.report()["line_no"], place.report()["rejected"]) == (3, 1)


@pytest.mark.parametrize("most", [3, 57, "5%"])
def test_any_number_of_workers_comes_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int | str
) -> None:
    monkeypatch.setattr("fproc.run.run.LEAST_BYTES", 0)
    monkeypatch.setattr("fproc.run.chunked.chunks.CHUNK_BYTES", 100)
    found = []
    for helpers in (0, 1, 2):
        place = Place(tmp_path / f"w{helpers}")
        outcome = place.run(b"good line\nbad one\n" * 100, most, helpers=helpers)
        assert outcome.verdict is Verdict.FAIL
        figures = outcome.figures
        found.append(
            (
                outcome.event.error,
                place.rejected(),
                place.report()["reason"],
                figures.lines_in,
                figures.rejected,
            )
        )
    assert found[0] == found[1] == found[2]


def test_a_retry_removes_what_was_set_aside_with_the_report(place: Place) -> None:
    place.run(b"bad\n" * 5, 2)
    moved, refused = put_back_all(place.config, Disk(power=False), ["x.log"])
    assert (moved, refused) == (["x.log"], {})
    assert look(str(place.folder))["failed"] == {}
    assert SpoolStatus(place.config).counts()["unprocessed"] == 1
