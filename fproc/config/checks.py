"""Checks of single keys that `base.schema` has no general one for."""

from __future__ import annotations

import re
from typing import Any

from fproc.base.errors import Problem
from fproc.base.schema import TEXT, Check, Problems, any_of, has_shape, number, text
from fproc.config.patterns import MarkerPattern

YEAR_SECONDS = 86400 * 365

check_seconds = number(least=0, most=YEAR_SECONDS)
"""A time that may be none."""

check_time_limit = number(least=0, above=True, most=YEAR_SECONDS)
"""A time after which something is done."""

check_interval = number(least=0, above=True, most=86400)
"""A time after which something is done again and again."""

check_days = number(least=0, above=True, most=36500)
"""For how long something is kept."""

check_megabytes = number(least=0, above=True, most=10**9)
"""A size."""


def at_least_one(most: int | None = None) -> Check:
    """Return a check for a whole number from 1."""
    return number(least=1, whole=True) if most is None else number(least=1, most=most, whole=True)


@has_shape(lambda: any_of({"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": 256}))
def check_workers(value: Any, path: str, problems: Problems) -> Any:
    """Check a number of processes, or `auto`."""
    return value if value == "auto" else at_least_one(256)(value, path, problems)


@has_shape(
    lambda: any_of(
        {"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,6})?%$"}
    )
)
def check_max_rejected(value: Any, path: str, problems: Problems) -> Any:
    """Check a number of lines, or a share of them in percent."""
    if not isinstance(value, str):
        return number(least=0, whole=True)(value, path, problems)
    share = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", value, re.ASCII)
    if share is None or float(share[1]) > 100:  # noqa: PLR2004 - all of it
        problems.append(Problem(path, "must be a number of lines or a share of them", 'such as 100 or "5%"'))
    return value


@has_shape(lambda: {"type": "string", "pattern": "^0?[67][0-7]{2}$"})
def check_mode(value: Any, path: str, problems: Problems) -> Any:
    """Check the mode of a file, in octal digits, with which its owner can read and write it."""
    mode = text()(value, path, problems)
    if mode is None:
        return None
    if not re.fullmatch(r"0?[67][0-7]{2}", mode, re.ASCII):
        what = f"must be the mode of a file that its owner can read and write, not {mode!r}"
        problems.append(Problem(path, what, 'such as "0640"'))
    return mode


@has_shape(lambda: TEXT)
def check_host(value: Any, path: str, problems: Problems) -> Any:
    """Check an address or a name, without a port."""
    host = text()(value, path, problems)
    if host is not None and ("/" in host or host != host.strip() or host.count(":") == 1):
        problems.append(Problem(path, "must be an address or a name alone", "the port has its own key"))
    return host


@has_shape(lambda: TEXT)
def check_marker(value: Any, path: str, problems: Problems) -> Any:
    """Check a pattern for the names of markers."""
    marker = text()(value, path, problems)
    if marker is None:
        return None
    if "/" in marker:
        problems.append(Problem(path, "must be the end of a file name, without '/'"))
        return marker
    try:
        MarkerPattern.of(marker)
    except ValueError as why:
        problems.append(Problem(path, str(why), 'such as ".done", "{name}.done" or "{stem}.ok"'))
    return marker
