"""What became of a line, and of a whole file, asked on the page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

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


RECORDS = [
    {"tag": "start", "type": "parse_json", "next": "edit"},
    {"tag": "edit", "type": "edit", "next": "keep",
     "config": {"set": {"host": "b", "size": 1}, "remove": ["secret"], "types": {"count": "integer"}}},
    {"tag": "keep", "type": "where", "config": {"field": "host", "is": "b"}, "next": "end"},
]  # fmt: skip


def fields_in(table: Locator) -> dict[str, str]:
    """Each field of a table with its value, in which is marked what was taken out and put in."""
    marked = "cell => cell.innerHTML.replace(/<(del|ins)><span[^>]*>[^<]*<.span>/g, '<$1>')"
    cells = f"row => [row.cells[0].innerText, ({marked})(row.cells[1])]"
    found = table.locator("tbody tr").evaluate_all(f"rows => rows.map({cells})")
    return {field: re.sub(r"</?bdi>|<span[^>]*>, </span>", "", value) for field, value in found}


def test_the_fields_of_a_record_are_a_table_that_shows_what_changed(
    visitor: Visitor, watch: Callable[..., Watching]
) -> None:
    running = watch(nodes=RECORDS)
    record = b'{"id":12345678901234567890,"host":"a","count":"2","secret":"","more":{"x":[1,"}"]}}'
    drop(running.folder, "a.jsonl", record)
    running.wait_for("processed/a.jsonl")
    page = visitor.open(f"{running.url}/file/a.jsonl", until="")
    page.locator("#explain-line").fill("1")
    page.get_by_role("button", name="Explain", exact=True).click()
    steps = page.locator("#explain-steps > li")
    expect(steps).to_have_count(4)
    tables = steps.nth(1).locator("table")
    same = {"id": "12345678901234567890", "more": '{"x":[1,"}"]}'}
    assert fields_in(tables.nth(0)) == {"host": "a", "count": "2", "secret": "(empty)", **same}
    assert fields_in(tables.nth(1)) == {
        "host": "<del>a</del><ins>b</ins>",
        "count": '<del>"2"</del><ins>2</ins>',
        "secret": "<del>(empty)</del>",
        "size": "<ins>1</ins>",
        **same,
    }
    expect(steps.nth(2)).to_contain_text("unchanged")


def test_a_result_is_saved_from_the_list_of_files(visitor: Visitor, watch: Callable[..., Watching]) -> None:
    running = watch()
    drop(running.folder, "fine & good.html", b"<script>fine</script>\n")
    running.wait_for("processed/fine & good.html")
    page = visitor.open(running.url)
    with page.expect_download() as saving:
        page.locator("#files-table").get_by_role("link", name="Save fine & good.html").click()
    assert saving.value.suggested_filename == "fine & good.html"
    assert saving.value.path().read_bytes() == b"<SCRIPT>FINE</SCRIPT>\n"
