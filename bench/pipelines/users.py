"""Processors as a user would write them: those of w1u.json and w1s.json, and of the loops that rival them."""

from __future__ import annotations

_TAGS = {"INFO": "info", "WARN": "warn", "ERROR": "error"}


def level(line: str) -> tuple[str, str]:
    """Return the line, tagged by its second field."""
    return _TAGS.get(line.split(" ", 2)[1], "other"), line


def quiet(line: str) -> str | None:
    """Return the line, or None if it is about a health check."""
    return None if "healthz" in line else line


def format(line: str) -> str:  # noqa: A001 - a user's name, in a user's module
    """Turn `TIME LEVEL SERVICE REST` into `[LEVEL] SERVICE: REST`."""
    _, name, service, rest = line.split(" ", 3)
    return f"[{name}] {service}: {rest}"


class Errors:
    """Adds to each formatted line how many errors its service has had so far."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def process(self, line: str) -> str:
        """Return the line with the count appended."""
        name, service, _ = line.split(" ", 2)
        count = self.counts.get(service, 0)
        if name == "[ERROR]":
            count += 1
            self.counts[service] = count
        return f"{line} errors={count}"
