"""The code that is generated for each kind of node."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from typing import Any

from fproc.pipeline.compiler import fields as splitting
from fproc.pipeline.compiler.generator import Emitters, Generator
from fproc.pipeline.compiler.patterns import is_anchored, plain_prefix, plain_words
from fproc.pipeline.compiler.site import Shape, Site, Terms
from fproc.pipeline.compiler.steps import step
from fproc.pipeline.compiler.writer import filled
from fproc.pipeline.processors.base import UserForm
from fproc.pipeline.processors.text import snake_case

Values = Mapping[str, Any]

FEW_TEXTS = 4
"""The most texts that are compared one by one in less time than a look-up in a table takes."""

FEW_SITES = 24
"""The most sites up to which a way is written once for each tag, so that each copy knows its tag."""


def _matches(code: Generator, pattern: re.Pattern[str], line: str) -> str:
    """Return an expression that is true if a line matches a pattern."""
    words, prefix = plain_words(pattern), plain_prefix(pattern)
    if words:
        return " or ".join(f"{word!r} in {line}" for word in words)
    if prefix:
        return f"{line}.startswith({prefix!r})"
    return f"{_search(code, pattern)}({line})"


def _search(code: Generator, pattern: re.Pattern[str]) -> str:
    return (
        code.constant("match", pattern.match)
        if is_anchored(pattern)
        else code.constant("search", pattern.search)
    )


def _one(code: Generator, at: Site, line: str, after: Site) -> Terms:
    """Go on with the one record that a built-in makes."""
    emitted, refused = code.onward(at, line, after, lambda: code.push(at))
    code.add(code.received, at.node, emitted)
    return emitted + refused


def _sieve(negation: str) -> Callable[[Generator, Site, Values], Terms]:
    """Return an emitter for a node that drops the lines that match its pattern, or (`not `) all others."""

    def emit(code: Generator, at: Site, values: Values) -> Terms:
        with code.write.block(f"if {negation}({_matches(code, values['pattern'], at.line)}):"):
            dropped = code.dropped(at)
        code.add(code.received, at.node, dropped)
        with code.write.block("else:"):
            return _one(code, at, at.line, at) + dropped

    return emit


def _mapped(
    expression: Callable[[Generator, Values, str], str],
) -> Callable[[Generator, Site, Values], Terms]:
    """Return an emitter for a node that makes one line out of each, by an expression."""

    def emit(code: Generator, at: Site, values: Values) -> Terms:
        line = code.new("line")
        code.write(f"{line} = {expression(code, values, at.line)}")
        return _one(code, at, line, at)

    return emit


def _replace(code: Generator, at: Site, values: Values) -> Terms:
    pattern, new = values["pattern"], values["with"]
    words = plain_words(pattern)
    line = code.new("line")
    if "\\" in new:
        code.write(f"{line} = {code.constant('sub', pattern.sub)}({new!r}, {at.line})")
        with code.write.block(f"if not encodable({line}):"):
            pushed = code.push(at)
        with code.write.block("else:"):
            return _one(code, at, line, at) + pushed
    if words and len(words) == 1:
        code.write(f"{line} = {at.line}.replace({words[0]!r}, {new!r})")
    else:
        code.write(f"{line} = {code.constant('sub', pattern.sub)}({new!r}, {at.line})")
    return _one(code, at, line, at)


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
        return _one(code, at, line, at)
    with code.write.block(f"if {fits}:"):
        code.write(f"{line} = {new_line}")
        terms = _one(code, at, line, at)
    with code.write.block("else:"):
        dropped, pushed = _misfit(code, at, line, otherwise)
    code.add(code.received, at.node, dropped)
    return terms + dropped + pushed


def _fields(code: Generator, at: Site, values: Values) -> Terms:
    template = values["template"]
    if template.positions:
        return any_processor(code, at)
    needed = template.highest_number
    if not needed:
        return _reformed(code, at, "True", filled(template.text, {"0": at.line}), values["otherwise"])
    at, split = splitting.split(code, at, values["separator"])
    expressions = {
        "0": at.line,
        **{name: splitting.part(split, int(name)) for name in template.names if name != "0"},
    }
    return _reformed(
        code, at, splitting.has(split, needed), filled(template.text, expressions), values["otherwise"]
    )


def _rewrite(code: Generator, at: Site, values: Values) -> Terms:
    pattern, template = values["pattern"], values["template"]
    if not pattern.groupindex.keys() >= {*template.positions}:
        return any_processor(code, at)
    match = code.new("match")
    code.write(f"{match} = {_search(code, pattern)}({at.line})")
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
        terms = [] if values["otherwise"] == "keep" else _one(code, at, line, at)
    with code.write.block("else:"):
        dropped, pushed = _misfit(code, at, line, values["otherwise"])
    if values["otherwise"] == "keep":
        return _one(code, at, line, at)
    code.add(code.received, at.node, dropped)
    return terms + dropped + pushed


def _tag(code: Generator, at: Site, values: Values) -> Terms:
    choices = [(_matches(code, pattern, at.line), tag) for tag, pattern in values["rules"].items()]
    return _choose(code, at, choices, values["default"])


def _tag_field(code: Generator, at: Site, values: Values) -> Terms:
    if not code.tag_matters_after(at.node):
        return _one(code, at, at.line, at.tagged_unasked())
    at, split = splitting.split(code, at, values["separator"])
    key = code.new("key")
    field = values["field"]
    if split.parts:
        key = splitting.part(split, field)
    else:
        code.write(f"{key} = {splitting.part(split, field)} if {splitting.has(split, field)} else None")
    tags, default = values["tags"], values["default"]
    texts: dict[str, list[str]] = {}
    for text, tag in tags.items():
        texts.setdefault(tag, []).append(text)
    if len(tags) > FEW_TEXTS:
        look_up = code.constant("look_up", tags.get)
        found_tag = code.new("tag")
        if len(texts) > FEW_TEXTS:
            otherwise = at.tag_code if default is None else repr(default)
            code.write(f"{found_tag} = {look_up}({key}, {otherwise})")
            return _one(code, at, at.line, at.tagged_by(found_tag))
        code.write(f"{found_tag} = {look_up}({key})")
        key, texts = found_tag, {tag: [tag] for tag in texts}
    choices = [
        (" or ".join(f"{key} == {text!r}" for text in matching), tag) for tag, matching in texts.items()
    ]
    return _choose(code, at, choices, default)


def _choose(code: Generator, at: Site, choices: list[tuple[str, str]], default: str | None) -> Terms:
    """Write code that takes the tag of the first condition that holds, a branch each where that matters."""
    otherwise = at if default is None else at.tagged(default)
    if not choices:
        return _one(code, at, at.line, otherwise)
    if not code.tag_matters_after(at.node):
        return _one(code, at, at.line, at.tagged_unasked())
    is_one_way = isinstance(code.graph.nodes[at.node].next, tuple)
    if is_one_way and (1 + len(choices)) * code.sites_after(at.node) > FEW_SITES:
        tag = code.new("tag")
        chain = "".join(f"{tag_text!r} if {condition} else " for condition, tag_text in choices)
        code.write(f"{tag} = {chain}{otherwise.tag_code}")
        return _one(code, at, at.line, at.tagged_by(tag))
    terms: Terms = []
    opening = "if"
    for condition, tag_text in choices:
        with code.write.block(f"{opening} {condition}:"):
            terms += _one(code, at, at.line, at.tagged(tag_text))
        opening = "elif"
    with code.write.block("else:"):
        return terms + _one(code, at, at.line, otherwise)


def _tag_prefix(code: Generator, at: Site, values: Values) -> Terms:
    tag, found, rest = code.new("tag"), code.new("found"), code.new("line")
    code.write(f"{tag}, {found}, {rest} = {at.line}.partition({values['separator']!r})")
    with code.write.block(f"if not {found}:"):
        default = at.told_tag_code if values["default"] is None else repr(values["default"])
        code.write(f"{tag}, {rest} = {default}, {at.line}")
    return _one(code, at, rest, at.tagged_by(tag))


def _write(code: Generator, at: Site, values: Values) -> Terms:
    file = code.named("file", values["file"])
    if values["file"].fields:
        return code.push(at)
    if "tag" not in values["file"].names:
        return _taken(code, at, code.fetched("lines", at.node, f"run.lines({file}, '')"))
    if at.tag is not None:
        return _taken(
            code, at, code.fetched("lines", f"{at.node}_{at.tag}", f"run.lines({file}, {at.tag!r})")
        )
    by_tag = code.fetched("lines_by_tag", at.node, f"run.lines_by_tag({file})")
    with code.write.block("try:"):
        code.write(f"{by_tag}[{at.tag_name}].append({at.line})")
    with code.write.block("except ValueError:"):
        pushed = code.push(at)
    with code.write.block("else:"):
        written = [code.counted("written", at.node)]
    code.add(code.received, at.node, written)
    return written + pushed


def _stdout(code: Generator, at: Site, _values: Values) -> Terms:
    return _taken(code, at, code.fetched("lines", at.node, "run.printed()"))


def _taken(code: Generator, at: Site, lines: str) -> Terms:
    """Write code that appends the line to a list. If no other site does so, its length is the count."""
    written = [code.written(at.node, lines, at.line)]
    code.add(code.received, at.node, written)
    return written


def any_processor(code: Generator, at: Site) -> Terms:
    """Write code that calls the processor as the interpreter does, and goes on with each record of it."""
    reached = code.counted("reached", at.node)
    process = code.fetched("process", at.node, f"run.process({at.node!r})")
    given, tag, line = code.new("given"), code.new("tag"), code.new("line")
    with code.write.block("try:"):
        code.write(f"{given} = {process}({at.tag_code}, {at.line})")
    with code.write.block("except BaseException as error:"):
        code.write(f"fail({at.node!r}, {at.told_tag_code}, {at.line}, error)")
    loop = f"for {tag}, {line} in checked({at.node!r}, {at.tag_code}, {at.line}, {given}):"
    with code.write.block("else:"), code.write.block(loop):
        code.onward(at, line, at.tagged_by(tag), list)
    # `checked` and `fail` have counted what was received and emitted: not each received record is emitted
    code.emitted.pop(at.node, None)
    return [reached]


def user(code: Generator, at: Site, form: UserForm) -> Terms:
    """Write code that calls a user's function or method, and goes on with the line or pair it returns."""
    if form.gives_many:
        return any_processor(code, at)
    if form.is_class:
        call = code.fetched("object", at.node, f"run.target({at.node!r})") + ".process"
    else:
        call = code.named(f"call_{at.node}", form.target)
    given = code.new("given", at.node)
    with code.write.block("try:"):
        code.write(f"{given} = {call}({at.line}{'' if form.is_class else _options(code, form.config)})")
    with code.write.block("except BaseException as error:"):
        failed = [code.counted("failed", at.node)]
        code.write(f"fail({at.node!r}, {at.told_tag_code}, {at.line}, error)")
    with code.write.block("else:"):
        return _given(code, at, given) + failed


def _given(code: Generator, at: Site, given: str) -> Terms:
    """Write code that goes on with a processor's result; the interpreter takes any of no known shape."""

    def accept() -> Terms:
        counter = code.counted("accepted", at.node)
        code.write(f"accept({at.node!r}, {at.told_tag_code}, {at.line}, {given}, {at.hops})")
        return [counter]

    shapes = code.shapes.get(at.node, {Shape.LINE})
    if shapes == {Shape.LINE}:
        with code.write.block(f"if {_is_fit(at, given)}:"):
            emitted, refused = code.onward(at, given, at, accept)
    else:
        emitted, refused = _given_pair(code, at, given, accept, is_always=shapes == {Shape.PAIR})
    with code.write.block(f"elif {given} is None:"):
        dropped = code.dropped(at)
    with code.write.block("else:"):
        accepted = accept()
    code.add(code.received, at.node, emitted + dropped)
    return emitted + dropped + refused + accepted


def _given_pair(
    code: Generator, at: Site, given: str, accept: Callable[[], Terms], *, is_always: bool
) -> tuple[Terms, Terms]:
    """Write code that goes on with a (tag, line), or a line if not `is_always`; an `elif` may follow."""
    tag, line = code.new("tag"), code.new("line")
    with code.write.block(f"if type({given}) is tuple{'' if is_always else f' or type({given}) is str'}:"):
        with code.write.block("try:"):
            tagged = f"({at.told_tag_code}, {given})"
            pair = given if is_always else f"{given} if type({given}) is tuple else {tagged}"
            code.write(f"{tag}, {line} = {pair}")
        with code.write.block("except ValueError:"):
            accepted = accept()
        with code.write.block("else:"):
            with code.write.block(f"if type({tag}) is str and ({_is_fit(at, line)}):"):
                emitted, refused = code.onward(at, line, at.tagged_by(tag), accept)
            with code.write.block("else:"):
                accepted += accept()
    return emitted, refused + accepted


def _is_fit(at: Site, line: str) -> str:
    """Return a condition that is true if a value is a line that can go on; the received one always can."""
    is_new = f'type({line}) is str and {line}[-1:] != "\\n" and ({line}.isascii() or encodable({line}))'
    return f"{line} is {at.line} or {is_new}"


def _options(code: Generator, config: Values) -> str:
    """Return a node's `config` as the arguments of a call."""
    if all(key.isidentifier() and not keyword.iskeyword(key) for key in config):
        return "".join(f", {key}={code.named(f'option_{key}', value)}" for key, value in config.items())
    return f", **{code.constant('options', dict(config))}"


_BUILTINS: dict[str, Callable[[Generator, Site, Values], Terms]] = {
    "filter": _sieve("not "),
    "drop_matching": _sieve(""),
    "uppercase": _mapped(lambda _code, _values, line: f"{line}.upper()"),
    "lowercase": _mapped(lambda _code, _values, line: f"{line}.lower()"),
    "trim": _mapped(lambda _code, _values, line: f"{line}.strip()"),
    "snakecase": _mapped(lambda code, _values, line: f"{code.constant('snake_case', snake_case)}({line})"),
    "replace": _replace,
    "rewrite": _rewrite,
    "fields": _fields,
    "tag": _tag,
    "tag_field": _tag_field,
    "tag_prefix": _tag_prefix,
    "write": _write,
    "stdout": _stdout,
}
"""Emitters of the built-ins that have code of their own; every other one is called."""

EMITTERS = Emitters(_BUILTINS, step, user, any_processor)
