"""Kinds of records, texts to cut into them, forms to pack them in, and a simple reference."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable

from hypothesis import strategies as st

from fproc.config.input_format import Records

SEPARATORS = ("\n\n", ";", "\n--\n", "aa", "\u00a7x")
KINDS: list[Records] = [
    "lines",
    "csv",
    {"starts": "^A"},
    {"continues": "^ "},
    *({"separator": separator} for separator in SEPARATORS),
]
WORDS = ("A", " ", "a", "b", "\n", "\n", "\r\n", '"', '""', ",", ";", "--", "\u00a7", "\u00a7x", "\n--\n")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=40).map("".join)


def reference(records: Records, text: str) -> list[str]:
    """Decode all, cut, with no care for memory."""
    if isinstance(records, dict) and "separator" in records:
        pieces = re.split("\r?\n".join(map(re.escape, records["separator"].split("\n"))), text)
        pieces = [piece.replace("\r\n", "\n").rstrip("\n") for piece in pieces]
        return pieces if pieces[-1] else pieces[:-1]
    lines = text.split("\n")
    last = lines.pop()
    lines = [line.removesuffix("\r") for line in lines] + ([last] if last else [])
    if records == "lines":
        return lines
    found: list[list[str]] = []
    for line in lines:
        if not found or begins(records, "\n".join(found[-1]), line):
            found.append([])
        found[-1].append(line)
    return ["\n".join(group).rstrip("\n") for group in found]


def begins(records: Records, before: str, line: str) -> bool:
    if isinstance(records, dict):
        return bool(
            re.search(records["starts"], line)
            if "starts" in records
            else not re.search(records["continues"], line)
        )
    is_quoted, position = False, 0
    while position < len(before):
        if before[position] == '"':
            if is_quoted and before[position + 1 : position + 2] == '"':
                position += 1
            elif is_quoted or position == 0 or before[position - 1] in ",;\t|\n":
                is_quoted = not is_quoted
        position += 1
    return not is_quoted


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return file.getvalue()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zlib": zlib.compress,
    "zlib, fast": lambda data: zlib.compress(data, 1),
    "zip": lambda data: zipped(member=data),
}
