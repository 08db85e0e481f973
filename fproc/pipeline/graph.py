"""Nodes and routes, checked: which node an emitted record goes to, and in what order nodes finish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fproc.base.errors import Problem
from fproc.base.text import nearest
from fproc.base.values import dataclass
from fproc.config.input_format import FileRule
from fproc.config.nodes import Next, NodeSpec
from fproc.pipeline.processors.builtins import BUILTINS

START = "start"
END = "end"
DROP = "drop"
ANY = "*"
RESERVED = (END, DROP)
"""Nodes that are always there: the default result, and nothing at all."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked graph. `nodes` holds the user's nodes in the order in which they are declared.

    `sinks` are those, and `END`, at which lines end because they are written somewhere.
    """

    nodes: Mapping[str, NodeSpec]
    entries: tuple[str, ...]
    sinks: tuple[str, ...]

    def targets(self, node: str, tag: str) -> tuple[str, ...]:
        """Return the nodes that a record goes to from `node` with `tag`; empty if there is no route.

        What a sink emits, it does not write: that is dropped.
        """
        route = self.nodes[node].next
        if isinstance(route, tuple):
            return route
        if route is not None:
            return route.get(tag, route.get(ANY, ()))
        if is_sink(self.nodes[node]):
            return (DROP,)
        return (tag,) if tag in self.nodes or tag in RESERVED else ()

    def edges(self) -> list[tuple[str, str, str]]:
        """Return every declared edge, as (from, tag or "", to)."""
        edges = []
        for name, node in self.nodes.items():
            if isinstance(node.next, tuple):
                edges += [(name, "", target) for target in node.next]
            elif node.next is not None:
                edges += [(name, tag, target) for tag, targets in node.next.items() for target in targets]
        return edges

    def followers(self, node: str) -> list[str]:
        """Return the user's nodes that a record may go to from one; all others, if its tag alone decides."""
        route = self.nodes[node].next
        if route is None:
            return [] if is_sink(self.nodes[node]) else [name for name in self.nodes if name != node]
        targets = route if isinstance(route, tuple) else [to for tos in route.values() for to in tos]
        return [target for target in targets if target in self.nodes]

    def finish_order(self) -> list[str]:
        """Return the nodes so that each one comes after those that feed it, cycles aside.

        At the end of a file the nodes finish in this order: what one of them still emits reaches nodes
        that have not finished yet; where that leaves a choice, in the order in which they are declared.
        It is the reverse of a depth-first search's postorder (Tarjan 1976).
        """
        followers = {name: self.followers(name) for name in self.nodes}
        order: list[str] = []
        visited: set[str] = set()
        for root in reversed(list(self.nodes)):
            stack = [(root, reversed(followers[root]))] if root not in visited else []
            visited.add(root)
            while stack:
                name, waiting = stack[-1]
                step = next((other for other in waiting if other not in visited), None)
                if step is None:
                    order.append(name)
                    stack.pop()
                else:
                    visited.add(step)
                    stack.append((step, reversed(followers[step])))
        return order[::-1]

    def unreachable(self) -> list[str]:
        """Return nodes that no line can reach: none if a reachable node without `next` may reach any."""
        reached = list(self.entries)
        for name in reached:
            if name not in self.nodes:
                continue
            if self.nodes[name].next is None and not is_sink(self.nodes[name]):
                return []
            reached += [target for target in dict.fromkeys(self.followers(name)) if target not in reached]
        return [name for name in self.nodes if name not in reached]


def is_builtin(node: NodeSpec) -> bool:
    """Return whether a node is a built-in, whose options are no secrets."""
    return node.type in BUILTINS


def is_sink(node: NodeSpec) -> bool:
    """Return whether lines end at this node because its type writes them somewhere."""
    return node.type in BUILTINS and BUILTINS[node.type].is_sink


def build_graph(nodes: Iterable[NodeSpec], files: Iterable[FileRule]) -> tuple[Graph, list[Problem]]:
    """Return the graph of these nodes, and what is wrong with it."""
    problems: list[Problem] = []
    by_name: dict[str, NodeSpec] = {}
    for node in nodes:
        if node.tag in {*RESERVED, ANY}:
            hint = "route to it, but do not define it" if node.tag in RESERVED else ""
            problems.append(Problem(f"{node.path}.tag", f"{node.tag!r} is a reserved name", hint))
        elif node.tag in by_name:
            first = f"the first is {by_name[node.tag].path}"
            problems.append(Problem(f"{node.path}.tag", f"a second node {node.tag!r}", first))
        else:
            by_name[node.tag] = node
    if START not in by_name:
        what = f"no node has the tag {START!r}, where lines enter"
        problems.append(Problem("$.nodes", what, nearest(START, list(by_name))))
    for node in by_name.values():
        problems += _route_problems(node, [*by_name, *RESERVED])
    starts = [(f"$.files[{index}].start", rule.start) for index, rule in enumerate(files) if rule.start]
    problems += [_unknown(path, start, list(by_name)) for path, start in starts if start not in by_name]
    entries = dict.fromkeys(name for name in (START, *dict(starts).values()) if name in by_name)
    sinks = (END, *(name for name, node in by_name.items() if is_sink(node)))
    return Graph(by_name, tuple(entries), sinks), problems


def _route_problems(node: NodeSpec, targets: list[str]) -> list[Problem]:
    path = f"{node.path}.next"
    problems = [
        _unknown(target_path, name, targets)
        for target_path, name in _named(node.next, path)
        if name not in targets
    ]
    if node.next is not None and is_sink(node):
        what = f"lines end at a {node.type!r} node, so it has no next"
        problems.append(Problem(path, what, "list both nodes in the next of the node before it"))
    return problems


def _named(route: Next, path: str) -> list[tuple[str, str]]:
    """Return every node that a `next` names, with its JSON path."""
    if route is None:
        return []
    if isinstance(route, tuple):
        return [(f"{path}[{i}]" if len(route) > 1 else path, name) for i, name in enumerate(route)]
    return [pair for tag, names in route.items() for pair in _named(names, f"{path}.{tag}")]


def _unknown(path: str, name: str, known: list[str]) -> Problem:
    hint = nearest(name, known) or "the nodes are " + ", ".join(known)
    return Problem(path, f"unknown node {name!r}", hint)
