"""What is too old in the history goes, step by step, and the totals stay."""

from __future__ import annotations

import pytest

from fproc.telemetry.history import upkeep as module
from tests.support.histories import DAY_SECONDS, NOW, Opener, event, jobs


def test_only_what_is_too_old_is_pruned_and_the_totals_stay(opened: Opener) -> None:
    history = opened(days=30)
    history.record(
        [event("old", time=NOW - 30 * DAY_SECONDS - 1), event("young", time=NOW - 30 * DAY_SECONDS)]
    )
    totals = history.totals()
    assert history.prune() == 1
    assert jobs(history) == ["young"]
    assert history.totals() == totals
    assert totals["files_processed"] == 2
    assert history.prune() == 0


def test_pruning_goes_on_until_all_is_gone(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 2)
    history = opened(days=1)
    history.record([event(str(number), time=1.0) for number in range(7)])
    assert history.prune() == 7


def test_without_a_limit_in_days_nothing_is_pruned(opened: Opener) -> None:
    history = opened(days=None)
    history.record([event(time=0.0)])
    assert history.prune() == 0
    assert jobs(history) == ["j1"]


def test_an_id_is_not_used_again_after_pruning(opened: Opener) -> None:
    history = opened(days=1)
    history.record([event("old", time=1.0)])
    (old,) = history.recent(limit=1)
    history.prune()
    history.record([event("new")])
    assert history.recent(limit=1)[0].id > old.id


def test_a_long_prune_lets_others_in_and_ends_when_it_has_to(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 10)
    history = opened(days=1)
    history.record([event(f"old{n}", time=0.0) for n in range(100)])
    asked: list[int] = []

    def is_stopping() -> bool:
        history.record([event(f"new{len(asked)}", time=NOW)])
        asked.append(len(history.recent(limit=1000)))
        return len(asked) > 4

    history.prune(is_stopping)
    assert asked[:5] == [101, 102, 93, 84, 75]
