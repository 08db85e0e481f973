"""Booting the guest: the tree is built once and kept, everything else is made anew for each boot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.programs.kept import kept

HERE = Path(__file__).parent
PACKAGES = "python3,nfs-kernel-server,nfs-common,kmod,iproute2,procps,rpcbind,netbase,mount"
MODULES = Path("/usr/lib/uml/modules")
PROGRAMS = {"linux": "user-mode-linux", "mmdebstrap": "mmdebstrap", "mkfs.ext4": "e2fsprogs"}
"""What has to be there, and the Debian packages that have it."""

MEMORY = "/dev/shm"
BOOT_SECONDS = 60


def missing() -> list[str]:
    """Return the Debian packages that are not installed, and without which nothing can be booted."""
    return [package for program, package in PROGRAMS.items() if not shutil.which(program)]


def tree() -> Path:
    """Return the guest's root folder, which is built if it is not there yet (a minute and a half)."""
    return kept("nfs-guest", _make_tree)


def _make_tree(begun: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=essential", f"--include={PACKAGES}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "locale")]
    subprocess.run([*command, _codename(), str(begun)], check=True)
    modules = begun / "lib/modules"
    shutil.copytree(MODULES, modules, symlinks=True, dirs_exist_ok=True)
    for release in modules.iterdir():
        subprocess.run(["chroot", str(begun), "depmod", release.name], check=True)
    (begun / "etc/exports.d").mkdir(exist_ok=True)


def boot(job: Path, program: Path, scenario: dict[str, Any], *, limit_seconds: float) -> dict[str, Any]:
    """Boot the guest, let a scenario happen there with a program, and return what came of it.

    `job` is a folder of its own, in which the hosts' logs are left.
    """
    root = tree()
    for name in ("init.sh", "host.sh", "guest.py"):
        shutil.copy(HERE / name, job)
    shutil.copy(program, job / "fproc.pyz")
    (job / "scenario.json").write_text(json.dumps(scenario))
    (job / "pipeline.json").write_text(json.dumps(pipeline_of(scenario)))
    disk = job / "disk.img"
    with disk.open("wb") as file:
        file.truncate(2**30)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(disk)], check=True)
    shutil.copy(job / "init.sh", root / "fproc-init.sh")
    (root / "fproc-init.sh").chmod(0o755)
    kernel = ["linux", "mem=768M", "root=/dev/root", "rootfstype=hostfs", f"rootflags={root}", "rw", "quiet"]
    with (job / "console.txt").open("wb") as console:
        subprocess.run(
            [*kernel, "init=/fproc-init.sh", f"ubda={disk}", "con=null", "con0=fd:0,fd:1", f"job={job}"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env={**os.environ, "TMPDIR": MEMORY},
            timeout=BOOT_SECONDS + limit_seconds,
            check=False,
        )
    disk.unlink()
    result = job / "result.json"
    assert result.exists(), (job / "console.txt").read_text(errors="replace") + said(job)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def said(job: Path) -> str:
    """Return what the guest and its hosts said."""
    logs = [job / "said.txt", *sorted(job.glob("log-*.txt"))]
    return "".join(f"\n--- {path.name}\n{path.read_text(errors='replace')}" for path in logs if path.exists())


def pipeline_of(scenario: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of all three hosts."""
    return {
        "watch_dir": "/tmp/mount/w",
        "intake": {"ready": scenario["ready"], "settle_unknown_seconds": 2},
        "checkpoint": {"seconds": 1},
        "recovery": {"check_interval": 5},
        "nodes": [{"tag": "start", "type": "uppercase", "next": "end"}],
    }


def _codename() -> str:
    """Return the name of the Debian that this is."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["VERSION_CODENAME"]
