"""Counting lines and records by a key, with sums, means and bounds of their fields."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fproc.base.text import nearest, shown
from fproc.pipeline.processors.base import (
    OTHERWISE,
    Builtin,
    Maker,
    Option,
    Processor,
    Source,
    StepKind,
    misfit,
)
from fproc.pipeline.processors.counting.totals import OTHERS_KEY, Figure, Key, Totals, mean_of
from fproc.pipeline.processors.editing.values import (
    Field,
    Read,
    field_reader,
    is_named,
)
from fproc.pipeline.processors.objects import (
    MISSING,
    Misfit,
    StructuredRecord,
    decode,
    encode,
    needing_only,
    selecting,
)
from fproc.pipeline.processors.options.splits import FieldNeed
from fproc.pipeline.processors.options.templates import POSITIONS, RecordTemplate, text_of
from fproc.pipeline.processors.text import SEPARATOR
from fproc.pipeline.records import Record

KEYS = 1_000_000
"""The keys that are counted apart by default."""

OTHERS = "(others)"
"""What the key of all lines is called whose own there was no room for."""

OPERATIONS = ("sum", "min", "max", "mean")
"""What can be computed of a field, in the order of the results."""

log = logging.getLogger("fproc.processors")


def _figures(values: Mapping[str, Any]) -> list[Figure]:
    """Return what these options ask for."""
    return [
        Figure(f"{field}_{operation}", operation, field)
        for operation in OPERATIONS
        for field in values[operation] or ()
    ]


class Tally:
    """A processor that swallows lines and gives a line for each key at the end of the file."""

    def __init__(self, plan: TallyPlan, source: Source) -> None:
        self.plan = plan
        self.source = source
        self.totals = Totals(plan.figures, plan.read_at, plan.keys)

    def finish(self) -> Iterator[Record]:
        """Yield a line for each key, which is also the record's tag."""
        totals, plan = self.totals, self.plan
        name = shown(self.source.name)
        if totals.left_out:
            told = "%s: tally counted %d lines as %r, because it knows %d keys: see its option 'keys'"
            log.warning(told, name, totals.left_out, OTHERS, plan.keys)
        if totals.misread:
            log.warning("%s: tally met %d values that are no numbers", name, totals.misread)
        fill = plan.filler(self.source)
        for key, row in plan.sorted(totals.rows):
            text = key if type(key) is str else " ".join(key) if key else OTHERS
            yield text, fill(key, text, row[0], totals.figures_of(row, plan.figures))


Fill = Callable[[Key, str, int, list[Any]], str]
"""Make the line of a key, of its text, its count and its figures."""


class TallyPlan(NamedTuple):
    """The options of a tally."""

    fields: Sequence[Field] | None
    separator: str
    pattern: re.Pattern[str] | None
    default: str
    figures: Sequence[Figure]
    sort: str
    top: int | None
    keys: int
    template: RecordTemplate | None

    def read_at(self, field: Field) -> Read:
        """Return what reads a field."""
        return field_reader(field, self.separator)

    def key_of(self) -> Callable[[Any], Key]:
        """Return a call that returns the key of a line or record, unless that is its tag."""
        if self.pattern is not None:
            search, group = self.pattern.search, 1 if self.pattern.groups else 0

            def of_match(line: str) -> Key:
                match = search(line)
                return self.default if match is None else match[group] or ""

            return of_match
        reads = [self.read_at(field) for field in self.fields or ()]
        default = self.default

        def told(value: Any) -> str:
            if type(value) is str:
                return value
            return default if value is MISSING or value is None else text_of(value)

        if len(reads) == 1:
            (read_one,) = reads

            def of_field(record: Any) -> Key:
                value = read_one(record)
                kind = type(value)
                return value if kind is str else repr(value) if kind is int else told(value)

            return of_field
        return lambda record: tuple([told(read(record)) for read in reads])

    def sorted(self, rows: Mapping[Key, list[Any]]) -> list[tuple[Key, list[Any]]]:
        """Return the rows in the order in which they are given; those without an own key come last."""
        own = sorted((key, row) for key, row in rows.items() if key != OTHERS_KEY)
        if self.sort == "value":
            index = 1 if self.figures else 0
            own.sort(key=lambda item: _rank(item[1], index, self.figures), reverse=True)
        others = [(OTHERS_KEY, rows[OTHERS_KEY])] if OTHERS_KEY in rows else []
        return [*own, *others] if self.top is None else own[: self.top]

    def filler(self, source: Source) -> Fill:
        """Return what makes the lines."""
        if self.template is not None:
            fill = self.template.filler(source)
            return lambda key, text, count, figures: fill(
                {**self.named(key, text, count, figures), "key": text}
            )
        if is_named([*(self.fields or ()), *(figure.field for figure in self.figures)]):
            return lambda key, text, count, figures: encode(self.record(key, text, count, figures))
        return lambda _key, text, count, figures: " ".join(
            [text, str(count), *[self.default if value is None else text_of(value) for value in figures]]
        )

    def record(self, key: Key, text: str, count: int, figures: list[Any]) -> dict[str, Any]:
        """Return the record of a key."""
        fields = self.fields or ("key",)
        parts = (key,) if type(key) is str else key or (text,) * len(fields)
        named = dict(zip(map(str, fields), parts, strict=True))
        names = [figure.name for figure in self.figures]
        return {**named, "count": count, **dict(zip(names, figures, strict=True))}

    def named(self, key: Key, text: str, count: int, figures: list[Any]) -> dict[str, Any]:
        """Return what a template may name: also the first figure of a kind by its operation alone."""
        short: dict[str, Any] = {}
        for figure, value in zip(self.figures, figures, strict=True):
            short.setdefault(figure.operation, value)
        return {**short, **self.record(key, text, count, figures)}


def _rank(row: Sequence[Any], index: int, figures: Sequence[Figure]) -> tuple[bool, Any]:
    """Return what rows are sorted by: their count, or the first of their figures, if there is one."""
    value = row[index]
    if value is not None and index and figures[0].operation == "mean":
        value = mean_of(value, row[len(figures) + 1])
    return value is not None, value or 0


def _tally(*, otherwise: str, **options: Any) -> Maker:
    sort, top = options["sort"], options["top"]
    plan = TallyPlan(
        options["field"],
        options["separator"],
        options["pattern"],
        options["default"],
        _figures(options),
        sort or ("key" if top is None else "value"),
        top,
        options["keys"],
        options["template"],
    )
    is_step = _step(options) is not None

    def make(source: Source, _output: object) -> Processor:
        tally = Tally(plan, source)
        if is_step:
            return _of_records(plan, tally, otherwise)
        process = _counting(plan, tally.totals.add, otherwise)
        return Processor(process, tally.finish, state=tally.totals.state(), target=tally.totals)

    return make


def _of_records(plan: TallyPlan, tally: Tally, otherwise: str) -> Processor:
    key_of, totals = plan.key_of(), tally.totals
    has_figures = bool(plan.figures)

    def swallow(record: StructuredRecord) -> bool:
        key = key_of(record)
        row = totals.rows.get(key)
        if row is None or has_figures:
            totals.add(key, record)
        else:
            row[0] += 1
        return False

    return selecting(swallow, otherwise, finish=tally.finish, state=totals.state(), target=totals)


def _counting(
    plan: TallyPlan, add: Callable[[Key, Any], None], otherwise: str
) -> Callable[[str, str], Sequence[Record]]:
    """Return what counts lines by a column, a pattern or their tag."""
    is_by_tag = plan.fields is None and plan.pattern is None
    key_of = plan.key_of()
    has_records = is_named([figure.field for figure in plan.figures])

    def process(tag: str, line: str) -> Sequence[Record]:
        try:
            add(tag if is_by_tag else key_of(line), decode(line) if has_records else line)
        except Misfit as why:
            kept = misfit(line, otherwise, str(why))
            return () if kept is None else ((tag, kept),)
        return ()

    return process


def counted_field(values: Mapping[str, Any]) -> Field | None:
    """Return the one field that lines or records are counted by, if that is all there is to it."""
    fields: Sequence[Field] = values["field"] or []
    return fields[0] if len(fields) == 1 and not _figures(values) else None


def _column(values: Mapping[str, Any]) -> FieldNeed | None:
    column = counted_field(values)
    return FieldNeed(values["separator"], column) if isinstance(column, int) else None


def _step(values: Mapping[str, Any]) -> StepKind | None:
    return StepKind.SELECT if values["field"] and is_named(values["field"]) else None


def _asked(values: Mapping[str, Any]) -> list[Field]:
    """Return the fields that are looked at."""
    return [*(values["field"] or ()), *(figure.field for figure in _figures(values))]


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if values["field"] is not None and values["pattern"] is not None:
        yield "field", "'field' and 'pattern' both say what the key is", "keep one of them"
    fields = _asked(values)
    if len({isinstance(field, str) for field in fields}) > 1:
        what = "some fields are columns of a line and some are keys: a line is one or the other"
        yield "field", what, "name keys, or number columns"
    template = values["template"]
    names = [figure.name for figure in _figures(values)]
    if template is None and is_named(fields):
        for field in values["field"] or ():
            if field in {"count", *names}:
                what = f"the key {field!r} has the name of a figure, and a record has but one of each"
                yield "field", what, "rename the field before, with edit, or give a template"
    known = [*("key", "count", *POSITIONS), *(values["field"] or ()), *names]
    known += [operation for operation in OPERATIONS if values[operation]]
    for name in template.names if template is not None else ():
        if name not in map(str, known):
            hint = nearest(name, list(map(str, known)))
            yield "template", f"does not know {{{name}}}", hint or f"there are {', '.join(map(str, known))}"


def _option(meaning: str) -> Option:
    return Option("fields", meaning)


TALLY = Builtin(
    "Counts lines by a key, with sums, means and bounds of fields, and gives a line for each key at the end.",
    _tally,
    (
        {"field": "path", "sum": "bytes", "mean": "took", "top": 2},
        [
            '{"path": "/a", "bytes": 10, "took": 1}',
            '{"path": "/b", "bytes": 0.5, "took": 3}',
            '{"path": "/a", "bytes": 2.25, "took": "2"}',
        ],
        [
            '{"path":"/a","count":2,"bytes_sum":12.25,"took_mean":1.5}',
            '{"path":"/b","count":1,"bytes_sum":0.5,"took_mean":3}',
        ],
    ),
    {
        "field": Option(
            "fields",
            "the key is this field, or several: a column of the line from 1, or a key of the record; without "
            "`field` and `pattern` it is the tag",
        ),
        "separator": SEPARATOR,
        "pattern": Option("pattern", "the key is what this matches, or its first group"),
        "default": Option("line", "the key of a line that has none", default="-"),
        "sum": _option("fields to sum up, exactly"),
        "min": _option("fields whose least number is given"),
        "max": _option("fields whose greatest number is given"),
        "mean": _option("fields whose mean is given"),
        "sort": Option(
            "choice:key,value",
            "by `key`, or by `value`, the greatest first: that of the first figure, in the order of these "
            "options, or the count; by default by key, or by value with `top`",
        ),
        "top": Option("count", "how many keys are given; by default all"),
        "keys": Option(
            "count",
            f"how many keys are counted apart; the lines of all others are counted as `{OTHERS}`, and the "
            "log says how many those were",
            default=KEYS,
        ),
        "template": Option(
            "own",
            "the new line, of `{key}`, `{count}`, `{bytes_sum}` and its like, or `{sum}` for the first, and "
            "the fields of the key; by default text, or an object where fields are keys",
        ),
        "otherwise": OTHERWISE,
    },
    reads_tag=lambda values: values["field"] is None and values["pattern"] is None,
    needs_fields=_column,
    step=_step,
    check=_check,
    fields_before=needing_only(lambda values: map(str, _asked(values))),
)
