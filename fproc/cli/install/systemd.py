"""The systemd unit: a service that may reach nothing but its folders and its port."""

from __future__ import annotations

import os
import re

from fproc.cli.install.installation import USER, Installation, is_within
from fproc.cli.serving.tokens import CREDENTIAL, is_loopback

WATCHDOG_SECONDS = 60
"""How long systemd waits for a sign of life."""

STOP_SECONDS = 60
"""How long systemd waits for the end of a stop; fproc itself takes some ten seconds at most."""

_HOMES = ("/home", "/root", "/run/user")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - looked for, not used


def unit_text(installation: Installation) -> str:
    """Return the text of the unit."""
    config = installation.config
    dashboard = config.dashboard
    needed = installation.needed()
    folders = " ".join(map(quoted, installation.writable()))
    command = " ".join(quoted(word).replace("$", "$$") for word in installation.watch_command())
    is_at_home = any(is_within(path, _HOMES) for path in needed)
    is_temporary = any(is_within(path, _TEMPORARY) for path in needed)
    is_local = is_loopback(dashboard.host) and not (config.alerts.webhook or config.alerts.heartbeat_url)
    has_token = bool(dashboard.token_file or any(dashboard.tokens.paths()))
    needs_token = not (is_loopback(dashboard.host) or has_token)
    return _UNIT.format(
        user=USER,
        credential=f"{'' if needs_token else '#'}LoadCredential={CREDENTIAL}:/etc/fproc/token",
        command=command,
        config=quoted(installation.config_file or "the built-in configuration"),
        folders=folders,
        watchdog=WATCHDOG_SECONDS,
        stop=STOP_SECONDS,
        home="read-only" if is_at_home else "yes",
        private_tmp="no" if is_temporary else "yes",
        network=_LOCAL if is_local else _ANYWHERE,
    )


def quoted(text: str) -> str:
    """Return a word as units spell it: with its `%` doubled, and in quotes if it needs some."""
    escaped = re.sub(r'[\\"]', r"\\\g<0>", text).replace("%", "%%")
    escaped = "".join(char if char.isprintable() else _bytes_of(char) for char in escaped)
    return escaped if re.fullmatch(r"[\w%@+=:,./-]+", escaped, re.ASCII) else f'"{escaped}"'


def _bytes_of(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))


_LOCAL = """\
# Nobody but this host may talk to the dashboard, and fproc calls nobody.
IPAddressDeny=any
IPAddressAllow=localhost"""

_ANYWHERE = """\
# The dashboard or the alerts use the network. Name the networks that may be talked to, if you know them:
#IPAddressDeny=any
#IPAddressAllow=localhost 192.0.2.0/24"""

_UNIT = """\
# fproc.service, for {config}. To install it, as root:
#   useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin {user}
#   fproc --print tmpfiles --config ... > /etc/tmpfiles.d/fproc.conf && systemd-tmpfiles --create
#   fproc --print systemd --config ... > /etc/systemd/system/fproc.service
#   systemctl daemon-reload && systemctl enable --now fproc
# {user} must be able to read the configuration, the modules beside it, and the program.
[Unit]
Description=fproc: files land in a folder, results appear
Documentation=man:fproc(1)
After=local-fs.target remote-fs.target network.target
# A folder on a mount that is missing looks like a new one: fproc must not start without it.
RequiresMountsFor={folders}

[Service]
Type=notify
User={user}
Group={user}
ExecStart={command}
# The shell's own kill, as small systems have no /bin/kill.
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
# Lines such as FPROC_WEBHOOK=https://..., which are secrets.
EnvironmentFile=-/etc/fproc/environment
# The token of the dashboard, in a file that only root can read.
{credential}
# A wrong configuration does not get better by itself.
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=78
# fproc tells its workers itself; a big file stops at a checkpoint.
KillMode=mixed
TimeoutStopSec={stop}
WatchdogSec={watchdog}
CacheDirectory=fproc
UMask=0027

# Files that other users drop belong to them, and then only CAP_LEASE lets fproc ask the kernel whether they
# are still being written. Without it, such a file is taken once it has been unchanged for
# `intake.settle_unknown_seconds`, see "Who writes" in docs/CONFIGURATION.md. The capability allows nothing
# else. To grant it, replace the three lines below by
#   AmbientCapabilities=CAP_LEASE
#   CapabilityBoundingSet=CAP_LEASE
#   PrivateUsers=no
AmbientCapabilities=
CapabilityBoundingSet=
PrivateUsers=yes

# All of the filesystem is read-only, but for these.
ProtectSystem=strict
ReadWritePaths={folders}
ProtectHome={home}
PrivateTmp={private_tmp}
{network}
NoNewPrivileges=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
# fproc gives folders the set-group-ID bit of the folder that they are in.
RestrictSUIDSGID=no
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target"""
