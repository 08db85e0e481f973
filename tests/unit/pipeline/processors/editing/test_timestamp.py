"""A time is brought into another form, and what it does not say is told, never guessed."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.processors.base import Source
from fproc.pipeline.processors.editing.moments import zone_of
from tests.support.nodes import of_one, told


def converted(value: Any, *, day: str = "2026-11-22", **config: Any) -> Any:
    """What a field of a file that was written on this day becomes; why not, if it is rejected."""
    outcome = of_one(
        "timestamp",
        {"field": "t", "otherwise": "reject", **config},
        [json.dumps({"t": value})],
        source=Source("in.log", day),
    )
    return json.loads(outcome.lines[0])["t"] if outcome.lines else outcome.reasons[0]


@pytest.mark.parametrize(
    ("value", "formats", "zone", "expected"),
    [
        ("2026-11-22T10:00:00Z", "iso", None, "2026-11-22T10:00:00Z"),
        ("2026-11-22 10:00:00,123 +0130", "iso", None, "2026-11-22T08:30:00.123Z"),
        ("2026-11-22T10:00:00.123456789-02", "iso", None, "2026-11-22T12:00:00.123456789Z"),
        ("2026-11-22", "iso", "UTC", "2026-11-22T00:00:00Z"),
        ("2026-07-01T12:00:00", "iso", "Europe/Berlin", "2026-07-01T10:00:00Z"),
        ("2026-01-01T12:00:00", "iso", "Europe/Berlin", "2026-01-01T11:00:00Z"),
        ("2016-12-31T23:59:60.5Z", "iso", None, "2017-01-01T00:00:00.5Z"),
        (1795341600, "unix", None, "2026-11-22T10:00:00Z"),
        ("1795341600.5", "unix", None, "2026-11-22T10:00:00.5Z"),
        (1795341600123, "unix_ms", None, "2026-11-22T10:00:00.123Z"),
        (-1, "unix", None, "1969-12-31T23:59:59Z"),
        ("22/Nov/2026:10:00:00 +0000", "%d/%b/%Y:%H:%M:%S %z", None, "2026-11-22T10:00:00Z"),
        ("Sunday, November 22, 2026 9:05 pm", "%A, %B %d, %Y %I:%M %p", "UTC", "2026-11-22T21:05:00Z"),
        ("261122 100000", "%y%m%d %H%M%S", "UTC", "2026-11-22T10:00:00Z"),
        ("2026-326 12:00", "%Y-%j %H:%M", "UTC", "2026-11-22T12:00:00Z"),
        ("Sun Dec 04 04:47:44 2005", "%a %b %d %H:%M:%S %Y", "+01:00", "2005-12-04T03:47:44Z"),
        ("17/06/09 20:10:40.25", "%y/%m/%d %T.%f", "UTC", "2017-06-09T20:10:40.25Z"),
        ("2026-06-30T23:59:60", "%Y-%m-%dT%H:%M:%S", "UTC", "2026-07-01T00:00:00Z"),
        ("100%", "%s%%", None, "1970-01-01T00:01:40Z"),
    ],
)
def test_a_time_is_read_in_the_form_it_has(value: Any, formats: str, zone: str | None, expected: str) -> None:
    config = {"formats": formats} if zone is None else {"formats": formats, "zone": zone}
    assert converted(value, **config) == expected


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("unix", 1795341600),
        ("unix_ms", 1795341600250),
        ("unix_ns", 1795341600250000000),
        ("%d.%m.%Y %H:%M", "22.11.2026 10:00"),
    ],
)
def test_it_is_written_in_the_form_that_is_wanted(to: str, expected: Any) -> None:
    assert converted("2026-11-22T10:00:00.250Z", to=to) == expected


@pytest.mark.parametrize(
    ("day", "written", "year"),
    [
        ("2026-11-22", "Nov  1 10:00:00", 2026),
        ("2026-01-02", "Dec 31 23:59:59", 2025),
        ("2026-12-31", "Jan  1 00:00:00", 2027),
        ("2025-03-01", "Feb 29 00:00:00", 2024),
    ],
)
def test_a_time_without_a_year_is_the_nearest_to_that_of_its_file(day: str, written: str, year: int) -> None:
    assert converted(written, day=day, formats="%b %e %H:%M:%S", zone="UTC")[:4] == str(year)


def test_a_day_that_no_year_nearby_has_is_a_misfit() -> None:
    assert "is no time in" in converted("Feb 29", day="2026-06-01", formats="%b %e", zone="UTC")


def test_a_zone_is_never_guessed() -> None:
    assert converted("2026-11-22T10:00:00") == (
        "'2026-11-22T10:00:00' has no zone, and the option 'zone' does not say which it is in"
    )
    config = {"field": "t", "formats": "%Y-%m-%d"}
    assert "zone: '%Y-%m-%d' has no zone in it, so it has to be said" in told("timestamp", config)


def test_the_first_format_that_fits_counts() -> None:
    formats = ["%d/%m/%Y", "%m/%d/%Y"]
    found = [converted(text, formats=formats, zone="UTC")[:10] for text in ("02/01/2026", "01/25/2026")]
    assert found == ["2026-01-02", "2026-01-25"]


@pytest.mark.parametrize("value", ["now", "", "2026-13-01", "2026-11-22T25:00:00Z", {"a": 1}, None, True])
def test_what_is_no_time_is_a_misfit(value: Any) -> None:
    assert "is no time in 'iso'" in converted(value, zone="UTC")


@pytest.mark.parametrize("value", ["2026-11-22T10:00:00+99:00", "2026-11-22T10:00:61Z"])
def test_what_is_nearly_a_time_is_no_time_in_that_format_and_may_be_one_in_another(value: str) -> None:
    assert converted(value) == f"{value!r} is no time in 'iso'"
    assert converted(value, formats=["iso", "%Y-%m-%dT%H:%M:%S%z", "unix"]).endswith("or 'unix'")


def test_a_field_that_is_not_there_is_a_misfit() -> None:
    assert of_one("timestamp", {"field": "t", "otherwise": "reject"}, ["{}"]).reasons == ["has no field 't'"]


def test_a_column_of_a_line_is_changed_and_the_rest_stays() -> None:
    config = {"field": 2, "formats": "unix"}
    lines = ["a  0\tb  c", "a", " x 60 "]
    assert of_one("timestamp", config, lines).lines == [
        "a  1970-01-01T00:00:00Z\tb  c", "a", " x 1970-01-01T00:01:00Z "
    ]  # fmt: skip
    config = {**config, "separator": "||", "otherwise": "reject"}
    outcome = of_one("timestamp", config, ["a||0||b", "a||x", "a|0", "||0"])
    assert outcome.lines == ["a||1970-01-01T00:00:00Z||b", "||1970-01-01T00:00:00Z"]
    assert outcome.reasons == ["'x' is no time in 'unix'", "has no column 2"]


MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31))  # noqa: DTZ001 - a zone is added
FORMATS = st.sampled_from(
    ["%Y-%m-%dT%H:%M:%S", "%d/%b/%Y:%H:%M:%S", "%y%m%d %I:%M:%S %p", "%B %d %Y %T", "%s", "%Y/%j %R", "%c?"]
)


@given(moment=MOMENTS, form=FORMATS, offset=st.integers(-14 * 60, 14 * 60))
def test_what_python_writes_in_a_format_is_read_as_python_reads_it(
    moment: datetime, form: str, offset: int
) -> None:
    form = {"%c?": "%a %b %d %H:%M:%S %Y"}.get(form, form)
    local = moment.replace(tzinfo=timezone(timedelta(minutes=offset)), microsecond=0)
    if form == "%s":
        assert converted(str(int(local.timestamp())), formats=form, to="unix") == int(local.timestamp())
        return
    written = local.strftime(f"{form} %z")
    python_form = f"{form} %z".replace("%T", "%H:%M:%S").replace("%R", "%H:%M")
    expected = datetime.strptime(written, python_form)  # noqa: DTZ007 - it has one
    assert converted(written, formats=f"{form} %z", to="unix") == int(expected.timestamp())


@given(moment=MOMENTS, day=st.dates(date(1971, 1, 1), date(2068, 1, 1)))
def test_no_other_year_would_be_nearer(moment: datetime, day: date) -> None:
    written = f"{moment:%m-%d}"
    found = converted(written, day=day.isoformat(), formats="%m-%d", zone="UTC")
    if "is no time" in found:
        assert written == "02-29"
        return
    distance = abs(date.fromisoformat(found[:10]) - day)
    assert distance <= timedelta(days=366 if written != "02-29" else 800)
    for year in range(day.year - 1, day.year + 2):
        if written != "02-29":
            assert distance <= abs(date.fromisoformat(f"{year}-{written}") - day)


def test_what_cannot_be_meant_is_told() -> None:
    assert "formats: '%Q' has %Q, which is not known" in told("timestamp", {"field": "t", "formats": "%Q"})
    assert "formats: 'ISO' is no format" in told("timestamp", {"field": "t", "formats": "ISO", "zone": "UTC"})
    assert "formats: '%d%e' says a part of the time twice" in told(
        "timestamp", {"field": "t", "formats": "%d%e", "zone": "UTC"}
    )
    assert "zone: '+25:00' is further from UTC" in told("timestamp", {"field": "t", "zone": "+25:00"})
    assert "zone: 'Mars' is no zone" in told("timestamp", {"field": "t", "zone": "Mars"})
    assert "to: 'rfc' is no format" in told("timestamp", {"field": "t", "to": "rfc"})
    with pytest.raises(ValueError, match="is no zone"):
        zone_of("Europe")
