"""The page is joined from small files, and takes what it has in common with the server from there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape

import pytest

from fproc.cli.main import main
from fproc.web.api.page_constants import page_constants
from fproc.web.http.messages import Response
from fproc.web.page import pages
from tests.support.project import PROJECT

PAGE = PROJECT / "fproc" / "web" / "page"
DashboardPage = Callable[..., Response]
FILES = {
    path.relative_to(PAGE).as_posix(): path.read_text("utf-8")
    for path in sorted(PAGE.rglob("*"))
    if path.suffix in {".js", ".css", ".html"}
}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
JOINED = "\n".join(SCRIPTS.values())
BLOCK = page_constants("an-fproc-of-tests", "watch_dir")

OWN_MEANINGS = {
    "": r"""\$\('failed'\)|(showList|\w+Pager)\('failed'|panel: 'failed'|failed: new|="#?failed"|#failed\b""",
    "uploads.js": r"'failed'",  # an upload
    "texts.js": r"MINUTE = 60|HOUR = 60 \* MINUTE|minutes % 60",
    ".js": r"el\('progress', \{ max: 1,",
}
"""What looks like a fact of the server and is none, in files whose names end so: `failed` is a panel."""

SENTENCE_WORDS = {
    *("any", "failed", "processed", "rejected", "skipped", "dropped", "kept", "written", "ok", "max"),
}
"""Facts of the server that are English, too: in a sentence they are just that."""


def shared(value: object) -> Iterator[str]:
    """Each word and number in the block of constants."""
    if isinstance(value, list):
        for one in value:
            yield from shared(one)
    else:
        yield str(value)


FACTS = set(shared(list(json.loads(BLOCK).values())))


def literals(name: str, text: str) -> set[str]:
    """The facts of the server that a file of the page has as a literal of its own."""
    for ending, pattern in OWN_MEANINGS.items():
        text = re.sub(pattern, "", text) if name.endswith(ending) else text
    if name.endswith(".css"):
        return FACTS.intersection(re.findall(r"(?:=[\"']?|\.)([\w-]+)", text))
    if name.endswith(".html"):
        return FACTS.intersection(re.findall(r"(?:\b(?:value|data-[a-z]+)=\"|[?&]\w+=)([\w-]+)", text))
    text = re.sub(r"/\*.*?\*/|// [^\n]*|CONSTANTS\.\w+", "", text, flags=re.DOTALL)
    texts = ["".join(one) for one in re.findall(r"'((?:[^'\\\n]|\\.)*)'|`([^`]*)`", text)]
    keys = re.findall(r"[{,]\s*(\w+):", text)
    numbers = re.findall(r"(?<![\w.#\\])\d+(?![\w.])", text)
    return FACTS & {*in_texts(texts), *keys, *numbers}


def in_texts(texts: list[str]) -> Iterator[str]:
    """The facts that some texts have in them; words of sentences only where they stand alone."""
    for one in texts:
        yield from FACTS.intersection(re.findall(r"\w+", one)) - SENTENCE_WORDS
        yield from re.findall(r"(?:^|[=/])(\w+)(?=$|[/&])", one)


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_the_page_has_a_fact_of_the_server_as_a_literal(name: str) -> None:
    assert literals(name, FILES[name]) == set()


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("panels/files.js", "if (file.state === 'unprocessed') wait();", "unprocessed"),
        ("panels/files.js", "const SIGNS = { processed: '+', [FAILED]: '-' };", "processed"),
        ("panels/files.js", "ask('/files?state=failed')", "failed"),
        ("panels/files.js", "code('cp sample.txt watch_dir/x')", "watch_dir"),
        ("core/feeds.js", "ask(`/errors${query({ limit: 500 })}`)", "500"),
        ("core/place.js", "const DEFAULTS = { window: '900' };", "900"),
        ("panels/charts.js", "const names = { 3600: 'hour' };", "3600"),
        ("panels/charts.js", "const step = window / 60;", "60"),
        ("panels/trace.js", "const isBad = ['rejected'].includes(fate);", "rejected"),
        ("style.css", ".chip.failed { color: red; }", "failed"),
        ("style.css", "#status[data-status=ok] { color: red; }", "ok"),
        ("index.html", '<option value="underprocess">being worked on</option>', "underprocess"),
        ("index.html", '<button data-window="900">15 min</button>', "900"),
        ("index.html", '<a href="/series?window=60">JSON</a>', "60"),
    ],
)
def test_a_fact_of_the_server_that_is_written_into_the_page_is_noticed(
    name: str, text: str, fact: str
) -> None:
    assert fact in literals(name, text)


def test_the_block_of_constants_has_what_the_scripts_take_from_it_and_nothing_else() -> None:
    assert set(re.findall(r"\bCONSTANTS\.(\w+)", JOINED)) == json.loads(BLOCK).keys()


def test_the_written_orders_name_each_script_and_none_twice() -> None:
    orders = pages.SCRIPTS, pages.FILE_SCRIPTS
    assert {f"scripts/{name}.js" for order in orders for name in order} == SCRIPTS.keys()
    assert [name for order in orders for name, count in Counter(order).items() if count > 1] == []


@pytest.mark.parametrize(
    ("page", "order"), [(pages.dashboard, pages.SCRIPTS), (pages.file_page, pages.FILE_SCRIPTS)]
)
def test_a_page_has_each_of_its_files_and_no_place_is_left_open(
    page: DashboardPage, order: tuple[str, ...]
) -> None:
    body = page(BLOCK, has_token=False).body.decode()
    wanted = {"palette.css", "style.css", *(f"scripts/{name}.js" for name in order)}
    assert [name for name in wanted if FILES[name] not in body] == []
    assert "<!--" not in body
    (script,) = re.findall(r"<script>\s*(.*?)</script>", body, re.DOTALL)
    assert script.startswith("'use strict';\n")


@pytest.mark.parametrize("order", [pages.SCRIPTS, pages.FILE_SCRIPTS])
def test_no_script_of_a_page_calls_a_function_that_only_another_page_has(order: tuple[str, ...]) -> None:
    own = {f"scripts/{name}.js" for name in order}
    others = "\n".join(text for name, text in SCRIPTS.items() if name not in own)
    foreign = set(re.findall(r"^(?:async )?function (\w+)", others, re.MULTILINE))
    assert foreign
    assert (
        foreign.intersection(*[re.findall(r"(?<!\.)\b(\w+)\(", "\n".join(SCRIPTS[name] for name in own))])
        == set()
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_begins_by_saying_what_it_has(name: str) -> None:
    assert re.match(r"// [A-Z][^\n]+[.:]\n", SCRIPTS[name])


def test_no_two_scripts_give_the_same_name_to_something() -> None:
    declared = re.findall(
        r"^(?:async )?(?:function|class|let|const) (\w+|[{\[][^=]*[}\]])", JOINED, re.MULTILINE
    )
    names = Counter(name for one in declared for name in re.findall(r"[\w$]+", one))
    assert len(names) > 100
    assert [name for name, count in names.items() if count > 1] == []


def test_constants_cannot_end_the_element_that_they_are_in() -> None:
    block = json.dumps({"name": "</template><script>alert(1)</script><!--scripts-->&lt;"})
    body = pages.dashboard(block, has_token=False).body.decode()
    (found,) = re.findall(r'<template id="constants">(.*?)</template>', body)
    assert "<" not in found
    assert json.loads(unescape(found)) == json.loads(block)


def test_a_message_of_the_log_in_form_is_no_place_for_anything() -> None:
    body = pages.log_in(Response(401), "<!--palette--> & <b>").body
    assert b"&lt;!--palette--&gt; &amp; &lt;b&gt;" in body


def test_both_pages_have_the_same_colours() -> None:
    palette = FILES["palette.css"].encode()
    both = pages.dashboard(BLOCK, has_token=True), pages.log_in(Response(401))
    assert [palette in page.body for page in both] == [True, True]
    colours = re.compile(r"#[0-9a-f]{3,8}\b")
    assert len(colours.findall(FILES["palette.css"])) == 24
    assert colours.findall(FILES["login.html"]) == []


def test_what_the_page_tells_people_to_run_is_there_to_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    named = {option for command in re.findall(r"\./fproc\.pyz [^'`]*", JOINED) for option in command.split()}
    told = {option for option in named if option.startswith("--")}
    assert told
    assert told <= offered


def test_the_page_asks_for_nothing_that_is_not_described() -> None:
    described = json.loads((PROJECT / "fproc/web/api/openapi.json").read_text("utf-8"))["paths"]
    asked = {path for text in FILES.values() for path in re.findall(r"[\"'`](/[a-z]+)\b", text)}
    assert len(asked) > 8
    assert asked <= {re.sub(r"/\{.*", "", path) for path in described}
