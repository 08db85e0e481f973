"""What the owner of a big file and one of its helpers say to each other.

owner                                              helper (a process of its own)
Order, then Deal, Placing ...  --- a socket --->   does one after the other
Done or None; Placed               <---------------    (the bytes are in a buffer that both have)
"""

from __future__ import annotations

from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.pipeline.plugins.sources import PluginSources
from fproc.run.chunked.chunks import Chunk, SharedInput

BUFFERS = 4
"""The buffers of a helper: for chunks that it has to do, and for those whose bytes are not written yet."""


@dataclass(frozen=True, slots=True)
class Order:
    """The first message to a helper."""

    config: Config
    shared: SharedInput
    sources: PluginSources


@dataclass(frozen=True, slots=True)
class Deal:
    """A chunk to do, and the number of the buffer for its bytes; the answer is `Done`, or None."""

    chunk: Chunk
    buffer: int


@dataclass(frozen=True, slots=True)
class Placing:
    """The places of what is in a buffer: pieces by number, with the path of a part and the offset in it."""

    buffer: int
    places: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to that: all of it was written, or not."""

    buffer: int
    is_written: bool
