"""The table of what `--print` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fproc.cli.install.installation import Installation

KINDS: Mapping[str, str] = {
    "systemd": "fproc.cli.install.systemd.unit_text",
    "tmpfiles": "fproc.cli.install.tmpfiles.tmpfiles_text",
    "logrotate": "fproc.cli.install.logrotate.logrotate_text",
    "compose": "fproc.cli.install.compose.compose_text",
    "kubernetes": "fproc.cli.install.kubernetes.kubernetes_text",
}
"""The function that returns the text of each kind, by its import path: each is imported when it is wanted."""


def install_text(kind: str, installation: Installation) -> str:
    """Return the text of a file to install fproc with, without its last line ending."""
    module, _, function = KINDS[kind].rpartition(".")
    text: Callable[[Installation], str] = getattr(import_module(module), function)
    return text(installation)
