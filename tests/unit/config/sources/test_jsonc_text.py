"""A configuration that ends in .jsonc may have comments and commas too many; it means what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import ConfigError
from fproc.base.schema import Problems
from fproc.config.sources.files import read_config_file
from fproc.config.sources.jsonc_text import without_comments

COMMENTED = """// what this is for
{
  "watch_dir": "in//here", /* not
  "watch_dir": "there", */
  "nodes": [
    {"tag": "start", "type": "trim", "next": "end",}, // "quoted"
  ],
}
"""

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_comments_and_last_commas_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonc").write_text(COMMENTED)
    problems: Problems = []
    found = read_config_file(str(tmp_path / "mine.jsonc"), {}, problems)
    assert problems == []
    assert found.value == {
        "watch_dir": "in//here",
        "nodes": [{"tag": "start", "type": "trim", "next": "end"}],
    }


def test_one_in_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipeline.jsonc").write_text(COMMENTED)
    monkeypatch.chdir(tmp_path)
    assert read_config_file(None, {}, []).path == str(tmp_path / "pipeline.jsonc")


def test_an_error_is_told_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonc").write_text('/* two\nlines */ {"a": 1, // one\n "b" 2}')
    with pytest.raises(ConfigError, match=r":3:6: not JSON: Expecting ':' delimiter"):
        read_config_file(str(tmp_path / "mine.jsonc"), {}, [])


@pytest.mark.parametrize("text", ['{"a": 1 /* never ends', '{"a": "never ends // }', "{,}", "[1,,]"])
def test_what_is_no_json_either_way_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.jsonc").write_text(text)
    with pytest.raises(ConfigError, match="not JSON"):
        read_config_file(str(tmp_path / "mine.jsonc"), {}, [])


@given(values, st.sampled_from([None, 2]))
def test_json_is_left_as_it_is(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert without_comments(text) == text
