"""Worker processes that fail while they start, or before they run a file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fproc.run.verdict import Verdict
from fproc.watch.workers.messages import Report, Trouble
from tests.support.programs.pools import UPPER, Place, collected, done, is_gone

BREAKS_OFF = """
import socket, sys
socket.socket(fileno=int(sys.argv[4])).recv(1)
sys.exit(1)
"""


HANGS_UP = """
import os, signal, sys
with open("child", "w") as file:
    file.write(str(os.getpid()))
os.close(int(sys.argv[4]))
signal.pause()
"""


def test_a_plugin_that_fails_in_the_worker_alone_is_trouble_and_no_file_s_fault(place: Place) -> None:
    workers = place.pool("raise RuntimeError('no licence')")
    task = place.put("x", "a")
    for _ in range(2):
        workers.submit(task)
        trouble = Trouble("a worker could not start (ended with exit status 78)", of_host=True)
        assert collected(workers) == [Report(task, trouble)]
    assert place.log.read_text().count("a worker cannot start: $.nodes[0].type: ") == 2
    assert "RuntimeError: no licence" in place.log.read_text()
    assert Path(place.spool.folders.unprocessed, "x").exists()


def test_a_worker_that_ends_while_it_starts_is_trouble_and_no_loss(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = place.folder / "python"
    broken.write_text(f"#!{sys.executable}\n{BREAKS_OFF}")
    broken.chmod(0o755)
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", str(broken))
        workers = place.pool(UPPER)
        task = place.put("x", "a")
        for _ in range(2):
            workers.submit(task)
            trouble = Trouble("a worker could not start (ended with exit status 1)", of_host=True)
            assert collected(workers) == [Report(task, trouble)]
    assert done(workers, task).verdict is Verdict.COMMIT


def test_a_worker_that_does_not_read_its_setup_leaves_no_process(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {"tag": "start", "type": "tag", "config": {"rules": {"a": "b" * 10**6}}, "next": "end"}
    broken = place.folder / "python"
    broken.write_text(f"#!{sys.executable}\n{HANGS_UP}")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    workers = place.pool(UPPER, nodes=[rules])
    with pytest.raises(OSError, match=r"Broken pipe|Connection reset"):
        workers.submit(place.put("x", "a"))
    assert (workers.has_room(), workers.running(), workers.sockets()) == (True, {}, [])
    assert workers.stop() == []
    assert is_gone(int((place.folder / "child").read_text()))


def test_without_a_python_to_start_there_is_an_error_and_no_process(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = place.pool(UPPER)
    task = place.put("x", "a")
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", str(place.folder / "no-such-python"))
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                workers.submit(task)
            assert (workers.has_room(), workers.running(), workers.sockets()) == (True, {}, [])
    assert workers.stop() == []
    assert done(workers, task).verdict is Verdict.COMMIT
