"""What documents say that is declared in code. `make generate` writes it; a test tells what is stale.

A document has it between two comments, `<!-- generated: NAME -->` and `<!-- end of NAME -->`; what stands
around them is written by hand. `PARTS` has a function for each name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from fproc.cli.arguments.options import OPTIONS, TOKEN_VARIABLE, CommandOption
from fproc.cli.arguments.table import ACTIONS, Action
from fproc.config.declaration import Setting
from fproc.config.model import SETTINGS
from fproc.pipeline.processors.base import Builtin
from fproc.pipeline.processors.builtins import FAMILIES
from fproc.pipeline.processors.options.kinds import in_words
from fproc.pipeline.processors.parsers.grok import KNOWN_PATTERNS
from fproc.web.api.gauges import GAUGES
from tests.support.described import DESCRIPTION, described, queries
from tests.support.project import PROJECT

COMMAND = "make generate"

_PART = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end of (?P=name) -->\n)", re.DOTALL
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def actions() -> str:
    """Return the table of what fproc can be asked to do."""
    rows = [(_synopsis(action), action.meaning or action.help) for action in ACTIONS]
    rows.append(("`--version`, `--help`", "say which version this is, or what there is"))
    return table(("action", "does"), rows)


def _synopsis(action: Action) -> str:
    """Return an action's option with its value, as `--help` shows it: `--input PATH...`."""
    takes = action.takes
    if "choices" in takes:
        return f"`{action.flag}` `[{', '.join(takes['choices'])}]`"
    value = takes.get("metavar", "")
    shown = {"+": f" {value}...", "*": f" [{value}...]"}.get(takes.get("nargs", ""), f" {value}")
    return f"`{action.flag}{shown.rstrip()}`"


def options() -> str:
    """Return the table of the options that go with actions."""
    return table(("option", "means"), ((_with_value(option), _meaning(option)) for option in OPTIONS))


def _meaning(option: CommandOption) -> str:
    """Return what an option means, and with which actions if only with some."""
    text = option.meaning or option.help
    homes = sorted(f"`{action.flag}`" for action in ACTIONS if option.flag in action.options)
    return text if not homes or text.startswith("with ") else f"with {' or '.join(homes)}: {text}"


def _with_value(option: CommandOption) -> str:
    if option.choices:
        return f"`{option.flag} {'` or `'.join(option.choices)}`"
    return f"`{option.flag} {option.metavar}".rstrip() + "`"


def variables() -> str:
    """Return the table of the environment variables."""
    rows = [(f"`{option.variable}`", f"`{option.flag}`") for option in OPTIONS if option.variable]
    rows += [
        (f"`{setting.key.variable}`", f"`{setting.name}` in `pipeline.json`" + _of_secret(setting))
        for setting in SETTINGS
        if setting.key.variable and not setting.key.flag.name
    ]
    token = "the dashboard's token, see [DASHBOARD.md](DASHBOARD.md#who-may-ask)"
    return table(("variable", "is the same as"), [*rows, (f"`{TOKEN_VARIABLE}`", token)])


def _of_secret(setting: Setting) -> str:
    return "; for a secret, which had better not stand there" if setting.key.is_secret else ""


def keys() -> str:
    """Return the table of the keys of a configuration."""
    rows = [(f"`{setting.name}`", _default(setting), setting.key.help) for setting in SETTINGS]
    return table(("key", "default", "means"), rows)


def _default(setting: Setting) -> str:
    """Return a key's default in words."""
    default = setting.default
    if setting.key.is_required or setting.key.default_text:
        return setting.key.default_text or "required"
    if default is None or default == ():
        return "none"
    if isinstance(default, tuple):
        return ", ".join(f"`{entry}`" for entry in default)
    return f"`{default}`" if isinstance(default, str) else json.dumps(default).removesuffix(".0")


def metrics() -> str:
    """Return the table of what `/metrics` has."""
    rows = [(f"`{gauge.full_name}`", gauge.type, f"{gauge.help} {gauge.note}".rstrip()) for gauge in GAUGES]
    return table(("metric", "type", "means"), rows)


def built_ins() -> str:
    """Return the section of each built-in processor."""
    sections = [
        f"## {family}\n\n" + "\n".join(_built_in(name, builtin) for name, builtin in entries.items())
        for family, entries in FAMILIES.items()
    ]
    return "\n" + "\n".join(sections) + "\n"


def _built_in(name: str, builtin: Builtin) -> str:
    config, lines_in, lines_out = builtin.example
    rows = [
        (
            f"`{key}` ({in_words(option.kind)})",
            option.meaning,
            "required" if option.required else _json(option.default),
        )
        for key, option in builtin.options.items()
    ]
    options = table(("option", "what", "default"), rows) + "\n" if rows else ""
    example = "\n".join(
        ["in:", *(f"    {line}" for line in lines_in), "out:", *(f"    {line}" for line in lines_out)]
    )
    return (
        f"### `{name}`\n\n{builtin.summary}\n\n{options}"
        f"Example, with `{json.dumps(config)}`:\n\n```text\n{example}\n```\n"
    )


def patterns() -> str:
    """Return the table of known patterns."""
    cell = {name: pattern.replace("|", "\\|") for name, pattern in KNOWN_PATTERNS.items()}
    return table(("pattern", "is"), ((f"`{name}`", f"`{pattern}`") for name, pattern in cell.items()))


def _json(default: Any) -> str:
    """Return a default as it would be written; "" where there is none."""
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"


def query() -> str:
    """Return the table of what may stand in a query."""
    text = (PROJECT / DESCRIPTION).read_text("utf-8")
    return table(("query", "of", "means"), queries(described(text)))


PARTS: dict[str, Callable[[], str]] = {
    "actions": actions,
    "options": options,
    "variables": variables,
    "keys": keys,
    "metrics": metrics,
    "query": query,
    "built-ins": built_ins,
    "patterns": patterns,
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
    makers = {**dict.fromkeys(documents(project), renewed), project / DESCRIPTION: described}
    found = {path: (text := path.read_text("utf-8"), make(text)) for path, make in makers.items()}
    return {path: right for path, (is_now, right) in found.items() if is_now != right}


def main() -> None:
    """Write what is stale anew, and say which files those are."""
    for path, text in stale(PROJECT).items():
        path.write_text(text, "utf-8")
        print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main()
