"""Which names uploads may have: safe ones as they are, others refused in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fproc.base.errors import InputError
from fproc.spool.intake.upload_names import check_name
from fproc.spool.readiness.names import InputNames
from tests.support.helpers import plan_of
from tests.support.spool.upload_places import LONGEST, NODES, Place

GOOD = [
    "x",
    "x.log",
    "a b.txt",
    " x",
    "x~2.log",
    "~x",
    "-rf",
    "$(reboot)",
    "<img src=x onerror=alert(1)>.txt",
    "naïve \N{SNOWMAN} \U0001f600.csv",
    "zero\u200dwidth",
    "con1",
    "console.log",
    "xCON",
    "com10.txt",
    "lpt.txt",
    "x.con",
    "error.json",
    "x.error.json.txt",
    "x.done",
    "n" * 255,
    "\N{SNOWMAN}" * 85,
    LONGEST,
]


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_is_safe_is_kept_as_it_is_and_processed(place: Place, name: str) -> None:
    assert check_name(name, InputNames(place.config.intake)) == name
    assert [file.name for file in place.upload((name, "one\n"))] == [name]
    place.work()
    assert os.listdir(place.folder / "processed") == [name]


BAD = {
    "": "is empty",
    ".": "dot",
    "..": "dot",
    "/": "path",
    "a/b": "path",
    "../../x.txt": "path",
    "/etc/passwd": "path",
    "C:\\fake\\x.txt": "path",
    "..\\x": "path",
    "a\0b": "control",
    "new\nline": "control",
    "a\x7fb": "control",
    "a\x85b": "control",
    "a\u2028b": "control",
    "\u202etxt.exe": "control",
    "a\u2066b": "control",
    "\udcff": "not text",
    "n" * 256: "256 bytes long; 255 is the most",
    "\N{SNOWMAN}" * 86: "258 bytes long",
    "x.": "dot or a space",
    "x ": "dot or a space",
    "CON": "Windows",
    "con.txt": "Windows",
    "Nul.tar.gz": "Windows",
    "aux .txt": "Windows",
    "prn": "Windows",
    "COM1": "Windows",
    "lpt9.x": "Windows",
    "x.error.json": "reports",
    "x.rejected.jsonl": "reports",
    ".hidden": "ignores",
    ".fproc": "ignores",
    "x.tmp": "ignores",
    "x.part": "ignores",
    "x~": "ignores",
}


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_is_not_safe_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    names = InputNames(plan_of(NODES, watch_dir=str(tmp_path)).config.intake)
    with pytest.raises(InputError, match=BAD[name]) as caught:
        check_name(name, names)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 250
    said.encode()


def test_with_markers_those_are_refused_and_room_is_left_for_them(memory_path: Path) -> None:
    names = InputNames(Place(memory_path / "w", "marker").config.intake)
    with pytest.raises(InputError, match="ignores"):
        check_name("x.done", names)
    assert check_name("n" * 250, names)
    with pytest.raises(InputError, match="251 bytes long; 250 is the most"):
        check_name("n" * 251, names)


NAMES = InputNames(plan_of(NODES, watch_dir="/nowhere").config.intake)


@given(st.text(max_size=300))
@example("x")
def test_every_name_is_refused_or_is_one_plain_file_of_that_name(name: str) -> None:
    try:
        check_name(name, NAMES)
    except InputError as error:
        str(error).encode()
        return
    assert os.path.normpath(os.path.join("/folder", name)) == f"/folder/{name}"
    assert len(os.fsencode(name)) <= 255
    assert name.encode().decode() == name
