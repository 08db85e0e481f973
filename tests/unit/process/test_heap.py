"""Memory that each block frees is used for the next one, and files without a name lie in memory."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fproc.process import heap

FAULTS_OF_BLOCKS = """
import resource
from fproc.process import heap
if {settles}:
    heap.freeze_heap()
def block():
    return [bytes(bytearray(130_000 + 1000 * number)) for number in range(20)]
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Makes and frees 2.8 MB twenty times, and says how often a page of it had to be brought in."""


def faults(*, settles: bool) -> int:
    code = FAULTS_OF_BLOCKS.format(settles=settles)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other rules")
def test_freed_memory_is_not_given_back_to_the_system_with_each_block() -> None:
    assert faults(settles=True) * 10 < faults(settles=False)


def refuse(refused: tuple[int, ...]) -> Any:
    """`memfd_create` as systems have it that refuse some flags, or all."""
    create = os.memfd_create

    def memfd_create(name: str, flags: int) -> int:
        if flags & ~os.MFD_CLOEXEC in refused:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return create(name, flags & os.MFD_CLOEXEC)

    return memfd_create


@pytest.mark.parametrize("refused", [(), (8,)])
def test_a_file_without_a_name_needs_no_folder(
    monkeypatch: pytest.MonkeyPatch, refused: tuple[int, ...]
) -> None:
    monkeypatch.setattr(os, "memfd_create", refuse(refused))
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with heap.unnamed_file() as file:
        file.write(b"all")
        file.flush()
        assert os.pread(file.fileno(), 9, 0) == b"all"


def test_a_file_without_a_name_lies_in_the_temporary_folder_where_there_is_no_other_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "memfd_create", refuse((0, 8)))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with heap.unnamed_file() as file:
        assert str(tmp_path) in os.readlink(f"/proc/self/fd/{file.fileno()}")
    assert os.listdir(tmp_path) == []
