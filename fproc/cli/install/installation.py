"""What is known of the fproc that is to be installed: how it is called, and the paths that it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from fproc.base.values import dataclass
from fproc.config.model import Config

USER = "fproc"
"""The user and group that fproc runs as."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An fproc with its configuration.

    Attributes:
        command: the command line that starts it, without options.
        options: the options that were given beside `--print`, with absolute paths, but for `--config`.
        config: the configuration in force.
        config_file: its path, or "" for the built-in one.
        log_file: where the log goes, or "" for standard error.
    """

    command: tuple[str, ...]
    options: tuple[str, ...]
    config: Config
    config_file: str
    log_file: str

    def watch_command(self) -> list[str]:
        """Return the command line of its `--watch`, for which the current folder means nothing."""
        config = ["--config", self.config_file] if self.config_file else []
        folder = [] if config or "--watch-dir" in self.options else ["--watch-dir", self.config.watch_dir]
        return [*self.command, "--watch", *config, *folder, *self.options]

    def status_command(self) -> list[str]:
        """Return the command line that asks how its `--watch` is, wherever it is called."""
        config = ["--config", self.config_file] if self.config_file else []
        return [*self.command, "--status", *config, "--watch-dir", self.config.watch_dir]

    def writable(self) -> list[str]:
        """Return the folders that it writes to, without those that lie in another one of them."""
        folders = [self.config.watch_dir, self.config.results_dir]
        if self.log_file:
            folders.append(os.path.dirname(self.log_file))
        return [folder for folder in dict.fromkeys(folders) if not is_within(folder, folders)]

    def needed(self) -> list[str]:
        """Return all paths that it reads or writes."""
        dashboard = self.config.dashboard
        secrets = (dashboard.token_file, *dashboard.tokens.paths(), dashboard.tls_cert, dashboard.tls_key)
        more = (self.log_file, self.config_file, *secrets)
        programs = [part for part in self.command if os.path.isabs(part)]
        return [*programs, self.config.watch_dir, self.config.results_dir, *filter(None, more)]


def is_within(path: str, folders: Iterable[str]) -> bool:
    """Return whether a path lies below one of these folders."""
    return any(path != folder and path.startswith(os.path.join(folder, "")) for folder in folders)


def own_command() -> tuple[str, ...]:
    """Return the command line that starts this fproc again."""
    program = os.path.abspath(sys.argv[0])
    is_module = os.path.basename(program) == "__main__.py"
    return (sys.executable, "-m", "fproc") if is_module else (program,)
