"""The code for nodes that work on structured records: a record goes from one to the next as it is.

A node's step is called with the record that is in a variable, or that is decoded from the line first. Where
it raises anything (it does not fit, or does not become one record or line), the interpreter does the node.
"""

from __future__ import annotations

from fproc.base.values import replace
from fproc.pipeline.compiler.emitters.columns import edit_columns, parse_columns
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.narrowing import needed_behind
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.processors.base import BuiltinForm, StepKind
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.usual import UsualLine


def step(code: Generator, at: Site, kind: StepKind) -> Terms:
    """Write code that takes the step of a node, and goes on with the record or the line that it makes."""
    if kind is StepKind.PARSE and (usual := _usual_line(code, at.node)) is not None:
        return _parse_usual(code, at, usual)
    if kind is StepKind.PARSE and (parsed := parse_columns(code, at)) is not None:
        return parsed
    if kind is StepKind.EDIT and (edited := edit_columns(code, at)) is not None:
        return edited
    call, whole = _call(code, at, kind)
    at = code.with_record(at)
    made = code.new({StepKind.SELECT: "keep", StepKind.FORMAT: "line"}.get(kind, "record"))
    with code.write.block("try:"):
        taken = at.line
        if kind is StepKind.SELECT and not at.record:
            taken = code.new("record")
            code.write(f"{taken} = decode({at.line})")
        elif kind is not StepKind.PARSE:
            taken = at.record or f"decode({at.line})"
        code.write(f"{made} = {call}({taken})")
    with code.write.block("except Exception:"):
        pushed = code.push(at)
    if kind is StepKind.SELECT:
        opening, after = f"if not {made}:", replace(at, record=taken)
    else:
        opening, after = f"if {made} is None:", at.of_text(made)
    if kind in {StepKind.PARSE, StepKind.EDIT}:
        after = at.of_record(made, whole)
    with code.write.block("else:"):
        with code.write.block(opening):
            dropped = code.dropped(at)
        with code.write.block("else:"):
            emitted, refused = code.onward(at, after.line, after, lambda: code.push(at))
    code.add(code.received, at.node, emitted + dropped)
    return emitted + dropped + refused + pushed


def _usual_line(code: Generator, node: str) -> UsualLine | None:
    """Return the look of the usual lines of a parser, if there is one and only some fields are needed."""
    form, needed = code.forms[node], needed_behind(code, node)
    if not isinstance(form, BuiltinForm) or not needed:
        return None
    usual = BUILTINS[form.name].usual_line(form.values, needed)
    return usual if usual is not None and usual.fields else None


def _parse_usual(code: Generator, at: Site, usual: UsualLine) -> Terms:
    """Write code that finds the values in a usual line itself, and calls the parser for any other line."""
    call, whole = _call(code, at, StepKind.PARSE)
    match, found, record = code.constant("match", usual.match), code.new("found"), code.new("record")
    is_usual = f"{usual.without!r} not in {at.line} and ({found} := {match}({at.line})) is not None"
    values = {field: code.new("value", field) for field in usual.fields}
    with code.write.block("try:"):
        with code.write.block(f"if {is_usual}:"):
            texts = dict.fromkeys(values, f"{found}[1]")
            if len(values) > 1:
                code.write(f"{', '.join(values.values())} = {found}.groups()")
                texts = values
            for field, convert in usual.fields.items():
                if convert is not str:
                    code.write(f"{values[field]} = {code.named('convert', convert)}({texts[field]})")
                elif texts[field] != values[field]:
                    code.write(f"{values[field]} = {texts[field]}")
        with code.write.block("else:"):
            code.write(f"{record} = {call}({at.line})")
            for field, value in values.items():
                code.write(f"{value} = {record}[{field!r}]")
    with code.write.block("except Exception:"):
        pushed = code.push(at)
    with code.write.block("else:"):
        after = at.of_values(values, whole)
        emitted, refused = code.onward(at, after.line, after, lambda: code.push(at))
    code.add(code.received, at.node, emitted)
    return emitted + refused + pushed


def _call(code: Generator, at: Site, kind: StepKind) -> tuple[str, str]:
    """Return the name of a node's step, and an expression for all that it makes, if it does not make all.

    An edit makes all where all is needed behind it: what it needs itself was made for it then.
    """
    needed = needed_behind(code, at.node) if kind is StepKind.PARSE else None
    step_of_all = f"run.step({at.node!r})"
    if needed is None:
        call = code.fetched("step", at.node, step_of_all)
        makes_all = not at.whole or needed_behind(code, at.node) is None
        return call, "" if makes_all else f"{call}({at.whole})"
    call = code.fetched("step", at.node, f"run.narrow_step({at.node!r}, {sorted(needed)})")
    return call, f"{code.fetched('whole', at.node, step_of_all)}({at.line})"
