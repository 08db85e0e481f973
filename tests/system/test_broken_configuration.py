"""An operator's questions beside a broken `pipeline.json`, and settings that are mistyped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.helpers import thinned
from tests.support.programs.running import COPY, Ended, Watching, configure, drop, own_processor, run, spooled

FAILS = "def step(line):\n    raise ValueError('no')\n"
BROKEN = {
    "no JSON": '{"watch_dir": "in", "nodes": [],}',
    "a wrong node": json.dumps({"watch_dir": "in", "nodes": [{"tag": "start", "typ": "trim"}]}),
    "a plugin that cannot be imported": json.dumps(
        {"watch_dir": "in", "nodes": [{"tag": "start", "type": "own.step"}]}
    ),
}


@pytest.fixture
def failed(tmp_path: Path) -> Path:
    """A folder whose watched one, `in`, has a failed input."""
    own_processor(tmp_path, FAILS, watch_dir="in")
    (tmp_path / "in/unprocessed").mkdir(parents=True)
    (tmp_path / "in/unprocessed/x.log").write_text("a\n")
    assert run(tmp_path, "--watch", "--drain").status == 1
    return tmp_path


def break_it(folder: Path, what: str) -> None:
    (folder / "pipeline.json").write_text(BROKEN[what])
    (folder / "own.py").write_text("raise SystemExit('imported')\n")


def one_warning(ended: Ended, what: str) -> None:
    """Check that one line on standard error names the problem, if the file itself has one."""
    if what == "a plugin that cannot be imported":
        assert ended.err == ""
        return
    [line] = ended.lines
    assert line.startswith("fproc: warning: " + ("pipeline.json:1:" if what == "no JSON" else "$.nodes[0]"))
    assert "/in nevertheless" in line


@pytest.mark.parametrize("what", thinned({what: what for what in BROKEN}, "no JSON"))
def test_questions_are_answered_beside_a_broken_configuration(failed: Path, what: str) -> None:
    break_it(failed, what)
    ended = run(failed, "--status", "--json")
    value = json.loads(ended.out)
    assert (ended.status, value["health"]["status"]) == (1, "stopped")
    assert (value["counts"]["failed"], value["totals"]["files_failed"]) == (1, 1)
    one_warning(ended, what)
    ended = run(failed, "--why", "x.log")
    assert (ended.status, ended.out.decode().startswith("failed/x.log: failed: ValueError: no")) == (0, True)
    one_warning(ended, what)
    ended = run(failed, "--retry", "x.log")
    assert (ended.status, ended.out) == (0, b"x.log: put back into unprocessed/\n")
    one_warning(ended, what)
    assert (failed / "in/unprocessed/x.log").read_text() == "a\n"
    assert run(failed, "--check").status == 78
    assert run(failed, "--watch", "--drain").status == 78


def test_a_configuration_that_breaks_under_a_running_fproc_hides_it_from_nobody(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path):
        (tmp_path / "pipeline.json").write_text("{")
        ended = run(tmp_path, "--status")
        assert (ended.status, ended.out.decode().splitlines()[0]) == (0, f"{tmp_path}/watch_dir: ok")
        assert len(ended.lines) == 1


def test_the_start_log_names_the_file_that_is_used(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path) as watching:
        assert f"INFO configuration: {tmp_path}/pipeline.json" in watching.log
    assert (
        f"configuration file: {tmp_path}/pipeline.json" in run(tmp_path, "--check").out.decode().splitlines()
    )


def test_a_misnamed_configuration_is_noticed_by_all_that_would_use_it(tmp_path: Path) -> None:
    (tmp_path / "pipline.json").write_text(json.dumps({"nodes": COPY}))
    drop(tmp_path, "x.log", b"INFO: a\n")
    doubt = "the built-in pipeline is used, but there is pipline.json; did you mean --config pipline.json?"
    ended = run(tmp_path, "--check")
    lines = ended.out.decode().splitlines()
    assert (ended.status, f"warning: {doubt}" in lines) == (0, True)
    assert f"configuration file: built-in, as there is no pipeline.json in {tmp_path}" in lines
    ended = run(tmp_path, "--input", "watch_dir/unprocessed/x.log", "--output", "-")
    assert (ended.status, ended.out) == (0, b"[INFO] a\n")
    assert f"WARNING {doubt}" in ended.err
    assert (
        "WARNING"
        not in run(tmp_path, "--input", "watch_dir/unprocessed/x.log", "--mode", "trim", "--output", "-").err
    )
    ended = run(tmp_path, "--watch", "--drain")
    assert (ended.status, f"WARNING {doubt}" in ended.err) == (0, True)
    assert spooled(tmp_path)["results/x.log"] == b"[INFO] a\n"
    assert run(tmp_path, "--watch", "--drain", "--config", "pipline.json").err == ""
    with Watching(tmp_path) as watching:
        assert f"INFO configuration: built-in, as there is no pipeline.json in {tmp_path}" in watching.log
        assert f"WARNING {doubt}" in watching.log


def test_an_unknown_variable_is_warned_of_and_harms_nothing(tmp_path: Path) -> None:
    configure(tmp_path)
    (tmp_path / ".env").write_text("FPROC_WORKER=2\n")
    drop(tmp_path, "x.log", b"a\n")
    doubts = [
        "FPROC_PROT: unknown variable; did you mean 'FPROC_PORT'?",
        ".env:1: FPROC_WORKER: unknown variable; did you mean 'FPROC_WORKERS'?",
    ]
    for arguments in (("--watch", "--drain"), ("--input", "watch_dir/processed/x.log")):
        ended = run(tmp_path, *arguments, variables={"FPROC_PROT": "1"})
        assert ended.status == 0
        assert [doubt for doubt in doubts if f"WARNING {doubt}" not in ended.err] == []
    ended = run(tmp_path, "--check", variables={"FPROC_PROT": "1"})
    lines = ended.out.decode().splitlines()
    assert (ended.status, [line for line in lines if line.startswith("warning:")]) == (
        0,
        [f"warning: {doubt}" for doubt in doubts],
    )
