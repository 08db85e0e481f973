"""Traces as they are printed."""

from __future__ import annotations

import io

import pytest

from fproc.base.text import shown
from fproc.pipeline.failures import LineFailure
from fproc.telemetry.printer import Tracer


def test_a_trace_shows_the_route_and_what_each_node_was_given_and_made() -> None:
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open("sample.txt")
    tracer.begin(1, "ERROR: x")
    tracer.step("start", "start", "ERROR: x", [("error", "ERROR: x")], 1)
    tracer.step("format", "error", "ERROR: x", [("error", "[ERROR] x")], 2)
    tracer.step("output", "error", "[ERROR] x", [], 3)
    assert stream.getvalue() == ""
    tracer.close()
    assert stream.getvalue().splitlines()[:5] == [
        "sample.txt:1  start -> format -> output",
        "    start: [start] ERROR: x",
        "        -> [error] ERROR: x",
        "    format: [error] ERROR: x",
        "        -> [error] [ERROR] x",
    ]


def test_a_route_that_forks_is_shown_as_several() -> None:
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open("a.log")
    tracer.begin(7, "x")
    tracer.step("start", "start", "x", [("t", "x")], 1)
    tracer.step("a", "t", "x", [("t", "x")], 2)
    tracer.step("end", "t", "x", [], 3)
    tracer.step("b", "t", "x", [("t", "x")], 2)
    tracer.step("drop", "t", "x", [], 3)
    tracer.close()
    header = stream.getvalue().splitlines()[0]
    assert header == "a.log:7  start -> a -> end | start -> b -> drop"


def test_every_line_and_the_end_of_the_file_have_a_block_of_their_own() -> None:
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open("bad\x1bname")
    for line_no in (1, 2, None):
        tracer.begin(line_no, "")
        tracer.step("start", "start", "\x1b[2J", [], 1)
    tracer.close()
    headers = [line for line in stream.getvalue().splitlines() if not line.startswith(" ")]
    assert headers == ["bad\\x1bname:1  start", "bad\\x1bname:2  start", "bad\\x1bname:end  start"]
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain ünï 🚚", "plain ünï 🚚"),
        ('it\'s "quoted" \\', 'it\'s "quoted" \\'),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\0", "\\x00"),
        ("caf\udce9", "caf\\xe9"),
        ("a\x85b\u2028c", "a\\x85b\\u2028c"),
        ("\u202eevil", "\\u202eevil"),
        ("", ""),
    ],
)
def test_what_is_shown_cannot_harm_a_terminal(text: str, safe: str) -> None:
    assert shown(text) == safe


def test_no_control_character_of_the_data_reaches_a_terminal() -> None:
    hostile = "".join(map(chr, (*range(32), *range(127, 160)))) + "\u202e\u2028\udc9b"
    stream = io.StringIO()
    tracer = Tracer(stream)
    tracer.open(hostile)
    tracer.begin(1, hostile)
    tracer.step(hostile, hostile, hostile, [(hostile, hostile)], 1)
    tracer.lose(LineFailure("rejected", hostile, 1, 0, hostile, hostile, hostile, hostile), None)
    tracer.close()
    assert all(char.isprintable() for char in stream.getvalue().replace("\n", ""))
    assert stream.getvalue().count("\n") == 4
