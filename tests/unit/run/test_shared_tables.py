"""A table by several processes: the header, which only its beginning has, is known to all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fproc.run.chunked import helpers
from tests.support.chunked import Files, check_same
from tests.support.helpers import plan_of

Node = dict[str, Any]

HEADER = b'name,"the price",stock\n'
ROWS = [b'"bolt, M%d",%d.50,%d\n' % (number, number, number % 7) for number in range(300)]
TABLE = b"\n" + HEADER + b"".join(ROWS[:150]) + HEADER + b"short,1\n" + b"".join(ROWS[150:])

PARSE: Node = {"tag": "start", "type": "parse_csv", "next": "some"}
SOME: Node = {"tag": "some", "type": "where", "config": {"field": "stock", "above": 2}, "next": "table"}
FORMAT: Node = {
    "tag": "table",
    "type": "format",
    "config": {"to": "csv", "fields": ["stock", "name"]},
    "next": "end",
}
NODES = [PARSE, SOME, FORMAT]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where files began to be shared."""
    offsets: list[int] = []
    work: Callable[..., Iterator[Any]] = helpers.Helpers.work

    def noted(crew: helpers.Helpers, begin: int, size_bytes: int) -> Iterator[Any]:
        offsets.append(begin)
        return work(crew, begin, size_bytes)

    monkeypatch.setattr(helpers.Helpers, "work", noted)
    return offsets


@pytest.mark.parametrize("count", [1, 2])
def test_helpers_change_nothing_of_a_table(files: Files, begun: list[int], count: int) -> None:
    path, plan = files.put(TABLE), plan_of(NODES)
    alone = files.run(plan, path, 0)
    assert begun == []
    together = files.run(plan, path, count)
    check_same(together, alone)
    assert len(begun) == 1
    assert 0 < begun[0] < 150, "as soon as the first row is written"
    assert alone.results["in.log"].startswith(b'stock,name\n3,"bolt, M3"\n')
    assert [rejected["line_no"] for rejected in together.rejected] == [154]


def test_a_table_goes_on_from_any_chunk(files: Files) -> None:
    path, plan = files.put(TABLE), plan_of(NODES)
    whole = files.run(plan, path, 1)
    assert len(whole.places) > 50
    for place, written in list(zip(whole.places, whole.written, strict=True))[1::25]:
        again = files.run(plan, path, 1, begin_at=place, written=written)
        assert (again.results, again.figures) == (whole.results, whole.figures)


def test_a_table_whose_header_does_not_come_soon_is_done_by_one_process(
    files: Files,
    begun: list[int],
) -> None:
    path, plan = files.put(b"\n" * 300 + TABLE), plan_of(NODES)
    check_same(files.run(plan, path, 1), files.run(plan, path, 0))
    assert begun == []
