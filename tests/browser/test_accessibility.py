"""The page for everybody: keyboards, screen readers, other colours, little room, less motion."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.programs.driving import (
    Visitor,
    choose_files,
    expect_counts,
    of_file,
    payload,
    refresh,
    tile,
)
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

NARROW: ViewportSize = {"width": 390, "height": 844}

REACHED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const isSeen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const isMarked = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    one.wasReached = true;
    return { name: one.outerHTML.slice(0, 90), isSeen, isMarked, isEnd: one === document.body };
}"""
MISSED = """() => [...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')]
    .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0)
    .filter(one => !one.wasReached).map(one => one.outerHTML.slice(0, 90))"""
MOTIONS = """() => [...document.querySelectorAll('*')].filter(one => {
    const style = getComputedStyle(one);
    return [style.transitionDuration, style.animationDuration].some(text => /[1-9]/.test(text));
}).length"""

NOTE_SCROLLS = """() => {
    const scroll = Element.prototype.scrollIntoView;
    window.scrolls = [];
    Element.prototype.scrollIntoView = function (how) { scrolls.push(how.behavior); scroll.call(this, how); };
}"""
NOTE_NEWS = """() => {
    window.told = [];
    for (const box of document.querySelectorAll('[role=status], [role=alert]')) {
        new MutationObserver(() => told.push(`${box.id}: ${box.textContent}`))
            .observe(box, { childList: true, characterData: true, subtree: true });
    }
}"""


def expect_no_violation(page: Page) -> None:
    """See that axe-core finds nothing, of whatever impact."""
    assert Axe().run(page).generate_report() == "Found 0 accessibility violations:\n"


def troubled(running: Watching) -> None:
    """Have some files processed, one failed, one worked on and one waiting."""
    drop(running.folder, "broken.log", b"fine\nbad luck\n")
    running.wait_for("failed/broken.log")
    drop(running.folder, "fine.log", b"one\ntwo!\n")
    running.wait_for("processed/fine.log")
    drop(running.folder, "slow.log", b"wait\n")
    running.wait_for("underprocess/slow.log")
    drop(running.folder, "next.log", b"fine\n")


def busy(visitor: Visitor, watch: Watch, **options: Any) -> Page:
    running = watch(workers=1)
    troubled(running)
    page = visitor.open(running.url, **options)
    expect_counts(page, unprocessed=1, underprocess=1, processed=1, failed=1)
    choose_files(page, payload("sent.log", b"fine\n"))
    expect(of_file(page, "#uploads-list", "sent.log")).to_have_attribute("data-state", "done")
    refresh(page)
    return page


def test_axe_finds_nothing_while_there_is_nothing_yet(visitor: Visitor, watch: Watch) -> None:
    page = visitor.open(watch().url)
    refresh(page)
    expect_no_violation(page)


def test_axe_finds_nothing_while_files_wait_work_and_fail(visitor: Visitor, watch: Watch) -> None:
    expect_no_violation(busy(visitor, watch))


def test_axe_finds_nothing_in_the_dark(visitor: Visitor, watch: Watch) -> None:
    expect_no_violation(busy(visitor, watch, color_scheme="dark"))


def test_axe_finds_nothing_where_there_is_little_room(visitor: Visitor, watch: Watch) -> None:
    page = busy(visitor, watch, viewport=NARROW)
    expect_no_violation(page)
    for width in (NARROW["width"], 320):
        page.set_viewport_size({**NARROW, "width": width})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_axe_finds_nothing_with_the_question_open(visitor: Visitor, watch: Watch) -> None:
    page = busy(visitor, watch)
    page.locator("#retry-all").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect_no_violation(page)


def test_axe_finds_nothing_when_the_server_is_gone(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    visitor.expects("ERR_|503")
    running.stop()
    expect(page.locator("#connection")).to_have_text("unreachable")
    expect_no_violation(page)


def test_axe_finds_nothing_in_the_log_in(visitor: Visitor, watch: Watch) -> None:
    running = watch(variables={"FPROC_TOKEN": "secret"})
    visitor.expects("401")
    for scheme in ("light", "dark"):
        page = visitor.open(running.url, until="", color_scheme=scheme)
        expect_no_violation(page)
        page.get_by_label("Token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect_no_violation(page)


def test_axe_finds_what_is_wrong(visitor: Visitor, watch: Watch) -> None:
    page = visitor.open(watch().url)
    page.evaluate("document.getElementById('search').labels.forEach(label => label.remove())")
    page.evaluate("document.getElementById('search').placeholder = ''")
    assert Axe().run(page).violations_count == 1


def test_every_control_is_reached_by_tab_with_a_focus_that_is_seen(visitor: Visitor, watch: Watch) -> None:
    page = busy(visitor, watch)
    page.evaluate("setPaused(true)")  # what comes and goes with time cannot be counted
    page.locator(".skip").focus()
    reached = [page.evaluate(REACHED)]
    while len(reached) < 200:
        page.keyboard.press("Tab")
        one = page.evaluate(REACHED)
        if one["isEnd"]:
            break
        reached.append(one)
        assert one["isSeen"], one
        assert one["isMarked"], one
    assert page.evaluate(MISSED) == []
    assert 40 < len(reached) < 200


def test_the_way_by_keyboard_leads_past_the_head_to_tiles_search_and_back(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    drop(running.folder, "fine.log", b"fine\n")
    running.wait_for("processed/fine.log")
    page = visitor.open(running.url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    for key, pressed in (("Enter", "true"), ("Space", "false"), ("Space", "true")):
        tile(page, "processed").focus()
        page.keyboard.press(key)
        expect(tile(page, "processed")).to_have_attribute("aria-pressed", pressed)
        expect(tile(page, "processed")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.locator("#search")).to_have_value("a/b")
    expect(page.locator("#files-empty")).to_contain_text("No name or error has “a/b” in it.")
    chart = page.locator("#chart-lines")
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"\d\d:\d\d:\d\d: lines .* lines/s"))


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_it_is_dark_where_the_system_is_and_where_it_was_wished(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    light = visitor.open(running.url, color_scheme="light")
    dark = visitor.open(running.url, color_scheme="dark")
    colours = {"light": background(light), "dark": background(dark)}
    assert len(set(colours.values())) == 2
    for page, wished in ((light, "dark"), (dark, "light")):
        page.get_by_role("button", name=f"{wished} theme").click()
        assert background(page) == colours[wished]
        page.reload()
        expect(page.locator("#connection")).to_have_text("live")
        assert background(page) == colours[wished]
    another = visitor.open(running.url, color_scheme="light")
    another.emulate_media(color_scheme="dark")
    expect(another.locator("html")).to_have_attribute("data-theme", "dark")
    assert background(another) == colours["dark"]


def test_what_is_pressed_is_seen_where_colours_are_those_of_the_system(
    visitor: Visitor, watch: Watch
) -> None:
    page = visitor.open(watch().url, forced_colors="active")
    looks = {
        button.evaluate("(one) => getComputedStyle(one).border")
        for button in page.locator("#windows button").all()
    }
    assert len(looks) == 2


def test_nothing_moves_where_that_is_not_wished(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    drop(running.folder, "fine.log", b"fine\n")
    running.wait_for("processed/fine.log")
    motions, scrolls = {}, {}
    for wish in ("reduce", "no-preference"):
        page = visitor.open(running.url, reduced_motion=wish)
        motions[wish] = page.evaluate(MOTIONS)
        page.evaluate(NOTE_SCROLLS)
        page.get_by_role("link", name="Trace of fine.log").first.click()
        expect(page.locator("#trace-title")).to_be_focused()
        scrolls[wish] = page.evaluate("scrolls")
    assert motions["reduce"] == 0 < motions["no-preference"]
    assert scrolls == {"reduce": ["auto"], "no-preference": ["smooth"]}


def test_what_changes_by_itself_is_told_to_screen_readers_once(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    refresh(page)
    page.evaluate(NOTE_NEWS)
    for number in range(3):
        drop(running.folder, f"f{number}.log", b"fine\n")
        expect_counts(page, processed=number + 1)
        refresh(page)
    assert page.evaluate("told") == [], "figures that go up are not news"
    tile(page, "processed").click()
    expect(page.locator("#files-found")).to_have_text("3 files listed")
    assert page.evaluate("told") == ["files-found: 3 files listed"]
