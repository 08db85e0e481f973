"""Building fproc.pyz with shiv: the same bytes from the same sources, wherever and by whomever.

A wheel carries the sources; it is unpacked, every mode and time is set to a constant, shiv packs it, and the
archive's `__main__` is replaced by `boot.py`, with the id that shiv gave the build.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

EPOCH = "315532800"
"""1980-01-01, the earliest time that a zip file can hold."""

PYTHON = "/usr/bin/env python3"


def build(project: Path, target: Path) -> None:
    """Build the archive of the project in a folder."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as scratch:
        wheels, site, shiv_archive = (Path(scratch, name) for name in ("wheels", "site", "packed.pyz"))
        command = [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            str(wheels),
        ]
        subprocess.run(command, cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL)
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        _set_constants(site)
        command = [sys.executable, "-m", "shiv", "--reproducible", "--no-modify", "--compressed"]
        command += ["--site-packages", str(site), "--python", PYTHON, "--entry-point", "fproc.cli.main:main"]
        subprocess.run([*command, "--output-file", str(shiv_archive)], env=environment, check=True)
        _with_boot(shiv_archive, site / "fproc" / "pyz" / "boot.py", target)


def _set_constants(folder: Path) -> None:
    """Set constant modes and times, so that the builder's umask and clock do not show."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (int(EPOCH), int(EPOCH)))


def _with_boot(shiv_archive: Path, boot: Path, target: Path) -> None:
    """Copy an archive with `boot` for its `__main__.py`; `target` appears whole and executable."""
    partial = target.with_name(f".{target.name}.new")
    with zipfile.ZipFile(shiv_archive) as source, partial.open("wb") as file:
        file.write(f"#!{PYTHON}\n".encode())
        main = _with_id(boot.read_text(encoding="utf-8"), json.loads(source.read("environment.json")))
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry in sorted(source.infolist(), key=lambda entry: entry.filename):
                if entry.is_dir():
                    continue
                data = main if entry.filename == "__main__.py" else source.read(entry)
                copy = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
                copy.external_attr = 0o100644 << 16
                copy.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(copy, data)
    partial.chmod(0o755)
    partial.replace(target)


def _with_id(boot: str, environment: Mapping[str, str]) -> bytes:
    before, blank, after = boot.partition('BUILD = ""')
    assert blank, "boot.py has no room for the id of the build"
    return f'{before}BUILD = "{environment["build_id"]}"{after}'.encode()


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    target = Path(sys.argv[1] if len(sys.argv) > 1 else root / "fproc.pyz").absolute()
    build(root, target)
    print(f"{target} ({target.stat().st_size:,} bytes)")
