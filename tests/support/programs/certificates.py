"""Certificates for tests of TLS, made by openssl."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.programs.running import DEADLINE_SECONDS

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def make_certificate(folder: Path, name: str = "", *, password: str = "") -> None:
    """A certificate that has signed itself, and its key, maybe with a password."""
    if shutil.which("openssl") is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("openssl is needed, and there is none")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    lock = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    made = ["-keyout", str(folder / f"{name}key.pem"), "-out", str(folder / f"{name}cert.pem")]
    what = ["-x509", "-days", "2", "-subj", "/CN=localhost", "-addext", NAMES]
    arguments = ["openssl", "req", *what, *curve, *lock, *made]
    subprocess.run(arguments, check=True, capture_output=True, timeout=DEADLINE_SECONDS)
