"""Names and lines that would like to be more than text."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.programs.driving import (
    Visitor,
    choose_files,
    expect_counts,
    of_file,
    payload,
    refresh,
)
from tests.support.programs.running import Watching

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

MARKUP = "<img src=x onerror=alert(1)>.txt"
NAMES = {
    "markup": (MARKUP.encode(), MARKUP),
    "attributes": (b"\" onclick='alert(1)' x=\".txt", "\" onclick='alert(1)' x=\".txt"),
    "bytes": (b"caf\xe9 \xff\xfe.txt", "caf\\xe9 \\xff\\xfe.txt"),
    "direction": ("\u202egnp.exe\u202c.txt".encode(), "\\u202egnp.exe\\u202c.txt"),
    "controls": (b"a\nb\t\x1b]0;owned\x07.txt", "a\\nb\\x09\\x1b]0;owned\\x07.txt"),
    "length": (b"n" * 238 + b".txt", "n" * 238 + ".txt"),
    "entities": (b"&lt;b&gt; &amp; %3Cb%3E ${7*7} {{7*7}}.txt", "&lt;b&gt; &amp; %3Cb%3E ${7*7} {{7*7}}.txt"),
    "object": (b"__proto__", "__proto__"),
}
LINES = {
    "script": ("<script>window.owned = 1</script>", "<script>window.owned = 1</script>"),
    "image": ("<img src=x onerror=window.owned=1>", "<img src=x onerror=window.owned=1>"),
    "svg": ("'\"></bdi><svg onload=window.owned=1>", "'\"></bdi><svg onload=window.owned=1>"),
    "direction": ("pay \u202e000.01\u202c to \u2066x\u2069", "pay \\u202e000.01\\u202c to \\u2066x\\u2069"),
    "controls": ("\x1b[31mred\x07 \x00end", "\\x1b[31mred\\x07 \\x00end"),
    "end of script": ("</script><script>owned=1//", "</script><script>owned=1//"),
}

HARMLESS = """() => ({
    owned: window.owned ?? null,
    scripts: document.scripts.length,
    strangers: document.querySelectorAll('img, iframe, object, embed, [onerror], [onload]').length,
    handlers: [...document.querySelectorAll('*')].filter(one => one.getAttribute('onclick')).length,
})"""


def expect_harmless(page: Page) -> None:
    """See that nothing has become part of the page that is not of it, and nothing else has run."""
    assert page.evaluate(HARMLESS) == {"owned": None, "scripts": 1, "strangers": 0, "handlers": 0}


def put(running: Watching, name: bytes, data: bytes) -> None:
    """Put a file of any name into `unprocessed/` in one go."""
    unprocessed = os.fsencode(running.spool / "unprocessed")
    hidden = os.path.join(unprocessed, b".hidden")
    Path(os.fsdecode(hidden)).write_bytes(data)
    os.rename(hidden, os.path.join(unprocessed, name))


def totals(running: Watching) -> tuple[int, int]:
    found: dict[str, Any] = running.get("/stats")[1]["totals"]
    return found["files_processed"], found["files_failed"]


@pytest.mark.parametrize(("name", "shown"), NAMES.values(), ids=NAMES.keys())
def test_a_name_is_text_wherever_it_is_shown_and_its_file_can_be_retried(
    visitor: Visitor, watch: Watch, name: bytes, shown: str
) -> None:
    running = watch()
    put(running, name, b"bad luck\n")
    running.wait_until(lambda: totals(running) == (0, 1))
    page = visitor.open(running.url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    failed = page.locator("#failed-list li")
    expect(failed.locator("bdi").first).to_have_text(shown)
    expect(page.locator("#files-table tbody th")).to_have_text(shown)
    expect(page.locator("#errors-list li bdi").first).to_have_text(shown)
    expect(page.locator("#traces button bdi").first).to_have_text(f"{shown}:1")
    page.get_by_role("link", name=f"Trace of {shown}").first.click()
    expect(page.locator("#trace-file")).to_have_value(shown)
    expect(page.locator("#steps-title")).to_have_text(f"{shown}:1")
    expect_harmless(page)
    page.reload()
    expect(page.locator("#steps-title")).to_have_text(f"{shown}:1")
    page.locator("#trace-form").get_by_role("button", name="Show").click()
    expect(page.locator("#steps-title")).to_have_text(f"{shown}:1")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    (running.folder / "fixed").touch()
    page.get_by_role("button", name=f"Retry {shown}").click()
    expect(page.locator("#failed-outcome")).to_have_text("1 file back in unprocessed/.")
    expect_counts(page, failed=0, processed=1)
    expect(page.locator("#files-table tbody th").first).to_have_text(shown)
    expect_harmless(page)
    page.locator("#files-table tbody th a").first.click()
    expect(page.locator("#file-title")).to_have_text(shown)
    expect(page.locator("#places article")).to_have_attribute("data-state", "processed")
    expect_harmless(page)
    assert not [url for url in asked if not url.startswith(running.url) or url.endswith("/x")]


@pytest.mark.parametrize(("line", "shown"), LINES.values(), ids=LINES.keys())
def test_a_line_is_text_wherever_it_is_shown(visitor: Visitor, watch: Watch, line: str, shown: str) -> None:
    running = watch()
    put(running, b"lines.txt", f"{line}\nbad {line}\n".encode())
    running.wait_until(lambda: totals(running) == (0, 1))
    page = visitor.open(running.url)
    expect(of_file(page, "#failed-list", "lines.txt")).to_contain_text(f"cannot digest bad {shown}")
    expect(of_file(page, "#files-table", "lines.txt")).to_contain_text(f"cannot digest bad {shown}")
    expect(page.locator("#errors-list .text")).to_have_text(f"bad {shown}")
    expect(page.locator("#outcome")).to_contain_text(f"cannot digest bad {shown}")
    page.locator("#traces button", has_text="lines.txt:1").click()
    expect(page.locator("#steps .text").first).to_have_text(shown)
    expect_harmless(page)


def test_a_very_long_line_is_cut_and_says_so(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    put(running, b"long.txt", b"bad " + b"<b>" * 100_000 + b"\n")
    running.wait_until(lambda: totals(running) == (0, 1))
    page = visitor.open(running.url)
    expect(page.locator("#errors-list .text")).to_contain_text("characters)")
    refresh(page)
    assert len(page.locator("body").inner_text()) < 20_000
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    expect_harmless(page)


def test_an_upload_of_a_hostile_name_is_text(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    choose_files(page, payload(MARKUP, b"fine\n"))
    expect(of_file(page, "#uploads-list", MARKUP)).to_have_attribute("data-state", "done")
    expect(page.locator("#files-table tbody th")).to_have_text(MARKUP)
    expect_harmless(page)


def test_an_address_that_somebody_else_made_up_is_text(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    markup = quote("<img src=x onerror=alert(1)>")
    wishes = "&".join(f"{key}={markup}" for key in ("state", "q", "sort", "window", "trace", "line", "nodes"))
    page = visitor.open(f"{running.url}/?{wishes}#{markup}")
    expect(page.locator("#files-empty")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#trace-empty")).to_contain_text("<img src=x onerror=alert(1)>")
    expect_counts(page, processed=0)
    expect_harmless(page)


def test_tags_and_types_of_the_pipeline_are_text(visitor: Visitor, watch: Watch) -> None:
    tag, nothing = "<img src=x onerror=alert(1)>", {"type": "filter", "config": {"pattern": ""}}
    nodes = [
        {"tag": "start", "next": tag, **nothing},
        {"tag": tag, "next": {"<b>": "end", "*": "end"}, **nothing},
    ]
    running = watch(nodes=nodes)
    put(running, b"fine.txt", b"fine\n")
    page = visitor.open(running.url)
    expect(page.locator("#graph g.node title").nth(1)).to_have_text(f"{tag} (filter)")
    expect(page.locator("#nodes tbody th").nth(1)).to_have_text(tag)
    expect(page.locator("#steps li b").nth(1)).to_have_text(tag)
    expect_harmless(page)
