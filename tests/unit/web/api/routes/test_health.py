"""What `/health` says of how things stand, and that others say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fproc
from fproc.cli import operate
from fproc.spool.disk.disk import Disk
from fproc.spool.locks.instance import Facts, InstanceFile
from tests.support.dashboards import Place, value


def test_health_is_ok_while_all_is_well(place: Place) -> None:
    response = place.get("/health")
    health = value(response)
    assert response.status == 200
    assert health.keys() == {"status", "version", "uptime_seconds", "revision", "checks"}
    assert (health["status"], health["version"]) == ("ok", fproc.__version__)
    assert health["uptime_seconds"] >= 0
    assert health["checks"]
    assert all(check["ok"] is True for check in health["checks"].values())


def test_the_uptime_is_counted_from_the_start(place: Place) -> None:
    place.began -= 1000
    assert 1000 <= value(place.get("/health"))["uptime_seconds"] < 1100
    assert 1000 <= value(place.get("/stats"))["system"]["uptime_seconds"] < 1100


@pytest.mark.parametrize("path", ["/health", "/readyz"])
def test_paused_intake_is_degraded_and_says_why(place: Place, path: str) -> None:
    place.loop = Facts(paused="No space left on device", stopping=False)
    response = place.get(path)
    health = value(response)
    assert (response.status, health["status"]) == (503, "degraded")
    failing = [check for check in health["checks"].values() if not check["ok"]]
    assert [check["message"] for check in failing] == ["No space left on device"]


def test_a_folder_that_is_missing_is_degraded_and_named(place: Place) -> None:
    (place.folder / "processed").rmdir()
    response = place.get("/health")
    failing = [check for check in value(response)["checks"].values() if not check["ok"]]
    assert (response.status, value(response)["status"]) == (503, "degraded")
    (message,) = [check["message"] for check in failing]
    assert message.startswith(f"a folder has vanished: {place.folder / 'processed'} (mount that disk")


@pytest.mark.parametrize("trouble", ["", "No space left on device"])
def test_a_loop_that_stops_says_so_whatever_else_is_wrong(place: Place, trouble: str) -> None:
    place.loop = Facts(paused=trouble, stopping=True)
    for path in ("/health", "/readyz"):
        assert (place.get(path).status, value(place.get(path))["status"]) == (503, "stopping")


def test_where_there_is_a_token_strangers_learn_status_and_counts_alone(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", "s3cret")
    place.loop = Facts(paused="", stopping=False, names={"secret.log": f"{tmp_path} is in trouble"})
    (place.folder / "unprocessed/waiting-secret.log").touch()
    for path in ("/health", "/readyz"):
        strange = (
            place.get(path),
            place.get(path, authorization="Bearer wrong"),
            place.get(path, cookie="fproc-0=1.2.3"),
        )
        for told in strange:
            assert told.status == 503
            assert value(told).keys() == {"status", "checks"}
            assert value(told)["status"] == "degraded"
            assert value(told)["checks"]["workers"] == {"ok": True, "count": 2, "busy": 1}
            assert value(told)["checks"]["intake"] == {"ok": False}
            assert value(told)["checks"]["disk"] == {"ok": True}
            assert b"secret" not in told.body
            assert str(tmp_path).encode() not in told.body
        known = place.get(path, authorization="Bearer s3cret")
        assert b"secret.log" in known.body
        assert value(known)["checks"]["disk"].keys() >= {"free_bytes"}


ROOM = 9 * 10**12


TROUBLES: dict[str, tuple[Facts, int]] = {
    "all is well": (Facts(), ROOM),
    "intake is paused": (Facts(paused="No space left on device"), ROOM),
    "a name is in trouble": (Facts(names={"a.log": "Operation not permitted"}), ROOM),
    "a check of its own fails": (Facts(checks={"workers": "a.log: no progress for 60 s"}), ROOM),
    "the disk is nearly full": (Facts(), 5_000_000),
    "it is stopping": (Facts(stopping=True), ROOM),
    "it is stopping in trouble": (Facts(paused="No space left on device", stopping=True), 0),
}


@pytest.mark.parametrize("what", [*TROUBLES, "a folder is missing"])
def test_the_command_line_the_figures_and_health_agree(
    place: Place, what: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    place.loop, free_bytes = TROUBLES.get(what, (Facts(), ROOM))
    monkeypatch.setattr("fproc.spool.checks.condition.space", lambda _: (free_bytes, 2 * ROOM))
    if what == "a folder is missing":
        (place.folder / "processed").rmdir()
    instance = InstanceFile(place.spool.folders, Disk(power=False))
    instance.say({"health": place.loop.to_json()})
    exit_status = operate.status(place.plan.config, as_json=True)
    instance.close()
    told = json.loads(capfd.readouterr().out)["health"]
    response = place.get("/health")
    health = value(response)
    figures = {
        "workers": {"count", "busy"},
        "last_success": {"timestamp"},
        "oldest_waiting": {"file", "seconds"},
    }
    checks = {
        name: {key: item for key, item in check.items() if key not in figures.get(name, ())}
        for name, check in health["checks"].items()
    }
    assert told["status"] == health["status"]
    assert {**checks, **told["checks"]} == checks
    assert told["troubles"] == [check["message"] for check in checks.values() if not check["ok"]]
    is_well = what == "all is well"
    assert (exit_status, response.status) == ((0, 200) if is_well else (1, 503))
    assert place.get("/readyz").status == response.status
    assert f"fproc_healthy {int(is_well)}\n" in place.get("/metrics").body.decode()


def test_the_process_is_alive_while_it_answers_however_it_is(place: Place) -> None:
    place.loop = Facts(paused="No space left on device", stopping=True)
    assert place.get("/livez").status == 200
