"""The files that settings come from: one with another name, and one that is broken as far as it goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import UsageError
from fproc.cli.settings import doubts, gather, gather_leniently, operating_config, pipeline_file
from fproc.config.model import Config, Intake
from fproc.config.sources.files import BESIDE_BYTES, beside

NODES = [{"tag": "start", "type": "trim", "next": "end"}]
PIPELINE = json.dumps({"nodes": NODES})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(
    text: str | None = None, flags: dict[str, str] | None = None, **environ: str
) -> tuple[Config, list[str]]:
    """What a question is answered by, where `pipeline.json` has this text; and what is wrong."""
    if text is not None:
        Path("pipeline.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    config, problems = operating_config(gather_leniently(None, environ), flags or {})
    return config, [str(problem) for problem in problems]


COMMA_AT = 32 if sys.version_info >= (3, 13) else 33
"""Where Python says that a comma is wrong: there, or behind it."""

BROKEN = {
    "a comma too many": ('{"watch_dir": "in", "nodes": [],}', f"pipeline.json:1:{COMMA_AT}: not JSON"),
    "a comment": (
        '// mine\n{"watch_dir": "in"}',
        "JSON has no comments; a name that ends in .jsonc allows them",
    ),
    "cut off": ('{"watch_dir": "in", "nodes": [{"tag": "st', "pipeline.json:1"),
    "single quotes": ('{"watch_dir": "in", "intake": \'x\'}', "JSON wants double quotes"),
    "no object": ("[]", "must be an object"),
    "nothing": ("", "not JSON"),
    "not UTF-8": ("\udcff", "is not UTF-8 text"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_named_and_the_folders_in_it_are_found_all_the_same(folder: Path, what: str) -> None:
    text, problem = BROKEN[what]
    config, problems = asked(text)
    assert problem in problems[0]
    assert config.watch_dir == str(folder / ("in" if '"in"' in text else "watch_dir"))
    assert config.results_dir == f"{config.watch_dir}/results"
    assert config.intake == Intake()


def test_flags_and_variables_win_beside_a_broken_file_too(folder: Path) -> None:
    broken = '{"watch_dir": "in", "results_dir": "out",}'
    config, _ = asked(broken, FPROC_WATCH_DIR="/by-variable")
    assert (config.watch_dir, config.results_dir) == ("/by-variable", str(folder / "out"))
    config, _ = asked(broken, {"--watch-dir": "/by-flag"}, FPROC_WATCH_DIR="/by-variable")
    assert config.watch_dir == "/by-flag"
    (folder / ".env").write_text("FPROC_WATCH_DIR=by-env\n")
    assert asked(broken)[0].watch_dir == str(folder / "by-env")


ELSEWHERE: dict[str, Any] = {
    "no nodes": {},
    "an unknown key": {"nodse": NODES},
    "a plugin that is not there": {"nodes": [{"tag": "start", "type": "gone.step"}]},
    "a route to nowhere": {"nodes": [{"tag": "start", "type": "trim", "next": "gone"}]},
    "a wrong number of workers": {"nodes": NODES, "workers": "many"},
    "a wrong dashboard": {"nodes": NODES, "dashboard": {"port": -1}},
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_what_is_wrong_elsewhere_changes_nothing(folder: Path, what: str) -> None:
    needed = {"watch_dir": "in", "intake": {"ready": "marker", "marker": ".ok"}, "durability": "process"}
    config, _ = asked(json.dumps({**needed, **ELSEWHERE[what]}))
    assert (config.watch_dir, config.durability) == (str(folder / "in"), "process")
    assert config.intake == Intake(ready="marker", marker=".ok")


def test_the_valid_keys_of_a_section_with_problems_are_used(folder: Path) -> None:
    intake = {"ready": "marker", "marker": ".ok", "settle_seconds": "long", "sort": 1}
    config, problems = asked(json.dumps({"nodes": NODES, "watch_dir": 5, "intake": intake}))
    assert config.intake == Intake(ready="marker", marker=".ok")
    assert config.watch_dir == str(folder / "watch_dir")
    assert [problem.partition(":")[0] for problem in problems] == [
        "$.watch_dir",
        "$.intake.settle_seconds",
        "$.intake.sort",
    ]


def test_a_wrong_variable_is_a_problem_and_a_wrong_flag_is_wrong_usage() -> None:
    assert "FPROC_WATCH_DIR" in asked(PIPELINE, FPROC_WATCH_DIR="nul\0")[1][0]
    with pytest.raises(UsageError, match="--watch-dir"):
        asked(PIPELINE, {"--watch-dir": ""})


def test_a_file_that_is_not_there_is_a_problem_and_its_folder_counts(folder: Path) -> None:
    config, problems = operating_config(gather_leniently("conf/mine.json", {}), {})
    assert [str(problem) for problem in problems] == [
        "conf/mine.json: cannot be read: No such file or directory"
    ]
    assert config.watch_dir == str(folder / "conf/watch_dir")


def test_users_processors_are_not_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (folder / "mine.py").write_text("raise SystemExit('imported')\n")
    _, problems = asked(json.dumps({"nodes": [{"tag": "start", "type": "mine.step"}]}))
    assert problems == []
    assert str(folder) not in sys.path


@pytest.mark.parametrize(
    "name",
    [
        "pipeline.jsn",
        "Pipeline.json",
        "PIPELINE.JSON",
        "pipline.json",
        "pipeline.json.txt",
        "pipeline.json.bak",
        "pipelines.jsonc",
        "pipelines.json",
        "pipeline",
        "config.json",
        "orders.json",
    ],
)
def test_a_pipeline_under_another_name_is_noticed_where_the_built_in_one_is_used(
    folder: Path, name: str
) -> None:
    (folder / name).write_text(PIPELINE)
    [doubt] = doubts(gather(None, {}))
    assert doubt == f"the built-in pipeline is used, but there is {name}; did you mean --config {name}?"
    assert doubts(gather(name, {})) == []
    assert doubts(gather(None, {}), is_file_wanted=False) == []
    (folder / "pipeline.json").write_text(PIPELINE)
    assert doubts(gather(None, {})) == []


def test_what_is_no_pipeline_is_not_taken_for_one(folder: Path) -> None:
    (folder / "package.json").write_text('{"name": "x"}')
    (folder / "pipeline.jsn").write_text("")
    (folder / "big.json").write_text(PIPELINE + " " * BESIDE_BYTES)
    (folder / "latin.json").write_bytes(b'"nodes" \xe9')
    (folder / "notes.md").write_text(PIPELINE)
    (folder / "pipeline.jso").mkdir()
    (folder / "pipeline.js").symlink_to("nowhere")
    assert beside(str(folder)) == []
    assert beside(str(folder / "gone")) == []


def test_the_likeliest_name_goes_first(folder: Path) -> None:
    for name in ("aaa.json", "pipeline.jsn"):
        (folder / name).write_text(PIPELINE)
    assert beside(str(folder)) == ["pipeline.jsn", "aaa.json"]


def test_the_file_that_is_used_is_named(folder: Path) -> None:
    assert pipeline_file(gather(None, {})) == f"built-in, as there is no pipeline.json in {folder}"
    (folder / "pipeline.json").write_text(PIPELINE)
    assert pipeline_file(gather(None, {})) == str(folder / "pipeline.json")
    (folder / "mine.json").write_text(PIPELINE)
    assert pipeline_file(gather(None, {"FPROC_CONFIG": "mine.json"})) == str(folder / "mine.json")


def test_an_unknown_variable_is_named_with_the_nearest_right_one_and_where_it_stands(folder: Path) -> None:
    (folder / "pipeline.json").write_text(PIPELINE)
    (folder / ".env").write_text("# mine\nFPROC_WACH_DIR=x\nOTHER=1\n")
    given = gather(
        None, {"FPROC_PROT": "1", "FPROC_ZZZZZZ": "1", "FPROC_TOKEN": "t", "MODE": "trim", "HOME": "/"}
    )
    assert doubts(given) == [
        "FPROC_PROT: unknown variable; did you mean 'FPROC_PORT'?",
        ".env:2: FPROC_WACH_DIR: unknown variable; did you mean 'FPROC_WATCH_DIR'?",
        "FPROC_ZZZZZZ: unknown variable",
    ]
