"""Losses of power with leases, and owners that were paused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.run.verdict import Verdict
from fproc.spool.job.claim import Claim
from tests.support.spool.crashes import look
from tests.support.spool.leases import Shared, hold_by_leases_of_the_dead
from tests.support.spool.paused import check_done, finish, paused_at, settle
from tests.support.spool.places import Place, sweep
from tests.support.spool.scenarios import SCENARIOS, TWO_RESULTS

pytestmark = pytest.mark.sweep


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of owners that are known to be dead."""
    hold_by_leases_of_the_dead(monkeypatch)


@pytest.mark.usefixtures("leases", "names_of_the_model")
@pytest.mark.parametrize(
    "name", ["two results", "two results, without a journal", "checkpoints", "a file that fails"]
)
@pytest.mark.parametrize("end", [Place.lose_power, Place.lose_power_but_for_the_newest_name])
def test_power_loss_before_any_call_changes_nothing_with_leases_either(
    memory_path: Path, name: str, end: Callable[[Place, int], bool]
) -> None:
    assert sweep(memory_path, SCENARIOS[name], end) > 40


def test_an_owner_that_was_paused_anywhere_adds_nothing_to_what_goes_on_without_it(memory_path: Path) -> None:
    scenario = SCENARIOS["checkpoints"]
    for calls in itertools.count():
        shared = Shared(memory_path / str(calls), TWO_RESULTS, **scenario.config)
        shared.put("unprocessed/x.log", *scenario.dropped.values())
        second = shared.on_host("second")
        if not paused_at(shared, calls, lambda: settle(shared, second)):  # noqa: B023 - called at once
            break
        settle(shared, second)
        seen = look(str(shared.folder))
        assert {folder: seen[folder] for folder in scenario.expected} == scenario.expected, calls
        assert seen["litter"] == [], calls
    assert calls > 60


def test_an_owner_that_was_paused_does_nothing_while_another_is_at_work(memory_path: Path) -> None:
    for calls in itertools.count():
        shared = Shared(memory_path / str(calls), TWO_RESULTS)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.on_host("second")
        held: list[Claim] = []

        def take_over() -> None:
            for name, evidence in shared.wait(second).items():  # noqa: B023 - called at once
                taken = second.adopt(name, seen_version=evidence)  # noqa: B023
                held.extend([taken] if isinstance(taken, Claim) else [])  # noqa: B023

        if not paused_at(shared, calls, take_over):
            break
        assert all(finish(shared, claim).verdict is Verdict.COMMIT for claim in held), calls
        settle(shared, second)
        check_done(shared)
    assert calls > 30


def test_an_owner_that_was_paused_does_not_archive_the_file_when_it_is_handed_in_again(
    memory_path: Path,
) -> None:
    for calls in itertools.count():
        shared = Shared(memory_path / str(calls), TWO_RESULTS)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.on_host("second")
        held: list[Claim] = []

        def take_over() -> None:
            settle(shared, second)  # noqa: B023 - called at once
            archived = shared.folder / "processed" / "x.log"  # noqa: B023
            if archived.exists():
                archived.rename(shared.folder / "unprocessed" / "x.log")  # noqa: B023
                claim = second.claim("x.log")  # noqa: B023
                held.extend([claim] if claim else [])  # noqa: B023

        if not paused_at(shared, calls, take_over):
            break
        assert all(finish(shared, claim).verdict is Verdict.COMMIT for claim in held), calls
        settle(shared, second)
        seen = look(str(shared.folder))
        archived_as = "x~2.log" if held else "x.log"  # its results of the first time are still there
        assert (seen["processed"], seen["litter"]) == ({archived_as: "a\nb\n"}, []), calls
    assert calls > 30
