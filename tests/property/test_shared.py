"""One file by 1, 2, 3 and 8 processes, on random graphs and frames: the same bytes and the same figures."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fproc.run import run as running
from fproc.run.chunked import chunks, helper
from tests.support.chunked import Files, check_same
from tests.support.drawn import BUILTINS, LINES, nodes
from tests.support.helpers import plan_of

FORGETFUL = sorted(BUILTINS.keys() - {"join", "count", "tally"})
"""Kinds of nodes that do not remember lines, so that a file can be shared."""

FRAMES = st.sampled_from(["lines", {"starts": "^[^ ]"}, {"starts": "INFO"}, {"separator": "; "}])


def in_files(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same pipeline, with what it prints in a result."""
    printed = {"type": "write", "config": {"file": "screen"}}
    return [{**node, **(printed if node["type"] == "stdout" else {})} for node in pipeline]


@pytest.mark.sweep
@settings(max_examples=25)
@given(
    pipeline=nodes(wild=st.just(1000), kinds={kind: BUILTINS[kind] for kind in FORGETFUL}, users=()).map(
        in_files
    ),
    frame=FRAMES,
    lines=LINES,
    times=st.integers(1, 8),
    chunk_bytes=st.integers(20, 400),
    every=st.sampled_from([1, 3, 1000]),
)
def test_any_number_of_processes_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    pipeline: list[dict[str, Any]],
    frame: Any,
    lines: list[str],
    times: int,
    chunk_bytes: int,
    every: int,
) -> None:
    files = Files(tmp_path_factory.mktemp("shared"))
    data = "".join(line + "\n" for line in lines * times).encode("utf-8", "surrogateescape")
    plan = plan_of(pipeline, on_error="reject", input={"records": frame})
    path = files.put(data or b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "LEAST_BYTES", 0)
        patch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
        patch.setattr(helper, "PLACED_BYTES", 0)
        patch.setattr(threading, "active_count", lambda: 1)  # so that helpers are forked, which is quick
        alone = files.run(plan, path, 0)
        for workers in (2, 3, 8):
            check_same(files.run(plan, path, workers - 1, every=every), alone)
