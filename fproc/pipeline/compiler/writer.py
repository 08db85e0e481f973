"""Writing Python source: indented lines, and texts of the configuration as literals in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from string import Formatter

from fproc.base.errors import FprocError

DEEPEST = 90
"""How deep lines may be indented; Python's own limit is 100."""

TOO_LONG = "one line of nodes is too long"


class NotCompiledError(FprocError):
    """A graph has no compiled form; the message says why, and that is no fault of the graph."""


class Writer:
    """Lines of source, each indented as deep as it stands.

    Attributes:
        node: the node whose work the lines do that are added from now on, or None.
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
            NotCompiledError: it stands too deep.
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
        """Add all lines of another one, as deep as this one stands."""
        for line, self.node in zip(other._lines, other._nodes, strict=True):
            self(line)
        self.node = None

    def text(self) -> str:
        """The source."""
        return "\n".join(self._lines) + "\n"

    def nodes(self) -> list[str | None]:
        """Return whose work each line does, from the first one on."""
        return self._nodes


def comment(text: str) -> str:
    """A comment; what cannot stand in a line of source is escaped."""
    return "# " + text.encode("unicode_escape").decode("ascii")


class Names:
    """Readable variables, each given once, and none of those that are taken."""

    def __init__(self, taken: Collection[str]) -> None:
        self._uses = dict.fromkeys(taken, 1)

    def new(self, prefix: str, text: str = "") -> str:
        """`prefix_text`, with what of the text may be in a name, and a number behind it if that was given."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:30]
        base = f"{prefix}_{plain}" if plain else prefix
        uses = self._uses[base] = self._uses.get(base, 0) + 1
        return base if uses == 1 else self.new(f"{base}_{uses}")


def filled(template: str, places: Mapping[str, str]) -> str:
    """An f-string that fills a template (`{name}`, `{{`, `}}`) with expressions that have no quotes."""
    made = []
    for literal, place, _, _ in Formatter().parse(template):
        made.append("".join(map(_escaped, literal)))
        if place is not None:
            made.append("{" + places[place] + "}")
    return 'f"' + "".join(made) + '"'


def _escaped(char: str) -> str:
    if char in "{}":
        return char * 2
    if char in '"\\':
        return "\\" + char
    return char if char.isascii() and char.isprintable() else char.encode("unicode_escape").decode("ascii")
