"""Messages to a URL: nobody waits for them, and what cannot be told costs nothing else."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fproc.telemetry.notify import sender as calling
from fproc.telemetry.notify.sender import TRIES, WAITING, Caller
from tests.support.programs.hook import Answer, Hook, hooked
from tests.support.programs.running import DEADLINE_SECONDS, wait_until


@dataclass
class Numbers:
    """A message that absorbs others if they are `alike`."""

    low: int
    high: int
    alike: bool = True

    def absorb(self, later: object) -> bool:
        if self.alike:
            assert isinstance(later, Numbers)
            self.high = later.high
        return self.alike

    def body(self) -> bytes | None:
        return b'{"low": %d, "high": %d}' % (self.low, self.high)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(calling, "GAP_SECONDS", 0.0)
    monkeypatch.setattr(calling, "BACKOFF_SECONDS", 0.0)
    caplog.set_level(logging.INFO)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as hook:
        yield hook


@pytest.fixture
def caller(hook: Hook) -> Iterator[Caller]:
    caller = Caller(hook.url, "the webhook")
    yield caller
    hook.may_answer.set()
    ended(caller)


def ended(caller: Caller) -> None:
    caller.close()
    assert caller.join(DEADLINE_SECONDS)


def one(number: int) -> Numbers:
    return Numbers(number, number, alike=False)


def told(hook: Hook) -> list[tuple[int, int]]:
    return [(call.value["low"], call.value["high"]) for call in list(hook.calls)]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "alerts"]


def test_messages_come_in_order_from_a_thread_that_is_there_once_there_are_any(
    hook: Hook, caller: Caller
) -> None:
    assert threads() == []
    for number in range(3):
        caller.post(one(number))
    wait_until(lambda: len(hook.calls) == 3)
    assert threads() == ["alerts"]
    assert told(hook) == [(0, 0), (1, 1), (2, 2)]


def test_what_was_left_is_told_at_the_end_and_the_thread_ends(hook: Hook, caller: Caller) -> None:
    for number in range(50):
        caller.post(one(number))
    ended(caller)
    assert len(hook.calls) == 50
    assert threads() == []


def test_the_end_does_not_wait_for_the_gap_between_messages(
    hook: Hook, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "GAP_SECONDS", 10 * DEADLINE_SECONDS)
    for number in range(3):
        caller.post(one(number))
    wait_until(lambda: hook.calls)
    ended(caller)
    assert len(hook.calls) == 3


def test_within_the_gap_after_a_message_many_become_one(
    hook: Hook, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "GAP_SECONDS", 10 * DEADLINE_SECONDS)
    caller.post(Numbers(0, 0))
    wait_until(lambda: hook.calls)
    for number in range(1, 5000):
        caller.post(Numbers(number, number))
    ended(caller)
    assert told(hook) == [(0, 0), (1, 4999)]


def test_who_posts_never_waits_for_a_server_that_hangs(hook: Hook, caller: Caller) -> None:
    hook.may_answer.clear()
    caller.post(Numbers(0, 0))
    wait_until(lambda: hook.calls)
    for number in range(1, 5000):
        caller.post(Numbers(number, number))
    assert len(hook.calls) == 1  # it is still there, and all the rest was left
    hook.may_answer.set()
    wait_until(lambda: len(hook.calls) == 2)
    assert told(hook) == [(0, 0), (1, 4999)]


def test_the_oldest_messages_make_room_and_are_counted(
    hook: Hook, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    hook.usual = Answer(500)
    caller.post(one(-1))
    wait_until(lambda: "fail, work goes on" in caplog.text)
    hook.usual = Answer(200)
    hook.may_answer.clear()
    calls = len(hook.calls)
    caller.post(one(0))
    wait_until(lambda: len(hook.calls) > calls)
    for number in range(1, WAITING + 6):
        caller.post(one(number))
    hook.may_answer.set()
    ended(caller)
    assert [low for low, _ in told(hook)[calls:]] == [0, *range(6, WAITING + 6)]
    assert "succeed again; lost meanwhile: 6 messages" in caplog.text


def test_a_call_that_fails_is_tried_again_without_a_word(
    hook: Hook, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    hook.answer_with(500, 503)
    caller.post(one(1))
    ended(caller)
    assert told(hook) == [(1, 1)] * 3
    assert caplog.records == []


def test_what_stays_refused_is_tried_three_times_and_then_lost(
    hook: Hook, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    hook.answer_with(*[500] * TRIES)
    caller.post(one(1))
    caller.post(one(2))
    ended(caller)
    assert told(hook) == [(1, 1)] * TRIES + [(2, 2)]
    assert [record.getMessage() for record in caplog.records] == [
        f"calls to the webhook http://{hook.host}/... fail, work goes on: HTTP status 500 (said once)",
        f"calls to the webhook http://{hook.host}/... succeed again; lost meanwhile: 1 message",
    ]


def test_what_no_other_try_can_help_is_not_tried_again(hook: Hook, caller: Caller) -> None:
    hook.answer_with(404)
    caller.post(one(1))
    caller.post(one(2))
    ended(caller)
    assert told(hook) == [(1, 1), (2, 2)]


def test_trouble_is_told_once_and_its_end_too_and_no_secret_with_it(
    hook: Hook, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        caplog.clear()
        hook.usual = Answer(410)
        for number in range(20):
            caller.post(one(number))
        wait_until(lambda: not caller._waiting)
        wait_until(lambda: "fail, work goes on" in caplog.text)
        hook.usual = Answer(200)
        caller.post(one(0))
        wait_until(lambda: "succeed again" in caplog.text)
        assert len(caplog.records) == 2
        assert "s3cret" not in caplog.text


def test_a_server_that_is_not_there_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    caller = Caller(f"http://me:s3cret@127.0.0.1:{port}/", "the heartbeat URL")
    for number in range(3):
        caller.post(one(number))
    ended(caller)
    assert [record.getMessage() for record in caplog.records] == [
        (
            f"calls to the heartbeat URL http://127.0.0.1:{port}/... fail, work goes on: "
            "Connection refused (said once)"
        )
    ]


def test_the_end_is_not_waited_for_longer_than_wanted(hook: Hook, caller: Caller) -> None:
    hook.may_answer.clear()
    caller.post(one(1))
    wait_until(lambda: hook.calls)
    caller.close()
    assert not caller.join(0.01)
    assert not caller.join(-1.0)


def test_without_a_message_the_end_is_at_once() -> None:
    caller = Caller("http://127.0.0.1:1/", "the webhook")
    caller.close()
    assert caller.join(0.0)


def test_where_no_thread_can_be_started_the_next_message_tries_again(
    hook: Hook, caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        caller.post(one(1))
        caller.post(one(2))
    assert caplog.text.count("can't start new thread") == 1
    caller.post(one(3))
    ended(caller)
    assert told(hook) == [(1, 1), (2, 2), (3, 3)]


def test_a_thread_that_died_of_a_bug_is_started_again(
    hook: Hook, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Numbers):
        def body(self) -> bytes | None:
            raise KeyError("a bug")

    seen: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda given: seen.append(repr(given.exc_value)))
    caller.post(Broken(1, 1, alike=False))
    wait_until(lambda: not threads())
    caller.post(one(2))
    ended(caller)
    assert told(hook) == [(2, 2)]
    assert seen == ["KeyError('a bug')"]
