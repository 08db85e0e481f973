"""What `--check` warns of, and what it does not: pipelines that will hardly do what was meant."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from fproc.cli.serving.tokens import open_doors
from fproc.cli.settings import gather, load_plan
from fproc.config.sources.defaults import DEFAULT
from fproc.pipeline.advice import configuration_warnings
from fproc.pipeline.plan import build_plan
from fproc.pipeline.processors.builtins import BUILTINS
from tests.support.helpers import SAMPLES, plan_of, user
from tests.support.project import PROJECT


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of plugins are forgotten after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def node(tag: str, kind: str, way: Any = None, **config: Any) -> dict[str, Any]:
    return {"tag": tag, "type": kind, "config": config} | ({} if way is None else {"next": way})


def warned(*nodes: dict[str, Any], **config: Any) -> list[str]:
    return configuration_warnings(plan_of(nodes, **config))


def tagged(way: Any, **config: Any) -> dict[str, Any]:
    return node("start", "tag", way, rules={"error": "ERROR", "warn": "WARN"}, **config)


BACK = "comes back to it again and again, up to limits.max_hops; give it a 'next'"


@pytest.mark.parametrize("kind", ["uppercase", "trim", "snakecase"])
def test_a_node_without_a_next_whose_lines_come_back_to_it_is_named(kind: str) -> None:
    assert warned(node("start", kind)) == [f"$.nodes[0]: what leaves 'start' with the tag 'start' {BACK}"]


def test_a_tag_node_whose_lines_may_keep_their_tag_comes_back_to_itself_too() -> None:
    error, warn = node("error", "write"), node("warn", "write")
    assert warned(tagged(None), error, warn) == [
        f"$.nodes[0]: what leaves 'start' with the tag 'start' {BACK}"
    ]
    assert warned(tagged(None, default="error"), error, warn) == []


def test_a_tag_that_is_given_without_a_way_to_go_is_named() -> None:
    way = "$.nodes[0]: what leaves 'start' with the tag 'warn' has no way to go: "
    assert warned(tagged({"error": "end"}, default="error")) == [way + "'next' has neither it nor '*'"]
    assert warned(tagged({"error": "end", "*": "drop"}, default="error")) == []
    assert warned(tagged(None, default="end"), node("error", "write")) == [way + "no node has that name"]


def test_a_tag_node_without_a_default_and_without_a_star_loses_what_fits_no_rule() -> None:
    routes = {"error": "end", "warn": "end"}
    lost = (
        "$.nodes[0]: what leaves 'start' with the tag 'start' has no way to go: 'next' has neither it nor '*'"
    )
    assert warned(tagged(routes)) == [lost]
    assert warned(tagged(routes, default="warn")) == []
    assert warned(tagged({**routes, "*": "drop"})) == []
    assert warned(tagged({**routes, "start": "drop"})) == []


def test_a_route_for_a_tag_that_nothing_gives_is_named_with_the_nearest_that_is() -> None:
    found = warned(tagged({"error": "end", "wran": "drop", "*": "end"}, default="info"))
    assert found == ["$.nodes[0].next.wran: nothing leaves 'start' with that tag; did you mean 'warn'?"]


def test_the_tags_of_fields_are_known_and_those_of_prefixes_are_not() -> None:
    fields = {"field": 1, "tags": {"E": "error"}, "default": "other"}
    found = warned(node("start", "tag_field", {"error": "end", "warn": "end", "*": "end"}, **fields))
    assert found == ["$.nodes[0].next.warn: nothing leaves 'start' with that tag"]
    assert warned(node("start", "tag_prefix", {"error": "end", "warn": "end", "*": "end"})) == []


def test_tags_are_followed_through_nodes_that_keep_them() -> None:
    first = tagged("middle", default="info")
    middle = node("middle", "trim", {"error": "end", "warn": "end"})
    assert warned(first, middle) == [
        "$.nodes[1]: what leaves 'middle' with the tag 'info' has no way to go: 'next' has neither it nor '*'"
    ]
    found = warned(first, node("middle", "trim", {"error": "end", "debug": "end", "*": "end"}))
    assert found == ["$.nodes[1].next.debug: nothing leaves 'middle' with that tag"]


def test_by_a_route_for_a_tag_only_records_with_that_tag_come() -> None:
    nodes = [
        tagged({"error": "loud", "*": "end"}, default="info"),
        node("loud", "uppercase", {"error": "end", "warn": "end"}),
    ]
    assert warned(*nodes) == ["$.nodes[1].next.warn: nothing leaves 'loud' with that tag"]


@pytest.mark.parametrize("way", ["middle", {"error": "middle", "*": "middle"}])
def test_of_what_comes_from_users_processors_nothing_is_said(way: Any) -> None:
    users = node("start", user("by_length"), way)
    assert warned(users, node("middle", "trim", {"error": "end", "never": "end"})) == []


def test_behind_users_processors_a_tag_node_with_a_default_is_known_again() -> None:
    tags = {**tagged({"error": "end", "gone": "end", "*": "end"}, default="info"), "tag": "tags"}
    found = warned(node("start", user("by_length"), "tags"), tags)
    assert found == ["$.nodes[1].next.gone: nothing leaves 'tags' with that tag"]


def test_lines_that_enter_at_a_node_by_a_rule_have_its_tag() -> None:
    nodes = [node("start", "trim", "end"), node("csv", "trim", {"csv": "end"}), node("log", "trim", "end")]
    files = [{"match": "*.csv", "start": "csv"}, {"match": "*.log", "start": "log"}]
    assert warned(*nodes, files=files) == []


@pytest.mark.parametrize("file", ["all.log", "{tag}.log", "{date}{suffix}", "x"])
@pytest.mark.parametrize("on_conflict", ["keep", "replace"])
def test_a_result_that_several_inputs_share_is_named_with_what_becomes_of_it(
    file: str, on_conflict: str
) -> None:
    becomes = {"keep": "later ones get ~2, ~3 and so on", "replace": "each replaces the one before"}[
        on_conflict
    ]
    found = warned(node("start", "trim", "out"), node("out", "write", file=file), on_conflict=on_conflict)
    what = f"$.nodes[1].config.file: several inputs have a result {file!r}, of which {becomes}"
    assert found == [f'{what}; put {{name}} or {{stem}} into it, or let all of them "append" to one']


def test_a_result_that_several_inputs_append_to_is_nothing_to_warn_of() -> None:
    assert warned(node("start", "trim", "out"), node("out", "write", file="all.log", append=True)) == []


@pytest.mark.parametrize(
    "config", [{}, {"file": "{name}"}, {"file": "{stem}.{tag}.log"}, {"file": "{date}-{name}"}]
)
def test_a_result_with_the_input_s_name_in_it_is_nothing_to_warn_of(config: dict[str, str]) -> None:
    assert warned(node("start", "trim", "out"), node("out", "write", **config)) == []


def in_documents() -> list[tuple[str, dict[str, Any]]]:
    """The pipelines that stand in the documents whole, with where."""
    found = []
    for document in (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))):
        for block in re.findall(r"```\w*\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL):
            whole = re.search(r'^\{.*"nodes".*^\}', block, re.DOTALL | re.MULTILINE)
            if whole is not None:
                found.append((document.name, json.loads(whole[0])))
    return found


def test_nothing_that_is_shipped_as_an_example_is_warned_of() -> None:
    assert configuration_warnings(build_plan(DEFAULT, folder=SAMPLES)) == []
    assert len(in_documents()) > 0
    for name, value in in_documents():
        if all(entry["type"] in BUILTINS for entry in value["nodes"]):
            assert (name, configuration_warnings(build_plan(value, folder=SAMPLES))) == (name, [])
    for path in (PROJECT / "pipeline.json", *sorted((PROJECT / "tests/cases").glob("*/pipeline.json"))):
        value = json.loads(path.read_text(encoding="utf-8"))
        assert (path, configuration_warnings(build_plan(value, folder=str(path.parent)))) == (path, [])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_that_others_reach_is_warned_of_without_a_token(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for environ, count in (({}, 1), ({"FPROC_TOKEN": "a-secret-that-is-long-enough"}, 0)):
        given = gather(None, {"FPROC_HOST": host, **environ})
        dashboard = load_plan(given, {}, mode=None, with_mode=False).config.dashboard
        found = open_doors(given, dashboard)
        assert len(found) == count
        assert all(f"{host} can be reached from elsewhere" in warning for warning in found)
