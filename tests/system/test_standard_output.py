"""Standard output belongs to results, whatever a processor does with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.project import PROJECT

NOISY = """
import os, subprocess, sys
print("while it is imported")

def step(line):
    print("with print")
    os.write(1, b"to the descriptor\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    return line
"""


def run(
    folder: Path, *arguments: str, stdout: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    (folder / "noisy.py").write_text(NOISY)
    nodes = [{"tag": "start", "type": "noisy.step", "next": "end"}]
    (folder / "pipeline.json").write_text(json.dumps({"nodes": nodes}))
    return subprocess.run(
        [sys.executable, "-m", "fproc", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        input="a\nb\n",
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_nothing_that_a_processor_prints_gets_between_results(tmp_path: Path) -> None:
    done = run(tmp_path, "--input", "-", "--quiet")
    assert (done.returncode, done.stdout) == (0, "a\nb\n")
    for noise in ("while it is imported", "with print", "to the descriptor", "from a child"):
        assert noise in done.stderr


def test_nothing_that_a_processor_prints_gets_into_a_drawing(tmp_path: Path) -> None:
    done = run(tmp_path, "--graph", "dot")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "digraph fproc {")


def test_a_full_disk_behind_standard_output_is_said_and_is_no_success(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        for arguments in (["--version"], ["--help"], ["--graph", "text"], ["--input", "-"]):
            done = run(tmp_path, *arguments, stdout=full.fileno())
            assert done.returncode == 1, arguments
            assert "No space left on device" in done.stderr
            assert "Traceback" not in done.stderr


def test_results_of_a_pipe_are_there_as_soon_as_its_lines_are(tmp_path: Path) -> None:
    nodes = [{"tag": "start", "type": "uppercase", "next": "end"}]
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": nodes}))
    process = subprocess.Popen(
        [sys.executable, "-m", "fproc", "--input", "-", "--quiet"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdin
    assert process.stdout
    with process:
        for line in (b"one\n", b"two\n", b"three\n"):
            process.stdin.write(line)
            assert process.stdout.read(len(line)) == line.upper()  # while the pipe is still open
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0
