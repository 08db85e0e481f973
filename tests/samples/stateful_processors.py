"""Processors that remember something from line to line, in every way that users may think of."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import fproc


class Grouped:
    """Holds lines back by their first character, lists in a dict, and gives the groups at the end."""

    def __init__(self, most: int = 3) -> None:
        self.most = most
        self.groups: dict[str, list[str]] = {}
        self.lengths: list[dict[str, int | None]] = []

    def process(self, line: str) -> Iterator[tuple[str, str]]:
        group = self.groups.setdefault(line[:1], [])
        group.append(line)
        self.lengths = [*self.lengths, {line: len(line) or None}][-self.most :]
        if len(group) == self.most:
            yield f"t{len(group)}", "|".join(self.groups.pop(line[:1]))

    def finish(self) -> Iterator[tuple[str, str]]:
        for first in sorted(self.groups):
            yield first, "|".join(self.groups[first])
        yield "lengths", repr(self.lengths).replace("\n", " ")


class Unique:
    """Drops what came before; what it remembers is a set, so it says itself how to keep that."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def process(self, line: str) -> str | None:
        if line in self.seen:
            return None
        self.seen.add(line)
        return line

    def snapshot(self) -> dict[str, Any]:
        return {"seen": sorted(self.seen)}

    def restore(self, value: dict[str, Any]) -> None:
        self.seen = set(value["seen"])


class Late:
    """Gets its attributes with the first line."""

    def process(self, line: str) -> str:
        before: str | None = getattr(self, "before", None)
        self.before = line
        self.ratio = getattr(self, "ratio", 0.1) * 1.1
        return f"{before} {line} {self.ratio!r}"


class EveryThird:
    """Rejects every third line that it sees, and fails at every fifth."""

    def __init__(self) -> None:
        self.number = 0

    def process(self, line: str) -> str:
        self.number += 1
        if self.number % 3 == 0:
            raise fproc.Reject(f"line {self.number} of its own counting")
        if self.number % 5 == 0:
            raise ValueError(f"cannot stand {line!r}")
        return line


class Dice:
    """Sends lines to random tags, the same ones each time."""

    def __init__(self, seed: int = 7) -> None:
        self.random = random.Random(seed)

    def process(self, line: str) -> Iterator[tuple[str, str]]:
        yield f"t{self.random.randrange(3)}", line

    def snapshot(self) -> dict[str, Any]:
        version, words, gauss = self.random.getstate()
        return {"version": version, "words": list(words), "gauss": gauss}

    def restore(self, value: dict[str, Any]) -> None:
        self.random.setstate((value["version"], tuple(value["words"]), value["gauss"]))


class Countered:
    """Remembers a `Counter`, which JSON does not give back."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def process(self, line: str) -> str:
        self.counts[line] += 1
        return f"{self.counts[line]} {line}"


class Huge:
    """Remembers a number that is too long for JSON."""

    def __init__(self) -> None:
        self.number = 10**5000

    def process(self, line: str) -> str:
        self.number += 1
        return f"{self.number % 1000} {line}"


class Unwilling:
    """Numbers its lines, and raises when it is to say how far it is, or to take that back."""

    def __init__(self, at: str, error: str = "ValueError") -> None:
        self.at = at
        self.error: type[BaseException] = {"ValueError": ValueError, "SystemExit": SystemExit}[error]
        self.number = 0

    def process(self, line: str) -> str:
        self.number += 1
        return f"{self.number} {line}"

    def snapshot(self) -> dict[str, Any]:
        if self.at == "snapshot":
            raise self.error("no words for it")
        return {"number": self.number}

    def restore(self, value: dict[str, Any]) -> None:
        self.number = value["number"]
        if self.at == "restore":
            raise self.error("what is this")
