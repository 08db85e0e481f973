"""Secrets leave the environment: what is inherited, and what the kernel shows of a process and its forks."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys

import pytest

from fproc.process.environment import forget_variables
from tests.support.programs.running import ROOT

PROGRAM = """
import os, subprocess, sys
from fproc.process.environment import forget_variables
forget_variables(["SECRET", "EMPTY", "MISSING"])
if os.fork():
    os.wait()
shown, inherited = open("/proc/self/environ", "rb").read(), subprocess.check_output(["env", "-0"])
sys.stdout.buffer.write(shown + b"|" + inherited + b"|")
"""


def test_neither_the_process_nor_its_forks_nor_programs_show_what_was_forgotten() -> None:
    given = {
        "SECRET": "hidden",
        "EMPTY": "",
        "NOT_SECRET": "SECRET=shown",
        "SECRET_TOO": "é",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=given, capture_output=True, check=True
    )
    *parts, _ = done.stdout.split(b"|")
    assert len(parts) == 4
    for part in parts:
        found = dict(entry.split(b"=", 1) for entry in part.split(b"\0") if entry)
        found = {name: value for name, value in found.items() if name.decode() in (*given, "MISSING")}
        assert found == {
            os.fsencode(name): os.fsencode(given[name]) for name in given if name not in ("SECRET", "EMPTY")
        }


def test_where_the_memory_cannot_be_written_they_are_not_inherited_nevertheless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def refuse(path: str, *_: object, **__: object) -> None:
        asked.append(path)
        raise PermissionError(13, "not here", path)

    monkeypatch.setenv("FPROC_FORGOTTEN", "hidden")
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", refuse)
        forget_variables(["FPROC_FORGOTTEN"])
        forget_variables(["FPROC_FORGOTTEN"])
    assert asked == ["/proc/self/stat"]
    assert "FPROC_FORGOTTEN" not in os.environ
