"""Names that are ready, in order, however many runs they come in."""

from __future__ import annotations

import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.spool.intake import backlog as backlog_module
from fproc.spool.intake.backlog import Backlog, RunOfNames, entry_of


def all_of(backlog: Backlog) -> list[str]:
    names = []
    while (name := backlog.first()) is not None:
        names.append(name)
        backlog.pop()
    return names


def run_of(*names: str) -> RunOfNames:
    return sorted(entry_of("", name) for name in names)


def test_an_empty_one_has_no_first() -> None:
    backlog = Backlog()
    backlog.add([])
    assert (backlog.first(), len(backlog)) == (None, 0)


def test_what_comes_later_is_given_in_its_place_among_what_is_left() -> None:
    backlog = Backlog()
    backlog.add(run_of("b", "d", "f"))
    assert backlog.first() == "b"
    backlog.pop()
    backlog.add(run_of("a", "e"))
    assert len(backlog) == 4
    assert all_of(backlog) == ["a", "d", "e", "f"]
    assert len(backlog) == 0


def test_names_are_sorted_by_their_keys() -> None:
    backlog = Backlog()
    backlog.add(sorted([entry_of("2", "a"), entry_of("1", "z/not a name, but who knows")]))
    backlog.add([entry_of("1", "b")])
    assert all_of(backlog) == ["b", "z/not a name, but who knows", "a"]


def test_a_name_that_comes_twice_is_given_once() -> None:
    backlog = Backlog()
    backlog.add(run_of("a", "b", "b", "c"))
    backlog.add(run_of("b", "d"))
    assert all_of(backlog) == ["a", "b", "c", "d"]


NAMES = st.binary(min_size=1, max_size=4).filter(lambda name: b"\0" not in name and b"/" not in name)


@given(st.lists(st.lists(NAMES.map(os.fsdecode), unique=True), max_size=6), st.data())
def test_whatever_comes_is_given_once_and_always_the_first_of_what_has_come(
    runs: list[list[str]], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog_module, "PAGE_NAMES", 2)
        backlog = Backlog()
        come: set[str] = set()
        given_out: list[str] = []
        for run in runs:
            new = set(run) - come
            come |= new
            backlog.add(run_of(*new))
            for _ in range(data.draw(st.integers(0, 3))):
                left = come - set(given_out)
                assert backlog.first() == min(left, default=None)
                if left:
                    given_out.append(min(left))
                    backlog.pop()
        assert sorted(given_out + all_of(backlog)) == sorted(come)


def test_a_waiting_name_takes_a_few_bytes() -> None:
    names = 20_000
    tracemalloc.start()
    try:
        backlog = Backlog()
        for number in range(0, names, 10_000):
            backlog.add(
                [
                    entry_of(f"{5 * 10**19 + index * 1000}", f"events-{index:08}.log")
                    for index in range(number, number + 10_000)
                ]
            )
        held_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held_bytes < 30 * names
    assert len(backlog) == names
