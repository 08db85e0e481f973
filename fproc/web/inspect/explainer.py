"""The process that explains a line to the dashboard: users' processors run in it, and may hang."""

from __future__ import annotations

import os
import sys
from contextlib import closing

from fproc.base.errors import FprocError, InputError, reason_of
from fproc.base.faults import trouble_of
from fproc.base.text import shown
from fproc.base.values import dataclass, field
from fproc.config.model import Config
from fproc.pipeline.plan import assemble
from fproc.pipeline.plugins.sources import PluginSources, kept_sources, use_sources
from fproc.pipeline.tracing.steps import Explanation, StepCollector
from fproc.process.children import begin_process
from fproc.process.ipc import Receiver, send
from fproc.run.explain import ExplainTimeoutError, explain_line
from fproc.run.reading.inputs import open_input
from fproc.spool.layout import Folders

RECEIVED_BYTES = 65536
"""The most bytes that are taken from a socket at once."""


@dataclass(frozen=True, slots=True)
class LineQuestion:
    """The line that is asked about, how long the answer may take, and all that a process needs for it."""

    config: Config
    file: str
    line_no: int
    seconds: float
    search_path: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))
    sources: PluginSources = field(default_factory=kept_sources)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The reason why there is no explanation, and the status of the answer to the client."""

    status: int
    message: str


def answer_question(channel_number: int, parent: int) -> None:
    """Receive a question, answer it, and exit.

    Args:
        channel_number: this end of the socket.
        parent: the id of the process that started this one.
    """
    channel = begin_process(channel_number, parent)
    receiver = Receiver()
    messages: list[object] = []
    while not messages:
        data = channel.recv(RECEIVED_BYTES)
        if not data:
            return
        messages = receiver.add(data)
    question = messages[0]
    assert isinstance(question, LineQuestion)
    sys.path[:] = question.search_path
    use_sources(question.sources)
    send(channel, explained(question))


def explained(question: LineQuestion) -> Explanation | NoAnswer:
    """Return the answer to a question."""
    path = found_input(question.config, question.file)
    if path is None:
        return NoAnswer(404, f"{shown(question.file)}: there is no such input")
    collector = StepCollector()
    try:
        plan = assemble(question.config)
        with closing(open_input(path, in_spool=True)) as source_file:
            explain_line(plan, source_file, question.line_no, collector, seconds=question.seconds)
    except ExplainTimeoutError as slow:
        return NoAnswer(503, str(slow))
    except InputError as error:
        return NoAnswer(404, str(error))
    except FprocError as error:
        return NoAnswer(503, reason_of(error))
    except OSError as error:
        return NoAnswer(503, trouble_of(error))
    return collector.explanation()


def found_input(config: Config, name: str) -> str | None:
    """Return the path of an input of a name, archived ones by their own; None if there is none."""
    if name in {"", os.curdir, os.pardir} or "/" in name or "\0" in name:
        return None
    for folder in reversed(Folders(config.watch_dir, config.results_dir).inputs()):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            return path
    return None
