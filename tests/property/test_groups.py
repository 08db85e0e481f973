"""Whatever the graph and the lines: files that are done in a group end as each of them does alone."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.plan import Plan, SpareRun
from fproc.pipeline.tracing.timing import Sampling
from fproc.run.attempt import RunContext
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.spool import Spool
from fproc.telemetry.sampler import TraceSampler
from fproc.watch.workers.messages import Report, Task, Why
from fproc.watch.workers.worker import perform, perform_all
from tests.support.drawn import LINES, nodes
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import look

_ALONE = {"job", "seconds", "time"}
"""Fields of an event that differ from run to run."""

_NODES = ["fail_on_bad", "reject_bad", "Numbered", "LastOnes", "FailsToFinish"]
SIMPLE: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.sampled_from(_NODES), min_size=1, max_size=3
).map(
    lambda names: [
        {"tag": f"n{index}" if index else "start", "type": user(name), "next": next_of(index, len(names))}
        for index, name in enumerate(names)
    ]
)
"""Chains of users' processors, some of which remember lines, and some of which fail."""


def next_of(index: int, count: int) -> dict[str, str]:
    return {"*": f"n{index + 1}" if index + 1 < count else "end"}


def with_own_results(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with results that are each input's own, so that nobody's number depends on another file."""
    files = {"tagged": "{stem}.{tag}.{date}", "screen": "{stem}.screen"}
    return [
        {"tag": node["tag"], "type": "write", "config": {"file": files[node["tag"]]}}
        if node["tag"] in files
        else node
        for node in pipeline
    ]


PIPELINES = st.one_of(SIMPLE, nodes(wild=st.integers(1, 9)).map(with_own_results))
FILES = st.lists(
    st.one_of(LINES, st.lists(st.sampled_from(["bad", "ok", "x" * 50]), max_size=4)), min_size=2, max_size=5
)


class Room:
    """A spool with files that wait."""

    def __init__(
        self, folder: str, pipeline: list[dict[str, Any]], files: list[list[str]], **config: Any
    ) -> None:
        self.folder = folder
        self.plan: Plan = plan_of(
            pipeline,
            watch_dir=folder,
            results_dir=os.path.join(folder, "results"),
            intake={"ready": "rename"},
            retry={"max_attempts": 1},
            durability="process",
            limits={"max_line_bytes": 40, "max_hops": 20},
            **config,
        )
        self.spool = Spool(self.plan.config)
        for number, lines in enumerate(files):
            path = Path(folder, "unprocessed", f"f{number}.log")
            path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
            os.utime(path, (10**9, 10**9))
        self.tasks = [Task(f"f{number}.log", Why.NEW) for number in range(len(files))]

    def alone(self) -> list[Report]:
        return [perform(self.spool, self.plan, task, RunContext(sampling=Sampling())) for task in self.tasks]

    def together(self) -> list[Report]:
        context = RunContext(observer=TraceSampler(self.plan), sampling=Sampling(), spare=SpareRun())
        return perform_all(self.spool, self.plan, self.tasks, context, lambda _index: None)

    def seen(self, reports: Sequence[Report]) -> dict[str, Any]:
        """All that came of it."""
        return {"reports": [_told(report) for report in reports], "nodes": _counted(reports), **self._left()}

    def _left(self) -> dict[str, Any]:
        """What lies in the spool, without times and places in the code."""
        seen = look(self.folder)
        for name, text in seen["failed"].items():
            if name.endswith(".error.json"):
                text = str({**json.loads(text), "timestamp": "", "traceback": ""})  # noqa: PLW2901
            seen["failed"][name] = _plain(text)
        return seen


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def _told(report: Report) -> tuple[Any, ...]:
    outcome = report.value
    assert isinstance(outcome, Outcome)
    event, figures = outcome.event, outcome.figures
    told = {name: getattr(event, name) for name in event.__slots__ if name not in _ALONE}
    told["results"] = sorted(event.results)  # in another order where lines are observed
    return (
        report.task,
        outcome.verdict,
        _plain(str(told)),
        figures.lines_lost,
        _plain(str(figures.line_errors)),
    )


def _counted(reports: Sequence[Report]) -> tuple[Counter[Any], Counter[Any]]:
    """What was counted at nodes and edges, in all files that were processed."""
    at_nodes: Counter[Any] = Counter()
    edges: Counter[Any] = Counter()
    for outcome in (report.value for report in reports):
        if isinstance(outcome, Outcome) and outcome.verdict is Verdict.COMMIT:
            edges.update(outcome.figures.edges)
            for name, at in outcome.figures.nodes.items():
                for figure in ("received", "emitted", "failed"):
                    at_nodes[name, figure] += getattr(at, figure)
    return +at_nodes, +edges


@given(PIPELINES, FILES, st.sampled_from(["fail", "skip", "reject"]))
def test_files_of_a_group_end_as_each_of_them_does_alone(
    pipeline: list[dict[str, Any]], files: list[list[str]], on_error: str
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        alone, together = (Room(folder, pipeline, files, on_error=on_error) for folder in (one, other))
        assert together.seen(together.together()) == alone.seen(alone.alone())
