"""The files of a new folder: `pipeline.json`, the user's processor and a README."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

LINE_COLUMNS = 100
"""The most columns of a line of JSON that could be broken."""

OF_OBJECTS = '''\
"""Processors of this pipeline. A node names one of them by its path: `processors.tidy`."""

# import fproc  # for Reject and Retry


def tidy(record):
    """Remove blanks around the texts of a record, which is a dict as the node says `"as": "dict"`.

    Return the record, or None to drop it. `raise fproc.Reject("why")` sets a line aside, and
    `raise fproc.Retry("why")` has the file tried again later. Options of the node's "config" are
    passed as keywords: def tidy(record, limit=10).
    """
    for name, value in record.items():
        if isinstance(value, str):
            record[name] = value.strip()
    return record
'''

OF_LINES = '''\
"""Processors of this pipeline. A node names one of them by its path: `processors.tidy`."""

# import fproc  # for Reject and Retry


def tidy(line):
    """Remove blanks at the end of a line.

    Return the new line, or None to drop it. `raise fproc.Reject("why")` sets a line aside, and
    `raise fproc.Retry("why")` has the file tried again later. Options of the node's "config" are
    passed as keywords: def tidy(line, limit=10).
    """
    return line.rstrip()
'''


def readme(what: str, makes: str, commands: Sequence[tuple[str, str]]) -> str:
    """Return the README: what the pipeline is for, its files, and commands with what they do."""
    width = max(len(command) for command, _ in commands)
    lines = [f"{command:{width}}  # {does}" for command, does in commands]
    return "\n".join(
        [
            "# A pipeline of fproc",
            "",
            f"It takes {what}, and makes {makes}.",
            "",
            "- `pipeline.json`: the nodes that lines go through, and an example that `--check` runs",
            "- `processors.py`: a processor of your own, to change or to remove with its node",
            "",
            "In this folder:",
            "",
            "```sh",
            *lines,
            "```",
            "",
            "`--processors` lists what else a node may do, `--processors NAME` shows one with an example.",
            "",
        ]
    )


def pretty_json(value: Any, indent: str = "") -> str:
    """Return JSON as people write it: what fits into a line is in one."""
    flat = json.dumps(value, ensure_ascii=False)
    inner = f"{indent}  "
    if len(inner) + len(flat) <= LINE_COLUMNS or not isinstance(value, dict | list):
        return flat
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {pretty_json(item, inner)}"
            for key, item in value.items()
        ]
        begin, end = "{", "}"
    else:
        parts = [pretty_json(item, inner) for item in value]
        begin, end = "[", "]"
    return f"{begin}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{end}"
