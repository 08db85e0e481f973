"""One input through the plan: what becomes of it, and what is said about that."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import fproc
from fproc.pipeline.plan import Plan
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Claim, Origin
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, look

NOW = 1795341600.0  # 2026-11-22T10:00:00Z


def mine(name: str) -> str:
    """The import path of one of the processors below."""
    return f"{__name__}.{name}"


def interrupt(_line: str) -> str:
    raise KeyboardInterrupt


def unreachable(_line: str) -> str:
    raise OSError(errno.EHOSTUNREACH, "No route to host")


def grow_its_file(line: str, path: str) -> str:
    if line == "a":
        with open(path, "a", encoding="utf-8") as file:
            file.write("more\n")
    return line


def crash_the_loop(_line: str) -> str:
    raise OSError(errno.EIO, "Input/output error", "/the/user's/own/file")


class Place:
    """A spool with one pipeline, of one processor unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.nodes: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {}

    def use(self, type_: str, options: dict[str, Any] | None = None, **config: Any) -> None:
        self.nodes = [{"tag": "start", "type": type_, "config": options or {}, "next": "end"}]
        self.config = config

    def run(self, data: bytes | None = None, name: str = "x.log", disk: Disk | None = None) -> Outcome:
        """Drop a file, if there is `data`, and have it processed by a new instance."""
        plan = plan_of(self.nodes, watch_dir=str(self.folder), intake={"ready": "rename"}, **self.config)
        spool = Spool(plan.config, disk=disk or Disk(power=False), clock=lambda: self.now)
        if data is not None:
            Path(spool.folders.unprocessed, name).write_bytes(data)
        taken = spool.claim(name) or spool.adopt(name)
        assert isinstance(taken, Claim), taken
        return attempt.process_claim(taken, plan, RunContext(clock=lambda: self.now))

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))

    def report(self, name: str = "x.log") -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / "failed" / f"{name}.error.json").read_text())
        return report

    def rejected(self, name: str = "x.log") -> list[dict[str, Any]]:
        text = (self.folder / "failed" / f"{name}.rejected.jsonl").read_text(encoding="ascii")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def test_a_good_file_is_committed_and_its_figures_are_told(place: Place) -> None:
    place.use(user("twice"))
    outcome = place.run(b"a\nb\n")
    assert (outcome.event.file, outcome.verdict, outcome.event.error) == ("x.log", Verdict.COMMIT, "")
    assert (outcome.event.attempt, outcome.event.results, outcome.retry_seconds) == (1, ("x.log",), 0.0)
    assert outcome.event.seconds >= 0
    assert (len(outcome.event.pipeline or ""), outcome.event.version) == (12, fproc.__version__)
    figures = outcome.figures
    assert (figures.lines_in, figures.lines_out, figures.bytes_in) == (2, 4, 4)
    assert (figures.rejected, figures.skipped) == (0, 0)
    assert figures.nodes["start"] == NodeCounts(received=2, emitted=4, failed=0)
    assert figures.edges == {("start", "end"): 4}
    seen = place.look()
    assert (seen["results"], seen["processed"]) == ({"x.log": "a\na\nb\nb\n"}, {"x.log": "a\nb\n"})


def test_a_failed_file_is_filed_with_a_report_and_no_result(place: Place) -> None:
    place.use(user("fail_on_bad"))
    outcome = place.run(b"good\nbad \xff\nfine\n")
    assert (outcome.verdict, outcome.event.attempt, outcome.event.results) == (Verdict.FAIL, 1, ())
    assert outcome.event.error.startswith(
        "line 2, node 'start': ValueError: cannot digest 'bad \\udcff' (user_pro"
    )
    report = place.report()
    traceback = report.pop("traceback")
    assert re.fullmatch(r"ValueError: .* \(user_processors\.py:\d+\)", report.pop("reason"))
    assert report == {
        "file": "x.log",
        "node": "start",
        "line_no": 2,
        "line": "bad \udcff",
        "tag": "start",
        "given": "bad \udcff",
        "rejected": 0,
        "skipped": 0,
        "attempts": 1,
        "timestamp": "2026-11-22T10:00:00.000Z",
    }
    assert any("user_processors.py" in line and "fail_on_bad" in line for line in traceback)
    seen = place.look()
    assert (seen["results"], seen["underprocess"], seen["litter"]) == ({}, {}, [])
    assert seen["failed"]["x.log"] == "good\nbad \udcff\nfine\n"


def test_a_report_about_the_whole_file_names_no_line(place: Place) -> None:
    place.use("trim")
    place.run(b"no gzip \xff\0", "x.gz")
    report = place.report("x.gz")
    assert report["reason"].startswith("is not a whole gzip file")
    assert (report["node"], report["line_no"], report["line"]) == (None, None, None)


def test_a_name_that_is_not_utf_8_is_shown_in_its_report(place: Place) -> None:
    place.use(user("fail_on_bad"))
    assert place.run(b"bad\n", "caf\udce9").verdict is Verdict.FAIL
    assert place.report("caf\udce9")["file"] == "caf\\xe9"


def test_retries_are_counted_across_instances_until_the_attempts_are_used(place: Place) -> None:
    place.use(user("retry"), retry={"max_attempts": 3, "backoff_seconds": 10, "backoff_max_seconds": 1000})
    for number, most in ((1, 10.0), (2, 20.0)):
        outcome = place.run(b"a\n" if number == 1 else None)
        assert (outcome.verdict, outcome.event.attempt) == (Verdict.RETRY, number)
        assert most / 2 <= outcome.retry_seconds <= most
        assert "the database is away" in outcome.event.error
        spool = Spool(plan_of(place.nodes, watch_dir=str(place.folder)).config, clock=lambda: place.now)
        assert spool.adopt("x.log") == NotYet(place.now + outcome.retry_seconds)
        place.now += outcome.retry_seconds + 0.001
    outcome = place.run()
    assert (outcome.verdict, outcome.event.attempt) == (Verdict.FAIL, 3)
    assert (place.report()["attempts"], place.report()["reason"]) == (3, "the database is away")


@pytest.mark.parametrize("type_", [mine("unreachable"), user("retry")])
@pytest.mark.parametrize("on_error", ["fail", "reject", "skip"])
def test_what_passes_by_itself_is_tried_again_whatever_happens_to_bad_lines(
    place: Place, type_: str, on_error: str
) -> None:
    place.use(type_, on_error=on_error)
    assert place.run(b"a\n").verdict is Verdict.RETRY
    seen = place.look()
    assert (seen["underprocess"], seen["results"], seen["failed"]) == ({"x.log": "a\n"}, {}, {})


def test_a_file_that_grows_while_it_is_read_is_read_again(place: Place) -> None:
    place.use(mine("grow_its_file"), {"path": str(place.folder / "underprocess" / "x.log")})
    outcome = place.run(b"a\n")
    assert (outcome.verdict, "was written to while it was read" in outcome.event.error) == (
        Verdict.CHANGED,
        True,
    )
    assert place.look()["results"] == {}


def test_a_processor_s_own_input_output_error_is_the_file_s_and_not_the_host_s(place: Place) -> None:
    place.use(mine("crash_the_loop"))
    assert place.run(b"a\n").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("name", "reason"), [("interrupt", "KeyboardInterrupt"), ("leave", "SystemExit: gone")]
)
def test_a_processor_that_wants_to_end_the_program_only_fails_its_file(
    place: Place, name: str, reason: str
) -> None:
    place.use(mine(name) if name == "interrupt" else user(name))
    outcome = place.run(b"a\n")
    assert (outcome.verdict, reason in place.report()["reason"]) == (Verdict.FAIL, True)


def claimed(place: Place, disk: Disk, data: bytes = b"a\n") -> tuple[Claim, Plan]:
    plan = plan_of(place.nodes, watch_dir=str(place.folder), intake={"ready": "rename"})
    spool = Spool(plan.config, disk=disk)
    Path(spool.folders.unprocessed, "x.log").write_bytes(data)
    claim = spool.claim("x.log")
    assert claim is not None
    return claim, plan


@pytest.mark.parametrize(("number", "verdict"), [(errno.ENOSPC, Verdict.PAUSE), (errno.EACCES, Verdict.WAIT)])
def test_a_disk_that_refuses_costs_no_attempt_wherever_that_happens(
    place: Place, number: int, verdict: Verdict
) -> None:
    place.use("trim")
    for calls in range(100):
        shutil.rmtree(place.folder, ignore_errors=True)
        disk = BrokenDisk(10**9, error=number, for_good=True)
        disk.power = False
        claim, plan = claimed(place, disk)
        disk.calls_left = calls
        outcome = attempt.process_claim(claim, plan, RunContext(clock=lambda: NOW))
        if not disk.broke_at:
            break
        if outcome.verdict is not Verdict.COMMIT:
            assert (outcome.verdict, os.strerror(number) in outcome.event.error) == (verdict, True), (
                disk.broke_at
            )
        taken = Spool(plan.config).adopt("x.log")
        if isinstance(taken, Claim):
            assert taken.attempts == 0
            taken.release()
        else:
            assert place.look()["results"] == {"x.log": "a\n"}
    assert calls > 10


@pytest.mark.parametrize(("number", "verdict"), [(errno.ENOSPC, Verdict.PAUSE), (errno.EACCES, Verdict.WAIT)])
def test_trouble_of_the_host_leaves_a_file_in_good_order_as_if_there_had_been_no_run(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, verdict: Verdict
) -> None:
    place.use("trim")
    claim, plan = claimed(place, Disk(power=True))
    with monkeypatch.context() as patch:
        patch.setattr(attempt, "run_input", lambda *_, **_named: raise_error(number))
        assert attempt.process_claim(claim, plan).verdict is verdict
    taken = Spool(plan.config).adopt("x.log", is_orphan=True)
    assert isinstance(taken, Claim)
    assert (taken.origin, taken.interrupted, taken.attempts) == (Origin.LEFT, 0, 0)
    assert attempt.process_claim(taken, plan).verdict is Verdict.COMMIT


def raise_error(number: int) -> None:
    raise OSError(number, os.strerror(number))


LINES = b"ok\r\nbad \xc3\xa4\xf0\x9f\x9a\x9a\r\n\r\n\xffbad\nok\nbad at the end"
OFFSETS = [(2, 4), (4, 18), (6, 26)]


@pytest.mark.parametrize("packed", [False, True])
def test_lines_that_are_set_aside_are_told_with_their_place_in_bytes(place: Place, *, packed: bool) -> None:
    place.use(user("fail_on_bad"), on_error="reject")
    name = "x.log.gz" if packed else "x.log"
    outcome = place.run(gzip.compress(LINES) if packed else LINES, name)
    assert (outcome.verdict, outcome.figures.rejected, outcome.figures.lines_in) == (Verdict.COMMIT, 3, 6)
    assert outcome.event.results == ("x.log",)
    rejected = place.rejected(name)
    assert [(entry["line_no"], entry["byte_offset"]) for entry in rejected] == OFFSETS
    for _, offset_bytes in OFFSETS:
        assert b"bad" in LINES[offset_bytes:].partition(b"\n")[0]
    assert re.fullmatch(r"ValueError: cannot digest 'bad ä🚚' \(user_.*\.py:\d+\)", rejected[0].pop("error"))
    assert rejected[0] == {
        "line_no": 2,
        "byte_offset": 4,
        "node": "start",
        "line": "bad ä🚚",
        "tag": "start",
        "given": "bad ä🚚",
    }
    assert rejected[1]["line"] == "\udcffbad"
    seen = place.look()
    assert (seen["results"], list(seen["processed"])) == ({"x.log": "ok\n\nok\n"}, [name])


def test_offsets_go_on_behind_the_first_block(place: Place) -> None:
    place.use(user("fail_on_bad"), on_error="reject")
    data = b"x" * 99 + b"\r\n"
    place.run(data * 2000 + b"bad\n" + data)
    assert [(entry["line_no"], entry["byte_offset"]) for entry in place.rejected()] == [(2001, 202_000)]


def test_a_line_over_the_limit_is_set_aside_with_its_beginning(place: Place) -> None:
    place.use("trim", on_error="reject", limits={"max_line_bytes": 5})
    place.run(b"short\ntoo long\nfine\n")
    [entry] = place.rejected()
    assert (entry["line_no"], entry["byte_offset"], entry["node"]) == (2, 6, "start")
    assert entry["line"] == "too l"
    assert place.look()["results"] == {"x.log": "short\nfine\n"}


def test_a_line_over_the_limit_that_fails_its_file_is_reported_with_its_beginning(place: Place) -> None:
    place.use("trim", limits={"max_line_bytes": 5})
    place.run(b"short\ntoo long\nfine\n")
    report = place.report()
    assert (report["line_no"], report["node"], report["line"], report["given"]) == (
        2,
        "start",
        "too l",
        "too l",
    )


@pytest.mark.parametrize("on_error", ["fail", "reject", "skip"])
def test_a_line_that_a_processor_rejects_is_set_aside_whatever_happens_to_errors(
    place: Place, on_error: str
) -> None:
    place.use(user("reject_bad"), on_error=on_error)
    outcome = place.run(b"a\nbad\nb\n")
    figures = outcome.figures
    assert (outcome.verdict, figures.rejected, figures.skipped) == (Verdict.COMMIT, 1, 0)
    assert [entry["error"] for entry in place.rejected()] == ["no such account"]
    assert place.look()["results"] == {"x.log": "a\nb\n"}


def test_lines_that_are_skipped_are_counted_and_logged_and_nothing_is_set_aside(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.use(user("fail_on_bad"), on_error="skip")
    outcome = place.run(b"a\nbad\nbad\nb\n")
    figures = outcome.figures
    assert (outcome.verdict, figures.skipped, figures.rejected, figures.lines_in) == (Verdict.COMMIT, 2, 0, 4)
    assert figures.nodes["start"] == NodeCounts(received=4, emitted=2, failed=2)
    assert figures.lines_out == 2
    seen = place.look()
    assert (seen["results"], seen["failed"]) == ({"x.log": "a\nb\n"}, {})
    assert "x.log: skipped: line 2, node 'start': ValueError" in caplog.text


def test_a_file_enters_where_its_name_or_its_first_line_sends_it(place: Place) -> None:
    place.use("trim")
    place.nodes.append({"tag": "up", "type": "uppercase", "next": "end"})
    place.config = {"files": [{"match": "*.up", "start": "up"}, {"first_line": r"^\{", "start": "up"}]}
    for name, data in (("a.up", b"x\n"), ("b", b"{x\n{y\n"), ("c", b"x\n{y\n"), ("d.up.gz", b"z\n")):
        place.run(gzip.compress(data) if name.endswith(".gz") else data, name)
    assert place.look()["results"] == {"a.up": "X\n", "b": "{X\n{Y\n", "c": "x\n{y\n", "d.up": "Z\n"}
