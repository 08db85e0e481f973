"""Writing Python source: indented lines, and texts of the configuration as literals in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from string import Formatter
from typing import Any

from fproc.base.errors import FprocError
from fproc.pipeline.processors.objects import encode

DEEPEST = 90
"""How deep lines may be indented; Python's own limit is 100."""

TOO_LONG = "one line of nodes is too long"


class NotCompiledError(FprocError):
    """A graph has no compiled form; the message says why. The graph itself is sound."""


class Writer:
    """Lines of source, each indented by its depth.

    Attributes:
        node: the node whose work is done by the lines that are added from now on, or None.
    """

    def __init__(self) -> None:
        self.node: str | None = None
        self._lines: list[str] = []
        self._nodes: list[str | None] = []
        self._depth = 0

    def __call__(self, line: str) -> None:
        """Add a line."""
        self._lines.append("    " * self._depth + line)
        self._nodes.append(self.node)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """Add a line that opens a block, and indent what is added within.

        Raises:
            NotCompiledError: the block is nested too deep.
        """
        self(opening)
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotCompiledError(TOO_LONG)
        before = len(self._lines)
        yield
        if len(self._lines) == before:
            self("pass")
        self._depth -= 1

    def add(self, other: Writer) -> None:
        """Add all lines of another one, indented to the depth of this one."""
        for line, self.node in zip(other._lines, other._nodes, strict=True):
            self(line)
        self.node = None

    def text(self) -> str:
        """Return the source."""
        return "\n".join(self._lines) + "\n"

    def nodes(self) -> list[str | None]:
        """Return the node whose work each line does, from the first one on."""
        return self._nodes


def comment(text: str) -> str:
    """Return a comment, with what cannot be in a line of source escaped."""
    return "# " + text.encode("unicode_escape").decode("ascii")


class Names:
    """Readable names of variables: each one is new, and none is taken."""

    def __init__(self, taken: Collection[str]) -> None:
        self._uses = dict.fromkeys(taken, 1)

    def new(self, prefix: str, text: str = "") -> str:
        """Return `prefix_text`, as far as it may be in a name, with a number behind it if that is taken."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:30]
        base = f"{prefix}_{plain}" if plain else prefix
        uses = self._uses[base] = self._uses.get(base, 0) + 1
        return base if uses == 1 else self.new(f"{base}_{uses}")


def filled(template: str, expressions: Mapping[str, str]) -> str:
    """Return an f-string that fills a template (`{name}`, `{{`, `}}`) with expressions without quotes."""
    pieces = []
    for literal, name, _, _ in Formatter().parse(template):
        pieces.append("".join(map(_escaped, literal)))
        if name is not None:
            pieces.append("{" + expressions[name] + "}")
    return 'f"' + "".join(pieces) + '"'


def as_object(values: Mapping[str, str], constants: Mapping[str, Any], *, are_plain: bool) -> str:
    """Return an f-string for the JSON object with these fields, each with the variable of its value.

    Those that are no constants hold texts; if they are plain, they are written as they are.
    """
    literals, variables = ["{"], list[str]()
    for name, variable in values.items():
        if variable in constants:
            literals[-1] += f"{encode({name: constants[variable]})[1:-1]},"
            continue
        quote = '"' if are_plain else ""
        literals[-1] += encode({name: ""})[1:-3] + quote
        variables.append(variable if are_plain else f"as_json({variable})")
        literals.append(f"{quote},")
    literals[-1] = literals[-1].removesuffix(",") + "}"
    pieces = zip(literals, [*(f"{{{variable}}}" for variable in variables), ""], strict=True)
    return 'f"' + "".join(["".join(map(_escaped, literal)) + value for literal, value in pieces]) + '"'


def _escaped(char: str) -> str:
    if char in "{}":
        return char * 2
    if char in '"\\':
        return "\\" + char
    return char if char.isascii() and char.isprintable() else char.encode("unicode_escape").decode("ascii")
