"""Moves where a journal is missing: the new name is durable before the old one goes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fproc.spool.checks.doctor import Rating, examine
from fproc.spool.disk import disk as disk_module
from fproc.spool.disk import mounts
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.mounts import has_journal
from fproc.spool.job import unjournaled
from fproc.spool.job.claim import Claim
from fproc.spool.job.job import RolledForward
from fproc.spool.job.unjournaled import UnjournaledDisk
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.claims import NODES, commit, owned
from tests.support.spool.crashes import Crash, UnjournaledBrokenDisk, look
from tests.support.spool.loops import make_ext4, mounted, needs_loops


class WatchedDisk(UnjournaledDisk):
    """Notes what is done to names, and lets someone else act before that."""

    def __init__(self) -> None:
        super().__init__(power=True)
        self.done: list[tuple[str, str]] = []
        self.meanwhile: Callable[[str, str], object] = lambda _call, _path: None
        self.refuses_links = False

    def link(self, source: str, target: str) -> None:
        self._note("link", target)
        if self.refuses_links:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        super().link(source, target)

    def unlink(self, path: str) -> None:
        self._note("unlink", path)
        super().unlink(path)

    def sync_folder(self, path: str) -> None:
        self._note("sync", path)
        super().sync_folder(path)

    def rename_noreplace(self, source: str, target: str) -> None:
        self._note("rename", source)
        super().rename_noreplace(source, target)

    def _note(self, call: str, path: str) -> None:
        self.done.append((call, os.path.basename(path)))
        self.meanwhile(call, path)


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = WatchedDisk()
        self.config = plan_of(NODES, watch_dir=str(folder), intake={"ready": "rename"}).config
        self.spool = Spool(self.config, disk=self.disk)

    def put(self, path: str, text: str = "a\n") -> str:
        (self.folder / path).write_text(text)
        return str(self.folder / path)

    def drop_over(self, path: str, text: str) -> None:
        """Put a file where another one may be, as `mv` does."""
        os.replace(self.put("dropping", text), self.folder / path)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def test_each_name_is_durable_before_the_one_before_it_goes(place: Place) -> None:
    place.put("unprocessed/x.log")
    claim = owned(place.spool.claim("x.log"))
    taken = place.disk.done.index(("link", "x.log"))
    assert place.disk.done[taken:][:4] == [
        ("link", "x.log"),
        ("sync", "underprocess"),
        ("rename", "x.log"),
        ("unlink", "taken"),
    ]
    place.disk.done.clear()
    commit(claim)
    published = place.disk.done.index(("link", "x.log"))
    [link, results, part, *rest] = place.disk.done[published:]
    assert (link, results, part[0]) == (("link", "x.log"), ("sync", "results"), "unlink")
    assert rest[:3] == [("link", "x.log"), ("sync", "processed"), ("unlink", "x.log")]


def test_a_move_makes_the_new_name_durable_before_the_old_one_goes(place: Place) -> None:
    source = place.put("processed/x.log")
    place.disk.move(source, str(place.folder / "unprocessed/x.log"))
    assert place.disk.done[-3:] == [("link", "x.log"), ("sync", "unprocessed"), ("unlink", "x.log")]


@pytest.fixture(params=["renameat2", "none"])
def renames(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the call that replaces nothing, and without."""
    if request.param == "none":
        monkeypatch.setattr(disk_module, "renameat2", lambda: None)


@pytest.mark.usefixtures("renames")
@pytest.mark.parametrize("together", [False, True])
def test_a_file_that_is_dropped_over_one_that_is_being_taken_stays(place: Place, *, together: bool) -> None:
    waiting = place.put("unprocessed/x.log", "old\n")

    def drop(call: str, path: str) -> None:
        if (call, os.path.basename(path)) == ("sync", "underprocess"):
            place.disk.meanwhile = lambda _call, _path: None
            place.drop_over("unprocessed/x.log", "new\n")

    place.disk.meanwhile = drop
    claim = place.spool.claim_all(["x.log"])["x.log"] if together else place.spool.claim("x.log")
    assert isinstance(claim, Claim)
    assert Path(claim.path).read_text() == "old\n"
    assert Path(waiting).read_text() == "new\n"
    commit(claim)
    assert commit(owned(place.spool.claim("x.log"))).results == ("x~2.log",)
    assert look(str(place.folder))["processed"] == {"x.log": "old\n", "x~2.log": "new\n"}
    assert look(str(place.folder))["litter"] == []


@pytest.mark.usefixtures("renames")
def test_a_third_file_that_comes_while_the_second_is_put_back_replaces_nothing(place: Place) -> None:
    place.put("unprocessed/x.log", "first\n")

    def drop(call: str, path: str) -> None:
        if (call, os.path.basename(path)) == ("sync", "underprocess"):
            place.drop_over("unprocessed/x.log", "second\n")
        elif (call, os.path.basename(path)) == ("rename", "taken"):
            place.disk.meanwhile = lambda _call, _path: None
            place.put("unprocessed/x.log", "third\n")

    place.disk.meanwhile = drop
    claim = owned(place.spool.claim("x.log"))
    seen = look(str(place.folder))
    assert (seen["underprocess"], seen["unprocessed"]) == (
        {"x.log": "first\n"},
        {"x.log": "third\n", "x~2.log": "second\n"},
    )
    claim.release()


@pytest.mark.usefixtures("renames")
def test_a_file_that_a_crash_left_aside_is_put_back_beside_one_that_waits(place: Place) -> None:
    place.put("unprocessed/x.log", "third\n")
    (place.folder / ".fproc/jobs/x.log").mkdir()
    place.put(".fproc/jobs/x.log/taken", "second\n")
    owned(place.spool.claim("x.log")).release()
    seen = look(str(place.folder))
    assert (seen["underprocess"], seen["unprocessed"]) == ({"x.log": "third\n"}, {"x~2.log": "second\n"})


@pytest.mark.usefixtures("renames")
def test_a_file_that_a_crash_left_aside_is_put_back(place: Place) -> None:
    place.put("underprocess/x.log", "old\n")
    (place.folder / ".fproc/jobs/x.log").mkdir()
    place.put(".fproc/jobs/x.log/taken", "new\n")
    owned(place.spool.adopt("x.log")).release()
    seen = look(str(place.folder))
    assert (seen["underprocess"], seen["unprocessed"]) == ({"x.log": "old\n"}, {"x.log": "new\n"})


def test_a_name_aside_of_an_input_that_has_left_is_removed(place: Place) -> None:
    (place.folder / ".fproc/jobs/x.log").mkdir()
    os.link(place.put("processed/x.log"), place.folder / ".fproc/jobs/x.log/taken")
    assert place.spool.adopt("x.log") is None
    seen = look(str(place.folder))
    assert (seen["processed"], seen["unprocessed"], seen["litter"]) == ({"x.log": "a\n"}, {}, [])


def test_a_result_that_a_reader_moves_at_once_is_not_published_twice_after_a_crash(tmp_path: Path) -> None:
    moved = 0
    for point in range(200):
        place = Place(tmp_path / str(point))
        place.put("unprocessed/x.log")
        disk = UnjournaledBrokenDisk(point)
        try:
            commit(owned(Spool(place.config, disk=disk).claim("x.log")))
        except Crash:
            disk.die()
        else:
            break
        result, away = place.folder / "results/x.log", place.folder / "away"
        if result.exists():
            moved += 1
            result.rename(away)
            for name in place.spool.orphans((), deep=True):
                place.spool.adopt(name)
            seen = look(str(place.folder))
            assert (seen["results"], seen["processed"], seen["litter"]) == ({}, {"x.log": "a\n"}, []), point
    assert moved > 3


def test_where_links_are_refused_it_is_a_rename(place: Place) -> None:
    place.disk.refuses_links = True
    place.put("unprocessed/x.log")
    assert commit(owned(place.spool.claim("x.log"))) == RolledForward(
        "x.log", succeeded=True, results=("x.log",)
    )
    seen = look(str(place.folder))
    assert (seen["results"], seen["processed"], seen["litter"]) == ({"x.log": "A\n"}, {"x.log": "a\n"}, [])


@pytest.mark.parametrize("refuses_links", [False, True])
def test_an_earlier_result_is_replaced_at_once(place: Place, *, refuses_links: bool) -> None:
    place.disk.refuses_links = refuses_links
    place.put("unprocessed/x.log")
    place.put("results/x.log", "earlier")
    claim = owned(place.spool.claim("x.log"))
    assert commit(claim, replace_results=True).results == ("x.log",)
    seen = look(str(place.folder))
    assert (seen["results"], seen["litter"]) == ({"x.log": "A\n"}, [])


@pytest.mark.parametrize(
    ("durability", "answer", "kind"),
    [
        ("power", False, UnjournaledDisk),
        ("power", None, Disk),
        ("power", True, Disk),
        ("process", False, Disk),
    ],
)
def test_moves_have_halves_where_power_may_fail_and_a_journal_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: str, *, answer: bool | None, kind: type[Disk]
) -> None:
    monkeypatch.setattr(unjournaled, "has_journal", lambda _folder: answer)
    config = plan_of(NODES, watch_dir=str(tmp_path), durability=durability).config
    assert type(unjournaled.disk_for(config)) is kind


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("xfs", True),
        ("btrfs", True),
        ("ext3", True),
        ("ext2", False),
        ("vfat", False),
        ("exfat", False),
        ("tmpfs", None),
        ("nfs4", None),
        ("ext4", None),
    ],
)
def test_some_types_of_filesystems_have_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, answer: bool | None
) -> None:
    monkeypatch.setattr(mounts, "mount_of", lambda _path: SimpleNamespace(type=kind))
    monkeypatch.setattr(mounts, "device_of", lambda _path: None)
    assert has_journal(str(tmp_path / "to be made")) is answer


@needs_loops
@pytest.mark.parametrize("is_there", [False, True])
def test_an_ext4_without_a_journal_is_told_from_one_that_has_it(tmp_path: Path, *, is_there: bool) -> None:
    make_ext4(tmp_path / "image", has_journal=is_there)
    with mounted(tmp_path / "image", tmp_path / "mounted") as point:
        assert has_journal(str(point)) is is_there
        plan = plan_of(NODES, watch_dir=str(point / "w"))
        folders = Spool(plan.config).folders
        finding = {finding.what: finding for finding in examine(folders)}["journal"]
        assert finding.verdict is (Rating.GOOD if is_there else Rating.WEAK)
        assert ("none" in finding.found) is not is_there


def test_without_journal_and_links_loss_of_power_is_a_problem(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_disk: Disk, _source: str, _target: str) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("fproc.spool.checks.doctor.has_journal", lambda _place: False)
    monkeypatch.setattr(Disk, "link", refuse)
    finding = {finding.what: finding for finding in examine(place.spool.folders)}["journal"]
    assert (finding.verdict, finding.found[:13]) == (Rating.BAD, "there is none")
