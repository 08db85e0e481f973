"""The code for nodes that work on structured records: a record goes from one to the next as it is.

A node's step is called with the record that is in a variable, or that is decoded from the line first. Where
it raises anything (it does not fit, or does not become one record or line), the interpreter does the node.
"""

from __future__ import annotations

from fproc.base.values import replace
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.processors.base import StepKind


def step(code: Generator, at: Site, kind: StepKind) -> Terms:
    """Write code that takes the step of a node, and goes on with the record or the line that it makes."""
    call = code.fetched("step", at.node, f"run.step({at.node!r})")
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
        opening, after = f"if {made} is None:", replace(at, line=made, record="")
    if kind in {StepKind.PARSE, StepKind.EDIT}:
        after = at.of_record(made)
    with code.write.block("else:"):
        with code.write.block(opening):
            dropped = code.dropped(at)
        with code.write.block("else:"):
            emitted, refused = code.onward(at, after.line, after, lambda: code.push(at))
    code.add(code.received, at.node, emitted + dropped)
    return emitted + dropped + refused + pushed
