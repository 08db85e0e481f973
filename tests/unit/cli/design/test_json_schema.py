"""The schema accepts what fproc accepts, and refuses what an editor should underline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from fproc.base.schema import shape_of
from fproc.cli.design.json_schema import json_schema
from fproc.config.keys import parse_config
from fproc.config.model import SETTINGS
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.kinds import KINDS
from fproc.pipeline.processors.options.shapes import option_shape
from tests.support.project import PROJECT

VALIDATOR = Draft7Validator(json_schema())
NODES = [{"tag": "start", "type": "trim", "next": "end"}]


def complaints(value: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(value)]


def node(builtin: str, **config: Any) -> dict[str, Any]:
    return {"nodes": [{"tag": "start", "type": builtin, "config": config, "next": "end"}]}


def test_it_is_a_schema_of_draft_7() -> None:
    Draft7Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_every_key_says_what_it_takes_and_what_it_means() -> None:
    for setting in SETTINGS:
        assert shape_of(setting.key.check), setting.name
        shape: Any = json_schema()
        for name in setting.path:
            shape = shape["properties"][name]
        assert shape["description"], setting.name


def test_every_kind_of_option_has_a_shape() -> None:
    for kind in KINDS:
        words = ":a,b" if kind in {"choice", "words", "types"} else ""
        assert isinstance(option_shape(kind + words), dict)
    for name, builtin in BUILTINS.items():
        for option in builtin.options.values():
            shape = option_shape(option.kind)
            if option.default is not None:
                assert Draft7Validator(shape).is_valid(option.default), (name, option)


@pytest.mark.parametrize(
    "path", sorted([*PROJECT.glob("pipeline.json"), *PROJECT.glob("bench/pipelines/*.json")])
)
def test_pipelines_of_this_project_are_right(path: Path) -> None:
    assert complaints(json.loads(path.read_text())) == []


@pytest.mark.parametrize("name", BUILTINS)
def test_the_example_of_a_builtin_is_right(name: str) -> None:
    assert complaints(node(name, **BUILTINS[name].example[0])) == []


COMMENTED = {
    "$schema": "fproc.schema.json",
    "description": "what this is for",
    "intake": {"description": "patience", "settle_seconds": 5},
    "nodes": [{**NODES[0], "description": "blanks", "config": {"description": "none"}}],
    "files": [{"description": "all", "match": "*", "start": "start"}],
    "examples": [{"description": "one", "input": [" a"], "expect": {"end": ["a"]}}],
}


def test_comments_are_allowed_everywhere() -> None:
    assert complaints(COMMENTED) == []
    config, problems = parse_config(COMMENTED, folder="/srv")
    assert problems == []
    assert config is not None
    assert config.nodes[0].config == {"description": "none"}
    problems = parse_config({"nodes": NODES, "description": 5}, folder="/srv")[1]
    assert [str(problem) for problem in problems] == ["$.description: must be text, not the number 5"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"nodes": NODES, "wach_dir": "in"}, "'wach_dir' was unexpected"),
        ({"nodes": NODES, "workers": "many"}, "'many' is not valid under any"),
        ({"nodes": NODES, "intake": {"ready": "soon"}}, "'soon' is not one of"),
        ({"nodes": NODES, "limits": {"max_hops": 0}}, "0 is less than the minimum"),
        ({"nodes": []}, "[] should be non-empty"),
        ({"nodes": [{"tag": "start"}]}, "'type' is a required property"),
        ({"nodes": [{"tag": "start", "type": "uppercas"}]}, "'uppercas' is not valid under any"),
        ({"nodes": NODES, "files": [{"matches": "*"}]}, "'matches' was unexpected"),
        ({}, "'nodes' is a required property"),
        (node("tag"), "'rules' is a required property"),
        (node("tag", rules={"a": 5}), "5 is not of type 'string'"),
        (node("replace", pattern="a", wiht="b"), "'wiht' was unexpected"),
        (node("fields", template="{1}", otherwise="kep"), "'kep' is not one of"),
    ],
)
def test_what_an_editor_should_underline_is_refused(value: Any, said: str) -> None:
    assert any(said in complaint for complaint in complaints(value)), complaints(value)


def test_an_own_processor_may_have_any_options() -> None:
    assert complaints(node("mine.Counter", anything=[1, {"a": None}])) == []
