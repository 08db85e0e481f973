"""podman where there is neither systemd nor a cgroup manager, with a base made from Debian's packages.

A namespace of mounts of its own has a plain `/sys/fs/cgroup`, which crun wants, and keeps what podman mounts
from the host; images and containers are in the test's own folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.clones import user_environment
from tests.support.programs.kept import kept
from tests.support.programs.running import wait_until

PROGRAMS = ("podman", "buildah", "crun", "mmdebstrap", "nsenter", "unshare")
PACKAGES = "python3,python3-venv,git"
BASE = "localhost/fproc-test-base"

SETTINGS = """
[containers]
cgroups = "disabled"
netns = "host"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

PLAIN_CGROUPS = "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && echo ready && exec cat"


@dataclass(frozen=True)
class Engine:
    """A podman that tests may use.

    Attributes:
        program: a script that runs it, whose name ends in `podman`.
        folder: a folder of its own.
    """

    program: Path
    folder: Path

    def __call__(self, *arguments: str | Path, status: int | None = 0) -> str:
        """Run a command, and return what it says."""
        done = subprocess.run(
            [str(self.program), *map(str, arguments)],
            capture_output=True,
            text=True,
            env=user_environment(),
            check=False,
        )
        assert status is None or done.returncode == status, (arguments, done.stdout + done.stderr)
        return done.stdout.strip()

    def log(self, container: str) -> str:
        """Return what the fproc in a container has logged so far."""
        command = [str(self.program), "logs", container]
        done = subprocess.run(command, capture_output=True, text=True, env=user_environment(), check=True)
        return done.stderr

    def build_arguments(self) -> str:
        """Return what `podman build` needs here: the base, and Python packages without a network."""
        wheels = self.folder / "wheels"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels), "hatchling", "shiv"]
        subprocess.run(pip, check=True, capture_output=True, env=user_environment())
        settings = self.folder / "pip.conf"
        settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
        bases = f"--build-arg BUILD_BASE={BASE} --build-arg BASE={BASE}"
        return f"--isolation chroot {bases} -v {wheels}:/wheels:ro -v {settings}:/etc/pip.conf:ro"

    @contextmanager
    def served(self) -> Iterator[str]:
        """Yield the address at which clients of docker find it, such as `docker-compose`."""
        address = f"unix://{self.folder}/socket"
        command = [str(self.program), "system", "service", "--time", "0", address]
        with subprocess.Popen(command, env=user_environment()) as service:
            try:
                wait_until((self.folder / "socket").exists)
                yield address
            finally:
                service.terminate()


@contextmanager
def engine_with_base(folder: Path) -> Iterator[Engine]:
    """Yield a podman that has the base; its containers end with the block."""
    settings = folder / "containers.conf"
    settings.write_text(SETTINGS)
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", PLAIN_CGROUPS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        program = folder / "podman"
        program.write_text(
            f"#!/bin/sh\nexport CONTAINERS_CONF='{settings}' BUILDAH_ISOLATION=chroot\n"
            f'exec nsenter --mount --target {holder.pid} --wd="$PWD" '
            f"podman --root '{folder}/images' --runroot '{folder}/run' \"$@\"\n"
        )
        program.chmod(0o755)
        engine = Engine(program, folder)
        try:
            engine("import", _base(), BASE)
            yield engine
        finally:
            engine("rm", "--all", "--force", "--time", "0", status=None)
            holder.send_signal(signal.SIGKILL)


def missing() -> list[str]:
    """Return what is missing to run containers."""
    programs = [program for program in PROGRAMS if shutil.which(program) is None]
    return programs if os.geteuid() == 0 else [*programs, "root"]


def _base() -> Path:
    """Return the base as an archive, which is made if it is not there yet (minutes)."""
    return kept("container-base.tar", _make_base)


def _make_base(begun: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=essential", f"--include={PACKAGES}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale")]
    subprocess.run([*command, "stable", str(begun)], check=True)
