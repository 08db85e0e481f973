"""The image of the Dockerfile, built and lived through by the verbs that users have."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from tests.support.clones import clone_of_project, user_environment
from tests.support.programs.containers import Engine, engine_with_base, missing
from tests.support.programs.running import DEADLINE_SECONDS, SAMPLE, SAMPLE_RESULT, wait_until

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(missing()), reason=f"there is no {', '.join(missing())}"),
]

IMAGE = "localhost/fproc"
USER = 10001


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone_of_project(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, clone: Path) -> Iterator[Engine]:
    """A podman that has the image, built by `make docker-build`."""
    with engine_with_base(tmp_path_factory.mktemp("engine")) as engine:
        command = ["make", "docker-build", f"ENGINE={engine.program}", f"IMAGE={IMAGE}"]
        command.append(f"ARGS={engine.build_arguments()}")
        done = subprocess.run(
            command, cwd=clone, env=user_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield engine


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of the container's user, which is mounted at /data."""
    folder = tmp_path / "data"
    folder.mkdir()
    os.chown(folder, USER, USER)
    return folder


def test_the_image_knows_its_commit_and_has_no_root_and_no_build_tools(engine: Engine, clone: Path) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert f"({commit}, " in engine("run", "--rm", IMAGE, "--version")
    (image,) = json.loads(engine("inspect", IMAGE))
    config = image["Config"]
    assert (config["User"], config["StopSignal"]) == (f"{USER}:{USER}", "SIGTERM")
    assert image["Healthcheck"]["Test"] == ["CMD", "fproc", "--status"]
    assert (config["Entrypoint"], config["Cmd"]) == (["fproc"], ["--watch"])
    listed = engine("run", "--rm", "--entrypoint", "find", IMAGE, "/build", "/source", status=1)
    assert listed == ""


def test_it_processes_is_healthy_survives_a_kill_and_stops_within_a_second(
    engine: Engine, data: Path
) -> None:
    confined = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")
    spool = data / "watch_dir"
    command = ("--watch", "--host", "127.0.0.1", "--port", "0")
    engine("run", "--detach", "--name", "one", *confined, "--volume", f"{data}:/data", IMAGE, *command)
    wait_until(lambda: "watching" in engine.log("one"), lambda: engine.log("one"))
    (spool / "unprocessed/first.txt").write_bytes(SAMPLE)
    wait_until((spool / "results/first.txt").exists)
    engine("healthcheck", "run", "one")
    engine("kill", "--signal", "KILL", "one")
    wait_until(lambda: engine("inspect", "one", "--format", "{{.State.Status}}") == "exited")
    (spool / "unprocessed/second.txt").write_bytes(SAMPLE)
    engine("start", "one")
    wait_until((spool / "processed/second.txt").exists)
    engine("healthcheck", "run", "one")
    began = time.monotonic()
    engine("stop", "--time", "15", "one")
    seconds = time.monotonic() - began
    assert engine("inspect", "one", "--format", "{{.State.ExitCode}}") == "0"
    print(f"\nstopped in {seconds:.2f} s", end="")
    assert seconds < 10, "it had to be killed"
    for name in ("first.txt", "second.txt"):
        assert (spool / "results" / name).read_bytes() == SAMPLE_RESULT
        assert (spool / "processed" / name).stat().st_uid in {0, USER}


def test_a_container_whose_fproc_cannot_work_is_not_healthy(engine: Engine, data: Path) -> None:
    command = ("--entrypoint", "sleep", IMAGE, "1000")
    engine("run", "--detach", "--name", "idle", "--volume", f"{data}:/data", *command)
    engine("healthcheck", "run", "idle", status=1)
    engine("rm", "--force", "--time", "0", "idle")


def test_docker_run_serves_the_folders_of_the_clone_and_ends_with_the_verb(
    engine: Engine, clone: Path
) -> None:
    command = ["make", "run-docker", f"ENGINE={engine.program}", f"IMAGE={IMAGE}"]
    command.append("ARGS=--host 127.0.0.1 --port 0")
    spool = clone / "watch_dir"
    with subprocess.Popen(
        command,
        cwd=clone,
        env=user_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as verb:
        try:
            wait_until((spool / "unprocessed").is_dir)
            (spool / "unprocessed/a.txt").write_bytes(SAMPLE)
            wait_until((spool / "results/a.txt").exists)
        finally:
            engine("stop", "--latest", "--time", "15", status=None)
            verb.send_signal(signal.SIGTERM)
            said, _ = verb.communicate(timeout=30)
    assert "dashboard: http://127.0.0.1:8000 with the token " in said
    assert (spool / "results/a.txt").read_bytes() == SAMPLE_RESULT


def compose_file_for(clone: Path, path: Path) -> None:
    """Write the project's compose file for a host where containers have no network of their own."""
    composed = yaml.safe_load((clone / "compose.yaml").read_text(encoding="utf-8"))
    service = composed["services"]["fproc"]
    assert service.pop("ports") == ["127.0.0.1:8000:8000"]
    service["environment"] |= {"FPROC_HOST": "127.0.0.1", "FPROC_PORT": "0"}
    service |= {"image": IMAGE, "network_mode": "host"}
    path.write_text(yaml.safe_dump(composed), encoding="utf-8")


def status_of(address: str, token: str) -> int:
    """Ask the dashboard for what needs a token."""
    with closing(HTTPConnection(address, timeout=DEADLINE_SECONDS)) as connection:
        connection.request("GET", "/stats", headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="there is no docker-compose")
def test_docker_compose_brings_it_up_with_its_token_and_down_again(engine: Engine, clone: Path) -> None:
    spool, token = clone / "watch_dir", clone / "fproc-token"
    token.write_text("a-token-that-nobody-guesses-4711\n")
    for path in (spool, *spool.iterdir(), token):
        os.chown(path, USER, USER)
    compose_file_for(clone, clone / "composed.yaml")
    with engine.served() as address:

        def compose(*words: str) -> str:
            done = subprocess.run(
                ["docker-compose", "--file", "composed.yaml", *words],
                cwd=clone,
                env=user_environment(DOCKER_HOST=address),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (words, done.stdout + done.stderr)
            return done.stdout

        compose("up", "--no-build", "--detach")
        pattern = re.compile(r"dashboard on http://(127\.0\.0\.1:\d+)")
        wait_until(lambda: pattern.search(compose("logs")) is not None, lambda: compose("logs"))
        found = pattern.search(compose("logs"))
        assert found
        asked = [status_of(found[1], word) for word in ("another-token", token.read_text().strip())]
        assert asked == [401, 200]
        (spool / "unprocessed/composed.txt").write_bytes(SAMPLE)
        wait_until((spool / "results/composed.txt").exists)
        container = compose("ps", "--quiet").strip()
        engine("healthcheck", "run", container)
        compose("stop")
        assert engine("inspect", container, "--format", "{{.State.ExitCode}}") == "0"
        compose("down")
    assert (spool / "results/composed.txt").read_bytes() == SAMPLE_RESULT
