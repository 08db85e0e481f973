"""The main job: a running `--watch`, and files that land in its folder."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.programs.running import (
    QUICK,
    SAMPLE,
    SAMPLE_RESULT,
    Watching,
    configure,
    drop,
    own_processor,
    report,
    run,
    spooled,
)

WAITING = """
import os, time
def step(line):
    open("started", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return line
"""
FAILS_TWICE = """
import time, fproc
def step(line):
    with open("attempts", "a") as file:
        file.write(f"{time.time()}\\n")
    if len(open("attempts").readlines()) < 3:
        raise fproc.Retry("the database is away")
    return line
"""
RAISES_ON_BAD = """
def step(line):
    if "bad" in line:
        raise ValueError("cannot digest " + line)
    return line
"""


def test_a_sample_that_is_dropped_gives_its_result_without_any_configuration(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        drop(tmp_path, "sample.txt", SAMPLE)
        watching.wait_for("processed/sample.txt")
        assert watching.stop() == 0
        watching.wait_until(lambda: "sample.txt: 3 lines in, 3 out" in watching.log)
        assert "Traceback" not in watching.log
    assert spooled(tmp_path) == {"processed/sample.txt": SAMPLE, "results/sample.txt": SAMPLE_RESULT}


def test_a_trace_is_printed_while_watching(tmp_path: Path) -> None:
    drop(tmp_path, "sample.txt", SAMPLE)
    with Watching(tmp_path, "--trace") as watching:
        watching.wait_for("processed/sample.txt")
        watching.wait_until(lambda: "\nsample.txt:1  start -> filter -> format -> output\n" in watching.log)


def test_a_stable_file_is_taken_after_the_settle_time_however_old_it_is(tmp_path: Path) -> None:
    configure(tmp_path, intake={"ready": "stable", "settle_seconds": 0.5, "poll_seconds": 0.02})
    with Watching(tmp_path) as watching:
        began = time.monotonic()
        os.utime(drop(tmp_path, "x.log", b"old\n"), (0, 0))
        watching.wait_for("processed/x.log")
        assert time.monotonic() - began >= 0.5


def test_a_marked_file_is_taken_when_its_marker_comes_and_the_marker_goes_too(tmp_path: Path) -> None:
    configure(tmp_path, intake={**QUICK, "ready": "marker"})
    with Watching(tmp_path) as watching:
        unmarked = drop(tmp_path, "a.log", b"a\n")
        drop(tmp_path, "b.log", b"b\n")
        drop(tmp_path, "b.log.done", b"")
        watching.wait_for("processed/b.log")
        assert unmarked.exists()
        drop(tmp_path, "a.log.done", b"")
        watching.wait_for("processed/a.log")
        watching.wait_until(lambda: not os.listdir(watching.spool / "unprocessed"))
    assert set(spooled(tmp_path)) == {
        f"{place}/{name}.log" for place in ("processed", "results") for name in "ab"
    }


def test_a_file_that_is_open_for_writing_is_taken_when_it_is_closed(tmp_path: Path) -> None:
    configure(tmp_path, intake={"ready": "auto", "settle_seconds": 0.05, "poll_seconds": 0.02})
    with Watching(tmp_path) as watching, (watching.spool / "unprocessed/.hidden").open("wb") as file:
        file.write(b"one\n")
        file.flush()
        path = Path(file.name).rename(watching.spool / "unprocessed/open.log")
        for name in ("a.log", "b.log"):  # each settles in its turn, so the open one has had its time as well
            drop(tmp_path, name, b"")
            watching.wait_for(f"processed/{name}")
        assert path.exists()
        file.write(b"two\n")
        file.close()
        watching.wait_for("processed/open.log")
    assert spooled(tmp_path)["results/open.log"] == b"one\ntwo\n"


def test_an_old_file_is_taken_at_once(tmp_path: Path) -> None:
    configure(tmp_path, intake={"ready": "auto", "settle_seconds": 3600, "poll_seconds": 0.02})
    os.utime(drop(tmp_path, "x.log", b"old\n"), (0, 0))
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/x.log")


def test_the_second_and_third_file_of_a_name_are_numbered_like_their_results(tmp_path: Path) -> None:
    configure(tmp_path)
    names = ("x.log", "x~2.log", "x~3.log")
    with Watching(tmp_path) as watching:
        for number, name in enumerate(names):
            drop(tmp_path, "x.log", b"%d\n" % number)
            watching.wait_for(f"processed/{name}")
    expected = {f"{place}/{name}" for place in ("processed", "results") for name in names}
    assert spooled(tmp_path) == {path: b"%d\n" % names.index(os.path.basename(path)) for path in expected}


def test_results_may_replace_the_earlier_ones_but_inputs_never_do(tmp_path: Path) -> None:
    configure(tmp_path, on_conflict="replace")
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", b"old\n")
        watching.wait_for("processed/x.log")
        drop(tmp_path, "x.log", b"new\n")
        watching.wait_for("processed/x~2.log")
    assert spooled(tmp_path) == {
        "processed/x.log": b"old\n",
        "processed/x~2.log": b"new\n",
        "results/x.log": b"new\n",
    }


def test_a_file_is_tried_again_with_growing_pauses_until_it_succeeds(tmp_path: Path) -> None:
    own_processor(tmp_path, FAILS_TWICE, retry={"max_attempts": 3, "backoff_seconds": 0.2})
    drop(tmp_path, "x.log", b"a\n")
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/x.log")
        assert watching.log.count("WARNING x.log: tried again in ") == 2
    times = [float(line) for line in (tmp_path / "attempts").read_text().split()]
    assert len(times) == 3
    assert times[1] - times[0] > 0.1  # half of the backoff is jitter
    assert times[2] - times[1] > 0.2
    assert spooled(tmp_path) == {"processed/x.log": b"a\n", "results/x.log": b"a\n"}


def test_attempts_are_counted_across_restarts_and_then_the_file_fails_with_a_report(tmp_path: Path) -> None:
    always = FAILS_TWICE.replace("< 3", "< 99")
    own_processor(tmp_path, always, retry={"max_attempts": 3, "backoff_seconds": 0.3})
    drop(tmp_path, "x.log", b"a\n")
    with Watching(tmp_path) as watching:
        watching.wait_until(lambda: "x.log: tried again in " in watching.log)
    with Watching(tmp_path) as watching:
        watching.wait_for("failed/x.log")
    assert len((tmp_path / "attempts").read_text().split()) == 3
    assert set(spooled(tmp_path)) == {"failed/x.log", "failed/x.log.error.json"}
    said = report(tmp_path, "x.log")
    assert "the database is away" in said["reason"]
    assert (said["node"], said["line_no"], said["line"], said["attempts"]) == ("start", 1, "a", 3)
    assert "own.py" in "\n".join(said["traceback"])
    assert datetime.fromisoformat(said["timestamp"].replace("Z", "+00:00")).tzinfo is not None


def test_lines_that_fail_are_set_aside_if_so_configured(tmp_path: Path) -> None:
    own_processor(tmp_path, RAISES_ON_BAD, on_error="reject")
    drop(tmp_path, "x.log", b"a\nbad one\nb\nbad two\n")
    ended = run(tmp_path, "--watch", "--drain")
    assert ended.status == 0
    kept = spooled(tmp_path)
    lines = [json.loads(line) for line in kept.pop("failed/x.log.rejected.jsonl").splitlines()]
    assert [(line["line_no"], line["byte_offset"], line["node"], line["line"]) for line in lines] == [
        (2, 2, "start", "bad one"),
        (4, 12, "start", "bad two"),
    ]
    assert "cannot digest bad one" in lines[0]["error"]
    assert kept == {"processed/x.log": b"a\nbad one\nb\nbad two\n", "results/x.log": b"a\nb\n"}


def test_lines_that_fail_are_skipped_if_so_configured(tmp_path: Path) -> None:
    own_processor(tmp_path, RAISES_ON_BAD, on_error="skip")
    drop(tmp_path, "x.log", b"a\nbad\nb\n")
    ended = run(tmp_path, "--watch", "--drain")
    assert ended.status == 0
    assert "skipped: line 2, node 'start': ValueError: cannot digest bad" in ended.err
    assert spooled(tmp_path) == {"processed/x.log": b"a\nbad\nb\n", "results/x.log": b"a\nb\n"}


def test_two_instances_on_one_folder_process_each_file_exactly_once(tmp_path: Path) -> None:
    configure(tmp_path)
    names = [f"{number:03}.log" for number in range(200)]
    with ExitStack() as stack:
        both = [stack.enter_context(Watching(tmp_path)) for _ in range(2)]
        for name in names:
            drop(tmp_path, name, name.encode() + b"\n")
        processed = tmp_path / "watch_dir/processed"
        both[0].wait_until(lambda: len(os.listdir(processed)) >= len(names))
        assert [watching.stop() for watching in both] == [0, 0]
        logs = "".join(watching.log for watching in both)
    expected = {
        f"{place}/{name}": name.encode() + b"\n" for place in ("processed", "results") for name in names
    }
    assert spooled(tmp_path) == expected
    assert {name: logs.count(f"INFO {name}: 1 line") for name in names} == dict.fromkeys(names, 1)
    assert "ERROR" not in logs


def test_sigterm_lets_the_running_file_end_and_claims_no_other(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING)
    drop(tmp_path, "a.log", b"a\n")
    with Watching(tmp_path, dashboard=True) as watching:
        watching.wait_until((tmp_path / "started").exists)
        drop(tmp_path, "b.log", b"b\n")
        watching.signal(signal.SIGTERM)
        watching.wait_until(lambda: watching.get("/health")[1]["status"] == "stopping")
        (tmp_path / "go").touch()
        assert watching.wait() == 0
        assert "stopped; nothing is lost" in watching.log
    assert spooled(tmp_path) == {
        "processed/a.log": b"a\n",
        "results/a.log": b"a\n",
        "unprocessed/b.log": b"b\n",
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once_and_a_restart_loses_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    own_processor(tmp_path, WAITING)
    drop(tmp_path, "a.log", b"a\n")
    with Watching(tmp_path, dashboard=True) as watching:
        watching.wait_until((tmp_path / "started").exists)
        watching.signal(number)
        watching.wait_until(lambda: watching.get("/health")[1]["status"] == "stopping")
        watching.signal(number)
        assert watching.wait() != 0
        assert "Traceback" not in watching.log
    assert spooled(tmp_path) == {"underprocess/a.log": b"a\n"}
    (tmp_path / "go").touch()
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/a.log")
        watching.wait_until(lambda: not os.listdir(watching.spool / ".fproc/jobs"))
        watching.wait_until(lambda: "a.log: taken up again after a crash" in watching.log)
    assert spooled(tmp_path) == {"processed/a.log": b"a\n", "results/a.log": b"a\n"}


def test_drain_says_by_its_status_whether_all_went_well(tmp_path: Path) -> None:
    own_processor(tmp_path, RAISES_ON_BAD)
    assert run(tmp_path, "--watch", "--drain").status == 0
    drop(tmp_path, "x.log", b"fine\n")
    assert run(tmp_path, "--watch", "--drain").status == 0
    drop(tmp_path, "x.log", b"bad\n")
    drop(tmp_path, "y.log", b"fine\n")
    assert run(tmp_path, "--watch", "--drain").status == 1
    assert {path for path in spooled(tmp_path) if "results/" in path} == {"results/x.log", "results/y.log"}
    assert run(tmp_path, "--watch", "--drain").status == 0


def test_drain_does_not_wait_for_a_marker(tmp_path: Path) -> None:
    configure(tmp_path, intake={**QUICK, "ready": "marker"})
    drop(tmp_path, "x.log", b"fine\n")
    ended = run(tmp_path, "--watch", "--drain")
    assert (ended.status, "left behind: x.log: waiting for x.log.done" in ended.err) == (0, True)
    assert spooled(tmp_path) == {"unprocessed/x.log": b"fine\n"}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder on another filesystem than the tests' own."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second filesystem")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


def test_results_may_lie_on_another_filesystem(tmp_path: Path, memory: Path) -> None:
    with Watching(tmp_path, "--results-dir", str(memory)) as watching:
        os.utime(drop(tmp_path, "sample.txt", SAMPLE), (0, 0))
        watching.wait_for("processed/sample.txt")
    assert (memory / "sample.txt").read_bytes() == SAMPLE_RESULT
    assert run(tmp_path, "--input", "watch_dir/processed/sample.txt", "--output", str(memory)).status == 0
    assert {name for name in os.listdir(memory) if name != ".stage"} == {"sample.txt"}
