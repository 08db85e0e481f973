"""Processors that do everything that one may do, and much that none should, depending on the line alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fproc

TAGS = ["a", "b", "c"]


def kind_of(line: str, salt: int) -> int:
    """A number that looks random, and is the same for the same line in every process."""
    return sum(ord(char) * (index + 3) for index, char in enumerate(line)) + 7 * salt + len(line)


class Text(str):
    """A line that is not exactly a `str`."""

    __slots__ = ()


class Leaving(BaseException):
    """What no handler of `Exception` stops."""


def odd(line: str, salt: int = 0, wild: int = 16) -> Any:  # noqa: C901, PLR0911, PLR0912 - a list of cases
    """Mostly a line, and one in about `wild` times something else."""
    number = kind_of(line, salt)
    if number % wild:
        return line if number % 3 == 0 else f"{line}{salt}"
    case = number // wild % 16
    if case == 0:
        return None
    if case == 1:
        return TAGS[number % 3], line + "."
    if case == 2:
        return [line, (TAGS[number % 3], "x" + line)]
    if case == 3:
        return line + "\n"
    if case == 4:
        return line + "\ud800"
    if case == 5:
        return line + "\u00e9\udc80"
    if case == 6:
        return Text(line)
    if case == 7:
        return len(line)
    if case == 8:
        raise ValueError("no such line")
    if case == 9:
        raise fproc.Reject("not this one")
    if case == 10:
        raise Leaving("all must end")
    if case == 11:
        return (TAGS[0], 1)
    if case == 12:
        return (1, line)
    if case == 13:
        return (line, line, line)
    if case == 14:
        return many(line, salt)
    return ("nowhere", line)


def pair(line: str, salt: int = 0, wild: int = 16) -> Any:
    """Mostly a (tag, line)."""
    number = kind_of(line, salt)
    return (TAGS[number % 3], line) if number % wild else odd(line, salt, 1)


def many(line: str, salt: int = 0, wild: int = 16) -> Iterator[Any]:
    """Several records, the last of which may be odd."""
    number = kind_of(line, salt)
    for index in range(number % 4):
        yield f"{line}{index}" if index % 2 else (TAGS[index % 3], line)
    if number % wild == 0:
        yield odd(line, salt, 1)


def listed(line: str, salt: int = 0, wild: int = 16) -> Any:
    """A list of lines, some with a tag of their own, the last of which may be odd; or one of them alone."""
    number = kind_of(line, salt)
    if number % 5 == 0:
        return odd(line, salt, wild)
    made = [*many(line, salt, wild)]
    return [item if salt % 2 or type(item) is not tuple else item[-1] for item in made]


def yielded(line: str, salt: int = 0, wild: int = 16) -> Iterator[Any]:
    """Lines; now and then it raises or yields something odd, and would go on after that."""
    number = kind_of(line, salt)
    for index in range(number % 4):
        yield f"{line}{index}"
        if number % wild == 0:
            yield odd(line, salt, 1)


def flowing(records: Iterator[tuple[str, str]], salt: int = 0, wild: int = 16) -> Iterator[Any]:
    """A stream that yields several records for a line, or none, or looks ahead; at last it may be odd."""
    yield TAGS[salt % 3], "begin"
    for count, (tag, line) in enumerate(records):
        number = kind_of(line, salt)
        if number % 7 == 3:
            tag, line = next(records, (TAGS[0], "nothing"))  # noqa: PLW2901 - it goes on with the next one
        yield from ((tag, line), line, f"{line}{count}", (TAGS[count % 3], line))[: number % 5]
        if number % wild == 0:
            case = number // wild % 8
            if case == 0:
                return
            yield (line + "\n", ("nowhere", line), None, line + "\ud800", [line], Text(line), ())[case - 1]
            yield line
    yield "end"


class Remembering:
    """What it gives depends on all lines before; at the end it gives what it has held back."""

    def __init__(self, salt: int = 0, wild: int = 16) -> None:
        self.salt = salt
        self.wild = wild
        self.count = 0
        self.held: list[str] = []

    def process(self, line: str) -> Any:
        self.count += 1
        if self.count % 5 == 0:
            self.held.append(line)
            return None
        return odd(f"{self.count}{line}", self.salt, self.wild)

    def finish(self) -> Iterator[Any]:
        for line in self.held:
            yield TAGS[len(line) % 3], line


class Listing(Remembering):
    """The same, as a generator."""

    def process(self, line: str) -> Iterator[Any]:
        yield super().process(line) or line
        if self.count % 3 == 0:
            yield TAGS[self.count % 2], line
        self.count += 1


class Pairing(Remembering):
    """The same, mostly with a tag."""

    def process(self, line: str) -> Any:
        given = super().process(line)
        return (TAGS[self.count % 3], given) if type(given) is str else given
