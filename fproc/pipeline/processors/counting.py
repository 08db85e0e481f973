"""Built-ins that look at more than one line. Each is a class in the shape that users write theirs in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fproc.pipeline.processors.base import Builtin, Maker, Option, Processor, Source
from fproc.pipeline.processors.options.templates import Template
from fproc.pipeline.processors.state import of_attributes
from fproc.pipeline.processors.text import SEPARATOR, field_splitter
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
            yield self.tag, self.separator.join(self.held)
            self.held = []


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


class Tally:
    """A processor that swallows all lines and emits how many there were of each key, sorted by key."""

    def __init__(
        self,
        field: int | None,
        separator: str,
        pattern: re.Pattern[str] | None,
        default: str,
        template: Template,
    ) -> None:
        self.field = field
        self.split = field_splitter(separator, -1 if field is None else field)
        self.pattern = pattern
        self.default = default
        self.fill = template.fill
        self.counts: dict[str, int] = {}

    def key(self, tag: str, line: str) -> str:
        """Return the key under which a line is counted."""
        if self.pattern is not None:
            match = self.pattern.search(line)
            return self.default if match is None else match[1 if self.pattern.groups else 0] or ""
        if self.field is not None:
            fields = self.split(line)
            return fields[self.field - 1] if len(fields) >= self.field else self.default
        return tag

    def process(self, tag: str, line: str) -> Sequence[Record]:
        """Count the line."""
        key = self.key(tag, line)
        self.counts[key] = self.counts.get(key, 0) + 1
        return ()

    def finish(self) -> Iterator[Record]:
        """Yield a line for each key; it is also the record's tag."""
        for key in sorted(self.counts):
            yield key, self.fill(key=key, count=self.counts[key])


def _join(*, lines: int, separator: str) -> Maker:
    def make(_source: object, _output: object) -> Processor:
        join = Join(lines, separator)
        return Processor(join.process, join.finish, state=of_attributes(join, ["tag", "held"]))

    return make


def _count(*, total: bool, template: Template | None) -> Maker:
    def make(source: Source, _output: object) -> Processor:
        if total:
            counter = Total(template or Template("{number}"), source, tag="total")
            return Processor(counter.process, counter.finish, state=of_attributes(counter, ["number"]))
        numberer = Number(template or Template("{number} {line}"), source)
        return Processor(numberer.process, state=of_attributes(numberer, ["number"]))

    return make


def _tally(
    *, field: int | None, separator: str, pattern: re.Pattern[str] | None, default: str, template: Template
) -> Maker:
    def make(_source: object, _output: object) -> Processor:
        tally = Tally(field, separator, pattern, default, template)
        return Processor(tally.process, tally.finish, state=of_attributes(tally, ["counts"]))

    return make


BUILTINS = {
    "join": Builtin(
        "Makes one line out of every N.",
        _join,
        ({"lines": 2, "separator": "+"}, ["a", "b", "c"], ["a+b", "c"]),
        {
            "lines": Option(
                "count", "how many lines make one; the end of the file gives what is left", required=True
            ),
            "separator": Option("line", "what to put between them", default=" "),
        },
    ),
    "count": Builtin(
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
    ),
    "tally": Builtin(
        "Counts the lines by a key and gives the counts, sorted by key, at the end of the file.",
        _tally,
        ({"field": 1}, ["GET /a", "PUT /b", "GET /c"], ["GET 2", "PUT 1"]),
        {
            "field": Option(
                "count", "the key is this field, from 1; without `field` and `pattern` it is the tag"
            ),
            "separator": SEPARATOR,
            "pattern": Option("pattern", "the key is what this matches, or its first group"),
            "default": Option("line", "the key of a line that has none", default="-"),
            "template": Option("template:key,count", "the new line", default="{key} {count}"),
        },
    ),
}
