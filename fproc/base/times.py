"""Times as they are shown and written: RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache

_FIRST = datetime.min.replace(tzinfo=timezone.utc).timestamp()
_LAST = datetime.max.replace(tzinfo=timezone.utc).timestamp() - 1


def rfc3339(seconds: float) -> str:
    """Return a time in seconds since 1970 as `2026-11-22T10:00:00.000Z`; cut to the years 1 to 9999."""
    seconds = min(max(seconds, _FIRST), _LAST)
    text = datetime.fromtimestamp(seconds, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def utc_date(seconds: float) -> str:
    """Return the day of a time in seconds since 1970, as `2026-11-22`."""
    return _date_of(int(seconds // 86400))


@lru_cache(maxsize=64)
def _date_of(day: int) -> str:
    return rfc3339(day * 86400)[:10]
