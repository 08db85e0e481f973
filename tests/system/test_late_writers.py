"""A writer that stalls longer than files have to settle, and writes again after its file was processed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.programs.hook import hooked
from tests.support.programs.running import Watching, configure, report, run

STABLE = {"ready": "stable", "settle_seconds": 0.3, "poll_seconds": 0.02}
REASON = "was written to after it was processed; its results are incomplete: x.log"


def is_said(watching: Watching) -> bool:
    """Whether `/health` names it."""
    status, said = watching.get("/health")
    message = said["checks"].get("late_writers", {}).get("message", "")
    return (status, said["status"], message) == (503, "degraded", f"x.log: {REASON}")


def test_a_late_writer_is_said_in_the_report_the_log_the_webhook_and_health(tmp_path: Path) -> None:
    with hooked() as hook:
        configure(tmp_path, intake=STABLE, alerts={"webhook": hook.url})
        with Watching(tmp_path, dashboard=True) as watching:
            with (watching.spool / "unprocessed/x.log").open("w") as file:
                file.write("one\n")
                file.flush()
                watching.wait_for("processed/x.log")
                file.write("two\n")
                file.flush()
                watching.wait_for("failed/x.log", "failed/x.log.error.json")
            watching.wait_until(lambda: is_said(watching))
            watching.wait_until(lambda: hook.values("failed"))
            assert hook.values("failed")[0]["error"] == REASON
            assert f"x.log: {REASON}" in watching.log
            said = report(tmp_path, "x.log")
            assert (said["reason"], said["results"]) == (REASON, ["x.log"])
            watching.wait_until(lambda: run(tmp_path, "--status").status == 1)
            assert REASON in run(tmp_path, "--status").out.decode()
            assert (watching.spool / "results/x.log").read_text() == "one\n"
            os.remove(watching.spool / "results/x.log")
            assert run(tmp_path, "--retry", "x.log").status == 0
            watching.wait_for("processed/x.log")
            watching.wait_until(lambda: watching.get("/health")[0] == 200)
            assert (watching.spool / "results/x.log").read_text() == "one\ntwo\n"


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.sweep)])
@pytest.mark.parametrize(
    "is_down", [False, True], ids=["writes after the restart", "writes while it is down"]
)
def test_a_late_writer_is_noticed_over_a_restart_even_if_it_sets_its_time_back(
    tmp_path: Path, how: signal.Signals, *, is_down: bool
) -> None:
    configure(tmp_path, intake=STABLE)
    with Watching(tmp_path) as watching:
        hidden = watching.spool / "unprocessed/.x.log"
        hidden.write_text("one\n")
        before = hidden.stat()
        hidden.rename(watching.spool / "unprocessed/x.log")
        watching.wait_for("processed/x.log")
        watching.wait_until(lambda: os.listdir(watching.spool / ".fproc/late") == ["x.log"])
        watching.signal(how)
        watching.wait()

    def write() -> None:
        archived = watching.spool / "processed/x.log"
        with archived.open("a") as file:
            file.write("two\n")
        os.utime(archived, ns=(before.st_atime_ns, before.st_mtime_ns))

    if is_down:
        write()
    with Watching(tmp_path, dashboard=True) as again:
        if not is_down:
            write()
        again.wait_for("failed/x.log", "failed/x.log.error.json")
        again.wait_until(lambda: is_said(again))
        assert report(tmp_path, "x.log")["reason"] == REASON
        assert os.listdir(again.spool / "processed") == []
