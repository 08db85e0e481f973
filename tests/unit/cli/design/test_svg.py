"""`--graph svg`: what the picture says, and what it must not do to who opens it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from fproc.cli.design.draw import draw
from fproc.cli.design.svg.picture import Box, svg
from fproc.config.nodes import NodeSpec
from fproc.pipeline.graph import build_graph

SVG = "{http://www.w3.org/2000/svg}"


def picture_of(*nodes: NodeSpec) -> ET.Element:
    graph, problems = build_graph(nodes, [])
    assert problems == []
    return ET.fromstring(draw(graph, "svg"))


def group_of(picture: ET.Element, **data: str) -> ET.Element:
    wanted = {f"data-{name.rstrip('_')}": value for name, value in data.items()}
    return next(
        group
        for group in picture.iter(f"{SVG}g")
        if all(group.get(key) == value for key, value in wanted.items())
    )


def texts_of(group: ET.Element) -> list[str]:
    return [text.text or "" for text in group.iter(f"{SVG}text")]


def test_a_box_says_name_type_and_where_its_lines_go() -> None:
    picture = picture_of(
        NodeSpec("start", "tag_prefix"),
        NodeSpec("alerts", "write", {"file": "{stem}.log"}),
        NodeSpec("sums", "mine.total", next=("end", "drop"), stream=True),
    )
    assert texts_of(group_of(picture, node="start")) == [
        "start",
        "tag_prefix",
        "lines enter",
        "-> the node named by the tag",
    ]
    assert texts_of(group_of(picture, node="alerts")) == ["alerts", "write", "=> {stem}.log"]
    assert texts_of(group_of(picture, node="sums")) == ["sums", "mine.total", "stream"]
    assert texts_of(group_of(picture, node="end")) == ["end", "=> {name}"]
    assert texts_of(group_of(picture, node="drop")) == ["drop", "discards"]


def test_edges_between_two_nodes_are_one_arrow_with_all_their_tags() -> None:
    picture = picture_of(
        NodeSpec("start", "tag", next={"error": ("work",), "warn": ("work",), "*": ("end",)}),
        NodeSpec("work", "trim", next=("end",)),
    )
    assert texts_of(group_of(picture, from_="start", to="work")) == ["error, warn"]
    assert texts_of(group_of(picture, from_="work", to="end")) == []


def test_arrows_that_close_a_cycle_lead_back_and_look_different() -> None:
    picture = picture_of(
        NodeSpec("start", "trim", next=("work",)),
        NodeSpec("work", "mine.work", next={"again": ("work",), "back": ("start",), "*": ("end",)}),
    )
    ends = [("start", "work"), ("work", "work"), ("work", "start"), ("work", "end")]
    kinds = [group_of(picture, from_=source, to=target).get("class") for source, target in ends]
    assert kinds == ["link", "link back", "link back", "link"]


def test_a_node_that_no_line_reaches_looks_different() -> None:
    picture = picture_of(NodeSpec("start", "trim", next=("end",)), NodeSpec("lonely", "trim", next=("end",)))
    assert group_of(picture, node="lonely").get("class") == "node unreached"
    assert group_of(picture, node="start").get("class") == "node"


def test_names_are_text_whatever_is_in_them_and_long_ones_are_whole() -> None:
    name = "</text><script>alert(1)</script>\x1b]0;x\x07\udc80 & 'quoted' \"twice\" " + "long_name_" * 12
    drawing = svg([Box(name)], [(name, name, name)])
    picture = ET.fromstring(drawing)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        *("svg", "title", "style", "rect", "g", "text", "path")
    }
    box = picture.findall(f"{SVG}g")[-1]
    assert "".join(texts_of(box)).replace(" ", "") == (
        name.replace("\x1b", "\\x1b").replace("\x07", "\\x07").replace("\udc80", "\\x80").replace(" ", "")
    )
    assert re.findall(r"(?:href|src|url|@import|on\w+=)", drawing) == []


def test_each_line_of_text_fits_its_box() -> None:
    picture = picture_of(
        NodeSpec("start_" + "x" * 60, "trim", next=("end",)), NodeSpec("start", "trim", next=("end",))
    )
    for group in picture.findall(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        if box is None:
            continue
        left, width = float(box.get("x", "")), float(box.get("width", ""))
        for text in group.iter(f"{SVG}text"):
            assert float(text.get("x", "")) >= left
            assert float(text.get("x", "")) + float(text.get("textLength", "")) <= left + width


def test_it_is_drawn_for_light_and_for_dark_screens() -> None:
    style = picture_of(NodeSpec("start", "trim", next=("end",))).findtext(f"{SVG}style") or ""
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    colours = re.compile(r"\.ground \{ fill: (#\w+) \}")
    assert colours.findall(light) != colours.findall(dark) != []
