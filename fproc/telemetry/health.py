"""The health of fproc: one rule for `/health`, `/metrics`, `--status` and what an instance reports.

Health has two sources. A running fproc knows what blocks it (`Facts`; they are also in its file in
`.fproc/instances/`, where `--status` reads them). Any process can look at the disks (`Disks`). `judge`
combines both into one answer.

A new check is one line: an entry of `Facts.checks`, under a name of `CHECKS` or a new one. Its text is for
people: what is wrong, and what to do; "" while nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fproc.base.values import dataclass
from fproc.spool.checks.condition import Disks
from fproc.spool.locks.instance import Facts

CHECKS = ("intake", "folders", "disk", "workers")
"""The checks of every answer, in their order."""

OK, DEGRADED, STOPPING, STOPPED = "ok", "degraded", "stopping", "stopped"
"""All is well; something is not; every instance is about to exit; none is running."""

RUNNING_STATUSES = (OK, DEGRADED, STOPPING)
"""The statuses that a running fproc reports."""


@dataclass(frozen=True, slots=True)
class Health:
    """The answer: a status, and the result of each check."""

    status: str
    checks: Mapping[str, Mapping[str, Any]]

    @property
    def is_ok(self) -> bool:
        """Whether a supervisor has nothing to do."""
        return self.status == OK

    def troubles(self) -> list[str]:
        """Return the messages of the failing checks."""
        return [check["message"] for check in self.checks.values() if not check["ok"]]


def judge(instances: Sequence[Facts], disks: Disks) -> Health:
    """Return the health of fproc on one folder, from its running instances and from its disks."""
    messages: dict[str, list[str]] = {name: [] for name in CHECKS}
    for facts in instances:
        for name, message in (("intake", facts.trouble), *facts.checks.items()):
            messages.setdefault(name, []).append(message)
    messages["folders"] += disks.unusable
    messages["disk"].append(disks.short())
    checks = {name: _check(of_check) for name, of_check in messages.items()}
    for name, note in (item for facts in instances for item in facts.notes.items()):
        checks[name] = {**note, **checks.get(name, {"ok": True})}
    checks["disk"] |= {"free_bytes": disks.free_bytes, "total_bytes": disks.total_bytes}
    if not instances:
        return Health(STOPPED, checks)
    if all(facts.stopping for facts in instances):
        return Health(STOPPING, checks)
    return Health(OK if all(check["ok"] for check in checks.values()) else DEGRADED, checks)


def _check(messages: Sequence[str]) -> dict[str, Any]:
    """Return one check; a message that several instances share is shown once."""
    message = "; ".join(dict.fromkeys(filter(None, messages)))
    return {"ok": False, "message": message} if message else {"ok": True}
