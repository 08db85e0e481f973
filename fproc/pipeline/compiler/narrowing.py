"""Records of which only those fields are made that someone needs.

A parser looks ahead: if what follows declares which fields of its records it needs, and nobody wants all of
them as text, no others are made. Where a record goes to the interpreter after all, it is made anew, whole.
"""

from __future__ import annotations

from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.graph import DROP
from fproc.pipeline.processors.base import BuiltinForm, StepKind
from fproc.pipeline.processors.builtins import BUILTINS


def needed_behind(code: Generator, node: str) -> frozenset[str] | None:
    """Return the fields that are needed of the records that a node emits; None is all.

    It is found once for each node: many ways may lead to one. Where a way leads back, all are needed.
    """
    if node not in code.needs:
        code.needs[node] = None
        code.needs[node] = _needed_along(code, node)
    return code.needs[node]


def _needed_along(code: Generator, node: str) -> frozenset[str] | None:
    route = code.graph.nodes[node].next
    if route is None:
        return None
    needed: frozenset[str] = frozenset()
    for target in route if isinstance(route, tuple) else {to for targets in route.values() for to in targets}:
        needed_there = _needed_at(code, target)
        if needed_there is None:
            return None
        needed |= needed_there
    return needed


def _needed_at(code: Generator, node: str) -> frozenset[str] | None:
    """Return the fields that are needed of the records that a node receives, there and behind it."""
    if node == DROP:
        return frozenset()
    form, kind = code.forms.get(node), code.step_kind(node)
    if not isinstance(form, BuiltinForm) or kind in {None, StepKind.PARSE}:
        return None
    builtin = BUILTINS[form.name]
    if kind is StepKind.EDIT and builtin.remembers(form.values):
        return None  # it cannot be done again, to make a whole record
    return builtin.fields_before(form.values, needed_behind(code, node))
