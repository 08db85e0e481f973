"""One .deb and one .rpm from the executable file: what is in them, and where it goes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from fproc import __version__
from fproc.cli.install.installation import Installation
from fproc.cli.install.kinds import install_text
from fproc.config.keys import parse_config
from release.build import Build
from release.completions import SHELLS
from release.man import man_page

PROGRAM = "/usr/bin/fproc"
CONFIG = "/etc/fproc/pipeline.json"
WATCHED = "/srv/fproc"

RELEASE = "1"
"""The number of this packaging of a version."""

MAINTAINER = "the fproc maintainers <fproc@example.org>"

COMPLETIONS = {
    "bash": "/usr/share/bash-completion/completions/fproc",
    "zsh": "/usr/share/zsh/vendor-completions/_fproc",
    "fish": "/usr/share/fish/vendor_completions.d/fproc.fish",
}
RPM_PLACES = {COMPLETIONS["zsh"]: "/usr/share/zsh/site-functions/_fproc"}
"""Where the packages have the completions; RPM systems have some elsewhere."""

SYSTEM_PYTHON = b"#!/usr/bin/python3"

DEPENDS = {"deb": ["python3 (>= 3.10)", "passwd"], "rpm": ["python3 >= 3.10", "shadow-utils"]}

SCRIPTS = {
    "preinstall": "before-installation.sh",
    "postinstall": "setup.sh",
    "preremove": "before-removal.sh",
    "postremove": "after-removal.sh",
}


def linux_packages(build: Build, executable: Path, target: Path, scratch: Path) -> None:
    """Make both packages in a folder.

    Args:
        build: the project and the stamp of this build.
        executable: `fproc.pyz`.
        target: where the packages go.
        scratch: an empty folder for what goes into them.
    """
    files = {**_files(build), PROGRAM: _with_system_python(executable.read_bytes())}
    for kind in DEPENDS:
        config = scratch / f"{kind}.yaml"
        contents = _laid_out(files, kind, scratch / kind)
        config.write_text(json.dumps(_settings(build, kind, contents)), "utf-8")  # JSON is YAML, too
        command = [os.path.join(sysconfig.get_path("scripts"), "nfpm"), "package", "--packager", kind]
        command += ["--config", str(config), "--target", str(target)]
        subprocess.run(command, check=True, capture_output=True, text=True)


def _files(build: Build) -> dict[str, bytes]:
    """Return the contents of each file by its path on the host, but for the program."""
    project, day = build.project, build.time.strftime("%Y-%m-%d")
    pipeline = {**json.loads((project / "pipeline.json").read_text("utf-8")), "watch_dir": WATCHED}
    config, problems = parse_config(pipeline, folder=str(Path(CONFIG).parent))
    assert config is not None, problems
    installation = Installation((PROGRAM,), (), config, CONFIG, "")
    unit = install_text("systemd", installation)
    texts = {
        CONFIG: json.dumps(pipeline, indent=2),
        "/usr/lib/systemd/system/fproc.service": unit[unit.index("[Unit]") :],
        "/usr/lib/tmpfiles.d/fproc.conf": install_text("tmpfiles", installation),
        "/usr/share/doc/fproc/copyright": _COPYRIGHT.format(licence=_licence(project)),
        **{place: SHELLS[shell]() for shell, place in COMPLETIONS.items()},
    }
    packed = {
        "/usr/share/man/man1/fproc.1.gz": man_page(day),
        "/usr/share/doc/fproc/changelog.gz": (project / "docs" / "CHANGELOG.md").read_text("utf-8"),
        "/usr/share/doc/fproc/changelog.Debian.gz": _CHANGELOG.format(
            version=f"{__version__}-{RELEASE}", maintainer=MAINTAINER, date=format_datetime(build.time)
        ),
    }
    return {
        **{path: f"{text.rstrip()}\n".encode() for path, text in texts.items()},
        **{path: gzip.compress(text.encode(), mtime=0) for path, text in packed.items()},
    }


def _laid_out(files: Mapping[str, bytes], kind: str, folder: Path) -> list[dict[str, Any]]:
    """Write the files of a kind of package into a folder, and return what nfpm has to know of them."""
    contents = []
    for number, (path, data) in enumerate(sorted(files.items())):
        if kind == "rpm" and path.endswith("changelog.Debian.gz"):
            continue
        source = folder / str(number)
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(data)
        entry: dict[str, Any] = {
            "src": str(source),
            "dst": RPM_PLACES.get(path, path) if kind == "rpm" else path,
            "file_info": {"mode": 0o755 if path == PROGRAM else 0o644, "owner": "root", "group": "root"},
        }
        contents.append(entry | ({"type": "config|noreplace"} if path == CONFIG else {}))
    return contents


def _settings(build: Build, kind: str, contents: list[dict[str, Any]]) -> dict[str, Any]:
    scripts = Path(__file__).parent
    return {
        "name": "fproc",
        "arch": "all",
        "platform": "linux",
        "version": __version__,
        "release": RELEASE,
        "section": "utils",
        "priority": "optional",
        "maintainer": MAINTAINER,
        "description": "drop-folder file processor\nFiles land in a folder, results appear, nothing is lost.",
        "homepage": "https://example.org/fproc",
        "license": "MIT",
        "depends": DEPENDS[kind],
        "mtime": build.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contents": contents,
        "scripts": {event: str(scripts / name) for event, name in SCRIPTS.items()},
        "rpm": {"buildhost": "localhost"},
    }


def _with_system_python(program: bytes) -> bytes:
    """Return the program with the system's own Python in its first line, whatever is first in PATH.

    The line keeps its length: the archive behind it counts from the beginning of the file.
    """
    first, _, archive = program.partition(b"\n")
    return SYSTEM_PYTHON.ljust(len(first)) + b"\n" + archive


def _licence(project: Path) -> str:
    lines = (project / "LICENSE").read_text("utf-8").strip().splitlines()
    return "\n".join(f" {line}" if line.strip() else " ." for line in lines)


_COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: fproc

Files: *
Copyright: the fproc maintainers
License: Expat
{licence}
"""

_CHANGELOG = """\
fproc ({version}) unstable; urgency=medium

  * See changelog.gz.

 -- {maintainer}  {date}
"""
