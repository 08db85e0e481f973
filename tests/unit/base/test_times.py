"""Times as they are shown."""

from __future__ import annotations

import pytest

from fproc.base.times import rfc3339, utc_date


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (0.25, "1970-01-01T00:00:00.250Z"),
        (1795341600, "2026-11-22T10:00:00.000Z"),
        (1709208000.5, "2024-02-29T12:00:00.500Z"),
        (-1, "1969-12-31T23:59:59.000Z"),
    ],
)
def test_a_time_is_shown_as_rfc_3339_in_utc(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text
    assert utc_date(seconds) == text[:10]
