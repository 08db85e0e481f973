"""Built-ins that end the way of a line through the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from fproc.base.text import is_encodable
from fproc.pipeline.processors.base import (
    Builtin,
    BuiltinForm,
    Maker,
    Option,
    Output,
    Processor,
    Source,
    misfit,
    stateless,
)
from fproc.pipeline.processors.objects import MISSING, Misfit, StructuredRecord, decode, get
from fproc.pipeline.processors.options.result_names import APPENDED, is_result_name
from fproc.pipeline.processors.options.templates import ResultTemplate, text_of
from fproc.pipeline.records import Record

DEFAULT_RESULT = "{name}"
"""The template of `end`: a result of the input's own name."""


def result_key(template: ResultTemplate, source: Source, tag: str, fields: Sequence[str] = ()) -> str:
    """Return what a run calls the result that a line with this tag goes to: its name, marked if it appends.

    Raises:
        ValueError: as `fill_result_name`.
    """
    name = fill_result_name(template, source, tag, fields)
    return f"{APPENDED}{name}" if template.appends else name


def fill_result_name(template: ResultTemplate, source: Source, tag: str, fields: Sequence[str] = ()) -> str:
    """Return the name of the result that a line with this tag, and a record with these fields, goes to.

    Raises:
        ValueError: the tag or the input's name made it something that no result can be called. Only the
            template makes folders; a tag with a slash in it makes none.
    """
    name = source.name
    if template.text != DEFAULT_RESULT:
        stem, dot, suffix = name.rpartition(".")
        if not stem:
            stem, dot, suffix = name, "", ""
        values = {"name": name, "stem": stem, "suffix": dot + suffix, "tag": tag, "date": source.date}
        name = template.fill_name(values, fields)
    if not is_result_name(name) or not is_encodable(name) or name.count("/") != template.text.count("/"):
        raise ValueError(f"{name!r} cannot be the name of a result: each of its parts must be a plain name")
    return name


def field_texts(template: ResultTemplate, record: StructuredRecord) -> list[str]:
    """Return the fields of a record that the name of its result needs, as text.

    Raises:
        Misfit: it has not all of them.
    """
    values = [get(record, field) for field in template.fields]
    for field, value in zip(template.fields, values, strict=True):
        if value is MISSING:
            raise Misfit(f"has no field {field!r}, which the result's name needs")
    return [text_of(value) for value in values]


class ListsByTag(dict[str, list[str]]):
    """Lists of lines by tag, each of them returned by `lines_of` when it is looked up first."""

    def __init__(self, lines_of: Callable[[str], list[str]]) -> None:
        self._lines_of = lines_of

    def __missing__(self, tag: str) -> list[str]:
        lines = self[tag] = self._lines_of(tag)
        return lines


def lists_by_fields(
    file: ResultTemplate, lines_of: Callable[[str, Sequence[str]], list[str]]
) -> Callable[[StructuredRecord, str], list[str]]:
    """Return a call that returns the list of a record with a tag; `lines_of` returns it at first.

    It raises what `lines_of` and `field_texts` do.
    """
    known: dict[tuple[str, ...], list[str]] = {}

    def list_of(record: StructuredRecord, tag: str) -> list[str]:
        key = (tag, *field_texts(file, record))
        lines = known.get(key)
        if lines is None:
            lines = known[key] = lines_of(tag, key[1:])
        return lines

    return list_of


def _write(*, file: ResultTemplate, append: bool, otherwise: str) -> Maker:  # noqa: ARG001 - the template knows
    def make(source: Source, output: Output) -> Processor:
        if file.fields:
            return Processor(_by_fields(file, source, output, otherwise))
        if "tag" not in file.names:
            return _into(partial(output.write, result_key(file, source, "")))
        names: dict[str, str] = {}

        def process(tag: str, line: str) -> Sequence[Record]:
            name = names.get(tag)
            if name is None:
                name = names[tag] = result_key(file, source, tag)
            output.write(name, line)
            return ()

        return Processor(process)

    return make


def _by_fields(
    file: ResultTemplate, source: Source, output: Output, otherwise: str
) -> Callable[[str, str], Sequence[Record]]:
    """Return what writes each record to the result that its fields name."""
    names: dict[tuple[str, ...], str] = {}

    def process(tag: str, line: str) -> Sequence[Record]:
        try:
            key = (tag, *field_texts(file, decode(line)))
        except Misfit as why:
            misfit(line, otherwise, str(why))
            return ((tag, line),)  # to where a sink emits: it is dropped, and counted there
        name = names.get(key)
        if name is None:
            name = names[key] = result_key(file, source, tag, key[1:])
        output.write(name, line)
        return ()

    return process


def _stdout() -> Maker:
    return lambda _source, output: _into(output.print_line)


def _into(sink: Callable[[str], None]) -> Processor:
    def process(_tag: str, line: str) -> Sequence[Record]:
        sink(line)
        return ()

    return Processor(process)


def _names_tag(values: Mapping[str, Any]) -> bool:
    return "tag" in values["file"].names


END_FORM = BuiltinForm(
    "write", {"file": ResultTemplate(DEFAULT_RESULT), "append": False, "otherwise": "reject"}
)
"""What the reserved node `end` does."""


def end_node() -> Maker:
    """Return the maker of the reserved node `end`."""
    return _write(**END_FORM.values)


def drop_node() -> Maker:
    """Return the maker of the reserved node `drop`."""
    processor = Processor(lambda _tag, _line: ())
    return lambda _source, _output: processor


BUILTINS: dict[str, Builtin] = {
    "write": stateless(
        "Writes the line to a result.",
        _write,
        ({"file": "{stem}.errors{suffix}"}, ["disk full"], ["disk full"]),
        {
            "file": Option(
                "result",
                "the result's name, which may have folders in it (`{tag}/{date}/{name}`): `{name}` is the "
                "input's, `{stem}` and `{suffix}` its parts, `{tag}` the line's tag, `{date}` the day (UTC) "
                "the input was last written; any other placeholder is a field of the record (`{level}`, "
                "`{user.id}`), in which a slash and its like become `%2F`",
                default=DEFAULT_RESULT,
            ),
            "append": Option(
                "flag",
                "add to one result that inputs share, whole inputs one after the other, instead of making a "
                "result for each; readers may follow it, a log rotator may rename it",
                default=False,
            ),
            "otherwise": Option(
                "choice:drop,reject",
                "what to do with a line that is no record with these fields: `drop` or `reject` it",
                default="reject",
            ),
        },
        is_sink=True,
        reads_tag=_names_tag,
    ),
    "stdout": stateless(
        "Prints the line to standard output, at once and outside the guarantees for results.",
        _stdout,
        ({}, ["disk full"], ["disk full"]),
        is_sink=True,
    ),
}
