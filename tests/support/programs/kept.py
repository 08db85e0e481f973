"""What takes minutes to make and is kept between runs of the tests: the root folders of guests."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return what was made under a name; `make` makes it at another path, if it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fproc-tests"
    cache.mkdir(parents=True, exist_ok=True)
    built, begun = cache / name, cache / f"begun.{name}"
    with (cache / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # one process makes it, the others wait
        if not built.exists():
            shutil.rmtree(begun, ignore_errors=True)
            make(begun)
            begun.rename(built)
    return built
