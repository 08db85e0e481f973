"""Picking some of the lines, by their number or by what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fproc.base.ids import sha256
from fproc.pipeline.processors.base import Builtin, Maker, Option, Processor, never, no_tags, same_fields
from fproc.pipeline.processors.state import of_attributes
from fproc.pipeline.records import Record

_FRACTIONS = 2**64


class Head:
    """A processor that passes the first lines."""

    def __init__(self, lines: int) -> None:
        self.left = lines

    def process(self, tag: str, line: str) -> Sequence[Record]:
        """Return the line if it is one of the first."""
        if not self.left:
            return ()
        self.left -= 1
        return ((tag, line),)


class EveryNth:
    """A processor that passes the first line and then every Nth."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.waiting = 0

    def process(self, tag: str, line: str) -> Sequence[Record]:
        """Return the line if its turn has come."""
        if self.waiting:
            self.waiting -= 1
            return ()
        self.waiting = self.every - 1
        return ((tag, line),)


def _head(*, lines: int) -> Maker:
    def make(_source: object, _output: object) -> Processor:
        head = Head(lines)
        return Processor(head.process, state=of_attributes(head, ["left"]))

    return make


def _sample(*, every: int | None, share: float | None) -> Maker:
    if share is not None:
        return _by_digest(share)

    def make(_source: object, _output: object) -> Processor:
        nth = EveryNth(every or 1)
        return Processor(nth.process, state=of_attributes(nth, ["waiting"]))

    return make


def _by_digest(share: float) -> Maker:
    """Return the maker of a processor that passes a share of all lines, the same ones in each run."""
    limit = int(share * _FRACTIONS)

    def process(tag: str, line: str) -> Sequence[Record]:
        digest = sha256(line.encode("utf-8", "surrogatepass")).digest()
        return ((tag, line),) if int.from_bytes(digest[:8], "big") < limit else ()

    processor = Processor(process)
    return lambda _source, _output: processor


def _check(values: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    if (values["every"] is None) == (values["share"] is None):
        return [("every", "either 'every' or 'share' says which lines pass", "give one of them")]
    return []


HEAD = Builtin(
    "Passes the first lines, and drops all others.",
    _head,
    ({"lines": 2}, ["a", "b", "c"], ["a", "b"]),
    {"lines": Option("count", "how many lines pass", required=True)},
    reads_tag=never,
    passes_line=True,
    gives_tags=no_tags,
    fields_after=same_fields,
)

SAMPLE = Builtin(
    "Passes some of the lines: every Nth, or a share that is the same in each run.",
    _sample,
    ({"every": 2}, ["a", "b", "c", "d", "e"], ["a", "c", "e"]),
    {
        "every": Option("count", "the first line passes, and then every Nth"),
        "share": Option(
            "share",
            "the share of all lines, from 0 to 1, that passes; a digest of the line decides, so equal lines "
            "go the same way",
        ),
    },
    reads_tag=never,
    passes_line=True,
    remembers=lambda values: values["every"] is not None,
    gives_tags=no_tags,
    check=_check,
    fields_after=same_fields,
)
