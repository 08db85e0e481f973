"""The lines for systemd-tmpfiles: the folders, with a drop folder that a group may write into."""

from __future__ import annotations

from fproc.cli.install.installation import USER, Installation
from fproc.cli.install.systemd import quoted
from fproc.spool.layout import Folders


def tmpfiles_text(installation: Installation) -> str:
    """Return the lines, below a comment."""
    folders = Folders(installation.config.watch_dir, installation.config.results_dir)
    modes = {
        folders.watch: "2750",
        folders.unprocessed: "2770",
        folders.underprocess: "2750",
        folders.processed: "2750",
        folders.failed: "2750",
        folders.results: "2750",
    }
    lines = [f"d {quoted(path)} {mode} {USER} {USER} -" for path, mode in modes.items()]
    return "\n".join([_HEAD.format(user=USER), *lines])


_HEAD = """\
# /etc/tmpfiles.d/fproc.conf: the folders of fproc; `systemd-tmpfiles --create` makes them.
# Members of the group {user} (`usermod -aG {user} NAME`) may drop files into unprocessed/, and read what
# comes of them. The files keep their owner; the folder's set-group-ID bit gives them the group, so that fproc
# can read them if the umask of whoever drops them leaves the group that right (022 and 027 do).
# Type Path Mode User Group Age"""
