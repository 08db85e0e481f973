"""The commands of the documents do what they say, in their order, with the executable alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs.running import SAMPLE, Watching, drop, own_processor
from tests.support.project import PROJECT

BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


@pytest.mark.parametrize(("document", "least"), [("README.md", 3), ("docs/OPERATIONS.md", 5)])
def test_the_commands_of_a_document_give_what_it_shows(
    pyz: Path, tmp_path: Path, document: str, least: int
) -> None:
    shutil.copy(pyz, tmp_path / "fproc.pyz")
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PATH"] = f"{python.parent}:{environment['PATH']}"
    environment["HOME"] = str(tmp_path / "home")  # into which it unpacks itself, once
    (tmp_path / "home").mkdir()
    blocks = BLOCK.findall((PROJECT / document).read_text(encoding="utf-8"))
    assert len(blocks) >= least
    for commands, expected in blocks:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", commands],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == expected, (commands, done.stderr)


def test_what_the_documents_ask_the_dashboard_is_answered(tmp_path: Path) -> None:
    document = (PROJECT / "docs/DASHBOARD.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- curl -->\n```sh\n(.*?)```", document, re.DOTALL)
    asked = [line.partition("#")[0] for line in block.splitlines()]
    own_processor(tmp_path, "def step(line):\n    assert line != 'bad'\n    return line\n")
    (tmp_path / "sample.txt").write_bytes(SAMPLE)
    said = []
    with Watching(tmp_path, dashboard=True) as running:
        drop(tmp_path, "bad.txt", b"bad\n")
        running.wait_for("failed/bad.txt.error.json")
        for line in asked:
            assert "localhost:8000/" in line
            command = line.replace("localhost:8000", running.url).replace("curl -s", "curl -sS --fail")
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (command, done.stderr)
            said.append(done.stdout)
        running.wait_for("processed/sample.txt", "results/sample.txt", "processed/sample~2.txt")
    health, stats, failed, errors, metrics, file, form, retried = said
    assert json.loads(health)["status"] == "ok"
    assert json.loads(stats)["files"]["failed"] == 1
    assert [one["file"] for one in json.loads(failed)["recent"]] == ["bad.txt"]
    assert json.loads(errors)["errors"][0]["line"] == "bad"
    assert "\nfproc_files_failed_total 1\n" in metrics
    assert (
        json.loads(file)["files"][0] | {"name": "sample.txt", "bytes": len(SAMPLE)}
        == json.loads(file)["files"][0]
    )
    assert json.loads(form)["files"][0]["sha256"] == json.loads(file)["files"][0]["sha256"]
    assert json.loads(retried) == {"retried": ["bad.txt"], "errors": []}


def test_the_processors_in_the_documents_do_what_is_said_of_them(tmp_path: Path) -> None:
    document = (PROJECT / "docs" / "CONFIGURATION.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (tmp_path / "documented.py").write_text(code)
    nodes = [
        {"tag": "start", "type": "documented.joined", "stream": True, "next": "mask"},
        {"tag": "mask", "type": "documented.mask", "config": {"secret": "xyz"}, "next": ["words", "repeats"]},
        {"tag": "words", "type": "documented.words", "next": {"number": "end", "*": "drop"}},
        {"tag": "repeats", "type": "documented.Repeats", "next": "end"},
    ]
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "in").write_text("a 1\\\n2 xyz\nb\nb\n")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "fproc", "--input", "in", "--output", "-"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "12\n2 times: b\n"), done.stderr
