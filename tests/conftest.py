"""What all tests share: hypothesis profiles, plans from nodes, outputs in memory."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fproc.spool.disk import disk as disk_module
from fproc.spool.disk import paths
from fproc.spool.locks.leases import Leases
from fproc.spool.output import appends
from tests.support import bytecode
from tests.support.programs import archives
from tests.support.spool.leases import hold_by_leases_of_the_dead
from tests.support.spool.power import has_other_names

# "quick" is for development, "ci" for every landing, "deep" for `make test-long`, "other" for other Pythons.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("other", max_examples=20, deadline=None, derandomize=True)
settings.register_profile("ci", max_examples=150, deadline=None, derandomize=True)
settings.register_profile(
    "deep", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "quick")
settings.load_profile(PROFILE)

LONG_SECONDS = 3600
"""How long a test may take that is long, or a property in the deep profile, unless it says so itself."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts this in the background says so, and every child would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

bytecode.keep_for_children()

MEMORY = "/dev/shm"
"""A filesystem in memory, where there is one: thousands of small spools are made and removed there faster."""


COLLECTED = pytest.StashKey[frozenset[str]]()
"""The ids of all tests that were found, also of those that are not wanted, if all were looked for."""


ONE_IN = 3
"""Of the sweeps that are thinned twice, one in this many is run for every landing."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note which tests there are, and give those that take long the time that they take.

    A scenario that is a sweep, in a way that makes it one, is thinned again: which of them stay says a hash
    of their names.
    """
    if config.args == config.getini("testpaths"):
        config.stash[COLLECTED] = frozenset(item.nodeid for item in items)
    for item in items:
        callspec = getattr(item, "callspec", None)
        sweeps = [mark for mark in callspec.marks if mark.name == "sweep"] if callspec else []
        if len(sweeps) > 1 and zlib.crc32(item.nodeid.encode()) % ONE_IN:
            item.add_marker(pytest.mark.long)
        is_deep = PROFILE == "deep" and "property" in item.path.parts
        if (is_deep or item.get_closest_marker("long")) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled tests where pytest keeps what is for its next run."""
    cache: pytest.Cache | None = getattr(config, "cache", None)  # there is none with `-p no:cacheprovider`
    if cache is not None:
        bytecode.keep_between_runs(cache.mkdir("bytecode"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let workers use what earlier runs have compiled."""
    bytecode.share_with_workers()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Compile the tests by all workers, if they are going to collect whole folders.

    Collecting makes a million objects that stay: the garbage collector need not look them over, neither now
    nor by and by while tests run.
    """
    gc.disable()
    project = Path(__file__).parent.parent
    folders = [Path(session.config.invocation_params.dir, argument) for argument in session.config.args]
    if all(folder.is_dir() for folder in folders):
        paths = sorted(path.relative_to(project) for folder in folders for path in folder.rglob("test_*.py"))
        bytecode.share_compiling([".".join(path.with_suffix("").parts) for path in paths])
    yield
    gc.freeze()
    gc.enable()


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A folder for one test, in memory if possible."""
    folder = tempfile.mkdtemp(prefix="fproc-test-", dir=MEMORY if os.path.isdir(MEMORY) else None)
    yield Path(folder)
    while os.path.lexists(folder):
        with suppress(FileNotFoundError):  # an instance that a test left behind may still count there
            shutil.rmtree(folder)
    shutil.rmtree(f"{folder}.kept", ignore_errors=True)  # of a `PowerDisk` over all of it


@pytest.fixture
def all_tests(request: pytest.FixtureRequest) -> frozenset[str] | None:
    """The ids of all tests there are, whether or not they are run; None if only some were looked for."""
    return request.config.stash.get(COLLECTED, None)


@pytest.fixture
def names_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not count the name by which a `PowerDisk` keeps a file."""
    monkeypatch.setattr(paths, "has_other_names", has_other_names)


OTHER_WAYS = ("link and unlink", "leases", "leases on NFS")


@pytest.fixture(params=["renameat2", *(pytest.param(way, marks=pytest.mark.sweep) for way in OTHER_WAYS)])
def way_of_moving(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways of renaming without replacing; and leases of owners that are known to be dead."""
    if request.param in {"link and unlink", "leases on NFS"}:
        monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    if request.param == "leases on NFS":
        monkeypatch.setattr(disk_module, "is_local", lambda _path: False)
    if request.param.startswith("leases"):
        hold_by_leases_of_the_dead(monkeypatch)
        monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)  # the thread of a process that has died
        monkeypatch.setattr(
            appends, "PATIENCE_SECONDS", 0.1
        )  # the clock stands still, so no lease ends meanwhile


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executable file, built from this project: once for all workers of pytest-xdist."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return archives.build(tmp_path_factory.mktemp("built"), 0o022)
    shared = tmp_path_factory.getbasetemp().parent / "fproc.pyz"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            archives.build(tmp_path_factory.mktemp("built"), 0o022).rename(shared)
    return shared
