"""Real logs, every line of them, parsed into the fields that loghub gives for them."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from tests.support.helpers import plan_of, run_bytes
from tests.support.loghub import LOGHUB, unless_absent

STRUCTURED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "Apache": (
        {"type": "dissect", "config": {"pattern": "[{Time}] [{Level}] {Content}"}},
        ["Time", "Level", "Content"],
    ),
    "HDFS": (
        {"type": "parse_regex",
         "config": {"pattern": "^%{INT:Date} %{INT:Time} %{INT:Pid} %{LOGLEVEL:Level} %{DATA:Component}: "
                    "%{GREEDYDATA:Content}"}},
        ["Date", "Time", "Pid", "Level", "Component", "Content"],
    ),
    "Zookeeper": (
        {"type": "dissect",
         "config": {"pattern": "{Date} {Time} - {Level->} [{Node}:{Component}@{Id}] - {Content}"}},
        ["Date", "Time", "Level", "Node", "Component", "Id", "Content"],
    ),
}  # fmt: skip
"""The node that parses the log of a program, and the fields that it has."""


def parsed(name: str, node: dict[str, Any]) -> list[dict[str, Any]]:
    plan = plan_of([{"tag": "start", "next": "end", **node}])
    output, _ = run_bytes(plan, (LOGHUB / f"{name}_2k.log").read_bytes())
    return [json.loads(line) for line in output.results["in.log"]]


@unless_absent
@pytest.mark.parametrize("name", STRUCTURED)
def test_every_line_has_the_fields_that_it_is_known_to_have(name: str) -> None:
    node, fields = STRUCTURED[name]
    with (LOGHUB / f"{name}_2k.log_structured.csv").open(newline="", encoding="utf-8") as file:
        known = [{field: row[field] for field in fields} for row in csv.DictReader(file)]
    records = parsed(name, node)
    for record in records:
        record["Content"] = record["Content"].rstrip()  # as loghub has it
    assert records == known


@unless_absent
@pytest.mark.parametrize("name", ["Linux", "OpenSSH"])
def test_every_line_of_a_syslog_is_made_of_its_fields(name: str) -> None:
    text = (LOGHUB / f"{name}_2k.log").read_bytes().decode().replace("\r\n", "\n")
    records = parsed(name, {"type": "parse_log", "config": {"format": "syslog"}})
    for line, record in zip(text.removesuffix("\n").split("\n"), records, strict=True):
        pid = "" if record["pid"] is None else f"[{record['pid']}]"
        app = "" if record["app"] is None else f"{record['app']}{pid}: "
        assert f"{record['time']} {record['host']} {app}{record['message']}" == line
