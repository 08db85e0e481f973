"""Requests that change something: uploads and retries of failed inputs. Each leaves a line in the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from fproc.base.errors import reason_of
from fproc.base.text import counted, log_fields, shown
from fproc.config.model import Config
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.mounts import space
from fproc.spool.intake.requeue import failed_inputs, put_back_all
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.intake.uploads import UploadArea, Uploaded
from fproc.web.api import uploads
from fproc.web.api.uploads import UploadError
from fproc.web.http.messages import Refused, Request, Response, json_response
from fproc.web.http.router import Read

audit = logging.getLogger("fproc.audit")

LATER = {"Retry-After": "60"}
"""Headers of the answer to an upload that the disk has no room for."""

SAID = 10
"""The most names for which the answer says why they cannot be tried again, if none can."""


class Commands:
    """The changes that a client may make to the spool of this configuration."""

    def __init__(self, config: Config, upload_area: UploadArea) -> None:
        self._config = config
        self._upload_area = upload_area

    def upload_form(self, request: Request, read: Read) -> Response:
        """Take in the files of a form."""
        content_type = request.headers.get("content-type", "")
        length_bytes = self._length_of(request)
        return _received(
            request, lambda: uploads.receive_multipart(read, length_bytes, content_type, self._upload_area)
        )

    def upload_file(self, request: Request, read: Read) -> Response:
        """Take in one file, whose name is in the path."""
        name = request.path.removeprefix("/upload/")
        length_bytes = self._length_of(request)
        return _received(request, lambda: uploads.receive_raw(read, length_bytes, name, self._upload_area))

    def retry(self, request: Request) -> Response:
        """Put failed inputs back to work."""
        chosen = _chosen(request.body)
        spool_status = SpoolStatus(self._config)
        disk = Disk(power=self._config.durability == "power")
        names = failed_inputs(spool_status) if chosen is None else chosen
        retried, refused = put_back_all(self._config, disk, names)
        for name in retried:
            fields = log_fields("retry", file=name, client=request.client)
            audit.info("retry: %s, asked for by %s", shown(name), request.client, extra=fields)
        errors = [{"file": name, "error": reason_of(why)} for name, why in refused.items()]
        if names and not retried:
            disk_error = next((why for why in refused.values() if isinstance(why, OSError)), None)
            if disk_error is not None:
                raise disk_error
            reasons = "; ".join(f"{shown(one['file'])}: {one['error']}" for one in errors[:SAID])
            raise Refused(404, reasons)
        return json_response({"retried": retried, "errors": errors})

    def _length_of(self, request: Request) -> int:
        """Return how many bytes are to come; refuse them if they would fill the disk that all work needs.

        What other uploads have left behind is removed first.
        """
        self._upload_area.sweep()  # on another host, it takes a while to be sure that an uploader is dead
        length_bytes = request.length_bytes or 0
        free_bytes, _ = space(self._config.watch_dir)
        if length_bytes > free_bytes:
            raise Refused(503, f"the disk has room for {free_bytes} bytes only", LATER)
        return length_bytes


def _received(request: Request, receive: Callable[[], list[Uploaded]]) -> Response:
    try:
        uploaded = receive()
    except UploadError as error:
        raise Refused(error.status, str(error), LATER if error.status == 503 else None) from error  # noqa: PLR2004
    for file in uploaded:
        size = counted(file.bytes, "byte")
        name, client = shown(file.name), request.client
        fields = log_fields("upload", file=file.name, bytes=file.bytes, sha256=file.sha256, client=client)
        audit.info("upload: %s, %s, sha256 %s, from %s", name, size, file.sha256, client, extra=fields)
    files = [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in uploaded]
    return json_response({"files": files}, 201)


def _chosen(body: bytes) -> list[str] | None:
    """Return the names in a request for a retry, or None for all."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from None
    if isinstance(value, dict) and value.keys() == {"all"} and value["all"] is True:
        return None
    files = value.get("files") if isinstance(value, dict) and value.keys() == {"files"} else None
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        raise Refused(400, 'say {"files": ["NAME", ...]} or {"all": true}')
    return list(dict.fromkeys(files))
