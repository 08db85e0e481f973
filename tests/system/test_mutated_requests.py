"""Whatever a client sends, it gets an answer, none that shows a bug, and cannot fill the log."""

from __future__ import annotations

import os
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.programs.mutated import mutated_requests
from tests.support.programs.running import Watching, configure, drop
from tests.support.programs.talking import answers, connect, heard

SEED = int(os.environ.get("FPROC_MUTATION_SEED", "17"))
LOG_BYTES_OF_ONE = 250
"""The most that one request may add to the log: an upload or a retry is a line."""


def statuses_of(running: Watching, data: bytes) -> list[int]:
    """What a client is told that sends this and no more."""
    with connect(running) as connection:
        with suppress(ConnectionError):  # it may be told before it has sent all
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        try:
            return [answer.status for answer in answers(heard(connection))]
        except AssertionError as error:
            raise AssertionError(f"{data[:300]!r}") from error


@pytest.mark.parametrize(
    "count",
    [
        400,
        pytest.param(5000, marks=[pytest.mark.sweep, pytest.mark.timeout(600)]),
        pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
@pytest.mark.parametrize("token", [None, "0123456789abcdef"])
def test_nearly_right_requests_are_answered_and_show_no_bug(
    tmp_path: Path, count: int, token: str | None
) -> None:
    configure(tmp_path, limits={"max_upload_mb": 1})
    drop(tmp_path, "first.log", b"one\n")
    found: Counter[int] = Counter()
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": token} if token else {}) as running:
        running.wait_for("processed/first.log")
        before = len(running.log)
        for data in mutated_requests(SEED, count):
            statuses = statuses_of(running, data)
            assert statuses, data[:300]
            assert max(statuses) < 500 or set(statuses) & {503, 505}, (statuses, data[:300])
            assert 500 not in statuses, data[:300]
            found.update(statuses)
        assert running.get("/health")[0] == 200
        assert "Traceback" not in running.log
        grown = len(running.log) - before
    print(f"{count} requests: {dict(sorted(found.items()))}; the log has grown by {grown} bytes")
    assert grown < LOG_BYTES_OF_ONE * count
