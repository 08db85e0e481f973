"""A budget: bytes that are promised to many, and never more of them than there are."""

from __future__ import annotations


class Budget:
    """A number of bytes, parts of which are taken and given back. Not safe to use from several threads."""

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes

    def take(self, size_bytes: int) -> bool:
        """Take a part, and return whether there was enough for it."""
        if size_bytes > self._left_bytes:
            return False
        self._left_bytes -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Give a part back."""
        self._left_bytes += size_bytes
