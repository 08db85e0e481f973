"""What `--check` warns of: a pipeline that is valid and will hardly do what was meant.

Only what is certain is said. Which tags a node may give is known of built-ins that declare it; of users'
processors it is not, and nothing is said of what comes from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fproc.base.text import nearest
from fproc.base.values import dataclass
from fproc.config.nodes import NodeSpec
from fproc.pipeline.graph import ANY, is_sink
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import BuiltinForm
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options import Template

SHARED_NAMES = {"suffix", "tag", "date"}
"""What in the name of a result does not tell one input from another."""


@dataclass(slots=True)
class _Came:
    """The tags that records may come with, and whether they may come with any other."""

    tags: set[str]
    may_be_any: bool = False

    def add(self, tags: set[str], *, may_be_any: bool = False) -> bool:
        """Add some; return whether that is news."""
        is_news = not tags <= self.tags or (may_be_any and not self.may_be_any)
        self.tags |= tags
        self.may_be_any = self.may_be_any or may_be_any
        return is_news


def configuration_warnings(plan: Plan) -> list[str]:
    """Return what looks like a mistake in a pipeline, a message each."""
    came = _came(plan)
    found = [f"no line can reach the node {name!r}" for name in plan.graph.unreachable()]
    for name, node in plan.graph.nodes.items():
        if is_sink(node):
            found += _of_sink(plan, name, node)
        else:
            given = _given(plan, name, came[name])
            if given is not None and (came[name].tags or came[name].may_be_any):
                found += _of_tags(plan, name, node, given)
    return found


def _came(plan: Plan) -> dict[str, _Came]:
    """Return which tags records may come to each node with."""
    nodes = plan.graph.nodes
    came = {name: _Came({name} if name in plan.graph.entries else set()) for name in nodes}
    waiting = list(plan.graph.entries)
    while waiting:
        name = waiting.pop()
        if is_sink(nodes[name]):
            continue
        for target, tags, may_be_any in list(_sent(plan, name, _given(plan, name, came[name]))):
            if target in came and came[target].add(tags, may_be_any=may_be_any):
                waiting.append(target)
    return came


def _given(plan: Plan, name: str, came: _Came) -> set[str] | None:
    """Return the tags that a node may give, or None where that may be any."""
    form = plan.forms.get(name)
    if not isinstance(form, BuiltinForm):
        return None
    builtin = BUILTINS[form.name]
    own = builtin.gives_tags(form.values)
    if own is None or builtin.sets_tag(form.values):
        return None if own is None else {*own}
    return None if came.may_be_any else {*own, *came.tags}


def _sent(plan: Plan, name: str, given: set[str] | None) -> Iterator[tuple[str, set[str], bool]]:
    """Yield where records go from a node, with which tags, and whether with any other."""
    if given is not None:
        for tag in given:
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


def _of_tags(plan: Plan, name: str, node: NodeSpec, given: set[str]) -> Iterator[str]:
    """Yield what is wrong with the ways of a node's records, whose tags are known."""
    for tag in sorted(given):
        what = f"{node.path}: what leaves {name!r} with the tag {tag!r}"
        if node.next is None and tag == name:
            yield f"{what} comes back to it again and again, up to limits.max_hops; give it a 'next'"
        elif not plan.graph.targets(name, tag):
            where = "no node has that name" if node.next is None else f"'next' has neither it nor {ANY!r}"
            yield f"{what} has no way to go: {where}"
    for tag in node.next if isinstance(node.next, Mapping) else ():
        if tag != ANY and tag not in given:
            hint = nearest(tag, sorted(given))
            what = f"{node.path}.next.{tag}: nothing leaves {name!r} with that tag"
            yield what + (f"; {hint}" if hint else "")


def _of_sink(plan: Plan, name: str, node: NodeSpec) -> Iterator[str]:
    """Yield what is wrong with the name of a result."""
    form = plan.forms.get(name)
    template = form.values.get("file") if isinstance(form, BuiltinForm) else None
    if isinstance(template, Template) and set(template.names) <= SHARED_NAMES:
        is_replaced = plan.config.on_conflict == "replace"
        becomes = "each replaces the one before" if is_replaced else "later ones get ~2, ~3 and so on"
        what = f"{node.path}.config.file: several inputs have a result {template.text!r}, of which {becomes}"
        yield f"{what}; put {{name}} or {{stem}} into it"
