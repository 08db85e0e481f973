"""What `docs/monitoring/` has for Prometheus and Grafana, held against the real programs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.support.programs.promtool import check_metrics, promtool, tool
from tests.support.programs.running import (
    DEADLINE_SECONDS,
    ROOT,
    WAITING_OR_BAD,
    Watching,
    drop,
    own_processor,
    wait_until,
)

MONITORING = Path(ROOT, "docs/monitoring")
RULES = MONITORING / "alerts.yml"
SUFFIXES = re.compile(r"_(bucket|sum|count)$")


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """An instance that has every figure there is: it has worked, failed, and has a file that waits."""
    folder = tmp_path_factory.mktemp("watching")
    own_processor(folder, WAITING_OR_BAD, workers=1)
    with Watching(folder, dashboard=True) as running:
        drop(folder, "a.log", b"good\n")
        drop(folder, "b.log", b"bad\n")
        running.wait_for("processed/a.log", "failed/b.log")
        drop(folder, "c.log", b"wait\n")
        running.wait_for("underprocess/c.log")
        drop(folder, "d.log", b"good\n")
        running.wait_until(lambda: "fproc_oldest_waiting_seconds" in exposed(running))
        yield running
        (folder / "go").touch()


def read(url: str) -> str:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=DEADLINE_SECONDS)
    with closing(connection):
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


def exposed(watching: Watching) -> dict[str, str]:
    """The types of all that `/metrics` has, by name."""
    found = re.findall(r"^# TYPE (\S+) (\S+)$", read(f"{watching.url}/metrics"), re.MULTILINE)
    return dict(found)


def named(text: str) -> set[str]:
    return {SUFFIXES.sub("", name) for name in re.findall(r"\bfproc_\w+", text)}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
    return found


def expressions() -> list[str]:
    """What the panels ask, with their variables filled in."""
    asked = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    return [expr.replace("$instance", ".*").replace("$__rate_interval", "10s") for expr in asked]


@pytest.mark.parametrize("name", ["alerts.yml", "grafana-dashboard.json", "README.md"])
def test_every_metric_that_is_named_exists(watching: Watching, name: str) -> None:
    names = named((MONITORING / name).read_text())
    assert names
    assert names - exposed(watching).keys() == set()


def test_every_metric_is_documented_with_its_type(watching: Watching) -> None:
    readme = (MONITORING / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(fproc_\w+)` \| (\w+) \|", readme, re.MULTILINE))
    assert rows == exposed(watching)


def test_promtool_finds_nothing_wrong_with_what_the_program_says(watching: Watching) -> None:
    check_metrics(read(f"{watching.url}/metrics"))


def test_promtool_takes_the_alert_rules_and_all_that_the_dashboard_asks(tmp_path: Path) -> None:
    promtool("check", "rules", str(RULES))
    rules = [{"record": f"x:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    asked = tmp_path / "asked.yml"  # JSON is YAML
    asked.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(asked))


ALERTS: dict[str, dict[str, str]] = {
    "FprocDown": {'up{job="fproc"}': "0x200"},
    "FprocUnhealthy": {"fproc_healthy": "0x200"},
    "FprocIntakePaused": {"fproc_intake_paused": "1x200"},
    "FprocFilesFailing": {"fproc_files_failed_total": "0x50 3x150"},
    "FprocBacklogOld": {"fproc_oldest_waiting_seconds": "3700x200"},
    "FprocDiskLow": {"fproc_disk_free_bytes": "5x200", "fproc_disk_size_bytes": "100x200"},
    "FprocNoSuccess": {"fproc_last_success_timestamp_seconds": "-90000x200"},
}
WELL = {
    'up{job="fproc"}': "1x200",
    "fproc_healthy": "1x200",
    "fproc_intake_paused": "0x200",
    "fproc_files_failed_total": "3x200",
    "fproc_oldest_waiting_seconds": "10x200",
    "fproc_disk_free_bytes": "50x200",
    "fproc_disk_size_bytes": "100x200",
    "fproc_last_success_timestamp_seconds": "0x200",
}


def fired(folder: Path, series: dict[str, str], alerts: dict[str, int]) -> None:
    """Check that with these series, after an hour, each alert has fired for as many instances as expected."""
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
                "eval_time": "1h",
                "exp_samples": [{"labels": "{}", "value": count}] if count else [],
            }
            for name, count in alerts.items()
        ],
    }
    path = folder / "test.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(path))


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_fires_when_it_should_and_no_other_with_it(tmp_path: Path, name: str) -> None:
    assert set(ALERTS) == set(re.findall(r"alert: (\w+)", RULES.read_text()))
    fired(tmp_path, WELL | ALERTS[name], {other: int(other == name) for other in ALERTS})


def test_no_alert_fires_while_all_is_well(tmp_path: Path) -> None:
    fired(tmp_path, WELL, dict.fromkeys(ALERTS, 0))


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    assert {"title", "uid", "schemaVersion", "templating", "time"} <= dashboard.keys()
    variables = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}
    assert "id" not in dashboard  # Grafana gives it
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels()
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert {x for x, _ in cells} <= set(range(24))
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels():
        assert panel["title"]
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"] == source


class Prometheus:
    """A running one that scrapes fproc every second."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        value = json.loads(read(f"{self.url}/api/v1/query?query={quote(expression)}"))
        assert value["status"] == "success"
        found: list[dict[str, Any]] = value["data"]["result"]
        return found

    def rules(self) -> dict[str, str]:
        """How the evaluation of each alert rule went."""
        [group] = json.loads(read(f"{self.url}/api/v1/rules"))["data"]["groups"]
        return {rule["name"]: rule["health"] for rule in group["rules"]}


@contextmanager
def prometheus(folder: Path, watching: Watching) -> Iterator[Prometheus]:
    target = watching.url.removeprefix("http://")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "fproc", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    command = [
        tool("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.listen-address=127.0.0.1:0",
    ]
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    with process:
        try:
            wait_until(lambda: "Server is ready" in log.read_text(), log.read_text)
            found = re.search(r'"Listening on" address=(\S+)', log.read_text())
            assert found
            yield Prometheus(f"http://{found[1]}")
        finally:
            process.kill()  # by its own id; its data is thrown away
            process.wait(DEADLINE_SECONDS)


def test_a_real_prometheus_scrapes_it_and_everything_on_the_dashboard_has_data(
    tmp_path: Path, watching: Watching
) -> None:
    with prometheus(tmp_path, watching) as asked:

        def value(expression: str) -> float | None:
            found = asked.query(expression)
            return float(found[0]["value"][1]) if found else None

        wait_until(lambda: value('up{job="fproc"}') == 1)
        wait_until(lambda: value('fproc_files{state="failed"}') == 1)
        assert value("fproc_healthy") == 1
        assert value("fproc_files_processed_total") == 1
        assert value("fproc_node_errors_total{node='start'}") == 1
        assert value("fproc_processing_seconds_count") == 2
        for expression in expressions():
            wait_until(partial(asked.query, expression), partial(str, expression))
        wait_until(lambda: set(asked.rules().values()) == {"ok"}, lambda: str(asked.rules()))
        assert asked.query('ALERTS{alertname="FprocDown"}') == []
