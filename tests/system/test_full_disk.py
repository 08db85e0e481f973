"""A disk that is full: files wait for room, and none is blamed."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.support.programs.running import Watching, configure, drop, left_over, spooled
from tests.support.spool.small_disks import fill, fill_inodes, small_disk

pytestmark = pytest.mark.sweep


def trouble(watching: Watching) -> str:
    """What `/health` says is wrong with intake; "" if it is well."""
    status, value = watching.get("/health")
    is_well = all(check["ok"] for check in value["checks"].values())
    assert (status, value["status"]) == ((200, "ok") if is_well else (503, "degraded"))
    message: str = value["checks"]["intake"].get("message", "")
    return message


def is_settled(watching: Watching, processed: Path) -> bool:
    """Whether a file is done, or nothing can be."""
    return processed.exists() or trouble(watching) != ""


def lines_of(size_bytes: int) -> bytes:
    return b"".join(b"%098d\n" % number for number in range(size_bytes // 99))


def assert_waits_for_room(watching: Watching, name: str, filler: Path) -> None:
    """A file that there is no room for waits, costs no attempt, and is done once there is room."""
    watching.wait_until(lambda: trouble(watching))
    message = trouble(watching)
    assert "No space left on device" in message
    assert "(free some space, or inodes, on that disk)" in message
    if filler.is_dir():
        shutil.rmtree(filler)
    else:
        filler.unlink()
    watching.wait_for(f"processed/{name}", f"results/{name}")
    watching.wait_until(lambda: not trouble(watching))  # the file is there a moment before that is reported


def assert_nothing_was_blamed(watching: Watching) -> None:
    assert "tried again" not in watching.log
    assert "failed after" not in watching.log
    assert "Traceback" not in watching.log
    assert watching.get("/stats")[1]["totals"]["retries"] == 0
    watching.wait_until(lambda: watching.get("/health")[0] == 200)


@pytest.mark.parametrize("spare_bytes", [0, 4096, 300_000])
def test_a_file_whose_result_does_not_fit_waits_for_room_and_costs_no_attempt(
    tmp_path: Path, spare_bytes: int
) -> None:
    configure(tmp_path)
    small, big = lines_of(100_000), lines_of(700_000)
    with small_disk(tmp_path / "watch_dir") as disk, Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "fits.log", small)
        watching.wait_for("processed/fits.log")
        (disk / "incoming").write_bytes(big)
        (disk / "incoming2").write_bytes(small)
        filler = fill(disk, spare_bytes)
        (disk / "incoming").rename(disk / "unprocessed/big.log")
        watching.wait_until(lambda: trouble(watching))
        (disk / "incoming2").rename(disk / "unprocessed/later.log")
        assert os.listdir(disk / "failed") == []
        assert not list(disk.glob(".fproc/jobs/*/attempts.json"))
        assert_waits_for_room(watching, "big.log", filler)
        watching.wait_for("processed/later.log")
        watching.wait_until(lambda: not left_over(tmp_path))
        assert_nothing_was_blamed(watching)
        assert watching.stop() == 0
        given = {"fits.log": small, "big.log": big, "later.log": small}
        expected = {
            f"{folder}/{name}": data for name, data in given.items() for folder in ("processed", "results")
        }
        assert spooled(tmp_path) == expected


def test_files_wait_where_there_are_no_inodes_and_cost_no_attempt(tmp_path: Path) -> None:
    configure(tmp_path)
    names = [f"{spare}.log" for spare in range(6)]
    with small_disk(tmp_path / "watch_dir") as disk, Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "fits.log", b"fits\n")
        watching.wait_for("processed/fits.log")
        waited = []
        for spare, name in enumerate(names):
            (disk / "incoming").write_bytes(name.encode())
            filler = fill_inodes(disk, spare)
            (disk / "incoming").rename(disk / "unprocessed" / name)
            watching.wait_until(partial(is_settled, watching, disk / "processed" / name))
            if trouble(watching):
                waited.append(spare)
                assert_waits_for_room(watching, name, filler)
            else:
                shutil.rmtree(filler)
            watching.wait_until(lambda: not left_over(tmp_path))
        print("waited with this many inodes left:", waited)
        assert waited[:2] == [0, 1]
        assert_nothing_was_blamed(watching)
        assert watching.stop() == 0
        given = {name: name.encode() for name in names} | {"fits.log": b"fits"}
        expected = {f"results/{name}": data + b"\n" for name, data in given.items()}
        assert spooled(tmp_path).items() >= expected.items()
        assert len(spooled(tmp_path)) == 2 * len(given)


def test_results_wait_for_room_on_a_disk_of_their_own(tmp_path: Path) -> None:
    with small_disk(tmp_path / "results") as disk:
        configure(tmp_path, results_dir=str(disk / "here"))
        data = lines_of(1_000_000)
        with Watching(tmp_path, dashboard=True) as watching:
            drop(tmp_path, "fits.log", b"fits\n")
            watching.wait_for("processed/fits.log")
            filler = fill(disk, 500_000)
            drop(tmp_path, "big.log", data)
            watching.wait_until(lambda: trouble(watching))
            assert "free some space" in trouble(watching)
            assert spooled(tmp_path).keys() == {"processed/fits.log", "underprocess/big.log"}
            filler.unlink()
            watching.wait_for("processed/big.log")
            assert_nothing_was_blamed(watching)
            assert watching.stop() == 0
        assert {path.name: path.read_bytes() for path in (disk / "here").iterdir() if path.is_file()} == {
            "fits.log": b"fits\n",
            "big.log": data,
        }
        assert not list((disk / "here").glob(".stage/*/*"))
