"""What is called out, when, and in which words."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fproc.base.values import replace
from fproc.config.model import AlertPolicy
from fproc.run.figures import Figures
from fproc.telemetry.notify import alerts as calling_out
from fproc.telemetry.notify import sender as calling
from fproc.telemetry.notify.alerts import BEAT_SECONDS, ERROR_LENGTH, Alerts
from fproc.telemetry.notify.sender import Message
from tests.support.programs.hook import Hook, hooked
from tests.support.programs.running import DEADLINE_SECONDS, wait_until

BOTH = AlertPolicy("http://webhook.invalid/s3cret", "http://heartbeat.invalid/s3cret")


class Recorder:
    """A caller that tells nobody, and remembers what it was given to say."""

    made: dict[str, Recorder]

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.said: list[Message] = []
        Recorder.made[name] = self

    def post(self, message: Message) -> None:
        self.said.append(message)

    @property
    def values(self) -> list[dict[str, Any]]:
        return [json.loads(message.body() or b"null") for message in self.said]


class World:
    """Alerts of both kinds, and the times."""

    def __init__(self, policy: AlertPolicy) -> None:
        Recorder.made = {}
        self.now = 2_000_000_000.0
        self.alerts = Alerts(policy, "/srv/in", clock=lambda: self.now, monotonic=lambda: self.now - 10**9)

    def turn(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.alerts.progress()

    @property
    def told(self) -> list[dict[str, Any]]:
        return Recorder.made["the webhook"].values

    @property
    def events(self) -> list[str]:
        return [value["event"] for value in self.told]

    @property
    def beats(self) -> int:
        said = Recorder.made["the heartbeat URL"].said
        assert all(message.body() is None for message in said)
        return len(said)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(calling_out, "Caller", Recorder)
    world = World(replace(BOTH, quiet_seconds=300))
    world.alerts.watch()
    return world


def origin(event: str, message: str) -> dict[str, Any]:
    host = socket.gethostname()
    return {
        "event": event,
        "time": "2033-05-18T03:33:20.000Z",
        "host": host,
        "watch_dir": "/srv/in",
        "message": message,
        "text": f"fproc on {host}, /srv/in: {message}",
    }


def test_a_failed_file_is_told_with_why_and_where(world: World) -> None:
    world.alerts.failed(
        "a.csv", "line 812, node 'book': ValueError: bad", node="book", line_no=812, attempts=3
    )
    message = "a.csv failed after 3 attempts: line 812, node 'book': ValueError: bad"
    assert world.told == [
        {
            **origin("failed", message),
            "file": "a.csv",
            "error": "line 812, node 'book': ValueError: bad",
            "node": "book",
            "line_no": 812,
            "attempts": 3,
            "count": 1,
        }
    ]


def test_a_file_that_lost_lines_is_told_with_how_many(world: World) -> None:
    world.alerts.lost("a.csv", Figures(lines_in=100, rejected=10, skipped=2, lines_lost=12))
    world.alerts.lost("b.csv", Figures(lines_in=1, rejected=1, lines_lost=1))
    first, second = world.told
    assert first == {
        **origin("rejected", "a.csv: 10 rejected, 2 skipped, of 100 lines"),
        "file": "a.csv",
        "lines": 100,
        "rejected": 10,
        "skipped": 2,
        "count": 1,
    }
    assert second["message"] == "b.csv: 1 rejected, of 1 line: every one of its lines"


def test_many_files_that_lost_lines_are_one_message(world: World) -> None:
    one, other = (calling_out._Alert("rejected", "t", "/w", name, 1, {}) for name in "ab")
    assert one.absorb(other)
    assert b'"message": "a; and 1 more file lost lines"' in one.body()
    assert not one.absorb(calling_out._Alert("failed", "t", "/w", "c", 1, {}))


def test_what_is_not_known_of_a_failure_is_left_out(world: World) -> None:
    world.alerts.failed("a.csv", "gone")
    assert world.told == [
        {**origin("failed", "a.csv failed: gone"), "file": "a.csv", "error": "gone", "count": 1}
    ]


def test_pauses_and_their_end_are_told(world: World) -> None:
    world.alerts.paused("no space left on device")
    world.alerts.resumed()
    paused, resumed = world.told
    message = "intake is paused: no space left on device"
    assert paused == {**origin("paused", message), "error": "no space left on device"}
    assert resumed == origin("resumed", "intake goes on")


def test_that_nothing_arrives_is_told_once_until_something_does(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.turn(299)
    assert world.events == []
    world.turn(1)
    world.turn(1000)
    assert world.told == [{**origin("quiet", "nothing has arrived for 300 s"), "time": world.told[0]["time"]}]
    assert caplog.messages == ["nothing has arrived for 300 s"]
    world.alerts.arrived()
    world.turn(299)
    assert world.events == ["quiet"]
    world.turn(1)
    assert world.events == ["quiet", "quiet"]


def test_while_intake_is_paused_it_is_no_news_that_nothing_arrives(world: World) -> None:
    world.alerts.paused("no space left on device")
    world.turn(1000)
    world.alerts.resumed()
    world.turn(299)
    assert world.events == ["paused", "resumed"]
    world.turn(1)
    assert world.events[-1] == "quiet"


def test_progress_is_a_heartbeat_at_most_once_a_minute(world: World) -> None:
    world.turn()
    assert world.beats == 1
    for _ in range(100):
        world.turn(BEAT_SECONDS / 100 - 0.001)
    assert world.beats == 1
    world.turn(1)
    assert world.beats == 2
    world.turn(3 * BEAT_SECONDS)
    world.turn()
    assert world.beats == 3


def test_a_paused_intake_has_no_heartbeat(world: World) -> None:
    world.alerts.paused("no space left on device")
    world.turn()
    world.turn(10 * BEAT_SECONDS)
    assert world.beats == 0
    world.alerts.resumed()
    world.turn()
    assert world.beats == 1


def test_before_it_watches_only_a_beat_is_one_and_quiet_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_out, "Caller", Recorder)
    world = World(replace(BOTH, quiet_seconds=1))
    world.turn(1000)
    assert (world.beats, world.events) == (0, [])
    world.alerts.beat()
    assert world.beats == 1


def test_failures_that_wait_together_are_one_message_with_a_count(world: World) -> None:
    for name in ("a", "b", "c"):
        world.alerts.failed(name, "bad", attempts=1)
    first, second, third = Recorder.made["the webhook"].said
    assert first.absorb(second)
    assert first.absorb(third)
    [value, *_] = world.told
    assert (value["file"], value["count"]) == ("a", 3)
    assert value["message"] == "a failed after 1 attempt: bad; and 2 more files failed"


def test_other_messages_are_told_one_by_one(world: World) -> None:
    world.alerts.failed("a", "bad")
    world.alerts.paused("full")
    world.alerts.resumed()
    world.turn(1000)
    said = Recorder.made["the webhook"].said
    assert len(said) == 4
    assert not any(one.absorb(other) for one in said for other in said if one is not other)


def test_heartbeats_that_wait_together_are_one(world: World) -> None:
    world.alerts.beat()
    world.alerts.beat()
    one, other = Recorder.made["the heartbeat URL"].said
    assert one.absorb(other)
    world.alerts.failed("a", "bad")
    assert not one.absorb(Recorder.made["the webhook"].said[0])


def test_names_and_errors_of_any_kind_make_a_message_that_every_json_parser_takes(world: World) -> None:
    world.alerts.failed("\udcff\ud800\n<b>.csv", "x\udc00" + "y" * 10**6, node="\udcff")
    [message] = Recorder.made["the webhook"].said
    body = message.body()
    assert body is not None
    assert len(body) < 10 * ERROR_LENGTH
    [value] = world.told
    json.dumps(value, ensure_ascii=False).encode()
    assert (value["file"], value["node"]) == (r"\udcff\ud800\n<b>.csv", r"\xff")


@pytest.mark.parametrize("which", ["webhook", "heartbeat_url", "neither"])
def test_each_url_is_for_itself(monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    monkeypatch.setattr(calling_out, "Caller", Recorder)
    kept = {} if which == "neither" else {which: getattr(BOTH, which)}
    world = World(AlertPolicy(**kept, quiet_seconds=1))
    world.alerts.watch()
    world.turn(1000)
    world.alerts.failed("a", "bad")
    names = {"webhook": ["the webhook"], "heartbeat_url": ["the heartbeat URL"], "neither": []}[which]
    assert list(Recorder.made) == names
    assert all(recorder.said for recorder in Recorder.made.values())


def test_without_a_url_there_is_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    before = set(threading.enumerate())
    alerts = Alerts(AlertPolicy(), "/srv/in")
    alerts.watch()
    for _ in range(1000):
        alerts.failed("a", "bad")
        alerts.paused("full")
        alerts.resumed()
        alerts.progress()
        alerts.beat()
    assert set(threading.enumerate()) <= before  # threads of earlier tests may end
    alerts.close(0.0)
    assert caplog.records == []


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(calling, "BACKOFF_SECONDS", 0.0)
    with hooked() as hook:
        yield hook


def test_thousands_of_failures_are_a_few_messages_that_count_them_all(hook: Hook) -> None:
    alerts = Alerts(AlertPolicy(webhook=hook.url), "/srv/in")
    for number in range(5000):
        alerts.failed(f"{number}.csv", "bad")
    alerts.close(DEADLINE_SECONDS)
    told = hook.values("failed")
    assert sum(value["count"] for value in told) == 5000
    assert len(told) <= 3
    assert told[0]["file"] == "0.csv"


def test_the_end_tells_what_is_left_and_says_nothing_of_it(
    hook: Hook, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling_out, "AT_ONCE_SECONDS", DEADLINE_SECONDS)
    caplog.set_level(logging.INFO)
    alerts = Alerts(AlertPolicy(hook.url, hook.url), "/srv/in")
    alerts.failed("a.csv", "bad")
    alerts.paused("full")
    alerts.beat()
    alerts.close(DEADLINE_SECONDS)
    assert sorted(call.method for call in hook.calls) == ["GET", "POST", "POST"]
    assert caplog.records == []


def test_the_end_says_what_it_waits_for_and_who_was_not_told(
    hook: Hook, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling_out, "AT_ONCE_SECONDS", 0.01)
    caplog.set_level(logging.INFO)
    alerts = Alerts(AlertPolicy(hook.url, hook.url), "/srv/in")
    hook.may_answer.clear()
    alerts.failed("a.csv", "bad")
    alerts.beat()
    wait_until(lambda: len(hook.calls) == 2)
    alerts.close(0.05)
    assert caplog.messages == [
        "telling the last alerts, for up to 0.05 s",
        f"the webhook http://{hook.host}/... was not told everything before the end",
        f"the heartbeat URL http://{hook.host}/... was not told everything before the end",
    ]
    hook.may_answer.set()
    wait_until(lambda: not any(thread.name == "alerts" for thread in threading.enumerate()))


def test_a_webhook_that_hangs_keeps_no_heartbeat_back(hook: Hook) -> None:
    with hooked() as heartbeat:
        alerts = Alerts(AlertPolicy(hook.url, heartbeat.url), "/srv/in")
        alerts.watch()
        hook.may_answer.clear()
        alerts.failed("a.csv", "bad")
        wait_until(lambda: hook.calls)
        alerts.progress()
        wait_until(lambda: heartbeat.calls)
        hook.may_answer.set()
        alerts.close(DEADLINE_SECONDS)
    assert [call.method for call in heartbeat.calls] == ["GET"]
