"""Several small inputs that are added to the same results: one append for all, and what fails of it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from fproc.run.verdict import Verdict
from tests.support.helpers import user
from tests.support.spool.groups import NAMES, Place

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["one", "other"]},
    {"tag": "one", "type": "write", "config": {"file": "one.log", "append": True}},
    {"tag": "other", "type": "write", "config": {"file": "other.log", "append": True}},
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "w", nodes=NODES)
    for name in NAMES:
        made.put(f"unprocessed/{name}", name + "\n")
    return made


def test_a_group_makes_one_append_for_all_in_the_order_of_its_commits(place: Place) -> None:
    done = place.perform(*NAMES)
    assert [outcome.verdict for outcome in done.values()] == [Verdict.COMMIT] * len(NAMES)
    assert place.look()["results"] == dict.fromkeys(("one.log", "other.log"), "a.log\nb.log\nc.log\n")
    assert place.disk.calls.count("open_to_append") == 2
    assert place.look()["litter"] == []


def test_each_input_is_told_with_its_place_in_the_results(place: Place) -> None:
    done = place.perform(*NAMES)
    assert done["b.log"].event.results == (
        "one.log (appended, bytes 6-11)",
        "other.log (appended, bytes 6-11)",
    )


def fsyncs(place: Place) -> int:
    """How many fsyncs a group makes."""
    for name in NAMES:
        place.put(f"unprocessed/{name}", name + "\n")
    place.perform(*NAMES)
    return place.disk.calls.count("sync_folder") + place.disk.calls.count("sync")


def test_what_is_appended_costs_few_fsyncs_more_for_a_whole_group(place: Place, tmp_path: Path) -> None:
    plain_nodes = [
        NODES[0],
        *({**node, "config": {"file": f"{{stem}}.{node['tag']}"}} for node in NODES[1:]),
    ]
    plain = fsyncs(Place(tmp_path / "plain", nodes=plain_nodes))
    for result in ("one.log", "other.log"):
        place.put(f"results/{result}", "before\n")
    per_result = 4  # the intent, its folder, the result, and the folder again once it is done
    not_needed = 3  # the stage before the commit, the folder of results, the stage after what was published
    parts = 2 * len(NAMES)
    assert fsyncs(place) == plain - parts + 2 * per_result - not_needed


def test_a_result_that_cannot_be_appended_to_lets_its_inputs_wait_committed(place: Place) -> None:
    place.disk.refused = ("open_to_append", "other.log", errno.EACCES)
    verdicts = place.verdicts(*NAMES)
    assert set(verdicts.values()) == {Verdict.WAIT}
    assert place.look()["results"] == {"one.log": "a.log\nb.log\nc.log\n"}
    place.disk.refused = None
    for name in NAMES:
        place.spool.adopt(name)
    assert place.look()["results"] == dict.fromkeys(("one.log", "other.log"), "a.log\nb.log\nc.log\n")
    assert place.look()["litter"] == []


def test_one_of_several_results_that_is_no_file_fails_only_before_anything_is_decided(place: Place) -> None:
    (place.folder / "results" / "other.log").mkdir()
    assert set(place.verdicts(*NAMES).values()) == {Verdict.FAIL}
    seen = place.look()
    assert seen["results"] == {}
    assert "the result 'other.log' cannot be put" in seen["failed"]["a.log.error.json"]
    assert "what is there is a folder, not a file" in seen["failed"]["a.log.error.json"]
