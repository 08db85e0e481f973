"""What is found fast is what plain patterns find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.processors.editing.sensitive import (
    ADDRESS_PATTERN,
    KNOWN,
    TOKEN_PATTERN,
    Span,
    addresses,
    emails,
    is_harmless,
    is_luhn,
    tokens,
)

PIECES = st.sampled_from([
    *("al", "@", "example.com", "a.b", "'", ".", "-", " ", ":", "::", "é", "İ", "K", "_", "\t", "\udc80"),
    *("token=", "٣", "%"),
    *("10.0.0.1", "256.1.1.1", "1.2.3", "5.5.5.5", "2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4"),
    *("4111111111111111", "4111 1111 1111 1111", "3782 822463 10005", "4111-", "1", "17", "FR14", "x"),
    *("DE89 3704 0044 0532 0130 00", "gb82WEST12345698765432", "password", "pwd=", "Secret: ", "key", "="),
    *("bearer abcdefghij", "eyJhbGciOiJI.eyJz.c2ln", "AKIAIOSFODNN7EXAMPLE", "sk_live_abcdefghijk"),
    *(f"ghp_{'a' * 20}", "xoxb-abcdefghijk", f"sk-{'b' * 20}", f"AIza{'c' * 30}"),
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text("0123456789.: -abAF@'_", max_size=6), max_size=7).map("".join)

EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+(@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+)")
LEADING_MARKS = re.compile(r"[^\w!#$%&*+/?^~-]*")


def _addresses(text: str) -> Iterator[Span]:
    for match in ADDRESS_PATTERN.finditer(text):
        try:
            ip_address(".".join(str(int(part)) for part in match[0].split(".")) if match["v4"] else match[0])
        except ValueError:
            continue
        yield match.span()


@given(TEXTS)
def test_addresses_and_tokens_are_found_as_by_one_plain_pattern(text: str) -> None:
    assert [*addresses(text)] == [*_addresses(text)]
    found = [match.span(match.lastgroup or 0) for match in TOKEN_PATTERN.finditer(text)]
    assert [*tokens(text)] == found


@given(TEXTS)
def test_an_email_address_begins_where_its_characters_do_but_for_marks_in_front(text: str) -> None:
    found = []
    for match in EMAIL.finditer(text):
        marks = LEADING_MARKS.match(text, match.start())
        assert marks
        found.append((marks.end(), match.end()))
    assert [*emails(text)] == found


@given(TEXTS)
def test_nothing_is_found_in_a_harmless_word(text: str) -> None:
    if is_harmless(text):
        assert [[*find(text)] for find in KNOWN.values()] == [[]] * len(KNOWN)


@pytest.mark.parametrize("digits", ["0", "18", "59", "79927398713", "4111111111111111"])
def test_the_check_digit_by_luhn_is_the_one_that_completes_the_sum(digits: str) -> None:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    total = sum(number // 10 + number % 10 for number in doubled)
    assert is_luhn(digits) == (total % 10 == 0)
