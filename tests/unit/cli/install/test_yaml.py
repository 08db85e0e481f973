"""YAML that is written means what it was made of."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from fproc.cli.install.yaml import to_yaml

HARD = [
    "yes",
    "No",
    "null",
    "1e3",
    "- a",
    "a: b",
    "# a",
    "a\nb\n",
    " a\nb\n",
    "a\n\nb\n",
    "'",
    "~",
    "0o7",
    "1:30",
]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(HARD)
SCALARS = TEXTS | st.integers() | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_reads_as_it_was(value: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(value) or "{}") == value


def test_it_reads_like_what_people_write() -> None:
    value = {"a": [{"b": "c", "d": ["e", 1]}, "x y"], "f": True, "text": "one\ntwo", "none": []}
    assert to_yaml(value).splitlines() == [
        "a:",
        "  - b: c",
        "    d:",
        "      - e",
        "      - 1",
        '  - "x y"',
        "f: true",
        'text: "one\\U0000000atwo"',
        "none: []",
    ]
