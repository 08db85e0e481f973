"""A booted systemd in a container of systemd-nspawn, in which a scenario runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.programs.kept import kept
from tests.support.project import PROJECT

PROGRAMS = {"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap"}
PACKAGES = "systemd,systemd-sysv,python3,dbus,logrotate"
HERE = PROJECT / "tests/system/systemd"
LIMIT_SECONDS = 900

UNIT = """\
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /root/shared/scenario.sh
TimeoutStartSec=infinity
[Install]
WantedBy=default.target
"""


def missing() -> list[str]:
    """The Debian packages that are not installed."""
    return sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)


def tree() -> Path:
    """The guest's files, which are made once."""
    return kept("systemd-guest", _make_tree)


def _make_tree(begun: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}", "bookworm", str(begun)]
    subprocess.run(command, check=True)
    unit = begun / "etc/systemd/system/scenario.service"
    unit.write_text(UNIT)
    wants = begun / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / unit.name).symlink_to(f"../{unit.name}")
    (begun / "root/shared").mkdir()


def boot(shared: Path, scenario: str) -> list[str]:
    """Boot, let a scenario run with a folder, power off; gives the lines that it said."""
    shutil.copy(HERE / "steps.sh", shared)
    shutil.copy(HERE / scenario, shared / "scenario.sh")
    command = ["systemd-nspawn", "--quiet", "--directory", str(tree()), "--volatile=overlay", "--boot"]
    command += ["--register=no", "--keep-unit", "--private-network", "--console=pipe"]
    command += [f"--machine=fproc-{os.getpid()}", f"--bind={shared}:/root/shared"]
    with (shared / "console").open("wb") as console:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            timeout=LIMIT_SECONDS,
            check=True,
        )
    said = shared / "said"
    return said.read_text().splitlines() if said.exists() else []
