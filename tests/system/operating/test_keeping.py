"""What is kept: history and rejected lines as they are shown and exported, and what retention removes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

import fproc
from tests.support.programs.operating import TIME, said
from tests.support.programs.running import Watching, configure, drop, run

SOURCE = """
def step(line):
    if "bad" in line:
        raise ValueError("cannot digest it")
    return line
"""


NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "own.step", "next": ["end", "all"]},
    {"tag": "all", "type": "write", "config": {"file": "all.log", "append": True}},
]


def configured(folder: Path, **config: Any) -> None:
    configure(folder, NODES, on_error="reject", workers=1, **config)


def worked(folder: Path, **config: Any) -> None:
    """Process three files, of each of which a line is set aside; their results, and one that they share."""
    (folder / "own.py").write_text(SOURCE)
    configured(folder, **config)
    for name in ("a", "b", "c"):
        drop(folder, f"{name}.txt", f"fine\nbad {name}\n".encode())
        assert run(folder, "--watch", "--drain", "--quiet").status == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    worked(tmp_path)
    return tmp_path


def names(folder: Path, *parts: str) -> list[str]:
    return sorted(name for name in os.listdir(folder.joinpath("watch_dir", *parts)) if name[0] != ".")


def test_the_history_says_what_ended_when_and_how(folder: Path) -> None:
    found = said(run(folder, "--history")).splitlines()
    assert [line.split(": ")[0].split(" ")[1] for line in found] == ["a.txt", "b.txt", "c.txt"]
    (line,) = said(run(folder, "--history", "b.txt")).splitlines()
    assert re.fullmatch(
        TIME + r" b\.txt: processed, 2 lines, [\d.e-]+ s, 1 rejected, pipeline \w{12},"
        r" results b\.txt, all\.log \(appended, bytes 5-9\)",
        line,
    )


def test_the_history_is_there_for_programs_in_three_forms(folder: Path) -> None:
    events = json.loads(said(run(folder, "--history", "--json")))
    assert [(event["file"], event["state"], event["rejected"]) for event in events] == [
        *(("a.txt", "processed", 1), ("b.txt", "processed", 1), ("c.txt", "processed", 1))
    ]
    exported = said(run(folder, "--export-history", "jsonl"))
    assert [json.loads(line) for line in exported.splitlines()] == events
    rows = list(csv.DictReader(io.StringIO(said(run(folder, "--export-history", "csv")))))
    assert [row["file"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert json.loads(rows[0]["results"]) == events[0]["results"]


def test_what_ran_under_one_pipeline_is_found_by_its_fingerprint(folder: Path) -> None:
    before = json.loads(said(run(folder, "--history", "--json")))
    configured(folder, limits={"max_line_bytes": 500})
    drop(folder, "d.txt", b"fine\n")
    assert run(folder, "--watch", "--drain", "--quiet").status == 0
    *_, after = json.loads(said(run(folder, "--history", "--json")))
    assert len({event["pipeline"] for event in before}) == 1
    assert {event["version"] for event in (*before, after)} == {fproc.__version__}
    for pipeline, files in ((before[0]["pipeline"], "abc"), (after["pipeline"], "d"), ("f" * 12, "")):
        for action in (("--history", "--json"), ("--export-history", "csv")):
            text = said(run(folder, *action, "--pipeline", pipeline))
            assert [name for name in "abcd" if f"{name}.txt" in text] == list(files)


def test_the_lines_that_were_set_aside_are_shown_with_their_reason(folder: Path) -> None:
    assert said(run(folder, "--rejects", "b.txt")) == (
        "b.txt:2: ValueError: cannot digest it (own.py:4) (node start)\n  bad b"
    )
    entries = json.loads(said(run(folder, "--rejects", "--json")))
    assert [(entry["file"], entry["line"]) for entry in entries] == [
        *(("a.txt", "bad a"), ("b.txt", "bad b"), ("c.txt", "bad c"))
    ]


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("--history", "nothing is known of that name; --why says where a file is"),
        ("--rejects", "no lines of that name are set aside; --history says what became of a file"),
    ],
)
def test_a_name_of_which_nothing_is_known_is_said(folder: Path, action: str, what: str) -> None:
    ended = run(folder, action, "nothing.txt")
    assert (ended.status, ended.out, ended.err) == (1, b"", f"fproc: nothing.txt: {what}\n")


def test_a_dry_run_lists_what_a_prune_removes_and_removes_nothing(tmp_path: Path) -> None:
    worked(tmp_path)
    configured(tmp_path, retention={"processed_files": 2, "results_files": 1, "history_events": 1})
    clock = tmp_path / "watch_dir/.fproc/clock.json"
    before = names(tmp_path, "processed"), names(tmp_path, "results"), clock.read_text()
    listed = said(run(tmp_path, "--prune", "--dry-run")).splitlines()
    watched = tmp_path / "watch_dir"
    assert listed == [
        f"{watched}/processed/a.txt: there are more than 2 files",
        f"{watched}/results/a.txt: there is more than 1 file",
        f"{watched}/results/b.txt: there is more than 1 file",
        "--prune would remove 3 files (0.0 MB) and 2 events of the history",
    ]
    assert (names(tmp_path, "processed"), names(tmp_path, "results"), clock.read_text()) == before
    ended = run(tmp_path, "--prune", "--quiet")
    assert ended.out == b"removed 3 files and 2 events of the history\n"
    assert names(tmp_path, "processed") == ["b.txt", "c.txt"]
    assert names(tmp_path, "results") == ["all.log", "c.txt"]
    assert (watched / "results/all.log").read_text() == "fine\n" * 3
    assert len(json.loads(said(run(tmp_path, "--history", "--json")))) == 1


def test_watch_removes_old_results_and_never_what_is_appended_to(tmp_path: Path) -> None:
    worked(tmp_path, retention={"results_days": 1e-7, "processed_days": 1e-7})
    (tmp_path / "watch_dir/results/notes.txt").write_text("mine")
    assert run(tmp_path, "--watch", "--drain", "--quiet").status == 0
    assert names(tmp_path, "results") == ["all.log", "notes.txt"]
    assert names(tmp_path, "processed") == []


def test_a_reload_changes_what_is_kept(tmp_path: Path) -> None:
    worked(tmp_path)
    with Watching(tmp_path) as watching:
        configured(tmp_path, retention={"history_events": 1, "results_files": 1})
        watching.signal(signal.SIGHUP)
        watching.wait_until(lambda: names(tmp_path, "results") == ["all.log", "c.txt"])
        watching.wait_until(lambda: len(said(run(tmp_path, "--history")).splitlines()) == 1)
