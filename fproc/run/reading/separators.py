"""Records that end at a separator, wherever that is in a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fproc.config.input_format import SEPARATOR
from fproc.pipeline.records import Block, Overlong, decode_text
from fproc.run.reading.limit import head_of, size_bytes_of, within_limit
from fproc.run.reading.raw import Read


def separator_pattern(records: Mapping[str, str]) -> re.Pattern[bytes]:
    r"""Return what finds the separator of records in bytes; each `\n` of it may have a `\r` before it."""
    lines = records[SEPARATOR].replace("\r\n", "\n").encode("utf-8", "surrogateescape").split(b"\n")
    return re.compile(rb"\r?\n".join(map(re.escape, lines)))


class Cutting:
    """Cuts the bytes of an input into records.

    Args:
        separator: finds what ends a record.
        max_bytes: the longest record; a longer one comes as an `Overlong`.
        line_no, offset_bytes: where the input begins.
    """

    def __init__(self, separator: re.Pattern[bytes], max_bytes: int, line_no: int, offset_bytes: int) -> None:
        self._separator = separator
        self._tail_bytes = 2 * len(separator.pattern)  # no separator is longer
        self._max_bytes = max_bytes
        self._line_no = line_no
        self._offset_bytes = offset_bytes
        self._held = b""  # what was read of the record that begins there, or the end of that
        self._passed_bytes = self._passed_lines = 0
        self._head: str | None = None  # of that record, once it is over the limit

    def cut(self, read: Read, block_bytes: int) -> Iterator[Block | Overlong]:
        """Read an input to its end; what follows the last separator is a record, if it is any text."""
        while chunk := read(block_bytes):
            self._held += chunk
            if self._head is not None:
                found = self._separator.search(self._held)
                if found is None:
                    self._pass_over()
                    continue
                yield Overlong(self._line_no, self._offset_bytes, self._head)
                self._go_on(found.end())
            yield from self._complete()
        if self._head is not None:
            yield Overlong(self._line_no, self._offset_bytes, self._head)
        elif text := _text_of(self._held):
            places = [self._line_no], [self._offset_bytes]
            block = Block([text], self._line_no, self._offset_bytes, self._held, *places)
            yield from within_limit(block, self._max_bytes)

    def _complete(self) -> Iterator[Block | Overlong]:
        """Yield the records that have ended; hold what comes after them."""
        data, line_no, begin = self._held, self._line_no, 0
        texts, numbers, offsets = [], [], []
        for found in self._separator.finditer(data):
            texts.append(_text_of(data[begin : found.start()]))
            numbers.append(line_no)
            offsets.append(self._offset_bytes + begin)
            line_no += data.count(b"\n", begin, found.end())
            begin = found.end()
        if begin:
            block = Block(texts, self._line_no, self._offset_bytes, data[:begin], numbers, offsets)
            yield from within_limit(block, self._max_bytes)
            self._go_on(begin)
        if len(self._held) > self._max_bytes + self._tail_bytes:
            text = _text_of(self._held[: -self._tail_bytes]).rstrip("\r\n")
            if size_bytes_of(text) > self._max_bytes:
                self._head = head_of(text, self._max_bytes)
                self._pass_over()

    def _go_on(self, size_bytes: int) -> None:
        """Begin a record after so many bytes of what is held."""
        self._line_no += self._passed_lines + self._held.count(b"\n", 0, size_bytes)
        self._offset_bytes += self._passed_bytes + size_bytes
        self._held = self._held[size_bytes:]
        self._passed_bytes = self._passed_lines = 0
        self._head = None

    def _pass_over(self) -> None:
        """Drop what is held, but for what may be the beginning of a separator."""
        dropped, self._held = self._held[: -self._tail_bytes], self._held[-self._tail_bytes :]
        self._passed_bytes += len(dropped)
        self._passed_lines += dropped.count(b"\n")


def _text_of(raw: bytes) -> str:
    return decode_text(raw).replace("\r\n", "\n").rstrip("\n")
