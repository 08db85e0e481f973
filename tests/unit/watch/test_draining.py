"""How long a `--drain` waits for files, and what it says of those that it leaves behind."""

from __future__ import annotations

import pytest

from fproc.config.model import Intake
from fproc.spool.intake.scanner import Scan
from fproc.spool.readiness.looks import Needs, Wait
from fproc.watch.draining import MOST_NAMED, Changing, Patience, say_what_is_left

INTAKE = Intake(settle_seconds=1, settle_unknown_seconds=10)


def test_it_waits_longer_for_files_of_which_nobody_can_tell_who_writes_to_them() -> None:
    now = 0.0
    patience = Patience(INTAKE, monotonic=lambda: now)
    settling = Scan({"x": Wait("0.0 of 1 s settled", Needs.TIME)})
    unknown = Scan({"y": Wait("nobody can tell", Needs.LONG_TIME)})
    assert not patience.is_worth(Scan({"x": Wait("waiting for x.done")}))
    assert patience.is_worth(settling)
    assert patience.is_worth(unknown)
    now = 3.0
    assert not patience.is_worth(settling)
    assert patience.is_worth(unknown)
    now = 20.9
    assert patience.is_worth(unknown)
    now = 21.0
    assert not patience.is_worth(unknown)


def test_an_input_that_is_still_being_written_is_given_up_after_as_long() -> None:
    now = 0.0
    changing = Changing(INTAKE, monotonic=lambda: now)
    changing.add("x", "was written to")
    now = 15.0
    changing.add("x", "was written to again")
    changing.add("y", "was written to")
    now = 20.9
    assert changing.given_up() == {}
    now = 21.0
    assert changing.given_up() == {"x": "was written to again"}
    changing.forget("x")
    assert changing.given_up() == {}


def test_each_file_that_is_left_is_named_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    scan = Scan({"a.csv": Wait("waiting for a.ok"), "b\n": Wait("still open for writing")})
    say_what_is_left(scan, {"d": "was written to while it was read"}, {"c"})
    assert sorted(caplog.messages) == [
        "left behind: a.csv: waiting for a.ok",
        "left behind: b\\n: still open for writing",
        "left behind: c: it is in trouble, see above",
        "left behind: d: was written to while it was read",
    ]


def test_of_very_many_files_some_are_named_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    say_what_is_left(Scan({f"{number}": Wait("waits") for number in range(MOST_NAMED + 5)}), {}, ())
    assert len(caplog.messages) == MOST_NAMED + 1
    assert caplog.messages[-1] == "left behind: 5 files more"


def test_nothing_is_said_where_nothing_is_left(caplog: pytest.LogCaptureFixture) -> None:
    say_what_is_left(Scan(), {}, ())
    assert caplog.messages == []
