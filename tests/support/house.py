"""The rules of the house, as functions of a project's folder: each gives the places that break it."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

MOST_ENTRIES = 11
"""How many modules and folders one folder may hold."""

MOST_LINES = 400
"""How long a file may be."""

_SUFFIXES = {".py", ".js", ".css", ".html"}
_NOT_COUNTED = {"__init__.py", "__main__.py", "py.typed", "__pycache__"}
_NOT_OURS = {".git", ".venv", ".tox", "build", "dist", "watch_dir", "node_modules"}

_FOLDER_CALLS = ("rename", "replace", "renames", "unlink", "remove", "link", "symlink", "rmdir", "removedirs")
HOMES = {
    "fproc/spool/": {
        *(f"os.{name}" for name in (*_FOLDER_CALLS, "fsync", "fdatasync", "sync")),
        *("fcntl.flock", "fcntl.lockf", "shutil", "pathlib"),
    },
    "fproc/telemetry/history": {"sqlite3"},
    "fproc/process/children.py": {"subprocess"},
    "fproc/process/ipc.py": {"pickle"},
    "nowhere": {"multiprocessing", "select.select"},
}
"""What only the named folder or module may use, by the name of the call or of the module that has it."""


class House:
    """The package of a project, read as source.

    Args:
        project: the folder that has `fproc/` and `docs/ARCHITECTURE.md`.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self.package = project / "fproc"

    @cached_property
    def sources(self) -> dict[str, Path]:
        """The files of all modules by import path, but for two that are no part of a running fproc."""
        return {
            _module_of(path.relative_to(self.project)): path
            for path in sorted(self.package.rglob("*.py"))
            if path.relative_to(self.package).as_posix() not in {"pyz/boot.py", "pyz/build.py"}
        }

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """All modules, parsed."""
        return {module: _parsed(path.read_text("utf-8")) for module, path in self.sources.items()}

    @cached_property
    def imports(self) -> set[tuple[str, str]]:
        """Which module imports which: lazily, for types only, or by its path in a text, too."""
        return {
            (module, imported)
            for module, tree in self.trees.items()
            for node in _nodes(tree)
            for imported in self._imported(node)
            if imported != module
        }

    def _imported(self, node: ast.AST) -> Iterator[str]:
        """The modules of fproc that a statement imports, or that a text such as `"fproc.run.main"` names."""
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fproc":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in self.sources else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "fproc")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parent, _, name = node.value.rpartition(".")
            if parent in self.sources and name.isidentifier():
                yield parent

    @cached_property
    def order(self) -> list[str]:
        """Folders and modules in the order of the table in docs/ARCHITECTURE.md, the inner ones first."""
        text = (self.project / "docs" / "ARCHITECTURE.md").read_text("utf-8")
        found = []
        for row in re.findall(r"^\| `([a-z]+)/` \|(.*?)\|", text, re.MULTILINE):
            folder, inside = row
            found += [f"fproc.{folder}.{name}" for name in re.findall(r"`([a-z_]+)/?`", inside)]
            found.append(f"fproc.{folder}")
        return found

    def rank(self, module: str) -> int:
        """Where a module stands in the order."""
        if module in {"fproc", "fproc.__main__"}:
            return 0 if module == "fproc" else len(self.order)
        names = [name for name in self.order if module == name or module.startswith(f"{name}.")]
        assert names, f"{module} is in no folder of the table in docs/ARCHITECTURE.md"
        return self.order.index(max(names, key=len))


@cache
def _parsed(text: str) -> ast.Module:
    """A source as a tree; most modules of a changed copy are those of the original."""
    return ast.parse(text)


@cache
def _nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """The nodes of a source that rules look at, wherever in it they are."""
    kinds = (ast.Import, ast.ImportFrom, ast.Constant, ast.Attribute)
    return tuple(node for node in ast.walk(tree) if isinstance(node, kinds))


def _module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def unlisted(house: House) -> list[str]:
    """Modules and folders that are missing in a row which says what comes in which order."""
    listed = {name.rpartition(".")[0] for name in house.order if name.count(".") > 1}
    return [
        module
        for module in house.sources
        for parent in [".".join(module.split(".")[:2])]
        if parent in listed and module != parent
        if not any(module == name or module.startswith(f"{name}.") for name in house.order if name != parent)
    ]


def upward_imports(house: House) -> list[str]:
    """Imports of something that comes later in the order."""
    return [
        f"{module} -> {imported}"
        for module, imported in sorted(house.imports)
        if house.rank(imported) > house.rank(module)
    ]


def circles(house: House) -> list[list[str]]:
    """Modules that import each other, over whatever others."""
    known = defaultdict(set)
    for module, imported in house.imports:
        known[module].add(imported)
    reached = {module: _reached(module, known) for module in house.sources}
    groups = {
        tuple(sorted(other for other in reached[module] if module in reached.get(other, ())))
        for module in house.sources
    }
    return sorted(list(group) for group in groups if group)


def _reached(module: str, known: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    left = [module]
    while left:
        new = known.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def crowded_folders(house: House) -> list[str]:
    """Folders with more entries than a person takes in at once."""
    folders = [house.package, *(path for path in house.package.rglob("*") if path.is_dir())]
    counts = {
        folder: sum(map(_counts, folder.iterdir())) for folder in folders if "__pycache__" not in folder.parts
    }
    return [
        f"{folder.relative_to(house.project)}: {count}"
        for folder, count in counts.items()
        if count > MOST_ENTRIES
    ]


def _counts(entry: Path) -> bool:
    """Whether an entry is one that a person sees; bytecode that outlived its modules is none."""
    if entry.name in _NOT_COUNTED:
        return False
    return entry.is_file() or any(
        path.is_file() for path in entry.rglob("*") if "__pycache__" not in path.parts
    )


def long_files(house: House) -> list[str]:
    """Files of ours, those of tests included, that are longer than a person reads at once."""
    found = []
    for above, folders, names in os.walk(house.project):
        folders[:] = set(folders) - _NOT_OURS
        for path in (Path(above, name) for name in names):
            lines = path.read_text("utf-8").count("\n") if path.suffix in _SUFFIXES else 0
            found += [f"{path.relative_to(house.project)}: {lines}"] if lines > MOST_LINES else []
    return sorted(found)


def doubled_names(house: House) -> list[str]:
    """Public classes and functions of modules that are called alike."""
    places = defaultdict(list)
    for module, tree in house.trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    return [f"{name}: {', '.join(modules)}" for name, modules in sorted(places.items()) if len(modules) > 1]


def strayed_calls(house: House) -> list[str]:
    """Uses of what has one home elsewhere, however it was imported."""
    found = []
    for module, tree in house.trees.items():
        place = house.sources[module].relative_to(house.project).as_posix()
        used = set(_used(tree))
        for home, names in HOMES.items():
            if not place.startswith(home):
                found += [f"{place}: {name}" for name in sorted(used & names)]
    return found


def _used(tree: ast.Module) -> Iterator[str]:
    """Names of modules that a file imports, and the full names of what it takes out of them."""
    known: dict[str, str] = {}
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name] = alias.name
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for node in _nodes(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield f"{known[node.value.id]}.{node.attr}"
