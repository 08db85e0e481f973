"""What `--doctor` finds of a spool, and calls that are refused to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fproc.spool.checks.doctor import Finding, Rating, examine
from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders, prepare

GOOD, WEAK, BAD = Rating.GOOD, Rating.WEAK, Rating.BAD


def prepared(watch: Path, results: Path) -> Folders:
    folders = Folders(str(watch), str(results))
    prepare(folders, Disk(power=True))
    return folders


def found(folders: Folders) -> dict[str, Finding]:
    findings = examine(folders)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


def refuse(number: int) -> Callable[..., Any]:
    def call(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return call
