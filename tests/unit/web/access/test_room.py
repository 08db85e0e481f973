"""The room that uploads may take: never the reserve, and never what was promised to another."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from fproc.spool.checks.condition import LEAST_FREE_BYTES
from fproc.web.access.room import MOST_RESERVE_BYTES, NoRoom, Room, Space

GIGABYTE = 10**9


def room(free_bytes: int, *, total_bytes: int = 100 * GIGABYTE, free_inodes: int = 10**6) -> Room:
    return Room(lambda: Space(free_bytes, total_bytes, free_inodes, 10**6 if free_inodes else 0))


def fits(of_room: Room, size_bytes: int, inodes: int = 5) -> bool:
    try:
        with of_room.promised(size_bytes, inodes):
            return True
    except NoRoom:
        return False


@pytest.mark.parametrize(
    ("total_bytes", "reserve_bytes"),
    [(10 * 2**20, LEAST_FREE_BYTES), (10 * GIGABYTE, GIGABYTE // 2), (10**13, MOST_RESERVE_BYTES)],
)
def test_a_reserve_is_left_to_the_work(total_bytes: int, reserve_bytes: int) -> None:
    of_room = room(reserve_bytes + 1000, total_bytes=total_bytes)
    assert fits(of_room, 1000)
    assert not fits(of_room, 1001)


def test_what_is_promised_to_others_is_not_there_until_it_is_written_or_given_up() -> None:
    free = [6 * GIGABYTE]
    of_room = Room(lambda: Space(free[0], 100 * GIGABYTE, 10**6, 10**6))
    with of_room.promised(GIGABYTE // 2, 5) as first:
        assert fits(of_room, GIGABYTE // 2)
        assert not fits(of_room, GIGABYTE // 2 + 1)
        first.wrote(GIGABYTE // 4)
        free[0] -= GIGABYTE // 4
        assert fits(of_room, GIGABYTE // 2)
        assert not fits(of_room, GIGABYTE // 2 + 1)
    assert fits(of_room, 3 * GIGABYTE // 4)


def test_inodes_are_promised_and_reserved_too() -> None:
    of_room = room(99 * GIGABYTE, free_inodes=10_000 + 100)
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(of_room.promised(1, 10))
        assert not fits(of_room, 1, 1)
    assert fits(of_room, 1, 100)
    assert not fits(of_room, 1, 101)
    assert fits(room(99 * GIGABYTE, free_inodes=0), 1, 10**9)  # a disk that does not count them


def test_a_form_takes_inodes_file_by_file_until_there_are_none() -> None:
    free = [10_000 + 10]
    of_room = Room(lambda: Space(99 * GIGABYTE, 100 * GIGABYTE, free[0], 10**6))
    with of_room.promised(1000, 6) as promise:
        assert not fits(of_room, 1, 5)
        free[0] -= 6
        promise.wrote(1)
        for _ in range(2):
            promise.begin_file(2)
            free[0] -= 2
        with pytest.raises(NoRoom, match="no room for more files"):
            promise.begin_file(2)
