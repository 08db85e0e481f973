"""Words that are suggested."""

from __future__ import annotations

import pytest

from fproc.base.text import nearest


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("fromat", ["start", "format"], "did you mean 'format'?"),
        ("FORMAT", ["start", "format"], "did you mean 'format'?"),
        ("format", ["Start", "Format"], "did you mean 'Format'?"),
        ("zzz", ["start", "format"], ""),
        ("start", [], ""),
        ("", ["start"], ""),
    ],
)
def test_the_nearest_word_is_suggested_if_one_is_near(word: str, known: list[str], hint: str) -> None:
    assert nearest(word, known) == hint
