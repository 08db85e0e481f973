"""Users' processors that get and give records as dicts (`"as": "dict"`), made to work on lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fproc.base.errors import Reject, ShapeError
from fproc.config.nodes import TEXT, NodeSpec
from fproc.pipeline.processors.objects import Misfit, StructuredRecord, decode, encode
from fproc.pipeline.records import Record


def adapted(function: Callable[..., Any], node: NodeSpec) -> Callable[..., Any]:
    """Return a user's function as one that takes and gives lines, whatever its node says that it gets."""
    if node.gets == TEXT:
        return function
    if node.stream:
        return lambda records, **config: _each_as_line(function(_as_dicts(records), **config))
    return lambda line, **config: _as_lines(function(_as_dict(line), **config))


class DictInstance:
    """An instance of a user's class, of which `process` takes a line and gives lines, and `finish` too."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance

    def process(self, line: str) -> Any:
        """Return what the instance gives for the record on a line."""
        return _as_lines(self._instance.process(_as_dict(line)))

    def finish(self) -> Any:
        """Return what the instance gives at the end of the file."""
        return _as_lines(self._instance.finish())


def _as_dict(line: str) -> StructuredRecord:
    try:
        return decode(line)
    except Misfit as why:
        raise Reject(str(why)) from why


def _as_dicts(records: Iterator[Record]) -> Iterator[tuple[str, StructuredRecord]]:
    return ((tag, _as_dict(line)) for tag, line in records)


def _as_lines(given: Any) -> Any:
    """Return what a processor gave, with a line for each dict; what is of no known shape stays as it is."""
    if isinstance(given, dict | tuple | str) or given is None:
        return _as_line(given)
    if not isinstance(given, Iterable) or isinstance(given, bytes | bytearray | Mapping):
        return given
    return _each_as_line(given)


def _each_as_line(given: Iterable[Any]) -> Iterator[Any]:
    return map(_as_line, given)


def _as_line(item: Any) -> Any:
    """Return a line for a dict, a (tag, line) for a (tag, dict), and anything else as it is.

    Raises:
        ShapeError: JSON cannot write the dict.
    """
    record = item[1] if isinstance(item, tuple) and len(item) == 2 else item  # noqa: PLR2004 - a tag and a dict
    if not isinstance(record, dict):
        return item
    try:
        line = encode(dict(record))
    except Misfit as why:
        raise ShapeError(f"gave a dict that {why}") from why
    return line if record is item else (item[0], line)
