"""Reading multipart/form-data (RFC 7578) as it comes in, in constant memory.

The contents of the fields named `file` are handed on piece by piece. Other fields are skipped. Whatever does
not follow RFC 2046 and RFC 7578 is an error: a guess could store something that nobody sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote_to_bytes

from fproc.base.errors import FprocError
from fproc.base.text import shown

MAX_PARTS = 1000
HEADER_BYTES = 8192
"""The most parts of a body, and the most bytes that the header of one may have."""

FIELDS_BYTES = 64 * 1024
"""The most bytes that all fields other than `file` may have together."""

FIELD = "file"

_TYPE = re.compile(r"[ \t]*multipart/form-data[ \t]*(;.*)?", re.IGNORECASE)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*([0-9A-Za-z!#$%&'*+.^_`|~-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^";\\ \t]*)"""
)
_HEADER = re.compile(r"([0-9A-Za-z!#$%&'*+.^_`|~-]+):([^\r\n]*)")

_PADDING = b" \t"
_SAFE_ENCODINGS = frozenset({"7bit", "8bit", "binary"})

_BROWSER_ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n"}
"""What browsers write for the characters that cannot be in quotes (WHATWG HTML, form submission)."""


class MultipartError(FprocError):
    """A body cannot be read. `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Sink(Protocol):
    """A receiver of the contents of one file."""

    def write(self, data: memoryview) -> None:
        """Take a piece; a view of it is good only for now."""

    def close(self) -> None:
        """End the file."""


def boundary_of(content_type: str) -> bytes:
    """Return the boundary between the parts, from the header `Content-Type`.

    Raises:
        MultipartError: it is another type (415), or its boundary is missing or invalid by RFC 2046 (400).
    """
    match = _TYPE.fullmatch(content_type)
    if match is None:
        raise MultipartError(415, f"the body must be multipart/form-data, not '{shown(content_type[:80])}'")
    boundary = _parameters(match[1] or "", "Content-Type").get("boundary")
    if boundary is None:
        raise MultipartError(400, "the Content-Type names no boundary")
    if not _BOUNDARY.fullmatch(boundary):
        raise MultipartError(400, "the boundary must be 1 to 70 of the characters that RFC 2046 allows")
    return boundary.encode()


class Parser:
    """A parser that takes a body in pieces of any size, and finds the files in it.

    Args:
        boundary: see `boundary_of`.
        on_file: called with the name of each file, as it was sent; returns the sink for its contents. `feed`
            passes on errors of it.
    """

    def __init__(self, boundary: bytes, on_file: Callable[[str], Sink]) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._on_file = on_file
        self._parts = 0
        self._fields_bytes = 0
        self._kept = b"\r\n"  # so the first delimiter is one like the others
        self._sink: Sink = _Nothing()
        self._take: Callable[[bytes, int], int | None] = self._take_contents

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            MultipartError: it is malformed, or more than is allowed.
        """
        data = self._kept + data if self._kept else data
        self._kept = b""
        position: int | None = 0
        while position is not None:
            position = self._take(data, position)

    def close(self) -> None:
        """End the body.

        Raises:
            MultipartError: its end is missing.
        """
        if self._take != self._take_rest:
            raise MultipartError(400, "the body ends before its last boundary")

    def _take_contents(self, data: bytes, start: int) -> int | None:
        end = data.find(self._delimiter, start)
        if end < 0:
            end = self._partial(data, start)
            self._kept = data[end:]
            self._give(data, start, end)
            return None
        self._give(data, start, end)
        self._sink.close()
        self._take = self._take_header
        return end + len(self._delimiter)

    def _partial(self, data: bytes, start: int) -> int:
        """Return the position of a delimiter that begins at the end of the data, or that end.

        The only carriage return of a delimiter is its first byte, so only the last one can be its beginning.
        """
        position = data.rfind(b"\r", max(start, len(data) - len(self._delimiter) + 1))
        return position if position >= 0 and self._delimiter.startswith(data[position:]) else len(data)

    def _give(self, data: bytes, start: int, end: int) -> None:
        if end > start:
            self._sink.write(memoryview(data)[start:end])

    def _take_header(self, data: bytes, start: int) -> int | None:
        """Read from a delimiter to the contents of a part, or find that it is the last one."""
        if data.startswith(b"--", start):
            self._take = self._take_rest
            return None
        end = data.find(b"\r\n\r\n", start, start + HEADER_BYTES)
        if end < 0:
            if len(data) - start >= HEADER_BYTES:
                raise MultipartError(400, f"the header of a part has no end within {HEADER_BYTES} bytes")
            self._kept = data[start:]
            return None
        self._sink = self._open(data[start:end])
        self._take = self._take_contents
        return end + 4

    def _take_rest(self, _data: bytes, _start: int) -> int | None:
        """Ignore what follows the last delimiter (RFC 2046)."""
        return None

    def _open(self, header: bytes) -> Sink:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MultipartError(413, f"the body has more than {MAX_PARTS} parts; send several bodies")
        padding, *lines = header.split(b"\r\n")
        if padding.strip(_PADDING):
            raise MultipartError(400, "something follows a boundary on its line")
        name, filename = _disposition(lines)
        if name != FIELD:
            return _Ignored(self._count_field)
        if filename is None:
            raise MultipartError(400, f"the field '{FIELD}' is no file: it has no filename")
        return self._on_file(filename)

    def _count_field(self, size_bytes: int) -> None:
        self._fields_bytes += size_bytes
        if self._fields_bytes > FIELDS_BYTES:
            raise MultipartError(413, f"the fields that are no files have more than {FIELDS_BYTES} bytes")


class _Nothing:
    """The sink before the first boundary."""

    def write(self, _data: memoryview) -> None:
        raise MultipartError(400, "the body does not begin with its boundary")

    def close(self) -> None:
        pass


class _Ignored:
    """The sink of a field that is not a file."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count

    def write(self, data: memoryview) -> None:
        self._count(len(data))

    def close(self) -> None:
        pass


def _disposition(lines: list[bytes]) -> tuple[str, str | None]:
    """Return the name of a field and of its file, from the lines of a part's header."""
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(_text(line))
        if match is None:
            raise MultipartError(400, "the header of a part has a line that is none")
        if match[1].lower() in headers:
            raise MultipartError(400, f"a part has two headers {match[1]}")
        headers[match[1].lower()] = match[2].strip(" \t")
    if headers.get("content-transfer-encoding", "binary").lower() not in _SAFE_ENCODINGS:
        raise MultipartError(400, "a part has a Content-Transfer-Encoding, which RFC 7578 does not allow")
    disposition = headers.get("content-disposition", "")
    kind = disposition.partition(";")[0]
    if kind.strip().lower() != "form-data":
        raise MultipartError(400, "a part has no Content-Disposition: form-data")
    parameters = _parameters(disposition[len(kind) :], "Content-Disposition")
    if "name" not in parameters:
        raise MultipartError(400, "a part has no name")
    filename = parameters.get("filename")
    if "filename*" in parameters:
        filename = _extended(parameters["filename*"])
    elif filename is not None:
        for written, meant in _BROWSER_ESCAPES.items():
            filename = filename.replace(written, meant)
    return parameters["name"], filename


def _parameters(text: str, header: str) -> dict[str, str]:
    """Return the parameters of a header; text begins with a semicolon, or is empty."""
    parameters: dict[str, str] = {}
    position = 0
    while text[position:].strip(" \t;"):
        match = _PARAMETER.match(text, position)
        if match is None or match[1].lower() in parameters:
            raise MultipartError(400, f"a {header} cannot be understood")
        parameters[match[1].lower()] = _unquoted(match[2])
        position = match.end()
    return parameters


def _unquoted(value: str) -> str:
    r"""Return a token unchanged, or the text in quotes.

    A backslash before anything but `"` and itself is a plain one: some programs put a path there unescaped,
    and it must not become a name.
    """
    return re.sub(r'\\(["\\])', r"\1", value[1:-1]) if value.startswith('"') else value


def _extended(value: str) -> str:
    """Return the text of a value in the form of RFC 8187: `UTF-8''na%C3%AFve.txt`."""
    charset, *rest = value.split("'", 2)
    if charset.lower() != "utf-8" or len(rest) != 2:  # noqa: PLR2004 - a language, and the value
        raise MultipartError(400, "a filename* is not of the form UTF-8''NAME")
    return _text(unquote_to_bytes(rest[1]))


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise MultipartError(400, "the header of a part is not text in UTF-8") from error
