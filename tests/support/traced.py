"""Runs whose lines are traced, on a clock of the test's own."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from fproc.pipeline.plan import Plan
from fproc.pipeline.tracing.trace import Trace
from fproc.run import attempt
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.spool.disk.disk import Disk
from fproc.spool.spool import Spool
from fproc.telemetry.sampler import TraceSampler
from tests.support.clocks import Clock
from tests.support.helpers import plan_of


class Bench:
    """A spool and a recorder, and files that are run there one after the other."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.recorders: dict[int, TraceSampler] = {}
        self.runs = 0

    def run(
        self, plan: Plan, *lines: str | bytes, recorder: TraceSampler | None = None, retries: bool = False
    ) -> Outcome:
        self.runs += 1
        spool = Spool(plan.config, disk=Disk(power=False))
        raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
        name = f"{self.runs}.log"
        Path(spool.folders.unprocessed, name).write_bytes(b"".join(line + b"\n" for line in raw))
        claim = spool.claim(name)
        assert claim is not None
        recorder = recorder or self.recorders.setdefault(id(plan), TraceSampler(plan, monotonic=self.clock))
        return attempt.process_claim(claim, plan, RunContext(observer=recorder))

    def plan(self, *nodes: dict[str, Any], **config: Any) -> Plan:
        keys = {"watch_dir": str(self.folder / "w"), "intake": {"ready": "rename"}, "durability": "process"}
        return plan_of(nodes, **keys, **config)

    def traces(self, plan: Plan, *lines: str | bytes) -> list[Trace]:
        """The traces of one more file."""
        traces: list[Trace] = pickle.loads(pickle.dumps(list(self.run(plan, *lines).figures.traces)))
        return traces


def plain(traces: list[Trace]) -> list[tuple[Any, ...]]:
    return [(one.line_no, one.line, tuple(one.path), one.outcome) for one in traces]


SIEVE = {"tag": "start", "type": "drop_matching", "config": {"pattern": "no"}, "next": "up"}


UP = {"tag": "up", "type": "uppercase", "next": "end"}


FIELDS = {
    "tag": "start",
    "type": "fields",
    "config": {"template": "{2}", "otherwise": "reject"},
    "next": "end",
}
