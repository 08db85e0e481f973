"""Recovery without the results: their filesystem is not mounted, or was replaced, or their stage was removed.

A decision stands, but what it speaks of may be out of reach. Then nothing is archived before it is back.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.spool.disk import identity
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.identity import identity_of
from fproc.spool.job import decision
from fproc.spool.job.claim import Claim
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from tests.support.spool.crashes import inputs, is_decided, look
from tests.support.spool.places import Place
from tests.support.spool.scenarios import SCENARIOS, inputs_of

KINDS = ("two results", "two results, alone")
FIRST_POINTS: dict[tuple[str, int], int] = {}
"""Where `decided` found what it looked for: nothing that comes earlier need be tried again."""


def decided(folder: Path, name: str, *, published: int = 0) -> Place:
    """Return a spool whose process died after it had decided, and published this many results."""
    for point in itertools.count(FIRST_POINTS.get((name, published), 0)):
        place = Place(folder / str(point), SCENARIOS[name])
        assert place.crash(point)
        if is_decided(place.folder) and len(look(place.folder)["results"]) == published:
            FIRST_POINTS[name, published] = point
            return place
    raise AssertionError


def adopted(place: Place, name: str = "x.log") -> object:
    return Spool(place.plan.config, disk=Disk(power=True)).adopt(name)


def stage_of(place: Place) -> str:
    [stage] = os.scandir(f"{place.folder}/results/.stage")
    return stage.path


def unmount(place: Place) -> None:
    os.rename(f"{place.folder}/results", f"{place.folder}/away")


def mount(place: Place) -> None:
    shutil.rmtree(f"{place.folder}/results")
    os.rename(f"{place.folder}/away", f"{place.folder}/results")


def check_waits(place: Place, what: str) -> None:
    with pytest.raises(OSError, match=what):
        adopted(place)
    seen = look(place.folder)
    assert (seen["underprocess"].keys(), seen["processed"]) == ({"x.log"}, {})


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("published", [0, 1, 2])
def test_a_decided_input_waits_until_its_results_folder_is_back(
    memory_path: Path, name: str, published: int
) -> None:
    place = decided(memory_path, name, published=published)
    unmount(place)
    check_waits(place, "the result is not there")
    mount(place)
    assert isinstance(adopted(place), RolledForward)
    place.check("mounted again")


@pytest.mark.parametrize("name", KINDS)
def test_half_a_publication_is_not_taken_for_a_whole_one(memory_path: Path, name: str) -> None:
    place = decided(memory_path, name, published=1)
    stage = stage_of(place)
    [missing] = {"x.log", "x.count"} - set(os.listdir(f"{place.folder}/results"))
    shutil.copytree(stage, f"{place.folder}/copy")
    shutil.rmtree(f"{place.folder}/results/.stage")
    check_waits(place, missing)
    shutil.rmtree(stage)
    os.rename(f"{place.folder}/copy", stage)
    assert isinstance(adopted(place), RolledForward)
    place.check("put back from a copy")


@pytest.mark.parametrize("name", KINDS)
def test_results_that_readers_have_taken_away_already_are_not_waited_for(
    memory_path: Path, name: str
) -> None:
    place = decided(memory_path, name, published=2)
    for result in ("x.log", "x.count"):
        os.unlink(f"{place.folder}/results/{result}")
    assert isinstance(adopted(place), RolledForward)
    assert look(place.folder)["processed"] == {"x.log": "a\nb\n"}


@pytest.mark.parametrize("name", KINDS)
def test_results_that_are_there_need_no_stage(memory_path: Path, name: str) -> None:
    place = decided(memory_path, name, published=2)
    shutil.rmtree(f"{place.folder}/results/.stage")
    assert isinstance(adopted(place), RolledForward)
    place.check("without the stage")


def test_another_file_of_a_result_s_name_is_not_taken_for_it(memory_path: Path) -> None:
    place = decided(memory_path, "two results")
    unmount(place)
    os.mkdir(f"{place.folder}/results")
    place.put({f"results/{name}": str(text) for name, text in place.scenario.expected["results"].items()})
    check_waits(place, "the result is not there")
    mount(place)
    assert isinstance(adopted(place), RolledForward)
    place.check("mounted again")


def test_a_part_that_was_changed_after_the_commit_is_not_published(memory_path: Path) -> None:
    place = decided(memory_path, "two results")
    part = min(Path(stage_of(place)).iterdir())
    kept = part.read_text()
    part.write_text(kept + "more")
    check_waits(place, "was changed after it was decided")
    assert look(place.folder)["results"] == {}
    part.write_text(kept)
    assert isinstance(adopted(place), RolledForward)
    place.check("changed back")


def test_the_watcher_waits_with_the_input_and_goes_on_by_itself(memory_path: Path) -> None:
    place = decided(memory_path, "two results")
    unmount(place)
    place.recover()
    seen = look(place.folder)
    assert (seen["underprocess"].keys(), seen["processed"]) == ({"x.log"}, {})
    mount(place)
    place.recover()
    place.check("mounted again")


def test_a_record_of_the_first_version_is_carried_out_as_it_was_then(memory_path: Path) -> None:
    place = decided(memory_path, "two results, alone", published=1)
    path = f"{place.folder}/.fproc/jobs/x.log/commit.json"
    value = json.loads(Path(path).read_text())
    assert value["version"] == 2, "an fproc of the first version must stop here"
    for move in (*value["publications"], value["archive"]):
        for key in ("inode", "size_bytes", "mtime_ns"):
            del move[key]
    del value["stage"]
    Path(path).write_text(json.dumps({**value, "version": 1}))
    shutil.rmtree(f"{place.folder}/results/.stage")
    assert isinstance(adopted(place), RolledForward)
    assert len(look(place.folder)["results"]) == 1


def test_a_record_of_a_later_version_is_left_to_that_one(memory_path: Path) -> None:
    place = decided(memory_path, "two results, alone")
    path = Path(f"{place.folder}/.fproc/jobs/x.log/commit.json")
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "version": decision.TEXT_VERSION + 1}))
    check_waits(place, "another version")


def test_a_folder_that_was_made_anew_is_another_one(memory_path: Path) -> None:
    folder = memory_path / "folder"
    folder.mkdir()
    first = identity_of(str(folder))
    assert first == identity_of(str(folder)) != ""
    folder.rmdir()
    assert identity_of(str(folder)) == ""
    folder.mkdir()
    assert identity_of(str(folder)) != first


def test_folders_of_one_inode_number_are_told_apart_by_when_they_were_made(memory_path: Path) -> None:
    folders = [str(memory_path / name) for name in ("one", "other")]
    for folder in folders:
        os.mkdir(folder)
    while os.stat(folders[1]).st_ctime_ns == os.stat(folders[0]).st_ctime_ns:  # the kernel's clock ticks
        os.rmdir(folders[1])
        os.mkdir(folders[1])
    one, other = (identity_of(folder).split("@") for folder in folders)
    assert [one[0], other[0]] == [str(os.stat(folder).st_ino) for folder in folders]
    assert one[1] != other[1]


def test_a_system_that_tells_no_time_of_making_has_the_number_of_the_filesystem(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_statx", lambda: None)
    number, filesystem = identity_of(str(memory_path)).split("@")
    assert number == str(memory_path.stat().st_ino)
    assert filesystem == f"fs{os.statvfs(memory_path).f_fsid:x}"
    assert identity_of(str(memory_path / "missing")) == ""


def take_results_away(place: Place) -> Callable[[], None]:
    """Unmount the results; gives what brings them back."""
    unmount(place)
    return lambda: mount(place)


def take_stage_away(place: Place) -> Callable[[], None]:
    """Move the stage elsewhere; gives what brings it back."""
    stage = stage_of(place)
    os.rename(stage, f"{place.folder}/away")

    def bring_back() -> None:
        shutil.rmtree(stage)
        os.rename(f"{place.folder}/away", stage)

    return bring_back


@pytest.mark.sweep
@pytest.mark.parametrize(
    "name", ["two results", "two results, alone", "three files", "an earlier result is replaced"]
)
@pytest.mark.parametrize("take_away", [take_results_away, take_stage_away])
def test_nothing_is_archived_without_its_results_whenever_they_vanish(
    memory_path: Path, name: str, take_away: Callable[[Place], Callable[[], None]]
) -> None:
    waited = 0
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS[name])
        if not place.crash(point):
            break
        seen = look(place.folder)
        if not all(
            is_decided(place.folder, name) for name in {**seen["unprocessed"], **seen["underprocess"]}
        ):
            continue  # what is not decided yet is done again, wherever results go now
        archived = seen["processed"].keys()
        bring_back = take_away(place)
        place.recover()
        if look(place.folder)["processed"].keys() == archived:
            waited += 1
        assert inputs(place.folder) == inputs_of(place.scenario), point
        bring_back()
        place.recover()
        place.check(point)
    assert waited > 3


@pytest.mark.parametrize("name", KINDS)
def test_an_input_whose_parts_are_gone_for_good_is_done_again_as_the_document_says(
    memory_path: Path, name: str
) -> None:
    place = decided(memory_path, name, published=1)
    shutil.rmtree(f"{place.folder}/results/.stage")
    check_waits(place, "the result is not there")
    for result in look(place.folder)["results"]:
        os.unlink(f"{place.folder}/results/{result}")
    os.rename(f"{place.folder}/underprocess/x.log", f"{place.folder}/unprocessed/x.log")
    shutil.rmtree(f"{place.folder}/.fproc/jobs/x.log", ignore_errors=True)  # gone if nothing is in it
    Path(f"{place.folder}/.fproc/commits/x.log").unlink(missing_ok=True)
    place.recover()
    place.check("done again")


def test_a_claim_without_a_commit_record_needs_no_old_results(memory_path: Path) -> None:
    place = Place(memory_path, SCENARIOS["two results"])
    claim = Spool(place.plan.config).claim("x.log")
    assert claim is not None
    claim.release()
    unmount(place)
    taken = adopted(place)
    assert isinstance(taken, Claim)
    taken.release()
