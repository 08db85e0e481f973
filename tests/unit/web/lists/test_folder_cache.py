"""What lies in the folders is counted, and not counted again while nothing has changed."""

from __future__ import annotations

import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from fproc.spool.intake.status import SpoolStatus
from fproc.web.lists import folder_cache
from tests.support.programs.running import wait_until
from tests.support.rooms import LATER_SECONDS, STRANGE, Room, counts


def test_counts_are_those_of_the_spool(room: Room) -> None:
    room.put("unprocessed", "a", "b", ".hidden", STRANGE)
    room.put("processed", "a", "b.error.json")
    room.put("failed", "a", "a.error.json", "b.rejected.jsonl", "c.error.json", "c.error.json.error.json")
    (room.folder / "w" / "processed" / "folder").mkdir()
    assert room.listing.counts() == SpoolStatus(room.plan.config).counts()
    assert room.listing.counts() == counts(unprocessed=3, processed=2, failed=2)


def test_a_folder_that_is_missing_counts_as_empty(room: Room) -> None:
    (room.folder / "w" / "failed").rmdir()
    assert room.listing.counts() == counts()
    assert room.files("failed") == []


class Looks:
    """How often folders were listed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        scandir = os.scandir

        def counted(path: Any) -> Any:
            self.count += 1
            return scandir(path)

        monkeypatch.setattr(os, "scandir", counted)

    def of(self, call: Callable[[], object]) -> int:
        """How many of them a call made."""
        before = self.count
        call()
        return self.count - before


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


def test_a_folder_that_has_not_changed_is_not_counted_again(room: Room, looks: Looks) -> None:
    room.later = LATER_SECONDS
    assert looks.of(room.listing.counts) == 4
    room.monotonic += 1000
    assert looks.of(room.listing.counts) == 0
    room.put("processed", "a")
    room.later += LATER_SECONDS
    assert looks.of(room.listing.counts) == 1
    assert room.listing.counts() == counts(processed=1)


def test_a_folder_that_has_changed_just_now_is_counted_again(room: Room, looks: Looks) -> None:
    room.later = -100  # else it may not be just now any more: hosts stand still for seconds
    assert looks.of(room.listing.counts) == 4
    room.monotonic += 1
    assert looks.of(room.listing.counts) == 4


def test_a_folder_whose_count_took_long_is_left_alone_for_longer(
    room: Room, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = folder_cache.FolderCache._count

    def slow(self: folder_cache.FolderCache, folder: str) -> int:
        room.monotonic += 2
        room.thread_time += 2
        return count(self, folder)

    monkeypatch.setattr(folder_cache.FolderCache, "_count", slow)
    room.listing = room.a_listing()
    room.listing.counts()
    room.put("unprocessed", "a")
    room.monotonic += 2 * folder_cache.REST - 7
    assert looks.of(room.listing.counts) == 0
    assert room.listing.counts() == counts()
    room.monotonic += 8
    assert room.listing.counts() == counts(unprocessed=1)


def test_a_small_folder_is_counted_whenever_it_has_changed_however_slow_the_host_is(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = folder_cache.FolderCache._count

    def slow(self: folder_cache.FolderCache, folder: str) -> int:
        room.monotonic += 2
        room.thread_time += folder_cache.QUICK_SECONDS / 2
        return count(self, folder)

    monkeypatch.setattr(folder_cache.FolderCache, "_count", slow)
    room.listing = room.a_listing()
    for number in range(20):
        room.put("unprocessed", f"f{number}")
        assert room.listing.counts() == counts(unprocessed=number + 1)


def test_who_asks_while_another_thread_counts_gets_what_was_known_before(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.listing.counts() == counts()
    begun, may_end = threading.Event(), threading.Event()
    count = folder_cache.FolderCache._count

    def waits(self: folder_cache.FolderCache, folder: str) -> int:
        begun.set()
        assert may_end.wait(30)
        return count(self, folder)

    room.put("unprocessed", "a")
    monkeypatch.setattr(folder_cache, "WAIT_SECONDS", 0.01)
    waiting = room.listing._folder_cache._counts["unprocessed"]
    monkeypatch.setattr(waiting, "_look", lambda folder: waits(room.listing._folder_cache, folder))
    room.monotonic += 1
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(room.listing.counts)
        assert begun.wait(30)
        assert room.listing.counts()["unprocessed"] == 0
        may_end.set()
        assert other.result() == counts(unprocessed=1)


def test_what_is_known_is_told_at_once_however_long_scans_take(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.put("unprocessed", "a", "b")
    assert room.listing.known_counts() == counts(unprocessed=2)  # scans that are quick are waited for
    assert room.listing.oldest_waiting() is not None
    monkeypatch.setattr(folder_cache, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(folder_cache, "PATIENCE_SECONDS", 0.05)
    go, scandir = threading.Event(), os.scandir

    def slow(path: Any) -> Any:
        go.wait(60)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", slow)
    room.later = LATER_SECONDS
    room.put("unprocessed", "c")
    fresh = room.a_listing()
    threads = threading.active_count()
    began = time.monotonic()
    for _ in range(3):
        assert room.listing.known_counts() == counts(unprocessed=2)
        assert fresh.known_counts() is None
        assert fresh.oldest_waiting() is None
    seconds = time.monotonic() - began
    assert threading.active_count() <= threads + 2 * 5  # one scan of each folder, however often one asks
    assert seconds < 30  # loosely: of the nine calls each waits for a tenth of a second at most
    go.set()
    wait_until(lambda: room.listing.known_counts() == counts(unprocessed=3))
    wait_until(lambda: fresh.known_counts() == counts(unprocessed=3))


def test_a_name_that_is_counted_takes_a_few_bytes(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    names = 50_000
    entries = (Entry(f"{number:08}.log") for number in range(names))
    monkeypatch.setattr(room.listing._folder_cache, "_inputs", lambda _folder: entries)
    tracemalloc.start()
    try:
        counted = room.listing._folder_cache._count(room.listing._folder_cache.folders.unprocessed)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert counted == names
    assert peak_bytes < 20 * names


class Entry(NamedTuple):
    """An entry of a folder that exists in name only."""

    name: str
