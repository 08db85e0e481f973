"""Memory that each block frees is used for the next one."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS_OF_BLOCKS = """
import resource
from fproc import memory
if {settles}:
    memory.settle()
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
