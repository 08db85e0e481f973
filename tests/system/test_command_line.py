"""The command line as its users meet it: a process, its arguments, its streams and its exit status."""

from __future__ import annotations

import json
import os
import shlex
import signal
import stat
from pathlib import Path

import pytest

import fproc
from tests.support.programs.running import (
    DEADLINE_SECONDS,
    SAMPLE,
    SAMPLE_RESULT,
    Watching,
    configure,
    drop,
    open_folder,
    own_processor,
    run,
    run_in_shell,
    run_on_terminal,
    started,
    tree,
)

RAISING = "def step(line):\n    raise ValueError('cannot digest ' + line)\n"
PRINTING = "def step(line):\n    print('noise')\n    return line\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the sample in it."""
    (tmp_path / "sample.txt").write_bytes(SAMPLE)
    return tmp_path


def test_the_sample_gives_exactly_its_three_lines(folder: Path) -> None:
    ended = run(folder, "--input", "sample.txt")
    assert (ended.status, ended.out) == (0, b"")
    assert "3 lines in, 3 out" in ended.err
    assert tree(folder) == {
        "sample.txt": SAMPLE,
        "watch_dir/": b"",
        "watch_dir/results/": b"",
        "watch_dir/results/sample.txt": SAMPLE_RESULT,
    }


@pytest.mark.parametrize(
    ("output", "out", "files"),
    [((), SAMPLE_RESULT, {}), (("--output", "out.txt"), b"", {"out.txt": SAMPLE_RESULT})],
)
def test_standard_input_goes_to_standard_output_or_where_it_is_sent(
    tmp_path: Path, output: tuple[str, ...], out: bytes, files: dict[str, bytes]
) -> None:
    ended = run(tmp_path, "--input", "-", *output, given=SAMPLE)
    assert (ended.status, ended.out) == (0, out)
    assert tree(tmp_path) == files


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ("out.txt", "out.txt"),
        ("there", "there/sample.txt"),
        ("there/", "there/sample.txt"),
        ("new/", "new/sample.txt"),
        ("new/deep/out.txt", "new/deep/out.txt"),
        ("to-file", "there/old.txt"),
        ("to-folder", "there/sample.txt"),
    ],
)
def test_a_result_goes_to_the_file_or_folder_that_output_names(
    folder: Path, output: str, result: str
) -> None:
    (folder / "there").mkdir()
    (folder / "there/old.txt").write_bytes(b"old\n")
    (folder / "to-file").symlink_to("there/old.txt")
    (folder / "to-folder").symlink_to("there")
    assert run(folder, "--input", "sample.txt", "--output", output).status == 0
    assert (folder / result).read_bytes() == SAMPLE_RESULT
    assert (folder / "to-file").is_symlink()
    files = {path for path in tree(folder) if not path.endswith("/") and not path.startswith("to-folder/")}
    assert files == {"sample.txt", "to-file", "there/old.txt", result}


def test_several_inputs_go_to_standard_output_in_their_order(folder: Path) -> None:
    (folder / "b.txt").write_bytes(b"INFO: b\n")
    ended = run(folder, "--input", "b.txt", "sample.txt", "-", "--output", "-", given=b"INFO: c")
    assert (ended.status, ended.out) == (0, b"[INFO] b\n" + SAMPLE_RESULT + b"[INFO] c\n")
    assert set(tree(folder)) == {"sample.txt", "b.txt"}


def test_output_may_be_a_fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(folder, "--input", "sample.txt", "--output", "pipe").status == 0
        assert os.read(reader, 4096) == SAMPLE_RESULT
        assert stat.S_ISFIFO((folder / "pipe").lstat().st_mode)
    finally:
        os.close(reader)


def test_a_device_stays_a_device() -> None:
    # Not as root, who could replace it: then this test would break the host that it runs on.
    with open_folder() as folder:
        ended = run(folder, "--input", "-", "--output", "/dev/null", given=SAMPLE, as_nobody=True)
    assert (ended.status, ended.out) == (0, b"")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("output", ["sample.txt", ".", "link.txt", "hard.txt", "folder-link"])
def test_a_result_never_replaces_an_input(folder: Path, output: str) -> None:
    (folder / "link.txt").symlink_to("sample.txt")
    (folder / "hard.txt").hardlink_to(folder / "sample.txt")
    (folder / "folder-link").symlink_to(".")
    before = set(os.listdir(folder))
    ended = run(folder, "--input", "sample.txt", "--output", output)
    assert (ended.status, len(ended.lines)) == (1, 1)
    assert "would replace an input" in ended.err
    assert (folder / "sample.txt").read_bytes() == SAMPLE
    assert set(os.listdir(folder)) == before


def test_a_result_never_replaces_another_input_of_the_call(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other/sample.txt").write_bytes(b"INFO: other\n")
    ended = run(folder, "--input", "other/sample.txt", "sample.txt", "--output", ".")
    assert ended.status == 1
    assert (folder / "sample.txt").read_bytes() == SAMPLE


@pytest.mark.parametrize("output", ["file/", "file/deep/", "file/out.txt", "file"])
def test_a_file_where_a_folder_is_needed_is_said_so(folder: Path, output: str) -> None:
    (folder / "file").write_bytes(b"precious")
    before = tree(folder)
    ended = run(
        folder, "--input", "sample.txt", *(["sample.txt"] if output == "file" else []), "--output", output
    )
    assert ended.status in {1, 2}
    assert len(ended.lines) == 1
    assert ("must be a folder" if output == "file" else str(folder / "file")) in ended.err
    assert tree(folder) == before


def test_running_twice_gives_the_same_folder_also_with_two_inputs_of_one_name(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other/sample.txt").write_bytes(b"INFO: other\n")
    arguments = ("--input", "sample.txt", "other/sample.txt", "--output", "out")
    assert run(folder, *arguments).status == 0
    once = tree(folder)
    assert once["out/sample.txt"] == SAMPLE_RESULT
    assert once["out/sample~2.txt"] == b"[INFO] other\n"
    assert run(folder, *arguments).status == 0
    assert tree(folder) == once


def test_a_mode_is_one_processor_instead_of_a_pipeline(folder: Path) -> None:
    (folder / "words.txt").write_bytes(b"Some Words\n")
    arguments = ("--input", "words.txt", "--output", "-")
    assert run(folder, *arguments, variables={"MODE": "snakecase"}).out == b"some_words\n"
    assert run(folder, *arguments, "--mode=uppercase", variables={"MODE": "trim"}).out == b"SOME WORDS\n"


def test_a_mode_in_dotenv_serves_a_watch_too_which_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MODE=uppercase\n")
    with Watching(tmp_path) as running:
        drop(tmp_path, "words.txt", b"Some Words\n")
        running.wait_for("results/words.txt")
        assert "mode: uppercase, by .env:1: MODE, instead of the nodes" in running.log
    assert (tmp_path / "watch_dir/results/words.txt").read_bytes() == b"SOME WORDS\n"
    drop(tmp_path, "more.txt", b"Some Words\n")
    assert run(tmp_path, "--watch", "--drain", "--mode", "snakecase").status == 0
    assert (tmp_path / "watch_dir/results/more.txt").read_bytes() == b"some_words\n"
    assert b"warning: .env:1: MODE=uppercase: --watch and --input use it" in run(tmp_path, "--check").out


@pytest.mark.parametrize(
    ("name", "hint"), [("upercase", "did you mean 'uppercase'?"), ("rewrite", "options")]
)
def test_a_mode_that_cannot_be_is_wrong_usage(folder: Path, name: str, hint: str) -> None:
    ended = run(folder, "--input", "sample.txt", "--mode", name)
    assert (ended.status, len(ended.lines)) == (2, 1)
    assert name in ended.err
    assert hint in ended.err


def test_a_trace_shows_the_route_and_what_each_node_made_of_the_line(folder: Path) -> None:
    ended = run(folder, "--input", "sample.txt", "--trace", "--output", "-", "--quiet")
    assert (ended.status, ended.out) == (0, SAMPLE_RESULT)
    heads = [line for line in ended.lines if not line.startswith(" ")]
    assert heads == [f"sample.txt:{number}  start -> filter -> format -> output" for number in (1, 2, 3)]
    assert ended.lines[5:7] == [
        "    format: [error] start:ERROR: Something bad happened",
        "        -> [error] [ERROR] Something bad happened",
    ]


def test_check_says_which_example_fails_and_how(tmp_path: Path) -> None:
    configure(tmp_path, examples=[{"input": ["a"], "expect": {"end": ["b"]}}])
    ended = run(tmp_path, "--check")
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1)
    assert "$.examples[0].expect" in ended.err
    assert "missing 'b'" in ended.err


@pytest.mark.parametrize(
    ("action", "parts"),
    [
        (
            "--check",
            [
                "configuration: ok, 4 nodes, 1 example passed",
                "lines enter at: start",
                "a big file is done by all workers that are free",
            ],
        ),
        ("--graph", ["start (tag)  <- lines enter", "    -> filter", "    => {name}"]),
        ("--graph text", ["start (tag)  <- lines enter"]),
        ("--graph mermaid", ["flowchart LR", '    n0["start: tag"]', "    n0 --> n1"]),
        ("--graph dot", ["digraph fproc {", '    "start" -> "filter";', "}"]),
    ],
)
def test_the_pipeline_is_checked_and_drawn(tmp_path: Path, action: str, parts: list[str]) -> None:
    ended = run(tmp_path, *action.split())
    assert (ended.status, ended.err) == (0, "")
    assert set(parts) <= set(ended.out.decode().splitlines())
    assert tree(tmp_path) == {}


def test_samples_are_written_and_can_be_processed(tmp_path: Path) -> None:
    ended = run(tmp_path, "--sample", "3", "--output", "logs")
    assert ended.status == 0
    names = ["logs/sample.txt", "logs/sample-2.txt", "logs/sample-3.txt"]
    assert ended.out.decode().split() == names
    assert (tmp_path / names[0]).read_bytes() == SAMPLE
    ended = run(tmp_path, "--input", *names, "--output", "out")
    assert (ended.status, len(tree(tmp_path / "out"))) == (0, 3)


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    ended = run(tmp_path, "--version")
    assert (ended.status, ended.out) == (0, f"fproc {fproc.__version__}\n".encode())


def test_without_an_action_help_is_printed_and_the_status_is_2(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert (ended.status, ended.err) == (2, "")
    for word in (b"--watch", b"--input", b"--check", b"exit status"):
        assert word in ended.out
    assert run(tmp_path, "--help").status == 0


STRAY = ["--no-such-option", "--check stray", "--vers", "--drain", "--check --drain", "--check --mode trim"]
STRAY += ["--watch --output x", "--watch --check", "--graph png", "--input", "--input x --output ''"]
STRAY += ["--input x --port many", "--sample 0 --output x", "--sample 2"]


@pytest.mark.parametrize("arguments", STRAY)
def test_stray_arguments_are_wrong_usage(tmp_path: Path, arguments: str) -> None:
    ended = run(tmp_path, *shlex.split(arguments))
    assert ended.status == 2
    assert tree(tmp_path) == {}
    assert ended.out == b"" or arguments == "--drain"  # no action: that is help


def test_head_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"INFO: a line\n" * 200_000)
    with started(tmp_path, "--input", "big.txt", "--output", "-") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"[INFO] a line\n"
        process.stdout.close()
        assert (process.wait(DEADLINE_SECONDS), process.stderr.read()) == (0, b"")
    assert set(tree(tmp_path)) == {"big.txt"}


def test_closed_streams_cost_no_result(folder: Path) -> None:
    ended = run_in_shell(folder, '"$0" "$@" --input sample.txt <&- >&- 2>&-')
    assert (ended.status, ended.out, ended.err) == (0, b"", "")
    assert (folder / "watch_dir/results/sample.txt").read_bytes() == SAMPLE_RESULT


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('"$0" "$@" --input sample.txt --output - >&-', "standard output is closed"),
        ('"$0" "$@" --input - <&-', "standard input is closed"),
    ],
)
def test_a_closed_stream_that_is_needed_is_said_so(folder: Path, line: str, wanted: str) -> None:
    ended = run_in_shell(folder, line)
    assert (ended.status, len(ended.lines)) == (1, 1)
    assert wanted in ended.err
    assert set(tree(folder)) == {"sample.txt"}


def test_the_log_may_be_json_and_go_to_a_file(folder: Path) -> None:
    ended = run(folder, "--input", "sample.txt", "gone", "--log-format", "json", "--log-file", "log")
    assert (ended.status, ended.out, ended.err) == (1, b"", "")
    events = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    assert [event["level"] for event in events] == ["info", "error"]
    assert all({"timestamp", "logger", "message"} < event.keys() for event in events)
    assert events[0]["message"].startswith("sample.txt: 3 lines in, 3 out")


def test_quiet_leaves_out_all_but_trouble(folder: Path) -> None:
    ended = run(folder, "--input", "sample.txt", "gone", "--quiet")
    assert (ended.status, len(ended.lines)) == (1, 1)
    assert "gone: failed: cannot be read: No such file or directory" in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_an_input_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "pipe")
    with started(tmp_path, "--input", "pipe", "--debug", "--log-file", "log") as process:
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)  # returns once it has opened the other end
        try:
            os.write(writer, b"INFO: begun\n" * 10)
            process.send_signal(number)
            out, err = process.communicate(timeout=DEADLINE_SECONDS)
        finally:
            os.close(writer)
    assert (process.returncode, out, err) == (130, b"", b"fproc: interrupted\n")
    assert set(tree(tmp_path)) == {"pipe", "log"}


def test_a_flag_wins_over_a_variable_over_env_file_over_the_configuration(folder: Path) -> None:
    configure(folder, results_dir="4-configuration")
    (folder / ".env").write_text("# where to\nexport FPROC_RESULTS_DIR='3-env-file'\n")
    variables = {"FPROC_RESULTS_DIR": "2-variable"}
    for flags, found in [(("--results-dir", "1-flag"), variables), ((), variables), ((), {}), ((), {})]:
        assert run(folder, "--input", "sample.txt", *flags, variables=found).status == 0
        if not found:
            (folder / ".env").unlink(missing_ok=True)
    made = sorted(name for name in os.listdir(folder) if name[0].isdecimal())
    assert made == ["1-flag", "2-variable", "3-env-file", "4-configuration"]


def test_the_progress_bar_is_for_a_terminal_alone(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"INFO: a line\n" * 20_000)
    arguments = ("--input", "big.txt", "--output", "out.txt")
    assert "\r" not in run(tmp_path, *arguments).err
    screen = run_on_terminal(tmp_path, *arguments)
    assert b"\rbig.txt  [" in screen
    assert b"lines, " in screen
    assert b"left" in screen
    assert b"\r" not in run_on_terminal(tmp_path, *arguments, "--quiet").replace(b"\r\n", b"")


@pytest.mark.parametrize("extra", [(), ("--debug",)])
def test_a_traceback_is_shown_for_debug_alone(tmp_path: Path, extra: tuple[str, ...]) -> None:
    own_processor(tmp_path, RAISING)
    ended = run(tmp_path, "--input", "-", *extra, given=b"bad\n")
    assert ended.status == 1
    assert "-: failed: line 1, node 'start': ValueError: cannot digest bad" in ended.err
    assert ("Traceback" in ended.err, "in step" in ended.err) == (bool(extra), bool(extra))
    assert "(own.py:2)" in ended.err


def test_what_a_processor_prints_does_not_get_between_results(tmp_path: Path) -> None:
    own_processor(tmp_path, PRINTING)
    ended = run(tmp_path, "--input", "-", given=b"a\n")
    assert (ended.status, ended.out) == (0, b"a\n")
    assert "noise\n" in ended.err
