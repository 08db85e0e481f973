"""The files of the plain Python loops, opened so that any bytes come out as they went in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TextIO, cast

TAGS = {"INFO": "info", "WARN": "warn", "ERROR": "error"}
OTHER = "other"


@contextmanager
def opened(folder: str, path: str) -> Iterator[tuple[TextIO, dict[str, TextIO]]]:
    """Yield the input's lines, and a result for each tag."""
    with ExitStack() as stack:

        def enter(path: str, mode: str) -> TextIO:
            return cast(
                TextIO,
                stack.enter_context(
                    open(path, mode, encoding="utf-8", errors="surrogateescape", newline="\n")
                ),
            )

        lines = enter(path, "r")
        yield lines, {tag: enter(f"{folder}/{tag}.log", "w") for tag in (*TAGS.values(), OTHER)}


def tell(counts: Mapping[str, int]) -> None:
    """Print the counts of the levels to standard error."""
    for tag, count in counts.items():
        print(tag, count, file=sys.stderr)
