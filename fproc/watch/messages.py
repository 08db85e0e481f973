"""What the loop, the pool and the workers tell each other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import Enum

from fproc.base.values import dataclass, field
from fproc.config.model import Config
from fproc.pipeline.tracing.observer import Observer
from fproc.run.attempt import WorkerDeath
from fproc.run.outcome import Outcome
from fproc.spool.job.claim import Origin
from fproc.spool.job.job import NotYet, RolledForward


class Why(Enum):
    """Why a name is worked on."""

    NEW = "new"  # it is ready in unprocessed/
    DUE = "due"  # it waits in underprocess/, and its time has come
    ORPHAN = "orphan"  # it lies in underprocess/, and nobody holds it
    DEATH = "death"  # the worker that had it has died


@dataclass(frozen=True, slots=True)
class Task:
    """A name to work on; `seen_version` is what `Spool.orphans` gave.

    `helpers` is how many more processes may be started for it, if its file is big. `waited_for` is the
    `not_before` that has passed by the parent's clock, or None. `was_closed` says that the kernel has told of
    the end of the input's writer.
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
    """A name that could not be worked on; or no name could be, if it is `of_machine`."""

    reason: str
    of_machine: bool


@dataclass(frozen=True, slots=True)
class NotBegun:
    """A task that its worker, which has left or died, was not running.

    One that died may have claimed the input, or be about to commit it.
    """

    has_died: bool = False


@dataclass(frozen=True, slots=True)
class TakenUp:
    """An input in `underprocess/`, of whose owner nothing was known, is worked on from now on."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a task; None if there was nothing to do, or someone else has it.

    That an input was `TakenUp` is no end: another report follows.
    """

    task: Task
    value: Outcome | RolledForward | NotYet | Trouble | NotBegun | TakenUp | None


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is told at its start. The callables are functions of modules, made in the worker.

    `places` are where modules are looked for, users' ones included; `spool` is the name of the one that is
    watched.
    """

    config: Config
    set_up_log: Callable[[], None]
    make_observer: Callable[[], Observer | None]
    places: Sequence[str] = field(default_factory=lambda: tuple(sys.path))
    spool: str = ""


class Ready:
    """A worker is there."""


class Leaving:
    """A worker was told to go, and does so without harm."""
