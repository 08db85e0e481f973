"""Templates of lines can say where a line stands: its file, its number, its offset."""

from __future__ import annotations

import pytest

from fproc.pipeline.plan import Plan
from tests.support.helpers import plan_of
from tests.support.nodes import Options, of_one, pipeline, ran, told

LINES = ["a 1", "é 2", "b 3", "c"]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("rewrite", {"pattern": "(?P<w>.*)", "template": "{file}:{line_no}:{offset} {w}"}),
        ("fields", {"template": "{file}:{line_no}:{offset} {0}"}),
        ("count", {"template": "{file}:{line_no}:{offset} {line}"}),
    ],
)
def test_a_result_line_can_name_its_source(kind: str, config: Options) -> None:
    assert of_one(kind, config, LINES).lines == [
        "in.log:1:0 a 1", "in.log:2:4 é 2", "in.log:3:9 b 3", "in.log:4:13 c"
    ]  # fmt: skip


def test_what_a_node_gives_at_the_end_of_the_file_belongs_to_no_line() -> None:
    assert of_one("count", {"total": True, "template": "{number}{line_no}"}, LINES).lines == ["4"]
    plan = plan_of(
        pipeline(("join", {"lines": 3}), ("rewrite", {"pattern": "(?P<w>$)", "template": "{line_no};{w}"}))
    )
    assert ran(plan, LINES).lines == ["3;", ";"]


def test_a_group_of_that_name_wins() -> None:
    assert of_one("rewrite", {"pattern": "(?P<file>.)", "template": "{file}"}, ["a 1"]).lines == ["a"]


def of_template(template: str) -> Plan:
    return plan_of(pipeline(("rewrite", {"pattern": "(?P<w>.*)", "template": template})))


def test_a_file_with_numbered_lines_is_done_in_one_piece_and_with_offsets_in_several() -> None:
    assert of_template("{line_no} {w}").remembers
    assert not of_template("{offset} {file} {w}").remembers
    numbered = plan_of(pipeline(("edit", {"set": {"n": "{line_no}"}})))
    assert numbered.remembers


def test_only_what_has_a_fast_form_of_its_own_is_written_in_place() -> None:
    assert "process" in of_template("{line_no} {w}").compiler.program("start").source
    assert "process" not in of_template("{w}").compiler.program("start").source


def test_a_mistyped_place_is_told() -> None:
    config = {"pattern": "(?P<w>.*)", "template": "{lineno}"}
    assert "template: {lineno} is not a named group" in told("rewrite", config)
