"""The programs of Prometheus, which tests hand what fproc says to."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def tool(name: str) -> str:
    """A program of one of Debian's packages; only CI must have it."""
    path = shutil.which(name)
    if path is None:
        assert "CI" not in os.environ, f"{name} is not installed"
        pytest.skip(f"{name} is not installed")
    return path


def promtool(*arguments: str, given: str = "") -> None:
    """Run promtool; it must find nothing wrong."""
    command = [tool("promtool"), *arguments]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), (done.stdout + done.stderr).decode()


def check_metrics(text: str) -> None:
    """See that promtool finds nothing wrong with what Prometheus would scrape."""
    promtool("check", "metrics", given=text)
