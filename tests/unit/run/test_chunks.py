"""One file by several processes: to the last byte what one process makes of it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import StoppedError
from fproc.process import children
from fproc.run import run as running
from fproc.run.chunked import chunks, helpers
from tests.support.chunked import BUILT_IN, DATA, LEVELS, Files, check_same
from tests.support.helpers import plan_of, user
from tests.support.programs.running import wait_until


@given(
    data=st.binary(max_size=300).map(lambda raw: raw.replace(b"q", b"\n").replace(b"w", b"\n\n")),
    chunk_bytes=st.integers(1, 50),
    window_bytes=st.integers(1, 20),
    begin=st.integers(0, 3),
)
def test_chunks_are_all_of_a_file_in_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, chunk_bytes: int, window_bytes: int, begin: int
) -> None:
    path = tmp_path_factory.mktemp("c") / "x"
    path.write_bytes(data)
    start = sum(map(len, data.splitlines(keepends=True)[:begin])) if b"\r" not in data else 0
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        patch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
        patch.setattr(chunks, "_WINDOW_BYTES", window_bytes)
        found = list(chunks.chunks(file.fileno(), start, len(data)))
        read = [chunks.Reader(file.fileno(), chunk).read(10**6) for chunk in found]
    assert b"".join(read) == data[start:]
    assert all(piece.endswith(b"\n") for piece in read[:-1])
    assert all(len(piece) >= chunk_bytes for piece in read[:-1])


@pytest.mark.parametrize("helpers", [1, 2])
@pytest.mark.parametrize("ending", [b"", b"E last, without an end", b"\n\n"])
def test_helpers_change_nothing_of_what_comes_out(files: Files, helpers: int, ending: bytes) -> None:
    path, plan = files.put(DATA + ending), plan_of(LEVELS)
    alone = files.run(plan, path, 0)
    check_same(files.run(plan, path, helpers), alone)
    assert alone.figures.lines_in >= 400
    assert len(alone.results) == 3


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How helpers were made, in turn."""
    ways: list[str] = []

    def noted(way: str) -> Callable[..., Any]:
        make = getattr(children, way)

        def note(*arguments: Any) -> Any:
            ways.append(way)
            return make(*arguments)

        return note

    for way in ("start_process", "fork_process"):
        monkeypatch.setattr(children, way, noted(way))
    return ways


def test_helpers_are_forked_where_no_code_of_users_is_there_to_be_copied(
    files: Files, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # other tests may have left some
    path, plan = files.put(DATA * 5), plan_of(BUILT_IN)
    check_same(files.run(plan, path, 2), files.run(plan, path, 0))
    assert made == ["fork_process", "fork_process"]


def test_with_users_code_helpers_are_started_afresh(files: Files, made: list[str]) -> None:
    files.run(plan_of(LEVELS), files.put(DATA), 2)
    assert made == ["start_process", "start_process"]


def test_with_another_thread_helpers_are_started_afresh(files: Files, made: list[str]) -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    files.run(plan_of(BUILT_IN), files.put(DATA), 1)
    go_on.set()
    thread.join()
    assert made == ["start_process"]


@pytest.mark.parametrize("on_error", ["reject", "skip", "fail"])
def test_lines_that_fail_are_told_as_by_one_process(
    files: Files, on_error: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = DATA + b"E bad\nI x\n" + b"W " + b"y" * 200 + b"\n" + DATA + b"I bad\n"
    nodes = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]
    plan = plan_of(nodes, on_error=on_error, limits={"max_line_bytes": 100})
    path = files.put(data)

    def skipped() -> list[str]:
        found = [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]
        caplog.clear()
        return found

    with caplog.at_level(logging.WARNING):
        alone, told = files.run(plan, path, 0), skipped()
        together, told_together = files.run(plan, path, 1), skipped()
    check_same(together, alone)
    assert told_together == told
    assert (len(alone.rejected), len(told), bool(alone.error)) == {
        "reject": (3, 0, False),
        "skip": (0, 3, False),
        "fail": (0, 0, True),
    }[on_error]


def test_a_file_goes_on_from_any_chunk(files: Files) -> None:
    path, plan = files.put(DATA), plan_of(LEVELS)
    whole = files.run(plan, path, 1)
    assert len(whole.places) > 50
    for place, written in list(zip(whole.places, whole.written, strict=True))[1::17]:
        check_same(files.run(plan, path, 1, begin_at=place, written=written), whole)


def test_a_helper_that_is_killed_is_done_without(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    path, plan = files.put(DATA * 20), plan_of(LEVELS)
    started: list[int] = []
    start = children.start_process

    def start_and_note(*arguments: Any, **options: Any) -> Any:
        child = start(*arguments, **options)
        started.append(child.process.pid)
        return child

    def kill_one(offset_bytes: int) -> None:
        if offset_bytes > 1000 and started:
            os.kill(started.pop(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(children, "start_process", start_and_note)
        together = files.run(plan, path, 1, keep=kill_one)
    check_same(together, files.run(plan, path, 0))
    assert started == []
    assert "a helper has ended; its owner does what it had" in caplog.text


def test_where_no_helper_can_be_started_the_owner_does_it_all(
    files: Files, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise OSError("no more processes")

    path, plan = files.put(DATA), plan_of(LEVELS)
    monkeypatch.setattr(children, "start_process", refuse)
    check_same(files.run(plan, path, 2), files.run(plan, path, 0))
    assert "a helper cannot be started: no more processes" in caplog.text


def test_no_helper_stays_behind_when_the_run_is_stopped(files: Files) -> None:
    path, plan = files.put(DATA), plan_of(LEVELS)
    before = child_ids()

    def stop(offset_bytes: int) -> None:
        if offset_bytes > 1000:
            assert len(child_ids()) == len(before) + 1
            raise StoppedError("fproc is stopping")

    assert files.run(plan, path, 1, keep=stop).error == "fproc is stopping"
    wait_until(lambda: child_ids() == before)


def child_ids() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize(
    ("node", "remembers"),
    [
        ({"type": "uppercase"}, False),
        ({"type": "count"}, True),
        ({"type": "tally"}, True),
        ({"type": "join", "config": {"lines": 2}}, True),
        ({"type": user("shout")}, False),
        ({"type": user("twice")}, False),
        ({"type": user("Numbered")}, True),
        ({"type": user("Stateless")}, False),
        ({"type": user("pairs"), "stream": True}, True),
    ],
)
def test_a_pipeline_that_remembers_lines_is_done_by_one_process(
    files: Files, node: dict[str, Any], *, remembers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of([{"tag": "start", "next": "end", **node}])
    assert plan.remembers is remembers
    asked: list[int] = []

    def nothing(_crew: object, begin: int, _size_bytes: int) -> Iterator[object]:
        asked.append(begin)
        return iter(())

    monkeypatch.setattr(helpers.Helpers, "work", nothing)
    files.run(plan, files.put(b""), 1)
    assert bool(asked) is not remembers


def test_a_file_that_is_not_big_is_done_by_one_process(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plan = files.put(DATA), plan_of(LEVELS)
    monkeypatch.setattr(running, "LEAST_BYTES", len(DATA) + 1)
    monkeypatch.setattr(helpers.Helpers, "work", None)
    assert len(files.run(plan, path, 3).results) == 3


@pytest.mark.parametrize("giant", [b"", b"E " + b"g" * 500 + b"\n"], ids=["none", "one"])
@pytest.mark.parametrize("before", [0, 200])
def test_what_is_behind_a_giant_line_is_done_by_one_process(
    giant: bytes, before: int, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "GIANT_BYTES", 300)
    monkeypatch.setattr(chunks, "_WINDOW_BYTES", 16)
    lines = DATA.splitlines(keepends=True)
    path = files.put(b"".join([*lines[:before], giant, *lines[before:]]))
    plan = plan_of(LEVELS, on_error="reject", limits={"max_line_bytes": 80})
    one, shared = files.run(plan, path, 0), files.run(plan, path, 1)
    check_same(one, shared)
    assert len(one.rejected) == bool(giant)
    assert shared.figures.lines_in == len(lines) + bool(giant)
