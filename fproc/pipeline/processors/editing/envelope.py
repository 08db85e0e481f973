"""Checking a batch file by what its header and trailer say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fproc.base.errors import InputError
from fproc.pipeline.processors.base import Builtin, Maker, Option, Processor, Source, State, never, no_tags
from fproc.pipeline.processors.editing.values import (
    Field,
    Number,
    Read,
    added,
    digits_of,
    field_reader,
    number_of,
    restored_number,
    saved_number,
)
from fproc.pipeline.processors.objects import Misfit, decode
from fproc.pipeline.processors.text import SEPARATOR
from fproc.pipeline.records import Record

COUNT = "count"
"""The group of a pattern that says how many records there are."""


class Batch:
    """What is between a header and a trailer: how many records, and the sums of their fields.

    `told` is what the header has said of them, by the names of its groups.
    """

    def __init__(self, sums: Sequence[str]) -> None:
        self.is_open = self.was_there = False
        self.records = 0
        self.sums: dict[str, Number] = dict.fromkeys(sums, 0)
        self.told: dict[str, str] = {}

    def open(self, told: dict[str, str]) -> None:
        """Begin a batch."""
        self.is_open = self.was_there = True
        self.records, self.told = 0, told
        self.sums = dict.fromkeys(self.sums, 0)

    def state(self) -> State:
        """Return what saves and restores it."""
        return State(self._snapshot, self._restore)

    def _snapshot(self) -> dict[str, Any]:
        sums = {name: saved_number(value) for name, value in self.sums.items()}
        flags = [self.is_open, self.was_there]
        return {"flags": flags, "records": self.records, "sums": sums, "told": self.told}

    def _restore(self, value: Mapping[str, Any]) -> None:
        self.is_open, self.was_there = value["flags"]
        self.records, self.told = value["records"], value["told"]
        self.sums = {name: restored_number(saved) for name, saved in value["sums"].items()}


class Envelope:
    """A processor that checks batches, and passes their records on without header and trailer."""

    def __init__(
        self,
        header: re.Pattern[str] | None,
        trailer: re.Pattern[str] | None,
        reads: Mapping[str, tuple[Field, Read]],
        source: Source,
        *,
        counts_all: bool,
        keeps_all: bool,
    ) -> None:
        self.find_header = header.search if header else lambda _line: None
        self.find_trailer = trailer.search if trailer else lambda _line: None
        self.has_header, self.has_trailer = header is not None, trailer is not None
        self.reads = reads
        self.source = source
        self.extra = (self.has_header + self.has_trailer) if counts_all else 0
        self.keeps_all = keeps_all
        self.batch = Batch([*reads])

    def process(self, tag: str, line: str) -> Sequence[Record]:
        """Return the line if it is a record of a batch.

        Raises:
            InputError: the batch is not what its header or trailer says, or the line is outside of one.
        """
        batch = self.batch
        trailer = self.find_trailer(line)
        if trailer is not None:
            if not batch.is_open and self.has_header:
                raise self._broken("a trailer without a header before it")
            self._compare("header", batch.told)
            self._compare("trailer", trailer.groupdict(""))
            batch.open({})
            batch.is_open = False
            return ((tag, line),) if self.keeps_all else ()
        header = self.find_header(line)
        if header is not None:
            self._end_batch("a header before the trailer of the one before")
            batch.open(header.groupdict(""))
            return ((tag, line),) if self.keeps_all else ()
        return self._record(tag, line)

    def finish(self) -> Iterator[Record]:
        """Check that the last batch is complete."""
        self._end_batch("the file ends without a trailer")
        if not self.batch.was_there:
            raise self._broken(f"the file has no {'header' if self.has_header else 'trailer'}")
        yield from ()

    def _end_batch(self, why: str) -> None:
        if self.batch.is_open:
            if self.has_trailer:
                raise self._broken(why)
            self._compare("header", self.batch.told)

    def _record(self, tag: str, line: str) -> Sequence[Record]:
        batch = self.batch
        if not batch.is_open:
            if not line.strip():
                return ((tag, line),) if self.keeps_all else ()
            if self.has_header:
                raise self._broken("a record before the header")
            batch.is_open = True
        batch.records += 1
        for name, (field, read) in self.reads.items():
            number = number_of(self._value(field, read, line))
            if number is None:
                raise self._broken(f"{_called(field)} is no number, so there is no sum {name!r}")
            batch.sums[name] = added(batch.sums[name], number)
        return ((tag, line),)

    def _value(self, field: Field, read: Read, line: str) -> Any:
        try:
            return read(decode(line) if isinstance(field, str) else line)
        except Misfit as why:
            raise self._broken(f"a record {why}") from None

    def _compare(self, what: str, told: Mapping[str, str]) -> None:
        for name, text in told.items():
            number, actual = number_of(text.strip()), self._actual(name)
            if number != actual:
                noun = "records" if name == COUNT else f"{name!r}"
                verb = "there are" if name == COUNT else "they sum up to"
                raise self._broken(f"the {what} says {text.strip()} {noun}, {verb} {digits_of(actual)}")

    def _actual(self, name: str) -> Number:
        return self.batch.records + self.extra if name == COUNT else self.batch.sums[name]

    def _broken(self, why: str) -> InputError:
        line_no = self.source.position.line_no()
        return InputError(why if line_no is None else f"line {line_no}: {why}")


def _called(field: Field) -> str:
    return f"the field {field!r}" if isinstance(field, str) else f"column {field}"


def _envelope(
    *,
    header: re.Pattern[str] | None,
    trailer: re.Pattern[str] | None,
    sums: Mapping[str, Field] | None,
    separator: str,
    counts: str,
    keep: bool,
) -> Maker:
    reads = {name: (field, field_reader(field, separator)) for name, field in (sums or {}).items()}

    def make(source: Source, _output: object) -> Processor:
        envelope = Envelope(header, trailer, reads, source, counts_all=counts == "lines", keeps_all=keep)
        return Processor(envelope.process, envelope.finish, state=envelope.batch.state())

    return make


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    patterns = {option: values[option] for option in ("header", "trailer") if values[option]}
    if not patterns:
        yield "trailer", "there is neither a header nor a trailer", "give a pattern for one of them"
    sums = values["sums"] or {}
    groups = {name for pattern in patterns.values() for name in pattern.groupindex}
    for option, pattern in patterns.items():
        for name in pattern.groupindex:
            if name != COUNT and name not in sums:
                hint = f"call it {COUNT}, name its field in 'sums', or make it a group without a name"
                yield option, f"nothing says what the group {name!r} is", hint
    for name in sums:
        if name not in groups:
            yield "sums", f"neither header nor trailer has a group {name!r}", "name one with (?P<name>...)"


ENVELOPE = Builtin(
    "Checks the records of a batch by its header and its trailer, whose totals have to be right.",
    _envelope,
    (
        {
            "header": "^H,",
            "trailer": "^T,(?P<count>\\d+),(?P<total>[\\d.]+)$",
            "sums": {"total": 2},
            "separator": ",",
        },
        ["H,2026-11-22", "a,1.50", "b,2.25", "T,2,3.75"],
        ["a,1.50", "b,2.25"],
    ),
    {
        "header": Option("pattern", "what the first line of a batch matches"),
        "trailer": Option("pattern", "what its last line matches"),
        "sums": Option(
            "sums",
            "named groups of these patterns, and the field (a column from 1, or a key) whose sum each has to "
            "be; the group `count` is the number of records",
        ),
        "separator": SEPARATOR,
        "counts": Option(
            "choice:records,lines",
            "whether `count` is of `records`, or also of header and trailer (`lines`)",
            default="records",
        ),
        "keep": Option("flag", "let header and trailer pass, too", default=False),
    },
    reads_tag=never,
    passes_line=True,
    gives_tags=no_tags,
    check=_check,
)
