"""The beginning of a sample, read as every input is: decompressed and decoded."""

from __future__ import annotations

from contextlib import closing

from fproc.base.errors import InputError, UsageError, reason_of
from fproc.base.text import shown
from fproc.base.values import dataclass
from fproc.config.input_format import AUTO, InputRules
from fproc.run.reading.inputs import Input, open_input

MOST_BYTES = 256 * 1024
"""How much of a sample is looked at."""

MOST_LINES = 2000

ENCODINGS = ("cp1252", "latin-1")
"""What text is taken for that is no UTF-8 and has no byte order mark; the second one fits anything."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first lines of a sample.

    `name` is the file's without a suffix of compression, `encoding` is what the configuration has to say, and
    `is_cut` is true if there is more of the file.
    """

    name: str
    lines: tuple[str, ...]
    encoding: str
    is_cut: bool


def read_beginning(path: str) -> Beginning:
    """Return the first lines of a file.

    Raises:
        UsageError: it cannot be read, is no text, or has none.
    """
    try:
        with closing(open_input(path, in_spool=False)) as source_file:
            source_file.begin(InputRules())
            data = _read(source_file)
            name = source_file.source.name
    except (InputError, OSError) as error:
        raise UsageError(f"--from {shown(path)}: {reason_of(error)}") from error
    is_cut = len(data) > MOST_BYTES
    if is_cut:
        data = data[: data.rfind(b"\n", 0, MOST_BYTES) + 1] or data[:MOST_BYTES]
    text, encoding = _decoded(data, is_cut=is_cut)
    lines = [
        line.removesuffix("\r")
        for line in text.removesuffix("\n").split("\n")
        if "\0" not in line  # no configuration may have one, so no example either
    ]
    if not any(map(str.strip, lines)):
        raise UsageError(f"--from {shown(path)}: there is no text in it to make a pipeline for")
    return Beginning(name, tuple(lines[:MOST_LINES]), encoding, is_cut or len(lines) > MOST_LINES)


def _read(source_file: Input) -> bytes:
    data = b""
    while len(data) <= MOST_BYTES and (block := source_file.read(MOST_BYTES)):
        data += block
    return data


def _decoded(data: bytes, *, is_cut: bool) -> tuple[str, str]:
    """Return text, and the name of its encoding if the configuration has to say it."""
    try:
        return data.decode(), AUTO
    except UnicodeDecodeError as error:
        if is_cut and error.reason == "unexpected end of data":  # one long line, cut within a character
            return data[: error.start].decode(), AUTO
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes everything")
