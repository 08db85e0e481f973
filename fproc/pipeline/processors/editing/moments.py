"""Points in time as they are written: ISO 8601, and the calendar behind it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

NANOSECONDS = 1_000_000_000
"""Nanoseconds in a second: times are kept in these, because logs have up to nine digits of a second."""

FRACTION_DIGITS = 9
"""The most digits of a second that are kept."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(Z|z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)

_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?", re.ASCII)


def offset_of(text: str) -> timedelta | None:
    """Return the offset from UTC that `Z` or `+02:00` names, or None if the text names none."""
    if text in {"Z", "z", "UTC", "GMT"}:
        return timedelta(0)
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return -offset if match[1] == "-" else offset


def nanoseconds_of(moment: datetime, fraction: str = "") -> int:
    """Return a time with a zone, and a fraction of its second in digits, in nanoseconds since 1970."""
    since = moment - _EPOCH
    fraction_ns = int(fraction[:FRACTION_DIGITS].ljust(FRACTION_DIGITS, "0")) if fraction else 0
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1000 + fraction_ns


def iso_parts(text: str) -> tuple[datetime, str, timedelta | None] | None:
    """Return a time that is written as in ISO 8601: the time of day, digits of a second, and the offset.

    The offset is None where the text says none. What is no such time gives None.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups("")
    offset = offset_of(zone) if zone else None
    try:
        moment = datetime(*(int(part or 0) for part in (year, month, day, hour, minute, second)))  # type: ignore[arg-type]  # noqa: DTZ001 - the zone is the offset
    except ValueError:
        return None
    return (moment, fraction, offset)


@lru_cache(maxsize=4096)
def instant_of(text: str) -> int | None:
    """Return an ISO 8601 date or time in nanoseconds since 1970; one without a zone is taken as UTC."""
    parts = iso_parts(text)
    if parts is None:
        return None
    moment, fraction, offset = parts
    try:
        return nanoseconds_of(moment.replace(tzinfo=timezone(offset or timedelta(0))), fraction)
    except (OverflowError, ValueError):
        return None
