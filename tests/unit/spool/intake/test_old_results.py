"""Results that are old enough to go: fproc's own, whole, and as they were published."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fproc.config.retention import Retention
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.old_results import PublishedResult
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of


class Results:
    """A folder of results, and who knows what was published there, two at a time."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(
            plan_of([{"tag": "start", "type": "trim", "next": "end"}], watch_dir=str(folder)).config
        )
        self.folder = folder / "results"
        self.known: list[PublishedResult] = []
        self.forgotten: set[str] = set()

    def publish(self, name: str, text: str = "a\n") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.known.append(PublishedResult(len(self.known), name, path.stat().st_mtime))

    def copy_results(self) -> None:
        pass

    def results(self, after: PublishedResult | None) -> list[PublishedResult]:
        start = self.known.index(after) + 1 if after else 0
        return self.known[start : start + 2]

    def forget(self, results: Sequence[PublishedResult]) -> None:
        self.forgotten |= {result.name for result in results}

    def prune(self, files: int) -> None:
        self.spool.prune(Retention(results_files=files), names=self)

    def left(self) -> list[str]:
        paths = (path for path in self.folder.rglob("*") if ".stage" not in path.parts)
        return sorted(str(path.relative_to(self.folder)) for path in paths)


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "w")


def test_the_oldest_results_go_and_the_folders_that_are_empty_then(results: Results) -> None:
    for name in ("a", "x/y/b", "x/c", "d", "e"):
        results.publish(name)
    results.prune(3)
    assert results.left() == ["d", "e", "x", "x/c"]
    results.prune(2)
    assert results.left() == ["d", "e"]
    assert os.listdir(results.spool.home.stage) == []


def test_what_others_put_there_and_what_was_written_to_since_stays(results: Results) -> None:
    for name in ("a", "b", "c"):
        results.publish(name)
    (results.folder / "notes.txt").write_text("mine")
    later = results.known[0].time + 3600
    os.utime(results.folder / "a", (later, later))
    results.prune(1)
    assert results.left() == ["a", "c", "notes.txt"]
    assert results.forgotten == {"a"}


def test_results_that_readers_took_do_not_count_and_are_forgotten(results: Results) -> None:
    for name in ("a", "b", "c"):
        results.publish(name)
    (results.folder / "c").unlink()
    results.prune(2)
    assert results.left() == ["a", "b"]
    assert results.forgotten == {"c"}


def test_what_is_not_a_file_or_not_below_the_folder_stays(results: Results) -> None:
    outside = results.folder.parent / "outside"
    outside.touch()
    results.publish("a")
    (results.folder / "link").symlink_to(outside)
    (results.folder / "f").mkdir()
    for name in ("link", "f", "../outside", str(outside), "a/b"):
        results.known.insert(0, PublishedResult(100, name, results.known[0].time))
    results.prune(1)
    assert results.left() == ["a", "f", "link"]
    assert outside.exists()


def test_a_result_that_comes_in_the_place_of_an_old_one_is_moved_back(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        results.publish(name)
    replace = Disk.replace

    def rerun_first(disk: Disk, source: str, target: str) -> None:
        new = results.folder / "new"
        new.write_text("new")
        os.rename(new, source)
        replace(disk, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Disk, "replace", rerun_first)
        results.prune(1)
    assert (results.folder / "a").read_text() == "new"
    assert os.listdir(results.spool.home.stage) == []


def test_a_result_that_comes_while_another_is_moved_back_stays(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = results.folder / "a"
    for name in ("a", "b"):
        results.publish(name)

    def after_a_rerun(rename: Callable[[Disk, str, str], None]) -> Callable[[Disk, str, str], None]:
        def renamed(disk: Disk, source: str, target: str) -> None:
            if str(path) in {source, target}:
                (results.folder / "new").write_text(f"came before {os.path.basename(source)} went")
                os.rename(results.folder / "new", path)
            rename(disk, source, target)

        return renamed

    kind = type(results.spool._disk)
    with monkeypatch.context() as patch:
        for name in ("replace", "move"):
            patch.setattr(kind, name, after_a_rerun(getattr(kind, name)))
        results.prune(1)
    assert path.read_text().startswith("came before removed-")
    assert os.listdir(results.spool.home.stage) == []


def test_what_a_crash_left_of_a_removal_goes_but_for_a_new_result(
    results: Results, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(_disk: Disk, _source: str) -> None:
        raise KeyboardInterrupt

    for name in ("a", "b"):
        results.publish(name)
    with monkeypatch.context() as patch:
        patch.setattr(Disk, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            results.prune(1)
    stage = Path(results.spool.home.stage)
    (left,) = os.listdir(stage)
    (stage / "removed-1-1-x").write_text("new")
    with caplog.at_level(logging.WARNING):
        results.prune(1)
    assert left not in os.listdir(stage)
    assert os.listdir(stage) == ["removed-1-1-x"]
    assert "removed-1-1-x was published over an old result just before a crash; move it back" in caplog.text


def test_nothing_is_forgotten_while_the_folder_of_results_is_not_there(results: Results) -> None:
    results.publish("a")
    os.rename(results.folder, results.folder.with_name("unmounted"))
    results.folder.mkdir()
    with pytest.raises(OSError, match="vanished"):
        results.prune(1)
    assert results.forgotten == set()


def test_nothing_is_forgotten_if_the_folder_of_results_vanishes_meanwhile(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish() -> None:
        os.rename(results.folder, results.folder.with_name("unmounted"))
        results.folder.mkdir()

    results.publish("a")
    monkeypatch.setattr(results, "copy_results", vanish)
    with pytest.raises(OSError, match="vanished"):
        results.prune(1)
    assert results.forgotten == set()
