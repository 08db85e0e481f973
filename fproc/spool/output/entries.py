"""What one input adds to a result that inputs share: a part of its own, or text in its commit record."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from fproc.base.values import dataclass
from fproc.spool.layout import Folders

TextReader = Callable[[Folders, str, str, str], "bytes | None"]
"""A call with folders, an input's name, its job and a result's name that returns what is to be appended.

That is what the commit record holds for the result; None if there is no such record any more.
"""


@dataclass(frozen=True, slots=True)
class AppendedPart:
    """The path of a part, and how long that is. It is removed once it is appended."""

    path: str
    size_bytes: int

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return self.path

    @property
    def is_there(self) -> bool:
        """Whether it is not known to be appended."""
        return os.path.lexists(self.path)

    @contextmanager
    def contents(self) -> Iterator[mmap.mmap | bytes]:
        """Yield what is in it, which is not read before it is looked at.

        Raises:
            OSError: it has not the size that it had when it was committed.
        """
        with open(self.path, "rb") as file:
            if os.fstat(file.fileno()).st_size != self.size_bytes:
                what = "was changed after it was committed that it is appended"
                raise OSError(errno.EBADMSG, what, self.path)
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                yield data


@dataclass(frozen=True, slots=True)
class AppendedText:
    """Text in the commit record of an input's job; `data` is None once that record is gone.

    The record outlives the appending, so what was appended is remembered, see `Intents`.
    """

    name: str
    job: str
    size_bytes: int
    data: bytes | None

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return self.job

    @property
    def is_there(self) -> bool:
        """Whether its record is."""
        return self.data is not None

    @contextmanager
    def contents(self) -> Iterator[mmap.mmap | bytes]:
        """Yield it.

        Raises:
            OSError: it has not the size that it had when it was committed.
        """
        data = self.data or b""
        if len(data) != self.size_bytes:
            raise OSError(errno.EBADMSG, "was changed after it was committed that it is appended", self.name)
        yield data


Entry = AppendedPart | AppendedText


def has_text(entries: Iterable[Entry]) -> bool:
    """Return whether some of these are text."""
    return any(isinstance(entry, AppendedText) for entry in entries)
