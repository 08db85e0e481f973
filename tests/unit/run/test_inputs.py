"""Opening inputs: plain and compressed, whole and not, and what is no file at all."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.base.errors import InputError, NotWholeError
from fproc.config.input_format import InputRules
from fproc.config.patterns import COMPRESSED, result_name
from fproc.pipeline.records import BLOCK_BYTES
from fproc.run.reading.inputs import Input, open_input, standard_input
from tests.support.descriptors import new_descriptors, open_descriptors

CONTENT = b"".join(b"line %d\n" % number for number in range(5000))
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
Packed = pytest.mark.parametrize("suffix", sorted(PACK))


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def whole(given: Input, piece_bytes: int = 4096) -> bytes:
    try:
        return b"".join(iter(lambda: given.read(piece_bytes), b""))
    finally:
        given.close()


def spool_input(path: str) -> Input:
    return begun(open_input(path, in_spool=True))


def begun(given: Input) -> Input:
    try:
        given.begin(InputRules())
    except BaseException:
        given.close()
        raise
    return given


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = put(tmp_path / "a.log", b"a\r\n\0\xff\n")
    assert whole(spool_input(path)) == b"a\r\n\0\xff\n"


@Packed
def test_a_compressed_file_is_read_decompressed(suffix: str, tmp_path: Path) -> None:
    path = put(tmp_path / f"a.log{suffix}", PACK[suffix](CONTENT))
    assert whole(spool_input(path)) == CONTENT


@Packed
@pytest.mark.parametrize("begin_at", [0, 100])
def test_a_compressed_file_that_holds_more_than_is_allowed_is_an_error_of_the_input(
    suffix: str, begin_at: int, tmp_path: Path
) -> None:
    path = put(tmp_path / f"a.log{suffix}", PACK[suffix](CONTENT))

    def read(most_bytes: int) -> bytes:
        given = open_input(path, in_spool=True)
        try:
            given.begin(InputRules(most_expanded_bytes=most_bytes))
            if begin_at:  # as after a checkpoint: what is before that counts
                given.skip_to(begin_at)
            return whole(given)
        finally:
            given.close()

    assert read(len(CONTENT)) == CONTENT[begin_at:]
    with pytest.raises(InputError, match=r"holds more than limits\.max_expanded_mb, which is 0\.0"):
        read(len(CONTENT) - 1)


@Packed
def test_a_compressed_file_of_several_members_is_read_to_its_end(suffix: str, tmp_path: Path) -> None:
    path = put(tmp_path / f"a.log{suffix}", PACK[suffix](b"one\n") + PACK[suffix](b"two\n"))
    assert whole(spool_input(path)) == b"one\ntwo\n"


@Packed
def test_a_compressed_file_of_nothing_is_an_empty_input(suffix: str, tmp_path: Path) -> None:
    path = put(tmp_path / f"a{suffix}", PACK[suffix](b""))
    assert whole(spool_input(path)) == b""


def test_an_empty_file_is_an_empty_input(tmp_path: Path) -> None:
    given = spool_input(put(tmp_path / "a.log", b""))
    assert given.size_bytes == 0
    assert whole(given) == b""


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_an_empty_file_with_the_name_of_a_compressed_one_is_not_whole(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(NotWholeError, match=r"is not a whole .* file: it does not begin as one"):
        spool_input(put(tmp_path / f"a{suffix}", b""))


@Packed
def test_a_compressed_file_from_windows_has_its_suffix_in_capitals(suffix: str, tmp_path: Path) -> None:
    path = put(tmp_path / f"UP.LOG{suffix.upper()}", PACK[suffix](CONTENT))
    given = spool_input(path)
    assert (given.source.name, whole(given)) == ("UP.LOG", CONTENT)


@Packed
@pytest.mark.parametrize("missing_bytes", [1, 4, 20, 100])
def test_a_truncated_file_is_an_error_of_the_input(suffix: str, missing_bytes: int, tmp_path: Path) -> None:
    path = put(tmp_path / f"a{suffix}", PACK[suffix](CONTENT)[:-missing_bytes])
    with pytest.raises(InputError, match=f"is not a whole {NAMES[suffix]} file"):
        whole(spool_input(path))


@Packed
@pytest.mark.parametrize("data", [b"\0", b"\xff\xfe\x1f no text at all\0"])
def test_a_file_that_is_neither_compressed_as_its_name_says_nor_text_is_an_error_of_the_input(
    suffix: str, data: bytes, tmp_path: Path
) -> None:
    path = put(tmp_path / f"a{suffix}", data)
    with pytest.raises(InputError, match=f"is not a whole {NAMES[suffix]} file"):
        whole(spool_input(path))


@Packed
def test_a_damaged_file_is_an_error_of_the_input(suffix: str, tmp_path: Path) -> None:
    data = bytearray(PACK[suffix](CONTENT))
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(byte ^ 0xFF for byte in data[middle : middle + 64])
    with pytest.raises(InputError, match=f"is not a whole {NAMES[suffix]} file"):
        whole(spool_input(put(tmp_path / f"a{suffix}", bytes(data))))


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.log", "a.log"),
        ("a.log.gz", "a.log"),
        ("a.log.bz2", "a.log"),
        ("a.log.xz", "a.log"),
        ("a.gz.txt", "a.gz.txt"),
        ("a.tar.gz.gz", "a.tar.gz"),
        ("gz", "gz"),
        ("caf\udce9.gz", "caf\udce9"),
    ],
)
def test_results_are_named_without_a_compression_suffix(name: str, result: str) -> None:
    assert result_name(name) == result


def test_a_processor_may_know_the_name_and_the_day_of_the_file(tmp_path: Path) -> None:
    path = put(tmp_path / "a.log.gz", gzip.compress(b""))
    os.utime(path, (0, 1795341600))
    given = spool_input(path)
    given.close()
    assert (given.source.name, given.source.date) == ("a.log", "2026-11-22")


def test_size_and_position_are_those_of_the_file_on_the_disk(tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT)
    given = open_input(put(tmp_path / "a.gz", packed), in_spool=True)
    assert (given.size_bytes, given.position_bytes()) == (len(packed), 0)
    begun(given).read(10**6)
    given.read(1)
    assert given.position_bytes() == len(packed)
    given.close()


@pytest.mark.parametrize("in_spool", [True, False])
def test_a_folder_is_no_input(tmp_path: Path, *, in_spool: bool) -> None:
    before = open_descriptors()
    with pytest.raises(InputError, match="is a folder, not a file"):
        open_input(str(tmp_path), in_spool=in_spool)
    assert not new_descriptors(before)


@pytest.mark.parametrize("in_spool", [True, False])
def test_a_file_that_is_not_there_is_an_error_of_the_input(tmp_path: Path, *, in_spool: bool) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        open_input(str(tmp_path / "none"), in_spool=in_spool)


def test_a_fifo_in_the_spool_is_refused_at_once_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a regular file"):
        spool_input(str(tmp_path / "pipe"))


def test_a_fifo_on_the_command_line_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a\nb\n",))
    writer.start()
    given = begun(open_input(str(path), in_spool=False))
    assert given.size_bytes is None
    assert given.position_bytes() == 0
    assert whole(given) == b"a\nb\n"
    writer.join()


def test_a_compressed_fifo_is_decompressed(tmp_path: Path) -> None:
    path = tmp_path / "pipe.gz"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(b"a\n"),))
    writer.start()
    assert whole(begun(open_input(str(path), in_spool=False))) == b"a\n"
    writer.join()


def test_a_socket_is_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")
        with pytest.raises(InputError, match="cannot be read"):
            spool_input(str(tmp_path / "sock"))


def test_a_link_in_the_spool_is_refused_and_on_the_command_line_followed(tmp_path: Path) -> None:
    put(tmp_path / "real", b"a\n")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(InputError, match="cannot be read"):
        spool_input(str(tmp_path / "link"))
    given = begun(open_input(str(tmp_path / "link"), in_spool=False))
    assert given.source.name == "link"
    assert whole(given) == b"a\n"


def grow(path: str) -> None:
    with open(path, "ab") as file:
        file.write(b"more\n")


def touch(path: str) -> None:
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def overwrite_in_place(path: str) -> None:
    with open(path, "r+b") as file:
        file.write(b"b")
    touch(path)


def replace(path: str) -> None:
    status = os.stat(path)
    put(Path(path + ".new"), b"a\n")
    os.utime(path + ".new", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(path + ".new", path)


def replace_by_link(path: str) -> None:
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)


@pytest.mark.parametrize(
    "change",
    [grow, touch, overwrite_in_place, replace, replace_by_link, lambda p: os.truncate(p, 0)],
)
def test_whatever_is_done_to_a_file_while_it_is_read_is_noticed(
    change: Callable[[str], None], tmp_path: Path
) -> None:
    path = put(tmp_path / "a.log", b"a\n")
    os.utime(path, (0, 0))
    given = spool_input(path)
    given.read(100)
    assert not given.has_changed(path)
    change(path)
    assert given.has_changed(path)
    given.close()


def test_a_file_that_is_removed_while_it_is_read_is_no_changed_one(tmp_path: Path) -> None:
    path = put(tmp_path / "a.log", b"a\n")
    given = spool_input(path)
    os.unlink(path)
    with pytest.raises(FileNotFoundError):
        given.has_changed(path)
    given.close()


def test_reading_and_a_second_name_change_nothing(tmp_path: Path) -> None:
    path = put(tmp_path / "a.log", b"a\n")
    given = spool_input(path)
    assert given.read(100) == b"a\n"
    Path(path).read_bytes()
    os.link(path, tmp_path / "other")
    assert not given.has_changed(path)
    given.close()


def test_standard_input_is_an_input_named_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.log", b"a\nb\n")
    with open(path, encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        given = begun(standard_input())
        assert given.source.name == "stdin"
        assert whole(given) == b"a\nb\n"
        assert file.fileno() >= 0  # closing the input leaves standard input open
        os.fstat(file.fileno())


def test_closed_standard_input_is_an_error_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        standard_input()


@Packed
def test_a_disk_that_fails_under_a_compressed_file_is_not_the_file_s_fault(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / f"a{suffix}", PACK[suffix](os.urandom(BLOCK_BYTES) + CONTENT))
    given = spool_input(path)

    def fail(_descriptor: int, _size_bytes: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(OSError, match="Input/output error") as caught:
        whole(given)
    assert caught.value.errno == errno.EIO


def sparse(path: Path, pieces: dict[int, bytes], size_bytes: int) -> str:
    """A file with data at these places, and holes between them."""
    with open(path, "wb") as file:
        for place, data in pieces.items():
            file.seek(place)
            file.write(data)
        file.truncate(size_bytes)
    return str(path)


def test_the_holes_of_a_plain_file_need_not_be_read(tmp_path: Path) -> None:
    step = 2**30
    path = sparse(tmp_path / "a.log", {0: b"x" * 4096, step: b"y\n"}, 1024 * step)
    given = spool_input(path)
    assert given.skip_hole() == 0
    assert given.read(BLOCK_BYTES).rstrip(b"\0") == b"x" * 4096
    assert given.skip_hole() == step - BLOCK_BYTES
    assert given.read(2) == b"y\n"
    assert given.position_bytes() == step + 2
    given.read(2**20)
    given.skip_hole()
    assert (given.position_bytes(), given.read(1)) == (1024 * step, b"")
    given.close()


def test_where_the_system_tells_of_no_holes_everything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sparse(tmp_path / "a.log", {0: b"x"}, 5000)

    def refuse(descriptor: int, place: int, how: int) -> int:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    given = spool_input(path)
    monkeypatch.setattr(os, "lseek", refuse)
    assert given.skip_hole() == 0
    assert whole(given) == b"x" + b"\0" * 4999


@Packed
def test_a_compressed_file_has_no_holes(suffix: str, tmp_path: Path) -> None:
    given = spool_input(put(tmp_path / f"a.log{suffix}", PACK[suffix](b"x" + b"\0" * 10_000)))
    assert given.skip_hole() == 0
    assert whole(given) == b"x" + b"\0" * 10_000
