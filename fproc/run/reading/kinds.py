"""What a file is by its first bytes, if it is no text: nobody wants the lines of a picture."""

from __future__ import annotations

SNIFF_BYTES = 512
"""How many of the first bytes are looked at; `tar` has its mark in there."""

_TAR = slice(257, 262)

STREAMS = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
}
"""First bytes of compressed files that cannot be taken for anything else."""

ZIP, EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"

_SIGNATURES = (
    *((signature, f"compressed with {name}") for name, signature in STREAMS.items()),
    (ZIP, "a zip archive"),
    (EMPTY_ZIP, "an empty zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"!<arch>\n", "an ar archive or Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"\x1f\x9d", "compressed with compress"),
    (b"\x1f\xa0", "compressed with compress"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"LZIP\x01", "compressed with lzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Microsoft Office"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x7fELF", "a program or library (ELF)"),
    (b"\xca\xfe\xba\xbe", "a Java class or a program of macOS"),
    (b"\xcf\xfa\xed\xfe", "a program of macOS"),
    (b"\xce\xfa\xed\xfe", "a program of macOS"),
    (b"\x00asm", "a WebAssembly module"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ElfFile\x00", "a Windows event log"),
    (b"LPKSHHRH", "a systemd journal"),
    (b"Obj\x01", "an Avro file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture"),
    (b"OggS\x00", "an Ogg file"),
    (b"fLaC\x00", "a FLAC file"),
    (b"ID3\x03", "an MP3 file"),
    (b"ID3\x04", "an MP3 file"),
    (b"\x1a\x45\xdf\xa3", "a Matroska video"),
)
"""First bytes that no text has, and what they are."""

_WITH_NULS = (
    (b"MZ", 0, "a program of Windows"),
    (b"BM", 0, "a BMP image"),
    (b"PAR1", 0, "a Parquet file"),
    (b"ORC", 0, "an ORC file"),
    (b"RIFF", 0, "a RIFF file (WAV, AVI or WebP)"),
    (b"ftyp", 4, "an MP4 or QuickTime video"),
)
"""Bytes, and where they are, of files that have NULs among their first bytes; text may have them, too."""

_BY_FIRST: dict[int, list[tuple[bytes, str]]] = {}
for _signature, _kind in _SIGNATURES:
    _BY_FIRST.setdefault(_signature[0], []).append((_signature, _kind))


_DOCUMENTS = (
    *(".docx", ".docm", ".xlsx", ".xlsm", ".xlsb", ".pptx", ".pptm", ".odt", ".ods", ".odp"),
    *(".jar", ".war", ".apk", ".epub", ".whl"),
)
"""Names of zip archives that are one thing: nobody means the text of a file in them."""


_RARE = frozenset([*_BY_FIRST, *(signature[0] for signature, _, _ in _WITH_NULS), *b"\0\xef\xfe\xff\x78]"])
"""First bytes of files that may be something else than text in UTF-8; text may have some of them, too."""


def is_plain(head: bytes) -> bool:
    """Return whether bytes begin as nothing but text in UTF-8 does; text may begin in another way, too."""
    return head[:1] != b"" and head[0] not in _RARE and b"\0" not in head[:SNIFF_BYTES]


def is_document(name: str, head: bytes) -> bool:
    """Return whether a zip archive is a document or program, by its name."""
    return head.startswith(ZIP) and name.lower().endswith(_DOCUMENTS)


def kind_of(head: bytes, name: str = "") -> str | None:
    """Return what a file is that begins with these bytes, in words; None if it may be text."""
    if is_document(name, head):
        return f"a document or program ({name.rpartition('.')[2].lower()}) in a zip archive"
    if head[_TAR] == b"ustar":
        return "a tar archive"
    signatures = _BY_FIRST.get(head[0], ()) if head else ()
    kind = next((kind for signature, kind in signatures if head.startswith(signature)), None)
    return kind or _kind_with_nulls(head)


def _kind_with_nulls(head: bytes) -> str | None:
    if b"\0" not in head[:SNIFF_BYTES]:
        return None
    for signature, offset, kind in _WITH_NULS:
        if head.startswith(signature, offset):
            return kind
    return None


def wide_text(head: bytes) -> str | None:
    """Return that bytes are UTF-16, if most of every second one are NULs, and of the others none is."""
    if b"\0" not in head[:4]:
        return None
    size_bytes = min(len(head), SNIFF_BYTES) // 2 * 2
    for encoding, letters, nulls in (
        ("utf-16-le", head[:size_bytes:2], head[1:size_bytes:2]),
        ("utf-16-be", head[1:size_bytes:2], head[:size_bytes:2]),
    ):
        if len(nulls) > 1 and b"\0" not in letters and 2 * nulls.count(b"\0") > len(nulls):
            return f"UTF-16 without a byte order mark (the encoding {encoding} reads it)"
    return None
