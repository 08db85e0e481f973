"""CSV: cells and their quotes, headers, and rows that do not fit their header."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import Reject
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.objects import Misfit
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.processors.parsers.cells import cell_joiner, cell_splitter, quoted_cells
from fproc.pipeline.processors.parsers.csv_table import CsvParser, column_names
from tests.support.helpers import SOURCE, Memory

CELLS = st.text(st.sampled_from('ab",;\n\r\té\udcff '), max_size=6)
ROWS = st.lists(CELLS, min_size=1, max_size=5)


def written(rows: list[list[str]], **options: Any) -> str:
    """Rows as the standard library writes them."""
    file = io.StringIO(newline="")
    csv.writer(file, **options).writerows(rows)
    return file.getvalue()


@given(ROWS, st.sampled_from([",", ";", "\t", " ", "a"]))
def test_the_cells_of_a_line_are_those_that_the_standard_library_reads(
    row: list[str], separator: str
) -> None:
    line = written([row], delimiter=separator, lineterminator="")
    assert cell_splitter(separator, '"')(line) == row
    assert quoted_cells(line, separator, '"') == row


@given(st.text(st.sampled_from('ab",;\n\r'), max_size=12))
def test_any_line_has_the_same_cells_whichever_way_they_are_split(line: str) -> None:
    def outcome(split: Any) -> Any:
        try:
            return split(line)
        except Misfit as why:
            return str(why)

    assert outcome(cell_splitter(",", '"')) == outcome(lambda line: quoted_cells(line, ",", '"'))


@given(ROWS, st.sampled_from([",", ";;", "a"]), st.sampled_from(['"', "'"]))
def test_cells_that_were_joined_are_split_again(row: list[str], separator: str, quote: str) -> None:
    assert cell_splitter(separator, quote)(cell_joiner(separator, quote)(row)) == row


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('a,"b', "the quote that opens column 2 is never closed; a record of several lines needs"),
        ('a,"b\nc', "the quote that opens column 2 is never closed$"),
        ('"a"b,c', "column 1 goes on behind the quote that closes it"),
        ('x,"a" ,c', "column 2 goes on behind the quote that closes it"),
    ],
)
def test_wrong_quotes_are_a_misfit_with_the_column(line: str, why: str) -> None:
    with pytest.raises(Misfit, match=why):
        cell_splitter(",", '"')(line)


def test_a_cell_may_be_longer_than_the_standard_library_reads() -> None:
    assert cell_splitter(",", '"')(f'"{"x" * 200_000}",b') == ["x" * 200_000, "b"]


def test_names_come_from_the_first_line_that_is_not_blank() -> None:
    parser = CsvParser(",", '"', None)
    lines = ["", "  ", '\ufeff"name",price', 'bolt,"1,5"', "", "name,price", "nut,2"]
    assert [record for line in lines if (record := parser.parse(line))] == [
        {"name": "bolt", "price": "1,5"},
        {"name": "nut", "price": "2"},
    ]


def test_names_of_the_options_are_dropped_where_the_file_has_them_too() -> None:
    parser = CsvParser(";", '"', ["a", "b"])
    assert [parser.parse(line) for line in ["a;b", "1;2", "a;b"]] == [None, {"a": "1", "b": "2"}, None]


def test_a_name_that_comes_twice_gets_a_number_and_one_that_is_empty_is_its_number() -> None:
    assert column_names(["a", "", "a", "a_2", "a"]) == ["a", "2", "a_2", "a_2_2", "a_3"]


def test_too_few_and_too_many_columns_are_misfits_with_the_column() -> None:
    parser = CsvParser(",", '"', ["name", "price", "stock"])
    with pytest.raises(Misfit, match=r"^has 1 column, the header has 3: 'price' is missing$"):
        parser.parse("bolt")
    with pytest.raises(Misfit, match=r"^has 4 columns, the header has 3: column 4 has no name$"):
        parser.parse("bolt,1,2,3")


def test_the_header_goes_on_in_the_next_part_of_a_file() -> None:
    first, second = CsvParser(",", '"', None), CsvParser(",", '"', None)
    assert first.state().snapshot() is None
    second.state().restore(None)
    first.parse('"a,b",c')
    second.state().restore(json.loads(json.dumps(first.state().snapshot())))
    assert second.parse("1,2") == {"a,b": "1", "c": "2"}
    assert second.parse('"a,b",c') is None


def test_by_default_a_row_that_does_not_fit_is_rejected() -> None:
    values, _ = check_options("parse_csv", BUILTINS["parse_csv"], {"header": ["a", "b"]}, "$")
    processor = BUILTINS["parse_csv"].make(**values)(SOURCE, Memory())
    with pytest.raises(Reject, match="'b' is missing"):
        processor.process("start", "1")


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("header", False, "must be true or a list of names"),
        ("header", [], "must be true or a list of names"),
        ("header", ["a", ""], "must be true or a list of names"),
        ("header", ["a", "a"], "must not have a name twice"),
        ("quote", "''", "must be one character, not \"''\""),
        ("quote", "\n", "has a line ending in it"),
        ("quote", ",", "',' stands in the separator, too"),
        ("separator", "|\r", "has a line ending in it"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any, what: str) -> None:
    _, problems = check_options("parse_csv", BUILTINS["parse_csv"], {option: value}, "$")
    assert [(problem.path, problem.what) for problem in problems] == [(f"$.{option}", what)]
