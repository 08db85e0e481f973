"""Downloads: the bytes of results, rejected lines and failed inputs, as files and never as pages."""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack
from typing import BinaryIO
from urllib.parse import quote

from fproc.base.text import is_encodable, shown
from fproc.config.model import Config
from fproc.spool.layout import REJECTS_ENDING, REPORT_ENDING, Folders, about
from fproc.web.http.messages import Refused, Request, Response

BYTES = "application/octet-stream"

_UNSAFE = re.compile(r"[^A-Za-z0-9 ._~+@=,-]")
"""What may mean something to a browser, or to the system that a file is saved on."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Flags for what a client names: no link is followed, and a pipe without a writer keeps nobody waiting."""


class Downloads:
    """The answers that are files, of the spool of a configuration."""

    def __init__(self, config: Config) -> None:
        self._folders = Folders(config.watch_dir, config.results_dir)

    def result(self, request: Request) -> Response:
        """Answer with a result, which may be in a folder."""
        return _attachment(self._folders.results, request.path.removeprefix("/results/"))

    def rejects(self, request: Request) -> Response:
        """Answer with the lines of an input that were set aside."""
        name = _plain(request.path.removeprefix("/rejects/"))
        return _attachment(self._folders.failed, about(name, REJECTS_ENDING))

    def failed(self, request: Request) -> Response:
        """Answer with a failed input, or the report about one, whose own name is cut if that is long."""
        name = _plain(request.path.removeprefix("/failed/"))
        if name.endswith(REPORT_ENDING):
            name = about(name.removesuffix(REPORT_ENDING), REPORT_ENDING)
        return _attachment(self._folders.failed, name)


def _plain(name: str) -> str:
    """Return the name of a file in a folder; refuse one that no file can have."""
    if "/" in name or not is_encodable(name):
        raise Refused(404, f"there is no {shown(name)}")
    return name


def _attachment(folder: str, name: str) -> Response:
    opened = open_below(folder, name)
    if opened is None:
        raise Refused(404, f"there is no {shown(name)}")
    size_bytes = os.fstat(opened.fileno()).st_size
    headers = {
        "Content-Disposition": disposition(name.rpartition("/")[2]),
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(200, content_type=BYTES, headers=headers, file=opened, file_bytes=size_bytes)


def open_below(folder: str, name: str) -> BinaryIO | None:
    """Return an open file of a name below a folder; None if there is none that may be given away.

    No part of the name may be a link, or hidden: so nothing leads out of the folder, nor to what fproc or the
    operator keeps in it.

    Raises:
        OSError: it cannot be read.
    """
    *above, last = name.split("/")
    if not is_encodable(name) or any(part[:1] in {"", "."} or "\0" in part for part in (*above, last)):
        return None
    with ExitStack() as stack:
        try:
            at = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
            stack.callback(os.close, at)
            for part in above:
                at = os.open(part, _FLAGS | os.O_DIRECTORY, dir_fd=at)
                stack.callback(os.close, at)
            descriptor = os.open(last, _FLAGS, dir_fd=at)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            if _is_odd(folder, name):
                return None
            raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return open(descriptor, "rb", buffering=0)


def _is_odd(folder: str, name: str) -> bool:
    """Return whether something below a folder cannot be opened because it is a link, a socket or too long."""
    path = folder
    for part in name.split("/"):
        path = os.path.join(path, part)
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return True
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return True
    return False


def disposition(name: str) -> str:
    """Return the header that has a browser save a file under a name, and never show it (RFC 6266)."""
    plain = _UNSAFE.sub("_", name).lstrip(".") or "file"
    full = quote(name, safe="", errors="surrogateescape")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
