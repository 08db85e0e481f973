"""Positions in lists, as clients give them back: those from an answer, and all others."""

from __future__ import annotations

import base64

import pytest

from tests.support.rooms import Room


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("state", ["", "processed", "failed", "unprocessed", "underprocess"])
@pytest.mark.parametrize(
    "position",
    [
        "Infinity",
        "-Infinity",
        "NaN",
        "1e999",
        "9" * 300,
        "-1",
        "true",
        '[Infinity, "x"]',
        '["1", "x"]',
        f'[{"9" * 300}, "x"]',
        "[" * 100_000,
    ],
)
def test_a_cursor_that_no_answer_gave_is_refused(room: Room, state: str, position: str) -> None:
    with pytest.raises(ValueError, match="after must be as the answer before gave it"):
        room.listing.files(state=state, query="", limit=5, after=cursor_of(f'["{state}", {position}]'))
