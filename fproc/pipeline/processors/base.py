"""The shape of a processor for the engine, and what a built-in declares about itself.

The engine knows one shape: a `Processor` takes a record and returns records. The functions here turn the
simpler shapes that built-ins and users write into it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, Protocol

from fproc.base.errors import Reject, ShapeError
from fproc.base.values import dataclass, field, replace
from fproc.pipeline.processors.options.columns import Columns, Rearranges, no_rearrangement
from fproc.pipeline.processors.options.splits import FieldNeeds, no_fields
from fproc.pipeline.processors.options.usual import UsualLines, no_usual_line
from fproc.pipeline.records import Record

STDOUT = "stdout"
"""The name under which an `Output` takes the lines of `stdout` nodes."""


class LinePosition(Protocol):
    """The position of the line that is being processed: None at the end of the file, where there is none."""

    def line_no(self) -> int | None:
        """Return the number of the line, from 1; of a record of several lines, that of the first."""

    def offset_bytes(self) -> int | None:
        """Return where the record begins in the (decompressed) contents."""


class Nowhere:
    """The position of what belongs to no line."""

    __slots__ = ()

    def line_no(self) -> None:
        """Return that there is no line."""

    def offset_bytes(self) -> None:
        """Return that there is no offset."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a pipeline may know about the input.

    `name` is its name without a compression suffix, `date` the day (UTC, `YYYY-MM-DD`) on which it was last
    written. Both stay the same when the file is run again. `position` follows the run.
    """

    name: str
    date: str
    position: LinePosition = field(default=Nowhere(), compare=False, repr=False)


class Output(Protocol):
    """Where sinks put lines: a result by its name, or `print_line` for standard output."""

    def write(self, result: str, line: str) -> None:
        """Add a line to a result."""

    def print_line(self, line: str) -> None:
        """Send a line to standard output."""

    def lines(self, result: str) -> list[str]:
        """Return a list that a result's lines may be added to instead, all through the run; see `note`."""

    def printed(self) -> list[str]:
        """Return such a list for standard output."""

    def note(self, characters: int) -> None:
        """Note that about this many characters may have been added to the lists."""


@dataclass(frozen=True, slots=True)
class State:
    """The two calls that save the state of a processor in a checkpoint, and restore it.

    `snapshot()` returns a JSON value and raises `UnsavableError` where that is impossible. `restore()` takes
    that value back into a fresh processor, and may raise anything if it does not fit.
    """

    snapshot: Callable[[], Any]
    restore: Callable[[Any], None]


class TakesBlocks(Protocol):
    """A processor that takes many records in a turn."""

    @property
    def ends(self) -> Sequence[int]:
        """For each record of this turn that it is through with, how many it had emitted by then."""

    def process_block(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Yield what records become, in one turn or several; where one fails, end with the one before."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A node's work on one input file.

    `process(tag, line)` returns the records that one record becomes. `finish()` returns what is left at the
    end of the file; its records carry the node's own tag unless they name one. `close()` ends a processor
    whose file was given up. One without a `state` remembers nothing from line to line. `target` is the
    object that does the work, if there is one; `is_users` says that a user has written it. `step` is
    the same work on structured records as they are (`objects`), for a built-in that declares what kind it is.
    `is_settled()` returns whether its state will not change any more, for one that declares that it settles.
    `blocks` is the same work on many records in a turn, for one whose turns take long to hand over.
    `narrow(fields)` returns a faster `step` of a parser, if there is one: of each record, it makes only these
    fields, as far as there are any. `columns()` returns the columns of a parser of tables, whose `target` has
    a call `split`; None while they are not known.
    """

    process: Callable[[str, str], Sequence[Record]]
    finish: Callable[[], Iterable[Record]] | None = None
    close: Callable[[], None] | None = None
    state: State | None = None
    target: Any = None
    is_users: bool = False
    step: Callable[[Any], Any] | None = None
    is_settled: Callable[[], bool] | None = None
    blocks: TakesBlocks | None = None
    narrow: Callable[[frozenset[str]], Callable[[str], Any]] | None = None
    columns: Callable[[], Columns | None] | None = None


Maker = Callable[[Source, Output], Processor]
"""A call that makes the processor of one node for one input file, with fresh state."""


@dataclass(frozen=True, slots=True)
class BuiltinForm:
    """A node that is a built-in with these options, checked and with defaults."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UserForm:
    """A node that calls a user's function, or an instance of a user's class.

    `gives_many` is true if it is written as a generator.
    """

    target: Callable[..., Any]
    config: Mapping[str, Any]
    is_class: bool
    gives_many: bool


Form = BuiltinForm | UserForm
"""What a node does, for code that does the same without calling its processor."""


def mapping(function: Callable[[str], str | None]) -> Maker:
    """Return the maker of a stateless map: the line that it returns keeps its tag, None drops it."""

    def process(tag: str, line: str) -> Sequence[Record]:
        mapped = function(line)
        return () if mapped is None else ((tag, mapped),)

    processor = Processor(process)
    return lambda _source, _output: processor


def routing(function: Callable[[str], tuple[str | None, str]]) -> Maker:
    """Return the maker of a stateless router: it returns a new tag, or None for the old one, and a line."""

    def process(tag: str, line: str) -> Sequence[Record]:
        new_tag, line = function(line)
        return ((tag if new_tag is None else new_tag, line),)

    processor = Processor(process)
    return lambda _source, _output: processor


def records_of(returned: Any, tag: str) -> Sequence[Record]:
    """Return what a processor returned or yielded as records; a line without a tag keeps `tag`.

    Raises:
        ShapeError: it is not None, a line, a (tag, line), or an iterable of the last two.
    """
    if returned is None:
        return ()
    if isinstance(returned, str):
        return ((tag, returned),)
    if _is_record(returned):
        return (returned,)
    if not isinstance(returned, Iterable) or isinstance(returned, bytes | bytearray | Mapping):
        raise ShapeError(f"gave {seen(returned)}; a processor gives a line, a (tag, line) or None")
    return [record_of(item, tag) for item in returned]


def record_of(item: Any, tag: str) -> Record:
    """Return what a processor yielded as a record.

    Raises:
        ShapeError: it is neither a line nor a (tag, line).
    """
    if isinstance(item, str):
        return (tag, item)
    if _is_record(item):
        return (item[0], item[1])
    raise ShapeError(f"yielded {seen(item)}; a processor yields a line or a (tag, line)")


def _is_record(item: Any) -> bool:
    return (
        isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], str)  # noqa: PLR2004
    )


def seen(item: Any) -> str:
    """Return a value and its type, shortened, for a message."""
    text = repr(item)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(item).__name__})"  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Option:
    """One key of a built-in's `config`.

    `kind` is a name from `KINDS` in `options`; an option without a `default` is required when `required` says
    so, else absent means None.
    """

    kind: str
    meaning: str
    default: Any = None
    required: bool = False


Declared = Callable[[Mapping[str, Any]], bool]
"""A property that a built-in declares, which may depend on its options."""


def always(_values: Mapping[str, Any]) -> bool:
    """Declare a property for all options."""
    return True


def never(_values: Mapping[str, Any]) -> bool:
    """Declare the lack of a property for all options."""
    return False


Tags = Callable[[Mapping[str, Any]], frozenset[str] | None]
"""The tags that a built-in may set itself; None is any."""


def any_tags(_values: Mapping[str, Any]) -> frozenset[str] | None:
    """Declare that nothing is known about the tags."""
    return None


def no_tags(_values: Mapping[str, Any]) -> frozenset[str] | None:
    """Declare that records keep their tag."""
    return frozenset()


class StepKind(Enum):
    """What a built-in does with structured records; `objects` has what makes a processor of each kind."""

    PARSE = "makes a record of a line"
    EDIT = "makes a record of a record"
    SELECT = "keeps some records as they are"
    FORMAT = "makes text of a record"
    ROUTE = "gives a record a tag, and passes it as it is"


Steps = Callable[[Mapping[str, Any]], StepKind | None]
"""What a built-in does with structured records; None if it works on lines."""


def no_step(_values: Mapping[str, Any]) -> StepKind | None:
    """Declare that lines are worked on, and no structured records."""
    return None


FieldsAfter = Callable[[Mapping[str, Any], frozenset[str] | None], frozenset[str] | None]
"""The fields that records may have behind a built-in, of those that they may have before; None is any."""


def any_fields(_values: Mapping[str, Any], _before: frozenset[str] | None) -> frozenset[str] | None:
    """Declare that nothing is known about the fields."""
    return None


def same_fields(_values: Mapping[str, Any], before: frozenset[str] | None) -> frozenset[str] | None:
    """Declare that records have no fields but those they came with."""
    return before


FieldsBefore = Callable[[Mapping[str, Any], frozenset[str] | None], frozenset[str] | None]
"""The fields of its records that a built-in's step needs, of those that are needed behind it; None is all.

Given these alone, it has to do the same: with the fields that are needed, and with records that do not fit.
"""


def all_fields(_values: Mapping[str, Any], _behind: frozenset[str] | None) -> frozenset[str] | None:
    """Declare that whole records are needed."""
    return None


NeededMatch = Callable[[Mapping[str, Any]], re.Pattern[str] | None]
"""The pattern that has to be found in a line, lest a built-in drops it; None if there is none."""


def no_needed_match(_values: Mapping[str, Any]) -> re.Pattern[str] | None:
    """Declare that nothing has to be found in a line."""
    return None


Complaints = Callable[[Mapping[str, Any]], Iterable[tuple[str, str, str]]]
"""Yields what is wrong with options together: the option to name, what is wrong, and what to do or ''."""


def no_complaints(_values: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Declare that options that are right one by one go together."""
    return ()


@dataclass(frozen=True, slots=True)
class Builtin:
    """A built-in processor: what it does, its options, an example that the tests run, and its maker.

    `make` gets every option by keyword, checked and with defaults filled in. `example` is
    `(config, lines in, lines out)`; lines out are those of `end`, or of the result that a sink writes.

    These allow short cuts with it; by default there are none:

    - `reads_tag`: what it does with a record may depend on the record's tag.
    - `sets_tag`: each record that it emits has a tag that it has chosen, never the one it received.
    - `passes_line`: the lines that it emits are those that it received, unchanged.
    - `remembers`: what it emits for a line may depend on lines before it.
    - `settles`: it does so only until it is settled, after a line or two; its processor says when that is.

    - `needs_match`: what has to be found in a line, lest it is dropped; so others need not be looked at.
    - `needs_fields`: the fields that it looks at; so a line is split once for several nodes.
    - `step`: what it does with structured records, if it does; its processor has the call.
    - `fields_before`: the fields that this needs; so a parser makes no others.
    - `usual_line`: the look of its usual lines; so a parser is seldom called.
    - `rearranges`: its step, if that looks at no value; so it is taken once for all records of a table.

    `gives_tags` returns the tags that it may set, for `--check` to find routes that are never taken.
    `fields_after` returns the fields that records may have behind it, for `--check` to find names in
    templates that no record has. `check` finds what is wrong with options that are right one by one.
    """

    summary: str
    make: Callable[..., Maker]
    example: tuple[Mapping[str, Any], list[str], list[str]]
    options: Mapping[str, Option] = field(default_factory=dict)
    is_sink: bool = False
    reads_tag: Declared = always
    sets_tag: Declared = never
    passes_line: bool = False
    remembers: Declared = always
    settles: Declared = never
    needs_match: NeededMatch = no_needed_match
    needs_fields: FieldNeeds = no_fields
    step: Steps = no_step
    gives_tags: Tags = any_tags
    check: Complaints = no_complaints
    fields_after: FieldsAfter = any_fields
    fields_before: FieldsBefore = all_fields
    usual_line: UsualLines = no_usual_line
    rearranges: Rearranges = no_rearrangement


stateless = partial(Builtin, reads_tag=never, remembers=never)
"""Declare a built-in that looks at a line alone, neither at its tag nor at other lines."""


OTHERWISE = Option(
    "otherwise", "what to do with a line that does not fit: `keep`, `drop` or `reject` it", default="keep"
)

OTHERWISE_REJECT = replace(OTHERWISE, default="reject")
"""The same option of a parser."""


def misfit(line: str, otherwise: str, why: str) -> str | None:
    """Return a line that does not fit, or None to drop it, as `otherwise` says.

    Raises:
        Reject: `otherwise` is `reject`.
    """
    if otherwise == "reject":
        raise Reject(why)
    return line if otherwise == "keep" else None
