"""Processors whose state cannot be kept in a checkpoint, or is not taken back."""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from fproc.run.verdict import Verdict
from tests.support.spool.checkpoints import LINES, NODES, NOTE, SEEN, Site, stateful

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
    assert (
        site.run(is_stopping=lambda: next(asked) >= 5).verdict is Verdict.COMMIT
    )  # it is finished, not left
    assert (saves, SEEN) == ([], LINES)
    assert caplog.text.count("x.log: has no checkpoints: " + why) == 1
    assert caplog.text.count("has no checkpoints") == 1
    assert site.look()["litter"] == []


def test_a_file_that_turns_out_to_have_no_checkpoint_when_fproc_stops_is_finished(site: Site) -> None:
    site.nodes = [NOTE, {"tag": "number", "type": stateful("Countered"), "next": "end"}]
    site.config["checkpoint"] = {"seconds": 86400}
    site.drop()
    asked = itertools.count()
    assert site.run(is_stopping=lambda: next(asked) >= 5).verdict is Verdict.COMMIT
    assert SEEN == LINES


def test_a_file_without_checkpoints_is_left_alone_if_nothing_was_done_yet(site: Site) -> None:
    site.nodes = [NOTE, {"tag": "number", "type": stateful("Countered"), "next": "end"}]
    site.drop()
    assert (site.run(is_stopping=lambda: True).verdict, SEEN) == (Verdict.STOP, [])
    assert os.listdir(site.folder / ".fproc" / "jobs" / "x.log") == ["attempts.json"]
    assert site.run().verdict is Verdict.COMMIT


@pytest.mark.parametrize("error", ["ValueError", "SystemExit"])
def test_a_file_whose_state_is_not_taken_back_starts_over(
    site: Site, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"at": "restore", "error": error}
    site.nodes = [NOTE, {**NODES[1], "type": stateful("Unwilling"), "config": config}, *NODES[2:]]
    site.stop_before(8)
    outcome = site.run()
    assert (outcome.verdict, outcome.figures.rejected, outcome.figures.lines_in) == (Verdict.COMMIT, 2, 10)
    assert f"starts over, not from its checkpoint: a checkpoint does not fit: {error}: what is" in caplog.text
    site.check_done(seen=LINES)
