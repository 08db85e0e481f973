"""What the real program calls out, to a real web server."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs.hook import Hook, hooked
from tests.support.programs.running import DEADLINE_SECONDS, Watching, drop, own_processor, run, started

BAD = """
def step(line):
    if line == "bad":
        raise ValueError("cannot digest bad")
    return line
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as hook:
        yield hook


def configure(folder: Path, hook: Hook, **alerts: object) -> None:
    own_processor(folder, BAD, alerts={"webhook": hook.url, **alerts})


def gets(hook: Hook) -> int:
    return [call.method for call in list(hook.calls)].count("GET")


def test_a_failed_file_is_told_while_work_goes_on(tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    with Watching(tmp_path, "--debug") as running:
        drop(tmp_path, "a.log", b"good\nbad\n")
        running.wait_until(lambda: hook.values("failed"))
        drop(tmp_path, "b.log", b"good\n")
        running.wait_for("processed/b.log")
        assert "s3cret" not in running.log
    [value] = hook.values("failed")
    assert (value["file"], value["node"], value["line_no"], value["attempts"], value["count"]) == (
        *("a.log", "start", 2, 1, 1),
    )
    assert value["watch_dir"] == str(tmp_path / "watch_dir")
    assert "cannot digest bad" in value["error"]
    assert value["text"].endswith(value["message"])


def test_a_webhook_that_hangs_holds_up_nothing(tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    hook.may_answer.clear()
    with Watching(tmp_path) as running:
        drop(tmp_path, "first.log", b"bad\n")
        running.wait_until(lambda: hook.calls)
        for number in range(20):
            drop(tmp_path, f"{number}.log", b"bad\n")
        drop(tmp_path, "good.log", b"good\n")
        running.wait_for("processed/good.log", *(f"failed/{number}.log" for number in range(20)))
        assert len(hook.calls) == 1
        hook.may_answer.set()
        assert running.stop() == 0
    assert sum(value["count"] for value in hook.values("failed")) == 21


def test_a_pause_of_intake_and_its_end_are_told(tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    with Watching(tmp_path) as running:
        unprocessed, elsewhere = running.spool / "unprocessed", running.spool / "elsewhere"
        unprocessed.rename(elsewhere)
        unprocessed.touch()
        running.wait_until(lambda: hook.values("paused"))
        unprocessed.unlink()
        elsewhere.rename(unprocessed)
        running.wait_until(lambda: "intake goes on" in running.log)
        assert running.stop() == 0
    [paused], [_resumed] = hook.values("paused"), hook.values("resumed")
    assert str(unprocessed) in paused["error"]


def test_that_nothing_arrives_is_told_and_again_after_something_did(tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook, quiet_seconds=0.2)
    with Watching(tmp_path) as running:
        running.wait_until(lambda: running.log.count("nothing has arrived for 0.2 s") == 1)
        drop(tmp_path, "a.log", b"good\n")
        running.wait_until(lambda: running.log.count("nothing has arrived for 0.2 s") == 2)
        assert running.stop() == 0
    assert len(hook.values("quiet")) == 2


def test_an_idle_watch_gives_heartbeats(tmp_path: Path, hook: Hook) -> None:
    own_processor(tmp_path, BAD)
    with Watching(tmp_path, "--heartbeat-url", hook.url) as running:
        running.wait_until(lambda: gets(hook))
        assert "s3cret" not in running.log
    assert gets(hook) == len(hook.calls) == 1


def test_a_drain_gives_one_heartbeat_at_its_end_if_all_went_well(tmp_path: Path, hook: Hook) -> None:
    own_processor(tmp_path, BAD)
    drop(tmp_path, "a.log", b"good\n")
    ended = run(tmp_path, "--watch", "--drain", variables={"FPROC_HEARTBEAT_URL": hook.url})
    assert ended.status == 0
    assert (gets(hook), len(hook.calls)) == (1, 1)


def test_a_drain_in_which_a_file_failed_tells_that_and_gives_no_heartbeat(tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook, heartbeat_url=hook.url)
    drop(tmp_path, "a.log", b"bad\n")
    assert run(tmp_path, "--watch", "--drain").status == 1
    assert [value["file"] for value in hook.values("failed")] == ["a.log"]
    assert gets(hook) == 0


def test_a_drain_says_that_it_waits_for_an_alert_and_a_signal_ends_that(tmp_path: Path, hook: Hook) -> None:
    configure(tmp_path, hook)
    hook.may_answer.clear()
    drop(tmp_path, "a.log", b"bad\n")
    with started(tmp_path, "--watch", "--drain") as process:
        assert process.stderr is not None
        said = ""
        while "telling the last alerts, for up to 15 s" not in said:
            said = process.stderr.readline().decode()
            assert said
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 130
    assert os.listdir(tmp_path / "watch_dir/underprocess") == []
    assert "a.log" in os.listdir(tmp_path / "watch_dir/failed")


def test_a_wrong_url_is_a_wrong_configuration_and_is_not_repeated(tmp_path: Path) -> None:
    own_processor(tmp_path, BAD, alerts={"webhook": "example.org/s3cret"})
    ended = run(tmp_path, "--check", "--debug")
    assert ended.status == 78
    assert "$.alerts.webhook: must be an http:// or https:// URL" in ended.err
    assert "s3cret" not in ended.err
    own_processor(tmp_path, BAD)
    for arguments in (
        ["--watch", "--heartbeat-url", "s3cret"],
        ["--check", "--heartbeat-url", "http://s3cret"],
    ):
        ended = run(tmp_path, *arguments)
        assert ended.status == 2
        assert "--heartbeat-url" in ended.err
        assert "s3cret" not in ended.err


def test_a_configuration_with_a_webhook_is_shown_by_check_without_it(tmp_path: Path) -> None:
    own_processor(tmp_path, BAD, alerts={"webhook": "https://me:s3cret@example.org/s3cret"})
    ended = run(tmp_path, "--check", "--debug")
    assert ended.status == 0
    [line] = [line for line in ended.lines if "configuration in force" in line]
    assert json.loads(line.partition("in force: ")[2])["alerts"]["webhook"] == "https://example.org/..."
    assert "s3cret" not in ended.err + ended.out.decode()
