"""The code for processors that are called: those of users, and built-ins that have no code of their own."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from fproc.pipeline.compiler.emitters.common import accepted_by, for_each
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.site import Shape, Site, Terms
from fproc.pipeline.processors.base import UserForm, record_of


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
    """Write code that calls a user's function or method, and goes on with what it returns or yields."""
    if form.is_class:
        call = code.fetched("object", at.node, f"run.target({at.node!r})") + ".process"
    else:
        call = code.named(f"call_{at.node}", form.target)
    called = f"{call}({at.line}{'' if form.is_class else _options(code, form.config)})"
    given = code.new("given", at.node)
    shapes = code.shapes.get(at.node, {Shape.LINE})
    has_tags = not shapes.isdisjoint({Shape.PAIR, Shape.RECORDS})
    with code.write.block("try:"):
        if form.gives_many:
            _gathered(code, at, called, given, has_tags=has_tags)
        else:
            code.write(f"{given} = {called}")
    with code.write.block("except BaseException as error:"):
        failed = [code.counted("failed", at.node)]
        code.write(f"fail({at.node!r}, {at.told_tag_code}, {at.line}, error)")
    with code.write.block("else:"):
        if form.gives_many or not shapes.isdisjoint({Shape.LINES, Shape.RECORDS}):
            return _given_many(code, at, given, has_tags=has_tags) + failed
        return _given(code, at, given, shapes) + failed


def _gathered(code: Generator, at: Site, called: str, given: str, *, has_tags: bool) -> None:
    """Write code that lists what is yielded; one that is no record ends it, as in the interpreter."""
    item = code.new("item", at.node)
    code.write(f"{given} = []")
    with code.write.block(f"for {item} in {called}:"):
        plain = f"type({item}) is str"
        if has_tags:
            plain += f" or type({item}) is tuple and len({item}) == 2"
            plain += f" and type({item}[0]) is str and type({item}[1]) is str"
        with code.write.block(f"if not ({plain}):"):
            code.write(f"{item} = {code.named('record_of', record_of)}({item}, {at.tag_code})")
        code.write(f"{given}.append({item})")


def _given_many(code: Generator, at: Site, given: str, *, has_tags: bool) -> Terms:
    """Write code that looks at all of a list, or at a single line, and then goes on with one by one."""
    items, item = code.new("items", at.node), code.new("item", at.node)
    accepted: Terms = []
    tag, line = (code.new("tag"), code.new("line")) if has_tags else ("", item)

    def accept_unless(condition: str) -> None:
        with code.write.block(f"if not ({condition}):"):
            accepted.extend(accepted_by(code, at, given))
            code.write("break")

    code.write(f"{items} = [*{given}] if type({given}) is list else () if {given} is None else ({given},)")
    with code.write.block(f"for {item} in {items}:"):
        own = f"({_is_fit(at, item)}){_and(code.route_test(at))}"
        if has_tags:
            with code.write.block(f"if type({item}) is tuple and len({item}) == 2:"):
                code.write(f"{tag}, {line} = {item}")
                routed = _and(code.route_test(at.tagged_by(tag)))
                accept_unless(f"type({tag}) is str{routed} and ({_is_fit(at, line)})")
            with code.write.block("else:"):
                accept_unless(own)
        else:
            accept_unless(own)
    with code.write.block("else:"):
        reached = [code.counted("reached", at.node)]
        with for_each(code, at, item, items):
            if has_tags:
                code.write(f"{tag}, {line} = {item} if type({item}) is tuple else ({at.tag_code}, {item})")
            code.onward(at, line, at.tagged_by(tag) if has_tags else at, list)
    code.add(code.received, at.node, reached)
    return reached + accepted


def _and(condition: str) -> str:
    return f" and {condition}" if condition else ""


def _given(code: Generator, at: Site, given: str, shapes: AbstractSet[Shape]) -> Terms:
    """Write code that goes on with a processor's result; the interpreter takes any of no known shape."""

    def accept() -> Terms:
        return accepted_by(code, at, given)

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


def _options(code: Generator, config: Mapping[str, Any]) -> str:
    """Return a node's `config` as the arguments of a call."""
    if all(key.isidentifier() and not keyword.iskeyword(key) for key in config):
        return "".join(f", {key}={code.named(f'option_{key}', value)}" for key, value in config.items())
    return f", **{code.constant('options', dict(config))}"
