"""Processors as users write them: one of each kind, right and wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fproc
from fproc.pipeline.tracing import timing


def shout(line: str, mark: str = "!") -> str:
    return line.upper() + mark


def takes(line: str, seconds: float) -> str:
    """Sets the clock of a test forward."""
    vars(timing)["perf_counter"].seconds += seconds
    return line


def only_even(line: str) -> str | None:
    return line if len(line) % 2 == 0 else None


def twice(line: str) -> Iterator[str]:
    yield line
    yield line


def by_length(line: str, classes: int = 3) -> Iterator[tuple[str, str]]:
    yield f"t{len(line) % classes}", line


def sometimes_tagged(line: str) -> str | tuple[str, str]:
    tag, found, rest = line.partition(":")
    return (tag, rest) if found else line


def halves(line: str) -> Iterator[str | tuple[str, str]]:
    middle = len(line) // 2
    yield "left", line[:middle]
    yield line[middle:]


def countdown(line: str) -> Iterator[tuple[str, str]]:
    """A cycle's node: `3x` goes round three times, losing one each time."""
    number = int(line[0])
    yield ("again", f"{number - 1}{line[1:]}") if number else ("done", line)


class Numbered:
    """Puts the line's number before it."""

    def __init__(self, start: int = 1) -> None:
        self.number = start

    def process(self, line: str) -> str:
        self.number += 1
        return f"{self.number - 1} {line}"


class LastOnes:
    """Holds lines back and gives the last few at the end."""

    def __init__(self, keep: int = 2) -> None:
        self.keep = keep
        self.held: list[str] = []

    def process(self, line: str) -> None:
        self.held = [*self.held, line][-self.keep :]

    def finish(self) -> Iterator[str]:
        yield from self.held


class Summed:
    """Yields while it processes, and a tagged total at the end."""

    def __init__(self) -> None:
        self.total = 0

    def process(self, line: str) -> Iterator[tuple[str, str]]:
        self.total += len(line)
        yield "line", line

    def finish(self) -> Iterator[tuple[str, str]]:
        yield "sum", str(self.total)


def pairs(records: Iterator[tuple[str, str]], joint: str = "+") -> Iterator[tuple[str, str]]:
    """A stream: every two lines together; an odd one at the end alone."""
    for tag, line in records:
        other = next(records, None)
        yield tag, line if other is None else line + joint + other[1]


def numbered_stream(records: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield "head", "begin"
    count = 0
    for tag, line in records:
        count += 1
        yield tag, f"{count}:{line}"
    yield "tail", f"end after {count}"


def first_two(records: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """A stream that returns before its records have ended."""
    for _ in range(2):
        yield next(records)


def stubborn_stream(records: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    while True:
        try:
            yield next(records)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 - what such a user would write
            continue


def failing_stream(records: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for tag, line in records:
        if line == "bad":
            raise ValueError("a bad line")
        yield tag, line


def long_tail(records: Iterator[tuple[str, str]], length: int = 5000) -> Iterator[tuple[str, str]]:
    for _ in records:
        pass
    for number in range(length):
        yield "tail", str(number)


def fail_on_bad(line: str) -> str:
    if "bad" in line:
        raise ValueError(f"cannot digest {line!r}")
    return line


def leave(_line: str) -> str:
    raise SystemExit("gone")


def retry(_line: str) -> str:
    raise fproc.Retry("the database is away")


def reject_bad_and_b(line: str) -> str:
    if line == "bad":
        raise fproc.Reject("not good")
    if line == "b":
        raise fproc.Reject("not good either")
    return line


def reject_all(line: str) -> str:
    raise ValueError(f"refused {line!r}")


def reject_bad(line: str) -> str:
    if "bad" in line:
        raise fproc.Reject("no such account")
    return line


def gives_number(_line: str) -> Any:
    return 7


def yields_triple(line: str) -> Iterator[Any]:
    yield "a", line, "c"


def yields_line_ending(line: str) -> str:
    return line + "\n"


def makes_lone_surrogate(line: str) -> str:
    return line + "\ud800"


class NoProcess:
    """A class that is no processor."""


class FailsToStart:
    """Raises when a file begins."""

    def __init__(self) -> None:
        raise RuntimeError("no licence")

    def process(self, line: str) -> str:
        return line


class FailsToFinish:
    """Raises when a file ends."""

    def process(self, line: str) -> str:
        return line

    def finish(self) -> Iterator[str]:
        yield "almost"
        raise RuntimeError("no end")


class FinishesWithNone:
    """Yields nothing that can be a line, in the middle of finishing."""

    def process(self, line: str) -> str:
        return line

    def finish(self) -> Iterator[Any]:
        yield "almost"
        yield None
        yield "lost?"


not_callable = 5


class Stateless:
    """Says that it remembers nothing."""

    stateless = True

    def process(self, line: str) -> str:
        return line
