"""The contents of a file: what is left once it is decompressed and decoded, and where its text begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fproc.base.errors import InputError, NotWholeError
from fproc.base.values import dataclass
from fproc.config.input_format import AUTO, NONE, InputFormat
from fproc.config.model import MEGABYTE
from fproc.config.patterns import COMPRESSED
from fproc.pipeline.records import BLOCK_BYTES, decode_text
from fproc.run.reading.kinds import is_plain, kind_of, wide_text
from fproc.run.reading.raw import RawFile, Read

FIRST_LINE_BYTES = 2**20
"""How much of a first line rules look at."""

_SUFFIXES = tuple(COMPRESSED)


class ContentsReader(Protocol):
    """Reads contents."""

    def read(self, size_bytes: int, /) -> bytes:
        """Return some bytes, about so many; b"" at the end."""

    def skip_to(self, offset_bytes: int, /) -> None:
        """Go on at another byte of the contents."""

    def push_back(self, data: bytes, /) -> None:
        """Have what was just read be read again."""


class _Derived:
    """Contents that are made of others: to go on elsewhere, all that is before is made again.

    Args:
        begin: returns what reads them from where the others are, which is their beginning.
        rewind: has the others go back to that.
    """

    def __init__(self, begin: Callable[[], Read], rewind: Callable[[], None]) -> None:
        self._begin = begin
        self._rewind = rewind
        self._read = begin()
        self._ahead = b""

    def read(self, size_bytes: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        return self._read(size_bytes)

    def skip_to(self, offset_bytes: int) -> None:
        self._rewind()
        self._read, self._ahead = self._begin(), b""
        while offset_bytes > 0 and (data := self._read(min(BLOCK_BYTES, offset_bytes))):
            self._ahead = data[offset_bytes:]
            offset_bytes -= len(data)

    def push_back(self, data: bytes) -> None:
        self._ahead = data + self._ahead


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents that are ready to be read from their byte `begin_bytes` on.

    `nulls` is how many NULs were skipped before that.
    """

    reader: ContentsReader
    begin_bytes: int = 0
    nulls: int = 0


def open_contents(
    raw: RawFile, name: str, form: InputFormat, most_expanded_bytes: int | None = None
) -> Contents:
    """Return the contents of a file.

    Raises:
        InputError: it is no text, or cannot be decompressed; also as it is read, once it has had more than
            `most_expanded_bytes`.
        NotWholeError: it is not a whole compressed file, as far as the first bytes tell.
        OSError: the disk refuses.
    """
    is_usual = (form.encoding, form.compression, form.binary) == (AUTO, AUTO, "fail")
    if is_usual and is_plain(raw.peek()) and not name.lower().endswith(_SUFFIXES):
        return Contents(raw)
    from fproc.run.reading.encoding import UTF_8, encoding_of, transcoded  # noqa: PLC0415 - most files do without

    reader = _decompressed(raw, name, form, most_expanded_bytes)
    head = reader.read(BLOCK_BYTES)
    encoding, mark_bytes = encoding_of(head, form.encoding)
    is_wide = encoding.startswith(("utf-16", "utf-32"))
    if form.binary == "fail":
        kind = kind_of(head, name) or (None if is_wide else wide_text(head))
        if kind is not None:
            raise InputError(f"is {kind}, not text")
    nulls = 0
    if head[:1] == b"\0" and not is_wide and form.binary == "fail":
        nulls, head = _skip_nulls(reader, head)
        encoding, mark_bytes = encoding_of(head, form.encoding)
    begin_bytes = nulls + mark_bytes
    reader.push_back(head[mark_bytes:])
    if encoding == UTF_8:
        return Contents(reader, begin_bytes, nulls)
    decoded = _Derived(lambda: transcoded(reader.read, encoding), lambda: reader.skip_to(begin_bytes))
    return Contents(decoded, 0, nulls)


def _decompressed(raw: RawFile, name: str, form: InputFormat, most_bytes: int | None) -> ContentsReader:
    from fproc.run.reading.compression import compression_of, decompressed  # noqa: PLC0415 - as above

    compression = compression_of(raw.peek(), name, form.compression)
    if compression == NONE:
        return raw
    try:
        return _Derived(lambda: _bounded(decompressed(raw, compression), most_bytes), lambda: raw.skip_to(0))
    except NotWholeError:
        raise
    except InputError:
        if form.binary == "accept" and form.compression == AUTO and raw.seekable():
            raw.skip_to(0)
            return raw
        raise


def _bounded(read: Read, most_bytes: int | None) -> Read:
    """Return a call that reads, and raises `InputError` once it has read too much."""
    if most_bytes is None:
        return read
    left_bytes = most_bytes

    def bounded_read(size_bytes: int) -> bytes:
        nonlocal left_bytes
        data = read(size_bytes)
        left_bytes -= len(data)
        if left_bytes < 0:
            raise InputError(f"holds more than limits.max_expanded_mb, which is {most_bytes / MEGABYTE:g} MB")
        return data

    return bounded_read


def _skip_nulls(reader: ContentsReader, head: bytes) -> tuple[int, bytes]:
    """Read on to the first byte that is no NUL; return how many came before it, and what was read from it on.

    Raises:
        InputError: there is none.
    """
    nulls = 0
    while not head.strip(b"\0"):
        nulls += len(head)
        if isinstance(reader, RawFile):
            nulls += reader.skip_hole()
        head = reader.read(BLOCK_BYTES)
        if not head:
            raise InputError(f"holds nothing but {nulls} NULs: what was in it is lost")
    text = head.lstrip(b"\0")
    return nulls + len(head) - len(text), text


def first_line(reader: ContentsReader) -> str:
    """Return the first line, as far as it is not longer than that; all of it is read again."""
    data = b""
    while b"\n" not in data and len(data) < FIRST_LINE_BYTES and (block := reader.read(BLOCK_BYTES)):
        data += block
    reader.push_back(data)
    return decode_text(data.partition(b"\n")[0][:FIRST_LINE_BYTES]).removesuffix("\r")
