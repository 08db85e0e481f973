"""Files as people have them: with marks, in code pages, compressed, no text, with records of many lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import run

REWRITE = {
    "tag": "start",
    "type": "rewrite",
    "config": {
        "pattern": "^(?P<level>[A-Z]+): (?P<text>.*)$",
        "template": "[{level}] {text}",
        "otherwise": "reject",
    },
    "next": "end",
}
UPPERCASE = {"tag": "start", "type": "uppercase", "next": "end"}
ERRORS = [
    {"tag": "start", "type": "filter", "config": {"pattern": "ERROR"}, "next": "errors"},
    {"tag": "errors", "type": "write", "config": {"file": "{stem}.errors.log"}},
]
TWO = "ERROR: eins\r\nINFO: zwei\r\n"


def drained(folder: Path, dropped: dict[str, bytes], *nodes: Any, **config: Any) -> dict[str, bytes]:
    """Return the results, and the reasons of failed files, of a drain of these files."""
    (folder / "pipeline.json").write_text(json.dumps({"nodes": nodes, **config}))
    unprocessed = folder / "watch_dir" / "unprocessed"
    unprocessed.mkdir(parents=True)
    for name, data in dropped.items():
        (unprocessed / name).write_bytes(data)
    done = run(folder, "--watch", "--drain", "--no-dashboard")
    failed = {
        path.name.removesuffix(".error.json"): json.loads(path.read_text())["reason"].encode()
        for path in (folder / "watch_dir" / "failed").glob("*.error.json")
    }
    assert done.status == (1 if failed else 0), done.err
    results = (folder / "watch_dir" / "results").iterdir()
    return {**{path.name: path.read_bytes() for path in results if path.is_file()}, **failed}


def test_a_byte_order_mark_hides_the_first_line_from_no_pattern_and_no_rule(tmp_path: Path) -> None:
    files = {"app.log": ("\ufeff" + TWO).encode(), "iis.log": "\ufeff#Fields: a b\n1 2\n".encode()}
    nodes = [REWRITE, {"tag": "iis", "type": "drop_matching", "config": {"pattern": "^#"}, "next": "end"}]
    rules = [{"first_line": "^#Fields", "start": "iis"}]
    assert drained(tmp_path, files, *nodes, files=rules) == {
        "app.log": b"[ERROR] eins\n[INFO] zwei\n",
        "iis.log": b"1 2\n",
    }


def test_wide_text_is_read_or_named(tmp_path: Path) -> None:
    marked = "\ufeff" + TWO
    files = {
        "le.log": marked.encode("utf-16-le"),
        "be.log": marked.encode("utf-16-be"),
        "bare.log": TWO.encode("utf-16-le"),
    }
    result = b"[ERROR] eins\n[INFO] zwei\n"
    assert drained(tmp_path, files, REWRITE) == {
        "le.log": result,
        "be.log": result,
        "bare.log": b"is UTF-16 without a byte order mark (the encoding utf-16-le reads it), not text",
    }


def test_a_code_page_of_a_kind_of_files_is_decoded(tmp_path: Path) -> None:
    files = {"a.csv": "caf\u00e9 \u20ac\n".encode("cp1252"), "b.log": "caf\u00e9\n".encode()}
    rules = [{"match": "*.csv", "encoding": "cp1252"}]
    assert drained(tmp_path, files, UPPERCASE, files=rules) == {
        "a.csv": "CAF\u00c9 \u20ac\n".encode(),
        "b.log": "CAF\u00c9\n".encode(),
    }


def test_compressed_files_and_what_is_no_text_are_known_whatever_they_are_called(tmp_path: Path) -> None:
    files = {
        "noname": gzip.compress(b"one\n"),
        "x.gz.1": gzip.compress(b"two\n"),
        "plain.log.gz": b"three\n",
        "empty.log.gz": b"",
        "photo": b"\x89PNG\r\n\x1a\n\0\0",
    }
    found = drained(tmp_path, files, UPPERCASE)
    assert found == {
        "noname": b"ONE\n",
        "x.gz.1": b"TWO\n",
        "plain.log": b"THREE\n",
        "empty.log.gz": b"is not a whole gzip file: it does not begin as one",
        "photo": b"is a PNG image, not text",
    }


TRACES = "[1] INFO start\n[2] ERROR boom\n\tat a.B\n\tat c.D\nCaused by: x\n[3] INFO end\n"


@pytest.mark.parametrize("records", [{"starts": "^\\[\\d"}, {"continues": "^(\\t|Caused)"}])
def test_a_stack_trace_goes_where_its_error_goes(records: dict[str, str], tmp_path: Path) -> None:
    files = {"app.log": TRACES.encode()}
    assert drained(tmp_path, files, *ERRORS, input={"records": records}) == {
        "app.errors.log": b"[2] ERROR boom\n\tat a.B\n\tat c.D\nCaused by: x\n"
    }


def test_a_quoted_field_with_a_line_ending_stays_whole(tmp_path: Path) -> None:
    data = 'id,name\n1,"BOLT, M8"\n2,"PLATE 4"" STEEL"\n3,"two\nlines"\n'
    nodes = [{"tag": "start", "type": "filter", "config": {"pattern": "^[23],"}, "next": "end"}]
    rules = [{"match": "*.csv", "records": "csv"}]
    assert drained(tmp_path, {"stock.csv": data.encode()}, *nodes, files=rules) == {
        "stock.csv": b'2,"PLATE 4"" STEEL"\n3,"two\nlines"\n'
    }


def test_a_processor_may_put_lines_together(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text('def pair(line):\n    return f"[{line}]\\n more"\n')
    nodes = [{"tag": "start", "type": "own.pair", "next": "end"}]
    assert drained(tmp_path, {"x.log": b"a\nb\n"}, *nodes) == {"x.log": b"[a]\n more\n[b]\n more\n"}


def test_a_record_that_is_set_aside_is_named_by_its_first_line(tmp_path: Path) -> None:
    nodes = [{**REWRITE, "config": {**REWRITE["config"], "pattern": "^(?P<level>A): (?P<text>.*)$"}}]  # type: ignore[dict-item]
    data = b"A: fine\nB: bad\n more\nA: fine\n"
    assert drained(tmp_path, {"x.log": data}, *nodes, input={"records": {"starts": "^[AB]"}}) == {
        "x.log": b"[A] fine\n[A] fine\n"
    }
    (entry,) = map(json.loads, (tmp_path / "watch_dir/failed/x.log.rejected.jsonl").read_text().splitlines())
    assert (entry["line_no"], entry["byte_offset"], entry["line"]) == (2, 8, "B: bad\n more")


def test_examples_are_read_as_files_are(tmp_path: Path) -> None:
    example = {
        "input": TRACES.splitlines(),
        "expect": {"{stem}.errors.log": ["[2] ERROR boom\n\tat a.B\n\tat c.D\nCaused by: x"]},
    }
    config = {"nodes": ERRORS, "input": {"records": {"starts": "^\\["}}, "examples": [example]}
    (tmp_path / "pipeline.json").write_text(json.dumps(config))
    done = run(tmp_path, "--check")
    assert done.status == 0, done.err


WRONG = {
    "encoding": ({"encoding": "klingon"}, "$.input.encoding: is no encoding that Python knows: 'klingon'"),
    "codec": ({"encoding": "idna"}, "$.input.encoding: is no encoding"),
    "records": ({"records": "line"}, "$.input.records: must be"),
    "two": ({"records": {"starts": "a", "continues": "b"}}, "$.input.records: must say one thing"),
    "pattern": ({"records": {"starts": "("}}, "$.input.records.starts: "),
    "compression": ({"compression": "rar"}, "$.input.compression: must be"),
}


@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_word_of_the_configuration_is_named(
    given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": [UPPERCASE], "input": given}))
    done = run(tmp_path, "--check")
    assert done.status == 78
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_a_rule_that_needs_the_first_line_cannot_say_how_it_is_decoded(tmp_path: Path) -> None:
    rule = {"first_line": "^x", "encoding": "latin-1"}
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": [UPPERCASE], "files": [rule]}))
    done = run(tmp_path, "--check")
    assert done.status == 78
    assert "$.files[0].encoding: must be known before the first line is" in done.err
