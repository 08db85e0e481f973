"""Checkpoints: what is durable in the middle of a file, and everything that makes a file start over."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import fproc
from fproc.base.errors import UnsavableError
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import read_pieces
from fproc.run import attempt
from fproc.run.attempt import Outcome, RunContext, WorkerDeath
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job.checkpoint import Checkpoint, PartState, Position
from fproc.spool.job.claim import Claim
from fproc.spool.job.commit import FileStamp
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, Crash, look

NOW = 1795341600.0
SEEN: list[str] = []
"""The lines that `note` was given, in all runs of a test."""


def mine(name: str) -> str:
    return f"{__name__}.{name}"


def stateful(name: str) -> str:
    return f"stateful_processors.{name}"


def note(line: str, more: str = "") -> str:
    SEEN.append(line)
    if "bad" in line:
        raise ValueError("a bad line")
    if line == "retry" and SEEN.count("retry") == 1:
        raise fproc.Retry("the database is away")
    return line + more


def grow_once(line: str, path: str) -> str:
    if line == "5" and SEEN.count("5") == 1:
        with open(path, "a", encoding="utf-8") as file:
            file.write("more\n")
    return line


LINES = ["0", "1", "2 bad", "3", "4", "5", "6 bad", "7", "8", "9"]
NOTE: dict[str, Any] = {"tag": "start", "type": mine("note"), "next": "number"}
NODES: list[dict[str, Any]] = [
    NOTE,
    {"tag": "number", "type": "count", "next": ["end", "total"]},
    {"tag": "total", "type": "count", "config": {"total": True}, "next": "sum"},
    {"tag": "sum", "type": "write", "config": {"file": "{stem}.sum"}},
]
GOOD = {"x.log": "1 0\n2 1\n3 3\n4 4\n5 5\n6 7\n7 8\n8 9\n", "x.sum": "8\n"}
REJECTED = [(3, 4, "2 bad"), (7, 16, "6 bad")]


class Site:
    """A spool and a pipeline that makes a checkpoint before each line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.nodes = list(NODES)
        self.config: dict[str, Any] = {"on_error": "reject", "checkpoint": {"seconds": 1e-9}}

    def plan(self) -> Plan:
        return plan_of(self.nodes, watch_dir=str(self.folder), intake={"ready": "rename"}, **self.config)

    def spool(self, disk: Disk | None = None) -> Spool:
        return Spool(self.plan().config, disk=disk or Disk(power=False), clock=lambda: self.now)

    def drop(self, lines: list[str] = LINES) -> None:
        self.spool()
        Path(self.folder, "unprocessed", "x.log").write_text("".join(line + "\n" for line in lines))

    def take(self, disk: Disk | None = None, *, is_orphan: bool = False, has_died: bool = False) -> Claim:
        spool = self.spool(disk)
        taken = spool.claim("x.log") or spool.adopt("x.log", is_orphan=is_orphan, has_died=has_died)
        assert isinstance(taken, Claim), taken
        return taken

    def run(self, *, death: WorkerDeath | None = None, **around: Any) -> Outcome:
        surroundings = RunContext(clock=lambda: self.now, **around)
        return attempt.process_claim(
            self.take(has_died=death is not None), self.plan(), surroundings, death=death
        )

    def stop_before(self, line: int, lines: list[str] = LINES) -> None:
        """Drop the file, run it, and leave it at a checkpoint before this line, from 0."""
        self.drop(lines)
        asked = itertools.count()
        assert self.run(is_stopping=lambda: next(asked) >= line).fate is Verdict.STOP
        SEEN.clear()

    def crash_after(self, lines: int, *, is_orphan: bool = False) -> None:
        """Run until so many lines of the file are done, then die with no chance to clean up."""
        disk = BrokenDisk(10**9)
        disk.power = False

        def die(_position: int, done: int, _rejected: int, _skipped: int) -> None:
            if done >= lines:
                disk.calls_left = 0
                raise Crash

        with pytest.raises(Crash):
            attempt.process_claim(self.take(disk, is_orphan=is_orphan), self.plan(), RunContext(progress=die))
        disk.die()

    @property
    def job(self) -> Path:
        return self.folder / ".fproc" / "jobs" / "x.log"

    @property
    def record(self) -> Path:
        return self.job / "checkpoint.json"

    def parts(self) -> dict[str, Path]:
        """The parts that the checkpoint knows, by result."""
        saved = checkpoints.read_checkpoint(str(self.job))
        assert saved is not None
        return {part.result: self.folder / part.path for part in saved.parts}

    def stage(self) -> Path:
        [stage] = (self.folder / "results" / ".stage").iterdir()
        return stage

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))

    def check_done(self, *, seen: list[str] | None = None) -> None:
        """See that the file came out right and nothing is left, and (from `seen`) where it began."""
        found = self.look()
        assert (found["results"], found["litter"], found["underprocess"]) == (GOOD, [], {})
        entries = map(json.loads, found["failed"]["x.log.rejected.jsonl"].splitlines())
        assert [(told["line_no"], told["byte_offset"], told["line"]) for told in entries] == REJECTED
        if seen is not None:
            assert seen == SEEN


@pytest.fixture
def site(memory_path: Path) -> Site:
    return Site(memory_path / "w")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    monkeypatch.setattr("fproc.run.pieces.PIECE_SECONDS", -1.0)  # a piece for each line
    monkeypatch.setattr("fproc.pipeline.plan.QUICK_LINES", 1)


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets at which checkpoints are made."""
    made: list[int] = []
    save = Claim.save

    def counted(self: Claim, stamp: FileStamp, fingerprint: str, place: Position) -> None:
        save(self, stamp, fingerprint, place)
        made.append(place.offset_bytes)

    monkeypatch.setattr(Claim, "save", counted)
    return made


ENGINE = {
    "lines_in": 3,
    "states": {"a": {"held": ["\udcff", "ä", None, 0.1, 2**70]}},
    "edges": [["a", "b", 1]],
}
SAVED = Checkpoint(
    FileStamp(1, 2, 3),
    "f00d",
    Position(7, 2, "start", 1, 2, ENGINE),
    (PartState("r\udcff", "results/.stage/p", 3, 1),),
    4,
    5,
)


def test_a_checkpoint_is_read_as_it_was_written_and_replaces_the_one_before(tmp_path: Path) -> None:
    assert checkpoints.read_checkpoint(str(tmp_path)) is None
    for checkpoint in (Checkpoint(FileStamp(0, 0, 0), "", Position(), (), 0, 0), SAVED):
        checkpoints.write_checkpoint(Disk(power=True), str(tmp_path), checkpoint)
        assert repr(checkpoints.read_checkpoint(str(tmp_path))) == repr(checkpoint)
    assert os.listdir(tmp_path) == ["checkpoint.json"]


def test_a_checkpoint_without_a_text_in_json_leaves_the_one_before(tmp_path: Path) -> None:
    checkpoints.write_checkpoint(Disk(power=False), str(tmp_path), SAVED)
    endless: list[Any] = []
    endless.append(endless)
    for engine in ({"n": 10**5000}, {"n": endless}):
        with pytest.raises(UnsavableError, match="cannot be written as JSON"):
            checkpoints.write_checkpoint(
                Disk(power=False),
                str(tmp_path),
                Checkpoint(FileStamp(1, 2, 3), "", Position(engine=engine), (), 0, 0),
            )
    assert checkpoints.read_checkpoint(str(tmp_path)) == SAVED


def test_a_checkpoint_that_is_torn_at_any_byte_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints.write_checkpoint(Disk(power=False), str(tmp_path), SAVED)
    path = tmp_path / "checkpoint.json"
    whole = path.read_bytes()
    torn = [whole[:size] for size in range(len(whole) - 1)]
    torn += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    torn += [whole + b"x", whole + whole, b"\n" + whole, b"\0" * len(whole)]
    for number, record in enumerate(torn):
        path.write_bytes(record)
        assert checkpoints.read_checkpoint(str(tmp_path)) is None, record
        assert len(caplog.records) == number + 1
        assert caplog.records[-1].levelname == "WARNING"
        assert "the checkpoint is of no use, the file starts over" in caplog.records[-1].getMessage()
    path.write_bytes(whole[:-1])  # all but the last line feed, which says nothing
    assert checkpoints.read_checkpoint(str(tmp_path)) == SAVED


def sealed(value: Any) -> bytes:
    """A record as fproc would write it, whatever is in it."""
    body = json.dumps(value).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body + b"\n"


FOREIGN: list[bytes] = [b"", b"\n", b"{}", b'{"version": 1}', b"\xff\xfe", b"[" * 100_000]
BODIES: list[Any] = [None, 5, [], {}, "x", {"version": 1}, {"version": 2}, {"version": 1, "parts": 5}]
FOREIGN += map(sealed, BODIES)


@pytest.mark.parametrize("record", FOREIGN, ids=range(len(FOREIGN)))
def test_a_file_whose_checkpoint_is_not_fproc_s_starts_over(site: Site, record: bytes) -> None:
    site.stop_before(5)
    site.record.write_bytes(record)
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES)


@pytest.mark.parametrize("change", ["version", "cut in half", "a byte"])
def test_a_file_whose_checkpoint_is_torn_or_of_another_version_starts_over(
    site: Site, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    site.stop_before(8)
    whole = site.record.read_bytes()
    value = json.loads(whole.partition(b"\n")[2])
    torn = {
        "version": sealed({**value, "version": checkpoints.VERSION + 1}),
        "cut in half": whole[: len(whole) // 2],
        "a byte": whole.replace(b"offset_bytes", b"0ffset_bytes"),
    }
    site.record.write_bytes(torn[change])
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES)
    assert caplog.text.count("the checkpoint is of no use") == 1


def test_a_folder_in_the_place_of_the_checkpoint_does_not_stop_the_file(site: Site) -> None:
    site.stop_before(5)
    site.record.unlink()
    site.record.mkdir()
    assert site.run().fate is Verdict.COMMIT


@pytest.mark.parametrize("line", range(1, 10))
def test_a_stopped_file_goes_on_where_it_stood_and_gives_the_same(
    site: Site, line: int, saves: list[int]
) -> None:
    site.stop_before(line)
    assert site.look()["results"] == {}
    assert saves[-1] == len("".join(line + "\n" for line in LINES[:line]))
    outcome = site.run()
    figures = outcome.figures
    assert (outcome.fate, outcome.results) == (Verdict.COMMIT, ("x.log", "x.sum"))
    assert (figures.lines_in, figures.lines_out, figures.rejected, figures.bytes_in) == (10, 9, 2, 28)
    assert figures.edges == {
        ("start", "number"): 8,
        ("number", "end"): 8,
        ("number", "total"): 8,
        ("total", "sum"): 1,
    }
    site.check_done(seen=LINES[line:])


def test_a_file_that_is_stopped_again_and_again_comes_to_its_end(site: Site) -> None:
    site.drop()
    outcome, rounds = site.run(is_stopping=lambda: True), 1
    while outcome.fate is Verdict.STOP:
        asked = itertools.count()
        outcome, rounds = site.run(is_stopping=lambda: next(asked) >= 1), rounds + 1  # noqa: B023 - used at once
    assert rounds == len(LINES) + 1
    site.check_done(seen=LINES)


@pytest.mark.parametrize("lines", range(1, 11))
def test_a_file_whose_owner_died_goes_on_from_its_checkpoint(site: Site, lines: int) -> None:
    site.drop()
    site.crash_after(lines)
    SEEN.clear()
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES[lines - 1 :])


def replace_by_a_copy(path: Path) -> None:
    shutil.copy2(path, f"{path}.copy")
    os.replace(f"{path}.copy", path)


@pytest.mark.parametrize("change", [lambda path: os.utime(path, (1, 1)), replace_by_a_copy])
def test_a_file_that_was_touched_or_exchanged_starts_over(
    site: Site, change: Callable[[Path], object]
) -> None:
    site.stop_before(5)
    change(site.folder / "underprocess" / "x.log")
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_a_file_that_has_grown_since_its_checkpoint_starts_over(site: Site) -> None:
    site.stop_before(5)
    with open(site.folder / "underprocess" / "x.log", "a", encoding="utf-8") as file:
        file.write("more\n")
    assert site.run().fate is Verdict.COMMIT
    assert [*LINES, "more"] == SEEN
    assert site.look()["results"] == {"x.log": GOOD["x.log"] + "9 more\n", "x.sum": "9\n"}


CHANGES: dict[str, dict[str, Any]] = {
    "on_error": {"on_error": "skip"},
    "limits": {"limits": {"max_hops": 50}},
    "files": {"files": [{"match": "*.csv", "start": "number"}]},
    "a node's config": {"nodes": [{**NOTE, "config": {"more": "!"}}, *NODES[1:]]},
    "a route": {"nodes": [*NODES[:2], {**NODES[2], "next": "end"}, NODES[3]]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_pipeline_that_has_changed_starts_over(site: Site, change: dict[str, Any]) -> None:
    site.stop_before(5)
    site.config |= change
    site.nodes = site.config.pop("nodes", site.nodes)
    assert site.run().fate is Verdict.COMMIT
    assert SEEN == LINES


def test_a_plugin_whose_source_has_changed_starts_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = site.folder.parent / "plugins"
    plugins.mkdir()
    source = plugins / "plugin_that_changes.py"
    source.write_text("def keep(line):\n    return line\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    site.config["plugins_dir"] = str(plugins)
    keep = {"tag": "keep", "type": "plugin_that_changes.keep", "next": "number"}
    site.nodes = [{**NOTE, "next": "keep"}, keep, *NODES[1:]]
    site.stop_before(5)
    source.write_text("def keep(line):\n    return line + ''\n")
    assert site.run().fate is Verdict.COMMIT
    del sys.modules["plugin_that_changes"]
    site.check_done(seen=LINES)


def test_settings_that_no_result_depends_on_may_change(site: Site) -> None:
    site.stop_before(5)
    site.config |= {
        "retry": {"max_attempts": 9},
        "workers": 3,
        "durability": "process",
        "checkpoint": {"mb": 1},
    }
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES[5:])


def test_a_watched_folder_that_was_moved_goes_on(site: Site) -> None:
    site.stop_before(5)
    moved = Site(site.folder.parent / "moved")
    os.rename(site.folder, moved.folder)
    assert moved.run().fate is Verdict.COMMIT
    moved.check_done(seen=LINES[5:])


def test_results_that_go_to_another_filesystem_now_are_published(site: Site, tmp_path: Path) -> None:
    site.stop_before(5)
    if os.stat(site.folder).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("there is one filesystem only")
    site.config["results_dir"] = str(tmp_path / "results")
    assert site.run().fate is Verdict.COMMIT


def make_symlink(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


LOSSES = [Path.unlink, make_symlink, lambda path: os.truncate(path, 3), lambda path: os.truncate(path, 0)]


@pytest.mark.parametrize("spoil", [*LOSSES, make_folder])
def test_a_file_whose_part_is_not_all_there_starts_over(site: Site, spoil: Callable[[Path], object]) -> None:
    site.stop_before(8)
    spoil(site.parts()["x.log"])
    assert site.run().fate is Verdict.COMMIT
    for path in site.stage().glob("elsewhere"):  # ours, and nobody else's to remove
        assert path.read_text() == "1 0\n2 1\n3 3\n4 4\n5 5\n6 7\n"
        path.unlink()
    site.check_done(seen=LINES)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: os.truncate(path, 3)])
def test_a_file_whose_set_aside_lines_are_not_all_there_starts_over(
    site: Site, spoil: Callable[[Path], object]
) -> None:
    site.stop_before(8)
    spoil(site.job / "rejected.jsonl")
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_what_a_link_in_the_place_of_the_set_aside_lines_leads_to_is_left_alone(site: Site) -> None:
    site.stop_before(8)
    path = site.job / "rejected.jsonl"
    path.unlink()
    other = site.folder.parent / "other"
    other.write_text("x" * 10_000)
    path.symlink_to(other)
    site.run()
    assert other.read_text() == "x" * 10_000


def test_what_was_written_after_the_checkpoint_is_cut_off(site: Site) -> None:
    site.stop_before(8)
    for path in (*site.parts().values(), site.job / "rejected.jsonl"):
        with open(path, "ab") as file:
            file.write(b"half a li")
    assert site.run().fate is Verdict.COMMIT
    site.check_done(seen=LINES[8:])


def test_set_aside_lines_that_all_came_after_the_checkpoint_are_removed(site: Site) -> None:
    site.stop_before(2, ["a", "b", "c"])
    (site.job / "rejected.jsonl").write_text("{}\n")
    assert site.run().fate is Verdict.COMMIT
    found = site.look()
    assert (SEEN, found["failed"], found["litter"]) == (["c"], {}, [])


def test_parts_that_the_checkpoint_does_not_know_are_removed_and_those_of_others_stay(site: Site) -> None:
    site.stop_before(5)
    [part] = site.parts().values()
    own = part.with_name(part.name.partition("-")[0] + "-0badc0de-0")
    for path in (own, part.with_name("f" * 24 + "-0badc0de-0")):
        path.write_text("litter")
    site.take().release()
    assert set(os.listdir(site.stage())) == {part.name, "f" * 24 + "-0badc0de-0"}


def test_a_release_keeps_what_the_checkpoint_needs_and_nothing_else(site: Site) -> None:
    site.drop()
    claim = site.take()
    stamp, before = FileStamp.of(os.stat(claim.path)), descriptors()
    for result in ("a", "b"):
        claim.staging.write(result, "1")
    claim.reject(b"{}\n")
    claim.save(stamp, "f00d", Position(2, 2, "start"))
    for result in ("b", "c"):
        claim.staging.write(result, "2")
    claim.reject(b"{}\n")
    claim.staging.flush()
    assert len(os.listdir(site.stage())) == 3
    claim.release()
    assert descriptors() == before - 1  # the lock is given back too
    assert sorted(site.parts()) == ["a", "b"]
    assert sorted(os.listdir(site.stage())) == sorted(path.name for path in site.parts().values())
    assert sorted(os.listdir(site.job)) == ["checkpoint.json", "rejected.jsonl"]
    claim = site.take()
    assert claim.resume(stamp, "f00d") == Position(2, 2, "start")
    assert [(name, part.size_bytes, part.lines) for name, part in claim.staging.parts.items()] == [
        ("a", 2, 1),
        ("b", 2, 1),
    ]
    claim.staging.write("b", "3")
    claim.commit(stamp)
    found = site.look()
    assert (found["results"], found["litter"]) == ({"a": "1\n", "b": "1\n"}, [])  # "3" was never flushed


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_file_that_fails_leaves_no_checkpoint(site: Site, saves: list[int]) -> None:
    site.config["on_error"] = "fail"
    site.drop()
    assert site.run().fate is Verdict.FAIL
    found = site.look()
    assert (saves, found["results"], found["litter"], len(found["failed"])) == ([2, 4], {}, [], 2)


@pytest.mark.parametrize("is_same", [True, False])
def test_a_file_that_comes_anew_does_not_go_on_from_an_old_checkpoint(site: Site, *, is_same: bool) -> None:
    site.stop_before(5)
    old = site.folder / "underprocess" / "x.log"
    if is_same:  # an operator puts it back
        os.rename(old, site.folder / "unprocessed" / "x.log")
    else:
        old.unlink()
        site.drop()
    claim = site.take()
    assert (os.listdir(site.job), os.listdir(site.stage())) == ([], [])
    assert attempt.process_claim(claim, site.plan()).fate is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_a_file_whose_input_is_gone_leaves_no_checkpoint(site: Site) -> None:
    site.stop_before(5)
    os.unlink(site.folder / "underprocess" / "x.log")
    assert site.spool().adopt("x.log") is None
    assert site.look()["litter"] == []


def test_a_retry_goes_on_from_the_checkpoint(site: Site) -> None:
    site.drop(["a", "b", "retry", "c"])
    assert site.run().fate is Verdict.RETRY
    site.now += 1000
    outcome = site.run()
    assert (outcome.fate, outcome.attempts, outcome.figures.lines_in) == (Verdict.COMMIT, 2, 4)
    assert SEEN == ["a", "b", "retry", "retry", "c"]
    assert site.look()["results"] == {"x.log": "1 a\n2 b\n3 retry\n4 c\n", "x.sum": "4\n"}
    assert site.look()["litter"] == []


def test_a_file_that_was_written_to_while_it_was_read_starts_over(site: Site) -> None:
    config = {"path": str(site.folder / "underprocess" / "x.log")}
    grow = {"tag": "grow", "type": mine("grow_once"), "config": config, "next": "number"}
    site.nodes = [{**NOTE, "next": "grow"}, grow, *NODES[1:]]
    site.drop()
    outcome = site.run()
    assert (outcome.fate, "was written to while it was read" in outcome.error) == (Verdict.CHANGED, True)
    SEEN.clear()
    site.now += 1000
    SEEN.append("5")
    assert site.run().fate is Verdict.COMMIT
    assert ["5", *LINES, "more"] == SEEN
    assert site.look()["results"]["x.sum"] == "9\n"


UNSAVABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a counter": ({"type": stateful("Countered")}, "its attribute 'counts' is Counter("),
    "a stream": ({"type": "user_processors.numbered_stream", "stream": True}, "it is a stream"),
    "a huge number": ({"type": stateful("Huge")}, "its state cannot be written as JSON"),
    "a snapshot that raises": (
        {"type": stateful("Unwilling"), "config": {"at": "snapshot"}},
        "snapshot() raised ValueError: no words for it",
    ),
    "a snapshot that wants to end the program": (
        {"type": stateful("Unwilling"), "config": {"at": "snapshot", "error": "SystemExit"}},
        "snapshot() raised SystemExit: no words for it",
    ),
}


@pytest.mark.parametrize(
    ("node", "why"),
    [pytest.param(*case, id=name) for name, case in UNSAVABLE.items()],
)
def test_a_state_that_cannot_be_kept_is_said_once_and_the_file_is_processed_without_checkpoints(
    site: Site, node: dict[str, Any], why: str, saves: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    site.nodes = [NOTE, {"tag": "number", **node, "next": "end"}]
    site.drop()
    caplog.set_level("INFO")
    asked = itertools.count()
    assert site.run(is_stopping=lambda: next(asked) >= 5).fate is Verdict.COMMIT  # it is finished, not left
    assert (saves, SEEN) == ([], LINES)
    assert caplog.text.count("x.log: has no checkpoints: " + why) == 1
    assert caplog.text.count("has no checkpoints") == 1
    assert site.look()["litter"] == []


def test_a_file_that_turns_out_to_have_no_checkpoint_when_fproc_stops_is_finished(site: Site) -> None:
    site.nodes = [NOTE, {"tag": "number", "type": stateful("Countered"), "next": "end"}]
    site.config["checkpoint"] = {"seconds": 86400}
    site.drop()
    asked = itertools.count()
    assert site.run(is_stopping=lambda: next(asked) >= 5).fate is Verdict.COMMIT
    assert SEEN == LINES


def test_a_file_without_checkpoints_is_left_alone_if_nothing_was_done_yet(site: Site) -> None:
    site.nodes = [NOTE, {"tag": "number", "type": stateful("Countered"), "next": "end"}]
    site.drop()
    assert (site.run(is_stopping=lambda: True).fate, SEEN) == (Verdict.STOP, [])
    assert os.listdir(site.folder / ".fproc" / "jobs" / "x.log") == ["attempts.json"]
    assert site.run().fate is Verdict.COMMIT


@pytest.mark.parametrize("error", ["ValueError", "SystemExit"])
def test_a_file_whose_state_is_not_taken_back_starts_over(
    site: Site, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"at": "restore", "error": error}
    site.nodes = [NOTE, {**NODES[1], "type": stateful("Unwilling"), "config": config}, *NODES[2:]]
    site.stop_before(8)
    outcome = site.run()
    assert (outcome.fate, outcome.figures.rejected, outcome.figures.lines_in) == (Verdict.COMMIT, 2, 10)
    assert f"starts over, not from its checkpoint: a checkpoint does not fit: {error}: what is" in caplog.text
    site.check_done(seen=LINES)


def interrupted(site: Site) -> int:
    count: int = json.loads((site.job / "attempts.json").read_text())["interrupted"]
    return count


@pytest.mark.parametrize("lines", [1, 4])
def test_a_file_with_which_fproc_ends_again_and_again_without_progress_fails(
    site: Site, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "INTERRUPTIONS", 3)
    site.drop()
    site.crash_after(lines)
    for number in (1, 2):
        site.crash_after(lines, is_orphan=True)
        assert interrupted(site) == number
    outcome = attempt.process_claim(site.take(is_orphan=True), site.plan())
    assert (outcome.fate, outcome.error) == (
        Verdict.FAIL,
        "fproc itself ended 3 times while it was processed",
    )
    assert (site.look()["results"], site.look()["litter"]) == ({}, [])


def test_a_file_that_gets_further_each_time_never_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "INTERRUPTIONS", 2)
    site.drop()
    site.crash_after(1)
    for lines in range(2, 11):
        site.crash_after(lines, is_orphan=True)
        assert interrupted(site) == 1
    assert attempt.process_claim(site.take(is_orphan=True), site.plan()).fate is Verdict.COMMIT
    site.check_done()


def test_the_death_of_a_worker_is_blamed_on_a_file_that_got_no_further(site: Site) -> None:
    site.drop()
    site.crash_after(4)
    assert site.run(death=WorkerDeath("killed by signal 9"), is_stopping=lambda: True).fate is Verdict.STOP
    outcome = site.run(death=WorkerDeath("killed by signal 9"))
    assert (outcome.fate, outcome.error, outcome.attempts) == (Verdict.RETRY, "killed by signal 9", 1)
    site.now += 1000
    assert site.run().attempts == 2
    site.check_done()


def test_a_file_that_took_too_long_is_blamed_however_far_it_got(site: Site) -> None:
    site.config["retry"] = {"max_attempts": 1}
    site.drop()
    site.crash_after(4)
    outcome = site.run(death=WorkerDeath("took too long", too_slow=True))
    assert (outcome.fate, outcome.error) == (Verdict.FAIL, "took too long")
    assert site.look()["litter"] == []


def test_a_checkpoint_is_made_after_so_many_seconds(site: Site, saves: list[int]) -> None:
    site.config["checkpoint"] = {"seconds": 3, "mb": 10**6}
    site.drop()
    passed = [0.0]

    def tell(_position: int, lines: int, *_left_out: int) -> None:
        passed[0] = float(lines)

    assert site.run(monotonic=lambda: passed[0], progress=tell).fate is Verdict.COMMIT
    assert saves == [len("".join(line + "\n" for line in LINES[:number])) for number in (3, 6, 9)]


def test_a_checkpoint_is_made_after_so_many_bytes_counted_from_the_last_one(
    site: Site, saves: list[int]
) -> None:
    site.config["checkpoint"] = {"seconds": 86400, "mb": 8e-6}
    site.stop_before(9)
    assert saves == [
        10,
        22,
        26,
    ]  # lines end at 2, 4, 10, 12, 14, 16, 22, 24, 26; the last is where it stopped
    assert site.run(monotonic=lambda: 0.0).fate is Verdict.COMMIT
    assert saves == [10, 22, 26]


def test_a_small_file_has_no_checkpoint(site: Site, saves: list[int]) -> None:
    site.config.pop("checkpoint")
    site.drop()
    assert (site.run().fate, saves) == (Verdict.COMMIT, [])


@pytest.fixture
def small_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of more than 20 bytes are passed over in steps of 10."""
    site.config["limits"] = {"max_line_bytes": 20}
    monkeypatch.setattr("fproc.pipeline.records.PASS_BYTES", 1)
    monkeypatch.setattr("fproc.run.run.read_pieces", partial(read_pieces, block_bytes=10))


def test_within_a_line_over_the_limit_a_file_is_left_at_a_checkpoint_and_goes_on_there(
    site: Site, small_steps: None
) -> None:
    site.drop(["1", "x" * 1000, "3"])
    stops = iter([False, False, *[True] * 9])
    assert site.run(is_stopping=lambda: next(stops)).fate is Verdict.STOP
    saved = checkpoints.read_checkpoint(str(site.job))
    assert saved
    assert (saved.place.line_no, saved.place.offset_bytes, saved.place.head) == (2, 2, "x" * 20)
    assert 22 < saved.place.passed_bytes < 1000
    reached = saved.place.reached_bytes
    positions: list[int] = []
    assert site.run(progress=lambda position, *_: positions.append(position)).fate is Verdict.COMMIT
    assert positions[0] <= reached + 30
    found = site.look()
    assert found["results"]["x.log"] == "1 1\n2 3\n"
    [told] = map(json.loads, found["failed"]["x.log.rejected.jsonl"].splitlines())
    assert (told["line_no"], told["byte_offset"]) == (2, 2)


def test_a_file_that_gets_on_within_a_line_over_the_limit_is_not_blamed_for_a_death(
    site: Site, small_steps: None
) -> None:
    site.drop(["x" * 1000])
    disk = BrokenDisk(10**9)
    disk.power = False

    def die(position: int, *_counts: int) -> None:
        if position > 500:
            disk.calls_left = 0
            raise Crash

    with pytest.raises(Crash):
        attempt.process_claim(site.take(disk), site.plan(), RunContext(progress=die))
    disk.die()
    claim = site.take(has_died=True)
    assert claim.has_progressed
    claim.release()
