"""What a crash left is found, said and taken up."""

from __future__ import annotations

from pathlib import Path

import pytest

from fproc.watch import loop
from fproc.watch.loop import ORPHAN_SECONDS
from tests.support.spool.turns import Place, crash


def test_an_input_whose_owner_has_died_is_found_within_a_second(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", recovery={"check_interval": 60})
    place.put("underprocess/x")
    place.turn()
    assert place.look()["results"] == {"x": "a\n"}
    place.put("underprocess/y")
    place.turn(ORPHAN_SECONDS / 2)
    assert list(place.look()["underprocess"]) == ["y"]
    place.turn(ORPHAN_SECONDS / 2)
    assert set(place.look()["results"]) == {"x", "y"}


@pytest.mark.parametrize("poll_seconds", [0.1, 3600])
def test_between_rare_polls_the_input_of_a_dead_owner_is_found_as_soon(
    tmp_path: Path, poll_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "w", intake={"ready": "rename", "poll_seconds": poll_seconds})
    monkeypatch.setattr(loop, "handled", place.handled)
    began: list[float] = []

    def put_once() -> int:
        if not began and place.monotonic.seconds > 60:
            place.put("underprocess/x")
            began.append(place.monotonic.seconds)
        if place.look()["results"]:
            place.watcher.stop()
        return 1

    place.watcher._workers.count_free = place.watcher._workers.look_seconds = put_once  # type: ignore[method-assign]
    place.watcher.watch()
    assert place.look()["results"] == {"x": "a\n"}
    assert place.monotonic.seconds - began[0] < 10


def leave(place: Place, name: str) -> None:
    """Claim an input, and stop in good order."""
    place.put(f"unprocessed/{name}")
    claim = place.spool.claim(name)
    assert claim is not None
    claim.leave()


@pytest.mark.parametrize("is_running", [False, True])
def test_only_what_a_crash_left_is_said_and_counted_to_be_taken_up_after_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_running: bool
) -> None:
    caplog.set_level("INFO")
    place = Place(tmp_path / "w")
    if is_running:
        place.turn()
    crash(place, "crashed")
    leave(place, "left")
    place.put("underprocess/found")
    place.turn(ORPHAN_SECONDS)
    assert set(place.look()["results"]) == {"crashed", "left", "found"}
    assert place.totals()["recovered"] == 1
    said = {message for message in caplog.messages if " in, " not in message}
    assert {
        "crashed: taken up again after a crash",
        "left: goes on after a stop",
        "found: found in underprocess/, and taken up",
    } <= said
    assert [message for message in caplog.messages if "crash" in message and "crashed:" not in message] == []


def test_what_is_taken_up_is_said_before_it_is_done(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    crash(place, "x")
    place.turn()
    first, second = (message for message in caplog.messages if message.startswith("x:"))
    assert first == "x: taken up again after a crash"
    assert second.startswith("x: 1 line in")


def test_what_a_job_left_behind_is_looked_for_at_the_start_and_at_each_interval(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", recovery={"check_interval": 60})
    place.turn()
    (tmp_path / "w/.fproc/jobs/x").mkdir()
    place.put(".fproc/jobs/x/attempts.json")
    place.turn(59)
    assert place.look()["litter"] == ["job x"]
    place.turn(1)
    assert place.look()["litter"] == []


def test_orphans_are_left_alone_where_that_is_wished(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", recovery={"enabled": False})
    place.put("underprocess/x")
    place.turn(1000)
    assert list(place.look()["underprocess"]) == ["x"]
