"""A second reading of the contract's routing, written apart from the engine: recursive, whole, slow.

It knows nothing of blocks, counts or errors. What the engine gives must be what this gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Step = Callable[[str, str], Iterable[tuple[str, str]]]


@dataclass
class Node:
    """A node as a test makes it up: fresh `step` for each run, `next` as in `pipeline.json`."""

    make: Callable[[], Step]
    next: str | list[str] | Mapping[str, str | list[str]] | None
    finish: Callable[[Step], Iterable[str]] | None = None


@dataclass
class Run:
    """What came out, and how often each edge was used."""

    results: dict[str, list[str]] = field(default_factory=dict)
    dropped: int = 0


def targets(node: Node, tag: str) -> list[str]:
    """Where a record goes, by the letter of the contract."""
    route = node.next
    if isinstance(route, Mapping):
        route = route.get(tag) or route["*"]
    if route is None:
        route = tag
    return [route] if isinstance(route, str) else list(route)


def run(nodes: Mapping[str, Node], sinks: Mapping[str, str], lines: Iterable[str]) -> Run:
    """Push each line through all of the graph before the next one is read."""
    outcome = Run()
    steps = {name: node.make() for name, node in nodes.items()}

    def push(name: str, tag: str, line: str) -> None:
        if name == "drop":
            outcome.dropped += 1
        elif name in sinks:
            outcome.results.setdefault(sinks[name], []).append(line)
        else:
            for out_tag, out_line in list(steps[name](tag, line)):
                for target in targets(nodes[name], out_tag):
                    push(target, out_tag, out_line)

    for line in lines:
        push("start", "start", line)
    return outcome
