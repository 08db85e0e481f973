"""Bad input: each kind gets one clear message and its exit status, and nothing is lost or left half done."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.helpers import thinned
from tests.support.programs.running import (
    COPY,
    QUICK,
    Ended,
    Watching,
    configure,
    drop,
    open_folder,
    report,
    run,
    spooled,
    tree,
)

OWN = """
def raises(line):
    if line == "bad":
        raise ValueError("cannot digest bad")
    return line

def triple(line):
    yield "a", line, "c"

def unrouted(line):
    yield "nowhere", line

def round_and_round(line):
    yield "start", line

def ended(line):
    return line + "\\n"

def leaves(line):
    raise SystemExit("gone")
"""

LINES = b"a fine line\n" * 20_000
BOTH_WAYS = pytest.mark.parametrize("way", ["--input", "--watch"])


@dataclass(frozen=True)
class Bad:
    """A file that fails, and the message about it."""

    message: str
    data: bytes = b"fine\nbad\n"
    type: str = ""
    name: str = "x.log"
    config: dict[str, Any] = field(default_factory=dict)
    next: Any = "end"


FAILING = {
    "a processor that raises": Bad("line 2, node 'start': ValueError: cannot digest bad", type="own.raises"),
    "a processor that ends the program": Bad("line 1, node 'start': SystemExit: gone", type="own.leaves"),
    "a generator of the wrong shape": Bad(
        "line 1, node 'start': yielded ('a', 'fine', 'c')", type="own.triple"
    ),
    "a line with its ending": Bad("emitted a line that ends with a line ending", type="own.ended"),
    "a record with no route": Bad(
        "line 1, node 'start': no route for the tag 'nowhere'", type="own.unrouted", next={"*x": "end"}
    ),
    "an endless cycle": Bad(
        "line 1, node 'start': the record went through more than 9 nodes",
        type="own.round_and_round",
        next="start",
        config={"limits": {"max_hops": 9}},
    ),
    "a line over the limit": Bad(
        "line 2, node 'start': the line is longer than limits.max_line_bytes",
        data=b"12345678\n123456789\n1\n",
        config={"limits": {"max_line_bytes": 8}},
    ),
    "a cut .gz": Bad("is not a whole gzip file", data=gzip.compress(LINES)[:-20], name="x.log.gz"),
    "a cut .bz2": Bad("is not a whole bzip2 file", data=bz2.compress(LINES)[:-20], name="x.log.bz2"),
    "a cut .xz": Bad("is not a whole xz file", data=lzma.compress(LINES)[:-20], name="x.log.xz"),
    "a .gz that is none": Bad("is not a whole gzip file", data=b"\0\1\2", name="x.log.gz"),
}


def prepare(folder: Path, bad: Bad) -> None:
    (folder / "own.py").write_text(OWN)
    node = {"tag": "start", "type": bad.type, "next": bad.next}
    configure(folder, [node] if bad.type else COPY, **bad.config)


def assert_said_once(ended: Ended, *parts: str) -> None:
    """One line on standard error, with all of this in it, and no traceback."""
    assert len(ended.lines) == 1, ended.err
    for part in parts:
        assert part in ended.err
    assert "Traceback" not in ended.err
    assert "bug in fproc" not in ended.err


@pytest.mark.parametrize("bad", thinned(FAILING, "a processor that raises", "a cut .gz"))
def test_a_file_that_fails_by_input_stays_and_leaves_no_result(tmp_path: Path, bad: Bad) -> None:
    prepare(tmp_path, bad)
    (tmp_path / bad.name).write_bytes(bad.data)
    before = tree(tmp_path)
    ended = run(tmp_path, "--input", bad.name)
    assert (ended.status, ended.out) == (1, b"")
    assert_said_once(ended, f"{bad.name}: failed: ", bad.message)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "bad",
    thinned(
        FAILING,
        "a processor that raises",
        "a processor that ends the program",
        "an endless cycle",
        "a line over the limit",
        "a cut .xz",
    ),
)
def test_a_file_that_fails_when_dropped_is_kept_with_its_report(tmp_path: Path, bad: Bad) -> None:
    prepare(tmp_path, bad)
    drop(tmp_path, bad.name, bad.data)
    ended = run(tmp_path, "--watch", "--drain")
    assert (ended.status, ended.out) == (1, b"")
    assert_said_once(ended, f"{bad.name}: failed after 1 attempt", bad.message)
    kept = spooled(tmp_path)
    assert kept.pop(f"failed/{bad.name}") == bad.data
    assert set(kept) == {f"failed/{bad.name}.error.json"}
    said = report(tmp_path, bad.name)
    where = f"line {said['line_no']}, node {said['node']!r}: " if said["node"] else ""
    assert bad.message in where + said["reason"]


@BOTH_WAYS
def test_a_file_that_fails_costs_the_others_nothing(tmp_path: Path, way: str) -> None:
    prepare(tmp_path, FAILING["a processor that raises"])
    names = ["a.log", "b.log", "c.log"]
    for name in names:
        drop(tmp_path, name, b"bad\n" if name == "b.log" else b"fine\n")
    inputs = [f"watch_dir/unprocessed/{name}" for name in names]
    arguments = (way, *inputs) if way == "--input" else (way, "--drain")
    assert run(tmp_path, *arguments).status == 1
    results = {path for path in spooled(tmp_path) if path.startswith("results/")}
    assert results == {"results/a.log", "results/c.log"}


CARRIED = {
    "invalid UTF-8": (b"\xff\xfa a \xc3\n\x80\xed\xa0\x80\n", b"\xff\xfa a \xc3\n\x80\xed\xa0\x80\n"),
    "NUL bytes": (b"a\0\0b\n\0\n", b"a\0\0b\n\0\n"),
    "odd separators": ("a\x0bb\x0cc\x85d\u2028e\n".encode(), "a\x0bb\x0cc\x85d\u2028e\n".encode()),
    "carriage returns": (b"a\r\nb\rc\n\r\n\r\r\nd\r", b"a\nb\rc\n\n\r\nd\r\n"),
    "no last line ending": (b"\n\na", b"\n\na\n"),
    "a line at the limit": (b"x" * 2**20 + b"\r\n", b"x" * 2**20 + b"\n"),
    "all bytes": (bytes(range(1, 256)) + b"\0", bytes(range(1, 256)) + b"\0\n"),
    "an empty file": (b"", None),
}


@BOTH_WAYS
def test_odd_bytes_come_out_as_they_went_in(tmp_path: Path, way: str) -> None:
    configure(tmp_path)
    inputs = {f"{name}.log": data for name, (data, _) in CARRIED.items()}
    expected = {f"results/{name}.log": result for name, (_, result) in CARRIED.items() if result is not None}
    if way == "--input":
        for name, data in inputs.items():
            (tmp_path / name).write_bytes(data)
        assert run(tmp_path, "--input", *inputs).status == 0
        assert {name: (tmp_path / name).read_bytes() for name in inputs} == inputs
    else:
        for name, data in inputs.items():
            drop(tmp_path, name, data)
        assert run(tmp_path, "--watch", "--drain").status == 0
        expected |= {f"processed/{name}": data for name, data in inputs.items()}
    assert spooled(tmp_path) == expected


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_of_several_pieces_is_read_whole(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    suffix = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}[pack]
    (tmp_path / f"x.log{suffix}").write_bytes(pack(b"a\n") + pack(b"") + pack(b"b\n"))
    (tmp_path / f"none.log{suffix}").write_bytes(pack(b""))
    configure(tmp_path)
    assert run(tmp_path, "--input", f"x.log{suffix}", f"none.log{suffix}", "--output", "out/").status == 0
    assert tree(tmp_path / "out") == {"x.log": b"a\nb\n"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.log", "cannot be read: No such file or directory"),
        ("folder", "is a folder, not a file"),
        ("file/x.log", "cannot be read: Not a directory"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("n" * 300, "cannot be read: File name too long"),
        ("socket", "cannot be read: No such device or address"),
        ("new\nline", "cannot be read: No such file or directory"),
    ],
)
def test_an_input_that_cannot_be_read_is_said_so_and_the_next_is_processed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    configure(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"fine\n")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)  # the whole path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        ended = run(tmp_path, "--input", name, "file", "--quiet")
    assert (ended.status, ended.out) == (1, b"")
    assert_said_once(ended, f": failed: {message}")
    assert spooled(tmp_path) == {"results/file": b"fine\n"}


@BOTH_WAYS
def test_a_file_of_another_user_is_said_to_be_unreadable(way: str) -> None:
    """By --input it fails; --watch waits until it can be read, and --drain says that it is left behind."""
    with open_folder() as folder:
        configure(folder)
        path = drop(folder, "x.log", b"fine\n")
        path.chmod(0)
        (folder / "watch_dir").chmod(0o777)
        path.parent.chmod(0o777)
        drop(folder, "y.log", b"fine\n").chmod(0o644)
        names = ("watch_dir/unprocessed/x.log", "watch_dir/unprocessed/y.log")
        arguments = (way, *names) if way == "--input" else (way, "--drain")
        ended = run(folder, *arguments, "--quiet", as_nobody=True)
        if way == "--input":
            assert ended.status == 1
            assert_said_once(ended, "x.log: failed", "cannot be read: Permission denied")
            return
        assert ended.status == 0
        waits, left = ended.lines
        assert "x.log: cannot be read yet: Permission denied; it waits until it can be" in waits
        assert "left behind: x.log: cannot be read yet: Permission denied" in left
        if os.geteuid() == 0:
            assert spooled(folder) == {
                "unprocessed/x.log": b"fine\n",
                "processed/y.log": b"fine\n",
                "results/y.log": b"fine\n",
            }


@pytest.mark.parametrize("arguments", [("--input", "x.log"), ("--watch", "--drain")])
def test_a_folder_of_another_user_that_cannot_be_written_is_said_so(arguments: tuple[str, ...]) -> None:
    with open_folder() as folder:
        configure(folder)
        (folder / "x.log").write_bytes(b"fine\n")
        (folder / "watch_dir").mkdir(mode=0o555)
        ended = run(folder, *arguments, as_nobody=True)
        assert ended.status == (1 if arguments[0] == "--input" else 78)
        assert_said_once(ended, str(folder / "watch_dir"))
        assert tree(folder / "watch_dir") == {}


NODE = '"tag": "start", "type": '
BROKEN = {
    "no such module": ('{"nodes": [{%s"gone.step"}]}', ["$.nodes[0].type", "there is no module 'gone'"]),
    "no such attribute": (
        '{"nodes": [{%s"own.raise"}]}',
        ["$.nodes[0].type", "module 'own' has no 'raise'", "did you mean 'raises'?"],
    ),
    "not JSON": ('{\n  "nodes": [,]\n}', ["pipeline.json:2:13", "not JSON"]),
    "an unknown key": ('{"nodse": [], "nodes": [{%s"trim"}]}', ["$.nodse: unknown key", "'nodes'?"]),
    "a wrong URL": (
        '{"alerts": {"webhook": "example.org"}, "nodes": [{%s"trim"}]}',
        ["$.alerts.webhook: must be an http:// or https:// URL"],
    ),
    "a wrong type": ('{"workers": "many", "nodes": [{%s"trim"}]}', ["$.workers: must be a whole number"]),
    "a wrong option": (
        '{"nodes": [{%s"count", "config": {"totl": true}}]}',
        ["$.nodes[0].config.totl", "'total'?"],
    ),
}


@pytest.mark.parametrize("wrong", thinned(BROKEN, "no such attribute", "not JSON", "a wrong URL"))
def test_a_wrong_configuration_stops_everything_before_it_begins(
    tmp_path: Path, wrong: tuple[str, list[str]]
) -> None:
    text, parts = wrong
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "pipeline.json").write_text(text.replace("%s", NODE))
    (tmp_path / "x.log").write_bytes(b"fine\n")
    drop(tmp_path, "y.log", b"fine\n")
    before = tree(tmp_path)
    actions = [("--check",), ("--input", "x.log"), ("--watch", "--drain")]
    for action in actions if "JSON" in parts[-1] else actions[-1:]:  # the same way for each
        ended = run(tmp_path, *action)
        assert (ended.status, ended.out) == (78, b"")
        assert_said_once(ended, *parts)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("place", ["unprocessed", "unprocessed/deep", "underprocess", "processed", "failed"])
def test_results_among_the_inputs_are_refused(tmp_path: Path, place: str) -> None:
    configure(tmp_path, results_dir=f"watch_dir/{place}")
    drop(tmp_path, "x.log", b"fine\n")
    ended = run(tmp_path, "--watch", "--drain")
    assert ended.status == 78
    assert_said_once(ended, "$.results_dir", f"watch_dir/{place}")
    assert spooled(tmp_path) == {"unprocessed/x.log": b"fine\n"}


def test_what_is_no_file_is_left_alone_and_said_once(tmp_path: Path) -> None:
    configure(tmp_path, intake={**QUICK, "poll_seconds": 0.01})
    (tmp_path / "secret").write_bytes(b"fine\n")
    unprocessed = drop(tmp_path, "a.log", b"fine\n").parent
    os.mkfifo(unprocessed / "fifo")
    (unprocessed / "link").symlink_to(tmp_path / "secret")
    (unprocessed / "folder").mkdir()
    (unprocessed / "folder/inside.log").write_bytes(b"fine\n")
    (unprocessed / "half.part").write_bytes(b"fine\n")
    with Watching(tmp_path) as watching:
        for name in ("b.log", "c.log", "d.log"):  # a few looks at the folder
            drop(tmp_path, name, b"fine\n")
            watching.wait_for(f"processed/{name}")
        watching.wait_for("processed/a.log")  # by the other worker, which may have started later
        for name, kind in {"fifo": "a FIFO", "link": "a symbolic link", "folder": "a folder"}.items():
            assert watching.log.count(f" {name}: is {kind}, not a file; it is left alone") == 1
        assert watching.log.count("WARNING") == 3
    assert set(os.listdir(unprocessed)) == {"fifo", "link", "folder", "half.part"}
    assert (unprocessed / "folder/inside.log").read_bytes() == b"fine\n"
    assert set(os.listdir(tmp_path / "watch_dir/results")) == {".stage", "a.log", "b.log", "c.log", "d.log"}


def test_what_is_no_file_in_underprocess_stops_no_other(tmp_path: Path) -> None:
    configure(tmp_path)
    (tmp_path / "secret").write_bytes(b"secret\n")
    underprocess = tmp_path / "watch_dir/underprocess"
    (underprocess / "a.log").mkdir(parents=True)
    (underprocess / "b.log").symlink_to(tmp_path / "secret")
    (underprocess / "c.log").write_bytes(b"taken up\n")
    for name in ("a.log", "b.log", "d.log"):
        drop(tmp_path, name, b"fine\n")
    ended = run(tmp_path, "--watch", "--drain", "--quiet")
    assert ended.status == 0
    assert "a.log: what was taken is a folder, not a file, and a file waits there; it is now " in ended.err
    assert "b.log: what was taken is a symbolic link, not a file, and a file waits there" in ended.err
    expected = {"a.log": b"fine\n", "b.log": b"fine\n", "c.log": b"taken up\n", "d.log": b"fine\n"}
    assert spooled(tmp_path) == {
        f"{folder}/{name}": text for folder in ("processed", "results") for name, text in expected.items()
    }
    aside = sorted((tmp_path / "watch_dir/.fproc").glob("aside-*"), key=Path.is_symlink)
    assert [path.is_symlink() for path in aside] == [False, True]
