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
    stateless,
)
from fproc.pipeline.processors.options.result_names import APPENDED, is_result_name
from fproc.pipeline.processors.options.templates import Template
from fproc.pipeline.records import Record

DEFAULT_RESULT = "{name}"
"""The template of `end`: a result of the input's own name."""


def result_key(template: Template, source: Source, tag: str) -> str:
    """Return what a run calls the result that a line with this tag goes to: its name, marked if it appends.

    Raises:
        ValueError: as `fill_result_name`.
    """
    name = fill_result_name(template, source, tag)
    return f"{APPENDED}{name}" if template.appends else name


def fill_result_name(template: Template, source: Source, tag: str) -> str:
    """Return the name of the result that a line with this tag goes to.

    Raises:
        ValueError: the tag or the input's name made it something that no result can be called. Only the
            template makes folders; a tag with a slash in it makes none.
    """
    stem, dot, suffix = source.name.rpartition(".")
    if not stem:
        stem, dot, suffix = source.name, "", ""
    name = template.fill(name=source.name, stem=stem, suffix=dot + suffix, tag=tag, date=source.date)
    if not is_result_name(name) or not is_encodable(name) or name.count("/") != template.text.count("/"):
        raise ValueError(f"{name!r} cannot be the name of a result: each of its parts must be a plain name")
    return name


def _write(*, file: Template, append: bool) -> Maker:  # noqa: ARG001 - the template knows
    def make(source: Source, output: Output) -> Processor:
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


def _stdout() -> Maker:
    return lambda _source, output: _into(output.print_line)


def _into(sink: Callable[[str], None]) -> Processor:
    def process(_tag: str, line: str) -> Sequence[Record]:
        sink(line)
        return ()

    return Processor(process)


def _names_tag(values: Mapping[str, Any]) -> bool:
    return "tag" in values["file"].names


END_FORM = BuiltinForm("write", {"file": Template(DEFAULT_RESULT), "append": False})
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
                "result:name,stem,suffix,tag,date",
                "the result's name, which may have folders in it (`{tag}/{date}/{name}`): `{name}` is the "
                "input's, `{stem}` and `{suffix}` its parts, `{tag}` the line's tag, `{date}` the day (UTC) "
                "the input was last written",
                default=DEFAULT_RESULT,
            ),
            "append": Option(
                "flag",
                "add to one result that inputs share, whole inputs one after the other, instead of making a "
                "result for each; readers may follow it, a log rotator may rename it",
                default=False,
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
