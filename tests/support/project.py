"""Where the project that is tested lies, or the copy of it that these tests are a part of."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
