"""Compressed files that a thread reads ahead: what is read, what is raised, when the thread ends."""

from __future__ import annotations

import gzip
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import InputError, NotWholeError
from fproc.config.input_format import InputRules
from fproc.run.reading import ahead, compression
from fproc.run.reading.inputs import Input, open_input
from tests.support.programs.running import wait_until

LINES = b"".join(b"%06d %d\n" % (number, number * 7919) for number in range(4000))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "ALONE_BYTES", 1000)
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 700)
    monkeypatch.setattr(compression, "PACKED_BYTES", 50)


def opened(path: Path, data: bytes) -> Input:
    path.write_bytes(data)
    given = open_input(str(path), in_spool=True)
    given.begin(InputRules())
    return given


def whole(given: Input, size_bytes: int = 333) -> bytes:
    try:
        return b"".join(iter(lambda: given.read(size_bytes), b""))
    finally:
        given.close()


def threads() -> int:
    return sum(thread.name == "fproc-ahead" for thread in threading.enumerate())


def test_a_file_is_read_ahead_to_its_end_and_the_thread_ends(tmp_path: Path) -> None:
    given = opened(tmp_path / "a.gz", gzip.compress(LINES))
    assert given.read(500)
    assert threads() == 0, "a small file needs none"
    rest = b"".join(iter(lambda: given.read(333), b""))
    assert LINES.endswith(rest)
    assert given.read(333) == b""
    assert given.position_bytes() == os.path.getsize(tmp_path / "a.gz")
    given.close()
    assert threads() == 0


def test_a_file_that_is_closed_in_the_middle_leaves_no_thread(tmp_path: Path) -> None:
    given = opened(tmp_path / "a.gz", gzip.compress(LINES))
    while not threads():
        given.read(333)
    given.close()
    assert threads() == 0


def test_what_is_skipped_to_is_what_comes_next(tmp_path: Path) -> None:
    given = opened(tmp_path / "a.gz", gzip.compress(LINES))
    for offset_bytes in (20_000, 500, 0, len(LINES) - 5):
        for _ in range(20):
            given.read(333)
        given.skip_to(offset_bytes)
        assert LINES.startswith(given.read(333), offset_bytes)
        assert threads() <= 1
    given.close()
    assert threads() == 0


def test_no_more_is_read_ahead_than_a_few_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = compression._GzipMembers.read

    def note(members: compression._GzipMembers, size_bytes: int) -> bytes:
        asked.append(size_bytes)
        return read(members, size_bytes)

    monkeypatch.setattr(compression._GzipMembers, "read", note)
    given = opened(tmp_path / "a.gz", gzip.compress(LINES))
    while not threads():
        given.read(333)
    wait_until(lambda: asked.count(700) == ahead.AHEAD_BLOCKS + 2)
    given.close()


PARTS = st.lists(
    st.sampled_from([b"", b"one\n", LINES[:3000], LINES[:700], b"\0" * 1500]), min_size=1, max_size=4
)


@given(
    parts=PARTS, nulls=st.integers(0, 120), size_bytes=st.integers(1, 2000), level=st.sampled_from([0, 1, 9])
)
def test_several_members_and_nulls_behind_them_are_one_file(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], nulls: int, size_bytes: int, level: int
) -> None:
    packed = bytes(nulls).join(gzip.compress(part, level) for part in parts) + bytes(nulls)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "ALONE_BYTES", 100)
        patch.setattr(ahead, "AHEAD_BYTES", 700)
        patch.setattr(compression, "PACKED_BYTES", 50)
        path = tmp_path_factory.mktemp("g") / "a.gz"
        expected = b"#" + b"".join(parts)
        assert whole(opened(path, gzip.compress(b"#") + packed), size_bytes) == expected


def cut(data: bytes) -> bytes:
    return data[:-9]


def damaged(data: bytes) -> bytes:
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


def too_long(data: bytes) -> bytes:
    return data + b"garbage"


def cut_in_the_next(data: bytes) -> bytes:
    return data + gzip.compress(b"more\n")[:-5]


@pytest.mark.parametrize("harm", [cut, damaged, too_long, cut_in_the_next])
@pytest.mark.parametrize("lines", [LINES, LINES[:500]], ids=["by the thread", "without one"])
def test_what_is_wrong_with_a_file_is_said_after_what_comes_before(
    tmp_path: Path, harm: Callable[[bytes], bytes], lines: bytes
) -> None:
    given = opened(tmp_path / "a.gz", harm(gzip.compress(lines)))
    read = bytearray()

    def read_all() -> None:
        while data := given.read(333):
            read.extend(data)

    with pytest.raises(NotWholeError, match="is not a whole gzip file: "):
        read_all()
    assert (lines + b"more\n").startswith(read)
    assert len(read) > len(lines) - 800
    given.close()
    assert threads() == 0


def test_a_file_that_expands_too_much_is_read_to_the_bound_and_no_further(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"x" * 5_000_000))
    given = open_input(str(path), in_spool=True)
    given.begin(InputRules(most_expanded_bytes=1_000_000))
    with pytest.raises(InputError, match=r"holds more than limits.max_expanded_mb, which is 1 MB"):
        whole(given)
    assert threads() == 0


def test_random_bytes_come_out_as_they_went_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "ALONE_BYTES", 65536)
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 2**20)
    monkeypatch.setattr(compression, "PACKED_BYTES", 2**18)
    data = random.Random(1).randbytes(3_000_000).hex().encode()
    assert whole(opened(tmp_path / "a.gz", gzip.compress(data)), 65536) == data
