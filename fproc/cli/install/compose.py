"""The file for docker compose or podman-compose: one service with the paths that the configuration has."""

from __future__ import annotations

from fproc import __version__
from fproc.cli.install.containers import (
    CONTAINER_USER,
    SECRETS,
    STOP_SECONDS,
    health_command,
    mounts,
    watch_arguments,
)
from fproc.cli.install.installation import Installation
from fproc.cli.install.yaml import to_yaml
from fproc.cli.serving.tokens import CREDENTIAL


def compose_text(installation: Installation) -> str:
    """Return the file."""
    port = installation.config.dashboard.port
    service = {
        "image": f"fproc:{__version__}",
        "user": f"{CONTAINER_USER}:{CONTAINER_USER}",
        "command": [_literal(argument) for argument in watch_arguments(installation)],
        "environment": {"FPROC_HOST": "0.0.0.0", "CREDENTIALS_DIRECTORY": SECRETS},  # noqa: S104 - needs a token
        "secrets": [CREDENTIAL],
        "ports": [f"127.0.0.1:{port}:{port}"],
        "volumes": [
            {"type": "bind", "source": _literal(path), "target": _literal(path), "read_only": not is_written}
            for path, is_written in mounts(installation)
        ],
        # The image's own asks about the current folder, which is not that of this configuration.
        "healthcheck": {"test": ["CMD", *(_literal(word) for word in health_command(installation))]},
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "on-failure",
        "stop_grace_period": f"{STOP_SECONDS}s",
    }
    file = {"services": {"fproc": service}, "secrets": {CREDENTIAL: {"file": f"./{CREDENTIAL}"}}}
    return f"{_HEAD.format(credential=CREDENTIAL, version=__version__)}\n{to_yaml(file)}"


def _literal(text: str) -> str:
    """Return a text with its `$` doubled, as compose replaces variables."""
    return text.replace("$", "$$")


_HEAD = """\
# compose.yaml, for an image that `make docker-build` in a clone of fproc has built. To start it:
#   docker tag fproc fproc:{version} && openssl rand -hex 16 > {credential} && docker compose up --detach
# The user below must be able to write to the folders, and to read the configuration and the token. The
# dashboard listens to all of the container, and is published to this host alone."""
