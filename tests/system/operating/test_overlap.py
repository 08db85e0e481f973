"""Jobs of cron that overlap, with each other or with a `--watch`."""

from __future__ import annotations

from pathlib import Path

from tests.support.programs.running import COPY, WAITING_OR_BAD, Watching, configure, drop, own_processor, run

DRAIN = ("--watch", "--drain")


def test_a_drain_that_meets_a_running_instance_says_so_and_does_what_is_left(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING_OR_BAD, workers=1)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "slow", b"wait\n")
        watching.wait_for("underprocess/slow")
        watching.wait_until(lambda: list((watching.spool / ".fproc/instances").iterdir()))
        drop(tmp_path, "other", b"a\n")
        ended = run(tmp_path, *DRAIN)
        assert ended.status == 0
        line = next(line for line in ended.lines if "works on this folder as well" in line)
        assert f"pid {watching.process.pid} on " in line
        watching.wait_for("processed/other")
        assert (watching.spool / "underprocess/slow").exists()
        (tmp_path / "go").touch()
        watching.wait_for("processed/slow")


def test_a_quiet_drain_that_meets_a_running_instance_has_nothing_for_cron_to_mail(tmp_path: Path) -> None:
    configure(tmp_path, COPY)
    with Watching(tmp_path) as watching:
        watching.wait_until(lambda: list((watching.spool / ".fproc/instances").iterdir()))
        ended = run(tmp_path, *DRAIN, "--quiet")
        assert (ended.status, ended.out, ended.err) == (0, b"", "")


def test_a_drain_that_is_alone_does_not_speak_of_others(tmp_path: Path) -> None:
    configure(tmp_path, COPY)
    drop(tmp_path, "one", b"a\n")
    ended = run(tmp_path, *DRAIN)
    assert ended.status == 0
    assert "works on this folder" not in ended.err
