"""An operator's questions: each is answered in at most three clicks, and the main ones by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.programs.driving import (
    Visitor,
    change_pipeline,
    choose_files,
    expect_counts,
    of_file,
    payload,
    tile,
)
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

MOST_CLICKS = 3
MOST_TABS = 60


REJECTING: list[dict[str, Any]] = [
    {"tag": "start", "type": "rewrite", "next": "judge",
     "config": {"pattern": "^(?!odd)(.*)$", "template": "{0}", "otherwise": "reject"}},
    {"tag": "judge", "type": "own.judge", "next": "end"},
]  # fmt: skip
"""Lines that begin with `odd` are set aside, and `bad` ones fail the file."""


TURNING = """
import os, time
def steady(line):
    time.sleep(0.01)
    return line
def turning(line):
    if os.path.exists("turned") and not os.path.exists("go"):
        time.sleep(0.09)
    return line
"""
TURNED: list[dict[str, Any]] = [
    {"tag": "start", "type": "turns.steady", "next": "lookup"},
    {"tag": "lookup", "type": "turns.turning", "next": "end"},
]
"""Nearly all time is spent at the first one, until the other has turned slow."""


class Operator:
    """Somebody who looks for an answer, and whose clicks and choices are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, what: Locator) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS
        what.click()

    def choose(self, what: Locator, label: str) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS
        what.select_option(label)

    def open_file(self, box: str, name: str) -> Locator:
        """Follow the name of a file in a list; gives the place where it is."""
        self.click(of_file(self.page, box, name).first.get_by_role("link", name=name, exact=True))
        return self.page.locator("#places article")


@pytest.fixture
def running(watch: Watch) -> Watching:
    """An fproc that has set aside a line, and has two failed files of a kind."""
    running = watch(on_error="reject", workers=1)
    drop(running.folder, "mixed.log", b"fine\nbad luck\n")
    running.wait_for("processed/mixed.log")
    for name in ("one.png", "two.png"):
        drop(running.folder, name, b"\x89PNG\r\n\x1a\n")
        running.wait_for(f"failed/{name}.error.json")
    return running


@pytest.fixture
def operator(visitor: Visitor, running: Watching) -> Operator:
    page = visitor.open(running.url)
    expect(page.locator("#kinds-list > li")).to_have_count(1)
    return Operator(page)


def test_why_is_this_file_not_processed(operator: Operator, running: Watching) -> None:
    drop(running.folder, "held.log", b"wait\n")
    running.wait_for("underprocess/held.log")
    drop(running.folder, "next.log", b"fine\n")
    expect_counts(operator.page, unprocessed=1)
    operator.click(tile(operator.page, "unprocessed"))
    place = operator.open_file("#files-table", "next.log")
    expect(place).to_contain_text("ready; it is taken as soon as a worker is free")


def test_what_failed_since_noon_and_why(operator: Operator) -> None:
    operator.choose(operator.page.get_by_label("Since"), "noon")
    kind = operator.page.locator("#kinds-list > li")
    for text in ("2 files", "is a PNG image, not text", "one.png", "two.png"):
        expect(kind).to_contain_text(text)


def test_which_node_became_slow(visitor: Visitor, watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "turns.py").write_text(TURNING)
    running = watch(workers=1, nodes=TURNED)
    drop(running.folder, "before.log", b"x\n" * 300)
    running.wait_for("processed/before.log")
    operator = Operator(visitor.open(running.url))
    nodes = operator.page.locator("#nodes tbody tr")
    expect(nodes.first).to_have_attribute("data-node", "start")
    expect(nodes.first).to_contain_text(re.compile(r"[5-9]\d.*%|100%"))
    (tmp_path / "turned").touch()
    drop(running.folder, "after.log", b"x\n" * 1000)
    operator.click(operator.page.locator("#nodes").get_by_role("button", name="Lately"))
    expect(nodes.first).to_have_attribute("data-node", "lookup")
    operator.click(nodes.first.get_by_role("button"))
    expect(operator.page.locator("#node-title")).to_have_text("Node lookup")
    expect(operator.page.locator("#node-facts")).to_contain_text(re.compile(r"\d% in the last minute"))
    chart = operator.page.locator("#chart-node-workers")
    expect(chart.locator("path.line")).to_have_attribute("d", re.compile("^M"))
    chart.focus()
    operator.page.keyboard.press("End")
    for share in (r"mean (1|0\.[5-9]\d*)$", r"mean 0(\.[0-4]\d*)?$"):  # and what it was before
        for _ in range(60):
            if re.search(share, str(chart.get_attribute("aria-valuetext"))):
                break
            operator.page.keyboard.press("ArrowLeft")
        expect(chart).to_have_attribute("aria-valuetext", re.compile(share))


def test_what_did_this_line_become(operator: Operator) -> None:
    operator.open_file("#files-table", "mixed.log")
    operator.page.locator("#explain-line").fill("1")
    operator.click(operator.page.get_by_role("button", name="Explain", exact=True))
    expect(operator.page.locator("#explain-outcome")).to_contain_text("mixed.log:1")
    expect(operator.page.locator("#explain-steps ins").first).to_contain_text("FINE")


def test_give_me_the_result(operator: Operator) -> None:
    with operator.page.expect_download() as saving:
        operator.click(operator.page.get_by_role("link", name="Save mixed.log"))
    assert saving.value.path().read_bytes() == b"FINE\n"


def test_give_me_the_rejects(operator: Operator) -> None:
    expect(tile(operator.page, "rejected").locator("strong")).to_have_text("1")
    operator.click(tile(operator.page, "rejected"))
    rows = operator.page.locator("#files-table tbody tr")
    expect(rows).to_have_count(1)
    for text in ("1 rejected", "cannot digest bad luck"):
        expect(rows).to_contain_text(text)
    operator.open_file("#files-table", "mixed.log")
    with operator.page.expect_download() as saving:
        operator.click(operator.page.get_by_role("link", name="Save the rejected lines"))
    assert b'"line": "bad luck"' in saving.value.path().read_bytes()


def test_what_will_be_retried_when(visitor: Visitor, watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "later.py").write_text("import fproc\ndef later(line):\n    raise fproc.Retry('not yet')\n")
    running = watch(
        retry={"backoff_seconds": 60}, nodes=[{"tag": "start", "type": "later.later", "next": "end"}]
    )
    drop(running.folder, "later.log", b"x\n")
    running.wait_until(lambda: "retry at" in str(running.get("/files?state=underprocess")[1]["recent"]))
    operator = Operator(visitor.open(running.url))
    operator.click(tile(operator.page, "underprocess"))
    row = of_file(operator.page, "#files-table", "later.log")
    expect(row).to_contain_text(re.compile(r"retry at \d{4}-\d\d-\d\dT[\d:.]+Z, after 1 failed attempt"))


def test_which_instance_holds_this_file(operator: Operator, running: Watching) -> None:
    drop(running.folder, "held.log", b"wait\n")
    running.wait_for("underprocess/held.log")
    place = operator.open_file("#current", "held.log")
    expect(place).to_contain_text(re.compile(r"held by \S+ pid \d+"))


def test_by_keyboard_alone_a_failed_file_is_found_its_reason_read_its_rejects_saved_and_its_kind_retried(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(nodes=REJECTING)
    drop(running.folder, "broken.log", b"odd\nbad luck\n")
    running.wait_for("failed/broken.log.error.json")
    page = visitor.open(running.url)
    expect(page.locator("#kinds-list > li")).to_have_count(1)
    page.locator(".skip").focus()
    tab_to(page, page.locator("#kinds-list").get_by_role("link", name="broken.log"))
    page.keyboard.press("Enter")
    place = page.locator("#places article")
    expect(place).to_contain_text("cannot digest bad luck")
    page.locator(".skip").focus()
    tab_to(page, page.get_by_role("link", name="Save the rejected lines"))
    with page.expect_download() as saving:
        page.keyboard.press("Enter")
    assert b'"line": "odd"' in saving.value.path().read_bytes()
    page.locator(".skip").focus()
    tab_to(page, page.locator("header > a"))
    page.keyboard.press("Enter")
    expect(page.locator("#kinds-list > li")).to_have_count(1)
    (running.folder / "fixed").touch()
    page.locator(".skip").focus()
    tab_to(page, page.get_by_role("button", name="Retry 1 file: "))
    page.keyboard.press("Enter")
    expect(page.locator("#kinds-outcome")).to_have_text("1 file back in unprocessed/.")
    expect(tile(page, "processed").locator("strong")).to_have_text("1")


def tab_to(page: Page, what: Locator) -> None:
    """Press the tabulator until something has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if what.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{MOST_TABS} steps do not lead to {what}")


def test_what_ran_under_the_old_pipeline(operator: Operator, running: Watching, tmp_path: Path) -> None:
    change_pipeline(running, tmp_path, on_error="reject", workers=1, limits={"max_line_bytes": 1000})
    drop(running.folder, "new.log", b"fine\n")
    running.wait_for("processed/new.log")
    operator.click(operator.page.get_by_role("button", name="1 h"))
    operator.click(operator.page.get_by_role("link", name="ran under the old pipeline"))
    rows = operator.page.locator("#files-table tbody tr")
    expect(rows).to_have_count(3)
    for name in ("mixed.log", "one.png", "two.png"):
        expect(of_file(operator.page, "#files-table", name)).to_have_count(1)


def test_is_it_keeping_up(operator: Operator, running: Watching) -> None:
    answer = operator.page.locator("#keeping-up")
    expect(answer).to_have_text(
        re.compile(r"It keeps up\. Since [\d:]+, 3 files came and 3 ended; none is left\b.*\.")
    )
    for name in ("held.log", "next.log"):
        drop(running.folder, name, b"wait\n")
    expect(answer).to_have_text(
        re.compile(
            r"It falls behind\. .* 5 files came and 3 ended; 2 files are left, the oldest has waited for .* s"
        )
    )
    operator.click(operator.page.get_by_role("button", name="30 d"))
    expect(answer).to_contain_text(
        re.compile(r"Since [\d-]+ [\d:]+, 5 files came and 3 ended; 2 files are left")
    )


def test_who_uploaded_this_file(operator: Operator) -> None:
    choose_files(operator.page, payload("sent.log", b"fine\n"))
    expect_counts(operator.page, processed=2)
    operator.open_file("#files-table", "sent.log")
    expect(operator.page.locator("#timeline-rows")).to_contain_text("uploaded by 127.0.0.1")
