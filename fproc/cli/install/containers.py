"""What compose and Kubernetes have in common: the command, the user and the folders of a container."""

from __future__ import annotations

import os

from fproc.cli.install.installation import Installation, is_within

CONTAINER_USER = 10001
"""The user and group of the image, by number."""

PROGRAM = "fproc"
"""How the image calls it."""

SECRETS = "/run/secrets"
"""Where a container has its secrets, one file each."""

STOP_SECONDS = 60
"""How long a container may take to stop; fproc itself takes some ten seconds at most."""


def watch_arguments(installation: Installation) -> list[str]:
    """Return the arguments of the image for `--watch`."""
    return installation.watch_command()[len(installation.command) :]


def health_command(installation: Installation) -> list[str]:
    """Return the command that says within the container whether all is well."""
    return [PROGRAM, *installation.status_command()[len(installation.command) :]]


def mounts(installation: Installation) -> list[tuple[str, bool]]:
    """Return the folders that the container needs, and whether it writes to each.

    They have the same paths inside, so that a configuration means the same there.
    """
    written = installation.writable()
    dashboard = installation.config.dashboard
    read = (installation.config_file, dashboard.token_file, dashboard.tls_cert, dashboard.tls_key)
    folders = dict.fromkeys(os.path.dirname(path) for path in read if path)
    only_read = [path for path in folders if path not in written and not is_within(path, written)]
    return [*((path, False) for path in only_read), *((path, True) for path in written)]
