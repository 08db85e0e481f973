"""Uploads by another user, as every FTP, SFTP and SMB server makes them, into a folder that fproc watches."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs.running import FOLDERS, NOBODY, Watching, configure, open_folder, run
from tests.support.programs.uploading import Upload, said_or_whole, upload_all

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")

WITH_AND_WITHOUT = pytest.mark.parametrize("has_lease", [False, True], ids=["without CAP_LEASE", "with it"])
INTAKE = {"ready": "auto", "settle_seconds": 0.2, "settle_unknown_seconds": 3, "poll_seconds": 0.02}


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        configure(path, intake=INTAKE)
        (path / "elsewhere").mkdir()
        for name in ("", *FOLDERS):
            (path / "watch_dir" / name).mkdir(exist_ok=True)
            os.chown(path / "watch_dir" / name, NOBODY, NOBODY)
        yield path


def watching(folder: Path, *, has_lease: bool = False) -> Watching:
    variables = {"KEEP_CAP_LEASE": "1"} if has_lease else {}
    return Watching(folder, "--workers", "1", variables=variables, as_nobody=True)


def ends(folder: Path, uploads: list[Upload], *, has_lease: bool, at_a_time: int = 16) -> Counter[str]:
    """What becomes of uploads, by how many; one that is partial and unsaid is named."""
    service = watching(folder, has_lease=has_lease)
    try:
        upload_all(uploads, service.spool, folder / "elsewhere", service.__enter__, at_a_time=at_a_time)
        found: dict[str, str] = {}

        def is_over() -> bool:
            found.update({one.name: said_or_whole(one, service.spool) for one in uploads})
            return not {"waits", "partial"} & {*found.values()}

        service.wait_until(is_over)
        return Counter(found.values())
    finally:
        service.__exit__()


@WITH_AND_WITHOUT
def test_uploads_that_stall_are_taken_when_they_are_whole(folder: Path, *, has_lease: bool) -> None:
    uploads = [
        Upload("slow.csv", 1.5),
        Upload("old.csv", 0.8, is_old=True),
        Upload("half.csv.gz", 1.0),
        Upload("two.csv", 1.2, writers=2),
        Upload("early.csv", 1.5, is_old=True, begin="before"),
        Upload("moved.csv", 1.0, is_old=True, begin="moved"),
    ]
    assert ends(folder, uploads, has_lease=has_lease) == {"whole": len(uploads)}


def test_an_upload_that_ended_is_taken_soon_without_the_capability_too(folder: Path) -> None:
    with watching(folder) as service:
        (service.spool / "unprocessed/x.csv").write_text("whole\n")
        service.wait_for("processed/x.csv")
        assert "nobody can tell" not in service.log


def test_a_drain_waits_for_a_file_of_another_user_and_names_what_it_leaves(folder: Path) -> None:
    unprocessed = folder / "watch_dir/unprocessed"
    (unprocessed / "x.csv").write_text("whole\n")
    os.utime(unprocessed / "x.csv", (1e9, 1e9))
    (unprocessed / "secret.csv").touch(0o600)
    ended = run(folder, "--watch", "--drain", "--workers", "1", as_nobody=True)
    assert ended.status == 0
    assert (folder / "watch_dir/results/x.csv").read_text() == "whole\n"
    assert "left behind: secret.csv: cannot be read yet: Permission denied" in ended.err


def test_why_names_the_evidence(folder: Path) -> None:
    (folder / "watch_dir/unprocessed/x.csv").write_text("whole\n")
    said = run(folder, "--why", "x.csv", as_nobody=True).out.decode()
    assert "nobody can tell whether it is still being written" in said
    assert "its owner is another user, and fproc has no CAP_LEASE" in said
    assert "taken once it is seen unchanged for 3 s" in said


def test_a_file_that_its_uploader_opens_up_later_waits_until_it_can_be_read(folder: Path) -> None:
    with watching(folder) as service:
        path = service.spool / "unprocessed/a.log"
        path.touch(0o600)
        path.write_text("x\n")
        service.wait_until(lambda: "a.log: cannot be read yet: Permission denied" in service.log)
        path.chmod(0o644)
        service.wait_for("processed/a.log")
        assert os.listdir(service.spool / "failed") == []


def random_uploads(count: int, longest_seconds: float, seed: int) -> list[Upload]:
    chance = random.Random(seed)
    return [
        Upload(
            f"{number}.csv" + (".gz" if chance.random() < 0.25 else ""),
            round(chance.uniform(0.3, longest_seconds), 2),
            is_old=chance.random() < 0.5,
            writers=1 + (chance.random() < 0.25),
            begin=chance.choice(["here", "here", "here", "before", "moved"]),
        )
        for number in range(count)
    ]


@pytest.mark.sweep
@WITH_AND_WITHOUT
def test_no_upload_is_taken_by_half_unsaid(folder: Path, *, has_lease: bool) -> None:
    uploads = random_uploads(30, 2.5, seed=1)
    assert ends(folder, uploads, has_lease=has_lease) == {"whole": len(uploads)}


@pytest.mark.long
@WITH_AND_WITHOUT
def test_two_hundred_uploads_with_long_stalls_are_whole(folder: Path, *, has_lease: bool) -> None:
    configure(folder, intake={**INTAKE, "settle_unknown_seconds": 17})
    uploads = random_uploads(200, 15, seed=2)
    assert ends(folder, uploads, has_lease=has_lease, at_a_time=20) == {"whole": 200}
