"""What the loop does while a look at a folder with many files is going on."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fproc.base.values import replace
from fproc.spool.intake.backlog import RunOfNames
from fproc.spool.intake.scanner import Scan
from fproc.watch.workers.messages import Why
from tests.support.helpers import list_twice
from tests.support.spool.dropping import look_in_small_steps
from tests.support.spool.turns import Place, in_trouble


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    look_in_small_steps(monkeypatch)


def of_two_workers(folder: Path, **config: Any) -> Place:
    place = Place(folder, **config)
    cast(Any, place.watcher._workers).size = 2
    return place


def put_many(place: Place, count: int, prefix: str = "") -> set[str]:
    names = {f"{prefix}{number:02}" for number in range(count)}
    for name in names:
        place.put(f"unprocessed/{name}")
    return names


def given_out(place: Place) -> list[str]:
    return [task.name for task in cast(Any, place.watcher._workers).tasks if task.why is Why.NEW]


def between_steps(place: Place, act: Callable[[int], object]) -> None:
    """Act after each step of each look but its last."""
    look = place.spool.look

    def look_and_act(scan: Scan) -> Iterator[RunOfNames]:
        for number, run in enumerate(run for run in look(scan)):
            yield run
            act(number)

    cast(Any, place.spool).look = look_and_act


def counts_given_out(place: Place) -> list[int]:
    """How many files are given out at each step of one turn."""
    counts: list[int] = []
    between_steps(place, lambda _number: counts.append(len(given_out(place))))
    place.turn()
    return [*counts, len(given_out(place))]


def test_files_are_given_out_while_others_have_not_been_looked_at(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w")
    names = put_many(place, 20)
    counts = counts_given_out(place)
    assert counts[:2] == [0, 0]
    assert 4 <= counts[len(counts) // 2] < 20
    assert counts[-1] == 20
    assert set(place.look()["results"]) == names


def test_by_name_nothing_is_given_out_before_all_names_are_known(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w", intake={"ready": "rename", "order": "name"})
    names = put_many(place, 20)
    assert set(counts_given_out(place)[:-1]) == {0}
    assert given_out(place) == sorted(names)


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_one_worker_gets_all_files_in_their_order(tmp_path: Path, order: str) -> None:
    place = Place(tmp_path / "w", intake={"ready": "rename", "order": order})
    names = put_many(place, 20)
    for name in names:
        in_order = int(name) if order == "oldest" else -int(name)
        place.touch(f"unprocessed/{name}", 10**9 + in_order)
    assert set(counts_given_out(place)[:-1]) == {0}
    assert given_out(place) == sorted(names)


def test_what_the_look_before_has_found_is_given_out_until_there_is_something_newer(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w", intake={"ready": "rename", "order": "name"})
    names = put_many(place, 8)
    workers = cast(Any, place.watcher._workers)
    workers.has_room = lambda: False
    place.turn()
    assert given_out(place) == []
    del workers.has_room
    assert counts_given_out(place)[0] == 8
    assert given_out(place) == sorted(names)


ACTS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["come", "go", "stay away", "grow"]), st.integers(0, 30)),
    max_size=12,
)


@given(st.integers(0, 25), ACTS, st.sampled_from(["once", "twice"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_is_forgotten_or_given_out_twice_whatever_comes_and_goes(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    acts: list[tuple[int, str, int]],
    listed: str,
) -> None:
    place = of_two_workers(tmp_path_factory.mktemp("w") / "w")
    waiting = place.folder / "unprocessed"
    expected = put_many(place, count)

    def act(step: int) -> None:
        for at, what, number in acts:
            name = f"{number:02}"
            path = waiting / name
            if at != step:
                continue
            if what == "come":
                place.put(f"unprocessed/new-{name}-{step}")
                expected.add(f"new-{name}-{step}")
            elif what == "go" and path.exists():
                path.unlink()
                expected.discard(name)
            elif what == "stay away" and path.exists():
                path.rename(waiting / f".{name}")
                expected.discard(name)
            elif what == "grow" and path.exists():
                path.write_text("a\nb\n")

    with pytest.MonkeyPatch.context() as patch:
        if listed == "twice":
            list_twice(patch)
        between_steps(place, act)
        place.turn()
        acts = []
        place.turn()
    names = given_out(place)
    assert (sorted(names), len(names)) == (sorted(expected), len(set(names)))
    assert set(place.look()["results"]) == expected
    assert place.totals().get("files_processed", 0) == len(expected)


def test_a_stop_in_the_middle_of_a_look_loses_nothing(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w")
    names = put_many(place, 20)
    between_steps(place, lambda number: signal.raise_signal(signal.SIGTERM) if number == 4 else None)
    place.watcher.watch()
    first = given_out(place)
    assert 0 < len(first) < 20
    later = of_two_workers(place.folder)
    later.turn()
    assert sorted(first + given_out(later)) == sorted(names)
    assert set(later.look()["results"]) == names


def test_a_reload_that_is_asked_for_in_the_middle_of_a_look_comes_after_it(tmp_path: Path) -> None:
    class OtherSettings:
        """A reload that takes no time."""

        def __init__(self) -> None:
            self.is_requested = False
            self.given_out: list[str] = []

        def request(self) -> None:
            self.is_requested = True

        def turn(self) -> None:
            if self.is_requested:
                self.is_requested = False
                self.given_out = given_out(place)
                config = place.plan.config
                place.watcher.configure(replace(config, intake=replace(config.intake, match=("b*",))))
                place.put("unprocessed/b-new")
            elif self.given_out:
                place.watcher.stop()

        def look(self) -> None:
            """Nothing has changed on the disk."""

        close = look
        sockets = list
        checks = notes = dict

    place = of_two_workers(tmp_path / "w")
    names = put_many(place, 20, "a")
    reloader = OtherSettings()
    place.watcher.reload_by(cast(Any, reloader))
    between_steps(place, lambda number: signal.raise_signal(signal.SIGHUP) if number == 4 else None)
    place.watcher.watch()
    place.turn()
    assert sorted(reloader.given_out) == sorted(names)
    assert set(place.look()["results"]) == {*names, "b-new"}


def test_trouble_of_the_host_in_the_middle_of_a_look_costs_no_file_anything(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w")
    names = put_many(place, 20)
    steps: list[int] = []

    def act(number: int) -> None:
        steps.append(number)
        if len(steps) == 5:
            place.break_disk(errno.ENOSPC)

    between_steps(place, act)
    place.turn()
    assert "no space left" in place.trouble.lower()
    assert 0 < len(place.look()["processed"]) < 20
    place.disk.calls_left = 10**9
    for _ in range(5):
        place.turn(60)
    seen = place.look()
    assert (set(seen["results"]), seen["failed"], place.trouble) == (names, {}, "")


def test_a_name_that_gets_into_trouble_in_the_middle_of_a_look_stays_known_and_rests(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w")
    names = put_many(place, 20)
    for name in names:
        in_trouble(place, name)
    place.turn()
    place.turn()
    health = place.watcher.health()
    assert len(health.names) + health.more_names == 20
    assert sorted(given_out(place)) == sorted(names)


def test_draining_does_all_there_is(tmp_path: Path) -> None:
    place = of_two_workers(tmp_path / "w")
    names = put_many(place, 20)
    assert place.watcher.drain()
    assert set(place.look()["results"]) == names


def test_how_much_is_left_is_told_once_all_files_were_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = of_two_workers(tmp_path / "w")
    put_many(place, 20)
    told: list[int] = []
    monkeypatch.setattr(place.watcher._recorder, "left", lambda count, _oldest: told.append(count))
    monkeypatch.setattr(place.watcher._workers, "has_room", lambda: False)
    place.turn()
    place.turn()
    assert told == [20, 20]
