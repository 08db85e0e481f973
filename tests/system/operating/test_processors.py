"""`--processors`: what there is, and the page of each with an example that does what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fproc.base.errors import EXIT_OK, EXIT_USAGE
from fproc.cli.design.builtin_pages import builtin_pages
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.records import Block
from tests.support.helpers import SOURCE, Memory, plan_of, stop
from tests.support.programs.running import run


def test_all_built_ins_are_listed_with_what_they_do(tmp_path: Path) -> None:
    ended = run(tmp_path, "--processors")
    assert ended.status == EXIT_OK
    lines = ended.out.decode().splitlines()
    for name, builtin in BUILTINS.items():
        assert any(line.split()[:1] == [name] and line.endswith(builtin.summary) for line in lines)


@pytest.mark.parametrize("name", BUILTINS)
def test_a_page_has_every_option_and_the_example(name: str) -> None:
    page = builtin_pages(name)
    builtin = BUILTINS[name]
    assert page.startswith(f"{name}: {builtin.summary}\n")
    for key, option in builtin.options.items():
        [line] = [line for line in page.splitlines() if line.startswith(f"    {key} (")]
        assert line.endswith(option.meaning)
    for line in (*builtin.example[1], *builtin.example[2]):
        assert f"    {line}" in page


@pytest.mark.parametrize("name", BUILTINS)
def test_the_example_on_the_page_can_be_copied_and_does_what_it_says(name: str) -> None:
    example = builtin_pages(name).partition("\nexample:\n")[2]
    node, _, rest = example.partition("\n  in:\n")
    lines_in, lines_out = (
        [line.removeprefix("    ") for line in part.splitlines()] for part in rest.split("\n  out:\n")
    )
    output = Memory()
    run_of = plan_of([{**json.loads(node), "tag": "start"}]).run(SOURCE, output, entry="start", on_error=stop)
    run_of.feed(Block(lines_in, 1, 0, b""))
    run_of.finish()
    assert [line for lines in (*output.results.values(), output.printed()) for line in lines] == lines_out


def test_a_mistyped_name_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    ended = run(tmp_path, "--processors", "parse_cvs")
    assert ended.status == EXIT_USAGE
    assert (
        ended.err == "fproc: --processors parse_cvs: there is no such built-in; did you mean 'parse_csv'?\n"
    )
