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

from fproc.base.values import dataclass
from fproc.spool.checks.condition import Disks
from fproc.spool.locks.instance import Facts

CHECKS = ("intake", "folders", "disk", "workers")
"""The checks that every answer has, in their order."""

OK, DEGRADED, STOPPING, STOPPED = "ok", "degraded", "stopping", "stopped"
"""All is well; something is not; every instance is about to exit; none is running."""

RUNNING_STATUSES = (OK, DEGRADED, STOPPING)
"""What a running fproc says of itself."""


@dataclass(frozen=True, slots=True)
class Health:
    """The answer: a status, and what each check has found."""

    status: str
    checks: Mapping[str, Mapping[str, Any]]

    @property
    def is_ok(self) -> bool:
        """Whether a supervisor should be content."""
        return self.status == OK

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
        return Health(STOPPED, checks)
    if all(facts.stopping for facts in instances):
        return Health(STOPPING, checks)
    return Health(OK if all(check["ok"] for check in checks.values()) else DEGRADED, checks)


def _check(messages: Sequence[str]) -> dict[str, Any]:
    """Return one check; what several instances say alike is said once."""
    message = "; ".join(dict.fromkeys(filter(None, messages)))
    return {"ok": False, "message": message} if message else {"ok": True}
