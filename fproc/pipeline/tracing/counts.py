"""The figures of one node."""

from __future__ import annotations

from fproc.base.values import dataclass


@dataclass(slots=True)
class NodeCounts:
    """Records that a node received, that it emitted, and that failed there.

    `timed` of those that it received took `seconds`. (Not frozen: they are added to while an input runs.)
    """

    received: int = 0
    emitted: int = 0
    failed: int = 0
    timed: int = 0
    seconds: float = 0.0

    def since(self, earlier: NodeCounts) -> NodeCounts:
        """Return what came to these figures since they were earlier ones."""
        return NodeCounts(
            self.received - earlier.received,
            self.emitted - earlier.emitted,
            self.failed - earlier.failed,
            self.timed - earlier.timed,
            self.seconds - earlier.seconds,
        )

    def add(self, other: NodeCounts) -> None:
        """Add the figures of another run."""
        self.received += other.received
        self.emitted += other.emitted
        self.failed += other.failed
        self.timed += other.timed
        self.seconds += other.seconds
