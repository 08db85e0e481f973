"""Whether a process gets on: on a clock that the test sets."""

from __future__ import annotations

import logging
import re
import threading
import time
from pathlib import Path

import pytest

from fproc.config.keys import parse_config
from fproc.process.mark import NONE, CurrentTask, Doing, Whereabouts
from fproc.process.stalls import ANSWER_SECONDS, Vigil, alarmed
from fproc.watch.workers.messages import Setup, Task, Why
from fproc.watch.workers.slot import Slot
from fproc.watch.workers.worker import _BeatingDisk
from tests.support.programs.running import wait_until

STALL = 60.0


class Watched:
    """A process that is watched, and what was asked and logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "fproc")
        self._caplog = caplog
        self.now = 0.0
        self.asked = 0
        self.mark = CurrentTask.own()
        self.mark.note(Doing.FEEDING, 401, 500)
        self.vigil = Vigil(
            self.mark, self._ask, STALL, monotonic=lambda: self.now, clock=lambda: 1e9 + self.now
        )

    def _ask(self) -> None:
        self.asked += 1
        self.mark.ask()

    def look(self, seconds: float) -> str:
        """Look after these seconds, and return what is said of it then."""
        self.now += seconds
        self.vigil.look(lambda: "x.log")
        return self.vigil.stalled

    def log(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def watched(caplog: pytest.LogCaptureFixture) -> Watched:
    return Watched(caplog)


def test_a_process_that_gets_on_is_not_asked_however_slow_it_is(watched: Watched) -> None:
    for _ in range(100):
        watched.mark.beat()
        assert not watched.look(STALL * 2)
    assert (watched.asked, watched.log()) == (0, [])


def test_one_that_does_not_is_asked_and_named_with_its_answer(watched: Watched) -> None:
    watched.look(STALL - 1)
    assert watched.asked == 0
    assert not watched.look(1)
    assert watched.asked == 1
    watched.mark.reply(Whereabouts("", 433, "start", "a line"))
    said = "no progress since 2001-09-09T01:46:40.000Z: line 433, node 'start'"
    assert watched.look(0.1) == said
    assert watched.look(1000) == said
    assert watched.asked == 1
    assert watched.log() == ["x.log: no progress for 60 s: line 433, node 'start'"]


def test_one_that_does_not_answer_is_named_with_what_is_known(watched: Watched) -> None:
    watched.look(STALL)
    assert not watched.look(ANSWER_SECONDS - 0.1)
    assert watched.look(0.2).endswith("Z: somewhere in lines 401 to 900")


def test_one_that_has_not_heard_the_question_is_asked_again(watched: Watched) -> None:
    watched.look(STALL)
    assert not watched.look(0.1)
    assert watched.asked == 2
    watched.mark.reply(Whereabouts("", 433))
    assert watched.look(0.1).endswith("Z: line 433")


def test_it_is_said_once_that_it_goes_on_and_a_second_stall_is_another(watched: Watched) -> None:
    watched.look(STALL)
    watched.mark.reply(Whereabouts("", 1))
    watched.look(1)
    watched.mark.beat()
    assert not watched.look(14)
    assert not watched.look(1)
    assert watched.log()[1:] == ["x.log: goes on, after 75 s without progress"]
    watched.look(STALL)
    watched.mark.reply(Whereabouts("", 2))
    assert watched.look(1)
    assert watched.log()[2:] == ["x.log: no progress for 62 s: line 2"]


def test_one_that_goes_on_before_it_has_answered_is_not_named(watched: Watched) -> None:
    watched.look(STALL)
    assert watched.asked == 1
    watched.mark.beat()
    assert not watched.look(0.1)
    assert not watched.vigil.is_asking
    assert watched.log() == []


def test_one_that_gets_done_before_it_is_looked_at_again_is_said_to_go_on(watched: Watched) -> None:
    watched.look(STALL)
    watched.mark.reply(Whereabouts("", 1))
    watched.look(1)
    watched.now += 14
    watched.vigil.begin()
    assert watched.log()[1:] == ["x.log: goes on, after 75 s without progress"]
    assert not watched.vigil.stalled


def test_what_was_before_new_work_does_not_count(watched: Watched) -> None:
    watched.now += STALL - 1
    watched.vigil.begin()
    assert not watched.look(STALL - 1)
    assert watched.asked == 0


@pytest.mark.parametrize("power", [True, False])
def test_each_fsync_of_a_commit_is_a_step_ahead(power: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    mark = CurrentTask.own()
    disk = _BeatingDisk(mark, power=power)
    with open(tmp_path / "x", "wb") as file:
        disk.sync(file.fileno())
    disk.sync_folder(str(tmp_path))
    assert mark.seen().beats == 2


def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize(("mark", "names"), [(1, "b.log"), (NONE, "a.log, b.log")])
def test_files_that_are_worked_on_together_are_named_together(mark: int, names: str, tmp_path: Path) -> None:
    config, _ = parse_config(
        {"nodes": [{"tag": "start", "type": "trim", "next": "end"}]}, folder=str(tmp_path)
    )
    assert config
    slot = Slot(Setup(config, nothing, lambda: None), lambda: 0.0)
    slot._tasks = (Task("a.log", Why.NEW), Task("b.log", Why.NEW))
    slot._mark = CurrentTask.own()
    slot._mark.set(mark)
    slot._vigil = Vigil(slot._mark, nothing, STALL, monotonic=lambda: 0.0)
    slot._vigil.stalled = "no progress since then"
    assert slot._names() == names
    assert ", ".join(name for name, progress in slot.running() if progress.stalled) == names


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, without how many seconds it was: a slow host has more of them."""
    return [re.sub(r"\b\d+ s\b", "_ s", message) for message in caplog.messages]


def test_a_process_without_a_parent_says_itself_where_it_stands(caplog: pytest.LogCaptureFixture) -> None:
    stalled, goes_on = "x.log: no progress for _ s: reading it", "x.log: goes on, after _ s without progress"
    mark = CurrentTask.own()
    mark.note(Doing.READING)
    with alarmed(mark, "x.log", 0.05):
        wait_until(lambda: said(caplog) == [stalled])
        mark.beat()
        wait_until(lambda: said(caplog) == [stalled, goes_on, stalled])
    assert said(caplog) == [stalled, goes_on, stalled, goes_on]


def test_a_pipe_that_says_nothing_for_a_while_is_no_stall(caplog: pytest.LogCaptureFixture) -> None:
    mark = CurrentTask.own()
    mark.note(Doing.READING)
    with alarmed(mark, "x.log", 0.2, is_pipe=True):
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            pass
        assert caplog.text == ""
        mark.note(Doing.FEEDING, 7, 1)
        wait_until(lambda: said(caplog) == ["x.log: no progress for _ s: line 7"])


def test_in_another_thread_than_the_main_one_nothing_is_watched() -> None:
    done = []

    def work() -> None:
        with alarmed(CurrentTask.own(), "x.log", 0.01):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert done == [True]
