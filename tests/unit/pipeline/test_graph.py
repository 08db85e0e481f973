"""Nodes and routes: what is wrong with them, where records go, in what order nodes finish."""

from __future__ import annotations

import pytest

from fproc.config.input_format import FileRule
from fproc.config.nodes import Next, NodeSpec
from fproc.pipeline.graph import Graph, build_graph

Written = tuple[str, str, Next]
"""A node as a test writes it: tag, type, next."""


def built(written: list[Written], starts: list[str]) -> tuple[Graph, list[str]]:
    nodes = [
        NodeSpec(tag, type_, next=route, path=f"$.nodes[{index}]")
        for index, (tag, type_, route) in enumerate(written)
    ]
    graph, problems = build_graph(nodes, [FileRule(start, match="*") for start in starts])
    return graph, [str(problem) for problem in problems]


def graph_of(*written: Written, starts: tuple[str, ...] = ()) -> Graph:
    graph, problems = built(list(written), list(starts))
    assert problems == []
    return graph


def problems_of(*written: Written, starts: tuple[str, ...] = ()) -> list[str]:
    return built(list(written), list(starts))[1]


START: Written = ("start", "trim", ("end",))


def test_one_node_is_a_graph() -> None:
    assert list(graph_of(START).nodes) == ["start"]


@pytest.mark.parametrize("target", ["end", "drop", "start", "format"])
def test_a_node_may_send_to_any_node_to_the_reserved_ones_and_to_itself(target: str) -> None:
    graph_of(("start", "trim", (target,)), ("format", "trim", ("end",)))


@pytest.mark.parametrize(
    ("route", "path"),
    [
        (("fromat",), "$.nodes[0].next"),
        (("end", "fromat"), "$.nodes[0].next[1]"),
        ({"error": ("fromat",)}, "$.nodes[0].next.error"),
        ({"*": ("end",), "error": ("end", "fromat")}, "$.nodes[0].next.error[1]"),
    ],
)
def test_an_unknown_node_is_named_with_the_nearest_right_one(route: Next, path: str) -> None:
    problems = problems_of(("start", "trim", route), ("format", "trim", ("end",)))
    assert problems == [f"{path}: unknown node 'fromat'; did you mean 'format'?"]


def test_every_unknown_node_is_named() -> None:
    problems = problems_of(("start", "trim", ("one", "two")), ("format", "trim", {"a": ("three",)}))
    paths = [problem.partition(": ")[0] for problem in problems]
    assert paths == ["$.nodes[0].next[0]", "$.nodes[0].next[1]", "$.nodes[1].next.a"]


def test_the_reserved_nodes_are_suggested_too() -> None:
    [problem] = problems_of(("start", "trim", ("dorp",)))
    assert problem.endswith("did you mean 'drop'?")


def test_an_unknown_node_like_no_other_is_named_with_all_that_there_are() -> None:
    [problem] = problems_of(("start", "trim", ("zzzz",)))
    assert problem.endswith("the nodes are start, end, drop")


def test_two_nodes_of_one_name_are_refused_with_the_place_of_the_first() -> None:
    [problem] = problems_of(START, ("twin", "trim", ("end",)), ("twin", "uppercase", ("end",)))
    assert problem.startswith("$.nodes[2].tag: ")
    assert "'twin'" in problem
    assert "$.nodes[1]" in problem


@pytest.mark.parametrize("name", ["end", "drop", "*"])
def test_a_reserved_name_cannot_be_defined(name: str) -> None:
    [problem] = problems_of(START, (name, "trim", ("end",)))
    assert problem.startswith(f"$.nodes[1].tag: {name!r} is a reserved name")


def test_a_graph_without_a_start_is_refused_with_what_may_have_been_meant() -> None:
    [problem] = problems_of(("strat", "trim", ("end",)))
    assert problem.startswith("$.nodes: ")
    assert problem.endswith("did you mean 'strat'?")


@pytest.mark.parametrize("sink", ["write", "stdout"])
def test_a_sink_has_no_next(sink: str) -> None:
    [problem] = problems_of(("start", sink, ("end",)))
    assert problem.startswith("$.nodes[0].next: ")
    assert sink in problem


def test_files_start_at_a_node_that_there_is() -> None:
    problems = problems_of(START, ("csv", "trim", ("end",)), starts=("csv", "cvs"))
    assert problems == ["$.files[1].start: unknown node 'cvs'; did you mean 'csv'?"]


def test_lines_enter_at_start_and_where_files_say() -> None:
    graph = graph_of(
        START, ("json", "trim", ("end",)), ("csv", "trim", ("end",)), starts=("csv", "json", "csv", "start")
    )
    assert graph.entries == ("start", "csv", "json")


@pytest.mark.parametrize(
    ("route", "tag", "targets"),
    [
        (("format",), "error", ("format",)),
        (("format",), "anything", ("format",)),
        (("format", "end"), "error", ("format", "end")),
        ({"error": ("format",), "*": ("end",)}, "error", ("format",)),
        ({"error": ("format",), "*": ("end",)}, "warn", ("end",)),
        ({"error": ("format", "drop")}, "error", ("format", "drop")),
        ({"error": ("format",)}, "warn", ()),
        ({"error": ("format",)}, "end", ()),
        (None, "format", ("format",)),
        (None, "end", ("end",)),
        (None, "drop", ("drop",)),
        (None, "nowhere", ()),
    ],
)
def test_where_a_record_goes(route: Next, tag: str, targets: tuple[str, ...]) -> None:
    graph = graph_of(("start", "trim", route), ("format", "trim", ("end",)))
    assert graph.targets("start", tag) == targets


def test_what_a_sink_emits_is_dropped() -> None:
    graph = graph_of(("start", "trim", ("sink",)), ("sink", "write", None))
    assert graph.targets("sink", "start") == ("drop",)


def test_the_edges_are_those_that_are_written_down() -> None:
    graph = graph_of(
        ("start", "tag", {"error": ("alerts", "format"), "*": ("format",)}),
        ("format", "trim", ("end",)),
        ("alerts", "write", None),
    )
    assert graph.edges() == [
        ("start", "error", "alerts"),
        ("start", "error", "format"),
        ("start", "*", "format"),
        ("format", "", "end"),
    ]


@pytest.mark.parametrize(
    ("written", "order"),
    [
        pytest.param([START], ["start"], id="one node"),
        pytest.param(
            [
                ("c", "trim", ("end",)),
                ("b", "trim", ("c",)),
                ("a", "trim", ("b",)),
                ("start", "trim", ("a",)),
            ],
            ["start", "a", "b", "c"],
            id="a chain that is written backwards",
        ),
        pytest.param(
            [
                ("start", "trim", {"x": ("late",), "*": ("early",)}),
                ("late", "trim", ("end",)),
                ("early", "trim", ("late",)),
            ],
            ["start", "early", "late"],
            id="a short cut",
        ),
        pytest.param(
            [
                ("start", "trim", ("first",)),
                ("first", "trim", {"again": ("second",), "*": ("last",)}),
                ("second", "trim", ("first",)),
                ("last", "trim", ("end",)),
            ],
            None,
            id="a cycle",
        ),
    ],
)
def test_a_node_finishes_after_those_that_feed_it(written: list[Written], order: list[str] | None) -> None:
    found = graph_of(*written).finish_order()
    assert sorted(found) == sorted(tag for tag, _, _ in written)
    if order is not None:
        assert found == order


def test_in_a_diamond_both_sides_finish_between_the_ends() -> None:
    found = graph_of(
        ("start", "trim", ("left", "right")),
        ("join", "trim", ("end",)),
        ("right", "trim", ("join",)),
        ("left", "trim", ("join",)),
    ).finish_order()
    assert (found[0], sorted(found[1:3]), found[3]) == ("start", ["left", "right"], "join")


def test_around_a_cycle_the_nodes_before_and_behind_keep_their_order() -> None:
    found = graph_of(
        ("behind", "trim", ("end",)),
        ("one", "trim", {"again": ("two",), "*": ("behind",)}),
        ("two", "trim", ("one",)),
        ("start", "trim", ("one",)),
    ).finish_order()
    assert found[0] == "start"
    assert found.index("one") < found.index("behind")


def test_nodes_of_another_entry_finish_before_what_they_feed() -> None:
    found = graph_of(
        ("start", "trim", ("shared",)),
        ("shared", "trim", ("end",)),
        ("csv", "trim", ("shared",)),
        starts=("csv",),
    ).finish_order()
    assert found.index("csv") < found.index("shared")
    assert found.index("start") < found.index("shared")


def test_a_node_that_routes_by_tag_finishes_before_the_others() -> None:
    found = graph_of(("total", "trim", ("end",)), ("start", "tag_prefix", None)).finish_order()
    assert found == ["start", "total"]


def test_a_very_long_chain_has_an_order() -> None:
    names = ["start", *(f"n{number}" for number in range(5000))]
    written: list[Written] = [
        (name, "trim", (after,)) for name, after in zip(names, [*names[1:], "end"], strict=True)
    ]
    assert graph_of(*written[::-1]).finish_order() == names


@pytest.mark.parametrize(
    ("written", "starts", "unreachable"),
    [
        pytest.param([START], (), [], id="all are reached"),
        pytest.param([START, ("island", "trim", ("end",))], (), ["island"], id="nobody sends there"),
        pytest.param([START, ("csv", "trim", ("end",))], ("csv",), [], id="files start there"),
        pytest.param(
            [START, ("a", "trim", ("b",)), ("b", "trim", ("a",))], (), ["a", "b"], id="only each other"
        ),
        pytest.param(
            [("start", "trim", {"x": ("a",)}), ("a", "trim", ("b",)), ("b", "write", None)], (), [], id="far"
        ),
        pytest.param(
            [("start", "tag_prefix", None), ("a", "trim", ("end",))], (), [], id="any tag may lead there"
        ),
        pytest.param(
            [("start", "write", None), ("a", "trim", ("end",))], (), ["a"], id="a sink leads nowhere"
        ),
        pytest.param(
            [START, ("a", "tag_prefix", None), ("b", "trim", ("end",))],
            (),
            ["a", "b"],
            id="a router that no line reaches leads nowhere",
        ),
    ],
)
def test_nodes_that_no_line_can_reach(
    written: list[Written], starts: tuple[str, ...], unreachable: list[str]
) -> None:
    assert graph_of(*written, starts=starts).unreachable() == unreachable
