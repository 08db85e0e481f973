"""Parts and set-aside lines that a checkpoint knows: cut, kept, or not all there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.run.verdict import Verdict
from fproc.spool.job.checkpoint import Position
from fproc.spool.job.decision import FileStamp
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.spool.checkpoints import LINES, SEEN, Site


def make_symlink(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


LOSSES = [Path.unlink, make_symlink, lambda path: os.truncate(path, 3), lambda path: os.truncate(path, 0)]


@pytest.mark.parametrize("spoil", [*LOSSES, make_folder])
def test_a_file_whose_part_is_not_all_there_starts_over(site: Site, spoil: Callable[[Path], object]) -> None:
    site.stop_before(8)
    spoil(site.parts()["x.log"])
    assert site.run().verdict is Verdict.COMMIT
    for path in site.stage().glob("elsewhere"):  # ours, and nobody else's to remove
        assert path.read_text() == "1 0\n2 1\n3 3\n4 4\n5 5\n6 7\n"
        path.unlink()
    site.check_done(seen=LINES)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: os.truncate(path, 3)])
def test_a_file_whose_set_aside_lines_are_not_all_there_starts_over(
    site: Site, spoil: Callable[[Path], object]
) -> None:
    site.stop_before(8)
    spoil(site.job / "rejected.jsonl")
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_what_a_link_in_the_place_of_the_set_aside_lines_leads_to_is_left_alone(site: Site) -> None:
    site.stop_before(8)
    path = site.job / "rejected.jsonl"
    path.unlink()
    other = site.folder.parent / "other"
    other.write_text("x" * 10_000)
    path.symlink_to(other)
    site.run()
    assert other.read_text() == "x" * 10_000


def test_what_was_written_after_the_checkpoint_is_cut_off(site: Site) -> None:
    site.stop_before(8)
    for path in (*site.parts().values(), site.job / "rejected.jsonl"):
        with open(path, "ab") as file:
            file.write(b"half a li")
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES[8:])


def test_set_aside_lines_that_all_came_after_the_checkpoint_are_removed(site: Site) -> None:
    site.stop_before(2, ["a", "b", "c"])
    (site.job / "rejected.jsonl").write_text("{}\n")
    assert site.run().verdict is Verdict.COMMIT
    found = site.look()
    assert (SEEN, found["failed"], found["litter"]) == (["c"], {}, [])


def test_parts_that_the_checkpoint_does_not_know_are_removed_and_those_of_others_stay(site: Site) -> None:
    site.stop_before(5)
    [part] = site.parts().values()
    own = part.with_name(part.name.partition("-")[0] + "-0badc0de-0")
    for path in (own, part.with_name("f" * 24 + "-0badc0de-0")):
        path.write_text("litter")
    site.take().release()
    assert set(os.listdir(site.stage())) == {part.name, "f" * 24 + "-0badc0de-0"}


def test_a_release_keeps_what_the_checkpoint_needs_and_nothing_else(site: Site) -> None:
    site.drop()
    before = open_descriptors()
    claim = site.take()
    assert new_descriptors(before)
    stamp = FileStamp.of(os.stat(claim.path))
    for result in ("a", "b"):
        claim.staging.write(result, "1")
    claim.reject(b"{}\n")
    claim.save(stamp, "f00d", Position(2, 2, "start"))
    for result in ("b", "c"):
        claim.staging.write(result, "2")
    claim.reject(b"{}\n")
    claim.staging.flush()
    assert len(os.listdir(site.stage())) == 3
    claim.release()
    assert not new_descriptors(before)  # the lock is given back too
    assert sorted(site.parts()) == ["a", "b"]
    assert sorted(os.listdir(site.stage())) == sorted(path.name for path in site.parts().values())
    assert sorted(os.listdir(site.job)) == ["checkpoint.json", "rejected.jsonl"]
    claim = site.take()
    assert claim.resume(stamp, "f00d") == Position(2, 2, "start")
    assert [(name, part.size_bytes, part.lines) for name, part in claim.staging.parts.items()] == [
        ("a", 2, 1),
        ("b", 2, 1),
    ]
    claim.staging.write("b", "3")
    claim.commit(stamp)
    found = site.look()
    assert (found["results"], found["litter"]) == ({"a": "1\n", "b": "1\n"}, [])  # "3" was never flushed


def test_a_file_that_fails_leaves_no_checkpoint(site: Site, saves: list[int]) -> None:
    site.config["on_error"] = "fail"
    site.drop()
    assert site.run().verdict is Verdict.FAIL
    found = site.look()
    assert (saves, found["results"], found["litter"], len(found["failed"])) == ([2, 4], {}, [], 2)
