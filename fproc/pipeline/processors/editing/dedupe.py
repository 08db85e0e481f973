"""Dropping lines, or records with fields, that were there before."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fproc.base.ids import sha256
from fproc.base.text import counted, shown
from fproc.pipeline.processors.base import (
    OTHERWISE,
    Builtin,
    Maker,
    Option,
    Processor,
    Source,
    State,
    StepKind,
    no_tags,
    same_fields,
)
from fproc.pipeline.processors.editing.values import Field, field_reader, is_named
from fproc.pipeline.processors.objects import MISSING, needing, selecting
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import SEPARATOR
from fproc.pipeline.records import Record

MOST_KEYS = 1_000_000
"""The keys that are remembered by default; each takes some 200 bytes."""

LONG_CHARACTERS = 64
"""A longer key is remembered by a digest of it, which has more characters than any that is not."""

log = logging.getLogger("fproc.processors")


class Remembered:
    """The last keys that were new, in their order, up to a number of them; `forgot` counts the others."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.forgot = 0
        self._order: deque[str] = deque()
        self._keys: set[str] = set()

    def is_new(self, key: str) -> bool:
        """Return whether a key is not among those that are remembered, and remember it."""
        if len(key) > LONG_CHARACTERS:
            key = f"#{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
        if key in self._keys:
            return False
        if len(self._order) == self.most:
            self._keys.remove(self._order.popleft())
            self.forgot += 1
        self._order.append(key)
        self._keys.add(key)
        return True

    def state(self) -> State:
        """Return what saves and restores the keys."""
        return State(lambda: {"forgot": self.forgot, "keys": [*self._order]}, self._restore)

    def _restore(self, value: Mapping[str, Any]) -> None:
        self.forgot = value["forgot"]
        self._order = deque(value["keys"])
        self._keys = set(self._order)


def _key(fields: Sequence[Field] | None, separator: str) -> Callable[[Any], str]:
    """Return a call that returns what two lines have to share to be the same."""
    if fields is None:
        return str
    reads = [field_reader(field, separator) for field in fields]
    if len(reads) == 1:
        (read_one,) = reads
        return lambda record: _told(read_one(record))

    def joined(record: Any) -> str:
        texts = [_told(read(record)) for read in reads]
        return "".join([f"{len(text)}:{text}" for text in texts])

    return joined


def _told(value: Any) -> str:
    """Return a key for a value: what is not there, null and text that is empty are three."""
    if type(value) is str:
        return value if value[:1] != "\x01" else f"\x01{value}"
    return "\x01-" if value is MISSING else "\x01null" if value is None else text_of(value)


def _dedupe(*, fields: Sequence[Field] | None, separator: str, keys: int, otherwise: str) -> Maker:
    key_of = _key(fields, separator)

    def make(source: Source, _output: object) -> Processor:
        remembered = Remembered(keys)
        is_new = remembered.is_new

        def finish() -> Iterator[Record]:
            if remembered.forgot:
                forgot, most = counted(remembered.forgot, "key"), remembered.most
                told = "%s: dedupe forgot %s, the oldest ones, because it remembers %d: see its option 'keys'"
                log.warning(told, shown(source.name), forgot, most)
            yield from ()

        def keep(line: Any) -> bool:
            return is_new(key_of(line))

        return _keeping(keep, fields, otherwise, finish, remembered.state())

    return make


def _keeping(
    keep: Callable[[Any], bool],
    fields: Sequence[Field] | None,
    otherwise: str,
    finish: Callable[[], Iterator[Record]],
    state: State,
) -> Processor:
    if fields is not None and is_named(fields):
        return selecting(keep, otherwise, finish=finish, state=state)

    def process(tag: str, line: str) -> Sequence[Record]:
        return ((tag, line),) if keep(line) else ()

    return Processor(process, finish, state=state)


def _step(values: Mapping[str, Any]) -> StepKind | None:
    fields = values["fields"]
    return StepKind.SELECT if fields is not None and is_named(fields) else None


def one_kind_of(option: str) -> Callable[[Mapping[str, Any]], Iterator[tuple[str, str, str]]]:
    """Return a check that the fields of an option are all columns of lines, or all keys of records."""

    def check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        fields = values[option]
        if fields is not None and len({isinstance(field, str) for field in fields}) > 1:
            what = "has columns of a line and keys of an object: a line is one or the other"
            yield option, what, "name keys, or number columns"

    return check


DEDUPE = Builtin(
    "Keeps the first of lines that are the same, as a whole or in some fields.",
    _dedupe,
    ({"fields": 1}, ["alice in", "bob in", "alice out"], ["alice in", "bob in"]),
    {
        "fields": Option(
            "fields", "what has to be the same: columns of the line from 1, or keys; by default all of it"
        ),
        "separator": SEPARATOR,
        "keys": Option(
            "count",
            "how many different ones are remembered; when there are more, the oldest are forgotten, and "
            "the log says how many",
            default=MOST_KEYS,
        ),
        "otherwise": OTHERWISE,
    },
    reads_tag=lambda _values: False,
    passes_line=True,
    gives_tags=no_tags,
    step=_step,
    check=one_kind_of("fields"),
    fields_after=same_fields,
    fields_before=needing(lambda values: values["fields"]),
)
