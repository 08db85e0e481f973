"""When pipeline or version changed, and what of them: a row for each change, in the order of loading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise

from fproc.base.values import dataclass
from fproc.telemetry.events import bytes_of
from fproc.telemetry.history.database import Database

MOST_CHANGES = 1000
"""How many changes are kept at most."""

_IS_LAST = """SELECT 1 FROM (SELECT pipeline, version FROM pipelines ORDER BY id DESC LIMIT 1)
    WHERE pipeline = CAST(? AS TEXT) AND version = CAST(? AS TEXT)"""
_INSERT = f"""INSERT INTO pipelines (time, pipeline, version, parts)
    SELECT ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT) WHERE NOT EXISTS ({_IS_LAST})"""
_TRIM = "DELETE FROM pipelines WHERE id <= (SELECT max(id) FROM pipelines) - ?"
_SINCE = """SELECT time, pipeline, version, parts FROM pipelines
    WHERE id >= coalesce((SELECT max(id) FROM pipelines WHERE time < :since), 0) ORDER BY id"""


@dataclass(frozen=True, slots=True)
class LoadedPipeline:
    """A pipeline that was loaded, in seconds since 1970, by its short fingerprint, and fproc's version.

    `parts` has a digest of each thing that the pipeline consists of, by what people call it.
    """

    time: float
    pipeline: str
    version: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PipelineChange:
    """A pipeline that was loaded after another one, and what differs, in words."""

    before: LoadedPipeline
    after: LoadedPipeline

    def differences(self) -> list[str]:
        """Return what differs, each in a few words; no values, which may be secret."""
        old, new = self.before.parts, self.after.parts
        changed = [f"{name} changed" for name in new if old.get(name, new[name]) != new[name]]
        added = [f"{name} is new" for name in new if name not in old]
        removed = [f"{name} is gone" for name in old if name not in new]
        versions = self.before.version, self.after.version
        updated = [] if versions[0] == versions[1] else ["fproc {} -> {}".format(*versions)]
        return [*updated, *changed, *added, *removed]


class PipelineLog:
    """The pipelines that were loaded by whoever writes to one history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, loaded: LoadedPipeline) -> None:
        """Record a pipeline that was loaded, unless it is the last one that is recorded."""
        pipeline, version = bytes_of(loaded.pipeline), bytes_of(loaded.version)
        parts = bytes_of(json.dumps(loaded.parts))
        row = (loaded.time, pipeline, version, parts, pipeline, version)
        self._database.write((_INSERT, [row]), (_TRIM, [(MOST_CHANGES,)]))

    def changes(self, since: float) -> list[PipelineChange]:
        """Return the changes since a time, oldest first."""
        return [
            PipelineChange(before, after)
            for before, after in pairwise(self._loaded(since))
            if after.time >= since
        ]

    def _loaded(self, since: float) -> Iterator[LoadedPipeline]:
        """Yield what was loaded since a time, after the last one before."""
        for time, pipeline, version, parts in self._database.ask(_SINCE, {"since": since}):
            yield LoadedPipeline(time, pipeline, version, _parts_of(parts))


def _parts_of(text: str) -> Mapping[str, str]:
    """Return the parts as they were written; none if something else wrote them."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return {str(name): str(digest) for name, digest in value.items()} if isinstance(value, dict) else {}
