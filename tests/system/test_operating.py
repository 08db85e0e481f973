"""What an operator asks and does from the command line, beside a running fproc and without one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import (
    FOLDERS,
    QUICK,
    Ended,
    Watching,
    configure,
    drop,
    own_processor,
    report,
    run,
    spooled,
    tree,
)

WAITING = """
import os, time
def step(line):
    with open("starting", "w") as file:
        file.write(str(os.getpid()))
    os.replace("starting", "started")
    while not os.path.exists("go"):
        time.sleep(0.01)
    return line
"""
FAILS_ON_BAD = """
def step(line):
    if "bad" in line:
        raise ValueError("cannot digest " + line)
    return line
"""
AWAY = "import fproc\ndef step(line):\n    raise fproc.Retry('the database is away')\n"
REPAIRED = "def step(line):\n    return line.upper()\n"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def said(ended: Ended) -> str:
    assert (ended.status, ended.err) == (0, "")
    return ended.out.decode().rstrip("\n")


def why(folder: Path, name: str) -> str:
    """What is said of a name, without its history."""
    return "\n".join(line for line in whole_why(folder, name).splitlines() if not line.startswith("  "))


def whole_why(folder: Path, name: str) -> str:
    return said(run(folder, "--why", name))


def status(folder: Path) -> dict[str, Any]:
    """What `--status` finds; its exit status is 0 if all is well, else 1, in both forms."""
    ended = run(folder, "--status", "--json")
    value: dict[str, Any] = json.loads(ended.out)
    assert (ended.status, ended.err) == (0 if value["health"]["status"] == "ok" else 1, "")
    return value


def told(folder: Path, *, exit_status: int) -> str:
    """What `--status` says."""
    ended = run(folder, "--status")
    assert (ended.status, ended.err) == (exit_status, "")
    return ended.out.decode().rstrip("\n")


def health(folder: Path) -> tuple[str, list[str]]:
    found = status(folder)["health"]
    return found["status"], found["troubles"]


def counts(*numbers: int) -> dict[str, int]:
    return dict(zip(FOLDERS, numbers, strict=False))


def process(folder: Path) -> Ended:
    return run(folder, "--watch", "--drain")


@pytest.mark.parametrize("arguments", [("--status",), ("--why", "x"), ("--retry", "x"), ("--retry", "--all")])
def test_without_a_watched_folder_that_is_said_and_none_is_made(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = run(tmp_path, *arguments)
    assert (ended.status, ended.out, len(ended.lines)) == (1, b"", 1)
    assert f"there is no folder {tmp_path}/watch_dir; --watch makes it" in ended.err
    assert tree(tmp_path) == {}


def test_an_empty_spool_is_stopped_and_well(tmp_path: Path) -> None:
    assert process(tmp_path).status == 0
    before = tree(tmp_path)
    expected = f"{tmp_path}/watch_dir: stopped\nunprocessed 0  underprocess 0  processed 0  failed 0"
    assert told(tmp_path, exit_status=1) == expected
    assert tree(tmp_path) == before


def test_a_watched_folder_with_nothing_in_it_may_be_a_mount_point_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "watch_dir").mkdir()
    state, (trouble,) = health(tmp_path)
    assert (state, trouble.startswith("no .fproc/id in ")) == ("stopped", True)
    assert os.listdir(tmp_path / "watch_dir") == []


def test_a_running_fproc_is_told_with_its_files_and_after_a_kill_it_is_not(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING, workers=1)
    drop(tmp_path, "a.log", b"one\ntwo\n")
    with Watching(tmp_path) as watching:
        watching.wait_until((tmp_path / "started").exists)
        drop(tmp_path, "b.log", b"three\n")
        watching.wait_until(lambda: status(tmp_path)["current"])
        found = status(tmp_path)
        worker = int((tmp_path / "started").read_text())
        [current], [instance] = found["current"], found["instances"]
        assert re.fullmatch(TIME, current.pop("started"))
        figures = {"lines": 0, "bytes": 0, "total_bytes": 8, "rejected": 0, "skipped": 0}
        assert current == {"file": "a.log", **figures, "worker": worker}
        assert re.fullmatch(TIME, instance.pop("started"))
        assert instance == {"host": socket.gethostname(), "pid": watching.process.pid}
        assert {"counts", "current", "waiting", "health", "instances"} <= found.keys()
        assert (found["counts"], found["waiting"]) == (counts(1, 1, 0, 0), [])
        assert (found["health"]["status"], found["health"]["troubles"]) == ("ok", [])
        lines = told(tmp_path, exit_status=0).splitlines()
        assert lines[0].endswith(": ok")
        assert lines[2].startswith("  a.log: 0 lines, since ")
        assert lines[3].startswith(f"running: {socket.gethostname()} pid {watching.process.pid}, since ")
        assert why(tmp_path, "a.log").startswith(
            f"underprocess/a.log: held by {socket.gethostname()} pid {worker}"
        )
        assert why(tmp_path, "b.log") == "unprocessed/b.log: ready; it is taken as soon as a worker is free"
        watching.signal(signal.SIGKILL)
        watching.wait()
    found = status(tmp_path)
    assert (found["current"], found["instances"], found["waiting"]) == ([], [], [])
    assert (found["health"]["status"], found["counts"]) == ("stopped", counts(1, 1, 0, 0))
    assert why(tmp_path, "a.log").endswith("nobody holds it, but no fproc is running on this folder")
    assert why(tmp_path, "b.log").endswith("ready, but no fproc is running on this folder")
    (tmp_path / "go").touch()
    assert process(tmp_path).status == 0
    assert status(tmp_path)["counts"] == counts(0, 0, 2, 0)


def test_a_file_in_place_of_the_results_folder_pauses_and_is_told(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path) as watching:
        results = watching.spool / "results"
        results.rename(tmp_path / "aside")
        results.touch()
        drop(tmp_path, "x.log", b"a\n")
        watching.wait_until(lambda: status(tmp_path)["health"]["status"] == "degraded")
        assert status(tmp_path)["counts"] == counts(1, 0, 0, 0)
        assert f"the folder of results has vanished: {results}" in told(tmp_path, exit_status=1)
        results.unlink()
        (tmp_path / "aside").rename(results)
        watching.wait_for("processed/x.log")
        watching.wait_until(lambda: status(tmp_path)["health"]["status"] == "ok")


def test_a_file_that_is_tried_again_is_told_with_its_time(tmp_path: Path) -> None:
    own_processor(
        tmp_path, AWAY, retry={"max_attempts": 5, "backoff_seconds": 3600, "backoff_max_seconds": 3600}
    )
    drop(tmp_path, "x.log", b"a\n")
    with Watching(tmp_path) as watching:
        watching.wait_until(lambda: "tried again in" in watching.log)
        [waiting] = status(tmp_path)["waiting"]
        assert (waiting["file"], waiting["attempts"], len(waiting)) == ("x.log", 1, 3)
        assert re.fullmatch(TIME, waiting["not_before"])
        expected = f"underprocess/x.log: retry at {waiting['not_before']}, after 1 failed attempt"
        assert why(tmp_path, "x.log") == expected
        assert f"  x.log: tried again at {waiting['not_before']}" in told(tmp_path, exit_status=0)


def test_why_tells_what_became_of_a_file_wherever_it_is(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD, intake={**QUICK, "ready": "auto", "settle_seconds": 0})
    for text in (b"good\n", b"good\n", b"well\nbad\n"):
        drop(tmp_path, "x.log", text)
        process(tmp_path)
    own_processor(tmp_path, FAILS_ON_BAD, intake={**QUICK, "ready": "auto", "settle_seconds": 3600})
    drop(tmp_path, "x.log", b"new\n")
    expected = [
        r"unprocessed/x\.log: \d+\.\d of 3600 s settled",
        rf"processed/x\.log: processed at {TIME}",
        rf"processed/x~2\.log: processed at {TIME}",
        r"failed/x\.log: failed: ValueError: .* bad \(own\.py:\d+\) \(1 attempt, node start, line 2\)",
    ]
    assert re.fullmatch("\n".join(expected), why(tmp_path, "x.log"))
    by_place = {
        "watch_dir/unprocessed/x.log": expected[0],
        "unprocessed/x.log": expected[0],
        "./watch_dir/processed/x.log": expected[1],
        "processed/x~2.log": expected[2],
        str(tmp_path / "watch_dir/failed/x.log"): expected[3],
        "failed/../failed/x.log": expected[3],
    }
    for given, wanted in by_place.items():
        assert re.fullmatch(wanted, why(tmp_path, given)), given


def test_why_of_a_path_that_is_none_of_an_input_says_so(tmp_path: Path) -> None:
    drop(tmp_path, "x.log", b"a\n")
    (tmp_path / "x.log").touch()
    for given in ("./x.log", "watch_dir/results/x.log", "watch_dir/x.log", "/x.log", "unprocessed/in/x.log"):
        ended = run(tmp_path, "--why", given)
        assert (ended.status, ended.out, len(ended.lines)) == (1, b"", 1), given
        assert f"{given}: is in none of the folders of inputs of {tmp_path}/watch_dir" in ended.err
        assert f"drop it into {tmp_path}/watch_dir/unprocessed" in ended.err


def test_why_of_a_path_says_where_else_the_file_is(tmp_path: Path) -> None:
    configure(tmp_path)
    drop(tmp_path, "x.log", b"a\n")
    ended = run(tmp_path, "--why", "failed/x.log")
    assert (ended.status, ended.out) == (1, b"")
    assert f"x.log: no such file in {tmp_path}/watch_dir/failed; there is unprocessed/x.log" in ended.err


def test_why_and_status_know_what_happened_before(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD)
    drop(tmp_path, "x.log", b"bad\n")
    process(tmp_path)
    (tmp_path / "own.py").write_text(REPAIRED)
    run(tmp_path, "--retry", "x.log")
    process(tmp_path)
    failed, processed = whole_why(tmp_path, "x.log").splitlines()[1:]
    assert re.fullmatch(
        rf"  {TIME} failed, attempt 1: line 1, node 'start': ValueError: cannot digest bad \(own\.py:\d+\)",
        failed,
    )
    assert re.fullmatch(rf"  {TIME} processed, attempt 1", processed)
    totals = status(tmp_path)["totals"]
    assert (totals["files_processed"], totals["files_failed"]) == (1, 1)
    assert "so far: files_processed 1  files_failed 1" in told(tmp_path, exit_status=1)


def test_why_of_an_unknown_file_suggests_another_and_ends_with_1(tmp_path: Path) -> None:
    drop(tmp_path, "orders.csv", b"a\n")
    for name, hint in (("order.csv", "; did you mean 'orders.csv'?"), ("quite another", "")):
        ended = run(tmp_path, "--why", name)
        assert (ended.status, ended.out) == (1, b"")
        assert ended.err == f"fproc: {name}: no such file in {tmp_path}/watch_dir{hint}\n"


def test_a_failed_file_is_retried_after_its_processor_was_repaired(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD)
    for name in ("x.log", "y\n.log", os.fsdecode(b"z\xff.log")):
        drop(tmp_path, name, b"bad\n")
    drop(tmp_path, "good.log", b"good\n")
    assert process(tmp_path).status == 1
    assert report(tmp_path, "x.log")["reason"].startswith("ValueError: cannot digest bad (own.py:")
    (tmp_path / "own.py").write_text(REPAIRED)
    with Watching(tmp_path) as watching:
        assert said(run(tmp_path, "--retry", "x.log")) == "x.log: put back into unprocessed/"
        watching.wait_for("processed/x.log")
        told = said(run(tmp_path, "--retry", "--all")).splitlines()
        assert told == [f"{name}: put back into unprocessed/" for name in ("y\\n.log", "z\\xff.log")]
        watching.wait_for("processed/y\n.log", os.fsdecode(b"processed/z\xff.log"))
        assert said(run(tmp_path, "--retry", "--all")) == "there are no failed files"
    found = spooled(tmp_path)
    assert [path for path in found if path.startswith("failed/")] == []
    assert (found["results/x.log"], found["results/good.log"]) == (b"BAD\n", b"good\n")
    assert status(tmp_path)["counts"] == counts(0, 0, 4, 0)


def test_a_retry_that_cannot_be_does_not_stop_the_others(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD)
    for name in ("x.log", "y.log"):
        drop(tmp_path, name, b"bad\n")
    process(tmp_path)
    drop(tmp_path, "x.log", b"a later one\n")
    before = spooled(tmp_path)
    ended = run(
        tmp_path, "--retry", "x.log", "gone", "elsewhere/z", "unprocessed/x.log", "watch_dir/failed/y.log"
    )
    assert (ended.status, ended.err) == (1, "")
    stray, *lines = ended.out.decode().splitlines()
    assert stray.startswith("elsewhere/z: is in none of the folders of inputs")
    assert lines == [
        "unprocessed/x.log: --retry is for files in failed/ and processed/",
        "x.log: a file of that name is in unprocessed/ already; wait until it is done",
        "gone: there is no such input in failed/",
        "y.log: put back into unprocessed/",
    ]
    del before["failed/y.log.error.json"]
    before["unprocessed/y.log"] = before.pop("failed/y.log")
    assert spooled(tmp_path) == before


def test_all_that_is_in_failed_may_be_named(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_ON_BAD, on_error="reject")
    drop(tmp_path, "x.log", b"good\nbad\n")
    process(tmp_path)
    run(tmp_path, "--retry", "watch_dir/failed/x.log.rejected.jsonl")
    assert os.listdir(tmp_path / "watch_dir/failed") == ["x.log.rejected.jsonl"]


USAGE = [
    ("--retry", "needs the names of files in failed/ or processed/, or --all"),
    ("--retry x --all", "needs the names of files in failed/ or processed/, or --all"),
    ("--check --json", "--json goes with --status"),
    ("--status --all", "--all goes with --retry"),
    ("--status --doctor", "not allowed with"),
    ("--retry --all --watch", "not allowed with"),
    ("--status --drain", "--drain goes with --watch"),
    ("--why", "expected one argument"),
    ("--doctor stray", "unrecognized arguments"),
    ("--why x y", "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "wanted"), USAGE)
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: str, wanted: str) -> None:
    ended = run(tmp_path, *arguments.split())
    assert (ended.status, ended.out, len(ended.lines)) == (2, b"", 1)
    assert wanted in ended.err
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("argument", ["--json", "--all"])
def test_an_option_alone_is_no_action(tmp_path: Path, argument: str) -> None:
    ended = run(tmp_path, argument)
    assert (ended.status, ended.out[:6], tree(tmp_path)) == (2, b"usage:", {})


def test_the_doctor_finds_this_machine_well_in_a_line_each_and_leaves_nothing(tmp_path: Path) -> None:
    assert process(tmp_path).status == 0
    before = tree(tmp_path)
    lines = said(run(tmp_path, "--doctor")).splitlines()
    assert len(set(lines)) == len(lines) >= 5
    assert all(line.strip() for line in lines)
    assert tree(tmp_path) == before


def test_the_doctor_ends_with_1_if_something_does_not_work(tmp_path: Path, memory_path: Path) -> None:
    (tmp_path / "watch_dir").mkdir()
    (tmp_path / "watch_dir/processed").symlink_to(memory_path)
    if tmp_path.stat().st_dev == memory_path.stat().st_dev:
        pytest.skip("there is one filesystem only")
    ended = run(tmp_path, "--doctor")
    assert (ended.status, ended.err) == (1, "")
    assert re.findall("\n(?!ok|note).+?(?=:)", ended.out.decode()) == ["\nproblem  moves of inputs"]


def test_the_doctor_ends_with_78_where_there_can_be_no_folder(tmp_path: Path) -> None:
    (tmp_path / "watch_dir").touch()
    ended = run(tmp_path, "--doctor")
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1)


def history(folder: Path) -> list[str]:
    """The names of processed files, as the history has them; none, if it is out of order."""
    address = f"file:{folder}/watch_dir/.fproc/history.db?mode=rw"  # one that is not there is not made
    query = "SELECT file FROM events WHERE kind = 'processed' ORDER BY id"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            return [name for (name,) in database.execute(query)]
    except sqlite3.Error:
        return []


def test_the_history_survives_restarts_and_kills(tmp_path: Path) -> None:
    configure(tmp_path, workers=1)
    drop(tmp_path, "a.log", b"a\n")
    process(tmp_path)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "b.log", b"b\n")
        watching.wait_until(lambda: history(tmp_path) == ["a.log", "b.log"])
        watching.signal(signal.SIGKILL)
        watching.wait()
    drop(tmp_path, "c.log", b"c\n")
    assert process(tmp_path).status == 0
    assert history(tmp_path) == ["a.log", "b.log", "c.log"]


def corrupt(path: Path) -> None:
    """As a backup does that brings garbage back."""
    for other in path.parent.glob("history.db-*"):
        other.unlink()
    (path.parent / "garbage").write_bytes(b"this was never a database\n" * 1000)
    (path.parent / "garbage").rename(path)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "corrupt": corrupt,
    "a folder": replace_by_folder,
}


def warnings(watching: Watching) -> list[str]:
    """What is not well, without the times."""
    found = (re.search("(?:WARNING|ERROR).*", line) for line in watching.log.splitlines())
    return [match[0] for match in found if match]


@pytest.mark.parametrize(("damage", "said_times"), [("deleted", 0), ("corrupt", 1), ("a folder", 1)])
def test_a_history_that_is_gone_or_corrupt_at_the_start_costs_no_file_and_is_said_once(
    tmp_path: Path, damage: str, said_times: int
) -> None:
    configure(tmp_path, workers=1)
    assert process(tmp_path).status == 0
    database = tmp_path / "watch_dir/.fproc/history.db"
    DAMAGE[damage](database)
    with Watching(tmp_path) as watching:
        for name in ("a.log", "b.log"):
            drop(tmp_path, name, b"a\n")
            watching.wait_for(f"processed/{name}")
        assert watching.stop() == 0
        assert len(warnings(watching)) == said_times
        assert all("history" in line for line in warnings(watching))
    assert history(tmp_path) == ([] if damage == "a folder" else ["a.log", "b.log"])
    assert len(list(database.parent.glob("history.db.corrupt-*"))) == (damage == "corrupt")


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_history_that_goes_while_it_is_written_costs_no_file_and_is_said_once(
    tmp_path: Path, damage: str
) -> None:
    configure(tmp_path, workers=1)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "a.log", b"a\n")
        watching.wait_until(lambda: history(tmp_path) == ["a.log"])
        DAMAGE[damage](watching.spool / ".fproc/history.db")
        for name in ("b.log", "c.log"):
            drop(tmp_path, name, b"a\n")
            watching.wait_for(f"processed/{name}")
        assert watching.stop() == 0
        said_so = warnings(watching)
        assert 1 <= len(said_so) == len(set(said_so)) <= 2
        assert all("history" in line for line in said_so)
    assert len(spooled(tmp_path)) == 6
    assert history(tmp_path) == ([] if damage == "a folder" else ["b.log", "c.log"])


def test_all_of_fproc_s_own_folder_may_go_and_is_made_anew_by_the_next_start_alone(tmp_path: Path) -> None:
    configure(tmp_path, workers=1)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "a.log", b"a\n")
        watching.wait_for("processed/a.log")
        watching.wait_until(lambda: status(tmp_path)["instances"])
        own = watching.spool / ".fproc"
        own.rename(tmp_path / "removed")
        drop(tmp_path, "b.log", b"b\n")
        watching.wait_until(lambda: "intake is paused" in watching.log)
        assert watching.stop() == 0
        assert not own.exists()
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/b.log")
        watching.wait_until(lambda: status(tmp_path)["instances"])
        watching.wait_until(lambda: "b.log" in history(tmp_path))
        assert "ERROR" not in watching.log
    assert status(tmp_path)["counts"] == counts(0, 0, 2, 0)
