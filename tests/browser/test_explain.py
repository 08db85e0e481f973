"""What became of a line, and of a whole file, asked on the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.programs.driving import Visitor
from tests.support.programs.running import Watching, drop

pytestmark = pytest.mark.sweep


def test_any_line_is_explained_step_by_step_and_a_line_that_is_not_there_is_told(
    visitor: Visitor, watch: Callable[..., Watching]
) -> None:
    running = watch()
    drop(running.folder, "a.log", b"<b>fine</b>\nbad luck\n")
    running.wait_for("failed/a.log")
    page = visitor.open(running.url)
    page.get_by_role("textbox", name="Name of the file").fill("a.log")
    line = page.get_by_role("spinbutton", name="Number of the line")
    line.fill("1")
    page.get_by_role("button", name="Explain").click()
    steps, outcome = page.locator("#explain-steps > li"), page.locator("#explain-outcome")
    expect(outcome).to_contain_text("a.log:1")
    expect(steps.first).to_contain_text("<b>fine</b>")
    line.fill("2")
    line.press("Enter")
    expect(page.locator("#explain-steps .bad")).to_contain_text("cannot digest bad luck")
    visitor.expects("404")
    line.fill("3")
    line.press("Enter")
    expect(outcome).to_have_text("a.log has no line 3, only 2 lines")
    expect(steps).to_have_count(0)


def test_a_result_is_saved_from_the_list_of_files(visitor: Visitor, watch: Callable[..., Watching]) -> None:
    running = watch()
    drop(running.folder, "fine & good.html", b"<script>fine</script>\n")
    running.wait_for("processed/fine & good.html")
    page = visitor.open(running.url)
    with page.expect_download() as saving:
        page.locator("#files-table").get_by_role("link", name="Save fine & good.html").click()
    assert saving.value.suggested_filename == "fine & good.html"
    assert saving.value.path().read_bytes() == b"<SCRIPT>FINE</SCRIPT>\n"
