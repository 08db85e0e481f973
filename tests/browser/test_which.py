"""Which fproc a page is of, and how it fares: told in title, header and questions, always in sight."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.programs.driving import Visitor, expect_counts
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep


def test_title_header_and_questions_name_the_fproc_and_the_header_stays_in_sight(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(dashboard={"name": "orders <b>Lyon</b>"})
    drop(running.folder, "broken.log", b"bad\n")
    running.wait_for("failed/broken.log")
    page = visitor.open(running.url)
    expect_counts(page, failed=1)
    expect(page).to_have_title(re.compile("- orders <b>Lyon</b> - fproc$"))
    expect(page.locator("#instance")).to_have_text("orders <b>Lyon</b>")
    page.locator("#retry-all").click()
    expect(page.get_by_role("dialog")).to_contain_text("the failed file of orders <b>Lyon</b> back")
    page.keyboard.press("Escape")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        expect(page.locator("#instance")).to_be_in_viewport()
        expect(page.locator("#status")).to_be_in_viewport()
        assert page.locator("#top").evaluate("box => box.offsetHeight") < 200
        page.locator("nav a[href='#files']").click()
        expect(page.locator("#files-title")).to_be_in_viewport()
        top = page.locator("#files").evaluate("box => box.getBoundingClientRect().top")
        assert top >= page.locator("#top").evaluate("box => box.offsetHeight"), "it is below the header"


def test_without_a_name_it_is_host_and_folder(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    expect(page.locator("#instance")).to_have_text(f"{socket.gethostname()}:{running.spool}")


def test_a_service_whose_files_fail_is_not_just_ok(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    for number in range(8):
        drop(running.folder, f"f{number}.log", b"bad\n" if number < 3 else b"fine\n")
    running.wait_until(lambda: running.get("/stats")[1]["lately"]["files"] == 8)
    page = visitor.open(running.url)
    expect(page.locator("#status")).to_have_text("ok, but files fail")
    expect(page.locator("#status")).to_have_attribute("data-tone", "bad")
    expect(page.locator("#lately")).to_have_text("37.5% of 8 files failed in the last hour")
    expect(page).to_have_title(re.compile("^37.5% of 8 files failed in the last hour, "))
