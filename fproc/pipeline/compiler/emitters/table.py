"""Which emitter writes the code of which node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from fproc.pipeline.compiler.emitters.called import any_processor, user
from fproc.pipeline.compiler.emitters.common import Values
from fproc.pipeline.compiler.emitters.steps import step
from fproc.pipeline.compiler.generator import Emitters, Generator
from fproc.pipeline.compiler.site import Site, Terms

_HOMES = {
    "text": (
        *("filter", "drop_matching", "uppercase", "lowercase", "trim"),
        *("snakecase", "replace", "rewrite", "fields"),
    ),
    "routing": ("tag", "tag_field", "tag_prefix"),
    "counting": ("count", "join", "split", "tally"),
    "sinks": ("write", "stdout"),
}
"""The module whose `EMITTERS` has the built-in: it is imported once there is such a node."""

_Emit = Callable[[Generator, Site, Values], Terms]


class _LateEmitters(Mapping[str, _Emit]):
    """Emitters of the built-ins that have code of their own; every other one is called."""

    def __init__(self) -> None:
        self._modules = {name: module for module, names in _HOMES.items() for name in names}

    def __getitem__(self, name: str) -> _Emit:
        emit: _Emit = import_module(f"{__package__}.{self._modules[name]}").EMITTERS[name]
        return emit

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


EMITTERS = Emitters(_LateEmitters(), step, user, any_processor)
