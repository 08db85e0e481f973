"""What had better not stand in a result is hidden, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.processors.editing.sensitive import is_luhn
from tests.support.nodes import of_one, told


def masked(line: str, **config: Any) -> str:
    (new,) = of_one("mask", config, [line]).lines
    return new


def removed(line: str, *what: str) -> str:
    return masked(line, what=list(what), **{"with": "remove"})


@pytest.mark.parametrize(
    ("line", "what", "left"),
    [
        ("from al@example.com to 'bob.b+x@mail.example.org'.", "emails", "from  to ''."),
        ("mail:<a_b@x-y.io>, not @home or a@b", "emails", "mail:<>, not @home or a@b"),
        ("4111111111111111 and 4111111111111112", "cards", " and 4111111111111112"),
        ("3782 822463 10005, 5555-5555-5555-4444", "cards", ", "),
        ("12 4111 1111 1111 1111 99", "cards", "12  99"),
        ("4111 1111 1111 1111 5555 5555 5555 4444", "cards", " "),
        ("v1.4111111111111111, id_4111111111111111, 41111111111111110", "cards",
         "v1.4111111111111111, id_4111111111111111, 41111111111111110"),
        ("at 1700000000006 1700000000000000003", "cards", "at 1700000000006 1700000000000000003"),
        ("DE89 3704 0044 0532 0130 00 EUR, gb82WEST12345698765432", "ibans", " EUR, "),
        ("DE88 3704 0044 0532 0130 00 and FR1420041010050500013M02606", "ibans",
         "DE88 3704 0044 0532 0130 00 and "),
        ("10.0.0.1:80 (256.1.1.1, 1.2.3.4.5) 2001:db8::1", "addresses", ":80 (256.1.1.1, 1.2.3.4.5) "),
        ("10:00:01 ::1 fe80::1%eth0 ::ffff:10.0.0.1 a::b::c", "addresses", "10:00:01  %eth0  a::b::c"),
        ("password=hunter2&user=al token: a api_key='k1'", "tokens", "password=&user=al token:  api_key=''"),
        ('password="two words", pwd: \'a b\' {"secret":"a \\" b","n":1}', "tokens",
         'password="", pwd: \'\' {"secret":"","n":1}'),
        ('password="not closed', "tokens", 'password=" closed'),
        ("Authorization: Bearer abcDEF123.x-y", "tokens", "Authorization: Bearer "),
        ("jwt eyJhbGciOiJI.eyJzdWIi.c2ln end AKIAIOSFODNN7EXAMPLE", "tokens", "jwt  end "),
        ("tokenizer: fast, passwords are long, bypass=1", "tokens",
         "tokenizer: fast, passwords are long, bypass=1"),
    ],
)  # fmt: skip
def test_what_is_looked_for_is_hidden_and_its_surroundings_stay(line: str, what: str, left: str) -> None:
    assert removed(line, what) == left


def test_stars_stand_for_characters_and_the_last_ones_may_stay() -> None:
    assert masked("4111 1111 1111 1111", what="cards", keep_last=4) == "**** **** **** 1111"
    assert masked("al@example.com", what="emails") == "*" * 14
    assert masked("al@example.com", what="emails", keep_last=99) == "*" * 14


def test_a_hash_is_the_same_for_the_same_and_only_with_the_same_secret() -> None:
    config = {"what": "cards", "with": "hash", "secret": "one"}
    spaced, plain = masked("4111 1111 1111 1111", **config), masked("4111111111111111", **config)
    assert spaced == plain
    assert len(plain) == 16
    assert masked("4111111111111111", **{**config, "secret": "two"}) != plain
    assert masked("4111111111111111", keep_last=4, **config) == f"{plain}1111"


def test_a_pattern_hides_its_group_and_nothing_else() -> None:
    assert masked("user=alice id=7", pattern="user=(\\w+)") == "user=***** id=7"
    assert masked("a1 a2", pattern="a\\d", **{"with": "remove"}) == " "
    assert masked("al@example.com 7", pattern="\\d") == "al@example.com *"
    assert masked("al@example.com 7", pattern="\\d", what="emails") == "************** *"


def test_an_object_stays_one_and_its_values_are_masked() -> None:
    line = '{"card": 4111111111111111, "to": ["al\\u0040example.com", 5], "password": "x y", "n": 1.50}'
    assert json.loads(masked(line)) == {"card": "*" * 16, "to": ["*" * 14, 5], "password": "***", "n": 1.5}
    assert '"n":1.50' in masked(line)
    assert masked('{"n": 1.50}') == '{"n": 1.50}'
    assert masked("{no object al@example.com") == "{no object **************"


def test_only_the_fields_that_are_named_are_looked_into() -> None:
    line = '{"a": {"b": "al@example.com", "c": 1}, "d": "al@example.com"}'
    found = json.loads(masked(line, fields=["a.b", "none"]))
    assert found == {"a": {"b": "*" * 14, "c": 1}, "d": "al@example.com"}


def test_a_field_is_asked_of_objects_only() -> None:
    config = {"fields": ["a"], "otherwise": "reject"}
    assert of_one("mask", config, ["text"]).reasons[0].startswith("is not JSON")


def check_digit(digits: str) -> str:
    return next(digit for digit in "0123456789" if is_luhn(digits + digit))


@given(st.from_regex("[2-9][0-9]{13,17}", fullmatch=True))
def test_a_number_is_a_card_just_if_its_last_digit_is_right(digits: str) -> None:
    right = check_digit(digits)
    lines = [f"no {digits}{last} x" for last in "0123456789"]
    lines_out = of_one("mask", {"what": ["cards"], "with": "remove"}, lines).lines
    assert lines_out == ["no  x" if line == f"no {digits}{right} x" else line for line in lines]


def account(country: str, rest: str) -> str:
    """An account with the check digits that are right (ISO 7064)."""
    remainder = int("".join(str(int(character, 36)) for character in f"{rest}{country}00")) % 97
    return f"{country}{98 - remainder:02}{rest}"


@given(st.from_regex("[0-9]{18}", fullmatch=True), st.integers(1, 96), st.booleans())
def test_an_account_is_one_just_if_its_check_digits_are_right(rest: str, off: int, grouped: bool) -> None:  # noqa: FBT001
    right = account("DE", rest)
    wrong = f"DE{(int(right[2:4]) + off) % 97:02}{rest}"
    lines, is_right = [], []
    for number in (right, wrong):
        is_right.append(int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1)
        shown = " ".join(number[index : index + 4] for index in range(0, 22, 4)) if grouped else number
        lines.append(f"to {shown}.")
    lines_out = of_one("mask", {"what": ["ibans"], "with": "remove"}, lines).lines
    assert [line == "to ." for line in lines_out] == is_right


@given(st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs", "Nd"]), max_size=30))
def test_text_with_nothing_to_hide_stays_as_it_is(text: str) -> None:
    assert masked(text, what=["cards", "ibans"]) == text


def test_what_cannot_be_done_is_told() -> None:
    assert "secret: 'hash' needs a secret" in told("mask", {"with": "hash"})
    assert "secret: nothing is hashed" in told("mask", {"secret": "s"})
    assert "did you mean 'emails'?" in told("mask", {"what": ["email"]})
    assert "with: must be one of stars, hash, remove" in told("mask", {"with": 5})
