"""Layers from left to right, after Sugiyama: which layer a box is in, and the order within each layer.

Boxes stand in the even layers. A link has a place for its label in the odd layer behind its left end, so
that labels are laid out as boxes are, and bends in each further layer. A link that closes a cycle is turned
round for all that: it is drawn as an arrow to the left.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from itertools import groupby

from fproc.base.values import dataclass, field

SWEEPS = 24
"""How often the order of all layers is improved, at most."""

RANKS_APART = 2
"""How many layers the ends of a link are apart, at least: there is one for labels between two of boxes."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of an item, in pixels; `up_px` and `down_px` count from the line that leads through it."""

    width_px: float
    up_px: float
    down_px: float


BEND = Extent(0, 4, 4)
"""The size of the place where a link passes through a layer."""


@dataclass(slots=True)
class Item:
    """What lies in a layer: a box, a label, or a bend of a link.

    `before` and `after` are its neighbours in the layers beside its own, `index` is its place in the layer,
    `x_px` and `y_px` are where the line that leads through it has its middle.
    """

    extent: Extent
    rank: int
    before: list[Item] = field(default_factory=list)
    after: list[Item] = field(default_factory=list)
    index: int = 0
    x_px: float = 0.0
    y_px: float = 0.0


Ends = tuple[str, str]
"""The names of the boxes at the ends of a link."""


def ranks_of(
    names: Sequence[str], links: Iterable[Ends], first: Iterable[str]
) -> tuple[dict[str, int], set[Ends]]:
    """Return the layer of each box, which is the longest way to it, and the links that close a cycle.

    Args:
        names: those of all boxes.
        links: those between two boxes, each once.
        first: the boxes that ways begin at.
    """
    targets: dict[str, list[str]] = {name: [] for name in names}
    for source, target in links:
        targets[source].append(target)
    followed = {target for others in targets.values() for target in others}
    roots = [*first, *(name for name in names if name not in followed), *names]
    finished, closing = _depth_first(targets, roots)
    ranks = dict.fromkeys(names, 0)
    for name in reversed(finished):
        for target in targets[name]:
            if (name, target) not in closing:
                ranks[target] = max(ranks[target], ranks[name] + RANKS_APART)
    return ranks, closing


def _depth_first(targets: dict[str, list[str]], roots: list[str]) -> tuple[list[str], set[Ends]]:
    """Return boxes in the order in which a depth-first search leaves them, and links that close a cycle."""
    finished: list[str] = []
    closing: set[Ends] = set()
    is_open: dict[str, bool] = {}
    for root in roots:
        stack = [(root, iter(targets[root]))] if root not in is_open else []
        is_open.setdefault(root, True)
        while stack:
            name, waiting = stack[-1]
            target = next(waiting, None)
            if target is None:
                is_open[name] = False
                finished.append(name)
                stack.pop()
            elif target not in is_open:
                is_open[target] = True
                stack.append((target, iter(targets[target])))
            elif is_open[target]:
                closing.add((name, target))
    return finished, closing


def chain(left: Item, right: Item, label: Extent, layers: list[list[Item]]) -> list[Item]:
    """Put a link into all layers between two boxes; return its items, of which the first is its label."""
    items = [
        Item(label if rank == left.rank + 1 else BEND, rank) for rank in range(left.rank + 1, right.rank)
    ]
    for item in items:
        layers[item.rank].append(item)
    for one, other in zip([left, *items], [*items, right], strict=True):
        one.after.append(other)
        other.before.append(one)
    return items


def put_in_order(layers: list[list[Item]]) -> None:
    """Order each layer so that few links cross: each item to the mean place of its neighbours, to and fro."""
    for layer in layers:
        _number(layer)
    fewest, best = _crossings(layers), [list(layer) for layer in layers]
    for sweep in range(SWEEPS):
        if not fewest:
            break
        for layer in layers[-2::-1] if sweep % 2 else layers[1:]:
            _sort(layer, is_by_after=bool(sweep % 2))
        crossings = _crossings(layers)
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in layers]
    for layer, ordered in zip(layers, best, strict=True):
        layer[:] = ordered
        _number(layer)


def _number(layer: list[Item]) -> None:
    for index, item in enumerate(layer):
        item.index = index


def _sort(layer: list[Item], *, is_by_after: bool) -> None:
    def wanted(item: Item) -> float:
        others = item.after if is_by_after else item.before
        return sum([other.index for other in others]) / len(others) if others else item.index

    layer.sort(key=wanted)
    _number(layer)


def _crossings(layers: list[list[Item]]) -> int:
    return sum(map(_crossings_behind, layers))


def _crossings_behind(layer: list[Item]) -> int:
    """Return how many pairs of links cross between a layer and the next one."""
    ends = sorted((item.index, other.index) for item in layer for other in item.after)
    crossings = 0
    seen: list[int] = []
    for _, same_begin in groupby(ends, key=lambda pair: pair[0]):
        lasts = [end for _, end in same_begin]
        crossings += sum(len(seen) - bisect_right(seen, end) for end in lasts)
        for end in lasts:
            insort(seen, end)
    return crossings
