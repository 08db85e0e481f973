"""Splitting a line once for all nodes that want its fields.

A node that splits looks ahead: nodes that the same line goes on to, unchanged, may want its fields as well.
If they can all be served by one call, it is made here, and those that come later find it in `Site.splits`.
"""

from __future__ import annotations

from fproc.base.values import replace
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.site import Site, Split
from fproc.pipeline.processors.base import BuiltinForm
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.splits import FieldNeed

MOST_PARTS = 12
"""The most fields of which each one gets a variable of its own."""


def split(code: Generator, at: Site) -> tuple[Site, Split]:
    """Return the fields of the line at a site, with code that splits it unless that was done before."""
    own = _need(code, at.node)
    assert own is not None
    key = (at.line, own.by)
    known = at.splits.get(key)
    if known is not None and _fits(known.size, own):
        return at, known
    new_split = _made(code, at, _combined(own, _needs_after(code, at.node, own.by)))
    return replace(at, splits={**at.splits, key: new_split}), new_split


def part(split: Split, number: int) -> str:
    """Return an expression for a field, counted from 1, that the line has."""
    return split.parts[number - 1] if split.parts else f"{split.listed}[{number - 1}]"


def has(split: Split, number: int) -> str:
    """Return an expression that is true if the line has at least `number` fields."""
    return f"{split.parts[number - 1]} is not None" if split.parts else f"len({split.listed}) >= {number}"


def _need(code: Generator, node: str) -> FieldNeed | None:
    """Return the fields that a node wants, as it declares them."""
    form = code.forms.get(node)
    return BUILTINS[form.name].needs_fields(form.values) if isinstance(form, BuiltinForm) else None


def _needs_after(code: Generator, node: str, separator: str | None) -> list[FieldNeed]:
    """Return what the nodes that the same line can go on to need, with this separator."""
    needs: list[FieldNeed] = []
    visited = [node]
    for name in visited:
        form = code.forms.get(name)
        is_passed = isinstance(form, BuiltinForm) and BUILTINS[form.name].passes_line
        if name not in code.graph.nodes or not is_passed:
            continue
        targets = [target for target in code.graph.followers(name) if target not in visited]
        visited += dict.fromkeys(targets)
        target_needs = [_need(code, target) for target in dict.fromkeys(targets)]
        needs += [need for need in target_needs if need is not None and need.by == separator]
    return needs


def _combined(own: FieldNeed, others: list[FieldNeed]) -> FieldNeed:
    """Return one need that serves `own` and, if possible, the others too."""
    exact = {need.exactly for need in (own, *others) if need.exactly is not None}
    least = max(need.least for need in (own, *others) if need.exactly is None or need is own)
    if len(exact) == 1:
        together = replace(own, least=0, exactly=exact.pop())
        if all(_fits(together.exactly or 0, need) for need in (own, *others)):
            return together
    return own if exact else replace(own, least=least)


def _fits(parts: int, need: FieldNeed) -> bool:
    """Return whether splitting into `parts`, the last one with the rest, serves a need."""
    return parts == need.exactly if need.exactly is not None else need.least < parts


def _made(code: Generator, at: Site, need: FieldNeed) -> Split:
    """Write code that splits a line: into as many variables as it needs, or into a list of what it has."""
    size = need.exactly if need.exactly is not None else need.least + 1
    call = f"{at.line}.split({need.by!r}, {size - 1})"
    if size > MOST_PARTS or (need.exactly is None and at.node in code.short):
        listed = code.new("parts")
        code.write(f"{listed} = {call}")
        return Split(size, listed=listed)
    parts = tuple(code.new(f"field_{number}") for number in range(1, size + 1))
    with code.write.block("try:"):
        code.write(f"{', '.join(parts)}{',' if size == 1 else ''} = {call}")
    with code.write.block("except ValueError:"):
        code.write(f"{code.short_counter(at.node)} += 1")
        code.write(f"{', '.join(parts)}{',' if size == 1 else ''} = padded({call}, {size})")
    return Split(size, parts=parts)
