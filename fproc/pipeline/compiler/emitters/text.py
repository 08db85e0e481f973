"""The code for built-ins that change a line, keep it or drop it."""

from __future__ import annotations

from collections.abc import Callable

from fproc.pipeline.compiler import fields as splitting
from fproc.pipeline.compiler.emitters.called import any_processor
from fproc.pipeline.compiler.emitters.common import Values, emit_one, match_test, search_call
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.patterns import expansion, plain_words
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.compiler.writer import filled
from fproc.pipeline.processors.options.splits import names_of_parts
from fproc.pipeline.processors.text import snake_case


def emit_sieve(negation: str) -> Callable[[Generator, Site, Values], Terms]:
    """Return an emitter for a node that drops the lines that match its pattern, or (`not `) all others."""

    def emit(code: Generator, at: Site, values: Values) -> Terms:
        with code.write.block(f"if {negation}({match_test(code, values['pattern'], at.line)}):"):
            dropped = code.dropped(at)
        code.add(code.received, at.node, dropped)
        with code.write.block("else:"):
            return emit_one(code, at, at.line, at) + dropped

    return emit


def emit_mapped(
    expression: Callable[[Generator, Values, str], str],
) -> Callable[[Generator, Site, Values], Terms]:
    """Return an emitter for a node that makes one line out of each, by an expression."""

    def emit(code: Generator, at: Site, values: Values) -> Terms:
        line = code.new("line")
        code.write(f"{line} = {expression(code, values, at.line)}")
        return emit_one(code, at, line, at)

    return emit


def emit_replace(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that replaces what matches a pattern."""
    pattern, new = values["pattern"], values["with"]
    words = plain_words(pattern)
    line = code.new("line")
    if "\\" in new:
        expanded = expansion(pattern, new)
        by = repr(new) if expanded is None else code.fetched("new", at.node, f"lambda match: {expanded}")
        code.write(f"{line} = {code.constant('sub', pattern.sub)}({by}, {at.line})")
        with code.write.block(f"if not ({line}.isascii() or encodable({line})):"):
            pushed = code.push(at)
        with code.write.block("else:"):
            return emit_one(code, at, line, at) + pushed
    if words and len(words) == 1:
        code.write(f"{line} = {at.line}.replace({words[0]!r}, {new!r})")
    else:
        code.write(f"{line} = {code.constant('sub', pattern.sub)}({new!r}, {at.line})")
    return emit_one(code, at, line, at)


def _misfit(code: Generator, at: Site, line: str, otherwise: str) -> tuple[Terms, Terms]:
    """Write what happens to a line that does not fit; return the terms of those dropped and handed over.

    With `keep`, it goes on in the variable of the new line.
    """
    if otherwise == "keep":
        code.write(f"{line} = {at.line}")
        return [], []
    if otherwise == "drop":
        return code.dropped(at), []
    return [], code.push(at)


def _reformed(code: Generator, at: Site, fits: str, new_line: str, otherwise: str) -> Terms:
    """Write code that makes a new line if a condition holds."""
    line = code.new("line")
    if otherwise == "keep":
        code.write(f"{line} = {new_line} if {fits} else {at.line}")
        return emit_one(code, at, line, at)
    with code.write.block(f"if {fits}:"):
        code.write(f"{line} = {new_line}")
        terms = emit_one(code, at, line, at)
    with code.write.block("else:"):
        dropped, pushed = _misfit(code, at, line, otherwise)
    code.add(code.received, at.node, dropped)
    return terms + dropped + pushed


def emit_fields(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that makes a new line of the fields of the old one."""
    template = values["template"]
    if template.positions:
        return any_processor(code, at)
    needed = template.highest_number
    if not needed:
        return _reformed(code, at, "True", filled(template.text, {"0": at.line}), values["otherwise"])
    at, split = splitting.split(code, at)
    expressions = {
        "0": at.line,
        **{name: splitting.part(split, int(name)) for name in template.names if name != "0"},
    }
    return _reformed(
        code, at, splitting.has(split, needed), filled(template.text, expressions), values["otherwise"]
    )


def emit_rewrite(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that makes a new line of what groups of a pattern matched."""
    pattern, template = values["pattern"], values["template"]
    if not pattern.groupindex.keys() >= {*template.positions}:
        return any_processor(code, at)
    names = names_of_parts(pattern)
    if names and not template.positions:
        return _rewrite_parts(code, at, values, names)
    match = code.new("match")
    code.write(f"{match} = {search_call(code, pattern)}({at.line})")
    names = [name for name in dict.fromkeys(template.names) if name != "0"]
    expressions = {"0": f"{match}[0]"}
    line = code.new("line")
    with code.write.block(f"if {match}:"):
        if names:
            groups = {pattern.groupindex[name]: code.new("group", name) for name in names}
            expressions |= {name: groups[pattern.groupindex[name]] for name in names}
            wanted = [groups.get(number, "_") for number in range(1, pattern.groups + 1)]
            code.write(f'{", ".join(wanted)}{"," if len(wanted) == 1 else ""} = {match}.groups("")')
        code.write(f"{line} = {filled(template.text, expressions)}")
        terms = [] if values["otherwise"] == "keep" else emit_one(code, at, line, at)
    with code.write.block("else:"):
        dropped, pushed = _misfit(code, at, line, values["otherwise"])
    if values["otherwise"] == "keep":
        return emit_one(code, at, line, at)
    code.add(code.received, at.node, dropped)
    return terms + dropped + pushed


def _rewrite_parts(code: Generator, at: Site, values: Values, names: list[str]) -> Terms:
    """Write code for a pattern that does no more than split a line into parts with these names."""
    at, split = splitting.split(code, at)
    parts = {name: splitting.part(split, number) for number, name in enumerate(names, 1)}
    text = filled(values["template"].text, {**parts, "0": at.line})
    with code.write.block(f"if {chr(10)!r} in {at.line}:"):  # which no dot matches
        pushed = code.push(at)
    with code.write.block("else:"):
        fits = splitting.has(split, len(names))
        return _reformed(code, at, fits, text, values["otherwise"]) + pushed


EMITTERS = {
    "filter": emit_sieve("not "),
    "drop_matching": emit_sieve(""),
    "uppercase": emit_mapped(lambda _code, _values, line: f"{line}.upper()"),
    "lowercase": emit_mapped(lambda _code, _values, line: f"{line}.lower()"),
    "trim": emit_mapped(lambda _code, _values, line: f"{line}.strip()"),
    "snakecase": emit_mapped(
        lambda code, _values, line: f"{code.constant('snake_case', snake_case)}({line})"
    ),
    "replace": emit_replace,
    "rewrite": emit_rewrite,
    "fields": emit_fields,
}
