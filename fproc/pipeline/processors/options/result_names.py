"""Which names results can have."""

from __future__ import annotations

STAGE_FOLDER = ".stage"
"""The one name in the results folder that no result can have: results are written in there."""

APPENDED = "/"
"""What the key of a result begins with, among those of a run, that the run's lines are appended to."""

_IMPOSSIBLE_PARTS = frozenset({"", ".", "..", STAGE_FOLDER})


def is_result_name(name: str) -> bool:
    """Return whether a result can have this name: folders below that of results, and a file in the last."""
    return "\0" not in name and not _IMPOSSIBLE_PARTS.intersection(name.split("/"))
