"""What docs/CONTRIBUTING.md says of adding something is followed, step by step, in a copy of the project."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.project import PROJECT
from tests.support.walks import Copy, take_step, walk

WALKS = ["Add a processor", "Add an endpoint", "Add a key"]
CURRENT = ("tests/unit/test_generated.py", "tests/unit/test_documents.py")


@pytest.mark.parametrize("title", WALKS)
def test_the_steps_of_a_walk_fit_the_files_that_they_change(title: str, tmp_path: Path) -> None:
    for block in walk(title):
        name = block.partition("\n")[0].removeprefix("+++ ").removeprefix("# ")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).exists():
            shutil.copy(PROJECT / name, tmp_path / name)
        assert take_step(block, tmp_path) == tmp_path / name


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_a_processor_that_was_added_as_the_walk_says_processes_a_line(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy")
    copy.follow("Add a processor")
    assert "### `shorten`\n\nCuts off" in copy.text("docs/PROCESSORS.md")
    node = {"tag": "start", "type": "shorten", "config": {"most": 3}, "next": "end"}
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": [node]}))
    (tmp_path / "a.txt").write_text("abcdef\n")
    said = copy.run("-m", "fproc", "--input", "a.txt", "--output", "-", "--quiet", cwd=tmp_path)
    assert said == "abc\n"
    families = "tests/unit/pipeline/processors"
    copy.check(*CURRENT, f"{families}/test_builtins.py", f"{families}/test_declared.py")


ASK = """
import pathlib, sys
from tests.support.dashboards import Place
answer = Place(pathlib.Path(sys.argv[1])).get("/version")
print(answer.status, answer.body.decode())
"""


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_an_endpoint_that_was_added_as_the_walk_says_answers(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy")
    copy.follow("Add an endpoint")
    status, _, body = copy.run("-c", ASK, str(tmp_path)).partition(" ")
    assert (status, list(json.loads(body))) == ("200", ["version"])
    responses = json.loads(copy.text("fproc/web/api/openapi.json"))["paths"]["/version"]["get"]["responses"]
    assert {"200", "401", "503"} <= responses.keys()
    copy.check(*CURRENT, "tests/unit/web/api/routes/test_requests.py")


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_a_key_that_was_added_as_the_walk_says_is_read_from_file_variable_and_flag(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy")
    copy.follow("Add a key")
    assert "| `label` |" in copy.text("docs/CONFIGURATION.md")
    assert "| `--label TEXT` |" in copy.text("docs/COMMANDS.md")
    assert "| `FPROC_LABEL` | `--label` |" in copy.text("docs/COMMANDS.md")
    nodes = [{"tag": "start", "type": "trim", "next": "end"}]
    (tmp_path / "pipeline.json").write_text(json.dumps({"label": "of the file", "nodes": nodes}))
    check = ("-m", "fproc", "--check")
    assert "label: of the file\n" in copy.run(*check, cwd=tmp_path)
    assert "label: of a variable\n" in copy.run(*check, cwd=tmp_path, FPROC_LABEL="of a variable")
    flag = copy.run(*check, "--label", "of a flag", cwd=tmp_path, FPROC_LABEL="of a variable")
    assert "label: of a flag\n" in flag
    copy.check(*CURRENT, "tests/unit/config")
