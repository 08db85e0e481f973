"""Files that are uploaded from the page: by its button, or dropped on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.support.programs.driving import Visitor, choose_files, expect_counts, of_file, payload
from tests.support.programs.running import Watching, drop, wait_until
from tests.support.programs.talking import ask

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

SLOW_BYTES_PER_SECOND = 400_000
DRAGGED = {
    "text": "data.setData('text/plain', 'x')",
    "files": "data.items.add(new File(['fine\\n'], 'made.log'))",
}


def upload(page: Page, name: str) -> Locator:
    return of_file(page, "#uploads-list", name)


def limited(page: Page, bytes_per_second: int = -1) -> CDPSession:
    """Make what is sent slow, or quick again."""
    session = page.context.new_cdp_session(page)
    limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.emulateNetworkConditions", {"offline": False, **limits})
    return session


def drag(page: Page, kind: str, paths: list[str]) -> None:
    """Drag files over the page, as from a window of the desktop, or let them go there."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": paths, "dragOperationsMask": 1}
    session.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 500, "data": data})
    session.detach()


def test_several_files_picked_at_once_arrive_and_are_processed(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    names = ["one.log", "zwei ü & 100%.log", "drei?#.log", "four.log", "五.log"]
    choose_files(page, *[payload(name, f"{name} as ever\n".encode()) for name in names])
    for name in names:
        expect(upload(page, name)).to_have_attribute("data-state", "done")
        expect(upload(page, name)).to_contain_text("uploaded")
        expect(upload(page, name).get_by_role("button")).to_be_hidden()
    expect(page.locator("#uploads-outcome")).to_have_text("5 uploaded")
    expect(page.locator("#uploads-outcome")).to_have_attribute("role", "status")
    expect_counts(page, processed=5)
    for name in names:
        expect(of_file(page, "#files-table", name)).to_have_attribute("data-state", "processed")
        assert (running.spool / "results" / name).read_text() == f"{name} as ever\n".upper()
    page.locator("#uploads-clear").click()
    expect(page.locator("#uploads")).to_be_hidden()
    expect(page.locator("#upload-button")).to_be_focused()


def test_files_are_uploaded_that_are_dropped_on_the_page_and_folders_are_not(
    visitor: Visitor, watch: Watch, tmp_path: Path
) -> None:
    running = watch()
    page = visitor.open(running.url)
    outside = tmp_path / "outside"
    (outside / "a folder").mkdir(parents=True)
    for name in ("a.log", "b.log"):
        (outside / name).write_text(f"{name}\n")
    paths = [str(path) for path in sorted(outside.iterdir())]
    drag(page, "dragEnter", paths)
    drag(page, "dragOver", paths)
    expect(page.locator("#drop")).to_be_visible()
    page.dispatch_event("body", "dragleave")  # out of the window
    expect(page.locator("#drop")).to_be_hidden()
    drag(page, "dragEnter", paths)
    drag(page, "dragOver", paths)
    drag(page, "drop", paths)
    expect(page.locator("#drop")).to_be_hidden()
    expect(page.locator("#uploads-list li")).to_have_count(2)
    expect(page.locator("#uploads-outcome")).to_have_text("2 uploaded")
    expect_counts(page, processed=2)
    assert page.url == f"{running.url}/", "the browser has opened what was dropped"


def test_a_drop_of_files_made_by_a_script_is_taken_and_one_of_text_is_left_alone(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    page = visitor.open(running.url)
    for kind, made in DRAGGED.items():
        data: Any = page.evaluate_handle(f"() => {{ const data = new DataTransfer(); {made}; return data; }}")
        page.dispatch_event("body", "dragover", {"dataTransfer": data})
        if kind == "text":
            expect(page.locator("#drop")).to_be_hidden()
        page.dispatch_event("body", "drop", {"dataTransfer": data})
    expect(page.locator("#uploads-list li")).to_have_count(1)
    expect(upload(page, "made.log")).to_have_attribute("data-state", "done")
    expect_counts(page, processed=1)


def test_a_large_upload_shows_how_far_it_is_and_is_cancelled_and_tried_again(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    page = visitor.open(running.url)
    session = limited(page, SLOW_BYTES_PER_SECOND)
    choose_files(page, payload("large.log", b"a line of some length\n" * 400_000))
    row = upload(page, "large.log")
    expect(row).to_have_attribute("data-state", "sending")
    expect(row).to_contain_text(re.compile(r"\d ([kM]B) of 8\.8 MB"))
    share = float(row.get_by_role("progressbar").get_attribute("value") or 0)
    assert 0 < share < 1
    expect(page.locator("#uploads-outcome")).to_have_text("1 upload under way")
    expect(page.locator("#uploads-clear")).to_be_disabled()
    row.get_by_role("button", name="Cancel large.log").click()
    expect(row).to_have_attribute("data-state", "cancelled")
    expect(row).to_contain_text("cancelled")
    kept = running.spool / ".fproc/uploads"
    wait_until(lambda: not kept.exists() or not list(kept.iterdir()))
    assert not list((running.spool / "unprocessed").iterdir())
    session.detach()
    limited(page).detach()
    row.get_by_role("button", name="Try again large.log").click()
    expect(row).to_have_attribute("data-state", "done")
    expect_counts(page, processed=1)


def test_an_upload_whose_name_waits_already_says_under_which_it_came(visitor: Visitor, watch: Watch) -> None:
    running = watch(workers=1)
    drop(running.folder, "busy.log", b"wait\n")
    running.wait_for("underprocess/busy.log")
    drop(running.folder, "same.log", b"first\n")
    page = visitor.open(running.url)
    choose_files(page, payload("same.log", b"second\n"))
    expect(upload(page, "same.log")).to_contain_text("uploaded as same~2.log")
    expect_counts(page, unprocessed=2)
    (running.folder / "go").touch()
    expect_counts(page, processed=3)
    assert (running.spool / "results/same~2.log").read_bytes() == b"SECOND\n"


def test_an_upload_that_is_refused_says_why_in_the_words_of_the_server(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch(limits={"max_upload_mb": 1})
    page = visitor.open(running.url)
    visitor.expects("400|413")
    names = (".hidden", "report.error.json", "con.txt")
    choose_files(page, *[payload(name, b"x\n") for name in names], payload("fine.log", b"fine\n"))
    for name in names:
        refusal = ask(running, "PUT", f"/upload/{name}", b"x\n").error
        expect(upload(page, name)).to_have_attribute("data-state", "failed")
        expect(upload(page, name)).to_contain_text(refusal)
    expect(upload(page, "fine.log")).to_have_attribute("data-state", "done")
    expect(page.locator("#uploads-outcome")).to_have_text("1 uploaded, 3 failed")
    choose_files(page, payload("large.log", b"x" * 1_000_001))
    expect(upload(page, "large.log")).to_have_attribute("data-state", "failed")
    print(upload(page, "large.log").inner_text())
    expect(page.locator("#uploads-outcome")).to_have_text("1 uploaded, 4 failed")


def test_an_upload_waits_while_the_server_is_busy_and_then_goes_on(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    visitor.expects("503")
    answers = [{"status": 503, "headers": {"Retry-After": "1"}, "json": {"error": "too many uploads"}}]
    page.route("**/upload/*", lambda route: route.fulfill(**answers.pop()) if answers else route.continue_())
    choose_files(page, payload("patient.log", b"fine\n"))
    row = upload(page, "patient.log")
    expect(row).to_contain_text("too many uploads; goes on in")
    expect(row).to_have_attribute("data-state", "done")
    expect_counts(page, processed=1)
