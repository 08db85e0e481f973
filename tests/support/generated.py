"""What documents say that is declared in code. `make generate` writes it; a test tells what is stale.

A document has it between two comments, `<!-- generated: NAME -->` and `<!-- end of NAME -->`; what stands
around them is written by hand. `PARTS` has a function for each name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from fproc.web.api.gauges import GAUGES

PROJECT = Path(__file__).parents[2]
COMMAND = "make generate"

_PART = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end of (?P=name) -->\n)", re.DOTALL
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


def metrics() -> str:
    """Return the table of what `/metrics` has."""
    rows = [(f"`{gauge.full_name}`", gauge.type, f"{gauge.help} {gauge.note}".rstrip()) for gauge in GAUGES]
    return table(("metric", "type", "means"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "metrics": metrics,
}


def documents(project: Path) -> list[Path]:
    """Return the documents that may have generated parts."""
    return [project / "README.md", *sorted((project / "docs").rglob("*.md"))]


def renewed(text: str) -> str:
    """Return a document with its generated parts as they should be."""

    def part(found: re.Match[str]) -> str:
        return found["begin"] + PARTS[found["name"]]() + found["end"]

    return _PART.sub(part, text)


def stale(project: Path) -> dict[Path, str]:
    """Return the files that say something else than the code, with what they should say."""
    found = {path: (path.read_text("utf-8"), renewed(path.read_text("utf-8"))) for path in documents(project)}
    return {path: right for path, (is_now, right) in found.items() if is_now != right}


def main() -> None:
    """Write what is stale anew, and say which files those are."""
    for path, text in stale(PROJECT).items():
        path.write_text(text, "utf-8")
        print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main()
