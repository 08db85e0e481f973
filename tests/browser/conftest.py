"""One browser for the tests of a file, and an fproc and a visitor for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.programs.driving import DEADLINE_MS, Visitor, pipeline
from tests.support.programs.promtool import tool
from tests.support.programs.running import QUICK, Watching, configure


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with the file's last test; pytest sees the end of no package without `__init__`.

    Other tests do without its threads, its loop and the tenth of a processor that it takes while it is idle.
    """
    program = tool("chromium")
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watching]]:
    """Starts fproc in the test's folder, with the pipeline of `driving.NODES` unless configured otherwise."""
    with ExitStack() as stack:

        def start(*arguments: str, variables: dict[str, str] | None = None, **config: Any) -> Watching:
            quick = {"intake": QUICK, "durability": "process", "retry": {"backoff_seconds": 0.05}}
            configure(tmp_path, **{**quick, **pipeline(tmp_path), **config})
            running = Watching(tmp_path, *arguments, dashboard=True, variables=variables)
            return stack.enter_context(running)

        yield start
        (tmp_path / "go").touch()  # what still waits need not be waited for


@pytest.fixture
def visitor(
    browser: Browser, watch: Callable[..., Watching], request: pytest.FixtureRequest
) -> Iterator[Visitor]:
    """Somebody with a browser; nothing may have gone wrong in it when the test ends, before fproc does."""
    somebody = Visitor(browser, request.node.name)
    yield somebody
    somebody.leave()
    assert somebody.problems == []
