"""The code for sinks: a line is added to the list of its result."""

from __future__ import annotations

from fproc.pipeline.compiler.emitters.common import Values
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.site import Site, Terms


def emit_write(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that adds a line to the result that the node names."""
    file = code.named("file", values["file"])
    if values["file"].fields:
        return _by_fields(code, at, file, needs_tag="tag" in values["file"].names)
    if "tag" not in values["file"].names:
        return _taken(code, at, code.fetched("lines", at.node, f"run.lines({file}, '')"))
    if at.tag is not None:
        return _taken(
            code, at, code.fetched("lines", f"{at.node}_{at.tag}", f"run.lines({file}, {at.tag!r})")
        )
    by_tag = code.fetched("lines_by_tag", at.node, f"run.lines_by_tag({file})")
    return _tried(code, at, f"{by_tag}[{at.tag_name}]", "ValueError")


def _by_fields(code: Generator, at: Site, file: str, *, needs_tag: bool) -> Terms:
    """Write code that adds a line to the result that its record names."""
    lines_of = code.fetched("lines_of", at.node, f"run.lines_by_fields({file})")
    at = code.with_record(at)
    record, tag = at.record or f"decode({at.line})", at.tag_code if needs_tag else "''"
    return _tried(code, at, f"{lines_of}({record}, {tag})", "Exception")


def _tried(code: Generator, at: Site, lines: str, refusal: str) -> Terms:
    """Write code that appends the line to a list, or leaves it to the interpreter if there is an error."""
    with code.write.block("try:"):
        code.write(f"{lines}.append({at.line})")
    with code.write.block(f"except {refusal}:"):
        pushed = code.push(at)
    with code.write.block("else:"):
        written = [code.counted("written", at.node)]
    code.add(code.received, at.node, written)
    return written + pushed


def emit_stdout(code: Generator, at: Site, _values: Values) -> Terms:
    """Write code that adds a line to what is printed."""
    return _taken(code, at, code.fetched("lines", at.node, "run.printed()"))


def _taken(code: Generator, at: Site, lines: str) -> Terms:
    """Write code that appends the line to a list. If no other site does so, its length is the count."""
    written = [code.written(at.node, lines, at.line)]
    code.add(code.received, at.node, written)
    return written


EMITTERS = {"write": emit_write, "stdout": emit_stdout}
