"""Charts over time: what changed is marked, and each moment leads to the files that ended then."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.programs.driving import Visitor, change_pipeline
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep


def finish(running: Watching, name: str, data: bytes = b"fine\n") -> None:
    drop(running.folder, name, data)
    running.wait_until(lambda: name in str(running.get("/files?limit=500")[1]["recent"]))


def listed(page: Page) -> list[str]:
    """The names in the list of files."""
    rows = page.locator("#files-table tbody tr")
    return [str(row.get_attribute("data-file")) for row in rows.all()]


@pytest.fixture
def changed(watch: Watch, tmp_path: Path) -> Watching:
    """An fproc that has done a file under each of two pipelines."""
    running = watch(workers=1)
    finish(running, "before.log")
    change_pipeline(running, tmp_path, limits={"max_line_bytes": 1000})
    finish(running, "after.log")
    return running


def test_a_change_is_marked_and_leads_to_what_ran_before_and_after(
    visitor: Visitor, changed: Watching
) -> None:
    page = visitor.open(f"{changed.url}?window=900")
    expect(page.locator("#changes li")).to_have_count(1)
    expect(page.locator("#changes li")).to_contain_text("limits changed")
    expect(page.locator("#chart-lines .mark title")).to_have_text(
        re.compile(r"^pipeline \w{12} → \w{12}: limits changed$")
    )
    page.get_by_role("link", name="ran under the new pipeline").click()
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["after.log"]
    expect(page.locator("#files-title")).to_be_focused()
    page.get_by_role("button", name=re.compile(r"Not only pipeline \w{12}")).click()
    expect(page.locator("#files-table tbody tr")).to_have_count(2)
    expect(page.locator("#chosen li")).to_have_count(0)
    page.goto(f"{changed.url}/file/before.log")
    page.locator("#timeline-rows").get_by_role("link", name="Files that ran under pipeline").click()
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["before.log"]


def test_a_click_on_a_mark_lists_what_ran_under_the_new_pipeline(visitor: Visitor, changed: Watching) -> None:
    page = visitor.open(f"{changed.url}?window=86400")
    page.locator("#chart-lines").evaluate("chart => chart.scrollIntoView({ block: 'center' })")
    box = page.locator("#chart-lines .mark .flag").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["after.log"]


def opened_with_a_cross(visitor: Visitor, watch: Watch) -> tuple[Page, Locator]:
    """Have one file processed and one fail; gives the page, and its chart that shows both."""
    running = watch(workers=1)
    finish(running, "good.log")
    finish(running, "bad.log", b"bad\n")
    page = visitor.open(f"{running.url}?window=900")
    chart = page.locator("#chart-ended")
    expect(chart.locator("path.cross")).to_have_attribute("d", re.compile(r"^M"), timeout=60_000)
    return page, chart


def test_a_moment_of_a_chart_leads_to_the_files_that_ended_then_by_mouse_and_by_keyboard(
    visitor: Visitor, watch: Watch
) -> None:
    page, chart = opened_with_a_cross(visitor, watch)
    chart.focus()
    page.keyboard.press("End")
    while "ended 0 " in (chart.get_attribute("aria-valuetext") or ""):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text(re.compile(r"ended from \S+ [\d:]+ to \S+ [\d:]+"))
    expect(page.locator("#files-table tbody tr")).not_to_have_count(0)
    page.locator("#state").select_option("failed")
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["bad.log"]
    expect(page).to_have_url(re.compile(r"from=.*&to=.*"))
    page.reload()
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    chart.click(position={"x": 60, "y": 100})
    expect(page.locator("#files-empty")).to_have_text("No file that ended fits this.")
    page.locator("#state").select_option("unprocessed")
    expect(page.locator("#chosen li")).to_have_count(0)


def click_on_cross(page: Page, chart: Locator) -> None:
    """Click on the first cross of a chart, which is drawn from its upper left end."""
    chart.evaluate("chart => chart.scrollIntoView({ block: 'center' })")
    moves = str(chart.locator("path.cross").get_attribute("d"))
    x, y = map(float, re.findall(r"[\d.]+", moves)[:2])
    chart.click(position={"x": x + 2, "y": y - 2})


def check_failed_are_listed(page: Page) -> None:
    expect(page.locator("#state")).to_have_value("failed")
    expect(page.locator("#chosen")).to_contain_text(re.compile(r"ended from \S+ [\d:]+ to \S+ [\d:]+"))
    expect(page).to_have_url(re.compile(r"state=failed.*from=.*&to=.*"))
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["bad.log"]


def test_a_click_on_the_cross_of_failed_files_lists_these_alone(visitor: Visitor, watch: Watch) -> None:
    page, chart = opened_with_a_cross(visitor, watch)
    click_on_cross(page, chart)
    check_failed_are_listed(page)
    chart.click(position={"x": 60, "y": 100})
    expect(page.locator("#state")).to_have_value("")


def test_a_node_has_charts_of_its_own_over_each_window_and_a_moment_leads_to_its_failures(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(workers=1)
    finish(running, "good.log", b"fine\n" * 90)
    finish(running, "bad.log", b"bad\n")
    page = visitor.open(f"{running.url}?window=900&node=judge")
    chart = page.locator("#chart-node-lines")
    expect(chart.locator("path.cross")).to_have_attribute("d", re.compile(r"^M"), timeout=60_000)
    expect(page.locator("#node").get_by_role("slider")).to_have_count(3)
    chart.focus()
    page.keyboard.press("End")
    while "errors 0 " in (chart.get_attribute("aria-valuetext") or ""):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text("failed at node judge")
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["bad.log"]
    click_on_cross(page, chart)
    expect(page.locator("#chosen")).to_contain_text("failed at node judge")
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["bad.log"]
    for window in (86_400, 2_592_000):
        points = running.get(f"/series?window={window}&node=judge")[1]["node"]["points"]
        assert (sum(point["received"] for point in points), points[-1]["failed"]) == (91, 1)


def test_a_click_on_the_cross_of_a_node_lists_the_files_that_left_lines_out_there_too(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(workers=1, on_error="reject")
    finish(running, "good.log")
    finish(running, "mixed.log", b"fine\nbad\n")
    page = visitor.open(f"{running.url}?window=900&node=judge")
    chart = page.locator("#chart-node-lines")
    expect(chart.locator("path.cross")).to_have_attribute("d", re.compile(r"^M"), timeout=60_000)
    click_on_cross(page, chart)
    expect(page.locator("#chosen")).to_contain_text("failed at node judge")
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    assert listed(page) == ["mixed.log"]
    expect(page.locator("#files-table tbody tr")).to_contain_text("1 rejected")
