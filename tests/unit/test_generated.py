"""What documents take from the code is as the code says, and nothing that can be generated is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fproc.telemetry.health import RUNNING_STATUSES
from fproc.telemetry.metrics import OUTSIDE_NODES
from tests.support.described import DESCRIPTION, QUERY, described
from tests.support.generated import COMMAND, PARTS, documents, renewed, stale
from tests.support.project import PROJECT


def test_what_is_generated_is_as_the_code_says() -> None:
    names = [str(path.relative_to(PROJECT)) for path in stale(PROJECT)]
    assert names == [], f"run `{COMMAND}`"


@pytest.mark.parametrize("name", PARTS)
def test_each_part_stands_in_one_document(name: str) -> None:
    places = [
        path for path in documents(PROJECT) if f"<!-- generated: {name} -->\n" in path.read_text("utf-8")
    ]
    assert len(places) == 1


def test_a_change_by_hand_within_a_part_is_noticed_and_one_around_it_is_left_alone() -> None:
    page = Path(PROJECT, "docs/monitoring/README.md").read_text("utf-8")
    assert renewed(page + "More.\n") == page + "More.\n"
    changed = re.sub(r"(?<=`fproc_workers` \| )gauge", "counter", page)
    assert changed != page
    assert renewed(changed) == page


def test_a_document_names_no_part_that_nobody_makes() -> None:
    marked = [
        name
        for path in documents(PROJECT)
        for name in re.findall(r"<!-- generated: ([\w-]+) -->", path.read_text("utf-8"))
    ]
    assert sorted(marked) == sorted(PARTS)


def test_what_the_description_of_the_api_says_of_windows_is_noticed_when_it_is_wrong() -> None:
    text = Path(PROJECT, DESCRIPTION).read_text("utf-8")
    wrong = text.replace('"enum": [60, 900, 3600]', '"enum": [60, 901]')
    assert wrong != text
    assert described(wrong) == text


def test_no_value_of_the_api_that_is_declared_in_code_is_forgotten() -> None:
    """Every enum and every bound of an entry is known to `described`, or means something of its own."""
    found = re.findall(r'"enum": \[[^]]*\]', Path(PROJECT, DESCRIPTION).read_text("utf-8"))
    own = {'"enum": ["ok"]', '"enum": [true]'}
    declared = [*QUERY["window"]["enum"], *QUERY["state"]["enum"], *RUNNING_STATUSES, *OUTSIDE_NODES]
    others = [enum for enum in found if enum not in own]
    assert others
    assert all(set(json.loads(enum.partition(": ")[2])) <= set(declared) for enum in others)
