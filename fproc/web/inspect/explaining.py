"""`/explain`: what became of a line, by a process of its own that is ended when its time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from fproc.base.text import is_encodable, shown
from fproc.config.model import Config
from fproc.pipeline.tracing.steps import Explanation
from fproc.process.children import Child, start_process, status_within
from fproc.process.ipc import Receiver, send
from fproc.process.waiting import wait_readable
from fproc.watch.workers.deaths import how_it_ended
from fproc.web.http.messages import Refused, Request, Response, json_response
from fproc.web.inspect.explainer import RECEIVED_BYTES, LineQuestion, NoAnswer

MAIN = "fproc.web.inspect.explainer.answer_question"
"""The function of the process."""

EXPLAIN_SECONDS = 10.0
START_SECONDS = 5.0
"""Seconds that the lines before may take, and that the process has in addition to start and to answer."""

EXIT_SECONDS = 1.0
"""Seconds for a process to exit once it has closed its channel."""

MOST_ANSWER_BYTES = 4 << 20
"""A longer answer is given up: a line may become very many."""

MOST_LINE_DIGITS = 12
"""No file has more lines."""

LATER = {"Retry-After": "10"}

_busy = threading.Lock()
"""Held while a line is explained: one at a time, also while the configuration is replaced."""


class Explaining:
    """The answers of `/explain`.

    Args:
        config: the configuration that runs.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, config: Config, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._monotonic = monotonic

    def explain(self, request: Request) -> Response:
        """Answer with the way of a line through the graph."""
        file, line_no = request.query.get("file", ""), _line_no(request.query.get("line", ""))
        if not file:
            raise Refused(400, "say which: ?file=NAME&line=NUMBER")
        if not is_encodable(file):
            raise Refused(404, f"{shown(file)}: there is no such input")
        if not _busy.acquire(blocking=False):
            raise Refused(503, "another line is being explained; ask again", LATER)
        try:
            answer = self._ask(LineQuestion(self._config, file, line_no, EXPLAIN_SECONDS))
        finally:
            _busy.release()
        if isinstance(answer, NoAnswer):
            raise Refused(answer.status, answer.message, LATER if answer.status == 503 else None)  # noqa: PLR2004
        return json_response(answer.as_json())

    def _ask(self, question: LineQuestion) -> Explanation | NoAnswer:
        until = self._monotonic() + question.seconds + START_SECONDS
        child = start_process(MAIN)
        try:
            send(child.channel, question)
            return self._answer(child, question, until)
        except ConnectionError:
            return _ended(child, question)
        finally:
            child.end()

    def _answer(self, child: Child, question: LineQuestion, until: float) -> Explanation | NoAnswer:
        receiver, received_bytes = Receiver(), 0
        while (left_seconds := until - self._monotonic()) > 0:
            if not wait_readable([child.channel.fileno()], left_seconds):
                continue
            data = child.channel.recv(RECEIVED_BYTES)
            if not data:
                return _ended(child, question)
            received_bytes += len(data)
            if received_bytes > MOST_ANSWER_BYTES:
                return NoAnswer(503, f"{_where(question)} becomes too much to be shown")
            for message in receiver.add(data):
                if isinstance(message, Explanation | NoAnswer):
                    return message
        return NoAnswer(503, f"{_where(question)} takes longer than {question.seconds:g} s; it was given up")


def _ended(child: Child, question: LineQuestion) -> NoAnswer:
    status = status_within(child.process, EXIT_SECONDS)
    how = "closed its channel" if status is None else how_it_ended(status)
    return NoAnswer(503, f"{_where(question)}: the process that was to explain it has died: it {how}")


def _where(question: LineQuestion) -> str:
    return f"{shown(question.file)}: line {question.line_no}"


def _line_no(text: str) -> int:
    digits = text.lstrip("0")
    if not (digits and text.isascii() and text.isdecimal()):
        raise Refused(400, "line has to be a number from 1")
    if len(digits) > MOST_LINE_DIGITS:
        raise Refused(404, "there is no such line")
    return int(digits)
