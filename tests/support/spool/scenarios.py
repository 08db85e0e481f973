"""Files before a crash, what someone else does meanwhile, and what must come of it: data of the sweeps."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fproc.pipeline.failures import LineFailure
from fproc.spool.output.parts import TEXT_BYTES
from tests.support.helpers import SAMPLES, thinned, user

TWO_RESULTS: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "count"]},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "{stem}.count"}},
]


IN_FOLDERS: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["kept", "count"]},
    {"tag": "kept", "type": "write", "config": {"file": "by name/{stem}/{name}"}},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "counts/{stem}.count"}},
]


SHARED: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["shared", "end"]},
    {"tag": "shared", "type": "write", "config": {"file": "all/shared.log", "append": True}},
]


@dataclass
class Scenario:
    """Files before the crash, what someone else does between crash and recovery, and what must come of it.

    What is `expected` of a file is its text, or one of several, or "*" for a report.

    `alone` has each file claimed and committed for itself, as where files cannot share what they need;
    `has_journal` says what the filesystem is like.
    """

    dropped: dict[str, str]
    expected: dict[str, dict[str, str | tuple[str, ...]]]
    earlier: dict[str, str] = field(default_factory=dict)
    meanwhile: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=lambda: TWO_RESULTS)
    alone: bool = False
    has_journal: bool = True


def set_aside(*places: tuple[int, int]) -> str:
    """The lines `bad` as they are set aside, by line number and offset."""
    source = Path(SAMPLES, "user_processors.py").read_text().partition("def fail_on_bad")[0].count("\n") + 3
    failures = [
        LineFailure(
            "rejected", "start", number, offset, "bad", "start", "bad",
            f"ValueError: cannot digest 'bad' (user_processors.py:{source})",
        )
        for number, offset in places
    ]  # fmt: skip
    return "".join(json.dumps(failure.as_json()) + "\n" for failure in failures)


LONG = f"{'x' * 1000}\n" * (TEXT_BYTES // 1000 + 1)
"""What is too long to be appended from a commit record."""

SCENARIOS = {
    "two results": Scenario(
        {"unprocessed/x.log": "a\nb\n"},
        {"processed": {"x.log": "a\nb\n"}, "results": {"x.log": "a\nb\n", "x.count": "2\n"}},
    ),
    "an empty file": Scenario(
        {"unprocessed/x.log": ""}, {"processed": {"x.log": ""}, "results": {"x.count": "0\n"}}
    ),
    "results in folders": Scenario(
        {"unprocessed/x.log": "a\nb\n", "unprocessed/y.log": "c\n"},
        {
            "processed": {"x.log": "a\nb\n", "y.log": "c\n"},
            "results": {
                "by name/x/x.log": "a\nb\n",
                "by name/y/y.log": "c\n",
                "counts/x.count": "2\n",
                "counts/y.count": "1\n",
            },
        },
        nodes=IN_FOLDERS,
    ),
    "an appended result": Scenario(
        {"unprocessed/x.log": "a\nb\n", "unprocessed/y.log": "c\n"},
        {
            "processed": {"x.log": "a\nb\n", "y.log": "c\n"},
            "results": {
                "all/shared.log": ("before\na\nb\nc\n", "before\nc\na\nb\n"),
                "x.log": "a\nb\n",
                "y.log": "c\n",
            },
        },
        earlier={"results/all/shared.log": "before\n"},
        nodes=SHARED,
    ),
    "an appended result that is new": Scenario(
        {"unprocessed/x.log": "a\nb\n", "unprocessed/y.log": "c\n"},
        {
            "processed": {"x.log": "a\nb\n", "y.log": "c\n"},
            "results": {
                "all/shared.log": ("a\nb\nc\n", "c\na\nb\n"),
                "x.log": "a\nb\n",
                "y.log": "c\n",
            },
        },
        nodes=SHARED,
    ),
    "a part and a text, appended": Scenario(
        {"unprocessed/x.log": LONG, "unprocessed/y.log": "c\n"},
        {
            "processed": {"x.log": LONG, "y.log": "c\n"},
            "results": {
                "all/shared.log": (f"before\n{LONG}c\n", f"before\nc\n{LONG}"),
                "x.log": LONG,
                "y.log": "c\n",
            },
        },
        earlier={"results/all/shared.log": "before\n"},
        nodes=SHARED,
    ),
    "a second file of a name": Scenario(
        {"unprocessed/x.log": "new\n"},
        {
            "processed": {"x.log": "old\n", "x~2.log": "new\n"},
            "results": {"x.log": "old\n", "x~2.log": "new\n", "x~2.count": "1\n"},
        },
        earlier={"processed/x.log": "old\n", "results/x.log": "old\n"},
    ),
    "a file that fails": Scenario(
        {"unprocessed/x.log": "a\nbad\n"}, {"failed": {"x.log": "a\nbad\n", "x.log.error.json": "*"}}
    ),
    "a file that fails for the second time": Scenario(
        {"unprocessed/x.log": "bad\n"},
        {"failed": {"x.log": "a", "x.log.error.json": "b", "x~2.log": "bad\n", "x~2.log.error.json": "*"}},
        earlier={"failed/x.log": "a", "failed/x.log.error.json": "b"},
    ),
    "lines that are set aside": Scenario(
        {"unprocessed/x.log": "a\nbad\n"},
        {
            "processed": {"x.log": "a\nbad\n"},
            "results": {"x.log": "a\n", "x.count": "1\n"},
            "failed": {"x.log.rejected.jsonl": set_aside((2, 2))},
        },
        config={"on_error": "reject"},
    ),
    "too many lines that are set aside": Scenario(
        {"unprocessed/x.log": "a\nbad\nbad\nb\n"},
        {
            "failed": {
                "x.log": "a\nbad\nbad\nb\n",
                "x.log.error.json": "*",
                "x.log.rejected.jsonl": set_aside((2, 2), (3, 6)),
            },
        },
        config={"on_error": "reject", "limits": {"max_rejected": 1}},
    ),
    "an earlier result is replaced": Scenario(
        {"unprocessed/x.log": "a\n"},
        {"processed": {"x.log": "a\n"}, "results": {"x.log": "a\n", "x.count": "1\n"}},
        earlier={"results/x.log": "old"},
        config={"on_conflict": "replace"},
    ),
    "a marker": Scenario(
        {"unprocessed/x.log": "a\n", "unprocessed/x.log.done": ""},
        {"processed": {"x.log": "a\n"}, "results": {"x.log": "a\n", "x.count": "1\n"}},
        config={"intake": {"ready": "marker"}},
    ),
    "checkpoints": Scenario(
        {"unprocessed/x.log": "a\nb\nbad\nc\nd\nbad\ne\n"},
        {
            "processed": {"x.log": "a\nb\nbad\nc\nd\nbad\ne\n"},
            "results": {"x.log": "a\nb\nc\nd\ne\n", "x.count": "5\n"},
            "failed": {"x.log.rejected.jsonl": set_aside((3, 4), (6, 12))},
        },
        config={"on_error": "reject", "checkpoint": {"seconds": 1e-9}},
    ),
    "two files": Scenario(
        {"unprocessed/x.log": "a\n", "unprocessed/y": "bad\n"},
        {
            "processed": {"x.log": "a\n"},
            "failed": {"y": "bad\n", "y.error.json": "*"},
            "results": {"x.log": "a\n", "x.count": "1\n"},
        },
    ),
}


SCENARIOS |= {
    "three files": Scenario(
        {f"unprocessed/{name}.log": f"{name}\n" for name in "xyz"},
        {
            "processed": {f"{name}.log": f"{name}\n" for name in "xyz"},
            "results": {
                **{f"{name}.log": f"{name}\n" for name in "xyz"},
                **{f"{name}.count": "1\n" for name in "xyz"},
            },
        },
    ),
    **{
        f"{name}, alone": replace(SCENARIOS[name], alone=True)
        for name in (
            "two results",
            "a second file of a name",
            "two files",
            "results in folders",
            "an appended result",
        )
    },
}


SCENARIOS |= {
    f"{name}, without a journal": replace(SCENARIOS[name], has_journal=False)
    for name in (
        "two results",
        "two results, alone",
        "two files",
        "three files",
        "results in folders, alone",
        "an appended result",
        "an appended result, alone",
        "an earlier result is replaced",
        "lines that are set aside",
        "a marker",
    )
}


Named = pytest.mark.parametrize(
    "scenario",
    thinned(
        SCENARIOS,
        "two results",
        "two results, alone",
        "a file that fails",
        "lines that are set aside",
        "a marker",
        "two files",
        "results in folders",
        "an appended result",
        "an appended result, alone",
    ),
)


def inputs_of(scenario: Scenario) -> Counter[str]:
    """What must never be lost: what was dropped, and what was there."""
    kept = {**scenario.earlier, **scenario.dropped}
    others = (".error.json", ".done")
    return Counter(
        text for path, text in kept.items() if not path.startswith("results/") and not path.endswith(others)
    )
