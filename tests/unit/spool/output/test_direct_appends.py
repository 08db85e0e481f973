"""`--input` that adds to results of a spool: all of its input or nothing, whenever it is killed."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from fproc.pipeline.processors.options.result_names import APPENDED
from fproc.spool.disk.disk import Disk
from fproc.spool.job.decision import appended_text
from fproc.spool.output.appends import LOCK
from fproc.spool.output.direct import DirectOutput
from fproc.spool.output.intents import digest_of
from tests.support.spool.appending import RESULT, Shelf
from tests.support.spool.crashes import BrokenDisk, Crash

pytestmark = pytest.mark.usefixtures("names_of_the_model")


def run(shelf: Shelf, result: str, text: str, disk: Disk | None = None) -> list[str]:
    """One call of `--input`, of which all goes to one result."""
    output = DirectOutput(
        disk or Disk(power=False),
        shelf.folders.results,
        rename={},
        spool=shelf.folders,
        read_text=appended_text,
    )
    output.staging.write(result, text)
    output.staging.flush()
    told = output.publish([], set())
    output.close()
    return told


def stages(shelf: Shelf) -> list[str]:
    above = os.path.dirname(shelf.stage)
    return [name for name in os.listdir(above) if name != os.path.basename(shelf.stage)]


@pytest.mark.parametrize("settle", ["the spool", "another call"])
def test_a_call_that_is_killed_before_any_step_has_appended_all_of_its_input_or_nothing(
    memory_path: Path, settle: str
) -> None:
    seen = set()
    for point in itertools.count():
        shelf, disk = Shelf(memory_path / str(point)), BrokenDisk(point)
        shelf.result.write_text("before\n")
        try:
            run(shelf, f"{APPENDED}{RESULT}", "new", disk)
        except Crash:
            disk.die()
        half = shelf.result.read_text()
        if half == "before\nnew\n" and disk.broke_at == "sync":
            shelf.result.write_text("before\nne")  # the call before was cut short
        if settle == "the spool":
            shelf.appender().recover()
        run(shelf, "other.log", "x")
        seen.add(shelf.result.read_text())
        assert seen <= {"before\n", "before\nnew\n"}, (point, disk.broke_at)
        assert stages(shelf) == []
        shelf.appender().recover()
        assert [name for name in shelf.litter() if not name.startswith(LOCK)] == []
        if not disk.broke_at:
            break
    assert len(seen) == 2
    assert point > 10


def test_a_call_says_where_its_input_is_in_the_result(memory_path: Path) -> None:
    shelf = Shelf(memory_path / "w")
    shelf.result.write_text("before\n")
    assert run(shelf, f"{APPENDED}{RESULT}", "new") == [f"{shelf.result} (appended, bytes 7-10)"]
    assert shelf.result.read_text() == "before\nnew\n"


def test_the_stage_of_a_killed_call_stays_while_another_holds_the_result(memory_path: Path) -> None:
    shelf = Shelf(memory_path / "w")

    class Dying(BrokenDisk):
        def sync(self, descriptor: int) -> None:
            if os.readlink(f"/proc/self/fd/{descriptor}").endswith(RESULT):
                raise Crash
            super().sync(descriptor)

    dying = Dying(10**9)
    with pytest.raises(Crash):
        run(shelf, f"{APPENDED}{RESULT}", "new", dying)
    dying.die()
    os.truncate(shelf.result, 2)
    other = Disk(power=False)
    held = other.lock(os.path.join(shelf.folders.jobs, f"{LOCK}{digest_of(RESULT)}"))
    assert held is not None
    run(shelf, "other.log", "x")
    other.close(held)
    run(shelf, "other.log", "y")
    assert shelf.result.read_text() == "new\n"
