"""What files are by their first bytes: encodings, compressed forms, what is no text, leading NULs."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import InputError, NotWholeError
from fproc.config.input_format import FileRule, InputFormat, InputRules
from fproc.run.reading.inputs import Input, open_input
from tests.support.records import PACK, zipped

TEXT = "ERROR: eins \u00e4\r\nINFO: zwei\n"


def opened(path: Path, form: InputFormat | None = None, rules: tuple[FileRule, ...] = ()) -> Input:
    source_file = open_input(str(path), in_spool=True)
    try:
        source_file.begin(InputRules(form or InputFormat(), rules))
    except BaseException:
        source_file.close()
        raise
    return source_file


def contents(path: Path, form: InputFormat | None = None, *, begin_at: int = 0) -> bytes:
    source_file = opened(path, form)
    try:
        if begin_at:
            source_file.skip_to(begin_at)
        return b"".join(iter(lambda: source_file.read(7), b""))
    finally:
        source_file.close()


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_says_how_a_file_is_encoded_and_is_no_text(codec: str, tmp_path: Path) -> None:
    path = put(tmp_path, "a.log", ("\ufeff" + TEXT).encode(codec))
    assert contents(path) == TEXT.encode()


@pytest.mark.parametrize(
    "codec", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "shift_jis", "cp437"]
)
def test_an_encoding_that_is_named_is_decoded(codec: str, tmp_path: Path) -> None:
    text = "a\n\u65e5\u672c\n" if codec == "shift_jis" else TEXT
    path = put(tmp_path, "a.log", text.encode(codec))
    assert contents(path, InputFormat(encoding=codec)) == text.encode()


def test_a_mark_is_dropped_where_the_encoding_is_named_too(tmp_path: Path) -> None:
    marked = ("\ufeff" + TEXT).encode("utf-16-be")
    assert contents(put(tmp_path, "a", marked), InputFormat(encoding="utf-16")) == TEXT.encode()
    marked = ("\ufeff" + TEXT).encode()
    assert contents(put(tmp_path, "b", marked), InputFormat(encoding="utf-8")) == TEXT.encode()


def test_bytes_that_are_none_of_a_named_encoding_fail_the_file_with_their_position(tmp_path: Path) -> None:
    path = put(tmp_path, "a.log", b"abc\n" * 5 + b"\x81\n")
    with pytest.raises(InputError, match=r"is not text in cp1252: .* at byte 20 of it"):
        contents(path, InputFormat(encoding="cp1252"))


def test_a_wide_file_that_ends_within_a_character_fails(tmp_path: Path) -> None:
    path = put(tmp_path, "a.log", ("\ufeff" + TEXT).encode("utf-16-le")[:-1])
    with pytest.raises(InputError, match="is not text in utf-16-le: truncated data"):
        contents(path)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_named_as_what_it_is(codec: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"is UTF-16 without a byte order mark .*{codec}"):
        contents(put(tmp_path, "a.log", TEXT.encode(codec)))


@pytest.mark.parametrize("form", PACK)
@pytest.mark.parametrize("name", ["noname", "a.log.1", "A.LOG.GZ"])
def test_compressed_files_are_known_by_their_content(form: str, name: str, tmp_path: Path) -> None:
    assert contents(put(tmp_path, name, PACK[form](TEXT.encode()))) == TEXT.encode()


@pytest.mark.parametrize("form", PACK)
def test_a_compressed_file_that_is_cut_anywhere_is_not_whole(form: str, tmp_path: Path) -> None:
    packed = PACK[form](os.urandom(1000))
    for size_bytes in range(20, len(packed), 97):
        with pytest.raises(NotWholeError):
            contents(put(tmp_path, "a", packed[:size_bytes]), InputFormat(binary="accept"))


def test_text_that_is_named_as_if_it_was_compressed_is_text(tmp_path: Path) -> None:
    assert contents(put(tmp_path, "a.log.gz", b"x^ plain\n")) == b"x^ plain\n"


def test_a_compression_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(NotWholeError, match="is not a whole gzip file: it does not begin as one"):
        contents(put(tmp_path, "a.log", b"plain\n"), InputFormat(compression="gzip"))
    packed = put(tmp_path, "b.log", gzip.compress(b"x\n"))
    with pytest.raises(InputError, match="is compressed with gzip, not text"):
        contents(packed, InputFormat(compression="none"))


BINARY = {
    "xlsx": ("report.xlsx", zipped(xl__sheet=b"<A/>"), r"a document or program \(xlsx\)"),
    "office": ("a", zipped(word=b"x", mimetype=b"y"), "no text but an Office document"),
    "pair": ("a.zip", zipped(a=b"x", b=b"y"), "a zip archive with 2 files"),
    "none": ("a.zip", zipped(), "a zip archive with 0 files"),
    "pdf": ("a.log", b"%PDF-1.7\n", "a PDF document"),
    "png": ("a.log", b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
    "exe": ("a.log", b"MZ\x90\0\3\0", "a program of Windows"),
    "elf": ("a.log", b"\x7fELF\2\1\1\0", "a program or library"),
    "sqlite": ("a.db", b"SQLite format 3\0", "an SQLite database"),
    "7z": ("a.log", b"7z\xbc\xaf\x27\x1c\0", "a 7-Zip archive"),
    "compress": ("a.Z", b"\x1f\x9d\x90x", "compressed with compress"),
}


@pytest.mark.parametrize(("name", "data", "kind"), BINARY.values(), ids=BINARY)
def test_what_is_no_text_fails_and_is_named(name: str, data: bytes, kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"is {kind}"):
        contents(put(tmp_path, name, data))


@pytest.mark.parametrize(("name", "data", "kind"), BINARY.values(), ids=BINARY)
def test_what_is_no_text_is_taken_as_bytes_on_demand(
    name: str, data: bytes, kind: str, tmp_path: Path
) -> None:
    assert kind
    assert contents(put(tmp_path, name, data), InputFormat(binary="accept")) == data


def test_a_tar_archive_in_a_compressed_file_is_no_text(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "pack.tgz", "w:gz") as archive:
        archive.add(put(tmp_path, "a.log", b"x\n"), "a.log")
    with pytest.raises(InputError, match="is a tar archive, not text"):
        contents(tmp_path / "pack.tgz")


@pytest.mark.parametrize(
    "data", [b"MZ is a word\n", b"BM25 ranks\n", b"PAR1\n", b"x\0y\n", b"\xff\xfa raw\n"]
)
def test_text_that_begins_as_something_else_may_is_text(data: bytes, tmp_path: Path) -> None:
    assert contents(put(tmp_path, "a.log", data)) == data


def test_zstd_is_read_where_python_or_a_package_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a.log.zst", b"\x28\xb5\x2f\xfd" + TEXT.encode())
    for name in ("compression", "compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"needs Python 3\.14 or later, or the package zstandard"):
        contents(path)
    library: Any = ModuleType("zstandard")
    library.ZstdError = ValueError

    class ZstdDecompressor:
        def stream_reader(self, file: Any, *, read_across_frames: bool) -> Any:
            assert read_across_frames
            return io.BytesIO(file.read(1000)[4:])

    library.ZstdDecompressor = ZstdDecompressor
    monkeypatch.setitem(sys.modules, "zstandard", library)
    assert contents(path) == TEXT.encode()


@pytest.mark.parametrize("nulls", [1, 511, 70_000])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_nulls_before_the_text_of_a_truncated_log_are_skipped_and_counted(
    nulls: int, mark: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path, "a.log", b"\0" * nulls + (mark + TEXT).encode())
    source_file = opened(path)
    assert source_file.nulls == nulls
    assert source_file.begin_bytes == nulls + len(mark.encode())
    assert source_file.read(10**6) == TEXT.encode()
    source_file.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"a.log: begins with {nulls} NULs, which are skipped"
    ]


def test_a_hole_before_the_text_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.log").open("wb") as file:
        file.seek(2**40)
        file.write(b"x\n")
    source_file = opened(tmp_path / "a.log")
    assert (source_file.nulls, source_file.read(100)) == (2**40, b"x\n")
    source_file.close()


def test_a_file_of_nothing_but_nulls_has_lost_what_was_in_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds nothing but 5000 NULs: what was in it is lost"):
        contents(put(tmp_path, "a.log", b"\0" * 5000))


def test_rules_of_files_say_how_a_file_is_read_by_its_name_with_or_without_its_suffix(tmp_path: Path) -> None:
    rules = (
        FileRule(match="*.csv", encoding="cp1252"),
        FileRule(match="*", encoding="latin-1", records="csv"),
    )
    path = put(tmp_path, "a.csv.gz", gzip.compress("\u20ac\n".encode("cp1252")))
    source_file = opened(path, rules=rules)
    assert (source_file.records, source_file.read(100)) == ("csv", "\u20ac\n".encode())
    source_file.close()


def test_the_first_line_is_known_once_it_is_decoded(tmp_path: Path) -> None:
    rules = (
        FileRule(match="*.csv", start="csv"),
        FileRule(first_line="^\\{", start="json", records={"starts": "^\\{"}),
    )
    path = put(tmp_path, "a.log", '\ufeff{"a":\n1}\n'.encode("utf-16-le"))
    source_file = opened(path, rules=rules)
    assert (source_file.start, source_file.records) == ("json", {"starts": "^\\{"})
    assert source_file.read(100) == b'{"a":\n1}\n'
    source_file.close()


@given(
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "latin-1"]),
    st.sampled_from(["", *PACK]),
    st.text(st.characters(max_codepoint=255, exclude_characters="\0"), max_size=60),
    st.integers(0, 100),
)
def test_reading_goes_on_anywhere_in_the_contents(codec: str, form: str, text: str, begin_at: int) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"fproc-test-reading-{os.getpid()}"
    data = text.encode(codec)
    path.write_bytes(PACK[form](data) if form else data)
    try:
        whole = contents(path, InputFormat(encoding=codec, binary="accept"))
        tail = contents(path, InputFormat(encoding=codec, binary="accept"), begin_at=begin_at)
    finally:
        path.unlink()
    assert whole == text.encode().removeprefix("\ufeff".encode())
    assert tail == whole[begin_at:]
