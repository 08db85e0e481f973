"""How a process exits: quickly where only fproc's own code has run, else as any Python does."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from fproc.base.own_code import importing
from tests.support.programs.running import environment

LEAVING = """
import atexit, sys, threading, time
from fproc.base import own_code
atexit.register(print, "registered")
sys.stdout.write("printed ")
sys.stderr.write("told ")
{before}
try:
    own_code.leave(7)
except SystemExit:
    print("as usual ", end="")
    raise
"""


def left(before: str, *options: str) -> tuple[int, str, str]:
    """Return the exit status of a process that did this and then left, and what it wrote."""
    command = [sys.executable, *options, "-c", LEAVING.format(before=before)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_what_was_registered_is_done_and_what_was_printed_is_written() -> None:
    assert left("") == (7, "printed registered\n", "told ")


@pytest.mark.parametrize(
    "before",
    ["own_code.has_run_others = True", "sys.settrace(lambda *_: None)", "sys.setprofile(lambda *_: None)"],
)
def test_python_exits_as_usual_where_somebody_may_count_on_that(before: str) -> None:
    assert left(before) == (7, "printed as usual registered\n", "told ")


WAITING = "threading.Thread(target=lambda: (time.sleep(0.1), print('thread')), daemon={}).start()"


def test_a_thread_that_is_no_daemon_is_waited_for() -> None:
    assert left(WAITING.format(False))[:2] == (7, "printed as usual thread\nregistered\n")


def test_a_daemon_is_not_waited_for() -> None:
    assert left(WAITING.format(True))[:2] == (7, "printed registered\n")


def test_what_cannot_be_written_is_told_by_python() -> None:
    status, _, told = left("import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)")
    assert status == 120
    assert "No space left on device" in told


def test_a_closed_output_is_no_error() -> None:
    assert left("sys.stdout.flush(); sys.stdout = None")[0] == 7


def test_imports_are_not_collected_and_the_collector_is_back_afterwards() -> None:
    assert gc.isenabled()
    before = gc.get_freeze_count()
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
