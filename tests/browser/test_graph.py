"""The pipeline as a picture: whole, legible, and each node with what there is to know about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.programs.driving import Visitor, expect_counts, of_node, refresh
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

LONG = "check_the_number_of_the_order_and_its_country"
NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "tag", "config": {"rules": {"again": "^again"}, "default": "once"},
     "next": {"again": "peel", "once": LONG}},
    {"tag": "peel", "type": "rewrite", "config": {"pattern": "^again (?P<rest>.*)$", "template": "{rest}"},
     "next": "start"},
    {"tag": LONG, "type": "judging.judge", "config": {"password": "hush"}, "next": ["left", "right", "end"]},
    {"tag": "left", "type": "uppercase", "next": "last"},
    {"tag": "right", "type": "tag", "config": {"rules": {"more": "^x{9}"}, "default": "done"},
     "next": {"more": "right", "done": "last"}},
    {"tag": "last", "type": "trim", "next": "drop"},
]  # fmt: skip

STEPS = """
def judge(line, password):
    if line.startswith("bad"):
        raise ValueError(f"cannot digest {line}")
    return line
"""

CIRCLED = """() => {
    const boxes = [...document.querySelectorAll('#graph g.node')].map(node =>
        ({ tag: node.dataset.node, box: node.querySelector('rect').getBBox() }));
    const found = [];
    for (const edge of document.querySelectorAll('#graph g.edge')) {
        const path = edge.querySelector('path'), way = path.getBBox();
        for (const { tag, box } of boxes) {
            if (tag === edge.dataset.from || tag === edge.dataset.to) continue;
            for (let at = 0; at < path.getTotalLength(); at += 3) {
                const point = path.getPointAtLength(at);
                const isIn = point.x > box.x && point.x < box.x + box.width
                    && point.y > box.y && point.y < box.y + box.height;
                if (isIn) { found.push([edge.dataset.from, edge.dataset.to, tag]); break; }
            }
            const isAround = way.x < box.x && way.x + way.width > box.x + box.width
                && way.y < box.y && way.y + way.height > box.y + box.height;
            if (edge.classList.contains('back') && isAround) found.push(['around', tag]);
        }
    }
    return found;
}"""

BROKEN = r"""() => {
    const broken = [];
    const ours = 'h1, h2, th, dt, button, .tile span, nav a, caption, label';
    for (const one of document.querySelectorAll(ours)) {
        if (!one.checkVisibility() || one.closest('.hidden, svg')) continue;
        const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            if (walker.currentNode.parentElement.closest('bdi, .hidden')) continue;
            for (const word of walker.currentNode.data.matchAll(/\S+/g)) {
                const range = document.createRange();
                range.setStart(walker.currentNode, word.index);
                range.setEnd(walker.currentNode, word.index + word[0].length);
                const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
                if (lines.size > 1) broken.push(word[0]);
            }
        }
    }
    return broken;
}"""

WIDER = """box => box.scrollWidth <= box.clientWidth ? [] : [...box.querySelectorAll('*')]
    .filter(one => one.getBoundingClientRect().right > box.getBoundingClientRect().right + 1)
    .map(one => one.outerHTML.slice(0, 80))"""

RIMS = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = colour => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(part => part / 255)
            .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const solid = one => {
        for (; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (!/, 0\\)$|transparent/.test(colour)) return colour;
        }
        return 'white';
    };
    const weak = [];
    for (const one of document.querySelectorAll('button, select, input:not([type=checkbox], [type=file])')) {
        const style = getComputedStyle(one);
        const isText = parseFloat(style.borderTopWidth) === 0 || one.closest('#traces'); // entries of a list
        if (!one.checkVisibility() || isText) continue;
        const [a, b] = [light(style.borderTopColor), light(solid(one.parentElement))];
        const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (contrast < 3) weak.push(`${one.id} ${one.textContent} ${contrast.toFixed(2)}`);
    }
    return weak;
}"""


@pytest.fixture
def page(visitor: Visitor, watch: Watch, tmp_path: Path) -> Page:
    (tmp_path / "judging.py").write_text(STEPS)
    running = watch(nodes=NODES)
    drop(running.folder, "mixed.log", b"again x\nfine\nbad luck\n")
    running.wait_for("failed/mixed.log")
    return visitor.open(running.url)


def test_the_graph_fits_has_whole_names_and_loops_that_keep_to_themselves(page: Page) -> None:
    expect(page.locator("#graph g.node")).to_have_count(len(NODES) + 2)
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        box, picture = page.locator("#graph"), page.locator("#graph > svg")
        assert picture.evaluate("one => one.clientWidth") <= box.evaluate("one => one.clientWidth")
        assert box.evaluate(
            "one => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight"
        )
    page.set_viewport_size({"width": 1440, "height": 900})
    name = page.locator(f'#graph g.node[data-node="{LONG}"] .tag')
    assert "".join(name.locator("tspan").all_text_contents()) == LONG
    expect(name.locator("tspan")).to_have_count(2)
    widths = name.evaluate("text => [...text.children].map(line => line.getComputedTextLength())")
    assert max(widths) <= 150
    assert page.evaluate(CIRCLED) == []
    before = page.locator("#graph > svg").evaluate("one => one.clientWidth")
    page.locator("#graph-in").click()
    assert page.locator("#graph > svg").evaluate("one => one.clientWidth") == pytest.approx(
        before * 1.5, abs=2
    )
    page.locator("#graph-fit").click()
    assert page.locator("#graph > svg").evaluate("one => one.clientWidth") == pytest.approx(before, abs=2)


def test_a_node_that_is_pressed_shows_its_errors_times_and_configuration_but_no_secret(page: Page) -> None:
    expect_counts(page, failed=1)
    node, panel = page.locator(f'#graph g.node[data-node="{LONG}"]'), page.locator("#node")
    node.click()
    for text in (LONG, "judging.judge", "cannot digest bad luck", "for each line", "to left", "password"):
        expect(panel).to_contain_text(text)
    expect(panel).not_to_contain_text("hush")
    expect(node).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(rf"node={LONG}"))
    page.locator('#graph g.node[data-node="start"]').focus()
    page.keyboard.press("Enter")
    expect(panel).to_contain_text('{"again":"^again"}')
    expect(page.locator("#node-errors li")).to_have_count(0)
    page.locator("#node-close").click()
    expect(panel).to_be_hidden()
    of_node(page, "peel").get_by_role("button").click()
    expect(panel).to_contain_text("Node peel")


def test_phones_get_cards_double_size_breaks_no_word_and_rims_are_seen(page: Page) -> None:
    refresh(page)
    for width, height in ((720, 450), (512, 600), (390, 844)):  # the first is 1440 x 900 at 200 %
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(BROKEN) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") == width
    for box in ("Table of nodes", "Table of files"):
        region = page.get_by_role("region", name=box)
        assert region.evaluate(WIDER) == [], box
    cell = page.locator("#files-table tbody td").nth(1)
    assert cell.evaluate("one => getComputedStyle(one, '::before').content") == '"When: "'
    page.emulate_media(reduced_motion="reduce")  # colours change at once
    for scheme in ("dark", "light"):
        page.get_by_role("button", name=f"{scheme} theme").click()
        assert page.evaluate(RIMS) == []
    page.locator("a.past", has_text="Skip the table of files").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#trace-title")).to_be_focused()
