"""What emitters share: patterns as expressions, and the one record that a built-in makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.patterns import is_anchored, plain_prefix, plain_words
from fproc.pipeline.compiler.site import Site, Terms

Values = Mapping[str, Any]


def match_test(code: Generator, pattern: re.Pattern[str], line: str) -> str:
    """Return an expression that is true if a line matches a pattern."""
    words, prefix = plain_words(pattern), plain_prefix(pattern)
    if words:
        return " or ".join(f"{word!r} in {line}" for word in words)
    if prefix:
        return f"{line}.startswith({prefix!r})"
    return f"{search_call(code, pattern)}({line})"


def search_call(code: Generator, pattern: re.Pattern[str]) -> str:
    """Return the name of a call that returns a match of a pattern in a line, or None."""
    return (
        code.constant("match", pattern.match)
        if is_anchored(pattern)
        else code.constant("search", pattern.search)
    )


def emit_one(code: Generator, at: Site, line: str, after: Site) -> Terms:
    """Go on with the one record that a built-in makes."""
    emitted, refused = code.onward(at, line, after, lambda: code.push(at))
    code.add(code.received, at.node, emitted)
    return emitted + refused


def accepted_by(code: Generator, at: Site, given: str) -> Terms:
    """Write code that has the interpreter take what a node has given, and return the term for it."""
    counter = code.counted("accepted", at.node)
    code.write(f"accept({at.node!r}, {at.told_tag_code}, {at.line}, {given}, {at.hops})")
    return [counter]


@contextmanager
def for_each(code: Generator, at: Site, item: str, items: str) -> Iterator[None]:
    """Write a loop over all that a node emits for a record; its body goes on with one of them.

    They count as emitted together, as in the interpreter, even if one of them then ends the run.
    """
    earlier = [*code.emitted.get(at.node, ())]
    counter = code.counted("emitted", at.node, f"len({items})")
    with code.write.block(f"for {item} in {items}:"):
        yield
    code.emitted[at.node] = [*earlier, counter]
