"""Tables, pairs, objects and logs are what Python's csv, Miller, jq and awk take them for, on any input."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fproc.config.input_format import Records
from fproc.pipeline.interpreter import ErrorPolicy
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import Passing
from fproc.run.reading.framing import read_records
from tests.support.helpers import SOURCE, Memory, plan_of, stop

MILLER, JQ, AWK = (shutil.which(name) or "" for name in ("mlr", "jq", "awk"))

needs_miller = pytest.mark.skipif(not MILLER, reason="there is no Miller here")
needs_awk = pytest.mark.skipif(not AWK, reason="there is no awk here")
needs_jq = pytest.mark.skipif(not JQ, reason="there is no jq here")

CELL = st.text(st.sampled_from("ab1,;\"' \n\té=\\"), max_size=5)
NAMES = st.lists(st.sampled_from(["a", "b c", "é", "x,y", "a"]), min_size=2, max_size=4)

few = settings(max_examples=15, deadline=None)
"""Each example starts another program."""


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header and rows of one width; no row is the header again."""
    names = draw(NAMES)
    row = st.lists(CELL, min_size=len(names), max_size=len(names)).filter(lambda cells: cells != names)
    return [names, *draw(st.lists(row, min_size=1, max_size=5))]


def made(node: dict[str, Any], data: bytes, *, records: Records = "lines") -> tuple[list[str], list[str]]:
    """The lines that a node makes of an input, and why it rejects others."""
    plan = plan_of([{"tag": "start", "next": "end", **node}])
    rejected: list[str] = []
    output = taken(plan, data, records, lambda error: rejected.append(error.failure.reason))
    return output.results.get("in.log", []), rejected


def taken(plan: Plan, data: bytes, records: Records, on_error: ErrorPolicy = stop) -> Memory:
    """All that a plan makes of an input."""
    output = Memory()
    run = plan.run(SOURCE, output, entry="start", on_error=on_error)
    for piece in read_records(records, io.BytesIO(data).read, max_line_bytes=1 << 20):
        assert not isinstance(piece, Passing)
        run.feed(piece)
    run.finish()
    run.close()
    return output


def objects(lines: list[str]) -> list[list[tuple[str, Any]]]:
    """Objects with the order of their keys."""
    return [json.loads(line, object_pairs_hook=list) for line in lines]


def told_by(program: str, *arguments: str, data: bytes) -> list[str]:
    done = subprocess.run([program, *arguments], input=data, capture_output=True, check=True)
    return done.stdout.decode().splitlines()


def written(table: list[list[str]], ending: str, **options: Any) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=ending, **options).writerows(table)
    return file.getvalue().encode()


STOCK = b"""id,name,qty,price\r
1,"BOLT, M8",10,"1,200.50"\r
2,"PLATE 4"" STEEL",5,30\r
3,"two\r
lines",1,7\r
"""


def test_a_stock_list_with_quotes_in_it_loses_nothing() -> None:
    plan = plan_of([
        {"tag": "start", "type": "parse_csv", "next": "row"},
        {"tag": "row", "type": "format", "config": {"template": "{name};{price}"}, "next": "end"},
    ])  # fmt: skip
    output = taken(plan, STOCK, "csv")
    assert output.results == {"in.log": ["BOLT, M8;1,200.50", 'PLATE 4" STEEL;30', "two\nlines;7"]}


def parse_csv(data: bytes, **config: Any) -> list[list[tuple[str, Any]]]:
    lines, rejected = made({"type": "parse_csv", "config": config}, data, records="csv")
    assert rejected == []
    return objects(lines)


@given(
    tables(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_a_table_is_what_the_standard_library_reads(
    table: list[list[str]], ending: str, quoting: int, mark: bytes
) -> None:
    table = [[name * (index + 1) for index, name in enumerate(table[0])], *table[1:]]  # no name comes twice
    data = mark + written(table, ending, quoting=quoting)
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert parse_csv(data) == [list(zip(rows[0], row, strict=True)) for row in rows[1:] if row != rows[0]]


@needs_miller
@few
@given(tables(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([",", ";", "\t"]))
def test_a_table_is_what_miller_reads(table: list[list[str]], ending: str, separator: str) -> None:
    data = written(table, ending, delimiter=separator)
    told = told_by(MILLER, "--icsv", "--ojsonl", "-S", "--ifs", separator, "cat", data=data)
    assert parse_csv(data, separator=separator) == objects(told)


@needs_miller
@few
@given(st.lists(st.dictionaries(st.text("abc-", min_size=1), st.text("xy1= ."), min_size=1), min_size=1))
def test_pairs_are_what_miller_reads(records: list[dict[str, str]]) -> None:
    data = "".join(",".join(f"{key}={value}" for key, value in record.items()) + "\n" for record in records)
    lines, rejected = made({"type": "parse_kv", "config": {"separator": ","}}, data.encode())
    assert rejected == []
    assert objects(lines) == objects(told_by(MILLER, "--ojsonl", "-S", "cat", data=data.encode()))


@needs_miller
@few
@given(tables())
def test_csv_that_is_written_is_read_by_miller(table: list[list[str]]) -> None:
    names = [name * (index + 1) for index, name in enumerate(table[0])]
    records = [dict(zip(names, row, strict=True)) for row in table[1:]]
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    lines, rejected = made({"type": "format", "config": {"to": "csv"}}, data)
    assert rejected == []
    text = "".join(line + "\n" for line in lines).encode()
    assert objects(told_by(MILLER, "--icsv", "--ojsonl", "-S", "cat", data=text)) == objects(
        data.decode().splitlines()
    )


def object_text(values: list[str]) -> str:
    """An object of values that are written already."""
    return "{" + ", ".join(f'"k{number}": {value}' for number, value in enumerate(values)) + "}"


NUMBERS = st.sampled_from(["0", "-1", "1.5", "1e3", "1.50", "123456789012", "-0.25"])
VALUES = st.recursive(
    NUMBERS | st.sampled_from(["null", "true", r'"é\n\u00e9\ud83d\ude00"', '""', '"a b"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]")
        | st.lists(inner, max_size=3).map(object_text)
    ),
    max_leaves=6,
)


@needs_jq
@few
@given(st.lists(st.lists(VALUES, max_size=4), max_size=8))
def test_objects_are_what_jq_reads(rows: list[list[str]]) -> None:
    """jq 1.6 rounds numbers and writes them its own way, so they are compared by value."""
    lines = [object_text(row) for row in rows]
    data = "\n\n".join(lines).encode()
    parsed, rejected = made({"type": "parse_json"}, data)
    assert rejected == []
    assert objects(parsed) == objects(told_by(JQ, "-c", ".", data=data))


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["10.0.0.1", "10.0.0.2", "::1"]),
        st.sampled_from(["GET / HTTP/1.1", "POST /a?b=c HTTP/1.0", "-"]),
        st.sampled_from(["200", "304", "404"]),
        st.integers(0, 10**12),
    ),
    min_size=1,
    max_size=20,
)


@needs_awk
@few
@given(REQUESTS, st.sampled_from(["status", "host"]))
def test_totals_of_an_access_log_are_those_of_awk(
    requests: list[tuple[str, str, str, int]], key: str
) -> None:
    lines = [
        f'{host} - - [1/Oct/2025:13:55:36 +0200] "{request}" {status} {size} "-" "curl/8.5 (x)"'
        for host, request, status, size in requests
    ]
    data = "".join(line + "\n" for line in lines).encode()
    script = """{ split($1, from, " "); split($3, at, " "); key = by == "host" ? from[1] : at[1]
             n[key]++; size[key] += at[2] }
           END { for (key in n) printf "%s %d %.0f\\n", key, n[key], size[key] }"""
    told = sorted(told_by(AWK, "-F", '"', "-v", f"by={key}", script, data=data))
    parse = {"tag": "start", "type": "parse_log", "config": {"format": "combined"}, "next": "total"}
    config = {"field": key, "sum": "bytes", "template": "{key} {count} {sum}"}
    plan = plan_of([parse, {"tag": "total", "type": "tally", "config": config, "next": "end"}])
    assert taken(plan, data, "lines").results["in.log"] == told


TRACE = b"""[1] INFO start
[2] ERROR boom
\tat a.B.c(B.java:1)
\tat a.D.e(D.java:2)
Caused by: x
[3] INFO end
"""


def test_an_error_keeps_the_lines_of_its_stack_trace() -> None:
    rules = {"error": r"^\[\d.* ERROR ", "other": r"^\[\d"}
    plan = plan_of([
        {"tag": "start", "type": "tag", "config": {"rules": rules}, "next": {"error": "errors", "*": "end"}},
        {"tag": "errors", "type": "write", "config": {"file": "{stem}.errors.log"}},
    ])  # fmt: skip
    output = taken(plan, TRACE, {"starts": r"^\[\d"})
    first, *error, last = TRACE.decode().splitlines()
    assert output.results == {"in.errors.log": ["\n".join(error)], "in.log": [first, last]}
