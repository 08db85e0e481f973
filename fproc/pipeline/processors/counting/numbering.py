"""Joining and numbering lines. Each is a class in the shape that users write theirs in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fproc.pipeline.processors.base import Builtin, Maker, Option, Processor, Source
from fproc.pipeline.processors.options.templates import Template
from fproc.pipeline.processors.state import of_attributes
from fproc.pipeline.records import Record


class Join:
    """A processor that joins every N lines; the first line's tag is the tag of them all."""

    def __init__(self, lines: int, separator: str) -> None:
        self.wanted = lines
        self.separator = separator
        self.tag = ""
        self.held: list[str] = []

    def process(self, tag: str, line: str) -> Sequence[Record]:
        """Return the joined line with every Nth one."""
        if not self.held:
            self.tag = tag
        self.held.append(line)
        return list(self.finish()) if len(self.held) == self.wanted else ()

    def finish(self) -> Iterator[Record]:
        """Yield what is held, if anything is."""
        if self.held:
            joined = self.separator.join(self.held)
            self.held.clear()
            yield self.tag, joined


class Number:
    """A processor that puts its number before each line."""

    def __init__(self, template: Template, source: Source) -> None:
        self.fill = template.fill
        self.places = template.places(source)
        self.number = 0

    def process(self, tag: str, line: str) -> Sequence[Record]:
        """Return the line with its number."""
        self.number += 1
        return ((tag, self.fill(number=self.number, line=line, **self.places())),)


class Total:
    """A processor that swallows all lines and emits how many they were."""

    def __init__(self, template: Template, source: Source, tag: str) -> None:
        self.fill = template.fill
        self.places = template.places(source)
        self.tag = tag
        self.number = 0

    def process(self, _tag: str, _line: str) -> Sequence[Record]:
        """Count the line."""
        self.number += 1
        return ()

    def finish(self) -> Iterator[Record]:
        """Yield the total."""
        yield self.tag, self.fill(number=self.number, line="", **self.places())


def _join(*, lines: int, separator: str) -> Maker:
    def make(_source: object, _output: object) -> Processor:
        join = Join(lines, separator)
        state = of_attributes(join, ["tag", "held"])
        return Processor(join.process, join.finish, state=state, target=join)

    return make


def _count(*, total: bool, template: Template | None) -> Maker:
    def make(source: Source, _output: object) -> Processor:
        if total:
            counter = Total(template or Template("{number}"), source, tag="total")
            state = of_attributes(counter, ["number"])
            return Processor(counter.process, counter.finish, state=state, target=counter)
        numberer = Number(template or Template("{number} {line}"), source)
        return Processor(numberer.process, state=of_attributes(numberer, ["number"]), target=numberer)

    return make


JOIN = Builtin(
    "Makes one line out of every N.",
    _join,
    ({"lines": 2, "separator": "+"}, ["a", "b", "c"], ["a+b", "c"]),
    {
        "lines": Option(
            "count", "how many lines make one; the end of the file gives what is left", required=True
        ),
        "separator": Option("line", "what to put between them", default=" "),
    },
)

COUNT = Builtin(
    "Numbers the lines, or gives their total at the end of the file.",
    _count,
    ({}, ["a", "b"], ["1 a", "2 b"]),
    {
        "total": Option(
            "flag", "swallow the lines and give one line, tagged `total`, at the end", default=False
        ),
        "template": Option(
            "template:number,line",
            "the new line; by default `{number} {line}`, or `{number}` for the total; `{file}`, "
            "`{line_no}` and `{offset}` say where the line stands",
        ),
    },
)
