"""Names of results that a filesystem refuses: found out before the commit, and said by their own name."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ResultNameError
from fproc.base.text import shown
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from tests.support.helpers import plan_of
from tests.support.spool.claims import Place, owned
from tests.support.spool.groups import RefusingDisk
from tests.support.spool.inline import watcher


class StrictDisk(Disk):
    """A filesystem that takes only some names, as FAT does, or one for encrypted names."""

    def __init__(self, *, refused: str = ":", most_bytes: int = 255) -> None:
        super().__init__(power=False)
        self.tried: list[str] = []
        self._refused = refused
        self._most_bytes = most_bytes

    def check(self, path: str) -> None:
        name = os.path.basename(path)
        if len(os.fsencode(name)) > self._most_bytes:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        if self._refused in name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)

    def create(self, path: str) -> int:
        self.tried.append(os.path.basename(path))
        self.check(path)
        return super().create(path)

    def move(self, source: str, target: str) -> None:
        self.check(target)
        super().move(source, target)


def claimed(place: Place, disk: Disk, name: str = "x.log") -> Claim:
    place.put(f"unprocessed/{name}")
    return owned(place.instance(disk).claim(name))


def commit(claim: Claim, *names: str) -> None:
    for name in names:
        claim.staging.write(name, "A")
    claim.staging.flush()
    claim.commit(FileStamp.of(os.stat(claim.path)))


@pytest.mark.parametrize(
    ("disk", "result", "why"),
    [
        (StrictDisk(), "a:b.log", "Invalid argument"),
        (StrictDisk(), "error/a:b.log", "Invalid argument"),
        (StrictDisk(refused="\udcff"), "a\udcff.log", "Invalid argument"),
        (StrictDisk(most_bytes=143), "n" * 144, "File name too long"),
        (Disk(power=False), f"{'n' * 256}/x.log", "File name too long"),
        (Disk(power=False), f"{'/'.join(['n' * 250] * 17)}/x.log", "File name too long"),
    ],
    ids=["a character", "in a folder", "a byte", "a length", "a folder's length", "a path's length"],
)
def test_a_name_that_is_refused_fails_its_input_before_anything_is_decided(
    tmp_path: Path, disk: Disk, result: str, why: str
) -> None:
    place = Place(tmp_path / "w")
    claim = claimed(place, disk)
    with pytest.raises(ResultNameError) as caught:
        commit(claim, "fine.log", result)
    assert ".stage" not in str(caught.value)
    assert shown(result) in str(caught.value)
    assert f"cannot be put into the folder of results: {why}" in str(caught.value)
    assert not place.has(".fproc/jobs/x.log/commit.json")
    assert not place.has("results/fine.log")


def test_a_filesystem_that_takes_the_hardest_name_is_not_asked_again(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), StrictDisk(refused="/")
    spool = place.instance(disk)
    for name in ("x.log", "y.log"):
        place.put(f"unprocessed/{name}")
        commit(owned(spool.claim(name)), f"a:{name}", f"\u00e4:{name}")
    assert len([name for name in disk.tried if "*" in name]) == 1
    assert [name for name in disk.tried if name.startswith(("a:", "\u00e4:"))] == []
    assert sorted(os.listdir(spool.home.stage)) == []


def test_a_usual_name_is_tried_nowhere(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), RefusingDisk()
    claim = claimed(place, disk)
    disk.calls.clear()
    commit(claim, "app-2026.11.27~3_b.alerts.log")
    assert disk.calls.count("create") == 2, "more than the part and the record"


@pytest.mark.parametrize("names", [["x.log"], ["x.log", "y.log"]], ids=["alone", "in a group"])
def test_the_input_goes_to_failed_and_the_others_go_on(tmp_path: Path, names: list[str]) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "tag_prefix", "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{tag}.log"}},
    ]
    keys = {"watch_dir": str(tmp_path / "w"), "intake": {"ready": "rename"}, "durability": "process"}
    plan = plan_of(nodes, **keys)
    place = Place(tmp_path / "w")
    place.put("unprocessed/x.log", f"{'n' * 300}/x:1\nfine:2\n".replace("/", ""))
    for name in names[1:]:
        place.put(f"unprocessed/{name}", "other:1\n")
    disk = StrictDisk(most_bytes=100)
    watcher(place.instance(disk), plan).turn()
    seen = place.look()
    assert "x.log" in seen["failed"]
    assert (
        "cannot be put into the folder of results: File name too long" in seen["failed"]["x.log.error.json"]
    )
    assert seen["results"] == ({"other.log": "1\n"} if names[1:] else {})
    assert seen["litter"] == []


def test_trouble_while_a_result_is_published_names_the_result_and_not_its_part(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), RefusingDisk()
    claim = claimed(place, disk)
    disk.refused = ("move", "results/y.log", errno.EIO)
    with pytest.raises(OSError, match=r"results/y\.log") as caught:
        commit(claim, "y.log")
    assert ".stage" not in str(caught.value)
