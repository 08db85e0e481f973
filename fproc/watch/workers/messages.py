"""The messages between the loop, the pool and the workers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from fproc.base.values import dataclass, field
from fproc.config.model import Config
from fproc.pipeline.plugins.sources import PluginSources, kept_sources
from fproc.pipeline.tracing.observer import Observer
from fproc.run.attempt import WorkerDeath
from fproc.run.outcome import Outcome
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Origin
from fproc.spool.job.job import RolledForward


class Why(Enum):
    """The reason why a name is worked on."""

    NEW = "new"  # it is ready in unprocessed/
    DUE = "due"  # it waits in underprocess/, and its time has come
    ORPHAN = "orphan"  # it lies in underprocess/, and nobody holds it
    DEATH = "death"  # the worker that had it has died


@dataclass(frozen=True, slots=True)
class Task:
    """A name to work on; `seen_version` is the one that `Spool.orphans` returned.

    `helpers` is how many more processes may be started for it, if its file is big. `waited_for` is the
    `not_before` that has passed by the parent's clock, or None. `was_closed` says that the kernel has
    reported that the input's writer closed it.
    """

    name: str
    why: Why
    death: WorkerDeath | None = None
    seen_version: str = ""
    helpers: int = field(default=0, compare=False)
    waited_for: float | None = field(default=None, compare=False)
    was_closed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """The reason why a name could not be worked on, or why no name could, if it is `of_host`."""

    reason: str
    of_host: bool


@dataclass(frozen=True, slots=True)
class NotBegun:
    """A task that was not running when its worker left or died.

    A worker that died may have claimed the input, or have been about to commit it.
    """

    has_died: bool = False


@dataclass(frozen=True, slots=True)
class TakenUp:
    """An orphan in `underprocess/` is worked on from now on."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a task; None if there was nothing to do, or another process has the input.

    `TakenUp` is not the end of a task: another report follows.
    """

    task: Task
    value: Outcome | RolledForward | NotYet | Trouble | NotBegun | TakenUp | None


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings of a new worker. The callables are functions of modules, imported in the worker.

    `search_path` is where modules are searched, users' ones included. `sources` are those of users' modules,
    and `tables` the digests of tables, as the pipeline with this `fingerprint` has them. `spool` is the name
    of the watched one.
    """

    config: Config
    set_up_log: Callable[[], None]
    make_observer: Callable[[], Observer | None]
    search_path: Sequence[str] = field(default_factory=lambda: tuple(sys.path))
    spool: str = ""
    sources: PluginSources = field(default_factory=kept_sources)
    fingerprint: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)


class Ready:
    """The message that a worker has started."""


class Leaving:
    """The message that a worker was told to leave, and does so in good order."""
