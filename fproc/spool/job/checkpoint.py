"""Checkpoints: the position of a run in the middle of a file, durable, so that a crash costs little work.

A checkpoint is only an optimization. If it is doubtful in any way (torn, or of another version; the input,
the pipeline or a part has changed), the file starts over, with the same results.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from fproc.base.errors import UnsavableError
from fproc.base.ids import sha256
from fproc.base.text import shown
from fproc.base.values import asdict, dataclass, field
from fproc.spool.disk.disk import Disk, write_whole
from fproc.spool.job.decision import FileStamp

log = logging.getLogger("fproc.spool")

RECORD = "checkpoint.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a run: before line `line_no`, at byte `offset_bytes` of the (decompressed) contents.

    `entry` is the node at which lines enter, "" while unknown; `rejected` and `skipped` count records, in
    `lines_lost` lines, and `line_errors` are the first of them, a JSON value each; `engine` is the state of
    the engine, as a JSON value. Of a line over the limit, which begins with `head`, `passed_bytes` were
    skipped.
    """

    offset_bytes: int = 0
    line_no: int = 1
    entry: str = ""
    rejected: int = 0
    skipped: int = 0
    engine: Mapping[str, Any] = field(default_factory=dict)
    line_errors: Sequence[Any] = field(default_factory=list)
    lines_lost: int = 0
    passed_bytes: int = 0
    head: str = ""

    @property
    def reached_bytes(self) -> int:
        """Bytes of the contents that were read."""
        return self.offset_bytes + self.passed_bytes


@dataclass(frozen=True, slots=True)
class PartState:
    """A part at the time of the checkpoint: its result, its (portable) path, and how much of it is valid."""

    result: str
    path: str
    size_bytes: int
    lines: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A position, with all that must be unchanged for it to be valid.

    `fingerprint` is the pipeline's; `sent` counts lines written to standard output.
    """

    stamp: FileStamp
    fingerprint: str
    place: Position
    parts: tuple[PartState, ...]
    sent: int
    rejected_bytes: int


def write_checkpoint(disk: Disk, job_folder: str, checkpoint: Checkpoint) -> None:
    """Make a checkpoint durable, in place of the previous one; what it refers to is durable already.

    Raises:
        UnsavableError: the state cannot be written as JSON, such as a number of more than 4,300 digits.
    """
    try:
        body = json.dumps({"version": VERSION, **asdict(checkpoint)}).encode()
    except (ValueError, RecursionError) as error:
        raise UnsavableError(f"its state cannot be written as JSON: {error}") from error
    write_whole(disk, job_folder, RECORD, _digest(body) + b"\n" + body + b"\n")


def read_checkpoint(job_folder: str) -> Checkpoint | None:
    """Return the checkpoint in a job folder, or None if there is none that is whole."""
    path = os.path.join(job_folder, RECORD)
    try:
        with open(path, "rb") as file:
            return _parsed(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        log.warning("%s: the checkpoint cannot be used, the file starts over: %s", shown(path), error)
        return None


def _parsed(record: bytes) -> Checkpoint:
    digest, _, body = record.partition(b"\n")
    if digest != _digest(body.removesuffix(b"\n")):
        raise ValueError("it is torn, or not fproc's")
    value = json.loads(body)
    if value.pop("version") != VERSION:
        raise ValueError("it was made by another version of fproc")
    nested = {
        "stamp": FileStamp(**value["stamp"]),
        "place": Position(**value["place"]),
        "parts": tuple(PartState(**part) for part in value["parts"]),
    }
    return Checkpoint(**{**value, **nested})


def _digest(body: bytes) -> bytes:
    return sha256(body).hexdigest().encode()
