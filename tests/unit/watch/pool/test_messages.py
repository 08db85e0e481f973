"""Messages between processes arrive whole, wherever they are cut."""

from __future__ import annotations

import pickle
import socket
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fproc.base.values import replace
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.process.ipc import Receiver, send
from fproc.run.figures import Figures
from fproc.run.outcome import Outcome, outcome_of
from fproc.run.verdict import Verdict
from fproc.watch.workers.messages import Report, Task, Why
from tests.support.programs.pools import UPPER, Place, done


def big_outcome(nodes: int) -> Outcome:
    """What a run with many nodes comes to."""
    names = [f"node {number} {'x' * 100}" for number in range(nodes)]
    figures = Figures(
        nodes={name: NodeCounts(number, number, 0) for number, name in enumerate(names)},
        edges=dict.fromkeys(pairwise(names), 1),
    )
    return outcome_of("x", Verdict.COMMIT, figures, 1.0)


def framed(*messages: object) -> bytes:
    """What `send` puts on a channel."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            send(ours, message)
        ours.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: theirs.recv(65536), b""))


MESSAGES = [Task("x", Why.NEW), Report(Task("x", Why.NEW), big_outcome(100)), "", Task("y\udce9", Why.DUE)]


def test_messages_that_come_byte_by_byte_arrive_whole() -> None:
    data, receiver = framed(*MESSAGES), Receiver()
    assert [message for byte in data for message in receiver.add(bytes([byte]))] == MESSAGES


@given(st.lists(st.integers(0, len(framed(*MESSAGES)))))
def test_messages_arrive_whole_wherever_they_are_cut(cuts: list[int]) -> None:
    data, receiver = framed(*MESSAGES), Receiver()
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(places)]
    assert [message for piece in pieces for message in receiver.add(piece)] == MESSAGES


def test_a_message_is_held_back_until_its_last_byte() -> None:
    data, receiver = framed("whole"), Receiver()
    assert receiver.add(data[:-1]) == []
    assert receiver.add(data[-1:]) == ["whole"]
    assert receiver.add(b"") == []


def test_a_setup_and_an_outcome_that_no_buffer_holds_arrive_whole(place: Place) -> None:
    names = [f"node {number} {'x' * 100}" for number in range(3000)]
    nodes = [
        {"tag": "start", "type": "trim", "next": names},
        *({"tag": name, "type": "filter", "config": {"pattern": "."}, "next": "end"} for name in names),
    ]
    workers = place.pool(UPPER, nodes=nodes)
    with socket.socket(socket.AF_UNIX) as one:
        buffer_bytes = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    outcome = done(workers, place.put("x", "a"))
    assert len(pickle.dumps(outcome)) > buffer_bytes
    untimed = {name: replace(at, timed=0, seconds=0.0) for name, at in outcome.figures.nodes.items()}
    assert untimed == {
        **dict.fromkeys(["start", *names], NodeCounts(1, 1, 0)),
        "end": NodeCounts(3000, 0, 0),
        "drop": NodeCounts(0, 0, 0),
    }
    assert len(outcome.figures.edges) == 6000
