"""Where boxes, labels and links lie: layers side by side, items as near to their neighbours as they fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fproc.base.values import dataclass
from fproc.cli.design.svg.layers import Ends, Extent, Item, chain, put_in_order, ranks_of

MARGIN_PX = 16
ACROSS_PX = 30
"""Between two layers, where links bend."""

DOWN_PX = 14
"""Between two items of a layer."""

PORT_PX = 14
"""Between the ends of two links at one side of a box, if it is high enough."""

PASSES = 12
"""How often all items are moved towards their neighbours."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Way:
    """A link from its left box to its right one: a straight line through each layer, with bends between them.

    `label` is the middle of the line that its label stands on. An arrow that `is_back` points to the left.
    """

    lines: tuple[tuple[Point, Point], ...]
    label: Point
    is_back: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where everything lies: the middle of each box, each link between two of them, and the size of all."""

    boxes: Mapping[str, Point]
    ways: Mapping[Ends, Way]
    width_px: float
    height_px: float


def lay_out(boxes: Mapping[str, Extent], labels: Mapping[Ends, Extent], first: Sequence[str]) -> Drawing:
    """Return where everything lies.

    Args:
        boxes: the size of each box, which is as high below its middle as above it, with what is to stay free
            below it.
        labels: each link between two different boxes, with the size of its label.
        first: the boxes that ways begin at.
    """
    ranks, closing = ranks_of(list(boxes), labels, first)
    items = {name: Item(extent, ranks[name]) for name, extent in boxes.items()}
    layers: list[list[Item]] = [[] for _ in range(max(ranks.values()) + 1)]
    for item in items.values():
        layers[item.rank].append(item)
    chains = {}
    for ends, label in labels.items():
        left, right = (items[name] for name in (reversed(ends) if ends in closing else ends))
        chains[ends] = [left, *chain(left, right, label, layers), right]
    put_in_order(layers)
    _set_heights(layers)
    width_px, sides = _set_columns(layers)
    height_px = _shift_down(layers)
    ports = _ports(chains)
    ways = {ends: _way(chains[ends], sides, ports, is_back=ends in closing) for ends in labels}
    return Drawing({name: (item.x_px, item.y_px) for name, item in items.items()}, ways, width_px, height_px)


def _set_heights(layers: list[list[Item]]) -> None:
    for layer in layers:
        _spread(layer, lambda _: 0.0)
    for number in range(PASSES):
        if number % 2:
            for layer in reversed(layers):
                _spread(layer, lambda item: _mean_y(item.after, item))
        else:
            for layer in layers:
                _spread(layer, lambda item: _mean_y(item.before, item))


def _mean_y(others: list[Item], item: Item) -> float:
    return sum([other.y_px for other in others]) / len(others) if others else item.y_px


def _spread(layer: list[Item], wanted: Callable[[Item], float]) -> None:
    """Put items as near to where they are wanted as their order and the gaps allow.

    It is the least squares fit of an increasing sequence, found by pooling adjacent violators.
    """
    offsets: list[float] = []
    pools: list[tuple[float, int]] = []  # the sum of where their items are wanted, and how many those are
    for index, item in enumerate(layer):
        gap = layer[index - 1].extent.down_px + DOWN_PX + item.extent.up_px if index else 0
        offsets.append((offsets[-1] if offsets else 0) + gap)
        pools.append((wanted(item) - offsets[-1], 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            (total, count), (more, others) = pools[-2:]
            pools[-2:] = [(total + more, count + others)]
    places = [total / count for total, count in pools for _ in range(count)]
    for item, place, offset in zip(layer, places, offsets, strict=True):
        item.y_px = place + offset


def _set_columns(layers: list[list[Item]]) -> tuple[float, list[tuple[float, float]]]:
    """Put layers side by side; return the width of all, and the left and the right side of each layer."""
    sides = []
    left = float(MARGIN_PX)
    for layer in layers:
        width = max((item.extent.width_px for item in layer), default=0)
        for item in layer:
            item.x_px = left + width / 2
        sides.append((left, left + width))
        left += width + ACROSS_PX
    return left - ACROSS_PX + MARGIN_PX, sides


def _shift_down(layers: list[list[Item]]) -> float:
    """Move all to where the picture begins, and return its height."""
    items = [item for layer in layers for item in layer]
    top = min(item.y_px - item.extent.up_px for item in items) - MARGIN_PX
    for item in items:
        item.y_px -= top
    return max(item.y_px + item.extent.down_px for item in items) + MARGIN_PX


Ports = dict[tuple[int, int], float]
"""How far from the middle of a box a link begins or ends there, by the items of both."""


def _ports(chains: Mapping[Ends, list[Item]]) -> Ports:
    """Part the links at each side of a box, in the order of where they lead to."""
    ports = {}
    for box in {id(item): item for items in chains.values() for item in (items[0], items[-1])}.values():
        for side in (box.before, box.after):
            step = min(PORT_PX, (2 * box.extent.up_px - PORT_PX) / max(1, len(side) - 1))
            for number, neighbour in enumerate(sorted(side, key=lambda item: item.y_px)):
                ports[id(box), id(neighbour)] = (number - (len(side) - 1) / 2) * step
    return ports


def _way(items: list[Item], sides: list[tuple[float, float]], ports: Ports, *, is_back: bool) -> Way:
    left, *between, right = items
    begin = (left.x_px + left.extent.width_px / 2, left.y_px + ports[id(left), id(between[0])])
    end = (right.x_px - right.extent.width_px / 2, right.y_px + ports[id(right), id(between[-1])])
    lines = [(begin, (sides[left.rank][1], begin[1]))]
    for item in between:
        begin_x, end_x = sides[item.rank]
        lines.append(((begin_x, item.y_px), (end_x, item.y_px)))
    lines.append(((sides[right.rank][0], end[1]), end))
    return Way(tuple(lines), (between[0].x_px, between[0].y_px), is_back)
