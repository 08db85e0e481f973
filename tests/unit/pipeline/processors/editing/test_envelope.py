"""A batch whose header or trailer does not agree with its records fails its file, with both figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import FprocError, InputError
from tests.support.nodes import of_one, told

CONFIG: dict[str, Any] = {
    "header": "^H",
    "trailer": "^T (?P<count>\\d+) (?P<total>\\S+)",
    "sums": {"total": 2},
}
WHOLE = ["H", "a 1.50", "b 2.25", "T 2 3.75"]


def passed(*lines: str, **config: Any) -> list[str]:
    outcome = of_one("envelope", {**CONFIG, **config}, lines)
    assert outcome.reasons == []
    return outcome.lines


def failure(*lines: str, **config: Any) -> str:
    """Why a file fails as a whole, whatever is done about single lines."""
    with pytest.raises(FprocError) as caught:
        of_one("envelope", {**CONFIG, **config}, lines)
    return str(caught.value)


def test_the_records_of_a_right_batch_pass_without_header_and_trailer() -> None:
    assert passed(*WHOLE) == ["a 1.50", "b 2.25"]
    assert passed(*WHOLE, keep=True) == WHOLE
    assert passed(*WHOLE, "", *WHOLE, " ") == ["a 1.50", "b 2.25"] * 2
    assert passed("H", "T 0 0") == []


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["H", "a 1.50", "T 2 1.50"], "line 3: the trailer says 2 records, there are 1"),
        (["H", "a 1.50", "b 2", "T 2 3.51"], "line 4: the trailer says 3.51 'total', they sum up to 3.50"),
        (["H", "a x", "T 1 0"], "line 2: column 2 is no number, so there is no sum 'total'"),
        (["H", "a", "T 1 0"], "line 2: column 2 is no number, so there is no sum 'total'"),
        (["a 1", "H", "T 1 1"], "line 1: a record before the header"),
        ([*WHOLE, "c 1"], "line 5: a record before the header"),
        (["T 0 0"], "line 1: a trailer without a header before it"),
        (["H", "a 1", "H", "T 0 0"], "line 3: a header before the trailer of the one before"),
        (["H", "a 1"], "the file ends without a trailer"),
        ([], "the file has no header"),
        ([""], "the file has no header"),
    ],
)  # fmt: skip
def test_a_batch_that_is_not_right_fails_the_file(lines: list[str], why: str) -> None:
    assert failure(*lines).endswith(why)


def test_a_wrong_total_concerns_no_single_line() -> None:
    with pytest.raises(InputError):
        of_one("envelope", CONFIG, ["H", "T 1 0"])


def test_a_header_alone_can_say_it_all() -> None:
    config = {"header": "^H (?P<count>\\d+)", "trailer": "^T$", "sums": {}}
    assert passed("H 1", "a", "T", **config) == ["a"]
    assert failure("H 2", "a", "T", **config) == "line 3: the header says 2 records, there are 1"
    only_header = {"header": "^H (?P<count>\\d+)", "sums": {}}
    lines = ["H 1", "a", "H 2", "b", "c"]
    assert of_one("envelope", only_header, lines).lines == ["a", "b", "c"]
    with pytest.raises(FprocError, match="the header says 2 records, there are 1"):
        of_one("envelope", only_header, lines[:-1])


def test_a_trailer_alone_can_say_it_all() -> None:
    config = {"trailer": "^T (?P<count>\\d+)", "counts": "lines"}
    assert of_one("envelope", config, ["a", "b", "T 3", "T 1"]).lines == ["a", "b"]
    with pytest.raises(FprocError, match="the trailer says 3 records, there are 2"):
        of_one("envelope", config, ["a", "T 3"])


def test_records_may_be_objects() -> None:
    config = {**CONFIG, "sums": {"total": "a.b"}}
    assert passed("H", '{"a":{"b":1.50}}', "T 1 1.5", **config) == ['{"a":{"b":1.50}}']
    assert failure("H", "text", "T 1 1.5", **config).startswith("line 2: a record is not JSON")


AMOUNTS = st.lists(st.decimals(-1000, 1000, places=2), max_size=8)


@given(amounts=AMOUNTS, off=st.decimals(-1, 1, places=2))
def test_sums_are_exact(amounts: list[Decimal], off: Decimal) -> None:
    total = sum(amounts, Decimal(0))
    lines = ["H", *(f"r {amount}" for amount in amounts)]
    assert passed(*lines, f"T {len(amounts)} {total}") == lines[1:]
    if off:
        assert "they sum up to" in failure(*lines, f"T {len(amounts)} {total + off}")


def test_what_says_nothing_is_told() -> None:
    assert "trailer: there is neither a header nor a trailer" in told("envelope", {})
    assert "trailer: nothing says what the group 'n' is; call it count" in told(
        "envelope", {"trailer": "(?P<n>.)"}
    )
    assert "sums: neither header nor trailer has a group 'x'" in told(
        "envelope", {"trailer": "(?P<count>.)", "sums": {"x": 1}}
    )
