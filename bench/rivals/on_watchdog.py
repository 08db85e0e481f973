"""W2 by a script on watchdog, as its documentation shows it: `on_watchdog.py WATCH_DIR`."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import Any

from bench.rivals.handling import handle, handle_all

observers: Any = importlib.import_module("watchdog.observers")  # need not be there when types are checked


class Handler:
    """Gets every event of the folder, and handles new files."""

    def __init__(self, watch_dir: str) -> None:
        self._watch_dir = watch_dir
        self._folder = f"{watch_dir}/unprocessed/"

    def dispatch(self, event: Any) -> None:
        """Handle an event: a file moved here is `created`, or `moved` if it was renamed in the folder."""
        path = {"created": event.src_path, "moved": event.dest_path}.get(event.event_type, "")
        if path.startswith(self._folder):
            handle(path, self._watch_dir)


def main() -> None:
    (watch_dir,) = sys.argv[1:]
    handle_all(watch_dir)
    observer = observers.Observer()
    observer.schedule(Handler(watch_dir), f"{watch_dir}/unprocessed")
    observer.start()
    signal.pause()


if __name__ == "__main__":
    main()
