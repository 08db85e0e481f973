"""What failed, why, and how it is put right: retries, and the ways of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.support.programs.driving import Visitor, at_rest, expect_counts, of_file, refresh
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep


def fail(running: Watching, *names: str, data: bytes = b"fine\nbad luck\n") -> None:
    """Have files fail, one after the other, and be on record."""
    for name in names:
        drop(running.folder, name, data)
        running.wait_for(f"failed/{name}")
    ended = [f"/errors?file={name}" for name in names]
    running.wait_until(lambda: all(running.get(path)[1]["errors"] for path in ended))


def test_a_failed_file_is_shown_with_reason_node_line_and_age_and_retried_to_success(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    fail(running, "broken.log")
    page = visitor.open(running.url)
    row = of_file(page, "#failed-list", "broken.log")
    for text in ("cannot digest bad luck", "node judge", "line 2", "1 attempt"):
        expect(row).to_contain_text(text)
    expect(row).to_contain_text(re.compile(r"ago|just now"))
    expect(page.locator("#failed-title")).to_have_text("Failed (1)")
    outcome = page.locator("#failed-outcome")
    expect(outcome).to_have_attribute("role", "status")
    row.get_by_role("button", name="Retry broken.log").click()
    expect(outcome).to_have_text("1 file back in unprocessed/.")
    path = "/errors?file=broken.log"
    running.wait_until(lambda: len(running.get(path)[1]["errors"]) == 2)  # nothing was fixed
    refresh(page)
    expect(row).to_be_visible()
    (running.folder / "fixed").touch()
    row.get_by_role("button", name="Retry broken.log").click()
    expect(row).to_have_count(0)
    expect_counts(page, failed=0, processed=1)
    expect(of_file(page, "#files-table", "broken.log").first).to_have_attribute("data-state", "processed")
    expect(page.locator("#failed .empty")).to_be_visible()
    assert (running.spool / "results/broken.log").read_bytes() == b"FINE\nBAD LUCK\n"


def test_the_selected_ones_are_retried_and_no_others(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, "a.log", "b.log", "c.log")
    (running.folder / "fixed").touch()
    page = visitor.open(running.url)
    button = page.locator("#retry-selected")
    expect(button).to_be_disabled()
    for name in ("a.log", "c.log"):
        page.get_by_role("checkbox", name=f"Select {name}").check()
    expect(button).to_have_text("Retry selected (2)")
    assert page.locator("#failed-select").evaluate("box => box.indeterminate")
    refresh(page)
    expect(page.get_by_role("checkbox", name="Select a.log")).to_be_checked()
    button.click()
    expect(page.locator("#failed-outcome")).to_have_text("2 files back in unprocessed/.")
    expect_counts(page, failed=1, processed=2)
    expect(of_file(page, "#failed-list", "b.log")).to_be_visible()
    expect(button).to_be_disabled()
    page.locator("#failed-select").check()
    expect(button).to_have_text("Retry selected (1)")


def test_all_are_retried_after_a_question_that_can_be_denied(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, "a.log", "b.log", "c.log")
    (running.folder / "fixed").touch()
    page = visitor.open(running.url)
    dialog = page.get_by_role("dialog")
    page.locator("#retry-all").click()
    expect(dialog).to_contain_text(re.compile(r"Put all 3 failed files of .+ back into unprocessed/\?"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#retry-all")).to_be_focused()
    page.locator("#retry-all").press("Enter")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    refresh(page)
    expect_counts(page, failed=3)
    page.locator("#retry-all").click()
    dialog.get_by_role("button", name="Retry all").press("Enter")
    expect(page.locator("#failed-outcome")).to_have_text("3 files back in unprocessed/.")
    expect_counts(page, failed=0, processed=3)


def test_a_retry_of_what_is_gone_meanwhile_says_so(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, "broken.log")
    page = visitor.open(running.url)
    page.locator("#pause").click()  # so that the page does not notice
    at_rest(page)
    (running.spool / "failed/broken.log").unlink()
    visitor.expects("404")
    page.get_by_role("button", name="Retry broken.log").click()
    expect(page.locator("#failed-outcome")).to_contain_text("Not retried: ")
    expect(page.locator("#failed-outcome")).to_have_class(re.compile("bad"))


def test_the_focus_and_the_choice_stay_while_the_list_is_renewed(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, "b.log")
    page = visitor.open(running.url)
    page.get_by_role("checkbox", name="Select b.log").check()
    button = page.get_by_role("button", name="Retry b.log")
    button.focus()
    fail(running, "a.log", "c.log")
    expect(page.locator("#failed-news")).to_have_text("2 new")
    expect(button).to_be_focused()
    page.evaluate("failedList.release()")
    expect(of_file(page, "#failed-list", "c.log")).to_be_visible()
    expect(button).to_be_focused()
    expect(page.get_by_role("checkbox", name="Select b.log")).to_be_checked()


def test_the_trace_of_a_failed_line_goes_step_by_step_to_its_reason(visitor: Visitor, watch: Watch) -> None:
    running = watch("--trace")
    fail(running, "broken.log", "other.log")
    page = visitor.open(running.url)
    of_file(page, "#failed-list", "broken.log").get_by_role("link", name="Trace of broken.log").click()
    expect(page.locator("#trace-title")).to_be_focused()
    expect(page.locator("#trace-title")).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"\?trace=broken\.log&line=2$"))
    expect(page.locator("#trace-file")).to_have_value("broken.log")
    expect(page.locator("#steps-title")).to_have_text("broken.log:2")
    expect(page.locator("#steps li b")).to_have_text(["start", "judge"])
    expect(page.locator("#outcome")).to_contain_text("failed: ")
    expect(page.locator("#outcome")).to_contain_text("cannot digest bad luck")
    pressed = page.locator("#traces button[aria-pressed=true]")
    expect(pressed).to_have_count(1)
    expect(pressed).to_contain_text("broken.log:2")
    again = visitor.open(page.url)
    expect(again.locator("#steps-title")).to_have_text("broken.log:2")
    page.go_back()
    expect(page).to_have_url(f"{running.url}/")


def test_the_trace_of_a_line_that_went_well_shows_what_each_node_changed(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    drop(running.folder, "fine.log", b"one more!\n")
    running.wait_for("processed/fine.log")
    page = visitor.open(running.url)
    page.locator("#trace-file").fill("fine.log")
    page.locator("#trace-form").get_by_role("button", name="Show").click()
    expect(page.locator("#steps-title")).to_have_text("fine.log:1")
    steps = page.locator("#steps li")
    expect(steps.locator("b")).to_have_text(["start", "judge", "end", "sort", "end"])
    expect(steps.nth(0)).to_contain_text("with tag start")
    expect(steps.nth(1).locator("ins, del")).to_have_count(0)
    for number in (2, 3):
        expect(steps.nth(number).locator("del")).to_contain_text("one more")
        expect(steps.nth(number).locator("ins")).to_contain_text("ONE MORE")
    expect(steps.nth(3)).to_contain_text("from judge")
    expect(steps.nth(4)).to_contain_text("with tag loud")
    expect(page.locator("#outcome")).to_contain_text("written")
    page.locator("#trace-file").fill("gone.log")
    page.locator("#trace-file").press("Enter")
    expect(page.locator("#trace-empty")).to_contain_text("No traced line of gone.log is kept any more.")
    page.locator("#trace-clear").click()
    expect(page.locator("#steps-title")).to_have_text("fine.log:1")


PICKY = """
class Picky:
    def process(self, line):
        if line == "bad":
            raise ValueError("cannot digest bad")
        return line
"""


def test_steps_tell_where_they_came_from_however_late_the_pipeline_is_known(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    drop(running.folder, "fine.log", b"one more!\n")
    running.wait_for("processed/fine.log")
    held: list[Route] = []
    page = visitor.blank()
    page.route("**/graph", lambda route: held.append(route))  # noqa: PLW0108 - a method cannot be marked
    page.goto(running.url)
    step = page.locator("#steps li").nth(3)
    expect(step).to_contain_text("sort")
    for route in held:
        route.continue_()
    expect(step).to_contain_text("from judge")


def test_a_step_of_which_no_tag_is_known_says_nothing_of_tags(
    visitor: Visitor, watch: Watch, tmp_path: Path
) -> None:
    (tmp_path / "picky.py").write_text(PICKY)
    running = watch(nodes=[{"tag": "start", "type": "picky.Picky", "next": "end"}])
    fail(running, "broken.log", data=b"fine\n" * 10 + b"bad\n")
    [step] = running.get("/trace")[1]["traces"][0]["path"]
    assert step == {"node": "start", "tag": "start", "line": "bad"}
    page = visitor.open(running.url)
    expect(page.locator("#steps-title")).to_have_text("broken.log:11")
    expect(page.locator("#steps li")).to_contain_text("with tag start")
    page.route("**/trace*", without_tags)
    refresh(page)
    expect(page.locator("#steps li")).to_have_text(re.compile(r"^start(?!.*\btag\b)"))


def without_tags(route: Route) -> None:
    """Answer as the server does, but for the tags, which need not be known."""
    answer = route.fetch()
    value = answer.json()
    for trace in value["traces"]:
        for step in trace["path"]:
            step["tag"] = None
    route.fulfill(response=answer, json=value)


def test_errors_are_listed_with_file_line_node_and_text(visitor: Visitor, watch: Watch) -> None:
    running = watch(on_error="reject")
    names = [f"mixed{number}.log" for number in range(30)]
    for name in names:
        drop(running.folder, name, b"fine\nbad luck\n")
    running.wait_until(lambda: len(running.get("/errors")[1]["errors"]) == 30)
    page = visitor.open(running.url)
    rows = page.locator("#errors-list li")
    expect(rows).to_have_count(20)
    page.locator("#errors-more").click()
    expect(rows).to_have_count(30)
    for text in ("mixed", ".log:2", "node judge", "cannot digest", "bad luck"):
        expect(rows.last).to_contain_text(text)
    rows.first.get_by_role("link", name="Trace of").click()
    expect(page.locator("#outcome")).to_contain_text("rejected: ")


@pytest.mark.parametrize(("on_error", "fate"), [("reject", "rejected"), ("skip", "skipped")])
def test_lines_left_out_are_counted_for_their_file_and_in_all(
    visitor: Visitor, watch: Watch, on_error: str, fate: str
) -> None:
    running = watch(on_error=on_error)
    drop(running.folder, "whole.log", b"fine\n")
    drop(running.folder, "holey.log", b"bad luck\nfine\nbad again\n")
    running.wait_for("processed/whole.log", "processed/holey.log")
    page = visitor.open(running.url)
    header = page.locator("#files-table thead th").filter(has_text="Left out")
    column = header.evaluate("cell => cell.cellIndex")

    def cell(name: str) -> Locator:
        return of_file(page, "#files-table", name).locator("th, td").nth(column)

    expect(cell("holey.log")).to_have_text(f"2 {fate}")
    expect(cell("holey.log")).to_have_class(re.compile(r"\bbad\b"))
    expect(cell("whole.log")).to_have_text("0")
    expect(cell("whole.log")).not_to_have_class(re.compile(r"\bbad\b"))
    expect(page.locator("#left-out")).to_have_text(f"2 {fate}")
    first = page.locator("#files-table tbody tr").first
    for name in ("holey.log", "whole.log"):  # the most first
        header.get_by_role("button").click()
        expect(first).to_have_attribute("data-file", name)


def test_what_is_worked_on_says_how_many_lines_it_has_left_out_so_far(visitor: Visitor, watch: Watch) -> None:
    running = watch(on_error="skip", workers=1)
    drop(running.folder, "slow.log", b"bad luck\n" * 7 + b"slow\n" * 2000)
    running.wait_for("underprocess/slow.log")
    page = visitor.open(running.url)
    expect(of_file(page, "#current", "slow.log")).to_contain_text("7 skipped")
    (running.folder / "go").touch()
    expect_counts(page, processed=1)
    expect(page.locator("#left-out")).to_have_text("7 skipped")


def test_the_focus_is_not_lost_with_the_button_that_was_pressed(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fail(running, "a.log", "b.log", "c.log", "d.log")
    (running.folder / "fixed").touch()
    page = visitor.open(running.url)
    page.get_by_role("button", name="Retry a.log").press("Enter")
    expect(of_file(page, "#failed-list", "a.log")).to_have_count(0)
    expect(page.locator("#failed-title")).to_be_focused()
    page.get_by_role("checkbox", name="Select b.log").check()
    page.locator("#retry-selected").press("Enter")
    expect(of_file(page, "#failed-list", "b.log")).to_have_count(0)
    expect(page.locator("#failed-title")).to_be_focused()
    page.locator("#retry-all").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Retry all").press("Enter")
    expect(page.locator("#failed-list li")).to_have_count(0)
    expect(page.locator("#failed-title")).to_be_focused()
