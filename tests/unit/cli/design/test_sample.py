"""Sample files: of each shape, what a program that reads it expects, and the same ones for one seed."""

from __future__ import annotations

import csv
import hashlib
import json
from decimal import Decimal
from pathlib import Path

import pytest

from fproc.cli.arguments.options import SAMPLE_SHAPES
from fproc.cli.design.sample import FEWEST_LINES, FIRST, SHAPES, write_samples
from tests.support.programs.running import run

KNOWN = {
    "logs": "93d1",
    "csv": "49b8",
    "jsonl": "4b3f",
    "batch": "393e",
}
"""How the SHA-256 of the second file of seed 7 begins: the same on every host, under every Python."""


def digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:4]


def test_the_shapes_that_the_command_line_knows_are_those_there_are() -> None:
    assert tuple(SHAPES) == SAMPLE_SHAPES


@pytest.mark.parametrize("shape", SHAPES)
def test_a_seed_gives_the_same_files_everywhere_and_another_seed_others(tmp_path: Path, shape: str) -> None:
    once = [digest(path) for path in write_samples(3, str(tmp_path), shape, "7")]
    again = [digest(path) for path in write_samples(3, str(tmp_path), shape, "7")]
    others = [digest(path) for path in write_samples(3, str(tmp_path), shape, "8")]
    assert once == again
    assert once[1] == KNOWN[shape]
    assert len({*once[1:], *others[1:]}) == 4


def test_the_first_log_is_the_sample_of_the_documents_for_every_seed(tmp_path: Path) -> None:
    (path,) = write_samples(1, str(tmp_path), seed="x")
    assert (Path(path).name, Path(path).read_text("utf-8")) == ("sample.txt", FIRST)


def test_sample_csv_reads_as_csv_with_fields_that_need_quotes(tmp_path: Path) -> None:
    (path,) = write_samples(1, str(tmp_path), "csv")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= FEWEST_LINES
    assert all(Decimal(row["price"]) > 0 and int(row["quantity"]) > 0 for row in rows)
    items = "".join(row["item"] for row in rows)
    assert {",", '"', "\n"} <= set(items)
    times = [row["ordered_at"] for row in rows]
    assert times == sorted(times)


def test_sample_json_lines_are_objects_with_a_nested_one(tmp_path: Path) -> None:
    (path,) = write_samples(1, str(tmp_path), "jsonl")
    events = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    assert len(events) >= FEWEST_LINES
    assert {type(event["request"]["ms"]) for event in events} == {float}


def test_the_trailer_of_a_sample_batch_has_number_and_sum_of_its_payments(tmp_path: Path) -> None:
    (path,) = write_samples(1, str(tmp_path), "batch")
    header, *payments, trailer = (line.split("|") for line in Path(path).read_text("utf-8").splitlines())
    assert header[:2] == ["H", "PAYMENTS"]
    assert {payment[0] for payment in payments} == {"D"}
    total = sum(Decimal(payment[3]) for payment in payments)
    assert trailer == ["T", f"{len(payments):06d}", str(total)]


def test_the_command_line_takes_shape_and_seed(tmp_path: Path) -> None:
    ended = run(tmp_path, "--sample", "2", "--output", "a", "--shape", "csv", "--seed", "7")
    assert (ended.status, ended.out) == (0, b"a/sample.csv\na/sample-2.csv\n")
    assert digest(str(tmp_path / "a/sample-2.csv")) == KNOWN["csv"]
    ended = run(tmp_path, "--sample", "2", "--output", "b", "--shape", "xml")
    assert (ended.status, (tmp_path / "b").exists()) == (2, False)
