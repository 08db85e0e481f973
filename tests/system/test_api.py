"""The API and its description agree: whatever schemathesis asks, it gets no answer that is not described."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs.running import Watching, drop, environment, own_processor
from tests.support.programs.talking import ask

BAD = """
def step(line):
    if "bad" in line:
        raise ValueError("cannot digest " + line)
    return line
"""

CONFIG = """
[[operations]]  # what makes a name or a place in a list valid is more than a schema can say
include-path = ["/upload/{name}", "/files"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "503"]
"""


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(60, marks=[pytest.mark.sweep, pytest.mark.timeout(300)]),
        pytest.param(250, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
@pytest.mark.parametrize("token", [None, "t0ken"])
def test_no_answer_is_an_error_of_the_server_or_not_as_described(
    tmp_path: Path, token: str | None, examples: int
) -> None:
    own_processor(tmp_path, BAD, limits={"max_upload_mb": 1})
    for number in range(3):
        drop(tmp_path, f"good-{number}.log", b"good\n" * number)
        drop(tmp_path, f"bad-{number}.log", b"good\nbad\n")
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    variables = {} if token is None else {"FPROC_TOKEN": token}
    with Watching(tmp_path, dashboard=True, variables=variables) as running:
        running.wait_until(lambda: len(list(running.spool.glob("failed/*.json"))) == 3)
        sent = {}
        if token is not None:
            body, kind = f"token={token}".encode(), "application/x-www-form-urlencoded"
            cookie = ask(running, "POST", "/login", body, {"Content-Type": kind}).headers["set-cookie"]
            # Not the token itself: after the wrong ones that are tried, that has to wait.
            sent = {"Cookie": cookie.split(";")[0]}
        said = schemathesis(tmp_path, f"{running.url}/openapi.json", sent, examples)
        assert ask(running, "GET", "/health").status == 200
        assert "Traceback" not in running.log
        assert sum(map(len, map(list, map(running.spool.glob, ("processed/*", "failed/*.json"))))) > 50
    print(said)


def schemathesis(folder: Path, url: str, headers: dict[str, str], examples: int) -> str:
    """Try all that the description allows, and much that it does not; gives the report."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    ended = subprocess.run(
        [
            *(program, "--config-file", "schemathesis.toml", "run", url, "--no-color", "--warnings", "off"),
            *("--checks", "all", "--max-examples", str(examples), "--generation-deterministic"),
            *("--continue-on-failure", "--request-timeout", "20"),
            *(part for name, text in headers.items() for part in ("--header", f"{name}: {text}")),
        ],
        cwd=folder,
        env=environment({"HOME": str(folder), "COLUMNS": "120"}),
        capture_output=True,
        text=True,
        timeout=5 * examples,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
