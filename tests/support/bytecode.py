"""Where compiled modules are kept: not in the project, and not compiled again by each process."""

from __future__ import annotations

import atexit
import fcntl
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_CHILDREN = "PYTHONPYCACHEPREFIX"
_CHILDREN_OF_WORKERS = "FPROC_TESTS_BYTECODE"
_WORKER = "PYTEST_XDIST_WORKER"
_PREFIX = "fproc-test-bytecode-"
_LOCK = ".lock"


def keep_between_runs(folder: Path) -> None:
    """Keep there what this process compiles, whatever its environment says."""
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(folder)


def keep_for_children() -> None:
    """Give all processes that are started from here one folder, until this process ends.

    Workers of pytest-xdist have it from the process that has started them. It is a folder of its own, for
    most of what tests have children import is in folders that are made for one test.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if _CHILDREN_OF_WORKERS in os.environ:
        os.environ[_CHILDREN] = os.environ.pop(_CHILDREN_OF_WORKERS)
    elif _WORKER not in os.environ:
        remove_those_of_the_dead()
        os.environ[_CHILDREN] = folder = tempfile.mkdtemp(prefix=_PREFIX)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        lock = os.open(os.path.join(folder, _LOCK), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)  # until this process has ended, however it does


def remove_those_of_the_dead() -> None:
    """Remove what runs left behind that were killed: nobody holds their locks any more."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError), lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def share_with_workers() -> None:
    """Have workers of pytest-xdist, which are about to start, find what is kept between runs.

    A worker imports half a thousand modules before it knows of any test, and would compile each of them.
    """
    if sys.pycache_prefix:
        os.environ[_CHILDREN_OF_WORKERS] = os.environ[_CHILDREN]
        os.environ[_CHILDREN] = sys.pycache_prefix


def for_children() -> dict[str, str]:
    """The variable by which a child finds the folder, if there is one."""
    return {_CHILDREN: os.environ[_CHILDREN]} if _CHILDREN in os.environ else {}


def share_compiling(modules: Sequence[str]) -> None:
    """Import a share of these modules, if this is one of the workers of pytest-xdist.

    All of them import all modules in the same order, and would each compile the same one at the same time.
    """
    if _WORKER in os.environ:
        number = int(os.environ[_WORKER].removeprefix("gw"))
        for module in modules[number :: int(os.environ[f"{_WORKER}_COUNT"])]:
            importlib.import_module(module)
