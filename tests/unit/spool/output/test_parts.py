"""Results while they grow: bounded memory, bounded descriptors, and nothing left when they are given up."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from fproc.base.errors import OutputError
from fproc.base.stdout import standard_output
from fproc.pipeline.processors.options.result_names import APPENDED
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from fproc.spool.output.parts import HELD_CHARACTERS, OPEN_PARTS, TEXT_BYTES, Staging
from fproc.spool.spool import Spool
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, files, look


def staging(folder: Path, disk: Disk | None = None, **streams: Any) -> Staging:
    return Staging(disk or Disk(power=False), lambda: str(folder), "job-", **streams)


def contents(parts: Staging) -> dict[str, str]:
    return {result: Path(part.path).read_text() for result, part in parts.parts.items()}


def test_lines_are_written_in_order_each_with_its_ending(tmp_path: Path) -> None:
    parts = staging(tmp_path)
    for line in ("a", "", "ä", "b\r", "\udcff"):
        parts.write("x.log", line)
    parts.flush()
    parts.seal()
    assert Path(parts.parts["x.log"].path).read_bytes() == b"a\n\n\xc3\xa4\nb\r\n\xff\n"


def test_every_result_has_a_part_of_its_own_named_after_the_claim(tmp_path: Path) -> None:
    parts = staging(tmp_path)
    for number, result in enumerate(("a", "b", "a", "c")):
        parts.write(result, str(number))
    parts.flush()
    parts.seal()
    assert contents(parts) == {"a": "0\n2\n", "b": "1\n", "c": "3\n"}
    assert all(name.startswith("job-") for name in os.listdir(tmp_path))
    assert len(os.listdir(tmp_path)) == 3


def test_nothing_is_made_before_there_is_something_to_write(tmp_path: Path) -> None:
    def nowhere() -> str:
        raise AssertionError("nobody needs the folder")

    parts = Staging(Disk(power=True), nowhere, "job-")
    parts.flush()
    parts.seal()
    parts.discard()
    assert parts.parts == {}


def on_disk(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder))


@pytest.mark.parametrize("line", ["", "x" * 99, "x" * (HELD_CHARACTERS // 2), "x" * (3 * HELD_CHARACTERS)])
def test_no_more_is_held_back_than_the_bound(line: str, tmp_path: Path) -> None:
    parts = staging(tmp_path)
    written = 0
    while written < 2 * HELD_CHARACTERS:
        for _ in range(1 + 999 // (len(line) + 1)):
            parts.write("x", line)
            written += len(line) + 1
        assert written - on_disk(tmp_path) <= HELD_CHARACTERS
    parts.discard()


def test_the_bound_is_for_all_results_together(tmp_path: Path) -> None:
    parts = staging(tmp_path)
    line, written = "x" * 999, 0
    for number in range(2 * HELD_CHARACTERS // 1000):
        parts.write(f"r{number}", line)
        written += 1000
        assert written - on_disk(tmp_path) <= HELD_CHARACTERS
    parts.discard()


def test_small_lines_are_not_written_one_by_one(tmp_path: Path) -> None:
    parts = staging(tmp_path)
    for _ in range(1000):
        parts.write("x", "a line")
    assert os.listdir(tmp_path) == []
    parts.discard()


def test_more_results_than_may_be_open_are_written_whole(tmp_path: Path) -> None:
    before = open_descriptors()
    parts = staging(tmp_path)
    count = 3 * OPEN_PARTS + 1
    for time in range(3):
        for number in range(count):
            parts.write(f"r{number}", f"{time} {number}")
        parts.flush()
        assert len(new_descriptors(before)) <= OPEN_PARTS
    parts.seal()
    assert not new_descriptors(before)
    assert contents(parts) == {f"r{n}": f"0 {n}\n1 {n}\n2 {n}\n" for n in range(count)}


def test_sealing_syncs_every_part_and_then_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    parts = staging(tmp_path, Disk(power=True))
    for number in range(OPEN_PARTS + 5):
        parts.write(f"r{number}", "a")
    parts.flush()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    parts.seal()
    assert sorted(synced[:-1]) == sorted(os.stat(part.path).st_ino for part in parts.parts.values())
    assert synced[-1] == os.stat(tmp_path).st_ino


def test_what_is_appended_is_held_in_memory_as_long_as_it_is_short(tmp_path: Path) -> None:
    parts, half = staging(tmp_path), b"x" * (TEXT_BYTES // 2 - 1) + b"\n"
    parts.add("a.log", b"a part of its own\n", 1)
    parts.add(f"{APPENDED}one.log", b"short\n", 1)
    assert (parts.parts[f"{APPENDED}one.log"].text, parts.lines_written) == (b"short\n", 2)
    assert len(os.listdir(tmp_path)) == 1
    for number in range(3):
        parts.add(f"{APPENDED}{number}.log", half, 1)
    held = {result: len(part.text) for result, part in parts.parts.items() if part.text}
    assert sum(held.values()) <= TEXT_BYTES
    assert len(os.listdir(tmp_path)) == 1 + 3 + 1 - len(held)
    parts.add(f"{APPENDED}0.log", b"y" * TEXT_BYTES, 1)
    parts.add(f"{APPENDED}0.log", b"z\n", 1)
    parts.seal()
    assert contents(parts)[f"{APPENDED}0.log"] == half.decode() + "y" * TEXT_BYTES + "z\n"
    assert contents(parts)[f"{APPENDED}one.log"] == "short\n"


def test_a_checkpoint_writes_what_was_held_in_memory(tmp_path: Path) -> None:
    parts = staging(tmp_path)
    parts.add(f"{APPENDED}one.log", b"short\n", 1)
    parts.sync()
    assert contents(parts) == {f"{APPENDED}one.log": "short\n"}
    parts.add(f"{APPENDED}one.log", b"more\n", 1)
    assert contents(parts) == {f"{APPENDED}one.log": "short\nmore\n"}


def test_discarding_removes_this_claim_s_parts_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "other-0").touch()
    before = open_descriptors()
    parts = staging(tmp_path)
    for number in range(OPEN_PARTS + 5):
        parts.write(f"r{number}", "a")
    parts.flush()
    parts.write("late", "held back")
    parts.discard()
    assert os.listdir(tmp_path) == ["other-0"]
    assert (parts.parts, new_descriptors(before)) == ({}, set())
    parts.flush()
    assert os.listdir(tmp_path) == ["other-0"]


def test_parts_that_are_gone_already_can_be_discarded(tmp_path: Path) -> None:
    parts = staging(tmp_path)
    parts.write("x", "a")
    parts.flush()
    os.unlink(parts.parts["x"].path)
    parts.discard()
    assert parts.parts == {}


@pytest.mark.parametrize("call", ["create", "write"])
def test_a_disk_that_refuses_results_is_trouble_of_the_host(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    disk = Disk(power=False)
    parts = staging(tmp_path, disk)
    parts.write("x", "a")
    monkeypatch.setattr(disk, call, refuse)
    with pytest.raises(OutputError, match="cannot write results: No space left on device") as caught:
        parts.flush()
    assert isinstance(caught.value.__cause__, OSError)
    parts.discard()
    assert os.listdir(tmp_path) == []


def test_a_streamed_result_is_sent_away_and_the_others_become_parts(tmp_path: Path) -> None:
    stream = io.BytesIO()
    parts = staging(tmp_path, stream=stream, streamed_result="x.log")
    parts.write("x.log", "sent")
    parts.write("other", "kept")
    seen = [parts.has_streamed]
    parts.flush()
    seen.append(parts.has_streamed)
    assert stream.getvalue() == b"sent\n"
    assert contents(parts) == {"other": "kept\n"}
    parts.discard()
    assert [*seen, parts.has_streamed] == [False, True, True]


def test_nothing_has_been_streamed_while_only_parts_were_written(tmp_path: Path) -> None:
    parts = staging(tmp_path, stream=io.BytesIO(), streamed_result="x.log")
    parts.write("other", "kept")
    parts.flush()
    assert not parts.has_streamed
    parts.discard()


def test_a_stream_that_broke_has_streamed_for_all_one_knows(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    parts = staging(tmp_path, stream=Broken(), streamed_result="x.log")
    parts.write("x.log", "a")
    with pytest.raises(OutputError, match="Broken pipe"):
        parts.flush()
    assert parts.has_streamed


class Terminal:
    """What `sys.__stdout__` is to fproc: something with a buffer."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()


def test_printed_lines_go_to_the_real_standard_output_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("fproc.base.stdout._kept", [])
    monkeypatch.setattr(sys, "__stdout__", terminal)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    parts = staging(tmp_path)
    parts.print_line("a")
    parts.print_line("\udcff")
    parts.flush()
    assert terminal.buffer.getvalue() == b"a\n\xff\n"
    assert parts.has_streamed
    assert cast(Any, standard_output()) is terminal.buffer


def test_printed_lines_are_held_back_no_more_than_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("fproc.base.stdout._kept", [])
    monkeypatch.setattr(sys, "__stdout__", terminal)
    parts = staging(tmp_path)
    for _ in range(2 * HELD_CHARACTERS // 100):
        parts.print_line("x" * 99)
    assert len(terminal.buffer.getvalue()) >= HELD_CHARACTERS


ENDINGS: dict[str, Callable[[Claim], object]] = {
    "commit": lambda claim: claim.commit(FileStamp.of(os.stat(claim.path))),
    "bury": lambda claim: claim.bury({"reason": "it is wrong"}),
    "retry": lambda claim: claim.retry(1e12),
    "release": lambda claim: claim.release(),
}


def claimed(folder: Path, disk: Disk, results: int) -> Claim:
    config = plan_of(
        [{"tag": "start", "type": "trim", "next": "end"}], watch_dir=str(folder), intake={"ready": "rename"}
    ).config
    spool = Spool(config, disk=disk)
    (folder / "unprocessed" / "x").write_text("a\n")
    claim = spool.claim("x")
    assert claim is not None
    for number in range(results):
        claim.staging.write(f"r{number}", "a")
    claim.reject(b"{}\n")
    claim.staging.flush()
    return claim


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("results", [0, 3, OPEN_PARTS + 9])
def test_however_a_claim_ends_no_descriptor_and_no_part_is_left(
    ending: str, results: int, tmp_path: Path
) -> None:
    before = open_descriptors()
    claim = claimed(tmp_path, Disk(power=False), results)
    assert new_descriptors(before)
    ENDINGS[ending](claim)
    assert not new_descriptors(before)
    claim.release()
    assert not new_descriptors(before)
    assert [entry for entry in look(str(tmp_path))["litter"] if entry.startswith("part")] == []
    assert len(files(str(tmp_path), "results")) == (results if ending == "commit" else 0)


@pytest.mark.parametrize("ending", ["commit", "bury"])
def test_a_claim_that_the_disk_refused_to_end_leaves_no_descriptor_once_it_is_released(
    ending: str, tmp_path: Path
) -> None:
    for calls in range(200):
        before = open_descriptors()
        folder = tmp_path / str(calls)
        disk = BrokenDisk(10**9, error=errno.EIO)
        disk.power = False
        claim = claimed(folder, disk, 3)
        disk.calls_left = calls
        try:
            ENDINGS[ending](claim)
        except OSError:
            claim.release()
        assert not new_descriptors(before), disk.broke_at
        if not disk.broke_at:
            break
    assert calls >= 5
