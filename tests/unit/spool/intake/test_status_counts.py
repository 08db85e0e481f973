"""How many inputs lie in each folder, and that asking changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

from fproc.spool.checks.condition import disks
from tests.support.spool.worlds import World


def test_counts_are_of_inputs_and_not_of_reports_or_ignored_names(world: World) -> None:
    for path in ("unprocessed/a", "unprocessed/b", "unprocessed/c.tmp", "underprocess/d", "processed/e"):
        world.put(path)
    for name in ("f", "f.error.json", "g", "g.error.json", "e.rejected.jsonl"):
        world.put(f"failed/{name}")
    assert world.status().counts() == {
        "unprocessed": 2,
        "underprocess": 1,
        "processed": 1,
        "failed": 2,
    }


def test_counts_are_of_inputs_alone(world: World) -> None:
    for name in ("a", "b.tmp", "c"):
        world.put(f"unprocessed/{name}")
    (world.folder / "processed/folder").mkdir()
    for name in ("f", "f.error.json", "f.rejected.jsonl", "orphaned.error.json"):
        world.put(f"failed/{name}")
    assert world.status().counts() == {"unprocessed": 2, "underprocess": 0, "processed": 0, "failed": 1}


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    world = World(tmp_path / "w")
    for folder in world.folders.inputs():
        os.rmdir(folder)
    assert world.status().counts() == {"unprocessed": 0, "underprocess": 0, "processed": 0, "failed": 0}
    assert (world.status().waiting(), world.why("x"), world.status().instances()) == ([], {}, [])


def test_a_folder_that_is_a_file_is_empty_too(world: World) -> None:
    os.rmdir(world.folders.failed)
    world.put("failed")
    assert world.status().counts()["failed"] == 0
    assert world.why("x") == {}
    (unusable,) = disks(world.folders).unusable
    assert unusable.startswith(f"a folder has vanished: {world.folders.failed}")


def test_the_size_of_a_file_that_is_worked_on_is_told_if_it_is_there(world: World) -> None:
    world.put("underprocess/\udcff", "12345")
    sizes = [world.status().size_bytes(name) for name in ("\udcff", "gone", "nul\0", "a" * 300)]
    assert sizes == [5, None, None, None]


def test_asking_changes_nothing(world: World) -> None:
    world.put("unprocessed/x")
    world.put("underprocess/y")
    world.put("failed/z")
    world.put(".fproc/instances/dead", "{}")
    before = sorted((path, path.lstat().st_mtime_ns) for path in world.folder.rglob("*"))
    for name in ("x", "y", "z", "?"):
        world.why(name)
    status = world.status()
    assert disks(world.folders).unusable == ()
    assert (status.waiting(), status.instances()) == ([], [])
    assert sum(status.counts().values()) == 3
    assert sorted((path, path.lstat().st_mtime_ns) for path in world.folder.rglob("*")) == before
