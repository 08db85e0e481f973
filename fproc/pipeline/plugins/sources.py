"""The source of users' modules, as it was when the pipeline was loaded.

Workers are started at any time, and each imports users' modules for itself. Lest one of them run what was
written to the disk meanwhile, an import from a plugin folder keeps the source that it read, and a new process
gets it from the one that starts it. Bytecode files are not used for that: they belong to what is on the disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType

from fproc.base.own_code import IMPORTERS
from fproc.base.values import dataclass, field


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """The source of a module."""

    path: str
    code: bytes


@dataclass(frozen=True, slots=True)
class PluginSources:
    """The folders that users' modules are imported from, and the source of each that was, by its name."""

    folders: tuple[str, ...] = ()
    modules: Mapping[str, ModuleSource] = field(default_factory=dict)


class _Loader(SourceFileLoader):
    """Loads a module from the source that was given for it, or from its file, whose source it then keeps."""

    def get_data(self, path: str) -> bytes:
        if path != self.path:
            return super().get_data(path)
        given = _finder.given.get(self.name)
        if given is not None:
            return given.code
        code = super().get_data(path)
        _finder.loaded[self.name] = ModuleSource(path, code)
        return code

    def path_stats(self, path: str) -> Mapping[str, float]:
        """Raise an error: so the source is compiled, and no bytecode is read or written."""
        raise OSError(f"{path} is compiled each time")


class _Finder:
    """Finds what other finders find on `sys.path`, and has modules of plugin folders loaded by `_Loader`."""

    def __init__(self) -> None:
        self.folders: list[str] = []
        self.added: list[str] = []
        self.given: dict[str, ModuleSource] = {}
        self.loaded: dict[str, ModuleSource] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        given = self.given.get(name)
        if given is not None:
            return spec_from_file_location(name, given.path, loader=_Loader(name, given.path))
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and self._is_users(name, spec.origin):
            spec.loader = _Loader(name, spec.loader.path)
        return spec

    def _is_users(self, name: str, origin: str | None) -> bool:
        """Return whether a module lies in a plugin folder, rather than in an environment below one."""
        parts = name.split(".")
        ends = (os.path.join("", *parts) + ".py", os.path.join("", *parts, "__init__.py"))
        return any(
            origin == os.path.join(folder, end)
            for folder in self.folders
            for end in ends
            if origin is not None
        )


_finder = _Finder()
IMPORTERS.add(__name__)


def add_plugin_folder(folder: str) -> None:
    """Make the modules in a folder importable; the standard library keeps precedence over them."""
    _watch(folder)
    if folder not in sys.path:
        sys.path.append(folder)
        _finder.added.append(folder)


def kept_sources() -> PluginSources:
    """Return the source of users' modules that this process has loaded."""
    return PluginSources(tuple(_finder.folders), {**_finder.loaded, **_finder.given})


def use_sources(sources: PluginSources) -> None:
    """Load users' modules from these sources from now on, whatever is on the disk."""
    for folder in sources.folders:
        _watch(folder)
    _finder.given.update(sources.modules)


@contextmanager
def modules_given(modules: Mapping[str, ModuleSource]) -> Iterator[None]:
    """Let users' modules be imported that are nowhere on the disk yet, and forget them afterwards."""
    before = dict(_finder.given)
    _finder.given.update(modules)
    try:
        yield
    finally:
        _finder.given.clear()
        _finder.given.update(before)
        for name in modules:
            sys.modules.pop(name, None)


def own_search_path() -> list[str]:
    """Return where modules are searched, apart from plugin folders."""
    return [folder for folder in sys.path if folder not in _finder.added]


def loaded_source(path: str) -> bytes:
    """Return the source of a loaded module by its path, as it was loaded if that is known.

    Raises:
        OSError: it cannot be read.
    """
    kept = next((module.code for module in kept_sources().modules.values() if module.path == path), None)
    if kept is not None:
        return kept
    with open(path, "rb") as file:
        return file.read()


def _watch(folder: str) -> None:
    if folder not in _finder.folders:
        _finder.folders.append(folder)
    if _finder not in sys.meta_path:
        at = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
        sys.meta_path.insert(at, _finder)
