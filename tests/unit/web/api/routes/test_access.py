"""Who is let in, and what the page may do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fproc.web.page import pages
from tests.support.dashboards import KNOWN, OPEN, TAKEN, Place


@pytest.mark.parametrize("path", [*KNOWN, *TAKEN])
def test_all_but_health_and_the_log_in_needs_the_token_where_there_is_one(tmp_path: Path, path: str) -> None:
    place = Place(tmp_path / "w", "s3cret")
    response = place.get(path, TAKEN.get(path, "GET"), b"x", content_type="x/y")
    assert (response.status == 401) is (path not in OPEN), response
    given = place.get(path, TAKEN.get(path, "GET"), b"x", content_type="x/y", authorization="Bearer s3cret")
    assert given.status != 401


def test_a_log_in_leads_to_the_page(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", "s3cret")
    form = {"content_type": "application/x-www-form-urlencoded"}
    asked = place.get("/")
    assert (asked.status, asked.content_type) == (401, pages.HTML)
    assert b'action="/login?next=%2F"' in asked.body
    wrong = place.get("/login", "POST", b"token=%3Cb%3E", **form)
    assert (wrong.status, wrong.content_type) == (401, pages.HTML)
    assert b"the token is wrong" in wrong.body
    right = place.get("/login", "POST", b"token=s3cret", **form)
    assert (right.status, right.headers["Location"]) == (303, "/")
    cookie = right.headers["Set-Cookie"].partition(";")[0]
    page = place.get("/", cookie=cookie)
    assert (page.status, b'<meta name="fproc-auth"' in page.body) == (200, True)
    assert place.get("/logout", "POST", cookie=cookie).status == 303


def test_without_a_token_there_is_nothing_to_log_out_of(place: Place) -> None:
    assert b'<meta name="fproc-auth"' not in place.get("/").body


def test_the_page_may_run_what_it_came_with_and_nothing_else(place: Place) -> None:
    page = place.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall("'sha256-", policy)) == 2
    text = page.body.decode()
    assert (text.count("<script>"), text.count("<style>")) == (1, 1)
    assert re.findall(r"""\son\w+=["']|\sstyle=["']|javascript:|https?://(?!www\.w3\.org/)""", text) == []


def test_the_log_in_form_leads_back_to_the_view_that_was_asked_for(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", "s3cret")
    asked = place.get("/?state=failed&q=%22%3E")
    assert b'action="/login?next=%2F%3Fstate%3Dfailed%26q%3D%2522%253E"' in asked.body
    form = {"content_type": "application/x-www-form-urlencoded"}
    wrong = place.get("/login?next=/view", "POST", b"token=x", **form)
    assert b'action="/login?next=%2Fview"' in wrong.body
    assert wrong.headers["Content-Security-Policy"] == asked.headers["Content-Security-Policy"]
    assert place.get("/login?next=/view", "POST", b"token=s3cret", **form).headers["Location"] == "/view"
