"""A spool in a folder of its own, in which a process dies or loses power at a call that is counted."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from fproc.base.values import replace
from fproc.pipeline.plan import Plan
from fproc.spool.disk.disk import Disk
from fproc.spool.job.unjournaled import UnjournaledDisk
from fproc.spool.spool import Spool
from fproc.watch.loop import Watcher
from tests.support.helpers import Nodes, plan_of
from tests.support.spool.crashes import BrokenDisk, Crash, UnjournaledBrokenDisk, inputs, look
from tests.support.spool.inline import watcher
from tests.support.spool.power import STAGES, PowerDisk, UnjournaledPowerDisk
from tests.support.spool.scenarios import Scenario, inputs_of

PLAIN: dict[str, Any] = {"intake": {"ready": "rename"}, "retry": {"max_attempts": 1}}


@cache
def _plan(text: str) -> Plan:
    nodes, config = json.loads(text)
    return plan_of(nodes, **config)


def planned(nodes: Nodes, folder: str, **config: Any) -> Plan:
    """The plan of a pipeline over a watched folder, made once for all folders: sweeps have many.

    As in a worker, what was compiled for one file is there for the next.
    """
    plan = _plan(json.dumps([nodes, config]))
    results = os.path.join(folder, "results")
    return replace(plan, config=replace(plan.config, watch_dir=folder, results_dir=results))


class Place:
    """One spool, set up for a scenario."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.folder = str(folder)
        self.scenario = scenario
        self.now = 0.0
        self.plan = planned(scenario.nodes, self.folder, **{**PLAIN, **scenario.config})
        Spool(self.plan.config)
        self.put(scenario.earlier)
        self.put(scenario.dropped)

    def put(self, contents: dict[str, str]) -> None:
        for path, content in contents.items():
            target = Path(self.folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)

    def watcher(self, disk: Disk) -> Watcher:
        spool = Spool(self.plan.config, disk=disk, monotonic=lambda: self.now)
        if self.scenario.alone:
            spool._groups = None
        return watcher(spool, self.plan, monotonic=lambda: self.now)

    def crash(self, calls: int) -> bool:
        """Run until call number `calls`; whether that came."""
        disk = BrokenDisk(calls) if self.scenario.has_journal else UnjournaledBrokenDisk(calls)
        try:
            self.watcher(disk).turn()
        except Crash:
            return True
        finally:
            disk.die()
        return False

    def loses_power(self, disk: PowerDisk) -> bool:
        """Run until a disk's last call, then lose all that was not made durable; whether that came."""
        try:
            self.watcher(disk).turn()
        except Crash:
            disk.lose_power()
            return True
        disk.die()
        return False

    def lose_power(self, calls: int) -> bool:
        """Run until call number `calls`, then lose all that was not made durable; whether that came."""
        return self.die_then_lose_power([calls])

    def lose_power_but_for_the_newest_name(self, calls: int) -> bool:
        """The same, but the last name that was made survives by chance."""
        return self.die_then_lose_power([calls], newest_survives=True)

    def lose_power_after_others_fsynced(self, calls: int) -> bool:
        """The same, but all folders that other processes use too have just been fsynced by one of those."""
        return self.die_then_lose_power([calls], others_fsync=lambda disk: disk.let_others_fsync())

    def lose_power_after_others_fsynced_what_is_left(self, calls: int) -> bool:
        """The same, but only folders that files leave, so that absences are durable before new names are."""
        left = ("unprocessed", STAGES)
        return self.die_then_lose_power([calls], others_fsync=lambda disk: disk.let_others_fsync(*left))

    def lose_power_after_others_fsynced_underprocess(self, calls: int) -> bool:
        """The same, but only where inputs leave for their archive, and come to from `unprocessed/`."""
        return self.die_then_lose_power(
            [calls], others_fsync=lambda disk: disk.let_others_fsync("underprocess")
        )

    def die_then_lose_power(
        self,
        calls: list[int],
        *,
        newest_survives: bool = False,
        others_fsync: Callable[[PowerDisk], None] = lambda _disk: None,
    ) -> bool:
        """Run as often as there are numbers of calls, dying at each; lose power at the last."""
        disk = None
        for number in calls:
            kind = PowerDisk if self.scenario.has_journal else UnjournaledPowerDisk
            disk = kind(number, self.folder, newest_survives=newest_survives, earlier=disk)
            try:
                self.watcher(disk).turn()
            except Crash:
                disk.die()
            else:
                disk.lose_power()
                self.recover()
                return False
        assert disk is not None
        others_fsync(disk)
        disk.lose_power()
        return True

    def recover(self) -> None:
        watcher = self.watcher(Disk(power=True) if self.scenario.has_journal else UnjournaledDisk(power=True))
        for _ in range(3):
            watcher.turn()
            self.now += 100.0  # leases are over, and what was left behind is looked for again

    def check(self, point: object) -> None:
        seen = look(self.folder)
        assert seen["litter"] == [], point
        for folder in ("unprocessed", "underprocess", "processed", "failed", "results"):
            expected = self.scenario.expected.get(folder, {})
            found = {
                name: expected[name] if is_as_expected(text, expected.get(name)) else text
                for name, text in seen[folder].items()
            }
            assert found == expected, (point, folder)


def is_as_expected(text: str, expected: str | tuple[str, ...] | None) -> bool:
    """Whether a file holds what a scenario expects of it."""
    return is_json(text) if expected == "*" else text in expected if isinstance(expected, tuple) else False


def is_json(text: str) -> bool:
    """Whether a report came out whole."""
    try:
        return bool(json.loads(text))
    except ValueError:
        return False


def sweep(memory_path: Path, scenario: Scenario, crash: Callable[[Place, int], bool]) -> int:
    """Try every point until one is past the end of the work; gives how many there were."""
    for point in itertools.count():
        place = Place(memory_path / str(point), scenario)
        if not crash(place, point):
            place.check("undisturbed")
            return point
        assert inputs(place.folder) == inputs_of(scenario), point
        place.recover()
        place.check(point)
    raise AssertionError
