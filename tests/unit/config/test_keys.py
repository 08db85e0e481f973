"""Every key of the configuration: what it takes, what it refuses, and what it says then."""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import Any

import pytest

from fproc.base.errors import Problem
from fproc.config.input_format import FileRule
from fproc.config.keys import parse_config
from fproc.config.model import (
    IGNORED,
    AlertPolicy,
    Config,
    Dashboard,
    Intake,
    Limits,
    Recovery,
    RetryPolicy,
    to_json,
    to_log,
)
from fproc.config.nodes import NodeSpec
from fproc.config.retention import Retention

FOLDER = "/srv/app"
NODES = [{"tag": "start", "type": "trim", "next": "end"}]


def nested(path: str, value: Any) -> dict[str, Any]:
    """A configuration that is right but for `value` at a path such as `intake.ready` or `files[0].match`."""
    whole: dict[str, Any] = {
        "nodes": [dict(NODES[0])],
        "files": [{"match": "*", "start": "start"}],
        "examples": [{"input": ["a"], "expect": {"end": ["a"]}}],
    }
    *way, last = path.replace("[0]", ".0").split(".")
    place: Any = whole
    for step in way:
        place = place[0] if step == "0" else place.setdefault(step, {})
    place[0 if last == "0" else last] = value
    return whole


def parsed(value: Any) -> Config:
    config, problems = parse_config(value, folder=FOLDER)
    assert problems == []
    assert config is not None
    return config


def problems_of(value: Any) -> list[Problem]:
    return parse_config(value, folder=FOLDER)[1]


def only_problem(value: Any) -> Problem:
    [problem] = problems_of(value)
    return problem


def test_nodes_are_all_that_a_configuration_needs_and_the_rest_is_as_the_contract_says() -> None:
    assert parsed({"nodes": NODES}) == Config(
        watch_dir="/srv/app/watch_dir",
        results_dir="/srv/app/watch_dir/results",
        plugins_dir="/srv/app",
        nodes=(NodeSpec("start", "trim", next=("end",)),),
        workers="auto",
        on_error="fail",
        on_conflict="keep",
        durability="power",
        intake=Intake("auto", 1.0, 10.0, 0.2, ".done", "oldest", ("*",), IGNORED, ()),
        retry=RetryPolicy(3, 1.0, 300.0),
        recovery=Recovery(enabled=True, check_interval=60.0),
        limits=Limits(1048576, 100, None, 60.0, None, 1024.0),
        dashboard=Dashboard("127.0.0.1", 8000),
        alerts=AlertPolicy(webhook=None, heartbeat_url=None, quiet_seconds=None),
        files=(),
        examples=(),
    )


@pytest.mark.parametrize(
    ("place", "values_of"),
    [
        ("", {"workers": ["auto", 1], "on_error": ["fail", "reject", "skip"]}),
        ("", {"on_conflict": ["keep", "replace"], "durability": ["power", "process"]}),
        ("intake.", {"ready": ["auto", "stable", "rename", "marker"], "order": ["oldest"]}),
        (
            "intake.",
            {
                "settle_seconds": [0, 0.5, 3600],
                "poll_seconds": [0.01, 5],
                "marker": [".ok", "{stem}.ok", "go_{name}"],
            },
        ),
        ("intake.", {"settle_unknown_seconds": [0, 10, 3600]}),
        (
            "retry.",
            {"max_attempts": [1, 3, 50], "backoff_seconds": [0, 0.5], "backoff_max_seconds": [0, 300]},
        ),
        ("recovery.", {"enabled": [True, False], "check_interval": [0.5, 60, 3600]}),
        ("limits.", {"max_line_bytes": [1, 1048576, 2**30], "max_hops": [1, 100, 10000]}),
        ("limits.", {"max_upload_mb": [0.5, 1024, 10**6], "stall_seconds": [0.5, 60, 3600]}),
        ("limits.", {"max_rejected": [None, 0, 100, "0%", "5%", "2.5%", "100%"]}),
        (
            "dashboard.",
            {"host": ["127.0.0.1", "::1", "0.0.0.0", "::", "example.org"], "port": [0, 8000, 65535]},
        ),
    ],
)
def test_a_key_takes_every_value_that_the_contract_gives_it(
    place: str, values_of: dict[str, list[Any]]
) -> None:
    for key, values in values_of.items():
        for value in values:
            config = parsed(nested(f"{place}{key}", value))
            assert reduce(getattr, f"{place}{key}".split("."), config) == value


def test_the_names_to_ignore_replace_the_usual_ones() -> None:
    assert parsed(nested("intake.ignore", ["*.bak"])).intake.ignore == ("*.bak",)
    assert parsed(nested("intake.ignore", [])).intake.ignore == ()


@pytest.mark.parametrize("key", ["processed_days", "failed_days", "history_days"])
def test_null_keeps_things_for_ever_and_lets_files_take_as_long_as_they_need(key: str) -> None:
    assert getattr(parsed(nested(f"retention.{key}", None)).retention, key) is None
    assert parsed(nested("limits.timeout_seconds", None)).limits.timeout_seconds is None
    assert parsed(nested(f"retention.{key}", 7)).retention == Retention(**{"history_days": 30.0, key: 7.0})  # type: ignore[arg-type] # one of the above


def with_dashboard(dashboard: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": [{"tag": "start", "type": "trim", "next": "end"}], "dashboard": dashboard}


def test_a_dashboard_may_have_files_and_their_paths_are_relative_to_the_configuration() -> None:
    given = {"token_file": "t", "tls_cert": "/etc/c.pem", "tls_key": "../k.pem"}
    dashboard = parsed(with_dashboard(given)).dashboard
    assert (dashboard.token_file, dashboard.tls_cert) == (f"{FOLDER}/t", "/etc/c.pem")
    assert dashboard.tls_key == f"{FOLDER}/../k.pem"
    assert parsed(with_dashboard(dict.fromkeys(given))).dashboard == Dashboard()


def test_a_key_needs_its_certificate() -> None:
    problem = only_problem(with_dashboard({"tls_key": "k.pem"}))
    assert (problem.path, problem.what) == ("$.dashboard.tls_cert", "is missing")


@pytest.mark.parametrize("host", ["http://localhost", "localhost:8000", " localhost", "10.0.0.0/8"])
def test_where_the_dashboard_listens_is_an_address_alone(host: str) -> None:
    assert only_problem(nested("dashboard.host", host)).path == "$.dashboard.host"


NUMBERS = (
    *("intake.settle_seconds", "intake.settle_unknown_seconds", "limits.stall_seconds"),
    *("intake.poll_seconds", "recovery.check_interval", "dashboard.port"),
    *("retry.max_attempts", "retry.backoff_seconds", "retry.backoff_max_seconds"),
    *("limits.max_line_bytes", "limits.max_hops", "limits.max_upload_mb"),
)
TEXTS = (
    *("watch_dir", "results_dir", "plugins_dir", "intake.marker", "dashboard.host"),
    *("files[0].match", "files[0].first_line", "files[0].start", "nodes[0].tag", "nodes[0].type"),
)
WORDS = ("intake.ready", "intake.order", "on_error", "on_conflict", "durability")
FLAGS = ("recovery.enabled", "nodes[0].stream")
LISTS = (
    *("intake.match", "intake.ignore", "intake.ignore_more"),
    *("files", "nodes", "examples", "examples[0].input"),
)
OBJECTS = (
    *("intake", "retry", "recovery", "limits", "retention", "dashboard", "alerts"),
    *("files[0]", "nodes[0]", "nodes[0].config", "examples[0]", "examples[0].expect"),
)
WRONG_TYPES: list[tuple[str, Any]] = [
    *product(NUMBERS, ("5", True, None, [5], {})),
    *product(TEXTS, (5, False, None, ["a"], {"a": "b"}, "")),
    *product(WORDS, (5, None, [], "sideways", "")),
    *product(FLAGS, (0, 1, "true", None)),
    *product(LISTS, ("a", 5, None, {"a": "b"})),
    *product(OBJECTS, ("a", 5, None, [])),
    *product(["limits.max_rejected"], (True, 1.5, [], {}, "many", "5", "%", "-1%", "101%", "5 %")),
    *product(["workers"], ("many", True, None, 1.5, [])),
    *product(["nodes[0].next"], (5, True, {}, [], "")),
    *product(("retry.max_attempts", "limits.max_hops", "dashboard.port"), [1.5]),
]


@pytest.mark.parametrize(("path", "value"), WRONG_TYPES)
def test_a_wrong_type_is_refused_at_its_path(path: str, value: Any) -> None:
    problem = only_problem(nested(path, value))
    assert problem.path == f"$.{path}"
    assert problem.what.startswith("must ")


@pytest.mark.parametrize(
    ("path", "value", "inner"),
    [
        ("intake.match", [], ""),
        ("intake.ignore", ["*.tmp", 5], "[1]"),
        ("examples[0].input", ["a", None], "[1]"),
        ("examples[0].expect", {"end": "a"}, ".end"),
        ("examples[0].expect", {"end": ["a", 5]}, ".end[1]"),
        ("nodes[0].next", ["end", 5], "[1]"),
        ("nodes[0].next", {"a": 5}, ".a"),
        ("nodes[0].next", {"a": []}, ".a"),
        ("nodes[0].next", {"a": {"b": "end"}}, ".a"),
        ("nodes[0].next", {"a": ["end", None]}, ".a[1]"),
        ("files", [{"match": "*", "start": "start"}, 5], "[1]"),
        ("files", [{"start": "start"}], "[0]"),
        ("files[0].first_line", "(", ""),
        ("intake.marker", "/done", ""),
        *(("intake.marker", marker, "") for marker in ("done", "{stem}", "{name}", "*.ok")),
        *(("intake.marker", marker, "") for marker in ("{tag}.ok", "{name}{stem}")),
        ("nodes", [], ""),
    ],
)
def test_a_wrong_value_is_refused_at_the_path_where_it_stands(path: str, value: Any, inner: str) -> None:
    assert only_problem(nested(path, value)).path == f"$.{path}{inner}"


@pytest.mark.parametrize(
    ("place", "values_of"),
    [
        ("intake.", {"settle_seconds": [-1, -0.001], "poll_seconds": [0, -1]}),
        ("retry.", {"max_attempts": [0, -1], "backoff_seconds": [-1], "backoff_max_seconds": [-1]}),
        ("recovery.", {"check_interval": [0, -60]}),
        ("limits.", {"max_line_bytes": [0, -1], "max_hops": [0, -1]}),
        ("limits.", {"stall_seconds": [0, -1], "max_rejected": [-1]}),
        ("dashboard.", {"port": [-1, 65536]}),
        ("", {"workers": [0, -1]}),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_number(
    place: str, values_of: dict[str, list[Any]]
) -> None:
    for key, values in values_of.items():
        for value in values:
            problem = only_problem(nested(f"{place}{key}", value))
            assert problem.path == f"$.{place}{key}"
            assert problem.what.endswith(f"not {value}")


@pytest.mark.parametrize(
    ("place", "meant_by"),
    [
        ("", {"wach_dir": "watch_dir", "result_dir": "results_dir", "worker": "workers"}),
        ("", {"onerror": "on_error", "on_conflcit": "on_conflict", "durabilty": "durability"}),
        ("", {"file": "files", "example": "examples", "Intake": "intake", "retries": "retry"}),
        ("intake.", {"redy": "ready", "settle": "settle_seconds", "ignored": "ignore"}),
        ("retry.", {"attempts": "max_attempts", "backof_seconds": "backoff_seconds"}),
        ("recovery.", {"enable": "enabled", "interval": "check_interval"}),
        ("limits.", {"max_hop": "max_hops", "max_line_byte": "max_line_bytes"}),
        ("retention.", {"process_days": "processed_days"}),
        ("dashboard.", {"prot": "port", "hots": "host"}),
        ("alerts.", {"web_hook": "webhook", "heartbeat": "heartbeat_url", "quite_seconds": "quiet_seconds"}),
        ("files[0].", {"matches": "match", "first_lines": "first_line"}),
        ("nodes[0].", {"nxt": "next", "streams": "stream", "conf": "config"}),
        ("examples[0].", {"expects": "expect"}),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(place: str, meant_by: dict[str, str]) -> None:
    for key, meant in meant_by.items():
        problem = only_problem(nested(f"{place}{key}", None))
        assert str(problem) == f"$.{place}{key}: unknown key; did you mean {meant!r}?"


def test_a_key_like_no_other_is_refused_with_all_that_there_are() -> None:
    assert only_problem(nested("dashboard.zzz", 1)).suggestion.startswith("known are host, port")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({}, "$.nodes"),
        ({"nodes": [{"type": "trim", "next": "end"}]}, "$.nodes[0].tag"),
        ({"nodes": [{"tag": "start", "next": "end"}]}, "$.nodes[0].type"),
        ({"nodes": NODES, "files": [{"match": "*"}]}, "$.files[0].start"),
        ({"nodes": NODES, "examples": [{"expect": {}}]}, "$.examples[0].input"),
        ({"nodes": NODES, "examples": [{"input": []}]}, "$.examples[0].expect"),
    ],
)
def test_a_missing_key_is_named(value: Any, path: str) -> None:
    assert str(only_problem(value)).startswith(f"{path}: is missing")


@pytest.mark.parametrize("value", [None, 5, "text", [], True])
def test_a_configuration_is_an_object(value: Any) -> None:
    config, problems = parse_config(value, folder=FOLDER)
    assert config is None
    assert [problem.path for problem in problems] == ["$"]


def test_a_rule_for_files_may_go_by_name_by_first_line_or_by_both() -> None:
    rules = [{"match": "*.csv"}, {"first_line": "^\\{"}, {"match": "*.json", "first_line": "^\\["}]
    assert parsed({"nodes": NODES, "files": [{**rule, "start": "start"} for rule in rules]}).files == (
        FileRule("start", match="*.csv"),
        FileRule("start", first_line="^\\{"),
        FileRule("start", match="*.json", first_line="^\\["),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("end", ("end",)),
        (["a", "end"], ("a", "end")),
        ({"error": ["a", "b"], "*": "end"}, {"error": ("a", "b"), "*": ("end",)}),
    ],
)
def test_a_next_is_a_node_a_list_of_nodes_or_a_map_by_tag(written: Any, meant: Any) -> None:
    assert parsed(nested("nodes[0].next", written)).nodes[0].next == meant


def test_a_node_is_known_with_all_that_was_said_of_it() -> None:
    node = {
        "tag": "start",
        "type": "mine.total",
        "config": {"by": ["a", {"b": None}]},
        "stream": True,
        "as": "dict",
    }
    assert parsed({"nodes": [node]}).nodes == (
        NodeSpec("start", "mine.total", {"by": ["a", {"b": None}]}, None, stream=True, gets="dict"),
    )


def test_all_problems_are_told_at_once_each_with_its_path() -> None:
    value = {
        "wokers": 1,
        "on_error": "explode",
        "intake": {"ready": "maybe", "settle_seconds": -1, "speed": 1},
        "dashboard": {"port": "http"},
        "checkpoint": {"mb": 0},
        "nodes": [{"tag": "start", "type": "trim", "next": 5}, {"tag": "b"}, "c"],
        "examples": [{"input": "a"}],
    }
    assert sorted(problem.path for problem in problems_of(value)) == [
        *("$.checkpoint.mb", "$.dashboard.port", "$.examples[0].expect", "$.examples[0].input"),
        *("$.intake.ready", "$.intake.settle_seconds", "$.intake.speed"),
        *("$.nodes[0].next", "$.nodes[1].type", "$.nodes[2]", "$.on_error", "$.wokers"),
    ]


URLS = (
    *("http://example.org", "https://example.org/a/b?c=%C3%A9#d", "HTTPS://EXAMPLE.ORG:8443/"),
    *("http://me:s3cret@127.0.0.1:9000/x", "http://[::1]:80/"),
)
WRONG_URLS = (
    *(
        "s3cret.example.org/x",
        "//example.org/s3cret",
        "ftp://example.org/s3cret",
        "file:///s3cret",
        "http://",
    ),
    *("http:///s3cret", "http://example.org:port/s3cret", "http://example.org:99999/s3cret"),
    *("http://example.org:0/s3cret", "http://[::1/s3cret", "https://example.org/s3cret é"),
    *("http://example.org/s3cret x", "http://example.org/s3cret\n", " http://example.org/s3cret"),
    *("http://s3cret\x7f.org/", "http://éxample.org/s3cret", "http://me@/s3cret"),
)


@pytest.mark.parametrize("key", ["webhook", "heartbeat_url"])
@pytest.mark.parametrize("url", [*URLS, None])
def test_a_url_to_call_is_one_of_the_web_or_null(key: str, url: str | None) -> None:
    assert getattr(parsed(nested(f"alerts.{key}", url)).alerts, key) == url


@pytest.mark.parametrize("key", ["webhook", "heartbeat_url"])
@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_url_is_refused_without_being_repeated(key: str, url: str) -> None:
    problem = only_problem(nested(f"alerts.{key}", url))
    assert str(problem).startswith(f"$.alerts.{key}: must be an http:// or https:// URL")
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize("seconds", [None, 0.5, 86400])
def test_quiet_is_after_a_time_or_never(seconds: float | None) -> None:
    assert parsed(nested("alerts.quiet_seconds", seconds)).alerts.quiet_seconds == seconds


@pytest.mark.parametrize("seconds", [0, -1, "5", True])
def test_quiet_is_not_at_once(seconds: Any) -> None:
    assert only_problem(nested("alerts.quiet_seconds", seconds)).path == "$.alerts.quiet_seconds"


@pytest.mark.parametrize("key", ["webhook", "heartbeat_url"])
def test_secrets_in_urls_are_kept_out_of_all_that_is_shown(key: str) -> None:
    config = parsed(nested(f"alerts.{key}", "https://me:s3cret@example.org:8443/s3cret?a=s3cret"))
    assert "s3cret" not in repr(config)
    shown = to_log(config)
    assert "s3cret" not in str(shown)
    assert shown["alerts"][key] == "https://example.org:8443/..."
    assert shown | {"alerts": 0} == to_json(config) | {"alerts": 0}
