"""Configurations that are written as YAML, where PyYAML is installed: fproc itself needs no package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fproc.base.errors import ConfigError, Problem
from fproc.base.schema import Problems

SUFFIXES = (".yaml", ".yml")
"""How the name of such a configuration ends."""

MOST_NODES = 100_000
"""The most values in a configuration: aliases of aliases can make billions of a few lines."""


def is_yaml(path: str) -> bool:
    """Return whether the name of a configuration says that it is YAML."""
    return path.lower().endswith(SUFFIXES)


def parse_yaml(text: str, name: str, problems: Problems) -> Any:
    """Return the value of a YAML text, with the types that JSON has; a key that stands twice is a problem.

    Raises:
        ConfigError: it is not YAML, or PyYAML is not there.
    """
    try:
        yaml: Any = import_module("yaml")
    except ImportError as error:
        what = "is YAML, which needs the package PyYAML (Debian: python3-yaml)"
        raise ConfigError([Problem(name, what, "install it, or write the configuration as JSON")]) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        position = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ConfigError([Problem(position, f"not YAML: {error.problem or error.context}")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError([Problem(name, f"not YAML: {error}")]) from error
    return None if root is None else _Reader(yaml, name, problems).value(root)


class _Reader:
    """Makes values of the nodes that PyYAML has composed.

    Of plain scalars only those are no text that JSON has: `yes`, `on`, `0o7` and `2026-11-22` stay text.
    """

    def __init__(self, yaml: Any, name: str, problems: Problems) -> None:
        self._yaml = yaml
        self._name = name
        self._problems = problems
        self._left = MOST_NODES
        self._open: list[Any] = []

    def value(self, node: Any) -> Any:
        """Return the value of a node.

        Raises:
            ConfigError: it contains itself, or has too many values.
        """
        self._left -= 1
        if self._left < 0 or any(node is other for other in self._open):
            raise ConfigError([self._problem(node, "has an alias that never ends, or too many values")])
        self._open.append(node)
        if isinstance(node, self._yaml.MappingNode):
            made: Any = self._object(node)
        elif isinstance(node, self._yaml.SequenceNode):
            made = [self.value(item) for item in node.value]
        else:
            made = self._scalar(node)
        self._open.pop()
        return made

    def _object(self, node: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, self._yaml.ScalarNode):
                self._problems.append(self._problem(key_node, "a key must be text"))
                continue
            if key_node.value in made:
                what = f"the key {key_node.value!r} stands twice in one object"
                self._problems.append(self._problem(key_node, what, "keep one of them"))
            made[key_node.value] = self.value(value_node)
        return made

    def _scalar(self, node: Any) -> Any:
        import json  # noqa: PLC0415 - not for a configuration that is JSON

        text = str(node.value)
        if node.style is not None or node.tag == "tag:yaml.org,2002:str":
            return text
        if text in {"", "~", "null"}:
            return None
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return value if isinstance(value, bool | int | float) and value == value else text  # noqa: PLR0124 - NaN

    def _problem(self, node: Any, what: str, hint: str = "") -> Problem:
        mark = node.start_mark
        return Problem(f"{self._name}:{mark.line + 1}:{mark.column + 1}", what, hint)
