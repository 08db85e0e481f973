"""When a checkpoint is made: after some seconds or bytes of work, within a giant line too."""

from __future__ import annotations

import json

from fproc.run.verdict import Verdict
from fproc.spool.job import checkpoint as checkpoints
from tests.support.spool.checkpoints import LINES, Site


def test_a_checkpoint_is_made_after_the_configured_seconds(site: Site, saves: list[int]) -> None:
    site.config["checkpoint"] = {"seconds": 3, "mb": 10**6}
    site.drop()
    passed = [0.0]

    def tell(_position: int, lines: int, *_left_out: int) -> None:
        passed[0] = float(lines)

    assert site.run(monotonic=lambda: passed[0], progress=tell).verdict is Verdict.COMMIT
    assert saves == [len("".join(line + "\n" for line in LINES[:number])) for number in (3, 6, 9)]


def test_a_checkpoint_is_made_after_the_configured_bytes_counted_from_the_last_one(
    site: Site, saves: list[int]
) -> None:
    site.config["checkpoint"] = {"seconds": 86400, "mb": 8e-6}
    site.stop_before(9)
    assert saves == [
        10,
        22,
        26,
    ]  # lines end at 2, 4, 10, 12, 14, 16, 22, 24, 26; the last is where it stopped
    assert site.run(monotonic=lambda: 0.0).verdict is Verdict.COMMIT
    assert saves == [10, 22, 26]


def test_a_small_file_has_no_checkpoint(site: Site, saves: list[int]) -> None:
    site.config.pop("checkpoint")
    site.drop()
    assert (site.run().verdict, saves) == (Verdict.COMMIT, [])


def test_within_a_line_over_the_limit_a_file_is_left_at_a_checkpoint_and_goes_on_there(
    site: Site, small_steps: None
) -> None:
    site.drop(["1", "x" * 1000, "3"])
    stops = iter([False, False, *[True] * 9])
    assert site.run(is_stopping=lambda: next(stops)).verdict is Verdict.STOP
    saved = checkpoints.read_checkpoint(str(site.job))
    assert saved
    assert (saved.place.line_no, saved.place.offset_bytes, saved.place.head) == (2, 2, "x" * 20)
    assert 22 < saved.place.passed_bytes < 1000
    reached = saved.place.reached_bytes
    positions: list[int] = []
    assert site.run(progress=lambda position, *_: positions.append(position)).verdict is Verdict.COMMIT
    assert positions[0] <= reached + 30
    found = site.look()
    assert found["results"]["x.log"] == "1 1\n2 3\n"
    [told] = map(json.loads, found["failed"]["x.log.rejected.jsonl"].splitlines())
    assert (told["line_no"], told["byte_offset"]) == (2, 2)
