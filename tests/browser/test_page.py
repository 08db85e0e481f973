"""The page as it is opened and looked at: what it shows at once, and how it follows what happens."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.programs.driving import Visitor, expect_counts, of_file, of_node, refresh, tile
from tests.support.programs.running import Watching, drop

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep


def fill(running: Watching, count: int, prefix: str = "f", data: bytes = b"one\ntwo!\n") -> None:
    """Have some files processed."""
    before = running.get("/stats")[1]["totals"]["files_processed"]
    for number in range(count):
        drop(running.folder, f"{prefix}{number:03}.log", data)
    running.wait_until(lambda: running.get("/stats")[1]["totals"]["files_processed"] == before + count)


def test_the_first_paint_comes_with_the_page_and_all_figures_soon_after(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    fill(running, 3)
    page = visitor.open(running.url, until="")
    expect(page.locator("#health")).to_be_visible()
    expect(page.locator("#status")).to_have_text("ok")
    expect(page.locator("#connection")).to_have_text("live")
    expect_counts(page, unprocessed=0, underprocess=0, processed=3, failed=0)
    expect(page.locator("#graph svg g.node")).to_have_count(5)
    expect(of_node(page, "judge").locator("td").first).to_have_text("6")
    expect(page.locator("#files-table tbody tr")).to_have_count(3)
    expect(page.locator("#disk")).to_contain_text("GB of")
    expect(page.locator("#version")).to_have_text(running.get("/health")[1]["version"])
    expect(page).to_have_title(re.compile("^ok - .+ - fproc$"))
    figures = page.evaluate(
        "() => { const page = performance.getEntriesByType('navigation')[0];"
        " return { answer: page.responseStart, content: page.domContentLoadedEventEnd,"
        " paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " bytes: page.transferSize, others: performance.getEntriesByType('resource')"
        ".filter(entry => !['fetch'].includes(entry.initiatorType)).length } }"
    )
    print(figures)
    assert figures["paint"] - figures["answer"] < 5000
    assert figures["others"] == 0, "the page is one file"


def test_counts_edges_and_charts_follow_while_files_flow(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    page = visitor.open(running.url)
    expect_counts(page, processed=0)
    expect(page.locator("#figures")).to_contain_text("Nothing ended")
    page.evaluate("window.isTheSame = true")
    edge = page.locator('#graph g.edge[data-from="start"][data-to="judge"]')
    expect(edge.locator("text").last).to_have_text("0")
    fill(running, 5)
    expect_counts(page, processed=5)
    expect(of_node(page, "start").locator("td").nth(0)).to_have_text("10")
    expect(of_node(page, "judge").locator("td").nth(1)).to_have_text("10")
    expect(edge.locator("text").last).to_have_text(re.compile(r"^10 · [\d.]+/s$"))
    expect(edge).to_have_class(re.compile("flowing"))
    expect(page.locator("#figures")).to_contain_text("5 files (0 failed), 10 lines")
    expect(of_file(page, "#files-table", "f004.log")).to_be_visible()
    fill(running, 3, "g")
    expect_counts(page, processed=8)
    expect(page.locator("#figures")).to_contain_text("8 files (0 failed), 16 lines")
    expect(page.locator("#chart-lines path.line")).to_have_attribute("d", re.compile(r"^M[\d.]+ .*L"))
    for line in page.locator("#chart-seconds path.line").all():  # p50 and p95
        expect(line).to_have_attribute("d", re.compile(r"M[\d.]+ "))
    expect(page.locator("#last-success")).to_contain_text(re.compile("ago|just now"))
    assert page.evaluate("window.isTheSame"), "the page was loaded again"


def test_what_is_worked_on_and_what_waits_is_shown_with_progress(visitor: Visitor, watch: Watch) -> None:
    running = watch(workers=1)
    page = visitor.open(running.url)
    drop(running.folder, "slow.log", b"fine\n" * 1000 + b"wait\n" + b"fine\n" * 1000)
    running.wait_for("underprocess/slow.log")
    drop(running.folder, "next.log", b"fine\n")
    expect_counts(page, underprocess=1, unprocessed=1)
    current = of_file(page, "#current", "slow.log")
    expect(current).to_contain_text("of 10 kB")
    expect(current.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#now-text")).to_have_text("1 busy, 0 idle")
    expect(page.locator("#oldest")).to_contain_text("next.log")
    tile(page, "unprocessed").click()
    expect(of_file(page, "#files-table", "next.log")).to_have_attribute("data-state", "unprocessed")
    (running.folder / "go").touch()
    expect_counts(page, underprocess=0, unprocessed=0, processed=2)
    expect(page.locator("#current li")).to_have_count(0)
    expect(page.locator("#files-empty")).to_contain_text("cp sample.txt watch_dir/unprocessed/")


def test_an_empty_place_names_the_next_command(visitor: Visitor, watch: Watch) -> None:
    page = visitor.open(watch().url)
    expect(page.locator("#files-empty")).to_contain_text(
        "./fproc.pyz --sample 1 --output watch_dir/unprocessed/"
    )
    expect(page.locator("#trace-empty")).to_contain_text("./fproc.pyz --watch --trace")
    expect(page.locator("#current-empty")).to_contain_text("cp sample.txt watch_dir/unprocessed/")
    expect(page.locator("#failed .empty")).to_have_text("Nothing has failed.")
    expect(page.locator("#errors .empty")).to_have_text("No error is on record.")


def test_a_tile_filters_the_list_and_the_way_back_takes_that_back(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fill(running, 2)
    drop(running.folder, "broken.log", b"bad\n")
    running.wait_for("failed/broken.log")
    page = visitor.open(running.url)
    expect(page.locator("#files-table tbody tr")).to_have_count(3)
    tile(page, "failed").click()
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    expect(of_file(page, "#files-table", "broken.log")).to_contain_text("cannot digest bad")
    expect(tile(page, "failed")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"\?state=failed$"))
    tile(page, "processed").click()
    expect(page.locator("#files-table tbody tr")).to_have_count(2)
    page.go_back()
    expect(page.locator("#files-table tbody tr")).to_have_count(1)
    expect(tile(page, "failed")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.locator("#files-table tbody tr")).to_have_count(3)
    page.go_forward()
    expect(page.locator("#state")).to_have_value("failed")
    tile(page, "failed").click()
    expect(page.locator("#files-table tbody tr")).to_have_count(3)
    expect(page).to_have_url(f"{running.url}/")


def listed(page: Page) -> list[str]:
    return page.locator("#files-table tbody th").all_inner_texts()


def test_search_filter_and_sort_are_in_the_address_and_come_back_with_it(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    for name in ("beta 2", "beta 10", "alpha & co"):
        fill(running, 1, name)
    page = visitor.open(running.url)
    page.locator("#search").fill("beta")
    expect(page.locator("#files-table tbody tr")).to_have_count(2)
    expect(page.locator("#files-found")).to_have_text("2 files listed")
    page.locator("#state").select_option("processed")
    page.locator("#files-table th[data-key=file] button").click()
    expect(page.locator("#files-table th[data-key=file]")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#files-table tbody th").first).to_have_text("beta 2000.log")
    page.locator("#windows button", has_text="15 min").click()
    expect(page).to_have_url(re.compile(r"q=beta"))
    address = page.url
    for part in ("state=processed", "q=beta", "sort=file", "window=900"):
        assert part in address
    again = visitor.open(address)
    expect(again.locator("#files-table tbody tr")).to_have_count(2)
    assert listed(again) == ["beta 2000.log", "beta 10000.log"], "numbers in names are numbers"
    expect(again.locator("#search")).to_have_value("beta")
    expect(again.locator("#windows [data-window='900']")).to_have_attribute("aria-pressed", "true")
    expect(again.locator("#figures")).to_contain_text("Last 15 minutes: 3 files")
    again.get_by_role("button", name="File", exact=True).click()  # whose name has no arrow in it
    expect(again.locator("#files-table th[data-key=file]")).to_have_attribute("aria-sort", "descending")
    expect(again.locator("#files-table tbody th").first).to_have_text("beta 10000.log")  # the server sorts
    assert listed(again) == ["beta 10000.log", "beta 2000.log"]
    again.locator("#search").fill("alpha & co")
    expect(again.locator("#files-table tbody tr")).to_have_count(1)
    again.locator("#search").fill("nowhere")
    expect(again.locator("#files-empty")).to_contain_text("No name or error has “nowhere” in it.")


def test_each_view_has_its_json(visitor: Visitor, watch: Watch) -> None:
    running = watch()
    fill(running, 1)
    page = visitor.open(running.url)
    tile(page, "processed").click()
    refresh(page)
    links = page.locator("a.json")
    found = {link.get_attribute("href") or "" for link in links.all()}
    assert "/files?state=processed" in found
    assert {path.partition("?")[0] for path in found} == {
        *("/health", "/stats", "/graph", "/series", "/files", "/failures", "/errors", "/trace"),
    }
    for path in found:
        assert running.get(path)[0] == 200
    labels = [link.get_attribute("aria-label") for link in links.all()]
    assert len(set(labels)) == len(labels), "each link says which JSON it gives"


def test_errors_of_nodes_are_red_in_the_graph_and_counted_in_the_table(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    page = visitor.open(running.url)
    drop(running.folder, "broken.log", b"fine\nbad\n")
    running.wait_for("failed/broken.log")
    expect(page.locator('#graph g.node[data-node="judge"]')).to_have_class(re.compile("failing"))
    expect(page.locator('#graph g.node[data-node="judge"] .errors')).to_have_text("1 error")
    expect(of_node(page, "judge").locator("td.bad")).to_have_text("1")
    expect(page).to_have_title(re.compile("^.*1 failed - .+ - fproc$"))


def test_a_script_that_is_put_into_the_page_does_not_run_and_is_noticed(
    visitor: Visitor, watch: Watch
) -> None:
    page = visitor.open(watch().url)
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        " document.body.append(script); const style = document.createElement('style');"
        " style.textContent = 'body { display: none }'; document.body.append(style); }"
    )
    expect(page.locator("#main")).to_be_visible()
    assert page.evaluate("window.ran") is None
    assert len(visitor.problems) == 2
    visitor.expects("Content Security Policy")


def test_the_page_without_scripts_says_where_the_figures_are(visitor: Visitor, watch: Watch) -> None:
    page = visitor.open(watch().url, until="", java_script_enabled=False)
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.locator("noscript a")).to_have_count(4)
