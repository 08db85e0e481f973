"""Records over the limit: each is one error, of which the beginning is kept."""

from __future__ import annotations

from collections.abc import Iterator

from fproc.pipeline.records import HEAD_BYTES, Block, Overlong


def within_limit(block: Block, max_bytes: int) -> Iterator[Block | Overlong]:
    """Yield the records of a block, as several blocks around those that are over the limit."""
    if len(block.raw) <= max_bytes:
        yield block
        return
    while True:
        sizes = enumerate(map(size_bytes_of, block.lines))
        index = next((index for index, size_bytes in sizes if size_bytes > max_bytes), None)
        if index is None:
            yield block
            return
        if index:
            before, block = block.cut(index)
            yield before
        head = head_of(block.lines[0], max_bytes)
        yield Overlong(block.line_no(0), block.record_offset_bytes(0), head)
        if len(block.lines) == 1:
            return
        block = block.cut(1)[1]


def head_of(text: str, max_bytes: int) -> str:
    """Return the first characters of a record over the limit, the same however much of it was read."""
    head = text[: min(HEAD_BYTES, max_bytes)]
    while size_bytes_of(head) > min(HEAD_BYTES, max_bytes):
        head = head[:-1]
    return head


def size_bytes_of(text: str) -> int:
    """Return how many bytes a text has."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
