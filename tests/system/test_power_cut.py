"""Power cuts on a real ext4, with a journal and without: what was safe when it was dropped stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.programs.running import Watching, configure, run
from tests.support.spool.loops import cut_power, make_ext4, mounted, needs_loops

pytestmark = [pytest.mark.sweep, needs_loops]

FILES = 60


def text_of(number: int) -> str:
    return f"line of {number}\n" * 50


def drop(watch: Path) -> None:
    """Put files there; those with even numbers are durable, as a careful dropper leaves them."""
    folder = watch / "unprocessed"
    for number in range(FILES):
        with (folder / f"{number}.log").open("w") as file:
            file.write(text_of(number))
            if number % 2 == 0:
                file.flush()
                os.fsync(file.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("has_journal", [True, False], ids=["with a journal", "without"])
@pytest.mark.parametrize("done", [1, 20, pytest.param(40, marks=pytest.mark.long)])
def test_a_power_cut_loses_and_doubles_nothing(tmp_path: Path, *, has_journal: bool, done: int) -> None:
    image, after = tmp_path / "image", tmp_path / "after"
    make_ext4(image, has_journal=has_journal)
    with mounted(image, tmp_path / "before") as point:
        watch = point / "watch_dir"
        (watch / "unprocessed").mkdir(parents=True)
        configure(point)
        os.sync()
        drop(watch)
        with Watching(point) as watching:
            archive = watch / "processed"
            watching.wait_until(lambda: len(os.listdir(archive)) >= done)
            seen = {name: text_of(int(name.removesuffix(".log"))) for name in os.listdir(archive)}
            cut_power(image, point, after)
    with mounted(after, tmp_path / "later") as point:
        configure(point)
        ended = run(point, "--watch", "--drain", "--no-dashboard")
        assert ended.status == 0, ended.err
        archived, results = texts(point / "watch_dir/processed"), texts(point / "watch_dir/results")
        assert [name for name in archived if "~" in name] == []
        assert {name: text for name, text in archived.items() if text} == results
        careful = {f"{number}.log": text_of(number) for number in range(0, FILES, 2)}
        assert {name: results.get(name) for name in {**careful, **seen}} == {**careful, **seen}
