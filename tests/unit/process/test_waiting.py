"""Waiting for descriptors, whatever their numbers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest

from fproc.process.waiting import wait_readable

HIGH = 1500
"""More than `select.select` takes."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe whose reading end has a high number."""
    low, write_end = os.pipe()
    read_end = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(low)
    yield read_end, write_end
    os.close(read_end)
    os.close(write_end)


def test_a_descriptor_above_1023_is_waited_for(pipe: tuple[int, int]) -> None:
    read_end, write_end = pipe
    assert read_end >= HIGH
    assert wait_readable([read_end], 0) == set()
    os.write(write_end, b"x")
    assert wait_readable([read_end], None) == {read_end}


def test_one_whose_other_end_is_closed_can_be_read(pipe: tuple[int, int]) -> None:
    read_end, _ = pipe
    other, far = os.pipe()
    os.close(far)
    assert wait_readable([read_end, other], None) == {other}
    os.close(other)


def test_with_nothing_to_wait_for_the_time_passes() -> None:
    assert wait_readable([], 0.001) == set()
