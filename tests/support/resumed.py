"""One input in a folder of its own, run through a plan again and again, from any of its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fproc.base.values import asdict
from fproc.pipeline.failures import RecordError
from fproc.pipeline.plan import Plan
from fproc.run.figures import Figures
from fproc.run.reading.inputs import open_input
from fproc.run.run import run_input
from fproc.spool.disk.disk import Disk
from fproc.spool.job.checkpoint import Position
from fproc.spool.output.parts import Part, Staging


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@dataclass
class Checkpoint:
    """A place, and what results and set-aside lines were by then."""

    place: Position
    parts: dict[str, tuple[bytes, int]]
    rejected: bytes


class Job:
    """One input in a folder of its own, which can be run from any place."""

    def __init__(self, folder: str, plan: Plan, name: str, contents: bytes) -> None:
        self.folder = folder
        self.plan = plan
        self.path = str(Path(folder, name))
        Path(self.path).write_bytes(contents)
        self.checkpoints: list[Checkpoint] = []
        self.runs = 0

    def run(self, begin_at: Checkpoint | None = None) -> Any:
        """Run to the end; gives results, set-aside lines and figures. Notes a checkpoint for each line."""
        self.runs += 1
        stage = Path(self.folder, f"stage{self.runs}")
        stage.mkdir()
        staging = Staging(Disk(power=False), lambda: str(stage), "job-")
        rejected: list[bytes] = []
        if begin_at:
            parts = {}
            for number, (result, (data, lines)) in enumerate(begin_at.parts.items()):
                path = stage / f"old-{number}"
                path.write_bytes(data + b"written after the checkpoint\n" * (number % 2))
                parts[result] = Part(str(path), len(data), lines)
            staging.resume(parts, 0)
            rejected = [begin_at.rejected]

        def keep(offset_bytes: int, get_position: Callable[[], Position]) -> None:
            staging.flush()
            found = {
                result: (Path(part.path).read_bytes(), part.lines) for result, part in staging.parts.items()
            }
            kept = Position(**through_json(asdict(get_position())))
            assert kept.offset_bytes == offset_bytes
            self.checkpoints.append(Checkpoint(kept, found, b"".join(rejected)))

        given, figures, ending = open_input(self.path, in_spool=True), Figures(), None
        begin = begin_at.place if begin_at else None
        try:
            run_input(self.plan, given, staging, figures, reject=rejected.append, keep=keep, begin_at=begin)
        except RecordError as error:
            ending = str(error)
        finally:
            given.close()
        staging.flush()
        results = {result: Path(part.path).read_bytes() for result, part in staging.parts.items()}
        staging.discard()
        return results, b"".join(rejected), figures, ending
