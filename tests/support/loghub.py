"""The logs of loghub: two thousand lines each of the same programs; no part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.project import PROJECT

LOGHUB = Path(os.environ.get("FPROC_LOGHUB", PROJECT.parent / "shared" / "data" / "loghub"))

unless_absent = pytest.mark.skipif(
    not LOGHUB.is_dir(), reason="FPROC_LOGHUB names no folder with loghub's logs"
)
"""Marks a test that needs them."""
