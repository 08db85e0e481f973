"""The names of inputs: the only code that reads `match`, `ignore`, `ignore_more` and `marker`."""

from __future__ import annotations

from collections.abc import Sequence

from fproc.config.model import Intake
from fproc.config.patterns import MarkerPattern, NamePatterns


class InputNames:
    """What the settings of intake say about names; it looks at no folder.

    `marker` is how the marker of an input is called, or None where files are ready without one.
    """

    def __init__(self, intake: Intake) -> None:
        self.marker = MarkerPattern.of(intake.marker) if intake.ready == "marker" else None
        self._ignored = NamePatterns((*intake.ignore, *intake.ignore_more))
        self._matched = NamePatterns(intake.match)

    def may_be_input(self, name: str) -> bool:
        """Return whether a file of this name may be an input, in any folder: not ignored, and no marker.

        `match` says what is taken from `unprocessed/`. An input that was taken before it was changed is one.
        """
        return not self.is_marker(name) and not self._ignored.match(name)

    def is_taken(self, name: str) -> bool:
        """Return whether a file of this name is taken from `unprocessed/`."""
        matched, marker = self._matched, self.marker
        if not (matched.matches_all or matched.match(name)) or self._ignored.match(name):
            return False
        return marker is None or not marker.is_marker(name)

    def are_surely_taken(self, names: Sequence[str]) -> bool:
        """Return True if files of all these names are taken, by one quick look; False says nothing."""
        return self.marker is None and self._matched.matches_all and self._ignored.surely_match_none(names)

    def is_marker(self, name: str) -> bool:
        """Return whether a file of this name makes another one ready."""
        return self.marker is not None and self.marker.is_marker(name)

    def why_not(self, name: str) -> str:
        """Return why a name is left alone in `unprocessed/`, in a few words; "" if it is not."""
        if self.is_marker(name):
            return "it is a marker"
        if self._ignored.match(name):
            return "its name is ignored (intake.ignore)"
        return "" if self._matched.match(name) else "its name is none of intake.match"

    def marker_of(self, name: str) -> str:
        """Return the name of the marker that an input waits for; "" where there are no markers."""
        return self.marker.of_input(name) if self.marker else ""
