"""Times as they are shown."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(
    st.one_of(
        st.floats(-62135596800.0, 253402300799.0),
        st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000),
        st.sampled_from([1.9999995, 0.9999994, 0.9999996, -0.0000004, -0.5, 1e300, -1e300, -62135596800.0]),
    )
)
def test_it_is_what_the_standard_library_says(seconds: float) -> None:
    within = min(max(seconds, -62135596800.0), 253402300799.0)
    theirs = datetime.fromtimestamp(within, tz=timezone.utc).isoformat(timespec="milliseconds")
    assert rfc3339(seconds) == theirs.replace("+00:00", "Z")
