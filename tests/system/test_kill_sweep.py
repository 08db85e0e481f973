"""Every place to be killed, one by one, with real processes: before each system call that touches the spool.

A first run shows which calls these are, by name and number. Then, for each of them, a new spool is set up and
strace kills there: the worker alone, which its pool outlives (`worker`); the parent, whose worker dies with
it (`parent`); or both at once, at a call of the worker (`all`: the worker is stopped there, and dies with its
parent). What comes out after recovery must be what comes out of a run that nobody disturbs.
"""

from __future__ import annotations

import shutil

import pytest

from tests.support.programs.killing import ROLES, SCENARIOS, Kill, all_of, attempt, calls_of, place_for

pytestmark = pytest.mark.sweep


NAMES = list(SCENARIOS)


PAIRS = ["worker, worker", "worker, all", "all, worker", "all, all", "all, parent"]


SAMPLE = [pytest.param(name, pair, 47) for name, pair in zip(NAMES, PAIRS, strict=True)]


ALL_PAIRS = [pytest.param(name, pair, 13, marks=pytest.mark.long) for name in NAMES for pair in PAIRS]


Patient = pytest.mark.timeout(3600)


@pytest.fixture(autouse=True, scope="module")
def _strace() -> None:
    if shutil.which("strace") is None:
        pytest.fail("this needs strace: install it (apt-get install strace, dnf install strace)")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ROLES)
@pytest.mark.parametrize("stride", [37, pytest.param(1, marks=pytest.mark.long)])
@Patient
def test_a_kill_before_any_call_changes_nothing_of_what_comes_out(
    name: str, target: str, stride: int
) -> None:
    calls = calls_of(name, ROLES[target])
    offset = (7 * NAMES.index(name) + 5 * list(ROLES).index(target)) % min(stride, len(calls))
    points = [[Kill(target, call)] for call in calls[offset::stride]]
    assert points
    wrong = all_of(points, name)
    assert not wrong, "\n\n".join([f"{len(wrong)} points went wrong", *wrong[:5]])


@pytest.mark.parametrize(("name", "pair", "stride"), [*SAMPLE, *ALL_PAIRS])
@Patient
def test_a_second_kill_in_recovery_changes_nothing_either(name: str, pair: str, stride: int) -> None:
    (one, other), shift = pair.split(", "), 7 * NAMES.index(name) + 5 * PAIRS.index(pair)
    firsts = [Kill(one, call) for call in calls_of(name, "worker")]
    points: list[list[Kill]] = []
    for number, first in enumerate(firsts[shift % min(stride, len(firsts)) :: stride]):
        calls = attempt(name, [first], observed=ROLES[other])
        seconds = calls[(shift + number) % min(stride, len(calls) or 1) :: stride]
        points += [[first, Kill(other, call)] for call in seconds]
    wrong = all_of(points, name)
    assert not wrong, "\n\n".join([f"{len(wrong)} points went wrong", *wrong[:5]])


STRAY = ["results/.stage/ID/part", "results/x.new", ".fproc/jobs/x.log/", "failed/.probe/", ".fproc/id-0"]


@pytest.mark.parametrize("stray", STRAY)
def test_what_recovery_leaves_lying_about_is_reported(stray: str) -> None:
    with place_for(NAMES[0]) as place:
        place.run()
        place.check()
        path = place.watch_dir / stray.replace("ID", (place.watch_dir / ".fproc/id").read_text())
        make = path.mkdir if stray.endswith("/") else path.touch
        make()
        with pytest.raises(AssertionError):
            place.check()


BROKEN = {
    "forgets what was decided": ("job.job.decision.read_record = lambda folder: None", "results/x~2.counts"),
    "does not cut parts back": ("disk.disk.Disk.truncate = lambda *_: None", "-1>) = 0"),
    "leaves the parts of the dead": ("job.job.unlink_if_there = lambda *_: None", '-1", O_WRONLY'),
    "takes up nothing that was begun": ("spool.Spool.adopt = lambda *_, **why: None", '-1", O_WRONLY'),
}
"""What changes nothing as long as nobody is killed, and a call at which a kill shows it."""


@pytest.mark.parametrize(("sabotage", "text"), BROKEN.values(), ids=BROKEN)
def test_a_recovery_that_is_broken_is_reported(sabotage: str, text: str) -> None:
    name = "checkpoints"
    points = [[Kill("all", call)] for call in calls_of(name, "worker") if text in call.text]
    assert len(points) == len(all_of(points, name, f"fproc.spool.{sabotage}")) == 1
