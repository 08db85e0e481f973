"""Every place to crash, one by one: before each call that changes the disk, and again in recovery."""

from __future__ import annotations

import errno
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fproc.failures import LineFailure
from fproc.spool import Disk, Spool, folders, paths
from fproc.spool import disk as disk_module
from fproc.spool.direct import DirectOutput
from fproc.spool.leases import Leases
from fproc.spool.owner import Owner
from fproc.spool.unjournaled import UnjournaledDisk
from fproc.watch import Watcher
from tests.crashes import HALVES, BrokenDisk, Crash, UnjournaledBrokenDisk, inputs, is_decided, look
from tests.helpers import SAMPLES, plan_of, user
from tests.inline import watcher
from tests.power import PowerDisk, UnjournaledPowerDisk, has_other_names

TWO_RESULTS: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "count"]},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "{stem}.count"}},
]


PLAIN: dict[str, Any] = {"intake": {"ready": "rename"}, "retry": {"max_attempts": 1}}


@dataclass
class Scenario:
    """Files before the crash, what someone else does between crash and recovery, and what must come of it.

    `alone` has each file claimed and committed for itself, as where files cannot share what they need;
    `has_journal` says what the filesystem is like.
    """

    dropped: dict[str, str]
    expected: dict[str, dict[str, str]]
    earlier: dict[str, str] = field(default_factory=dict)
    meanwhile: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=lambda: TWO_RESULTS)
    alone: bool = False
    has_journal: bool = True


def set_aside(*places: tuple[int, int]) -> str:
    """The lines `bad` as they are set aside, by line number and offset."""
    source = Path(SAMPLES, "user_processors.py").read_text().partition("def fail_on_bad")[0].count("\n") + 3
    failures = [
        LineFailure(
            "rejected", "start", number, offset, "bad", "start", "bad",
            f"ValueError: cannot digest 'bad' (user_processors.py:{source})",
        )
        for number, offset in places
    ]  # fmt: skip
    return "".join(json.dumps(failure.as_json()) + "\n" for failure in failures)


SCENARIOS = {
    "two results": Scenario(
        {"unprocessed/x.log": "a\nb\n"},
        {"processed": {"x.log": "a\nb\n"}, "results": {"x.log": "a\nb\n", "x.count": "2\n"}},
    ),
    "an empty file": Scenario(
        {"unprocessed/x.log": ""}, {"processed": {"x.log": ""}, "results": {"x.count": "0\n"}}
    ),
    "a second file of a name": Scenario(
        {"unprocessed/x.log": "new\n"},
        {
            "processed": {"x.log": "old\n", "x~2.log": "new\n"},
            "results": {"x.log": "old\n", "x~2.log": "new\n", "x~2.count": "1\n"},
        },
        earlier={"processed/x.log": "old\n", "results/x.log": "old\n"},
    ),
    "a file that fails": Scenario(
        {"unprocessed/x.log": "a\nbad\n"}, {"failed": {"x.log": "a\nbad\n", "x.log.error.json": "*"}}
    ),
    "a file that fails for the second time": Scenario(
        {"unprocessed/x.log": "bad\n"},
        {"failed": {"x.log": "a", "x.log.error.json": "b", "x~2.log": "bad\n", "x~2.log.error.json": "*"}},
        earlier={"failed/x.log": "a", "failed/x.log.error.json": "b"},
    ),
    "lines that are set aside": Scenario(
        {"unprocessed/x.log": "a\nbad\n"},
        {
            "processed": {"x.log": "a\nbad\n"},
            "results": {"x.log": "a\n", "x.count": "1\n"},
            "failed": {"x.log.rejected.jsonl": set_aside((2, 2))},
        },
        config={"on_error": "reject"},
    ),
    "too many lines that are set aside": Scenario(
        {"unprocessed/x.log": "a\nbad\nbad\nb\n"},
        {
            "failed": {
                "x.log": "a\nbad\nbad\nb\n",
                "x.log.error.json": "*",
                "x.log.rejected.jsonl": set_aside((2, 2), (3, 6)),
            },
        },
        config={"on_error": "reject", "limits": {"max_rejected": 1}},
    ),
    "an earlier result is replaced": Scenario(
        {"unprocessed/x.log": "a\n"},
        {"processed": {"x.log": "a\n"}, "results": {"x.log": "a\n", "x.count": "1\n"}},
        earlier={"results/x.log": "old"},
        config={"on_conflict": "replace"},
    ),
    "a marker": Scenario(
        {"unprocessed/x.log": "a\n", "unprocessed/x.log.done": ""},
        {"processed": {"x.log": "a\n"}, "results": {"x.log": "a\n", "x.count": "1\n"}},
        config={"intake": {"ready": "marker"}},
    ),
    "checkpoints": Scenario(
        {"unprocessed/x.log": "a\nb\nbad\nc\nd\nbad\ne\n"},
        {
            "processed": {"x.log": "a\nb\nbad\nc\nd\nbad\ne\n"},
            "results": {"x.log": "a\nb\nc\nd\ne\n", "x.count": "5\n"},
            "failed": {"x.log.rejected.jsonl": set_aside((3, 4), (6, 12))},
        },
        config={"on_error": "reject", "checkpoint": {"seconds": 1e-9}},
    ),
    "two files": Scenario(
        {"unprocessed/x.log": "a\n", "unprocessed/y": "bad\n"},
        {
            "processed": {"x.log": "a\n"},
            "failed": {"y": "bad\n", "y.error.json": "*"},
            "results": {"x.log": "a\n", "x.count": "1\n"},
        },
    ),
}

SCENARIOS |= {
    "three files": Scenario(
        {f"unprocessed/{name}.log": f"{name}\n" for name in "xyz"},
        {
            "processed": {f"{name}.log": f"{name}\n" for name in "xyz"},
            "results": {
                **{f"{name}.log": f"{name}\n" for name in "xyz"},
                **{f"{name}.count": "1\n" for name in "xyz"},
            },
        },
    ),
    **{
        f"{name}, alone": replace(SCENARIOS[name], alone=True)
        for name in ("two results", "a second file of a name", "two files")
    },
}

SCENARIOS |= {
    f"{name}, without a journal": replace(SCENARIOS[name], has_journal=False)
    for name in (
        "two results",
        "two results, alone",
        "two files",
        "three files",
        "an earlier result is replaced",
        "lines that are set aside",
        "a marker",
    )
}

Named = pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, id=name, marks=() if scenario.has_journal else pytest.mark.sweep)
        for name, scenario in SCENARIOS.items()
    ],
)


OTHER_WAYS = ("link and unlink", "leases", "leases on NFS")


class Place:
    """One spool, set up for a scenario."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.folder = str(folder)
        self.scenario = scenario
        self.now = 0.0
        config = {**PLAIN, **scenario.config}
        self.plan = plan_of(scenario.nodes, watch_dir=self.folder, **config)
        Spool(self.plan.config)
        self.put(scenario.earlier)
        self.put(scenario.dropped)

    def put(self, contents: dict[str, str]) -> None:
        for path, content in contents.items():
            Path(self.folder, path).write_text(content)

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
        return self.die_then_lose_power(
            [calls], others_fsync=lambda disk: disk.let_others_fsync(only_what_is_left=True)
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
                name: "*" if expected.get(name) == "*" and is_json(text) else text
                for name, text in seen[folder].items()
            }
            assert found == expected, (point, folder)


def is_json(text: str) -> bool:
    """Whether a report came out whole."""
    try:
        return bool(json.loads(text))
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def names_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not count the name by which a `PowerDisk` keeps a file."""
    monkeypatch.setattr(paths, "has_other_names", has_other_names)


@pytest.fixture(params=["renameat2", *(pytest.param(way, marks=pytest.mark.sweep) for way in OTHER_WAYS)])
def way_of_moving(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways of renaming without replacing; and leases of owners that are known to be dead."""
    if request.param in {"link and unlink", "leases on NFS"}:
        monkeypatch.setattr(disk_module, "_renameat2", lambda: None)
    if request.param == "leases on NFS":
        monkeypatch.setattr(disk_module, "is_local", lambda _path: False)
    if request.param.startswith("leases"):
        dead = Owner("here", "a namespace", "boot", os.getpid(), "an earlier process had this id")
        monkeypatch.setattr(Owner, "current", lambda: dead)
        monkeypatch.setattr(folders, "is_local", lambda _path: False)
        monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)  # the thread of a process that has died


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


def inputs_of(scenario: Scenario) -> Counter[str]:
    """What must never be lost: what was dropped, and what was there."""
    kept = {**scenario.earlier, **scenario.dropped}
    others = (".error.json", ".done")
    return Counter(
        text for path, text in kept.items() if not path.startswith("results/") and not path.endswith(others)
    )


@Named
@pytest.mark.usefixtures("way_of_moving")
def test_a_crash_before_any_call_changes_nothing_of_what_comes_out(
    memory_path: Path, scenario: Scenario
) -> None:
    points = sweep(memory_path, scenario, Place.crash)
    print(f"{points} points")
    assert points > 20


@Named
@pytest.mark.parametrize(
    "lose_power",
    [
        Place.lose_power,
        Place.lose_power_but_for_the_newest_name,
        Place.lose_power_after_others_fsynced,
        pytest.param(Place.lose_power_after_others_fsynced_what_is_left, marks=pytest.mark.sweep),
    ],
)
@pytest.mark.sweep
def test_power_loss_before_any_call_changes_nothing_of_what_comes_out(
    memory_path: Path, scenario: Scenario, lose_power: Callable[[Place, int], bool]
) -> None:
    points = sweep(memory_path, scenario, lose_power)
    print(f"{points} points")
    assert points > 20


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.long)])
@Named
@pytest.mark.sweep
def test_a_second_crash_in_recovery_changes_nothing_either(
    memory_path: Path, scenario: Scenario, stride: int
) -> None:
    points = 0
    for first in itertools.count(0, stride):
        reached_end = False
        for second in itertools.count(first % stride, stride):
            place = Place(memory_path / f"{first}-{second}", scenario)
            reached_end = not place.crash(first)
            if reached_end or not place.crash(second):
                break
            points += 1
            place.recover()
            place.check((first, second))
        if reached_end:
            break
    print(f"{points} points")
    assert points > 10


@Named
@pytest.mark.parametrize(
    "stride",
    [
        pytest.param(9, marks=pytest.mark.sweep),
        pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_power_loss_after_a_crash_changes_nothing_either(
    memory_path: Path, scenario: Scenario, stride: int
) -> None:
    points = 0
    for first in itertools.count(0, stride):
        if not Place(memory_path / str(first), scenario).crash(first):
            break
        points += lose_power_after(first, memory_path, scenario, stride)
    print(f"{points} points")
    assert points * stride**2 > 100


@pytest.mark.parametrize(
    "name",
    [
        "a file that fails",
        *(
            pytest.param(name, marks=pytest.mark.sweep)
            for name in ("two results", "two results, alone", "lines that are set aside")
        ),
    ],
)
@pytest.mark.sweep
def test_power_loss_while_a_decision_is_carried_out_after_a_crash_changes_nothing(
    memory_path: Path, name: str
) -> None:
    points = 0
    for first in itertools.count():
        place = Place(memory_path / str(first), SCENARIOS[name])
        if not place.crash(first):
            break
        if is_decided(place.folder):
            points += lose_power_after(first, memory_path, place.scenario)
    print(f"{points} points")
    assert points > 100


def lose_power_after(first: int, memory_path: Path, scenario: Scenario, stride: int = 1) -> int:
    """Die at call `first`, then lose power at calls of the next process; gives at how many."""
    for points in itertools.count():
        second = first % stride + points * stride
        place = Place(memory_path / f"{first}-{second}", scenario)
        came = place.die_then_lose_power([first, second])
        place.recover()
        place.check((first, second))
        if not came:
            return points
    raise AssertionError


def test_what_is_done_at_the_very_first_start_survives_power_loss(memory_path: Path) -> None:
    folder = memory_path / "new" / "watch"
    plan = plan_of(TWO_RESULTS, watch_dir=str(folder), **PLAIN)
    disk = PowerDisk(10**9, str(memory_path))
    spool = Spool(plan.config, disk=disk)
    with (folder / "unprocessed" / "x.log").open("w") as file:
        file.write("a\n")
        disk.sync(file.fileno())
    disk.sync_folder(str(folder / "unprocessed"))
    watcher(spool, plan).turn()
    disk.lose_power()
    watcher(Spool(plan.config), plan).turn()
    seen = look(str(folder))
    assert seen["processed"].keys() == {"x.log"}
    assert seen["results"] == {"x.log": "a\n", "x.count": "1\n"}
    assert seen["litter"] == []
    assert len(os.listdir(folder / "results" / ".stage")) == 1, "the spool has forgotten its own name"


def test_a_result_that_was_published_beside_the_spool_survives_power_loss(memory_path: Path) -> None:
    disk = PowerDisk(10**9, str(memory_path))
    output = DirectOutput(disk, str(memory_path), rename={})
    output.staging.write("result", "line")
    output.staging.flush()
    output.publish([], set())
    disk.lose_power()
    assert (memory_path / "result").read_text() == "line\n"


@pytest.mark.parametrize("name", ["two results", "two results, alone"])
@pytest.mark.sweep
def test_a_file_that_is_handed_in_again_is_processed_again_whatever_was_left_of_it(
    memory_path: Path, name: str
) -> None:
    points = 0
    for first in itertools.count():
        if not Place(memory_path / str(first), SCENARIOS[name]).crash(first):
            break
        for second in itertools.count(first % 3, 3):
            place = Place(memory_path / f"{first}-{second}", SCENARIOS[name])
            place.crash(first)
            archived, again = (f"{place.folder}/{folder}/x.log" for folder in ("processed", "unprocessed"))
            if not os.path.exists(archived):
                break
            os.rename(archived, again)
            came = place.lose_power(second)
            place.recover()
            results = look(place.folder)["results"]
            assert sorted(results) == ["x.count", "x.log", "x~2.count", "x~2.log"], (first, second)
            if not came:
                break
            points += 1
    print(f"{points} points")
    assert points > 20


def test_a_file_that_is_handed_in_again_at_once_is_processed_again_after_power_loss(
    memory_path: Path,
) -> None:
    points = 0
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        disk = PowerDisk(10**9, place.folder)
        running = place.watcher(disk)
        running.turn()
        os.rename(f"{place.folder}/processed/x.log", f"{place.folder}/unprocessed/x.log")
        for folder in ("unprocessed", "processed"):
            disk.sync_folder(f"{place.folder}/{folder}")
        disk.calls_left = point
        try:
            running.turn()
            break
        except Crash:
            points += 1
        disk.lose_power()
        place.recover()
        seen = look(place.folder)
        assert sorted(seen["results"]) == ["x.count", "x.log", "x~2.count", "x~2.log"], point
        assert (seen["processed"], seen["litter"]) == ({"x.log": "a\nb\n"}, []), point
    assert points > 20


@pytest.mark.usefixtures("way_of_moving")
@pytest.mark.sweep
def test_a_file_that_takes_a_result_s_name_before_recovery_is_not_replaced(memory_path: Path) -> None:
    scenario = SCENARIOS["two results"]
    numbered = set()
    for first in itertools.count():
        if not Place(memory_path / str(first), scenario).crash(first):
            break
        for second in itertools.count(first % 3, 3):
            place = Place(memory_path / f"{first}-{second}", scenario)
            place.crash(first)
            own = look(place.folder)["results"]
            foreign = {name: "foreign" for name in ("x.log", "x.count") if name not in own}
            place.put({f"results/{name}": text for name, text in foreign.items()})
            came = place.crash(second)
            place.recover()
            results = look(place.folder)["results"]
            assert foreign.items() <= results.items(), (first, second)
            own = {name: text for name, text in results.items() if text != "foreign"}
            assert {name.replace("~2", ""): text for name, text in own.items()} == scenario.expected[
                "results"
            ]
            assert len(own) == 2, (first, second)
            numbered |= {name for name in results if "~2" in name}
            if not came:
                break
    assert numbered == {"x~2.log", "x~2.count"}


@pytest.mark.parametrize("crash", [Place.crash, Place.lose_power, Place.lose_power_but_for_the_newest_name])
def test_a_second_file_of_the_name_that_comes_before_recovery_waits_its_turn(
    memory_path: Path, crash: Callable[[Place, int], bool]
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        if not crash(place, point):
            break
        is_first_taken = "x.log" not in look(place.folder)["unprocessed"]
        if is_first_taken:
            place.put({"unprocessed/x.log": "second\n"})
        place.recover()
        seen = look(place.folder)
        second = {"x~2.log": "second\n"} if is_first_taken else {}
        assert seen["processed"] == {"x.log": "a\nb\n", **second}, point
        counts = {"x~2.count": "1\n"} if is_first_taken else {}
        assert seen["results"] == {"x.log": "a\nb\n", "x.count": "2\n", **second, **counts}, point
        assert seen["litter"] == [], point


def test_a_pipeline_that_changed_over_a_crash_leaves_no_part_of_the_old_one(memory_path: Path) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        if not place.crash(point):
            break
        was_decided = look(place.folder)["results"] or is_decided(place.folder)
        place.plan = plan_of(
            [{"tag": "start", "type": "uppercase", "next": "end"}], **PLAIN, watch_dir=place.folder
        )
        place.recover()
        seen = look(place.folder)
        old = {"x.log": "a\nb\n", "x.count": "2\n"}
        assert seen["results"] == (old if was_decided else {"x.log": "A\nB\n"}), point
        assert seen["litter"] == [], point


FAULTS = [
    errno.ENOSPC,
    *(pytest.param(number, marks=pytest.mark.sweep) for number in (errno.EIO, errno.EACCES)),
]


@Named
@pytest.mark.parametrize("error", FAULTS, ids=["ENOSPC", "EIO", "EACCES"])
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for a while"])
@pytest.mark.sweep
def test_a_disk_that_refuses_pauses_intake_and_costs_the_file_nothing(
    memory_path: Path, scenario: Scenario, error: int, *, for_good: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), scenario)
        spool_calls = 40  # those of opening the spool; a disk that refuses then is a clear error at start
        disk = BrokenDisk(spool_calls, error=error, for_good=for_good)
        watcher = place.watcher(disk)
        disk.calls_left = point
        watcher.turn()
        if not disk.broke_at:
            place.check("undisturbed")
            break
        for _ in range(3):
            watcher.turn()
            place.now += 1000.0
        if for_good:
            assert watcher.health().trouble, disk.broke_at
        assert inputs(place.folder) == inputs_of(scenario), disk.broke_at
        disk.mend()
        for _ in range(4):
            place.now += 1000.0
            watcher.turn()
        assert watcher.health().trouble == ""
        place.check((point, disk.broke_at))
    assert point > 20


def test_the_sweep_breaks_every_kind_of_call() -> None:
    public = {name for name, value in vars(Disk).items() if callable(value) and not name.startswith("_")}
    assert public - {*HALVES} == set(vars(BrokenDisk)) & public
    assert os.strerror(errno.ENOSPC)
