"""Boxes and links as SVG: one file without scripts, in light and dark, in which all names are whole.

The letters are of one width, and each line says how wide it has to be: so it fits its box in any font.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from fproc.base.text import counted, shown
from fproc.base.values import dataclass
from fproc.cli.design.svg.layers import BEND, Ends, Extent
from fproc.cli.design.svg.places import Drawing, Point, Way, lay_out

NAME_PX, SMALL_PX = 13, 11
"""The sizes of the letters of a name, and of all others."""

LETTER = 0.602
"""The width of a letter, in its sizes: that of usual fonts of one width."""

LINE_PX = 17
PADDING_PX = 12
NARROWEST_PX = 72
ROUND_PX = 20
LOOP_PX = 18
"""How far an arrow from a box to itself leads below it."""

LONGEST_LINE = 36
"""The most columns of a line; a longer name goes on in the next one."""

STYLE = """\
text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #4b5563 }
.name { font-size: 13px; font-weight: 600; fill: #111827 }
.ground { fill: #ffffff }
.box { fill: #f3f4f6; stroke: #6b7280 }
.sink .box { fill: #e6f4ea; stroke: #3f7d58 }
.unreached .box { stroke-dasharray: 4 3 }
.entry { fill: #2563eb }
.link path { fill: none; stroke: #6b7280; stroke-width: 1.3 }
.link .tip { fill: #6b7280; stroke: none }
.back path { stroke: #b45309; stroke-dasharray: 5 3 }
.back .tip { fill: #b45309 }
.back text { fill: #92400e }
@media (prefers-color-scheme: dark) {
text { fill: #aab2c0 }
.name { fill: #f3f4f6 }
.ground { fill: #15181e }
.box { fill: #232833; stroke: #8b94a5 }
.sink .box { fill: #1b3326; stroke: #6fbf8f }
.entry { fill: #7aa7ff }
.link path { stroke: #8b94a5 }
.link .tip { fill: #8b94a5 }
.back path { stroke: #e0a458 }
.back .tip { fill: #e0a458 }
.back text { fill: #e8bd85 }
}"""


@dataclass(frozen=True, slots=True)
class Box:
    """A box with its name and what else it says.

    An `is_entry` is where lines come from outside; none ever comes to an `is_unreached`.
    """

    name: str
    details: tuple[str, ...] = ()
    is_sink: bool = False
    is_entry: bool = False
    is_unreached: bool = False


def svg(boxes: Sequence[Box], links: Iterable[tuple[str, str, str]]) -> str:
    """Return the picture of boxes, and of the links between them: (from, label or "", to)."""
    by_ends: dict[Ends, list[str]] = {}
    for source, label, target in links:
        labels = by_ends.setdefault((source, target), [])
        labels += [shown(label)] if label else []
    lines_of = {ends: _wrapped(", ".join(labels)) for ends, labels in by_ends.items()}
    loops = {source: lines for (source, target), lines in lines_of.items() if source == target}
    between = {ends: lines for ends, lines in lines_of.items() if ends[0] != ends[1]}
    extents = {box.name: _extent(box, loops.get(box.name)) for box in boxes}
    layout = lay_out(
        extents,
        {ends: _label_extent(lines) for ends, lines in between.items()},
        [box.name for box in boxes if box.is_entry],
    )
    drawn = [_link(ends, layout.ways[ends], lines) for ends, lines in between.items()]
    drawn += [_loop(name, layout.boxes[name], extents[name], lines) for name, lines in loops.items()]
    drawn += [_box(box, layout.boxes[box.name], extents[box.name]) for box in boxes]
    return "\n".join([*_head(layout, len(boxes), len(by_ends)), *drawn, "</svg>"])


def _head(layout: Drawing, boxes: int, links: int) -> list[str]:
    size = f'width="{layout.width_px:.0f}" height="{layout.height_px:.0f}"'
    view = f"0 0 {layout.width_px:.0f} {layout.height_px:.0f}"
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} viewBox="{view}">',
        f"<title>Pipeline: {counted(boxes, 'node')}, {counted(links, 'edge')}</title>",
        f"<style>\n{STYLE}\n</style>",
        '<rect class="ground" width="100%" height="100%"/>',
    ]


def _box(box: Box, middle: Point, extent: Extent) -> str:
    left, top = middle[0] - extent.width_px / 2, middle[1] - extent.up_px
    height = 2 * extent.up_px
    kinds = {"sink": box.is_sink, "unreached": box.is_unreached}
    names = " ".join(["node", *(name for name, is_one in kinds.items() if is_one)])
    size = f'width="{extent.width_px:.1f}" height="{height:.1f}" rx="{ROUND_PX if box.is_sink else 6}"'
    parts = [
        f"<title>{_escaped(box.name)}</title>",
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" {size}/>',
    ]
    if box.is_entry:
        bar = f'width="4" height="{height - 12:.1f}"'
        parts.append(f'<rect class="entry" x="{left:.1f}" y="{top + 6:.1f}" {bar}/>')
    names_lines, details_lines = _lines(box)
    y = top + PADDING_PX / 2 + LINE_PX - 5
    for number, line in enumerate([*names_lines, *details_lines]):
        parts.append(_text(line, (middle[0], y + number * LINE_PX), is_name=number < len(names_lines)))
    return _group(names, f'data-node="{_escaped(box.name)}"', parts)


def _link(ends: Ends, way: Way, lines: list[str]) -> str:
    x, y = way.lines[0][0]
    path = f"M{x:.1f} {y:.1f}"
    for (left, at), (right, _) in way.lines:
        bend = (x + left) / 2
        path += f"C{bend:.1f} {y:.1f} {bend:.1f} {at:.1f} {left:.1f} {at:.1f}H{right:.1f}"
        x, y = right, at
    tip = way.lines[0][0] if way.is_back else way.lines[-1][1]
    length = 8 if way.is_back else -8
    parts = [
        f'<path d="{path}"/>',
        f'<path class="tip" d="M{tip[0]:.1f} {tip[1]:.1f}l{length} -4v8z"/>',
        *_label(lines, way.label),
    ]
    return _linked(ends, parts, is_back=way.is_back)


def _loop(name: str, middle: Point, extent: Extent, lines: list[str]) -> str:
    """Draw the arrow from a box to itself, below it."""
    bottom = middle[1] + extent.up_px
    right, left = middle[0] + extent.width_px / 4, middle[0] - extent.width_px / 4
    low = bottom + LOOP_PX
    path = f"M{right:.1f} {bottom:.1f}C{right:.1f} {low:.1f} {left:.1f} {low:.1f} {left:.1f} {bottom:.1f}"
    tip = f"M{left:.1f} {bottom:.1f}l-4 8h8z"
    label = _label(lines, (middle[0], low + len(lines) * LINE_PX))
    return _linked(
        (name, name), [f'<path d="{path}"/>', f'<path class="tip" d="{tip}"/>', *label], is_back=True
    )


def _linked(ends: Ends, parts: list[str], *, is_back: bool) -> str:
    source, target = map(_escaped, ends)
    title = f"<title>{source} to {target}</title>"
    data = f'data-from="{source}" data-to="{target}"'
    return _group("link back" if is_back else "link", data, [title, *parts])


def _group(classes: str, data: str, parts: Iterable[str]) -> str:
    return f'<g class="{classes}" {data}>{"".join(parts)}</g>'


def _label(lines: list[str], foot: Point) -> list[str]:
    """Return the text of a label that stands on a point."""
    last = len(lines) - 1
    return [
        _text(line, (foot[0], foot[1] - 5 - (last - number) * LINE_PX), is_name=False)
        for number, line in enumerate(lines)
    ]


def _text(line: str, foot: Point, *, is_name: bool) -> str:
    width = _width_px(line, NAME_PX if is_name else SMALL_PX)
    kind = ' class="name"' if is_name else ""
    place = f'x="{foot[0] - width / 2:.1f}" y="{foot[1]:.1f}"'
    fitted = f'textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f"<text{kind} {place} {fitted}>{escape(line)}</text>"


def _extent(box: Box, loop: list[str] | None) -> Extent:
    names, details = _lines(box)
    widths = [_width_px(line, NAME_PX) for line in names]
    widths += [_width_px(line, SMALL_PX) for line in [*details, *(loop or ())]]
    half = ((len(names) + len(details)) * LINE_PX + PADDING_PX) / 2
    below = LOOP_PX + len(loop) * LINE_PX if loop is not None else 0
    return Extent(max(NARROWEST_PX, max(widths) + 2 * PADDING_PX), half, half + below)


def _lines(box: Box) -> tuple[list[str], list[str]]:
    return _wrapped(shown(box.name)), [line for text in box.details for line in _wrapped(shown(text))]


def _label_extent(lines: list[str]) -> Extent:
    if not lines:
        return BEND
    width = max(_width_px(line, SMALL_PX) for line in lines)
    return Extent(width + PADDING_PX, len(lines) * LINE_PX + BEND.up_px, BEND.down_px)


def _wrapped(text: str) -> list[str]:
    """Return a text in lines that are not too long, broken after a blank or a sign if there is one."""
    lines = []
    while _columns(text) > LONGEST_LINE:
        end = next(count for count in range(len(text)) if _columns(text[: count + 1]) > LONGEST_LINE)
        breaks = [place + 1 for place in range(end // 2, end) if not text[place].isalnum()]
        cut = breaks[-1] if breaks else end
        lines.append(text[:cut].rstrip())
        text = text[cut:]
    return [*lines, text] if text else lines


def _columns(text: str) -> int:
    return sum(
        _LETTERS.get(unicodedata.east_asian_width(char), 1)
        for char in text
        if not unicodedata.combining(char)
    )


_LETTERS: Mapping[str, int] = {"W": 2, "F": 2}
"""The columns of characters by their East Asian width."""


def _width_px(text: str, size_px: int) -> float:
    return _columns(text) * size_px * LETTER


def _escaped(text: str) -> str:
    return escape(shown(text))
