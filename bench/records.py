"""The programs of the workload of records: tables, JSON lines and an access log, field by field."""

from __future__ import annotations

import os
from pathlib import Path

from bench.measure import Comparison, Goal, Program
from bench.programs import FPROC, LOOP, TWO, tool
from bench.settings import PIPELINES, RIVALS, Settings
from bench.tables import access_log, table_csv, table_json

MILLER = "miller (1 core)"

SHARE = 4
"""The inputs have this part of the size of the big log."""

GOALS = (Goal(FPROC, 1.2, LOOP), Goal(FPROC, 1.0, MILLER))


def comparisons(settings: Settings) -> list[Comparison]:
    """Return the comparisons, with their inputs made."""
    folder, size_mb = settings.scratch, max(1, settings.mb // SHARE)
    return [
        _edited(settings, table_csv(folder, size_mb)),
        _chosen(settings, table_json(folder, size_mb)),
        _totals(settings, access_log(folder, size_mb)),
    ]


def _edited(settings: Settings, table: Path) -> Comparison:
    edits = ["rename", "qty,quantity", "then", "cut", "-x", "-f", "ok", "then", "put", '$source = "shop"']
    return Comparison(
        f"records: {table.stat().st_size / 1e6:.0f} MB, CSV to JSON lines with three edits",
        [
            _loop(settings, "edited", table),
            *_fproc(settings, "records_edited", table),
            _miller(["--icsv", "--ojsonl", *edits], table),
        ],
        GOALS,
    )


def _chosen(settings: Settings, table: Path) -> Comparison:
    choice = ["filter", '$status == "open"', "then", "cut", "-f", "id,name,price"]
    jq = 'exec jq -c "$1" "$2" > "${2##*/}"'
    query = 'select(.status == "open") | {id, name, price}'
    return Comparison(
        f"records: {table.stat().st_size / 1e6:.0f} MB, JSON lines filtered and projected",
        [
            _loop(settings, "chosen", table),
            *_fproc(settings, "records_chosen", table),
            _miller(["--ijsonl", "--ojsonl", *choice], table),
            tool("jq", lambda _folder: ["sh", "-c", jq, "sh", query, str(table)]),
        ],
        [*GOALS, Goal(FPROC, 1.0, "jq")],
    )


def _totals(settings: Settings, log: Path) -> Comparison:
    gawk = 'exec gawk -f "$1" "$2" > "${2##*/}"'
    script = str(RIVALS / "records_totals.awk")
    counts = ["--inidx", "--ifs", " ", "--onidx", "count", "-g", "9", "then", "sort", "-f", "9"]
    return Comparison(
        f"records: {log.stat().st_size / 1e6:.0f} MB, an access log to totals",
        [
            _loop(settings, "totals", log),
            *_fproc(settings, "records_totals", log),
            tool("gawk", lambda _folder: ["sh", "-c", gawk, "sh", script, str(log)], title="gawk, FPAT"),
            _miller(counts, log),
        ],
        GOALS,
    )


def _fproc(settings: Settings, pipeline: str, given: Path) -> list[Program]:
    command = [settings.python, "-m", "fproc", "--input", str(given), "--quiet"]
    command += ["--config", str(PIPELINES / f"{pipeline}.json")]
    return [
        Program(FPROC, lambda folder: [*command, "--workers", "1", "--output", f"{folder}/"]),
        Program(TWO, lambda folder: [*command, "--workers", "2", "--output", f"{folder}/"]),
    ]


def _loop(settings: Settings, name: str, given: Path) -> Program:
    command = [settings.python, str(RIVALS / "loop_records.py"), name]
    return Program(LOOP, lambda folder: [*command, folder, str(given)])


def _miller(arguments: list[str], given: Path) -> Program:
    """Return Miller, whose JSON has blanks in it, so that its results are not compared.

    It sets the number of its threads itself, whatever GOMAXPROCS says, so it is bound to one core.
    """
    script = 'out=$1; core=$2; shift 2; exec taskset -c "$core" mlr -S "$@" > "$out"'
    core = str(max(os.sched_getaffinity(0)))
    program = tool(
        "mlr",
        lambda _folder: ["sh", "-c", script, "sh", given.name, core, *arguments, str(given)],
        title=MILLER,
        needs=["taskset"],
    )
    return Program(program.name, program.command, compared=False, missing=program.missing)
