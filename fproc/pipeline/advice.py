"""The warnings of `--check`: a pipeline that is valid, but hardly does what was meant.

Only certain ones are given. The tags that a built-in may set are known if it declares them; those of users'
processors are not, so there is no warning about what they emit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fproc.base.errors import Problem
from fproc.base.text import nearest
from fproc.base.values import dataclass
from fproc.config.nodes import NodeSpec
from fproc.pipeline.graph import ANY, is_sink
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import BuiltinForm
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.templates import ResultTemplate, asked_fields

SHARED_NAMES = {"suffix", "tag", "date"}
"""Placeholders in the name of a result that do not tell one input from another."""


@dataclass(slots=True)
class _ReceivedTags:
    """The tags that received records may have, and whether they may have any other."""

    tags: set[str]
    may_be_any: bool = False

    def add(self, tags: set[str], *, may_be_any: bool = False) -> bool:
        """Add some tags; return whether that changes anything."""
        is_new = not tags <= self.tags or (may_be_any and not self.may_be_any)
        self.tags |= tags
        self.may_be_any = self.may_be_any or may_be_any
        return is_new


def configuration_warnings(plan: Plan) -> list[str]:
    """Return a message for each thing in a pipeline that looks wrong."""
    received = _received_tags(plan)
    warnings = [f"no line can reach the node {name!r}" for name in plan.graph.unreachable()]
    for name, node in plan.graph.nodes.items():
        if is_sink(node):
            warnings += _of_sink(plan, name, node)
        else:
            emitted = _emitted_tags(plan, name, received[name])
            if emitted is not None and (received[name].tags or received[name].may_be_any):
                warnings += _of_tags(plan, name, node, emitted)
    return warnings


def _received_tags(plan: Plan) -> dict[str, _ReceivedTags]:
    """Return the tags that records may have when they come to each node."""
    nodes = plan.graph.nodes
    received = {name: _ReceivedTags({name} if name in plan.graph.entries else set()) for name in nodes}
    waiting = list(plan.graph.entries)
    while waiting:
        name = waiting.pop()
        if is_sink(nodes[name]):
            continue
        for target, tags, may_be_any in list(_sent(plan, name, _emitted_tags(plan, name, received[name]))):
            if target in received and received[target].add(tags, may_be_any=may_be_any):
                waiting.append(target)
    return received


def _emitted_tags(plan: Plan, name: str, received: _ReceivedTags) -> set[str] | None:
    """Return the tags of the records that a node may emit, or None where that may be any."""
    form = plan.forms.get(name)
    if not isinstance(form, BuiltinForm):
        return None
    builtin = BUILTINS[form.name]
    own = builtin.gives_tags(form.values)
    if own is None or builtin.sets_tag(form.values):
        return None if own is None else {*own}
    return None if received.may_be_any else {*own, *received.tags}


def _sent(plan: Plan, name: str, emitted: set[str] | None) -> Iterator[tuple[str, set[str], bool]]:
    """Yield each node that records go to from a node, their tags, and whether they may have any other."""
    if emitted is not None:
        for tag in emitted:
            yield from ((target, {tag}, False) for target in plan.graph.targets(name, tag))
        return
    route = plan.graph.nodes[name].next
    if route is None:
        yield from ((target, {target}, False) for target in plan.graph.nodes)
    elif isinstance(route, tuple):
        yield from ((target, set(), True) for target in route)
    else:
        for tag, targets in route.items():
            yield from ((to, set() if tag == ANY else {tag}, tag == ANY) for to in targets)


def _of_tags(plan: Plan, name: str, node: NodeSpec, emitted: set[str]) -> Iterator[str]:
    """Yield what is wrong with the routes of a node whose tags are known."""
    for tag in sorted(emitted):
        what = f"{node.path}: what leaves {name!r} with the tag {tag!r}"
        if node.next is None and tag == name:
            yield f"{what} comes back to it again and again, up to limits.max_hops; give it a 'next'"
        elif not plan.graph.targets(name, tag):
            where = "no node has that name" if node.next is None else f"'next' has neither it nor {ANY!r}"
            yield f"{what} has no way to go: {where}"
    for tag in node.next if isinstance(node.next, Mapping) else ():
        if tag != ANY and tag not in emitted:
            hint = nearest(tag, sorted(emitted))
            what = f"{node.path}.next.{tag}: nothing leaves {name!r} with that tag"
            yield what + (f"; {hint}" if hint else "")


def _of_sink(plan: Plan, name: str, node: NodeSpec) -> Iterator[str]:
    """Yield what is wrong with the name of a result."""
    form = plan.forms.get(name)
    template = form.values.get("file") if isinstance(form, BuiltinForm) else None
    if not isinstance(template, ResultTemplate):
        return
    for field in template.fields:
        if hint := nearest(field, list(template.known)):
            yield f"{node.path}.config.file: {{{field}}} is taken for a field of the record; {hint}"
    if set(template.names) - set(template.fields) <= SHARED_NAMES and not template.appends:
        is_replaced = plan.config.on_conflict == "replace"
        becomes = "each replaces the one before" if is_replaced else "later ones get ~2, ~3 and so on"
        what = f"{node.path}.config.file: several inputs have a result {template.text!r}, of which {becomes}"
        yield f'{what}; put {{name}} or {{stem}} into it, or let all of them "append" to one'


def unknown_fields(plan: Plan) -> list[Problem]:
    """Return a problem for each name in a template that no record has, where their fields are known."""
    return fields_unknown_among(plan, _known_fields(plan), "the records that come here")


def fields_unknown_among(plan: Plan, known: Mapping[str, frozenset[str] | None], whose: str) -> list[Problem]:
    """Return a problem for each name in a template of a node that is none of the known fields there.

    Args:
        plan: the pipeline.
        known: the fields of records, by the node that they come to; None where they may have any.
        whose: which records those are, in words.
    """
    problems = []
    for name, fields in known.items():
        form = plan.forms.get(name)
        if fields is None or not isinstance(form, BuiltinForm):
            continue
        for asked in asked_fields(form.values):
            if asked not in fields and asked.partition(".")[0] not in fields:
                what = f"{{{asked}}} is no field of {whose}"
                hint = nearest(asked, sorted(fields)) or f"they have {', '.join(sorted(fields))}"
                problems.append(Problem(f"{plan.graph.nodes[name].path}.config", what, hint))
    return problems


def _known_fields(plan: Plan) -> dict[str, frozenset[str] | None]:
    """Return the fields that the records which come to each node may have; None where that may be any."""
    known: dict[str, frozenset[str] | None] = dict.fromkeys(plan.graph.entries, None)
    waiting = list(plan.graph.entries)
    while waiting:
        name = waiting.pop()
        form = plan.forms.get(name)
        after = (
            BUILTINS[form.name].fields_after(form.values, known[name])
            if isinstance(form, BuiltinForm)
            else None
        )
        for target in plan.graph.followers(name):
            before = known.get(target, frozenset())
            joined = None if before is None or after is None else before | after
            if target not in known or joined != before:
                known[target] = joined
                waiting.append(target)
    return known
