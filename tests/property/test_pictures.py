"""Whatever the graph: its picture has all nodes and edges, nothing lies on anything else, and it is XML."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from fproc.cli.design.svg.layers import Ends, Extent
from fproc.cli.design.svg.picture import Box, svg
from fproc.cli.design.svg.places import MARGIN_PX, Drawing, Point, lay_out

SVG = "{http://www.w3.org/2000/svg}"

NAME = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cn", "Cf", "Co"]), min_size=1
)
SIZE = st.integers(8, 300)

Rectangle = tuple[float, float, float, float]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str, str]]]:
    names = draw(st.lists(NAME, min_size=1, max_size=10, unique=True))
    end = st.sampled_from(names)
    return names, draw(st.lists(st.tuples(end, st.sampled_from(["", "a", "<b>&"]), end), max_size=24))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[dict[str, Extent], dict[Ends, Extent], Drawing]:
    names, links = draw(graphs())
    halves = {name: draw(SIZE) for name in names}
    boxes = {name: Extent(draw(SIZE), half, half + draw(SIZE)) for name, half in halves.items()}
    ends = dict.fromkeys((source, target) for source, _, target in links if source != target)
    labels = {pair: Extent(draw(SIZE), draw(SIZE), 4) for pair in ends}
    return boxes, labels, lay_out(boxes, labels, draw(st.lists(st.sampled_from(names), max_size=2)))


def rectangle(middle: Point, extent: Extent) -> Rectangle:
    x, y = middle
    half = extent.width_px / 2
    return x - half, y - extent.up_px, x + half, y + extent.down_px


def have_common(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def taken(boxes: dict[str, Extent], labels: dict[Ends, Extent], layout: Drawing) -> Iterator[Rectangle]:
    for name, extent in boxes.items():
        yield rectangle(layout.boxes[name], extent)
    for ends, extent in labels.items():
        yield rectangle(layout.ways[ends].label, extent)


@given(layouts())
def test_no_box_and_no_label_lies_on_another_one_or_outside(
    all_of_it: tuple[dict[str, Extent], dict[Ends, Extent], Drawing],
) -> None:
    layout = all_of_it[2]
    rectangles = list(taken(*all_of_it))
    assert not [pair for pair in combinations(rectangles, 2) if have_common(*pair)]
    for left, top, right, bottom in rectangles:
        assert left >= MARGIN_PX - 0.01
        assert top >= MARGIN_PX - 0.01
        assert right <= layout.width_px - MARGIN_PX + 0.01
        assert bottom <= layout.height_px - MARGIN_PX + 0.01


@given(layouts())
def test_a_link_begins_and_ends_at_its_boxes_and_crosses_no_other_one(
    all_of_it: tuple[dict[str, Extent], dict[Ends, Extent], Drawing],
) -> None:
    boxes, _, layout = all_of_it
    rectangles = {name: rectangle(layout.boxes[name], extent) for name, extent in boxes.items()}
    for ends, way in layout.ways.items():
        left, right = reversed(ends) if way.is_back else ends
        assert way.lines[0][0][0] == rectangles[left][2]
        assert way.lines[-1][1][0] == rectangles[right][0]
        for name, place in ((left, way.lines[0][0]), (right, way.lines[-1][1])):
            assert abs(place[1] - layout.boxes[name][1]) <= boxes[name].up_px
        xs = [x for line in way.lines for x, _ in line]
        assert xs == sorted(xs)  # it bends between layers only, where no box is
        others = [rectangles[name] for name in boxes if name not in ends]
        for (begin_x, y), (end_x, _) in way.lines:
            assert not [other for other in others if have_common((begin_x, y, end_x, y), other)]


@given(graphs())
def test_a_picture_is_xml_with_each_node_once_each_edge_once_and_all_names(
    graph: tuple[list[str], list[tuple[str, str, str]]],
) -> None:
    names, links = graph
    root = ET.fromstring(svg([Box(name, is_entry=name == names[0]) for name in names], links))
    groups = list(root.iter(f"{SVG}g"))
    nodes = [group for group in groups if group.get("data-node") is not None]
    assert sorted(str(group.get("data-node")) for group in nodes) == sorted(names)
    edges = [(group.get("data-from"), group.get("data-to")) for group in groups if group.get("data-from")]
    assert sorted(edges) == sorted({(source, target) for source, _, target in links})
    for group in nodes:
        assert "".join(text.text or "" for text in group.iter(f"{SVG}text")) == group.get("data-node")
    for group in groups:
        ends = group.get("data-from"), group.get("data-to")
        tags = [tag for source, tag, target in links if (source, target) == ends and tag]
        said = "".join(text.text or "" for text in group.iter(f"{SVG}text"))
        assert not group.get("data-from") or said.replace(" ", "") == ",".join(tags)
