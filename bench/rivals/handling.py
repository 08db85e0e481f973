"""The handling of a file by the scripts on watchfiles and watchdog: W2's work, without fproc's guarantees."""

from __future__ import annotations

import os
from contextlib import suppress


def handle(path: str, watch_dir: str) -> None:
    """Write the result under another name, rename it into place, and move the input away."""
    name = os.path.basename(path)
    part = f"{watch_dir}/results/.{name}.part"
    with suppress(FileNotFoundError):  # handled before, and told of twice
        with (
            open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as lines,
            open(part, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as result,
        ):
            for line in lines:
                if "healthz" not in line:
                    _, level, service, rest = line.split(None, 3)
                    result.write(f"[{level}] {service}: {rest}")
        os.replace(part, f"{watch_dir}/results/{name}")
        os.rename(path, f"{watch_dir}/processed/{name}")


def handle_all(watch_dir: str) -> None:
    """Handle the files that are there already."""
    for name in os.listdir(f"{watch_dir}/unprocessed"):
        handle(f"{watch_dir}/unprocessed/{name}", watch_dir)
