"""The pipeline drawn as text, as Mermaid and as DOT."""

from __future__ import annotations

import re

import pytest

from fproc.cli.arguments.table import ACTIONS
from fproc.cli.design.draw import draw
from fproc.config.input_format import FileRule
from fproc.config.nodes import NodeSpec
from fproc.pipeline.graph import Graph, build_graph


def graph_of(*nodes: NodeSpec, starts: tuple[str, ...] = ()) -> Graph:
    graph, problems = build_graph(nodes, [FileRule(start, match="*") for start in starts])
    assert problems == []
    return graph


def pipeline() -> Graph:
    return graph_of(
        NodeSpec("start", "tag", next={"error": ("alerts", "format"), "*": ("format",)}),
        NodeSpec("format", "rewrite", next=("end",)),
        NodeSpec("alerts", "write", {"file": "{stem}.alerts.log"}),
    )


def nodes_of_mermaid(drawing: str) -> dict[str, str]:
    """The label of each node by its identifier."""
    return dict(re.findall(r'^ *(\w+)\(?\[+"(.*?)"\]+\)?$', drawing, re.MULTILINE))


def edges_of_mermaid(drawing: str) -> set[tuple[str, str, str]]:
    found = re.findall(r'^ *(\w+) (?:-->|-- "(.*?)" -->) (\w+)$', drawing, re.MULTILINE)
    return {(source, tag, target) for source, tag, target in found}


def test_the_text_names_each_node_its_type_and_its_routes() -> None:
    assert draw(pipeline(), "text").splitlines() == [
        "start (tag)  <- lines enter",
        "    [error] -> alerts, format",
        "    [*] -> format",
        "format (rewrite)",
        "    -> end",
        "alerts (write)",
        "    => {stem}.alerts.log",
    ]


def test_the_text_marks_every_entry_and_every_stream() -> None:
    drawing = draw(
        graph_of(
            NodeSpec("start", "trim", next=("end",)),
            NodeSpec("csv", "mine.total", next=("end",), stream=True),
            starts=("csv",),
        ),
        "text",
    )
    assert "start (trim)  <- lines enter" in drawing
    assert "csv (mine.total, stream)  <- lines enter" in drawing


def test_the_text_tells_routes_by_tag_from_sinks() -> None:
    lines = draw(graph_of(NodeSpec("start", "tag_prefix"), NodeSpec("screen", "stdout")), "text").splitlines()
    assert "tag" in lines[1]
    assert "standard output" in lines[3]


def test_a_sink_without_a_file_name_writes_to_the_name_of_the_input() -> None:
    assert "=> {name}" in draw(graph_of(NodeSpec("start", "write")), "text")


def test_mermaid_draws_each_node_and_each_edge() -> None:
    drawing = draw(pipeline(), "mermaid")
    labels = nodes_of_mermaid(drawing)
    assert drawing.startswith("flowchart ")
    named = {
        label.partition(":")[0]: identifier
        for identifier, label in labels.items()
        if label.partition(":")[0] in {"start", "format", "alerts", "end"}
    }
    assert edges_of_mermaid(drawing) == {
        (named["start"], "error", named["alerts"]),
        (named["start"], "error", named["format"]),
        (named["start"], "*", named["format"]),
        (named["format"], "", named["end"]),
    }


@pytest.mark.parametrize("name", ["end", "graph", "a b", "a-->b", "subgraph", "ä", "1"])
def test_mermaid_never_uses_a_name_as_an_identifier(name: str) -> None:
    nodes = [NodeSpec("start", "trim", next=(name,))]
    nodes += [] if name == "end" else [NodeSpec(name, "trim", next=("end",))]
    labels = nodes_of_mermaid(draw(graph_of(*nodes), "mermaid"))
    assert all(re.fullmatch(r"n\d+", identifier) for identifier in labels)
    assert any(label.partition(":")[0] == name for label in labels.values())


def test_mermaid_escapes_quotes() -> None:
    drawing = draw(graph_of(NodeSpec("start", "trim", next={'say "hi"': ("end",)})), "mermaid")
    assert 'say "hi"' not in drawing
    assert '"say #quot;hi#quot;"' in drawing


def test_dot_draws_each_node_and_each_edge() -> None:
    lines = [line.strip() for line in draw(pipeline(), "dot").splitlines()]
    assert lines[0] == "digraph fproc {"
    assert lines[-1] == "}"
    assert {line for line in lines if " -> " in line} == {
        '"start" -> "alerts" [label="error"];',
        '"start" -> "format" [label="error"];',
        '"start" -> "format" [label="*"];',
        '"format" -> "end";',
    }
    for name in ("start", "format", "alerts", "end"):
        assert any(line.startswith(f'"{name}" [label="{name}') for line in lines)


def test_dot_escapes_quotes_and_backslashes() -> None:
    drawing = draw(graph_of(NodeSpec("start", "trim", next={'a"b\\c': ("end",)})), "dot")
    assert '[label="a\\"b\\\\c"]' in drawing


FORMS = next(action.takes["choices"] for action in ACTIONS if action.flag == "--graph")


@pytest.mark.parametrize("form", FORMS)
def test_a_drawing_has_no_line_ending_at_its_end(form: str) -> None:
    assert draw(pipeline(), form) == draw(pipeline(), form).rstrip("\n")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_shows_where_results_go(form: str) -> None:
    assert "{stem}.alerts.log" in draw(pipeline(), form)
