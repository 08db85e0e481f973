"""Results in folders: made before the decision, durable, and made again if a reader removes them."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ResultNameError
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.job import RolledForward
from tests.support.spool.claims import Place, commit, owned
from tests.support.spool.crashes import BrokenDisk, Crash, results
from tests.support.spool.groups import RefusingDisk
from tests.support.spool.power import PowerDisk


def committed(claim: Claim, *names: str, **options: Any) -> RolledForward:
    """What becomes of a claim whose lines went to results of these names."""
    stamp = FileStamp.of(os.stat(claim.path))
    for name in names:
        claim.staging.write(name, "A")
    claim.staging.flush()
    return claim.commit(stamp, **options)


def claimed(place: Place, name: str = "x.log", disk: Disk | None = None) -> Claim:
    place.put(f"unprocessed/{name}")
    return owned((place.instance(disk) if disk else place.spool).claim(name))


def test_results_are_named_with_their_folders(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    done = committed(claimed(place), "error/2026/x.log", "x.log")
    assert done.results == ("error/2026/x.log", "x.log")
    assert results(str(place.folder)) == {"error/2026/x.log": "A\n", "x.log": "A\n"}


def test_a_folder_is_made_and_fsynced_before_the_decision(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), RefusingDisk()
    claim = claimed(place, disk=disk)
    disk.refused = ("sync_folder", "results/error'", errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        committed(claim, "error/2026/x.log")
    assert not place.has(".fproc/jobs/x.log/commit.json")
    assert place.has("results/error/2026")


def test_a_folder_that_another_process_has_just_made_is_made_durable_too(memory_path: Path) -> None:
    place = Place(memory_path / "w")
    place.put("unprocessed/x.log")
    disk = PowerDisk(10**9, str(place.folder))
    claim = owned(place.instance(disk).claim("x.log"))
    (place.folder / "results" / "error").mkdir()
    committed(claim, "error/x.log")
    disk.lose_power()
    assert results(str(place.folder)) == {"error/x.log": "A\n"}


def test_a_folder_that_is_known_to_be_durable_is_not_fsynced_again(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), RefusingDisk()
    spool = place.instance(disk)
    for name in ("x.log", "y.log"):
        place.put(f"unprocessed/{name}")
        claim = owned(spool.claim(name))
        disk.calls.clear()
        committed(claim, f"error/2026/{name}")
    assert "make_folder" not in disk.calls


def test_a_folder_that_was_removed_and_made_anew_is_durable_too(memory_path: Path) -> None:
    place = Place(memory_path / "w")
    disk = PowerDisk(10**9, str(place.folder))
    spool = place.instance(disk)
    for name in ("x.log", "y.log"):
        place.put(f"unprocessed/{name}")
        claim = owned(spool.claim(name))
        shutil.rmtree(place.folder / "results" / "error", ignore_errors=True)
        (place.folder / "results" / "error").mkdir()
        committed(claim, f"error/{name}")
    disk.lose_power()
    assert results(str(place.folder)) == {"error/y.log": "A\n"}


def test_a_folder_that_a_reader_removes_after_the_decision_is_made_again(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), BrokenDisk(10**9)
    claim = claimed(place, disk=disk)
    original = disk.move

    def die(source: str, target: str) -> None:
        if "/results/" in target:
            disk.calls_left = 0
        original(source, target)

    disk.move = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        committed(claim, "error/2026/x.log")
    disk.die()
    shutil.rmtree(place.folder / "results" / "error")
    assert isinstance(place.spool.adopt("x.log"), RolledForward)
    assert results(str(place.folder)) == {"error/2026/x.log": "A\n"}


@pytest.mark.parametrize("in_the_way", ["error", "error/2026"])
def test_a_file_where_a_folder_should_be_fails_the_input_by_the_name_of_its_result(
    tmp_path: Path, in_the_way: str
) -> None:
    place = Place(tmp_path / "w")
    place.put(f"results/{in_the_way}")
    with pytest.raises(
        ResultNameError, match=r"'error/2026/x\.log' cannot be put into the folder of results"
    ):
        committed(claimed(place), "error/2026/x.log")
    assert place.has("underprocess/x.log")
    assert not place.has(".fproc/jobs/x.log/commit.json")


def test_a_folder_in_the_place_of_a_result_gives_that_the_next_number(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    done = committed(claimed(place), "error", "error/x.log")
    assert done.results == ("error~2", "error/x.log")


@pytest.mark.parametrize("result", ["x.log", "by level/x.log", "x.alerts.log", "x/alerts.log"])
def test_a_number_that_a_result_cannot_have_its_input_does_not_get_either(
    tmp_path: Path, result: str
) -> None:
    place = Place(tmp_path / "w")
    place.put(f"results/{result}")
    done = committed(claimed(place), result, "counts/x.csv")
    stem, _, suffix = result.rpartition(".")
    assert done.results == (f"{stem}~2.{suffix}", "counts/x~2.csv")
    assert done.archived == "x~2.log"


@pytest.mark.parametrize("result", ["errors.log", "max.log", "error/all.log"])
def test_a_result_that_is_not_named_after_its_input_has_a_number_of_its_own(
    tmp_path: Path, result: str
) -> None:
    place = Place(tmp_path / "w")
    place.put(f"results/{result}")
    done = committed(claimed(place), result, "x.log")
    stem, _, suffix = result.rpartition(".")
    assert done.results == (f"{stem}~2.{suffix}", "x.log")
    assert done.archived == "x.log"


def test_results_carry_the_number_of_their_input_whatever_is_free(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("processed/x.log")
    done = committed(claimed(place), "x.log", "error/x.log")
    assert (done.results, done.archived) == (("x~2.log", "error/x~2.log"), "x~2.log")


def test_results_that_replace_carry_no_number(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.put("processed/x.log")
    place.put("results/error/x.log", "old\n")
    done = committed(claimed(place), "error/x.log", replace_results=True)
    assert (done.results, done.archived) == (("error/x.log",), "x~2.log")
    assert results(str(place.folder)) == {"error/x.log": "A\n"}


def test_a_result_without_a_folder_costs_no_call_more(tmp_path: Path) -> None:
    place, disk = Place(tmp_path / "w"), RefusingDisk()
    claim = claimed(place, disk=disk)
    disk.calls.clear()
    commit(claim)
    assert "make_folder" not in disk.calls
