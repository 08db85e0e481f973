"""The terms of the generated code: the sites in it, and what it may call on a run.

A graph is unrolled into a tree of `Site`s, from which `generator` writes the source of one function.
`RunCalls` is all that this function knows of the run that it works for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any, Protocol

from fproc.base.values import dataclass, field, replace
from fproc.pipeline.processors.objects import StructuredRecord
from fproc.pipeline.processors.options.templates import ResultTemplate
from fproc.pipeline.records import Record
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.pipeline.tracing.timing import Laps

Terms = list[str]
"""Names of counters whose sum is a number of records."""


class Shape(Enum):
    """What a user's processor returns for a line, apart from None. The code is made for those it has seen."""

    LINE = "a line"
    PAIR = "a (tag, line)"
    LINES = "a list of lines"
    RECORDS = "a list with (tag, line) in it"


Shapes = Mapping[str, AbstractSet[Shape]]
"""The shapes that each node has returned; a line, where nothing is known."""


@dataclass(frozen=True, slots=True)
class Split:
    """The fields of a line, in variables.

    `parts` are variables that hold a field each, or None where the line has fewer; or there is one variable
    `listed` that holds as many as there are, up to `size`.
    """

    size: int
    parts: tuple[str, ...] = ()
    listed: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A position in the code: a record has come to `node`, as its `hops`th.

    `line` is the variable that holds its line. Its tag is `tag` where that is known now, else in the
    variable `tag_name`. Where nothing depends on the tag that an earlier node has set, both are older than
    that, and `unasked` is an expression that finds it, for reports of a record. `splits` are the fields of
    lines that were split already, by variable and separator.

    `record` is the variable that holds the structured record whose text the line is, where there is one. Its
    text is made only where someone needs it: until then, `line` is an expression that makes it. Where the
    record has not all of its fields, since nobody needs the others, `whole` is an expression that makes it
    anew. `values` are variables of all fields of the record, if those are there; it is made of them where
    someone needs it. Where all of them are texts out of one line, or constants of the program, `plain` is an
    expression that is true if none of the texts needs an escape in JSON.
    """

    node: str
    line: str
    tag: str | None
    tag_name: str = ""
    unasked: str = ""
    hops: int = 1
    splits: Mapping[tuple[str, str | None], Split] = field(default_factory=dict)
    record: str = ""
    whole: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    plain: str = ""

    @property
    def has_text(self) -> bool:
        """Whether the line is there as text."""
        return self.line.isidentifier()

    @property
    def tag_code(self) -> str:
        """An expression for the tag."""
        return self.tag_name if self.tag is None else repr(self.tag)

    @property
    def told_tag_code(self) -> str:
        """An expression for the tag, right even where nothing depends on it; it may be slow."""
        return self.unasked or self.tag_code

    def of_record(self, record: str, whole: str = "") -> Site:
        """Return the same site with a new record, in a variable, of which there is no text yet."""
        line = f"encode({whole or record})"
        return replace(self, line=line, record=record, whole=whole, values={}, plain="")

    def of_values(self, values: Mapping[str, str], whole: str, plain: str = "") -> Site:
        """Return the same site with a new record, which is not made yet, but for the values of its fields."""
        return replace(self, line=f"encode({whole})", record="", whole=whole, values=values, plain=plain)

    def of_text(self, line: str) -> Site:
        """Return the same site with a new line, in a variable, of which no record is known."""
        return replace(self, line=line, record="", whole="", values={}, plain="")

    def tagged(self, tag: str) -> Site:
        """Return the same site with a tag that is known."""
        return replace(self, tag=tag, tag_name="", unasked="")

    def tagged_by(self, variable: str) -> Site:
        """Return the same site with the tag in a variable."""
        return replace(self, tag=None, tag_name=variable, unasked="")

    def tagged_unasked(self) -> Site:
        """Return the site after this node, a built-in that only sets tags, if nothing depends on its tag."""
        return replace(self, unasked=f"tag_by({self.node!r}, {self.told_tag_code}, {self.line})")


FeedLines = Callable[[Iterator[str]], int]
"""Push lines through the graph; return how many came to their ends."""

FeedRecords = Callable[[Iterator[Record]], int]
"""Push records that a node has emitted through the rest of the graph; return how many came to their ends."""


class RunCalls(Protocol):
    """What generated code may call on the run that it works for, and read of it."""

    laps: Laps | None
    """The clock of a function that is timed."""

    @property
    def counts(self) -> Mapping[str, NodeCounts]:
        """What happened at each node: the function adds to `received` and `emitted`."""

    def process(self, node: str) -> Any:
        """Return the call of a node's processor."""

    def step(self, node: str) -> Any:
        """Return the call that does a node's work on structured records."""

    def narrow_step(self, node: str, fields: Collection[str]) -> Any:
        """Return such a call of a parser, which need make only these fields."""

    def target(self, node: str) -> Any:
        """Return the object that does a node's work."""

    def lines(self, file: ResultTemplate, tag: str) -> list[str]:
        """Return the list that takes the lines of a `write` node with a tag.

        Raises:
            ValueError: no result can have that name.
        """

    def lines_by_tag(self, file: ResultTemplate) -> Mapping[str, list[str]]:
        """Return these lists for all tags; looking one up raises as `lines` does."""

    def lines_by_fields(self, file: ResultTemplate) -> Callable[[StructuredRecord, str], list[str]]:
        """Return a call that returns the list of a record with a tag, for a template of fields.

        It raises what `lines` does, and `Misfit` for a record without a field.
        """

    def printed(self) -> list[str]:
        """Return the list that takes the lines for standard output."""

    def kept(self, lines: list[str]) -> list[str]:
        """Return a list that one sink adds to instead of `lines`; `spill` moves what is in it.

        Raises:
            SharingError: another sink does that as well.
        """

    def spill(self) -> list[int]:
        """Move the lines of kept lists to where they belong; return how many came to each in this block."""

    def push_line(self, node: str, tag: str, line: str, hops: int) -> None:
        """Push a record through a node and all the rest, as the interpreter does."""

    def accept(self, node: str, tag: str, line: str, given: Any, hops: int) -> None:
        """Take what a user's processor returned, and do all the rest as the interpreter does."""

    def fail(self, node: str, tag: str, line: str, error: BaseException) -> None:
        """Deal with an error that a processor raised instead of returning anything.

        Raises:
            BaseException: the error, if it does not concern this record.
        """

    def checked(self, node: str, tag: str, line: str, given: Sequence[Record]) -> Sequence[Record]:
        """Return the records of a processor, counted; none of them if one cannot go on."""

    def tag_by(self, node: str, tag: str, line: str) -> str:
        """Return the tag that a built-in which only sets tags gives to a line."""

    def pass_on(self, source: str, target: str, count: int) -> None:
        """Count records that went from one node to another."""

    def split_short(self, node: str, count: int) -> None:
        """Note that `count` lines of the block had fewer fields than a node splits them into."""

    def agree(self, one: int, other: int) -> None:
        """Check that as many records came to an end as had begun their way.

        Raises:
            ConservationError: they did not.
        """
