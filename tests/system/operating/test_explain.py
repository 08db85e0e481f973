"""`--explain`: one line of a file, or each line of standard input, with its way through the graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fproc.base.errors import EXIT_FILE_FAILED, EXIT_OK, EXIT_USAGE
from tests.support.programs.running import configure, drop, run

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "tag_prefix", "next": {"error": ["up", "end"], "*": "end"}},
    {"tag": "up", "type": "uppercase", "next": "loud"},
    {"tag": "loud", "type": "write", "config": {"file": "{stem}.loud"}},
]


def test_a_line_of_a_file_is_explained_where_it_is_or_by_its_name_in_the_folder(tmp_path: Path) -> None:
    configure(tmp_path, NODES)
    (tmp_path / "here.log").write_text("info:a\nerror:b\n")
    ended = run(tmp_path, "--explain", "here.log:2")
    assert ended.status == EXIT_OK
    assert ended.out.decode() == (
        "here.log:2  start -> up -> loud | start -> end\n"
        "    start: [start] error:b\n"
        "        -> [error] b\n"
        "    up: [error] b\n"
        "        -> [error] B\n"
        "    loud: [error] B\n"
        "        -> (ends here)\n"
        "    end: [error] b\n"
        "        -> (ends here)\n"
    )
    drop(tmp_path, "there.log", b"info:a\n")
    assert run(tmp_path, "--watch", "--drain", "--no-dashboard").status == EXIT_OK
    for name in ("there.log:1", "processed/there.log:1"):
        value = json.loads(run(tmp_path, "--explain", name, "--json").out)
        assert [(step["node"], step["line"]) for step in value["steps"]] == [
            ("start", "info:a"),
            ("end", "a"),
        ]


def test_each_line_of_standard_input_is_explained(tmp_path: Path) -> None:
    configure(tmp_path, NODES)
    ended = run(tmp_path, "--explain", "-", given=b"info:a\ninfo:b\x1b\n")
    assert ended.status == EXIT_OK
    heads = [line for line in ended.out.decode().splitlines() if not line.startswith(" ")]
    assert heads == ["stdin:1  start -> end", "stdin:2  start -> end"]
    assert b"\x1b" not in ended.out


def test_what_cannot_be_explained_is_one_clear_line(tmp_path: Path) -> None:
    configure(tmp_path, NODES)
    (tmp_path / "here.log").write_text("info:a\n")
    for asked, status, words in (
        ("here.log", EXIT_USAGE, "must be FILE:LINE, such as app.log:812, or -"),
        ("here.log:0", EXIT_USAGE, "must be FILE:LINE"),
        ("here.log:2", EXIT_FILE_FAILED, "here.log has no line 2, only 1 line"),
        ("other.log:2", EXIT_FILE_FAILED, "other.log: no such file, here or in "),
    ):
        ended = run(tmp_path, "--explain", asked)
        assert (ended.status, len(ended.err.splitlines())) == (status, 1)
        assert words in ended.err
