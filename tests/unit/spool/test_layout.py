"""Names that clash with none, and the folders of a spool: made, checked, made again, moved."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fproc.base.errors import ConfigError
from fproc.base.ids import new_id
from fproc.config.model import Config
from fproc.run.outcome import FileEvent
from fproc.spool.disk.disk import Disk
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.job import RolledForward
from fproc.spool.layout import NAME_BYTES, Folders, about, free_number, history_of, numbered, prepare
from fproc.spool.spool import Spool
from fproc.telemetry.recorder import open_history
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, Crash, files, look
from tests.support.spool.dropping import seen_by

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


def config(watch: Path, **keys: Any) -> Config:
    return plan_of(
        NODES, watch_dir=str(watch), intake={"ready": "rename"}, durability="process", **keys
    ).config


@pytest.mark.parametrize(
    ("name", "number", "extra", "expected"),
    [
        ("x.log", 1, "", "x.log"),
        ("x.log", 2, "", "x~2.log"),
        ("x.log", 10_000, "", "x~10000.log"),
        ("x", 3, "", "x~3"),
        (".hidden", 2, "", ".hidden~2"),
        ("x.tar.gz", 2, "", "x.tar~2.gz"),
        ("x~2.log", 2, "", "x~2~2.log"),
        ("x.log", 1, ".error.json", "x.log.error.json"),
        ("x.log", 2, ".error.json", "x~2.log.error.json"),
        ("x.log", 3, ".rejected.jsonl", "x~3.log.rejected.jsonl"),
        ("caf\udce9.log", 2, "", "caf\udce9~2.log"),
    ],
)
def test_a_number_stands_before_the_suffix_and_an_extra_behind_it(
    name: str, number: int, extra: str, expected: str
) -> None:
    assert numbered(name, number, extra) == expected


LONG = {
    "one byte a character": "a" * 251 + ".log",
    "no suffix": "a" * 255,
    "two bytes a character": "é" * 125 + ".log",
    "four bytes a character": "🚚" * 62 + "a.log",
    "a byte before each": "a" + "é" * 127,
    "not UTF-8": "\udce9" * 251 + ".log",
    "UTF-8 and not": "é" * 60 + "\udcff" * 131 + ".log",
    "a long suffix": "a." + "b" * 253,
    "a suffix of half the name": "a" * 127 + "." + "b" * 127,
    "a long suffix in two bytes": "a." + "é" * 126,
}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG.keys())
@pytest.mark.parametrize("number", [1, 2, 12_345])
@pytest.mark.parametrize("extra", ["", ".error.json", ".rejected.jsonl"])
def test_the_longest_names_stay_names_that_a_filesystem_takes(
    name: str, number: int, extra: str, tmp_path: Path
) -> None:
    assert 250 <= len(os.fsencode(name)) <= NAME_BYTES
    made = numbered(name, number, extra)
    assert len(os.fsencode(made)) <= NAME_BYTES
    assert made.endswith(extra)
    assert (f"~{number}" in made) is (number > 1)
    (tmp_path / made).touch()
    assert os.listdir(tmp_path) == [made]


@pytest.mark.parametrize("name", [LONG["two bytes a character"], LONG["four bytes a character"]])
@pytest.mark.parametrize("extra", ["", "1", "12", "123", "1234"])
def test_no_character_is_cut_in_half(name: str, extra: str) -> None:
    made = numbered(name, 2, extra)
    assert made.encode("utf-8").decode("utf-8") == made
    assert made.endswith("~2.log" + extra)
    assert len(os.fsencode(made)) > NAME_BYTES - 4


def test_a_name_that_fits_is_not_cut() -> None:
    name = "a" * 247 + ".log"
    assert numbered(name, 2) == "a" * 247 + "~2.log"
    assert numbered("a" * 255, 1) == "a" * 255


def test_a_short_suffix_survives_the_cut_and_a_long_one_counts_as_part_of_the_name() -> None:
    assert numbered(LONG["one byte a character"], 2) == "a" * 249 + "~2.log"
    assert numbered("a." + "b" * 253, 2) == "a." + "b" * 251 + "~2"


@pytest.mark.parametrize("number", [1, 2, 12])
@pytest.mark.parametrize(
    "name", ["a.log", "a~02.log", "a~002", "~2.log", "~02", ".x~2", "n" * 255, "n" * 251 + ".log"]
)
def test_a_report_is_found_by_the_name_that_its_input_was_archived_under(name: str, number: int) -> None:
    assert about(numbered(name, number), ".error.json") == numbered(name, number, ".error.json")


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 7, 8, 9, 1000])
@pytest.mark.parametrize("least", [1, 5])
def test_the_first_free_number_is_found(taken: int, least: int) -> None:
    assert free_number(lambda number: number < least + taken, least) == least + taken


def test_the_ten_thousandth_file_of_a_name_costs_a_few_looks() -> None:
    looks: list[int] = []

    def taken(number: int) -> bool:
        looks.append(number)
        return number < 10_000

    assert free_number(taken) == 10_000
    assert len(looks) <= 30


@pytest.mark.parametrize("gaps", [{1, 2, 4, 5}, {1, 3}, {1, 2, 3, 5, 7, 8}, {2}])
def test_with_gaps_the_number_is_free_all_the_same(gaps: set[int]) -> None:
    assert free_number(lambda number: number in gaps) not in gaps


def test_a_path_inside_the_watched_folder_is_kept_relative_and_another_as_it_is() -> None:
    folders = Folders("/srv/watch", "/srv/results")
    assert folders.portable("/srv/watch/processed/x") == "processed/x"
    assert folders.portable("/srv/watchers/x") == "/srv/watchers/x"
    assert folders.portable("/srv/results/x") == "/srv/results/x"
    for path in ("/srv/watch/processed/x", "/srv/watchers/x", "/srv/results/x"):
        assert folders.absolute(folders.portable(path)) == path
    assert Folders("/mnt/moved", "/srv/results").absolute("processed/x") == "/mnt/moved/processed/x"


def test_all_folders_of_the_contract_are_made(tmp_path: Path) -> None:
    watch = tmp_path / "deep" / "watch"
    Spool(config(watch))
    names = {"unprocessed", "underprocess", "processed", "failed", "results", ".fproc"}
    assert set(os.listdir(watch)) == names


def test_making_the_folders_again_changes_nothing(tmp_path: Path) -> None:
    folders = Folders(str(tmp_path / "w"), str(tmp_path / "r"))
    disk = Disk(power=True)
    name = prepare(folders, disk)
    (tmp_path / "w" / "unprocessed" / "x").touch()
    assert prepare(folders, disk) == name
    assert os.listdir(tmp_path / "w" / "unprocessed") == ["x"]
    assert os.listdir(tmp_path / "r" / ".stage") == [name]


def test_two_spools_with_one_results_folder_have_a_stage_each(tmp_path: Path) -> None:
    stages = {prepare(Folders(str(tmp_path / w), str(tmp_path / "r")), Disk(power=False)) for w in "ab"}
    assert len(stages) == 2


@pytest.mark.parametrize(
    "gone", ["unprocessed", "underprocess", "processed", "failed", "results", "results/.stage", ".fproc", "."]
)
def test_folders_that_are_missing_at_a_start_are_made_again(gone: str, tmp_path: Path) -> None:
    watch = tmp_path / "w"
    Spool(config(watch))
    shutil.rmtree(watch / gone)
    spool = Spool(config(watch))
    assert seen_by(spool.look).ready == []
    assert spool.disks().unusable == ()
    (watch / "unprocessed" / "x").write_text("a\n")
    claim = spool.claim("x")
    assert claim is not None
    claim.staging.write("x", "a")
    claim.staging.flush()
    claim.commit(FileStamp.of(os.stat(claim.path)))
    assert files(str(watch), "results") == {"x": "a\n"}


@pytest.mark.parametrize(
    "inside", ["unprocessed", "underprocess", "processed", "failed", ".fproc", "unprocessed/deep", "failed/r"]
)
def test_results_among_the_inputs_are_refused(inside: str, tmp_path: Path) -> None:
    watch = tmp_path / "w"
    with pytest.raises(ConfigError, match=r"^\$\.results_dir: .* results would be taken for inputs"):
        Spool(config(watch, results_dir=str(watch / inside)))


def test_results_among_the_inputs_are_refused_behind_a_link_too(tmp_path: Path) -> None:
    Spool(config(tmp_path / "w"))
    (tmp_path / "r").symlink_to(tmp_path / "w" / "processed")
    with pytest.raises(ConfigError, match="results would be taken for inputs"):
        Spool(config(tmp_path / "w", results_dir=str(tmp_path / "r")))


@pytest.mark.parametrize("results", ["w/results", "w/unprocessed2", "elsewhere/deep", "w/results/a/b"])
def test_results_may_lie_anywhere_else(results: str, tmp_path: Path) -> None:
    Spool(config(tmp_path / "w", results_dir=str(tmp_path / results)))
    assert (tmp_path / results).is_dir()


@pytest.mark.parametrize(
    ("in_the_way", "setting"),
    [("w", "watch_dir"), ("w/failed", "watch_dir"), ("w/.fproc", "watch_dir"), ("w/results", "results_dir")],
)
def test_a_file_where_a_folder_has_to_be_is_a_problem_of_the_configuration(
    in_the_way: str, setting: str, tmp_path: Path
) -> None:
    path = tmp_path / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(ConfigError) as caught:
        Spool(config(tmp_path / "w"))
    assert caught.value.problems[0].path == f"$.{setting}"
    assert str(path) in caught.value.problems[0].what


def test_the_check_of_the_folders_leaves_nothing_behind(tmp_path: Path) -> None:
    Spool(config(tmp_path))
    seen = look(str(tmp_path))
    assert all(not content for content in seen.values())
    assert os.listdir(tmp_path / "results") == [".stage"]


def test_a_decided_file_is_carried_out_where_the_whole_watched_folder_was_moved_to(tmp_path: Path) -> None:
    decided = 0
    for calls in range(100):
        before, after = tmp_path / f"before{calls}", tmp_path / f"after{calls}"
        disk = BrokenDisk(10**9)
        disk.power = False
        spool = Spool(config(before), disk=disk)
        (before / "unprocessed" / "x.log").write_text("a\n")
        claim = spool.claim("x.log")
        assert claim is not None
        claim.staging.write("x.log", "a")
        claim.staging.flush()
        disk.calls_left = calls
        try:
            claim.commit(FileStamp.of(os.stat(claim.path)))
            break
        except Crash:
            disk.die()
        is_decided = (before / ".fproc" / "jobs" / "x.log" / "commit.json").exists()
        before.rename(after)
        taken = Spool(config(after)).adopt("x.log")
        if is_decided:
            decided += 1
            assert isinstance(taken, RolledForward)
            assert taken.succeeded
            seen = look(str(after))
            assert (seen["processed"], seen["results"]) == ({"x.log": "a\n"}, {"x.log": "a\n"})
            assert (seen["underprocess"], seen["litter"]) == ({}, [])
        assert not before.exists()
    assert decided >= 5


def test_each_host_has_a_history_of_its_own_where_several_share_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(tmp_path / "w")
    folders = Spool(settings).folders
    assert history_of(folders) == str(tmp_path / "w/.fproc/history.db")
    Path(folders.shared).touch()
    for host in ("one", "other/host"):
        monkeypatch.setattr("os.uname", lambda host=host: SimpleNamespace(nodename=host))
        history = open_history(folders, settings.retention)
        history.record([FileEvent(new_id(), "x.log", "processed", 0.0)])
        assert [row.event.file for row in history.recent(limit=9)] == ["x.log"]
        history.close()
    databases = sorted(path.name for path in Path(folders.state).glob("history*.db"))
    assert databases == ["history.one.db", "history.other_host.db"]
    with closing(sqlite3.connect(tmp_path / "w/.fproc/history.one.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",), "no memory is shared"


def test_a_folder_that_may_not_be_written_to_is_a_problem_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: path != str(tmp_path / "w/failed"))
    with pytest.raises(ConfigError, match=f"cannot write to the folder {tmp_path}/w/failed") as caught:
        Spool(config(tmp_path / "w"))
    assert f"let the user with id {os.geteuid()} write to it" in str(caught.value)


def test_names_that_a_killed_start_had_begun_are_removed_by_the_next_one(tmp_path: Path) -> None:
    folders = Spool(config(tmp_path / "w")).folders
    id_before = Path(folders.id).read_text()
    Path(folders.state, "id-0123456789abcdef").write_text("id-0123456789abcdef")
    Spool(config(tmp_path / "w"))
    assert Path(folders.id).read_text() == id_before
    assert not [name for name in os.listdir(folders.state) if name.startswith("id-")]


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
@pytest.mark.parametrize("is_shared", [False, True])
def test_the_state_is_closed_to_others_whatever_the_umask(
    tmp_path: Path, umask: int, *, is_shared: bool
) -> None:
    watch = tmp_path / "w"
    watch.mkdir()
    watch.chmod(0o2770 if is_shared else 0o755)
    before = os.umask(umask)
    try:
        for _ in range(2):
            prepare(Folders(str(watch), str(watch / "results")), Disk(power=False))
            mode = (watch / ".fproc").stat().st_mode & 0o7777
            assert mode == (0o2770 if is_shared else 0o700)
            (watch / ".fproc").chmod(0o755)  # as earlier versions have left it
    finally:
        os.umask(before)
