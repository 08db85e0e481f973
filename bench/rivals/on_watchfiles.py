"""W2 by a script on watchfiles, as its documentation shows it: `on_watchfiles.py WATCH_DIR`."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from bench.rivals.handling import handle, handle_all

watchfiles: Any = importlib.import_module("watchfiles")  # need not be there when types are checked


def main() -> None:
    (watch_dir,) = sys.argv[1:]
    handle_all(watch_dir)
    for changes in watchfiles.watch(f"{watch_dir}/unprocessed"):
        for change, path in changes:
            if change is watchfiles.Change.added:
                handle(path, watch_dir)


if __name__ == "__main__":
    main()
