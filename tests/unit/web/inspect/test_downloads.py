"""Results, rejected lines and failed inputs are given as files to save, and nothing else ever is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fproc.spool.layout import numbered
from fproc.web.http.messages import Response
from fproc.web.inspect.downloads import disposition
from tests.support.dashboards import Place, value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def saved(response: Response) -> bytes:
    assert response.file is not None
    with response.file as file:
        return file.read(response.file_bytes)


def test_a_result_is_given_whole_and_to_be_saved_not_shown(place: Place) -> None:
    place.process("page.html", "<script>alert(1)</script>\n")
    response = place.get("/results/page.html")
    assert saved(response) == b"<script>alert(1)</script>\n"
    assert response.content_type == "application/octet-stream"
    assert response.headers == {
        "Content-Disposition": "attachment; filename=\"page.html\"; filename*=UTF-8''page.html",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def test_a_result_may_be_in_a_folder(place: Place) -> None:
    path = place.folder / "results" / "day" / "mon day.txt"
    path.parent.mkdir()
    path.write_text("a\n")
    response = place.get("/results/day/mon day.txt")
    assert saved(response) == b"a\n"
    assert 'filename="mon day.txt"' in response.headers["Content-Disposition"]


def test_rejected_lines_and_failed_inputs_are_given_by_the_name_of_the_input(place: Place) -> None:
    place.process("a.log", "one\nbad\n")
    assert b'"line_no": 2' in saved(place.get("/rejects/a.log"))
    (place.folder / "failed" / "b.log").write_text("whole\n")
    assert saved(place.get("/failed/b.log")) == b"whole\n"


@pytest.mark.parametrize("name", ["b.log", "b" * 255, "\N{PILE OF POO}" * 63, "b~02.log"])
def test_the_report_about_an_input_is_given_however_long_its_name_is(place: Place, name: str) -> None:
    (place.folder / "failed" / name).write_text("whole\n")
    report = place.folder / "failed" / numbered(name, 1, ".error.json")
    report.write_text('{"reason": "it is bad"}')
    assert saved(place.get(f"/failed/{name}.error.json")) == report.read_bytes()
    assert value(place.get(f"/file/{name}"))["places"][0]["report"] == {"reason": "it is bad"}


OUTSIDE = ("..", "../pipeline.json", "a/../../x", ".", "", "/etc/passwd", "a//b", ".stage/x", ".env")
ODD = ("x\0", "d", "link", "linked/secret", "pipe", "socket/x", "x" * 300, "caf\udce9", "\ud800")


@pytest.mark.parametrize("name", [*OUTSIDE, *ODD])
def test_nothing_else_is_given(place: Place, name: str) -> None:
    results = place.folder / "results"
    (place.folder / "secret").write_text("secret")
    (results / ".env").write_text("secret")
    (results / "d").mkdir()
    (results / "link").symlink_to(place.folder / "secret")
    (results / "linked").symlink_to(place.folder)
    os.mkfifo(results / "pipe")
    for folder in ("results", "failed", "rejects"):
        response = place.get(f"/{folder}/{name}")
        assert (response.status, response.file) == (404, None)


def test_a_failed_input_is_in_no_folder(place: Place) -> None:
    (place.folder / "failed" / "d").mkdir()
    (place.folder / "failed" / "d" / "x").write_text("x")
    assert place.get("/failed/d/x").status == 404


def test_what_the_disk_refuses_is_trouble_of_the_host(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.process("a.log", "one\n")

    def refuse(*_: object, **__: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.open", refuse)
    assert place.get("/results/a.log").status == 503


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ('"\r\nX: y;', "attachment; filename=\"___X_ y_\"; filename*=UTF-8''%22%0D%0AX%3A%20y%3B"),
        ("caf\udce9", "attachment; filename=\"caf_\"; filename*=UTF-8''caf%E9"),
        ("é", "attachment; filename=\"_\"; filename*=UTF-8''%C3%A9"),
    ],
)  # fmt: skip
def test_no_name_can_break_out_of_the_header(name: str, header: str) -> None:
    assert disposition(name) == header
