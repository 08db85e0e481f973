"""Archived files that are old enough to go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.config.retention import Retention
from fproc.spool.checks.trusted import DAY_SECONDS
from fproc.spool.disk.disk import Disk
from fproc.spool.job import reruns
from fproc.spool.job.decision import CommitRecord, FileStamp, Publication
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of


class Archive:
    """An archive. What is put there is put there now, so it is the clock that goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.spool = Spool(
            plan_of([{"tag": "start", "type": "trim", "next": "end"}], watch_dir=str(folder)).config,
            clock=lambda: self.now,
        )
        self.folders = self.spool.folders

    def put(self, path: str) -> float:
        """Put a file there, old as it is; gives when."""
        target = self.folder / path
        target.write_text("a\n")
        os.utime(target, (0, 0))
        return target.stat().st_ctime

    def prune(self, now: float, **bounds: Any) -> int:
        """Remove what is too old at a time that is believed; gives how many files that were."""
        self.now, before = now, len(self.names())
        (self.folder / ".fproc/clock.json").write_text(json.dumps({"time": now, "doubted": None}))
        self.spool.prune(Retention(**bounds))
        return before - len(self.names())

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob("[pf]*/*"))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "w")


def test_what_was_archived_too_many_days_ago_goes_and_not_what_was_written_then(archive: Archive) -> None:
    put = archive.put("processed/x")
    for name in ("failed/y", "failed/y.error.json", "failed/z.rejected.jsonl"):
        archive.put(name)
    assert archive.prune(put + 2 * DAY_SECONDS - 60, processed_days=2) == 0
    assert archive.prune(put + 2 * DAY_SECONDS + 60, processed_days=2) == 1
    assert archive.names() == ["failed/y", "failed/y.error.json", "failed/z.rejected.jsonl"]
    assert archive.prune(put + DAY_SECONDS / 2 + 60, processed_days=2, failed_days=0.5) == 3
    assert archive.names() == []


def test_none_keeps_everything(archive: Archive) -> None:
    put = archive.put("processed/x")
    assert archive.prune(put + 1e9, processed_days=None, failed_days=None) == 0
    assert archive.names() == ["processed/x"]


def special(folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("folder/inner")
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "fifo")


def test_what_is_no_file_stays_and_the_rest_goes(archive: Archive) -> None:
    special(archive.folder / "processed")
    put = archive.put("processed/folder/inner")
    archive.put("processed/\udcff")
    before = [name for name in archive.names() if "\udcff" not in name]
    assert archive.prune(put + 1e9, processed_days=1) == 1
    assert archive.names() == before
    assert (archive.folder / "processed/folder/inner").exists()


def test_ignored_names_stay(archive: Archive) -> None:
    put = archive.put("processed/.gitkeep")
    assert archive.prune(put + 1e9, processed_days=1) == 0
    assert archive.names() == ["processed/.gitkeep"]


def test_a_folder_that_is_gone_has_nothing_to_remove(archive: Archive) -> None:
    os.rmdir(archive.folders.processed)
    put = archive.put("failed/x")
    assert archive.prune(put + 1e9, processed_days=1, failed_days=1) == 1


def test_who_is_told_to_stop_removes_nothing_more(archive: Archive) -> None:
    put = archive.put("processed/x")
    archive.now = put + 9 * DAY_SECONDS
    archive.spool.prune(Retention(processed_days=1), is_stopping=lambda: True)
    assert archive.names() == ["processed/x"]


def test_of_more_files_than_are_kept_the_oldest_go_whatever_their_age(archive: Archive) -> None:
    for name in ("c", "a", "b"):
        put = archive.put(f"processed/{name}")
    assert archive.prune(put, processed_files=3) == 0
    assert archive.prune(put, processed_files=2) == 1
    assert archive.names() == ["processed/a", "processed/b"]


def test_of_more_bytes_than_are_kept_the_oldest_go(archive: Archive) -> None:
    for name in ("c", "a", "b"):
        put = archive.put(f"processed/{name}")
    assert archive.prune(put, processed_mb=5e-6) == 1  # five bytes, where each file has two
    assert archive.names() == ["processed/a", "processed/b"]


def test_a_failed_input_and_its_reports_count_as_one_and_go_together(archive: Archive) -> None:
    names = ["x", "x.error.json", "x.rejected.jsonl", "y", "y.error.json", "z.rejected.jsonl"]
    for name in names:
        put = archive.put(f"failed/{name}")
    assert archive.prune(put, failed_files=3) == 0
    assert archive.prune(put, failed_files=2) == 3
    assert archive.names() == ["failed/y", "failed/y.error.json", "failed/z.rejected.jsonl"]
    assert archive.prune(put, failed_mb=2e-6) == 2
    assert archive.names() == ["failed/z.rejected.jsonl"]


def test_an_input_that_may_still_be_written_to_stays(archive: Archive) -> None:
    put = archive.put("processed/x")
    late = archive.folder / ".fproc/late/x"
    late.touch()
    assert archive.prune(put + 9 * DAY_SECONDS, processed_days=1) == 0
    late.unlink()
    assert archive.prune(put + 9 * DAY_SECONDS, processed_days=1) == 1


def test_an_input_that_comes_in_the_place_of_an_old_one_stays(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x", "y", "z"):
        put = archive.put(f"processed/{name}")
    unlink = Disk.unlink

    def archive_again(disk: Disk, path: str) -> None:
        unlink(disk, path)
        if path.endswith("/x"):
            (archive.folder / "processed/y").unlink()
            archive.put("processed/y")

    monkeypatch.setattr(Disk, "unlink", archive_again)
    assert archive.prune(put, processed_files=1) == 1
    assert archive.names() == ["processed/y", "processed/z"]


def test_with_an_input_goes_what_is_kept_to_run_it_again(archive: Archive) -> None:
    kept = {}
    for name in ("x", "y"):
        put = archive.put(f"processed/{name}")
        stamp = FileStamp.of(os.stat(archive.folder / "processed" / name))
        rejects = Publication(":job:rejected.jsonl", "failed", name, extra=".rejected.jsonl")
        record = CommitRecord(stamp, (rejects,), Publication(f"underprocess/{name}", "processed", name), name)
        reruns.keep(Disk(power=False), archive.folders, archive.folders.state, record)
        kept[name] = reruns.published(archive.folders, name)
    assert kept["x"] is not None
    assert archive.prune(put, processed_files=1) == 1
    assert reruns.published(archive.folders, "x") is None
    assert reruns.published(archive.folders, "y") == kept["y"]


def test_with_a_failed_input_goes_the_record_of_the_results_it_was_to_replace(archive: Archive) -> None:
    put = archive.put("failed/x")
    stamp = FileStamp.of(os.stat(archive.folder / "failed/x"))
    record = CommitRecord(stamp, (), Publication("underprocess/x", "processed", "x"), "j1")
    replaces = reruns.keep_incomplete(Disk(power=False), archive.folders, archive.folders.state, record)
    (archive.folder / "failed/x.error.json").write_text(json.dumps({"replaces": replaces}))
    assert os.listdir(archive.folders.published) != []
    assert archive.prune(put + 2 * DAY_SECONDS, failed_days=1) == 2
    assert os.listdir(archive.folders.published) == []
