"""Decoding text that is not UTF-8, and byte order marks: what comes of it is UTF-8 without a mark."""

from __future__ import annotations

import codecs

from fproc.base.errors import InputError
from fproc.config.input_format import AUTO
from fproc.run.reading.raw import Read

UTF_8 = "utf-8"

_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; that of UTF-32 begins with that of UTF-16."""


def encoding_of(head: bytes, wanted: str) -> tuple[str, int]:
    """Return the encoding of contents that begin with these bytes, and the length of their byte order mark.

    `wanted` is what the configuration says.
    """
    name = UTF_8 if wanted == AUTO else codecs.lookup(wanted).name
    for mark, marked in _MARKS:
        if head.startswith(mark) and (wanted == AUTO or marked.startswith(name.removesuffix("-sig"))):
            return marked, len(mark)
    if name == "utf-8-sig":
        return UTF_8, 0
    if name in {"utf-16", "utf-32"}:
        return f"{name}-le", 0
    return name, 0


def transcoded(read: Read, encoding: str) -> Read:
    """Return the call that reads the same text in UTF-8.

    It raises `InputError` where the bytes are none of the encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    done_bytes = 0

    def read_utf_8(size_bytes: int) -> bytes:
        nonlocal done_bytes
        while True:
            data = read(size_bytes)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                position = done_bytes + len(data) - len(error.object) + error.start
                raise InputError(
                    f"is not text in {encoding}: {error.reason} at byte {position} of it"
                ) from error
            done_bytes += len(data)
            if text or not data:
                return text.encode("utf-8", "surrogatepass")

    return read_utf_8
