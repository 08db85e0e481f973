"""The rule for logrotate, for those whose log goes to a file."""

from __future__ import annotations

from fproc.cli.install.installation import USER, Installation

DEFAULT_LOG_FILE = "/var/log/fproc/fproc.log"


def logrotate_text(installation: Installation) -> str:
    """Return the rule, below a comment."""
    path = installation.log_file or DEFAULT_LOG_FILE
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return _RULE.format(path=escaped, user=USER)


_RULE = """\
# /etc/logrotate.d/fproc, for an fproc with --log-file. It notices by itself that its log was renamed, and
# needs no signal. What a `write` node appends to may be rotated in the same way, without `copytruncate`.
"{path}" {{
    su {user} {user}
    weekly
    rotate 8
    missingok
    notifempty
    compress
    delaycompress
    create 0640 {user} {user}
}}"""
