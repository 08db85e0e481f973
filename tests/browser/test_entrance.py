"""Who gets in: the log-in, and pages of other sites that are open in the same browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.support.programs.driving import Visitor, expect_counts, of_file, tile
from tests.support.programs.running import Watching, drop, spooled

Watch = Callable[..., Watching]

pytestmark = pytest.mark.sweep

TOKEN = "open-sesame"

PAGE = """<!doctype html><title>elsewhere</title><body>
<form id=retry method=post action="{url}/retry" enctype="text/plain">
  <input name='{{"all":true,"x":"' value='"}}'></form>
<form id=upload method=post action="{url}/upload" enctype="multipart/form-data">
  <input type=file name=file id=file></form>
<form id=logout method=post action="{url}/logout"></form>
<iframe src="{url}/"></iframe>
<script>
const all = {{ method: 'POST', body: '{{"all": true}}' }};
const tries = {{
  simple: ['/retry', {{ ...all, mode: 'no-cors' }}],
  json: ['/retry', {{ ...all, headers: {{ 'Content-Type': 'application/json' }} }}],
  put: ['/upload/planted.log', {{ method: 'PUT', body: 'planted' }}],
  read: ['/stats', {{}}],
  ...Object.fromEntries(['omit', 'include'].map(credentials => ['form ' + credentials,
    ['/upload', {{ method: 'POST', mode: 'no-cors', credentials, body: form() }}]])),
}};
function form() {{
  const data = new FormData();
  data.append('file', new File(['planted'], 'planted.log'));
  return data;
}}
async function tryAll() {{
  const found = {{}};
  for (const [name, [path, options]] of Object.entries(tries)) {{
    found[name] = await fetch('{url}' + path, options).then(answer => answer.type, () => 'refused');
  }}
  return found;
}}
</script>"""


@contextmanager
def elsewhere(url: str) -> Iterator[str]:
    """A site of somebody else, whose page would like to use the dashboard; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = PAGE.format(url=url).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def guarded(watch: Watch) -> Watching:
    return watch(variables={"FPROC_TOKEN": TOKEN})


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_with_a_token_one_logs_in_uses_the_page_and_logs_out(visitor: Visitor, watch: Watch) -> None:
    running = guarded(watch)
    visitor.expects("401")
    page = visitor.blank()
    answer = page.goto(running.url)
    assert answer
    assert answer.status == 401
    expect(page).to_have_title("Log in - fproc")
    expect(page.get_by_label("Token")).to_be_focused()
    log_in(page, "sesame")
    expect(page.get_by_role("alert")).to_have_text("the token is wrong")
    log_in(page, TOKEN)
    expect(page.locator("#connection")).to_have_text("live")
    assert page.url == f"{running.url}/"
    drop(running.folder, "broken.log", b"bad\n")
    running.wait_for("failed/broken.log")
    (running.folder / "fixed").touch()
    page.get_by_role("button", name="Retry broken.log").click()
    expect_counts(page, processed=1)
    (cookie,) = page.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    assert TOKEN not in page.content()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_title("Log in - fproc")
    assert page.context.cookies() == []
    page.goto(f"{running.url}/?state=failed")
    expect(page).to_have_title("Log in - fproc")


def test_a_log_in_that_ends_while_the_page_is_open_leads_back_to_the_form(
    visitor: Visitor, watch: Watch
) -> None:
    running = guarded(watch)
    visitor.expects("401")
    page = visitor.open(running.url, until="")
    log_in(page, TOKEN)
    expect(page.locator("#connection")).to_have_text("live")
    page.context.clear_cookies()
    expect(page).to_have_title("Log in - fproc")
    log_in(page, TOKEN)
    expect(page.locator("#connection")).to_have_text("live")


def test_without_a_token_there_is_nothing_to_log_out_of(visitor: Visitor, watch: Watch) -> None:
    page = visitor.open(watch().url)
    expect(page.locator("#logout")).to_be_hidden()


def test_a_page_of_another_site_can_neither_change_nor_read_nor_frame_anything(
    visitor: Visitor, watch: Watch
) -> None:
    running = watch()
    drop(running.folder, "broken.log", b"bad\n")
    running.wait_for("failed/broken.log")
    (running.folder / "fixed").touch()
    before = spooled(running.folder)
    own = visitor.open(running.url)
    visitor.expects(
        "400|405|CORS policy|ERR_FAILED|frame-ancestors|ERR_BLOCKED_BY_RESPONSE|X-Frame-Options|favicon"
    )
    with elsewhere(running.url) as address:
        page = visitor.open(address, until="")
        tries = page.evaluate("tryAll()")
        assert len(tries) == 6
        assert set(tries.values()) == {"refused"}
        assert page.frames[1].url.startswith("chrome-error://")
        for form in ("retry", "upload", "logout"):
            if form == "upload":
                page.locator("#file").set_input_files(
                    {"name": "planted.log", "mimeType": "text/plain", "buffer": b"planted"}
                )
            with page.expect_navigation() as navigation:
                page.evaluate(f"document.getElementById('{form}').submit()")
            assert navigation.value.status == 400, form
            expect(page.locator("body")).to_contain_text("the request comes from a page of another site")
            page.goto(address)
    assert spooled(running.folder) == before
    assert "planted" not in running.log
    expect_counts(own, failed=1, processed=0, unprocessed=0)
    tile(own, "failed").click()
    expect(of_file(own, "#files-table", "broken.log")).to_be_visible()
