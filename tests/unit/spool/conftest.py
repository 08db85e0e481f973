"""What tests of the spool's folders share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.spool.disk import mounts as mounts_module


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these lines the mounts of this process."""

    def mount(*lines: str) -> None:
        path = tmp_path / "mountinfo"
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        monkeypatch.setattr(mounts_module, "_MOUNTINFO", str(path))

    return mount
