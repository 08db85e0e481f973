"""Files as they really arrive: written slowly, in bursts, copied, moved, saved by an editor, synchronised."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.programs.running import Watching, configure, spooled

SETTLE_SECONDS = 1.0
LINES = [f"line {number}\n" for number in range(40)]
WHOLE = "".join(LINES)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    configure(tmp_path, intake={"ready": "auto", "settle_seconds": SETTLE_SECONDS, "poll_seconds": 0.02})
    with Watching(tmp_path) as running:
        yield running


def shell(folder: Path, script: str) -> None:
    """Run a shell script to its end; `$line` is a line of the file."""
    subprocess.run(["sh", "-eu", "-c", script], cwd=folder, timeout=60, check=True)


def slowly(unprocessed: Path) -> None:
    """One writer keeps the file open, and pauses for longer than files need to settle."""
    shell(
        unprocessed,
        'exec 3> x.log; for n in $(seq 0 39); do echo "line $n" >&3; [ $n != 20 ] || sleep 2; done',
    )


def in_bursts(unprocessed: Path) -> None:
    """The file is opened and closed for each line, with pauses shorter than files need to settle."""
    shell(unprocessed, 'for n in $(seq 0 39); do echo "line $n" >> x.log; sleep 0.02; done')


def by_cp_from_a_slow_pipe(unprocessed: Path) -> None:
    shell(
        unprocessed,
        '(for n in $(seq 0 39); do echo "line $n"; [ $n != 20 ] || sleep 2; done) | cp /dev/stdin x.log',
    )


def by_cp_with_its_old_time(unprocessed: Path) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        source = Path(elsewhere, "x.log")
        source.write_text(WHOLE)
        os.utime(source, (0, 0))
        shutil.copy2(source, unprocessed / "x.log")


def by_mv_from_another_filesystem(unprocessed: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        Path(elsewhere, "x.log").write_text(WHOLE)
        shell(Path(elsewhere), f"mv x.log '{unprocessed}'")


def by_an_editor(unprocessed: Path) -> None:
    """A swap file, a backup, and the new text renamed into place."""
    (unprocessed / ".x.log.swp").write_text("swap")
    (unprocessed / "x.log~").write_text("backup")
    (unprocessed / ".x.log.new").write_text(WHOLE)
    os.rename(unprocessed / ".x.log.new", unprocessed / "x.log")
    (unprocessed / ".x.log.swp").unlink()
    (unprocessed / "x.log~").unlink()


def as_rsync_does(unprocessed: Path) -> None:
    """A hidden name until it is whole, an old time, then a rename."""
    hidden = unprocessed / ".x.log.Qa3Xz1"
    with hidden.open("w") as file:
        for line in LINES:
            file.write(line)
            file.flush()
    os.utime(hidden, (1e9, 1e9))
    os.rename(hidden, unprocessed / "x.log")


WRITERS: list[Callable[[Path], None]] = [
    slowly,
    in_bursts,
    by_cp_from_a_slow_pipe,
    by_cp_with_its_old_time,
    by_mv_from_another_filesystem,
    by_an_editor,
    as_rsync_does,
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_file_is_taken_once_and_whole_however_it_is_written(
    watching: Watching, write: Callable[[Path], None]
) -> None:
    write(watching.spool / "unprocessed")
    watching.wait_for("processed/x.log")
    watching.wait_until(lambda: not os.listdir(watching.spool / ".fproc/jobs"))
    assert watching.stop() == 0
    expected = {"processed/x.log": WHOLE.encode(), "results/x.log": WHOLE.encode()}
    assert spooled(watching.folder) == expected
    assert "tried again" not in watching.log
