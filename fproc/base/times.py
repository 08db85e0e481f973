"""Times as they are shown and written: RFC 3339 in UTC."""

from __future__ import annotations

import math
import time
from functools import lru_cache

_FIRST = -62135596800.0
_LAST = 253402300799.0
"""The first and the last second with a year of four digits. `datetime` is slow to import."""


def rfc3339(seconds: float) -> str:
    """Return a time in seconds since 1970 as `2026-11-22T10:00:00.000Z`; cut to the years 1 to 9999."""
    fraction, whole = math.modf(min(max(seconds, _FIRST), _LAST))
    microseconds = int(whole) * 1_000_000 + round(fraction * 1e6)
    second, rest = divmod(microseconds, 1_000_000)
    year, month, day, hour, minute, at, *_ = time.gmtime(second)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{at:02}.{rest // 1000:03}Z"


def utc_date(seconds: float) -> str:
    """Return the day of a time in seconds since 1970, as `2026-11-22`."""
    return _date_of(int(seconds // 86400))


@lru_cache(maxsize=64)
def _date_of(day: int) -> str:
    return rfc3339(day * 86400)[:10]
