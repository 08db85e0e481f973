"""Which configuration is in force: flag, environment, .env, pipeline.json, default."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import EXIT_CONFIG, EXIT_USAGE, ConfigError, UsageError
from fproc.base.schema import boolean
from fproc.cli.arguments.options import Arguments
from fproc.cli.settings import gather, given_flags, load_plan
from fproc.config.declaration import Flag, Key, Setting
from fproc.config.keys import parse_config
from fproc.config.nodes import NodeSpec
from fproc.pipeline.plan import Plan

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder. Folders of plugins are forgotten after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path, value: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nodes": NODES, **value}), encoding="utf-8")
    return path


def loaded(
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    mode: str | None = None,
    with_mode: bool = False,
) -> Plan:
    flags = flags or {}
    given = gather(flags.get("--config"), environ or {})
    return load_plan(given, flags, mode=mode, with_mode=with_mode)


def refused(flags: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(flags, environ)
    assert caught.value.exit_status == EXIT_CONFIG == 78
    return str(caught.value)


def port_of(plan: Plan) -> int:
    return plan.config.dashboard.port


@pytest.mark.parametrize(
    ("sources", "port"),
    [
        ("", 8000),
        ("file", 8001),
        ("dotenv", 8002),
        ("environment", 8003),
        ("flag", 8004),
        ("file dotenv", 8002),
        ("dotenv environment", 8003),
        ("file environment", 8003),
        ("environment flag", 8004),
        ("file flag", 8004),
        ("dotenv flag", 8004),
        ("file dotenv environment flag", 8004),
    ],
)
def test_a_flag_beats_the_environment_beats_dotenv_beats_the_file_beats_the_default(
    folder: Path, sources: str, port: int
) -> None:
    put(folder / "pipeline.json", {"dashboard": {"port": 8001}} if "file" in sources else {})
    if "dotenv" in sources:
        (folder / ".env").write_text("FPROC_PORT=8002\n", encoding="utf-8")
    environ = {"FPROC_PORT": "8003"} if "environment" in sources else {}
    flags = {"--port": "8004"} if "flag" in sources else {}
    assert port_of(loaded(flags, environ)) == port


SETTINGS = [
    ("--watch-dir", "watch_dir", "/drop", "/drop"),
    ("--results-dir", "results_dir", "/out", "/out"),
    ("--workers", "workers", "1", 1),
    ("--workers", "workers", "auto", "auto"),
    ("--host", "dashboard.host", "localhost", "localhost"),
    ("--port", "dashboard.port", "9000", 9000),
    ("--heartbeat-url", "alerts.heartbeat_url", "https://example.org/beat", "https://example.org/beat"),
]


@pytest.mark.parametrize(("flag", "key", "text", "value"), SETTINGS)
def test_every_setting_can_be_given_by_flag_by_variable_and_in_dotenv(
    folder: Path, flag: str, key: str, text: str, value: str | int
) -> None:
    variable = "FPROC_" + flag.strip("-").replace("-", "_").upper()

    def setting(plan: Plan) -> Any:
        section, _, name = key.rpartition(".")
        return getattr(getattr(plan.config, section) if section else plan.config, name)

    assert setting(loaded({flag: text})) == value
    assert setting(loaded({}, {variable: text})) == value
    (folder / ".env").write_text(f"{variable}={text}\n", encoding="utf-8")
    assert setting(loaded()) == value


def test_a_webhook_may_stand_where_secrets_do(folder: Path) -> None:
    put(folder / "pipeline.json", {"alerts": {"webhook": "http://example.org/1", "quiet_seconds": 5}})
    assert loaded().config.alerts.webhook == "http://example.org/1"
    (folder / ".env").write_text("FPROC_WEBHOOK=http://example.org/2\n", encoding="utf-8")
    assert loaded().config.alerts.webhook == "http://example.org/2"
    alerts = loaded({}, {"FPROC_WEBHOOK": "http://example.org/3"}).config.alerts
    assert (alerts.webhook, alerts.quiet_seconds) == ("http://example.org/3", 5)


def test_a_wrong_url_is_named_by_its_source_and_not_repeated() -> None:
    message = refused({}, {"FPROC_WEBHOOK": "s3cret", "FPROC_HEARTBEAT_URL": "ftp://s3cret"})
    assert [line.partition(":")[0] for line in message.splitlines()] == [
        *("FPROC_HEARTBEAT_URL", "FPROC_WEBHOOK"),
    ]
    assert "s3cret" not in message
    with pytest.raises(UsageError, match="--heartbeat-url: must be an http:// or https:// URL") as caught:
        loaded({"--heartbeat-url": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_flag_leaves_the_other_keys_of_its_section_alone(folder: Path) -> None:
    put(folder / "pipeline.json", {"dashboard": {"host": "localhost", "port": 8001}})
    assert loaded({"--port": "8004"}).config.dashboard.host == "localhost"


def test_results_follow_the_watch_dir_unless_they_have_a_place_of_their_own(folder: Path) -> None:
    assert loaded({"--watch-dir": "/drop"}).config.results_dir == "/drop/results"
    put(folder / "pipeline.json", {"results_dir": "/out"})
    assert loaded({"--watch-dir": "/drop"}).config.results_dir == "/out"


def test_an_empty_variable_is_as_good_as_none(folder: Path) -> None:
    put(folder / "pipeline.json", {"dashboard": {"port": 8001}})
    assert port_of(loaded({}, {"FPROC_PORT": ""})) == 8001


def test_a_wrong_flag_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="--port") as caught:
        loaded({"--port": "http"})
    assert caught.value.exit_status == EXIT_USAGE == 2


@pytest.mark.parametrize(
    ("variable", "text"),
    [("FPROC_PORT", "http"), ("FPROC_PORT", "65536"), ("FPROC_PORT", "-1"), ("FPROC_WORKERS", "many")],
)
def test_a_wrong_variable_is_named_and_if_it_is_in_dotenv_so_is_the_line(
    folder: Path, variable: str, text: str
) -> None:
    assert refused({}, {variable: text}).startswith(f"{variable}: must be ")
    (folder / ".env").write_text(f"# settings\n{variable}={text}\n", encoding="utf-8")
    assert refused().startswith(f".env:2: {variable}: must be ")


def test_all_wrong_variables_are_named_at_once() -> None:
    assert len(refused({}, {"FPROC_PORT": "x", "FPROC_WORKERS": "0", "FPROC_HOST": "a:1"}).splitlines()) == 3


def test_a_wrong_variable_that_a_flag_overrules_is_no_trouble() -> None:
    assert port_of(loaded({"--port": "8004"}, {"FPROC_PORT": "http"})) == 8004


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("FPROC_PORT=9000", 9000),
        ("  FPROC_PORT = 9000  ", 9000),
        ('FPROC_PORT="9000"', 9000),
        ("FPROC_PORT='9000'", 9000),
        ("export FPROC_PORT=9000", 9000),
        ("# FPROC_PORT=9000", 8000),
        ("\n\nFPROC_PORT=9000\n\n", 9000),
        ("FPROC_PORT=", 8000),
        ("UNRELATED=a=b=c", 8000),
        ("FPROC_PORT=9001\nFPROC_PORT=9000", 9000),
    ],
)
def test_dotenv_is_read_as_people_write_it(folder: Path, line: str, port: int) -> None:
    (folder / ".env").write_text(line, encoding="utf-8")
    assert port_of(loaded()) == port


@pytest.mark.parametrize("line", ["FPROC_PORT", "=9000", "FPROC PORT=9000", "{}"])
def test_a_line_of_dotenv_that_sets_nothing_is_refused(folder: Path, line: str) -> None:
    (folder / ".env").write_text(f"A=1\n{line}\n", encoding="utf-8")
    assert refused().startswith(".env:2: ")


def test_dotenv_lies_beside_the_configuration(folder: Path) -> None:
    elsewhere = put(folder / "etc" / "pipeline.json", {})
    (folder / ".env").write_text("FPROC_PORT=9001\n", encoding="utf-8")
    (folder / "etc" / ".env").write_text("FPROC_PORT=9002\n", encoding="utf-8")
    assert port_of(loaded({"--config": str(elsewhere)})) == 9002


def test_the_configuration_is_looked_for_in_four_places(folder: Path) -> None:
    named = {"--config": str(put(folder / "flag.json", {"dashboard": {"port": 8004}}))}
    environ = {"FPROC_CONFIG": str(put(folder / "variable.json", {"dashboard": {"port": 8003}}))}
    assert port_of(loaded()) == 8000
    put(folder / "pipeline.json", {"dashboard": {"port": 8002}})
    assert port_of(loaded()) == 8002
    assert port_of(loaded({}, environ)) == 8003
    assert port_of(loaded(named, environ)) == 8004


def test_without_any_configuration_there_are_four_nodes_and_a_watch_dir_here(folder: Path) -> None:
    plan = loaded()
    assert list(plan.graph.nodes) == ["start", "filter", "format", "output"]
    assert plan.config.watch_dir == os.path.join(os.path.realpath(folder), "watch_dir")


@pytest.mark.parametrize(
    ("keys", "watch_dir", "results_dir"),
    [
        ({}, "/srv/app/watch_dir", "/srv/app/watch_dir/results"),
        ({"watch_dir": "drop"}, "/srv/app/drop", "/srv/app/drop/results"),
        ({"watch_dir": "/drop"}, "/drop", "/drop/results"),
        ({"watch_dir": "../drop"}, "/srv/drop", "/srv/drop/results"),
        ({"results_dir": "out"}, "/srv/app/watch_dir", "/srv/app/out"),
        ({"results_dir": "/out"}, "/srv/app/watch_dir", "/out"),
    ],
)
def test_paths_are_relative_to_the_configuration(
    keys: dict[str, str], watch_dir: str, results_dir: str
) -> None:
    config, problems = parse_config({"nodes": NODES, **keys}, folder="/srv/app")
    assert problems == []
    assert config is not None
    assert (config.watch_dir, config.results_dir) == (watch_dir, results_dir)


def test_paths_in_dotenv_are_relative_to_it_and_all_others_to_the_current_folder(folder: Path) -> None:
    flags = {"--config": str(put(folder / "etc" / "pipeline.json", {}))}
    here = os.path.realpath(folder)
    assert loaded({**flags, "--watch-dir": "drop"}).config.watch_dir == f"{here}/drop"
    assert loaded(flags, {"FPROC_WATCH_DIR": "drop"}).config.watch_dir == f"{here}/drop"
    (folder / "etc" / ".env").write_text("FPROC_WATCH_DIR=drop\n", encoding="utf-8")
    assert os.path.realpath(loaded(flags).config.watch_dir) == f"{here}/etc/drop"


@pytest.mark.parametrize("given", ["flag", "variable"])
def test_a_configuration_that_was_named_must_be_there(given: str) -> None:
    flags, environ = ({"--config": "no.json"}, {}) if given == "flag" else ({}, {"FPROC_CONFIG": "no.json"})
    assert refused(flags, environ).startswith("no.json: cannot be read: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n  "nodes": [\n', "pipeline.json:3:1: not JSON"),
        (b"\xff\xfe{}", "pipeline.json: is not UTF-8"),
        (b"[]", "$: must be an object, not a list"),
        (b"{}", "$.nodes: is missing"),
    ],
)
def test_a_configuration_that_cannot_be_understood_says_where(
    folder: Path, content: bytes, message: str
) -> None:
    (folder / "pipeline.json").write_bytes(content)
    assert refused().startswith(message)


ONE_NODE = {name: (NodeSpec("start", name, next=("end",)),) for name in ("uppercase", "lowercase", "count")}


@pytest.mark.parametrize(
    ("flag", "variable", "in_dotenv", "mode"),
    [
        ("uppercase", None, None, "uppercase"),
        (None, "uppercase", None, "uppercase"),
        (None, None, "uppercase", "uppercase"),
        ("uppercase", "lowercase", "count", "uppercase"),
        (None, "lowercase", "count", "lowercase"),
    ],
)
def test_a_mode_is_one_built_in_instead_of_the_pipeline(
    folder: Path, flag: str | None, variable: str | None, in_dotenv: str | None, mode: str
) -> None:
    put(folder / "pipeline.json", {"files": [{"match": "*", "start": "start"}], "on_error": "skip"})
    if in_dotenv:
        (folder / ".env").write_text(f"MODE={in_dotenv}\n", encoding="utf-8")
    config = loaded({}, {"MODE": variable} if variable else {}, mode=flag, with_mode=True).config
    assert (config.nodes, config.files, config.examples) == (ONE_NODE[mode], (), ())
    assert config.on_error == "skip"


def test_the_variable_mode_counts_only_where_modes_do() -> None:
    assert len(loaded({}, {"MODE": "uppercase"}, with_mode=False).config.nodes) == 4


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("upercase", "did you mean 'uppercase'"),
        ("filter", "needs options"),
        ("format", "needs options"),
        ("write", "--mode write"),
    ],
)
def test_a_mode_that_cannot_be_is_wrong_usage(mode: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loaded(mode=mode, with_mode=True)


def test_what_the_command_line_says_of_keys_is_text_and_what_it_does_not_say_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flags = [Flag("--yes"), Flag("--no"), Flag("--word", "TEXT"), Flag("--none", "TEXT")]
    keys = [Setting((flag.name,), "str", "", Key(boolean, flag=flag)) for flag in flags]
    monkeypatch.setattr("fproc.cli.settings.GIVEN_OUTSIDE", keys)
    arguments = Arguments(yes=True, no=False, word="w", none=None)
    assert given_flags(arguments) == {"--yes": "true", "--word": "w"}
