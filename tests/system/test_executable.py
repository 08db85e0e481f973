"""`fproc.pyz`: the same bytes wherever it is built, and all that is needed wherever it is run."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.programs.archives import build, copy_of_project
from tests.support.programs.running import DEADLINE_SECONDS, can_make_namespaces, wait_until
from tests.support.project import PROJECT
from tests.support.spool.crashes import look
from tests.system.test_surroundings import NEVER_IMPORTED

SAMPLE = "start:ERROR: Something bad happened\nstart:INFO: All good\nstart:WARNING: Potential issue\n"
RESULT = "[ERROR] Something bad happened\n[INFO] All good\n[WARNING] Potential issue\n"
BOOT = PROJECT / "fproc" / "pyz" / "boot.py"


@pytest.fixture
def alone(pyz: Path, tmp_path: Path) -> Path:
    """The executable alone in an empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return Path(shutil.copy(pyz, folder / "fproc.pyz"))


def run(pyz: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XDG_", "SHIV"))
    }
    return subprocess.run(
        [sys.executable, str(pyz), *arguments],
        cwd=pyz.parent,
        env={**base, "HOME": str(pyz.parent / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_builds_in_two_folders_under_two_umasks_give_the_same_bytes(pyz: Path, tmp_path: Path) -> None:
    other = build(tmp_path, 0o077)
    assert hashlib.sha256(other.read_bytes()).hexdigest() == hashlib.sha256(pyz.read_bytes()).hexdigest()
    assert os.access(other, os.X_OK)


def test_archive_wheel_and_source_distribution_have_each_file_that_is_read_while_fproc_runs(
    pyz: Path, tmp_path: Path
) -> None:
    read = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "fproc").rglob("*")
        if path.suffix in {".js", ".css", ".html", ".json"}
    }
    assert len(read) > 20
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--target", "sdist"]
    copy_of_project(tmp_path)
    subprocess.run([*command, "--directory", "built"], cwd=tmp_path, check=True, capture_output=True)
    (wheel,), (source,) = (list((tmp_path / "built").glob(kind)) for kind in ("*.whl", "*.tar.gz"))
    with zipfile.ZipFile(wheel) as archive:
        assert read <= set(archive.namelist())
    with tarfile.open(source) as archive:
        assert read <= {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(pyz) as archive:
        assert read <= {name.removeprefix("site-packages/") for name in archive.namelist()}


def test_alone_in_an_empty_folder_it_processes_the_sample(alone: Path) -> None:
    (alone.parent / "sample.txt").write_text(SAMPLE)
    done = run(alone, "--input", "sample.txt", "--output", "result.txt")
    assert (done.returncode, (alone.parent / "result.txt").read_text()) == (0, RESULT)


def test_alone_in_an_empty_folder_it_watches(alone: Path) -> None:
    unprocessed = alone.parent / "watch_dir" / "unprocessed"
    unprocessed.mkdir(parents=True)
    (unprocessed / "sample.txt").write_text(SAMPLE)
    done = run(alone, "--watch", "--drain")
    assert done.returncode == 0, done.stderr
    seen = look(str(alone.parent / "watch_dir"))
    assert (seen["results"], seen["processed"]) == ({"sample.txt": RESULT}, {"sample.txt": SAMPLE})


@pytest.mark.parametrize("home", ["/nonexistent", "/proc", "relative"])
def test_without_a_usable_home_it_runs_from_the_archive(alone: Path, home: str) -> None:
    done = run(alone, "--version", HOME=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fproc ")


def test_a_cache_that_others_could_write_to_is_not_used(alone: Path) -> None:
    shared = alone.parent / "shared"
    (shared / "fproc").mkdir(parents=True)
    (shared / "fproc").chmod(0o777)
    done = run(alone, "--version", HOME="/nonexistent", XDG_CACHE_HOME=str(shared))
    assert done.returncode == 0
    assert list((shared / "fproc").iterdir()) == []


def test_it_unpacks_into_the_users_own_cache_once(alone: Path) -> None:
    cache = alone.parent / "cache"
    cache.mkdir(mode=0o700)
    for _ in range(2):
        assert run(alone, "--version", CACHE_DIRECTORY=str(cache)).returncode == 0
    assert [path.name.partition("_")[0] for path in cache.iterdir() if path.is_dir()] == ["fproc.pyz"]


def test_what_those_left_who_were_killed_while_they_unpacked_it_is_removed(alone: Path) -> None:
    cache = alone.parent / "cache"
    cache.mkdir(mode=0o700)
    assert run(alone, "--version", CACHE_DIRECTORY=str(cache)).returncode == 0
    (unpacked,) = cache.iterdir()
    unpacked.rename(cache / f"{unpacked.name}.0123abcd")
    shutil.rmtree(cache / f"{unpacked.name}.0123abcd/site-packages/fproc/spool")
    assert run(alone, "--version", CACHE_DIRECTORY=str(cache)).returncode == 0
    assert list(cache.iterdir()) == [unpacked]
    assert (unpacked / "site-packages/fproc/spool/disk/disk.py").exists()


def test_several_that_unpack_it_at_a_time_do_not_get_into_each_others_way(alone: Path) -> None:
    cache = alone.parent / "cache"
    cache.mkdir(mode=0o700)
    with ThreadPoolExecutor(4) as executor:
        done = list(executor.map(lambda _: run(alone, "--version", CACHE_DIRECTORY=str(cache)), range(4)))
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 4
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 9)])
def test_an_older_python_is_told_so_before_anything_else(version: tuple[int, int]) -> None:
    script = (
        f"import sys, runpy; sys.version_info = {version}; runpy.run_path({str(BOOT)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert done.stderr == (
        f"fproc: this is Python {version[0]}.{version[1]}, and fproc needs Python 3.10 or newer; "
        "name a newer one: python3.12 fproc.pyz ...\n"
    )


def test_an_older_python_can_read_the_first_code_that_runs() -> None:
    tree = ast.parse(BOOT.read_text(encoding="utf-8"), feature_version=(3, 4))
    modern = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef)
    assert [node for node in ast.walk(tree) if isinstance(node, modern)] == []
    assert all(
        not argument.annotation
        for node in ast.walk(tree)
        if isinstance(node, ast.arguments)
        for argument in node.args
    )


MINIMAL = """
import sys

class Missing:
    names = set("bz2 ctypes difflib html http json lzma mmap multiprocessing shutil sqlite3 xml".split())

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in Missing.names & sys.modules.keys():
    del sys.modules[name]
sys.meta_path.insert(0, Missing())
"""
"""What makes of a Python one that has no more of the standard library than Debian's `python3-minimal`."""


@pytest.mark.parametrize("action", [["--watch"], ["--check"], ["--input", "sample.txt"], ["--status"]])
def test_a_python_with_half_its_standard_library_is_told_which_package_to_install(
    alone: Path, action: list[str]
) -> None:
    (alone.parent / "sitecustomize.py").write_text(MINIMAL)
    done = run(alone, *action, PYTHONPATH=str(alone.parent))
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == (
        "fproc: this Python has no 'json', a module of its own standard library; "
        "install all of it (Debian, Ubuntu: apt install python3, not python3-minimal)\n"
    )


@pytest.mark.skipif(not can_make_namespaces(), reason="no namespace of processes can be made here")
def test_it_can_be_stopped_early_as_the_first_process_of_a_container(alone: Path) -> None:
    (alone.parent / "own.py").write_text(NEVER_IMPORTED)
    nodes = [{"tag": "start", "type": "own.step", "next": "end"}]
    (alone.parent / "pipeline.json").write_text(json.dumps({"nodes": nodes}))
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, str(alone), "--watch"]
    environment = {"HOME": str(alone.parent), "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, cwd=alone.parent, env=environment) as child:
        try:
            wait_until((alone.parent / "importing").exists)
            children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            assert child.wait(DEADLINE_SECONDS) == 0
        finally:
            child.kill()
