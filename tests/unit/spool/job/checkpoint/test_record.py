"""The record of a checkpoint is whole, or it is none."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import UnsavableError
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job.checkpoint import Checkpoint, PartState, Position
from fproc.spool.job.decision import FileStamp
from tests.support.spool.checkpoints import LINES, Site

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
        assert "the checkpoint cannot be used, the file starts over" in caplog.records[-1].getMessage()
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
    assert site.run().verdict is Verdict.COMMIT
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
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES)
    assert caplog.text.count("the checkpoint cannot be used") == 1


def test_a_folder_in_the_place_of_the_checkpoint_does_not_stop_the_file(site: Site) -> None:
    site.stop_before(5)
    site.record.unlink()
    site.record.mkdir()
    assert site.run().verdict is Verdict.COMMIT
