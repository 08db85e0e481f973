"""The files that `--print` writes, as the programs that read them see them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support.programs.running import COPY, run
from tests.support.project import PROJECT

MOST_EXPOSURE = 1.5


def printed(folder: Path, kind: str, *arguments: str) -> str:
    ended = run(folder, "--print", kind, *arguments)
    assert (ended.status, ended.err) == (0, "")
    return ended.out.decode()


def needs(program: str) -> None:
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"{program} is missing"
        pytest.skip(f"there is no {program}")


def unit_of(folder: Path, *arguments: str) -> Path:
    path = folder / "fproc.service"
    path.write_text(printed(folder, "systemd", *arguments))
    return path


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_systemd_rates_the_unit_as_hardly_exposed(tmp_path: Path, host: str) -> None:
    needs("systemd-analyze")
    unit = unit_of(tmp_path, "--watch-dir", "/srv/fproc", "--host", host)
    unit.write_text(re.sub("(?m)^ExecStart=.*", "ExecStart=/usr/bin/fproc --watch", unit.read_text()))
    command = ["systemd-analyze", "security", "--offline=true", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for fproc.service: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_systemd_has_nothing_to_object_to_in_the_unit(tmp_path: Path) -> None:
    needs("systemd-analyze")
    unit = unit_of(tmp_path, "--watch-dir", "/srv/a b 100%")
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "fproc.service" not in done.stdout + done.stderr


def test_the_unit_has_the_options_and_variables_of_its_call_but_no_secret(tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": COPY}))
    variables = {"FPROC_PORT": "9000", "FPROC_HEARTBEAT_URL": "https://example.org/5ec2e7"}
    ended = run(tmp_path, "--print", "systemd", "--watch-dir", "drop", "--quiet", variables=variables)
    (start,) = re.findall("(?m)^ExecStart=.*", ended.out.decode())
    assert (
        f"--watch --config {tmp_path}/pipeline.json --watch-dir {tmp_path}/drop --port 9000 --quiet" in start
    )
    assert b"5ec2e7" not in ended.out


def test_systemd_makes_the_folders_that_tmpfiles_names(tmp_path: Path) -> None:
    needs("systemd-tmpfiles")
    text = printed(tmp_path, "tmpfiles", "--watch-dir", "/srv/a b")
    (tmp_path / "fproc.conf").write_text(text.replace(" fproc fproc ", " - - "))
    root = tmp_path / "root"
    root.mkdir()
    command = ["systemd-tmpfiles", "--create", f"--root={root}", str(tmp_path / "fproc.conf")]
    subprocess.run(command, check=True, capture_output=True)
    assert (root / "srv/a b/unprocessed").stat().st_mode & 0o7777 == 0o2770
    assert (root / "srv/a b/processed").stat().st_mode & 0o7777 == 0o2750


def test_what_is_printed_for_a_log_file_makes_no_such_file(tmp_path: Path) -> None:
    assert str(tmp_path / "none/log") in printed(tmp_path, "logrotate", "--log-file", "none/log")
    assert list(tmp_path.iterdir()) == []


def test_logrotate_takes_the_rule(tmp_path: Path) -> None:
    needs("logrotate")
    log = tmp_path / "a b.log"
    text = printed(tmp_path, "logrotate", "--log-file", str(log))
    rule = re.sub(r"(?m)^ +su .*\n", "", text).replace("fproc fproc", "root root")
    (tmp_path / "rule").write_text(rule)
    log.write_text("one line\n")
    command = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(tmp_path / "rule")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a b.log.1").read_text() == "one line\n"


def test_a_wrong_configuration_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text("{}")
    ended = run(tmp_path, "--print", "systemd")
    assert (ended.status, ended.out) == (78, b"")
    assert "$.nodes" in ended.err


def test_kubernetes_knows_each_field_of_the_objects(tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text(json.dumps({"nodes": COPY}))
    path = tmp_path / "fproc.yaml"
    path.write_text(printed(tmp_path, "kubernetes", "--watch-dir", "/srv/a b"))
    program = Path(sysconfig.get_path("scripts"), "kubernetes-validate")
    done = subprocess.run([program, "--strict", path], capture_output=True, text=True, check=False)
    assert (done.returncode, (done.stdout + done.stderr).count(" passed ")) == (0, 4), done.stderr


def test_compose_takes_what_is_printed_and_what_is_in_the_project(tmp_path: Path) -> None:
    needs("docker-compose")
    (tmp_path / "printed").mkdir()
    (tmp_path / "printed/compose.yaml").write_text(printed(tmp_path, "compose", "--watch-dir", "/srv/a $b"))
    for folder in (tmp_path / "printed", PROJECT):
        command = ["docker-compose", "--file", "compose.yaml", "config"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "read_only: true" in done.stdout
