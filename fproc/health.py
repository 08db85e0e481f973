"""Whether all is well: one rule for `/health`, `/metrics`, `--status` and what an instance says of itself.

What is known comes from two sides. A running fproc knows what stands in its way (`Facts`; they also stand in
its file in `.fproc/instances/`, so that `--status` has them). Anybody can look at the disks (`Disks`).
`judge` makes one answer of both.

A new check is one line: an entry of `Facts.checks`, under a name of `CHECKS` or a new one. Its text is for
people: what is wrong, and what to do; "" while nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fproc.errors import counted, shown
from fproc.values import asdict, dataclass, field

LEAST_FREE_BYTES = 10 * 1024 * 1024
"""With less free space than this a disk is as good as full."""

CHECKS = ("intake", "folders", "disk", "workers")
"""The checks that every answer has, in their order."""

MOST_NAMES = 100
"""How many names in trouble an instance tells of."""

SHOWN_NAMES = 5
"""How many of them stand in a message."""


def named(troubles: Mapping[str, str], more: int = 0) -> str:
    """Return what is wrong with names, of which there are so many `more`: the first few, and a count."""
    names = [f"{shown(name)}: {why}" for name, why in list(troubles.items())[:SHOWN_NAMES]]
    more += len(troubles) - len(names)
    return "; ".join([*names, *([f"and {counted(more, 'more name')} in trouble"] if more else [])])


@dataclass(frozen=True, slots=True)
class Facts:
    """What a running fproc knows of how it does.

    Attributes:
        paused: what pauses intake, or "".
        stopping: whether it is about to exit.
        names: inputs that cannot be worked with, and why; `MOST_NAMES` at most.
        more_names: how many more there are.
        checks: what else is wrong, by the name of a check.
    """

    paused: str = ""
    stopping: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    more_names: int = 0
    checks: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Any) -> Facts:
        """Return what an instance wrote into its file; one that wrote nothing, on a full disk, is well."""
        value = said if isinstance(said, dict) else {}
        more = value.get("more_names")
        return cls(
            paused=_text(value.get("paused")),
            stopping=value.get("stopping") is True,
            names=_texts(value.get("names")),
            more_names=more if isinstance(more, int) else 0,
            checks=_texts(value.get("checks")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON value that `of` takes."""
        return asdict(self)

    @property
    def trouble(self) -> str:
        """All that keeps inputs from being taken, in one message, or ""."""
        return "; ".join(filter(None, [self.paused, named(self.names, self.more_names)]))


@dataclass(frozen=True, slots=True)
class Disks:
    """What a look at the folders and their disks finds.

    Attributes:
        unusable: what is wrong with the folders, a message each.
        free_bytes: how much is free on the fuller disk; None where the system does not say.
        total_bytes: how large that disk is.
    """

    unusable: Sequence[str] = ()
    free_bytes: int | None = None
    total_bytes: int | None = None

    def short(self) -> str:
        """Return a message if the space runs out, or ""."""
        if self.free_bytes is None or self.free_bytes >= LEAST_FREE_BYTES:
            return ""
        return f"only {self.free_bytes / 10**6:.1f} MB are free; make room"


@dataclass(frozen=True, slots=True)
class Health:
    """The answer: `ok`, `degraded`, `stopping` (every instance is) or `stopped` (none is running)."""

    status: str
    checks: Mapping[str, Mapping[str, Any]]

    @property
    def is_ok(self) -> bool:
        """Whether a supervisor should be content."""
        return self.status == "ok"

    def troubles(self) -> list[str]:
        """Return the messages of the checks that fail."""
        return [check["message"] for check in self.checks.values() if not check["ok"]]


def judge(instances: Sequence[Facts], disks: Disks) -> Health:
    """Return how fproc does on one folder, by what its running instances and a look at the disks say."""
    said: dict[str, list[str]] = {name: [] for name in CHECKS}
    for facts in instances:
        for name, message in (("intake", facts.trouble), *facts.checks.items()):
            said.setdefault(name, []).append(message)
    said["folders"] += disks.unusable
    said["disk"].append(disks.short())
    checks = {name: _check(messages) for name, messages in said.items()}
    checks["disk"] |= {"free_bytes": disks.free_bytes, "total_bytes": disks.total_bytes}
    if not instances:
        return Health("stopped", checks)
    if all(facts.stopping for facts in instances):
        return Health("stopping", checks)
    return Health("ok" if all(check["ok"] for check in checks.values()) else "degraded", checks)


def _check(messages: Sequence[str]) -> dict[str, Any]:
    """Return one check; what several instances say alike is said once."""
    message = "; ".join(dict.fromkeys(filter(None, messages)))
    return {"ok": False, "message": message} if message else {"ok": True}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> dict[str, str]:
    return {name: _text(text) for name, text in value.items()} if isinstance(value, dict) else {}
