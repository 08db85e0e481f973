"""Reading what is compressed: how that is seen from the first bytes, and the decompressors."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from fproc.base.errors import InputError, NotWholeError
from fproc.base.text import shown
from fproc.config.input_format import AUTO, NONE
from fproc.config.patterns import COMPRESSED
from fproc.pipeline.records import BLOCK_BYTES
from fproc.run.reading.kinds import EMPTY_ZIP, STREAMS, ZIP, is_document, kind_of
from fproc.run.reading.raw import RawFile, Read

_SIGNATURES = {
    **{name: (signature,) for name, signature in STREAMS.items()},
    "xz": (STREAMS["xz"], b"]\x00\x00"),
    "zlib": (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
    "zip": (ZIP, EMPTY_ZIP),
}
"""The first bytes of compressed files (of xz, also those of its predecessor, .lzma)."""

PACKED_BYTES = 256 * 1024
"""How much is read of a gzip file at a time."""

_GZIP = 16
"""What makes zlib look for the header and trailer of gzip (zlib.h, inflateInit2)."""

_FIRST = {signature[0]: name for name, signatures in _SIGNATURES.items() for signature in signatures}


def compression_of(head: bytes, name: str, wanted: str) -> str:
    """Return how a file is compressed that begins with these bytes; `wanted` is what the configuration says.

    Raises:
        NotWholeError: it should be compressed, by configuration or name, and is not, or not whole.
    """
    if wanted != AUTO:
        if wanted != NONE and not _is(wanted, head):
            raise _no(wanted)
        return wanted
    name_of = _FIRST.get(head[0]) if head else None
    if name_of is not None and _is(name_of, head):
        return NONE if is_document(name, head) else name_of
    by_name = COMPRESSED.get(os.path.splitext(name)[1].lower())
    if by_name is not None and (_is_beginning(by_name, head) or not _may_be_text(head)):
        raise _no(by_name)
    return NONE


def _no(compression: str) -> NotWholeError:
    return NotWholeError(f"is not a whole {compression} file: it does not begin as one")


def _is(name: str, head: bytes) -> bool:
    if not head.startswith(_SIGNATURES[name]):
        return False
    return name != "zlib" or _is_zlib(head)


def _is_zlib(head: bytes) -> bool:
    """Return whether bytes that begin as zlib's can be decompressed: text may begin with `x^`."""
    import zlib  # noqa: PLC0415 - only where there is something to decompress

    try:
        zlib.decompressobj().decompress(head, BLOCK_BYTES)
    except zlib.error:
        return False
    return True


def _is_beginning(name: str, head: bytes) -> bool:
    return any(signature.startswith(head) for signature in _SIGNATURES[name])


def _may_be_text(head: bytes) -> bool:
    """Return whether bytes are text in UTF-8, as far as they go."""
    if kind_of(head) is not None or b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return True


def decompressed(file: RawFile, compression: str) -> Read:
    """Return the call that reads the contents of a compressed file from its beginning.

    Raises:
        InputError: it cannot be decompressed here.
    """
    reader, errors = _OPENERS[compression](file)

    def read(size_bytes: int) -> bytes:
        try:
            data: bytes = reader(size_bytes)
        except errors as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault, not the file's
            reason = shown(str(error)) or type(error).__name__
            raise NotWholeError(f"is not a whole {compression} file: {reason}") from error
        return data

    return read


_Opened = tuple[Callable[[int], bytes], tuple[type[Exception], ...]]
"""What reads, and the errors that say that the file is not whole."""


def _gzip(file: RawFile) -> _Opened:
    import zlib  # noqa: PLC0415 - only where there is something to decompress

    from fproc.run.reading.ahead import AheadReader  # noqa: PLC0415

    read = _GzipMembers(file).read
    return AheadReader(file, read).read if file.seekable() else read, (EOFError, zlib.error)


class _GzipMembers:
    """The contents of a gzip file: of all its members, with NULs between and behind them.

    `gzip` of the standard library takes more calls, each for less, so a thread would wait for the
    interpreter's lock all the time.
    """

    def __init__(self, file: RawFile) -> None:
        self._file = file
        self._packed = file.read(PACKED_BYTES)
        self._has_more = False
        self._begin()

    def _begin(self) -> None:
        import zlib  # noqa: PLC0415 - as above

        self._decompressor = zlib.decompressobj(zlib.MAX_WBITS | _GZIP)

    def read(self, size_bytes: int) -> bytes:
        """Return up to so many bytes, b"" at the end.

        Raises:
            EOFError: it ends too early, or something else follows.
            zlib.error: it is damaged.
        """
        while True:
            if self._decompressor.eof:
                self._packed = self._decompressor.unused_data.lstrip(b"\0")
                while not self._packed:
                    packed = self._file.read(PACKED_BYTES)
                    if not packed:
                        return b""
                    self._packed = packed.lstrip(b"\0")
                if not self._packed.startswith(STREAMS["gzip"][: len(self._packed)]):
                    raise EOFError("there is something behind its end")
                self._begin()
            elif not (self._packed or self._has_more):
                self._packed = self._file.read(PACKED_BYTES)
                if not self._packed:
                    raise EOFError("it ends too early")
            block: bytes = self._decompressor.decompress(self._packed, size_bytes)
            self._packed = self._decompressor.unconsumed_tail
            self._has_more = len(block) == size_bytes  # there may be more without a byte of the file
            if block:
                return block


def _bzip2(file: Any) -> _Opened:
    import bz2  # noqa: PLC0415

    return bz2.BZ2File(file).read, (EOFError, ValueError, OSError)


def _xz(file: Any) -> _Opened:
    import lzma  # noqa: PLC0415

    return lzma.LZMAFile(file).read, (EOFError, lzma.LZMAError)


def _zlib(file: RawFile) -> _Opened:
    import zlib  # noqa: PLC0415

    blocks = _zlib_blocks(file, zlib.decompressobj())
    return lambda _: next(blocks, b""), (EOFError, zlib.error)


def _zlib_blocks(file: RawFile, decompressor: Any) -> Iterator[bytes]:
    while not decompressor.eof:
        data = decompressor.unconsumed_tail or file.read(BLOCK_BYTES)
        if not data:
            raise EOFError("it ends too early")
        block = decompressor.decompress(data, BLOCK_BYTES)
        if block:
            yield block
    if decompressor.unused_data.strip(b"\0") or file.read(1):
        raise EOFError("there is something behind its end")


def _zip(file: Any) -> _Opened:
    import zipfile  # noqa: PLC0415 - slow to import
    import zlib  # noqa: PLC0415

    if not file.seekable():
        raise InputError("is a zip archive, which cannot be read from a pipe")
    broken = (zipfile.BadZipFile, EOFError, zlib.error)
    try:
        archive = zipfile.ZipFile(file)
        members = [member for member in archive.infolist() if not member.is_dir()]
        names = {member.filename for member in members}
        if {"[Content_Types].xml", "mimetype"} & names:
            raise InputError("is no text but an Office document; save it as text, such as CSV")
        if len(members) != 1:
            raise InputError(
                f"is a zip archive with {len(members)} files; only one with a single file can be read"
            )
        return archive.open(members[0]).read, broken
    except broken as error:
        raise NotWholeError(f"is not a whole zip file: {shown(str(error))}") from error
    except (NotImplementedError, RuntimeError) as error:  # encrypted, or a method that Python lacks
        raise InputError(f"is a zip archive that cannot be read: {shown(str(error))}") from error


def _zstd(file: Any) -> _Opened:
    for module, opener in (("compression.zstd", _zstd_of_python), ("zstandard", _zstd_of_package)):
        try:
            library = import_module(module)
        except ImportError:
            continue
        return opener(library, file)
    raise InputError(
        "is compressed with zstd, which needs Python 3.14 or later, or the package zstandard for this one"
    )


def _zstd_of_python(library: Any, file: Any) -> _Opened:
    return library.ZstdFile(file).read, (EOFError, library.ZstdError)


def _zstd_of_package(library: Any, file: Any) -> _Opened:
    reader = library.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return reader.read, (EOFError, library.ZstdError)


_OPENERS: dict[str, Callable[[Any], _Opened]] = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "xz": _xz,
    "zlib": _zlib,
    "zip": _zip,
    "zstd": _zstd,
}
