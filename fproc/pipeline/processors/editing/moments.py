"""Points in time as they are written and read: ISO 8601, numbers since 1970, formats of `strptime`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

NANOSECONDS = 1_000_000_000
"""Nanoseconds in a second: times are kept in these, because logs have up to nine digits of a second."""

FRACTION_DIGITS = 9
"""The most digits of a second that are kept."""

LEAP_SECOND = "60"
"""What a leap second is called; it is taken for the first one of the next minute."""

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
    is_leap = second == LEAP_SECOND
    if is_leap:
        second = "59"
    try:
        moment = datetime(*(int(part or 0) for part in (year, month, day, hour, minute, second)))  # type: ignore[arg-type]  # noqa: DTZ001 - the zone is the offset
        if is_leap:
            moment += timedelta(seconds=1)
    except (ValueError, OverflowError):
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


def zone_of(text: str) -> tzinfo:
    """Return a zone: `UTC`, an offset such as `+02:00`, or a name such as `Europe/Berlin`.

    Raises:
        ValueError: there is none of that name.
    """
    offset = offset_of(text)
    if offset is not None:
        try:
            return timezone(offset)
        except ValueError:
            raise ValueError(f"{text!r} is further from UTC than any zone") from None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - slow to import, and most zones are offsets

    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # a folder of zones is an OSError
        raise ValueError(f"{text!r} is no zone that this host knows (its package tzdata has them)") from error


class Instant(NamedTuple):
    """A point in time, in nanoseconds since 1970, and how many digits of its second were written."""

    nanoseconds: int
    digits: int


ReadTime = Callable[[str], "Instant | None"]
"""Return the time that a text is, or None; raises `NoZoneError` where it could be one of several."""


class NoZoneError(ValueError):
    """A time is written without a zone, and none is given."""


class Calendar(NamedTuple):
    """What a time that is not whole is completed with: a zone, and a day near which it is."""

    zone: tzinfo | None
    near: date

    def instant(self, moment: datetime, fraction: str, offset: timedelta | None) -> Instant:
        """Return a time of day in its zone, or in this one if it has none.

        Raises:
            NoZoneError: neither is there.
        """
        zone = self.zone if offset is None else timezone(offset)
        if zone is None:
            raise NoZoneError("has no zone, and the option 'zone' does not say which it is in")
        digits = min(len(fraction), FRACTION_DIGITS)
        return Instant(nanoseconds_of(moment.replace(tzinfo=zone), fraction), digits)

    def year_of(self, month: int, day: int) -> int:
        """Return the year in which a day is nearest.

        Raises:
            ValueError: no such day is near.
        """
        days = [_day(self.near.year + step, month, day) for step in (0, -1, 1)]
        nearest = min((each for each in days if each), key=lambda each: abs(each - self.near), default=None)
        if nearest is None:
            raise ValueError("no year near has such a day")
        return nearest.year


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


UNITS = {"unix": 0, "unix_ms": 3, "unix_us": 6, "unix_ns": 9}
"""Formats that are a number since 1970: how many digits of a second it has."""

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)

_MONTH_NUMBERS = {
    "sept": 9,
    **{name[:3]: number for number, name in enumerate(_MONTHS, 1)},
    **{name: number for number, name in enumerate(_MONTHS, 1)},
}

_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "e": r" ?(?P<d>\d{1,2})",
    "j": r"(?P<j>\d{1,3})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})",
    "b": r"(?P<b>[A-Za-z]{3,9})\.?",
    "B": r"(?P<b>[A-Za-z]{3,9})",
    "a": r"[A-Za-z]{2,9}\.?",
    "A": r"[A-Za-z]{2,9}",
    "z": r"(?P<z>Z|[+-]\d\d:?\d\d)",
    "Z": r"(?P<z>UTC|GMT|Z)",
    "s": r"(?P<s>-?\d{1,11})",
    "%": "%",
}
"""What stands for each directive of `strptime`."""

_WHOLE = {"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d", "D": "%m/%d/%y", "h": "%b"}
"""Directives that stand for several."""

_CENTURY = 69
"""The years from here on are of the last century, as in POSIX."""


def format_pattern(text: str) -> re.Pattern[str]:
    """Return a pattern for times that are written as a format of `strptime` says.

    Raises:
        ValueError: it has a directive that is not known, or one twice.
    """
    expanded = re.sub("%([TRFDh])", lambda match: _WHOLE[match[1]], text)
    pieces = []
    for literal, directive in re.findall(r"([^%]+)|%(.?)", expanded, re.DOTALL):
        if literal:
            pieces.append(re.sub(r"(\\ |\s)+", r"\\s+", re.escape(literal)))
        elif directive in _DIRECTIVES:
            pieces.append(_DIRECTIVES[directive])
        else:
            raise ValueError(f"has %{directive}, which is not known; known are {' '.join(_DIRECTIVES)}")
    try:
        return re.compile("".join(pieces), re.ASCII)
    except re.error:
        raise ValueError("says a part of the time twice") from None


def has_zone(text: str) -> bool:
    """Return whether what is written in a format says its zone, or may say it."""
    return text == "iso" or text in UNITS or any(f"%{directive}" in text for directive in "zZs")


def time_reader(text: str, calendar: Calendar) -> ReadTime:
    """Return a call that reads times in a format: `iso`, one of `UNITS`, or as `strptime` has them."""
    if text == "iso":
        return lambda written: _read_iso(written, calendar)
    if text in UNITS:
        return lambda written: _read_number(written, UNITS[text])
    match = format_pattern(text).fullmatch

    def read(written: str) -> Instant | None:
        parts = match(written)
        if parts is None:
            return None
        try:
            return _assembled(parts.groupdict(), calendar)
        except NoZoneError:
            raise
        except (ValueError, OverflowError):
            return None

    return read


def _read_iso(written: str, calendar: Calendar) -> Instant | None:
    parts = iso_parts(written)
    try:
        return None if parts is None else calendar.instant(*parts)
    except NoZoneError:
        raise
    except (OverflowError, ValueError):  # no zone is that far from UTC
        return None


_SINCE = re.compile(r"(-?)(\d{1,19})(?:\.(\d{1,9}))?", re.ASCII)


def _read_number(written: str, unit_digits: int) -> Instant | None:
    match = _SINCE.fullmatch(written)
    if match is None:
        return None
    fraction = match[3] or ""
    digits = min(FRACTION_DIGITS, unit_digits + len(fraction))
    whole = int((match[2] + fraction)[: len(match[2]) + digits - unit_digits])
    nanoseconds = whole * 10 ** (FRACTION_DIGITS - digits)
    return Instant(-nanoseconds if match[1] else nanoseconds, digits)


def _assembled(parts: dict[str, str | None], calendar: Calendar) -> Instant:
    """Return the time that the named parts of a text are. Raises `ValueError` if there is none."""
    fraction = parts.get("f") or ""
    since = parts.get("s")
    if since is not None:
        digits = min(len(fraction), FRACTION_DIGITS)
        return Instant(
            int(since) * NANOSECONDS + int(fraction.ljust(FRACTION_DIGITS, "0")[:FRACTION_DIGITS] or 0),
            digits,
        )
    day = _day_of(parts, calendar)
    second = parts.get("S")
    is_leap = second == LEAP_SECOND
    hour, minute = _hour_of(parts), int(parts.get("M") or 0)
    moment = datetime.combine(day, time(hour, minute, 59 if is_leap else int(second or 0)))
    zone = parts.get("z")
    instant = calendar.instant(moment, fraction, None if zone is None else offset_of(zone))
    return instant._replace(nanoseconds=instant.nanoseconds + NANOSECONDS) if is_leap else instant


def _day_of(parts: dict[str, str | None], calendar: Calendar) -> date:
    year = _year_of(parts)
    if parts.get("j"):
        first = date(calendar.near.year if year is None else year, 1, 1)
        return first + timedelta(days=int(parts["j"] or 0) - 1)
    name = parts.get("b")
    month = int(parts.get("m") or 0) if name is None else _MONTH_NUMBERS.get(name.lower(), 13)
    number = parts.get("d")
    if not month and number is None and year is None:
        return calendar.near
    day = int(number or 1)
    month = month or 1
    return date(calendar.year_of(month, day) if year is None else year, month, day)


def _year_of(parts: dict[str, str | None]) -> int | None:
    short = parts.get("y")
    if short is not None:
        return int(short) + (1900 if int(short) >= _CENTURY else 2000)
    year = parts.get("Y")
    return None if year is None else int(year)


def _hour_of(parts: dict[str, str | None]) -> int:
    half = parts.get("I")
    if half is None:
        return int(parts.get("H") or 0)
    hour = int(half) % 12
    return hour + 12 if (parts.get("p") or "am").lower() == "pm" else hour


def time_writer(text: str) -> Callable[[Instant], str | int]:
    """Return a call that writes times in UTC: `iso`, a number in one of `UNITS`, or as `strftime` does."""
    if text in UNITS:
        divisor = 10 ** (FRACTION_DIGITS - UNITS[text])
        return lambda instant: instant.nanoseconds // divisor
    if text == "iso":
        return _written_iso
    return lambda instant: _moment(instant).strftime(text)


def _moment(instant: Instant) -> datetime:
    seconds, rest = divmod(instant.nanoseconds, NANOSECONDS)
    return _EPOCH + timedelta(seconds=seconds, microseconds=rest // 1000)


def _written_iso(instant: Instant) -> str:
    text = _moment(instant).isoformat()[:19]
    if not instant.digits:
        return f"{text}Z"
    return f"{text}.{str(instant.nanoseconds % NANOSECONDS).zfill(FRACTION_DIGITS)[: instant.digits]}Z"
