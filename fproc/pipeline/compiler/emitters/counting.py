"""The code for built-ins that count, join or split lines. Their state stays in their objects.

Where a record cannot go on, such a node has done its work already, so the interpreter takes it from there.
"""

from __future__ import annotations

from fproc.pipeline.compiler import fields as splitting
from fproc.pipeline.compiler.emitters.called import any_processor
from fproc.pipeline.compiler.emitters.common import Values, accepted_by, for_each
from fproc.pipeline.compiler.emitters.steps import step
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.compiler.writer import filled
from fproc.pipeline.processors.base import StepKind
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.counting.tally import counted_field


def emit_count(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that numbers a line, or counts it and swallows it."""
    template = values["template"]
    if template is not None and template.positions:
        return any_processor(code, at)
    counter = code.fetched("counter", at.node, f"run.target({at.node!r})")
    code.write(f"{counter}.number += 1")
    if values["total"]:
        return _swallowed(code, at)
    line = code.new("line")
    text = "{number} {line}" if template is None else template.text
    code.write(f"{line} = {filled(text, {'number': f'{counter}.number', 'line': at.line})}")
    return _made(code, at, line, at)


def emit_join(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that holds lines until there are enough to make one of them."""
    join = code.fetched("join", at.node, f"run.target({at.node!r})")
    held = code.fetched_anew("held", at.node, f"{join}.held")
    with code.write.block(f"if not {held}:"):
        code.write(f"{join}.tag = {at.tag_code}")
    code.write(f"{held}.append({at.line})")
    with code.write.block(f"if len({held}) != {values['lines']}:"):
        swallowed = _swallowed(code, at)
    with code.write.block("else:"):
        tag, line = code.new("tag"), code.new("line")
        code.write(f"{tag}, {line} = {join}.tag, {values['separator']!r}.join({held})")
        code.write(f"{held}.clear()")
        return _made(code, at, line, at.tagged_by(tag)) + swallowed


def emit_split(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that goes on with each part of a line, if all of them can."""
    pushed: Terms = []
    test = code.route_test(at)
    with code.write.block(f"if {test or 'True'}:"):
        reached = [code.counted("reached", at.node)]
        parts, part = code.new("parts"), code.new("part")
        code.write(f"{parts} = {at.line}.split({values['separator']!r})")
        with for_each(code, at, part, parts):
            code.onward(at, part, at, list)
    if test:
        with code.write.block("else:"):
            pushed = code.push(at)
    code.add(code.received, at.node, reached)
    return reached + pushed


def emit_tally(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that counts a line by one of its fields; a field that is new is left to the object."""
    if code.step_kind(at.node) is not None:
        return _tally_of_records(code, at, values)
    need = BUILTINS["tally"].needs_fields(values)
    if need is None:
        return any_processor(code, at)
    rows = code.fetched_anew("rows", at.node, f"run.target({at.node!r}).rows")
    at, split = splitting.split(code, at)
    key = code.new("key")
    part, has = splitting.part(split, need.least), splitting.has(split, need.least)
    code.write(f"{key} = {part} if {has} else {values['default']!r}")
    with code.write.block("try:"):
        code.write(f"{rows}[{key}][0] += 1")
    with code.write.block("except KeyError:"):
        code.write(f"run.target({at.node!r}).add({key}, {at.line})")
    return _swallowed(code, at)


def _tally_of_records(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that counts a record by one field, if that is text or a whole number that came before.

    All else is left to the step of the node.
    """
    field = counted_field(values)
    if not isinstance(field, str) or "." in field or not (at.record or field in at.values):
        return step(code, at, StepKind.SELECT)
    row, row_of = code.new("row"), code.fetched_anew("row_of", at.node, f"run.target({at.node!r}).rows.get")
    key, by_number = at.values.get(field, ""), ""
    if key:  # a text, a whole number or None: no value that equals a number counts as another text
        by_number = code.fetched_anew("by_number", at.node, "{}")
        code.write(f"{row} = {row_of}({key}) if type({key}) is str else {by_number}.get({key})")
    else:
        key = code.new("key")
        code.write(f"{key} = {at.record}.get({field!r})")
        text = f"{key} if type({key}) is str else repr({key}) if type({key}) is int else None"
        code.write(f"{row} = {row_of}({text})")
    with code.write.block(f"if {row} is not None:"):
        code.write(f"{row}[0] += 1")
        swallowed = _swallowed(code, at)
    with code.write.block("else:"):
        if by_number:
            with code.write.block(f"if type({key}) is int:"):
                code.write(f"{by_number}[{key}] = {row_of}(repr({key}))")
        return swallowed + step(code, at, StepKind.SELECT)


def _swallowed(code: Generator, at: Site) -> Terms:
    dropped = code.dropped(at)
    code.add(code.received, at.node, dropped)
    return dropped


def _made(code: Generator, at: Site, line: str, after: Site) -> Terms:
    """Go on with the one line that a node has made."""
    given = f"({after.tag_code}, {line})"
    emitted, refused = code.onward(at, line, after, lambda: accepted_by(code, at, given))
    code.add(code.received, at.node, emitted)
    return emitted + refused


EMITTERS = {"count": emit_count, "join": emit_join, "split": emit_split, "tally": emit_tally}
