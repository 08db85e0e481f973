"""The host and the versions that the figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence

from bench.scratch import Scratch
from bench.settings import Settings

_VERSIONS: dict[str, Sequence[str]] = {
    "mawk": ["mawk", "-W", "version"],
    "gawk": ["gawk", "--version"],
    "perl": ["perl", "-e", "print 'perl ', $^V"],
    "miller": ["mlr", "--version"],
    "jq": ["jq", "--version"],
    "parallel": ["parallel", "--version"],
    "C compiler": ["cc", "--version"],
    "rsyslog": ["rsyslogd", "-v"],
    "syslog-ng": ["syslog-ng", "--version"],
    "fluent-bit": ["fluent-bit", "--version"],
}
_MODULES = ("polars", "watchfiles", "watchdog")

# Debian's Python is built with it, but says nothing of it, so that it is not there says nothing either.
_PYTHON_VERSION = (
    "import platform, sysconfig; "
    "pgo = '--enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or ''); "
    "print(platform.python_version(), ', built with profile-guided optimisation' if pgo else '', sep='')"
)
_MODULE_VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


def facts(settings: Settings, scratch: Scratch) -> dict[str, str]:
    """Return the host, the Pythons and the rivals, each by its label."""
    load, *_ = os.getloadavg()
    facts_by_name = {
        "cpu": f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores, load {load:.1f} before",
        "kernel": f"{platform.system()} {platform.release()}",
        "scratch": f"{scratch.root} ({scratch.filesystem})",
        "Python": _first_line([settings.python, "-c", _PYTHON_VERSION]),
    }
    for name, command in _VERSIONS.items():
        facts_by_name[name] = _first_line(command) if shutil.which(command[0]) else "not installed"
    for module in _MODULES:
        version = _first_line([settings.rivals_python, "-c", _MODULE_VERSION, module])
        facts_by_name[module] = version or "not installed"
    return facts_by_name


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(command: Sequence[str]) -> str:
    """Return the first line that a command prints, or "" if it fails."""
    process = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if process.returncode:
        return ""
    lines = (process.stdout.strip() or process.stderr.strip()).splitlines()
    return lines[0] if lines else ""
