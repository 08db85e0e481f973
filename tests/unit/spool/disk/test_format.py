"""The number of the form that a spool has: an older fproc refuses a newer one, and changes nothing in it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fproc.base.errors import EXIT_CONFIG, ConfigError
from fproc.spool.disk import format as form
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.format import FORMAT
from fproc.spool.layout import Folders, prepare
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import Crash
from tests.support.spool.power import PowerDisk

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


def spool_at(folder: Path) -> Spool:
    return Spool(plan_of(NODES, watch_dir=str(folder), durability="process").config)


def numbers(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder / ".fproc") if name.startswith("format"))


def tree(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_a_new_spool_has_the_number_of_its_form(tmp_path: Path) -> None:
    spool_at(tmp_path / "w")
    assert numbers(tmp_path / "w") == [f"format-{FORMAT}"]


def test_a_spool_of_an_older_fproc_is_taken_over_and_gets_the_number(tmp_path: Path) -> None:
    spool_at(tmp_path / "w")
    (tmp_path / f"w/.fproc/format-{FORMAT}").unlink()  # as the first form was
    (tmp_path / "w/underprocess/x").write_text("a\n")
    assert spool_at(tmp_path / "w").adopt("x") is not None
    assert numbers(tmp_path / "w") == [f"format-{FORMAT}"]


@pytest.mark.parametrize("newer", [FORMAT + 1, FORMAT + 8, 10**6])
def test_a_spool_of_a_newer_fproc_is_refused_and_nothing_in_it_is_touched(tmp_path: Path, newer: int) -> None:
    folder = tmp_path / "w"
    (folder / ".fproc").mkdir(parents=True)
    (folder / f".fproc/format-{newer}").touch()
    before = tree(tmp_path)
    with pytest.raises(ConfigError) as caught:
        spool_at(folder)
    assert (caught.value.exit_status, tree(tmp_path)) == (EXIT_CONFIG, before)
    assert f"was used by a newer fproc (format {newer}; this one knows {FORMAT})" in str(caught.value)


def test_a_newer_fproc_that_starts_at_the_same_time_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = Folders(str(tmp_path / "w"), str(tmp_path / "w/results"))

    class Beside(Disk):
        def create(self, path: str) -> int:
            Path(folders.state, f"format-{FORMAT + 1}").touch()
            return super().create(path)

    with pytest.raises(ConfigError, match="newer fproc"):
        prepare(folders, Beside(power=False))
    monkeypatch.setattr(form, "FORMAT", FORMAT + 1)
    prepare(folders, Disk(power=False))


@pytest.mark.parametrize("name", ["format-", "format-x", "format-3.new", "format-1", "format", "Xformat-9"])
def test_other_names_mean_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "w/.fproc").mkdir(parents=True)
    (tmp_path / "w/.fproc" / name).touch()
    spool_at(tmp_path / "w")


LOSSES: dict[str, Callable[[int, str], PowerDisk]] = {
    "none": PowerDisk,
    "the newest name": partial(PowerDisk, newest_survives=True),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "older"])
def test_what_has_the_new_form_has_its_number_after_power_loss_too(
    memory_path: Path, loss: str, *, is_new: bool
) -> None:
    for point in itertools.count():
        folder, is_over = memory_path / str(point), False
        folders = Folders(str(folder / "w"), str(folder / "w/results"))
        number = Path(folders.state, f"format-{FORMAT}")
        folder.mkdir()
        if not is_new:
            prepare(folders, Disk(power=False))
            number.unlink()
        disk = LOSSES[loss](point, str(folder))
        try:
            prepare(folders, disk)
            is_over = True
        except Crash:
            pass
        disk.lose_power()
        is_used = is_over or (is_new and (os.path.exists(folders.commits) or os.path.exists(folders.id)))
        assert number.exists() or not is_used, point
        if is_over:
            break
    assert point > (10 if is_new else 0)
