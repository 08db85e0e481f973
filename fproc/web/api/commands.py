"""Requests that change something: uploads and retries of failed inputs. Each leaves a line in the log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from fproc.base.errors import reason_of
from fproc.base.ids import new_id
from fproc.base.text import counted, log_fields, shown
from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.run.outcome import FileEvent
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import failed_inputs, put_back_all
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.intake.uploads import UploadArea, Uploaded
from fproc.web.access.room import NoRoom, Promise, Room, space_of
from fproc.web.api import uploads
from fproc.web.api.uploads import UploadError
from fproc.web.http.messages import Refused, Request, Response, json_response
from fproc.web.http.router import Read
from fproc.web.inspect.failure_groups import FailureGroups, FailureKind
from fproc.web.lists.rows import time_of

audit = logging.getLogger("fproc.audit")

LATER = {"Retry-After": "60"}
"""Headers of the answer to an upload that the disk has no room for, or that comes while intake is paused."""

INODES = 4
INODES_OF_FILE = 2
"""The files and folders that an upload has for itself, and for each file: it and its marker."""

RETRY_SECONDS = 15.0
RETRIED_AT_ONCE = 100
"""Seconds after which a retry answers with what it has done so far, and the inputs between two looks."""

RETRY_FORMS = (
    '{"files": ["NAME", ...]}, {"all": true}, {"match": "TEXT"} '
    'or {"group": {"node": NODE, "reason": REASON}}'
)
"""What the body of a retry may be."""

SAID = 10
"""The most names for which the answer says why they cannot be tried again, if none can."""


class Commands:
    """The changes that a client may make to the spool of this configuration.

    Args:
        config: the configuration.
        upload_area: where uploads grow.
        is_paused: returns whether intake is paused.
        groups: the failed inputs by kind.
        note: records who did what; it never raises.
    """

    def __init__(
        self,
        config: Config,
        upload_area: UploadArea,
        is_paused: Callable[[], bool],
        groups: FailureGroups,
        note: Callable[[list[FileEvent]], None],
    ) -> None:
        self._config = config
        self._upload_area = upload_area
        self._is_paused = is_paused
        self._groups = groups
        self._note = note
        self._room = Room(lambda: space_of(config.watch_dir))

    def upload_form(self, request: Request, read: Read) -> Response:
        """Take in the files of a form."""
        content_type = request.headers.get("content-type", "")
        length_bytes = request.length_bytes or 0
        with self._kept(length_bytes) as promise:
            receive = partial(
                uploads.receive_multipart,
                _counted(read, promise),
                length_bytes,
                content_type,
                self._upload_area,
                on_file=lambda: promise.begin_file(INODES_OF_FILE),
            )
            return self._received(request, receive)

    def upload_file(self, request: Request, read: Read) -> Response:
        """Take in one file, whose name is in the path."""
        name = request.path.removeprefix("/upload/")
        length_bytes = request.length_bytes or 0
        with self._kept(length_bytes) as promise:
            receive = partial(
                uploads.receive_raw, _counted(read, promise), length_bytes, name, self._upload_area
            )
            return self._received(request, receive)

    def retry(self, request: Request) -> Response:
        """Put failed inputs back to work."""
        chosen = _chosen(request.body)
        spool_status = SpoolStatus(self._config)
        disk = Disk(power=self._config.durability == "power")
        if isinstance(chosen, _Group):
            names = self._groups.names_of(chosen.kind, chosen.since)
        elif isinstance(chosen, str):
            names = self._groups.matching(chosen)
        else:
            names = failed_inputs(spool_status) if chosen is None else chosen
        retried, refused, left = self._put_back(disk, list(names))
        for name in retried:
            fields = log_fields("retry", file=name, client=request.client)
            audit.info("retry: %s, asked for by %s", shown(name), request.client, extra=fields)
        self._note([_noted(name, "requeued", request) for name in retried])
        errors = [{"file": name, "error": reason_of(why)} for name, why in refused.items()]
        if names and not retried:
            disk_error = next((why for why in refused.values() if isinstance(why, OSError)), None)
            if disk_error is not None:
                raise disk_error
            reasons = "; ".join(f"{shown(one['file'])}: {one['error']}" for one in errors[:SAID])
            raise Refused(404, reasons)
        return json_response({"retried": retried, "errors": errors, **({"left": left} if left else {})})

    def _put_back(self, disk: Disk, names: list[str]) -> tuple[list[str], dict[str, Exception], int]:
        """Put inputs back for a while; return those, what was refused, and how many are left."""
        until = time.monotonic() + RETRY_SECONDS
        retried: list[str] = []
        refused: dict[str, Exception] = {}
        while names:
            some, names = names[:RETRIED_AT_ONCE], names[RETRIED_AT_ONCE:]
            done, not_done = put_back_all(self._config, disk, some)
            retried += done
            refused |= not_done
            if time.monotonic() >= until:
                break
        return retried, refused, len(names)

    def _received(self, request: Request, receive: Callable[[], list[Uploaded]]) -> Response:
        try:
            uploaded = receive()
        except UploadError as error:
            raise Refused(error.status, str(error), LATER if error.status == 503 else None) from error  # noqa: PLR2004
        for file in uploaded:
            size = counted(file.bytes, "byte")
            name, client = shown(file.name), request.client
            fields = log_fields("upload", file=file.name, bytes=file.bytes, sha256=file.sha256, client=client)
            audit.info("upload: %s, %s, sha256 %s, from %s", name, size, file.sha256, client, extra=fields)
        self._note([_noted(file.name, "uploaded", request, file.bytes) for file in uploaded])
        files = [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in uploaded]
        return json_response({"files": files}, 201)

    @contextmanager
    def _kept(self, length_bytes: int) -> Iterator[Promise]:
        """Keep room for an upload within the block.

        It is refused if it would take what all work needs, and while intake is paused: nothing would take it.
        What other uploads have left behind is removed first.
        """
        if self._is_paused():
            raise Refused(503, "intake is paused; /health says why", LATER)
        self._upload_area.sweep()  # on another host, it takes a while to be sure that an uploader is dead
        with ExitStack() as stack:
            try:
                promise = stack.enter_context(self._room.promised(length_bytes, INODES + INODES_OF_FILE))
            except NoRoom as full:
                raise Refused(503, str(full), LATER) from None
            yield promise


def _counted(read: Read, promise: Promise) -> Read:
    """Return a call that reads, and counts what has been read as written."""

    def counted_read(size: int) -> bytes:
        data = read(size)
        promise.wrote(len(data))
        return data

    return counted_read


def _noted(file: str, kind: str, request: Request, size_bytes: int = 0) -> FileEvent:
    """Return the record of what a client did with a file."""
    return FileEvent(new_id(), file, kind, time.time(), bytes_in=size_bytes, client=request.client)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group of failed inputs: those of a kind, and if there is a time, only what failed since then."""

    kind: FailureKind
    since: str


def _chosen(body: bytes) -> list[str] | str | _Group | None:
    """Return the names, the text to match or the group in a request for a retry, or None for all."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from None
    match value:
        case {"all": True, **rest} if not rest:
            return None
        case {"match": str(text), **rest} if text and not rest:
            return text
        case {"files": [*names], **rest} if all(isinstance(name, str) for name in names) and not rest:
            return list(dict.fromkeys(names))
        case {"group": {"node": str() | None as node, "reason": str(reason), **others}, **rest} if (
            not rest and (since := _since_in(others)) is not None
        ):
            return _Group(FailureKind(node, reason), since)
    raise Refused(400, f"say {RETRY_FORMS}")


def _since_in(others: dict[object, object]) -> str | None:
    """Return the time in what else a group has, as reports have it, or ""; None if that is not valid."""
    seconds = time_of(others.get("since"))
    if others and (seconds is None or len(others) > 1):
        return None
    return "" if seconds is None else rfc3339(seconds)
