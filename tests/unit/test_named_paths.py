"""The paths of code that documents, docstrings and comments name are there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.project import PROJECT

DOCUMENTS = [
    *("README.md", "Makefile", "run.sh", "pyproject.toml", ".ci/run"),
    *(str(path.relative_to(PROJECT)) for path in sorted((PROJECT / "docs").rglob("*.md"))),
]
FOLDERS = ("fproc", "tests", "bench", "docs", "release")

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FULL = re.compile(rf"(?<![\w/.~-])(?:{'|'.join(FOLDERS)})/[\w./-]+")
SHORT = re.compile(r"`([a-z_]+(?:/[a-z_]+)+(?:\.\w+)?/?)`")
TEST = re.compile(r"(?<![\w/])test_\w+\.py\b")
DOTTED = re.compile(r"\bfproc(?:\.[a-z_]+)+")
DOTTED_SHORT = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+)`")


def ends_of(paths: Iterable[Path]) -> set[str]:
    """Return each path, with and without its suffix, and all that it may be shortened to at its beginning."""
    names = {name for path in paths for name in (path.as_posix(), path.with_suffix("").as_posix())}
    return {"/".join(name.split("/")[start:]) for name in names for start in range(name.count("/") + 1)}


TREE = [
    path.relative_to(PROJECT)
    for folder in FOLDERS
    for path in (PROJECT / folder, *(PROJECT / folder).rglob("*"))
    if "__pycache__" not in path.parts
]
ENDS = ends_of(TREE)
NAMES = {path.name for path in TREE if path.suffix == ""}
"""The names of folders, from which a shortened path may begin."""


def lost_paths(text: str) -> list[str]:
    """Return the paths in a document that are not in the tree, whole ones and shortened ones."""
    text = FENCED.sub("", text)
    short = [name for name in SHORT.findall(text) if name.partition("/")[0] in NAMES]
    named = {name.rstrip("./") for name in (*FULL.findall(text), *short, *TEST.findall(text))}
    return sorted(named - ENDS)


def lost_modules(text: str) -> list[str]:
    """Return the dotted paths in the comments of a source that are neither modules nor names in one."""
    return sorted(name for name in set(DOTTED.findall(text)) if not is_there(name))


def is_there(name: str) -> bool:
    """Return whether a dotted path is that of a module, or of a name in one."""
    path = name.replace(".", "/")
    module, _, attribute = path.rpartition("/")
    source = PROJECT / f"{module}.py"
    return path in ENDS or (
        source.exists() and bool(re.search(rf"\b{attribute}\b", source.read_text("utf-8")))
    )


def comments_of(path: Path) -> str:
    """Return the docstrings and comments of a source."""
    text = path.read_text("utf-8")
    docstrings = [
        node.value.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(document: str) -> None:
    assert lost_paths((PROJECT / document).read_text("utf-8")) == []


def test_every_module_that_a_comment_names_is_there() -> None:
    sources = [path for path in (PROJECT / "fproc").rglob("*.py") if "__pycache__" not in path.parts]
    lost = {str(path.relative_to(PROJECT)): lost_modules(comments_of(path)) for path in sources}
    assert {path: modules for path, modules in lost.items() if modules} == {}


def test_every_module_that_a_folder_says_to_begin_with_is_there() -> None:
    for path in (PROJECT / "fproc").rglob("__init__.py"):
        text = comments_of(path)
        named = [name for name in DOTTED_SHORT.findall(text) if name.partition(".")[0] in NAMES]
        lost = {name for name in named if name.replace(".", "/") not in ENDS} - {"pipeline.json"}
        begins = re.findall(r"Begin\s+with\s+`(\w+)`", text)
        assert lost == set(), path
        assert [name for name in begins if not path.with_name(f"{name}.py").exists()] == [], path


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("in `fproc/values.py`, and in fproc/base/values.py", ["fproc/values.py"]),
        ("`web/api/nothing`, and `web/api/state`.", ["web/api/nothing"]),
        ("see test_nothing.py and tests/unit/test_house.py.", ["test_nothing.py"]),
        ("/etc/fproc/token, ~/.cache/fproc/x, `results/NAME`\n```sh\ncat fproc/no.py\n```\n", []),
    ],
)
def test_a_path_that_is_not_there_is_noticed(text: str, lost: list[str]) -> None:
    assert lost_paths(text) == lost


def test_a_module_that_is_not_there_is_noticed() -> None:
    text = "see fproc.crew, `fproc.run.chunked`, `fproc.base.times.nothing_of_it`, fproc.cli.main.main"
    assert lost_modules(text) == ["fproc.base.times.nothing_of_it", "fproc.crew"]
