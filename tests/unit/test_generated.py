"""What documents take from the code is as the code says, and nothing that can be generated is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
