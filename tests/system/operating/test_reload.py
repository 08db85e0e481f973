"""SIGHUP: a new version is checked, then taken; files keep theirs; a bad one changes nothing."""

from __future__ import annotations

import json
import os
import re
import signal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import (
    COPY,
    WAITING_OR_BAD,
    Watching,
    configure,
    drop,
    own_processor,
    run,
)

UPPER: list[dict[str, Any]] = [{"tag": "start", "type": "uppercase", "next": "end"}]


def said(word: str) -> str:
    return f"def step(line):\n    return {word!r} + line\n"


def reload(watching: Watching, expected: str = "INFO reloaded") -> str:
    """Send SIGHUP, and wait for what it comes to: returns that line of the log."""
    before = watching.log.count(expected)
    watching.signal(signal.SIGHUP)
    watching.wait_until(lambda: watching.log.count(expected) > before)
    return next(line for line in reversed(watching.log.splitlines()) if expected in line)


def result(watching: Watching, name: str, data: bytes = b"a\n") -> bytes:
    drop(watching.folder, name, data)
    watching.wait_for(f"processed/{name}")
    return (watching.spool / "results" / name).read_bytes()


def configuration(watching: Watching) -> dict[str, Any]:
    check: dict[str, Any] = watching.get("/health")[1]["checks"]["configuration"]
    return check


def test_a_reload_takes_a_new_configuration_and_says_both_fingerprints(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True) as watching:
        assert result(watching, "one") == b"a\n"
        before = configuration(watching)
        configure(tmp_path, UPPER)
        line = reload(watching)
        found = re.search(r"fingerprint (\w{12}) -> (\w{12}); changed: nodes$", line)
        assert found, line
        after = configuration(watching)
        assert (found[1], found[2]) == (before["fingerprint"], after["fingerprint"])
        assert (before["ok"], after["ok"]) == (True, True)
        assert result(watching, "two") == b"A\n"
        assert [node["type"] for node in watching.get("/graph")[1]["nodes"] if node["tag"] == "start"] == [
            "uppercase"
        ]
        assert watching.stop() == 0


def test_a_reload_loads_users_modules_anew_those_that_they_import_as_well(tmp_path: Path) -> None:
    own_processor(tmp_path, "import deep\ndef step(line):\n    return deep.WORD + line\n")
    (tmp_path / "deep.py").write_text("WORD = 'old '")
    with Watching(tmp_path, dashboard=True) as watching:
        assert result(watching, "one") == b"old a\n"
        (tmp_path / "deep.py").write_text("WORD = 'new '")
        assert "changed: modules" in reload(watching)
        assert result(watching, "two") == b"new a\n"


def test_no_worker_runs_another_version_than_its_instance_even_one_that_starts_later(tmp_path: Path) -> None:
    source = (
        "import os\ndef step(line):\n    if line == 'die':\n        os._exit(9)\n    return 'old ' + line\n"
    )
    own_processor(tmp_path, source, workers=1, retry={"max_attempts": 1})
    with Watching(tmp_path, dashboard=True) as watching:
        assert result(watching, "one") == b"old a\n"
        (tmp_path / "own.py").write_text(said("new "))
        drop(tmp_path, "deadly", b"die\n")
        watching.wait_for("failed/deadly")
        assert result(watching, "two") == b"old a\n"
        reload(watching)
        assert result(watching, "three") == b"new a\n"


def test_a_file_keeps_the_version_that_it_began_with_while_others_have_the_new_one(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING_OR_BAD, workers=2)
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "slow", b"wait\nend\n")
        watching.wait_for("underprocess/slow")
        (tmp_path / "own.py").write_text(said("new "))
        reload(watching)
        assert result(watching, "quick") == b"new a\n"
        assert (watching.spool / "underprocess/slow").exists()
        (tmp_path / "go").touch()
        watching.wait_for("processed/slow")
        assert (watching.spool / "results/slow").read_bytes() == b"wait\nend\n"
        assert watching.get("/stats")[1]["totals"]["recovered"] == 0


@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        (lambda folder: (folder / "pipeline.json").write_text("{"), "pipeline.json:1:2"),
        (
            lambda folder: configure(folder, [{"tag": "start", "type": "uppercas", "next": "end"}]),
            "uppercase",
        ),
        (lambda folder: (folder / "own.py").write_text("def step(line:\n"), "SyntaxError"),
        (lambda folder: own_processor(folder, said(""), durability="process"), "$.durability"),
        (lambda folder: own_processor(folder, said(""), dashboard={"host": "127.0.0.2"}), "$.dashboard.host"),
    ],
    ids=["no JSON", "no such processor", "no Python", "another durability", "another address"],
)
def test_a_bad_version_is_refused_with_its_message_and_the_old_one_goes_on(
    tmp_path: Path, break_it: Any, what: str
) -> None:
    own_processor(tmp_path, said("old "), workers=1)
    with Watching(tmp_path, dashboard=True) as watching:
        break_it(tmp_path)
        line = reload(watching, "ERROR reload refused")
        assert what in line
        assert result(watching, "one") == b"old a\n"
        status, health = watching.get("/health")
        check = health["checks"]["configuration"]
        assert (status, health["status"], check["ok"]) == (503, "degraded", False)
        assert what in check["message"]
        watching.wait_until(lambda: what in run(tmp_path, "--status").out.decode())
        own_processor(tmp_path, said("new "), workers=1)
        reload(watching)
        assert configuration(watching)["ok"]
        assert result(watching, "two") == b"new a\n"


def test_what_changed_on_the_disk_without_a_reload_is_said_once_and_shown(tmp_path: Path) -> None:
    own_processor(tmp_path, said("old "))
    with Watching(tmp_path, dashboard=True) as watching:
        assert "message" not in configuration(watching)
        (tmp_path / "own.py").write_text(said("new "))
        watching.wait_until(lambda: "WARNING changed on the disk since it was loaded: " in watching.log)
        check = configuration(watching)
        assert check["ok"]
        assert str(tmp_path / "own.py") in check["message"]
        assert result(watching, "one") == b"old a\n"
        (tmp_path / "pipeline.json").write_text((tmp_path / "pipeline.json").read_text() + "\n")
        watching.wait_until(lambda: watching.log.count("changed on the disk") == 2)
        (tmp_path / "own.py").write_text(said("old "))
        watching.wait_until(lambda: "own.py" not in configuration(watching).get("message", ""))
        reload(watching)
        watching.wait_until(lambda: "message" not in configuration(watching))


def test_settings_beside_the_pipeline_are_reloaded_as_well(tmp_path: Path) -> None:
    configure(tmp_path, intake={"ready": "rename", "poll_seconds": 0.02, "ignore_more": ["no-*"]})
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "no-1", b"a\n")
        assert result(watching, "one") == b"a\n"
        configure(tmp_path, workers=1)
        assert "changed: intake, workers" in reload(watching)
        watching.wait_for("processed/no-1")
        assert watching.get("/health")[1]["checks"]["workers"]["count"] == 1


def test_a_token_is_reloaded_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first-token\n")
    configure(tmp_path, dashboard={"port": 0, "token_file": "token"})
    with Watching(tmp_path, dashboard=True) as watching:
        assert [status(watching, token) for token in ("first-token", "second-token")] == [200, 401]
        (tmp_path / "token").write_text("second-token\n")
        line = reload(watching)
        assert "changed: tokens" in line
        assert "second" not in watching.log
        assert [status(watching, token) for token in ("first-token", "second-token")] == [401, 200]


def status(watching: Watching, token: str) -> int:
    connection = HTTPConnection(watching.url.removeprefix("http://"), timeout=20)
    connection.request("GET", "/stats", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_a_checkpoint_of_the_old_version_is_not_resumed_by_the_new_one(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING_OR_BAD, workers=1, checkpoint={"seconds": 0.01, "mb": 0.000001})
    lines = b"line\n" * 5000
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "slow", lines + b"wait\n")
        watching.wait_for(".fproc/jobs/slow/checkpoint.json")
        watching.process.kill()
        watching.process.wait(20)
    (tmp_path / "own.py").write_text(said("new "))
    with Watching(tmp_path, dashboard=True) as watching:
        watching.wait_for("processed/slow")
        assert (watching.spool / "results/slow").read_bytes() == b"new line\n" * 5000 + b"new wait\n"


def test_reloads_under_load_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    own_processor(tmp_path, said("0 "))
    with Watching(tmp_path, dashboard=True) as watching:
        names = []
        for version in range(5):
            for number in range(40):
                names.append(f"{version}-{number}")
                drop(tmp_path, names[-1], b"a\n")
            (tmp_path / "own.py").write_text(said(f"{version + 1} "))
            reload(watching)
        watching.wait_for(*(f"processed/{name}" for name in names))
        results = {path.name: path.read_text() for path in (watching.spool / "results").glob("?-*")}
        assert results.keys() == set(names)
        assert all(re.fullmatch(r"\d a\n", text) for text in results.values())
        totals = watching.get("/stats")[1]["totals"]
        assert (totals["files_processed"], totals["files_failed"], totals["retries"]) == (200, 0, 0)


def test_a_hangup_of_all_processes_at_once_costs_no_file_an_attempt(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING_OR_BAD, workers=1)
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "slow", b"wait\n")
        watching.wait_for("underprocess/slow")
        before = watching.log.count("INFO reloaded")
        os.killpg(watching.process.pid, signal.SIGHUP)
        watching.wait_until(lambda: watching.log.count("INFO reloaded") > before)
        (tmp_path / "go").touch()
        watching.wait_for("processed/slow")
        assert "died" not in watching.log
        assert "was killed" not in watching.log


def test_the_status_names_the_version_that_runs(tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": COPY, "dashboard": {"port": 0}}))
    with Watching(tmp_path, dashboard=True) as watching:
        fingerprint = configuration(watching)["fingerprint"]
        watching.wait_until(lambda: fingerprint in run(tmp_path, "--status", "--json").out.decode())


def test_a_changed_table_is_used_after_a_reload_and_by_no_worker_before(tmp_path: Path) -> None:
    (tmp_path / "countries.csv").write_text("code,name\nde,Germany\n")
    table = {"type": "lookup", "config": {"field": "code", "table": str(tmp_path / "countries.csv")}}
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "parse_json", "next": "look"},
        {"tag": "look", **table, "next": "mark"},
        {"tag": "mark", "type": "own.step", "next": "end"},
    ]
    dies = "    if 'die' in line:\n        os._exit(9)\n"
    (tmp_path / "own.py").write_text(f"import os\ndef step(line):\n{dies}    return line\n")
    configure(tmp_path, nodes, workers=1, retry={"max_attempts": 1})
    with Watching(tmp_path, dashboard=True) as watching:
        assert b"Germany" in result(watching, "one", b'{"code": "de"}\n')
        (tmp_path / "countries.csv").write_text("code,name\nde,Deutschland\n")
        assert b"Germany" in result(watching, "two", b'{"code": "de"}\n')
        drop(tmp_path, "deadly", b'{"code": "die"}\n')
        drop(tmp_path, "three", b'{"code": "de"}\n')
        watching.wait_until(lambda: "has changed since it was loaded; reload" in watching.log)
        assert "changed: tables" in reload(watching)
        watching.wait_for("processed/three", "failed/deadly")
        assert b"Deutschland" in (watching.spool / "results/three").read_bytes()
