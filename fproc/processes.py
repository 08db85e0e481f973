"""Starting a process of this same Python with this same fproc; all processes are started here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from fproc.stdout import standard_output

_START = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "module, _, function = sys.argv[2].rpartition('.'); "
    "getattr(importlib.import_module(module), function)(*map(int, sys.argv[3:]))"
)

Process = subprocess.Popen[bytes]


def start(function: str, arguments: Sequence[int], *, descriptors: Sequence[int]) -> Process:
    """Start a process that calls a function, by its import path, with some numbers.

    It is started afresh, not forked, because this process may have threads. It reads nothing, and inherits
    standard output, standard error and these descriptors.

    Raises:
        OSError: the system refuses.
    """
    with open(os.devnull, "rb") as nothing:
        return subprocess.Popen(  # noqa: S603 - this Python, with these modules
            [sys.executable, "-c", _START, json.dumps(sys.path), function, *map(str, arguments)],
            stdin=nothing,
            stdout=standard_output(),
            pass_fds=descriptors,
        )


TimeoutExpired = subprocess.TimeoutExpired
