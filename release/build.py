"""What one build is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from release.stamp import UNCOMMITTED, stamp_of


@dataclass(frozen=True)
class Build:
    """A commit of the project, which everything is built from.

    Attributes:
        project: its folder.
        commit: the commit that is checked out.
        time: when that was made; the clock of this host plays no part.
    """

    project: Path
    commit: str
    time: datetime

    @property
    def is_committed(self) -> bool:
        """Whether nothing was changed since the commit."""
        return not self.commit.endswith(UNCOMMITTED)


def build_of(project: Path) -> Build:
    """Return the build of what lies in a repository.

    Raises:
        OSError: there is no git.
        CalledProcessError: that is no repository.
    """
    commit, time = stamp_of(project).split()
    return Build(project, commit, datetime.fromisoformat(time.replace("Z", "+00:00")))
