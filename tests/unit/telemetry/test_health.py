"""Whether all is well: one answer for the dashboard, the command line and the figures."""

from __future__ import annotations

import json

import pytest

from fproc.spool.checks.condition import LEAST_FREE_BYTES, Disks
from fproc.spool.locks.instance import MOST_NAMES, SHOWN_NAMES, Facts
from fproc.telemetry.health import CHECKS, Health, judge

ROOM = Disks(free_bytes=LEAST_FREE_BYTES, total_bytes=10**12)


def messages(health: Health) -> dict[str, str]:
    """What is said by the checks that fail."""
    return {name: check["message"] for name, check in health.checks.items() if not check["ok"]}


def test_one_instance_without_trouble_is_ok_and_every_check_says_so() -> None:
    health = judge([Facts()], ROOM)
    assert (health.status, health.is_ok, health.troubles()) == ("ok", True, [])
    assert tuple(health.checks) == CHECKS
    assert all(check["ok"] is True for check in health.checks.values())
    assert health.checks["disk"] == {"ok": True, "free_bytes": LEAST_FREE_BYTES, "total_bytes": 10**12}


@pytest.mark.parametrize(
    ("facts", "disks", "expected"),
    [
        (Facts(paused="No space left on device"), ROOM, {"intake": "No space left on device"}),
        (Facts(names={"a\n": "Permission denied"}), ROOM, {"intake": "a\\n: Permission denied"}),
        (Facts(paused="p", names={"a": "n"}), ROOM, {"intake": "p; a: n"}),
        (Facts(checks={"workers": "stalled"}), ROOM, {"workers": "stalled"}),
        (Facts(checks={"writers": "a.log is incomplete"}), ROOM, {"writers": "a.log is incomplete"}),
        (
            Facts(),
            Disks(("cannot write to /a", "cannot write to /b")),
            {"folders": "cannot write to /a; cannot write to /b"},
        ),
        (
            Facts(),
            Disks(free_bytes=LEAST_FREE_BYTES - 1, total_bytes=9),
            {"disk": "only 10.5 MB are free; make room"},
        ),
    ],
)
def test_whatever_is_wrong_is_degraded_and_said_by_its_check(
    facts: Facts, disks: Disks, expected: dict[str, str]
) -> None:
    health = judge([facts], disks)
    assert (health.status, health.is_ok) == ("degraded", False)
    assert messages(health) == expected
    assert health.troubles() == list(expected.values())


def test_a_system_that_does_not_tell_what_is_free_is_no_trouble() -> None:
    assert judge([Facts()], Disks()).is_ok


def test_of_several_instances_one_in_trouble_is_enough_and_what_they_share_is_said_once() -> None:
    health = judge([Facts(), Facts(paused="full"), Facts(paused="full"), Facts(names={"x": "no"})], ROOM)
    assert (health.status, messages(health)) == ("degraded", {"intake": "full; x: no"})


def test_it_is_stopping_once_every_instance_is_whatever_else_is_wrong() -> None:
    assert judge([Facts(stopping=True), Facts()], ROOM).status == "ok"
    health = judge([Facts(stopping=True), Facts(stopping=True, paused="full")], ROOM)
    assert (health.status, health.is_ok) == ("stopping", False)


def test_without_an_instance_it_is_stopped_and_what_is_seen_is_still_said() -> None:
    health = judge([], Disks(("cannot write to /a",)))
    assert (health.status, health.is_ok) == ("stopped", False)
    assert health.troubles() == ["cannot write to /a"]


def test_of_many_names_in_trouble_a_few_are_said_and_the_others_counted() -> None:
    facts = Facts(names={str(number): "no" for number in range(MOST_NAMES)}, more_names=900)
    *said, rest = facts.trouble.split("; ")
    assert said == [f"{number}: no" for number in range(SHOWN_NAMES)]
    assert rest == f"and {MOST_NAMES - SHOWN_NAMES + 900} more names in trouble"


def test_what_an_instance_writes_down_is_what_others_read() -> None:
    facts = Facts("paused", stopping=True, names={"\udcff": "no"}, more_names=3, checks={"workers": "w"})
    assert Facts.of(json.loads(json.dumps(facts.to_json()))) == facts


@pytest.mark.parametrize(
    "said", [None, [], "x", {}, {"paused": 1, "stopping": "no", "names": [], "more_names": "x", "checks": 2}]
)
def test_what_is_no_word_of_an_instance_says_nothing(said: object) -> None:
    assert Facts.of(said) == Facts()
