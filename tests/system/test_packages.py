"""What `make package` makes: whole, the same wherever it is made, and it runs where it is installed."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from release.checksums import wrong_files
from tests.support.clones import COMMIT_DATE, clone_of_project, packages_of, user_environment

pytestmark = pytest.mark.sweep


@dataclass(frozen=True)
class Made:
    """The packages of a clone."""

    clone: Path
    commit: str

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.clone / "dist"

    def one(self, pattern: str) -> Path:
        """The file of this kind."""
        (path,) = self.folder.glob(pattern)
        return path

    @property
    def version(self) -> str:
        """What `--version` prints."""
        return f"fproc 0.1.0 ({self.commit}, {COMMIT_DATE[:10]})\n"


def make_packages_of_a_clone(folder: Path, umask: int) -> Made:
    clone = clone_of_project(folder, link_environment=True)
    packages_of(clone, umask=umask)
    assert not list(clone.glob(".packages-*"))
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
    )
    return Made(clone, commit.stdout.strip())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_packages_of_a_clone(tmp_path_factory.mktemp("made"), 0o022)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=user_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needs(program: str) -> None:
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"{program} is missing"
        pytest.skip(f"there is no {program}")


def test_packages_of_one_commit_have_the_same_bytes_in_another_folder_under_another_umask(
    made: Made, tmp_path: Path
) -> None:
    other = make_packages_of_a_clone(tmp_path / "another" / "folder", 0o077)
    assert (other.folder / "SHA256SUMS").read_text() == (made.folder / "SHA256SUMS").read_text()
    assert wrong_files(other.folder) == []
    assert len(list(other.folder.iterdir())) == 7


def test_every_kind_of_package_knows_the_commit_and_its_day(made: Made, tmp_path: Path) -> None:
    assert run(sys.executable, made.one("fproc.pyz"), "--version") == made.version
    run(sys.executable, "-m", "venv", tmp_path / "wheel")
    pip = (tmp_path / "wheel/bin/pip", "install", "--quiet", "--no-index", "--no-deps")
    run(*pip, made.one("*.whl"))
    assert run(tmp_path / "wheel/bin/fproc", "--version") == made.version


def test_an_sdist_carries_its_stamp_and_builds_the_same_wheel(made: Made, tmp_path: Path) -> None:
    with tarfile.open(made.one("*.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    (sources,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", cwd=sources)
    (again,) = (sources / "dist").glob("*.whl")
    assert sums(again) == sums(made.one("*.whl"))


def sums(wheel: Path) -> dict[str, int]:
    """Return the checksum of each file of a wheel but its list of files, whose order does not matter."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist() if entry.filename[-6:] != "RECORD"}


PLACES = {
    "/usr/bin/fproc",
    "/etc/fproc/pipeline.json",
    "/usr/lib/systemd/system/fproc.service",
    "/usr/lib/tmpfiles.d/fproc.conf",
    "/usr/share/man/man1/fproc.1.gz",
    "/usr/share/bash-completion/completions/fproc",
    "/usr/share/fish/vendor_completions.d/fproc.fish",
    "/usr/share/doc/fproc/copyright",
    "/usr/share/doc/fproc/changelog.gz",
}


def test_the_deb_unpacks_to_a_program_that_runs_with_its_configuration(made: Made, tmp_path: Path) -> None:
    needs("dpkg-deb")
    run("dpkg-deb", "--extract", made.one("*.deb"), tmp_path)
    files = {f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_file()}
    assert files == PLACES | {
        "/usr/share/zsh/vendor-completions/_fproc",
        "/usr/share/doc/fproc/changelog.Debian.gz",
    }
    program = tmp_path / "usr/bin/fproc"
    assert program.read_bytes().partition(b"\n")[0].rstrip() == b"#!/usr/bin/python3"
    assert run(sys.executable, program, "--version") == made.version
    checked = run(sys.executable, program, "--check", "--config", tmp_path / "etc/fproc/pipeline.json")
    assert "watched folder: /srv/fproc\n" in checked
    unit = (tmp_path / "usr/lib/systemd/system/fproc.service").read_text()
    assert "\nExecStart=/usr/bin/fproc --watch --config /etc/fproc/pipeline.json\n" in unit
    assert unit.startswith("[Unit]\n")
    tmpfiles = (tmp_path / "usr/lib/tmpfiles.d/fproc.conf").read_text()
    assert "\nd /srv/fproc/unprocessed 2770 fproc fproc -\n" in tmpfiles
    page = gzip.decompress((tmp_path / "usr/share/man/man1/fproc.1.gz").read_bytes()).decode()
    assert page.startswith(f'.TH FPROC 1 {COMMIT_DATE[:10]} "fproc 0.1.0"')


def test_the_deb_keeps_a_changed_configuration_and_says_what_it_needs(made: Made) -> None:
    needs("dpkg-deb")
    assert run("dpkg-deb", "--field", made.one("*.deb"), "Depends") == "python3 (>= 3.10), passwd\n"
    assert run("dpkg-deb", "--info", made.one("*.deb"), "conffiles") == "/etc/fproc/pipeline.json\n"


def test_the_rpm_has_the_same_files_at_the_places_of_such_systems(made: Made) -> None:
    needs("rpm")
    query = ("rpm", "--query", "--package", made.one("*.rpm"))
    files = set(run(*query, "--list").split())
    assert files == PLACES | {"/usr/share/zsh/site-functions/_fproc"}
    assert run(*query, "--configfiles") == "/etc/fproc/pipeline.json\n"
    assert "python3 >= 3.10\n" in run(*query, "--requires")
    assert run(*query, "--queryformat", "%{BUILDHOST} %{VENDOR}") == "localhost (none)"


def test_checksums_and_spdx_name_each_package(made: Made) -> None:
    assert "FAILED" not in run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=made.folder)
    document = json.loads(made.one("*.spdx.json").read_text())
    assert (document["spdxVersion"], document["creationInfo"]["created"]) == (
        "SPDX-2.3",
        "2026-02-03T04:05:06Z",
    )
    packages = {path.name for path in made.folder.iterdir()} - {"SHA256SUMS", "fproc-0.1.0.spdx.json"}
    assert {file["fileName"] for file in document["files"]} == {f"./{name}" for name in packages}
    identifiers = {part["SPDXID"] for part in (document, *document["packages"], *document["files"])}
    ends = {
        relation[end]
        for relation in document["relationships"]
        for end in ("spdxElementId", "relatedSpdxElement")
    }
    assert ends == identifiers


def test_publish_without_more_is_a_rehearsal_that_says_what_would_go_where(made: Made) -> None:
    said = run(sys.executable, "-m", "release", "publish", cwd=made.clone)
    assert said == (
        "dry run: fproc-0.1.0-py3-none-any.whl and fproc-0.1.0.tar.gz would go to TestPyPI; "
        "--upload uploads them\n"
    )
