"""What a process tells of itself through shared memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fproc.process.mark import (
    _ASKED_AT,
    EXCERPT_CHARACTERS,
    NONE,
    CurrentTask,
    Doing,
    Whereabouts,
    is_brief,
)


@pytest.fixture
def sides() -> Iterator[tuple[CurrentTask, CurrentTask]]:
    """The views of who works, and of who watches."""
    with CurrentTask.file() as marked:
        worker, parent = CurrentTask(marked), CurrentTask(marked)
    yield worker, parent
    worker.close()
    parent.close()


def test_one_side_sees_what_the_other_is_at(sides: tuple[CurrentTask, CurrentTask]) -> None:
    worker, parent = sides
    assert parent.get() == NONE
    worker.begin(2)
    worker.note(Doing.FEEDING, 2**40, 500)
    assert parent.seen() == (2, Doing.FEEDING, 2, 2**40, 500)
    worker.beat()
    assert parent.seen() == (2, Doing.FEEDING, 3, 2**40, 500)


def test_the_parent_takes_a_task_back_without_a_beat(sides: tuple[CurrentTask, CurrentTask]) -> None:
    worker, parent = sides
    worker.begin(0)
    parent.set(NONE)
    assert (worker.get(), worker.seen().beats) == (NONE, 1)


WHERES = [
    Whereabouts("at a checkpoint"),
    Whereabouts("", 3, "start", "caf\u00e9 \udcff \U0001f69a"),
    Whereabouts("", 2**60, "\U0001f69a" * 200, "\U0001f69a" * EXCERPT_CHARACTERS),
]


@pytest.mark.parametrize("where", WHERES, ids=["few words", "a line of any text", "as long as it may be"])
def test_a_reply_arrives_whole_and_only_to_what_was_asked_last(
    where: Whereabouts, sides: tuple[CurrentTask, CurrentTask]
) -> None:
    worker, parent = sides
    worker.reply(Whereabouts("before anyone has asked"))
    parent.ask()
    assert worker.is_asked()
    assert parent.answer() is None
    worker.reply(where)
    assert not worker.is_asked()
    assert parent.answer() == where
    parent.ask()
    assert parent.answer() is None


def test_without_a_reply_it_is_said_what_is_known(sides: tuple[CurrentTask, CurrentTask]) -> None:
    worker, parent = sides
    said = []
    worker.begin(0)
    for doing, first, size in (
        (Doing.TAKING_UP, 0, 0),
        (Doing.FEEDING, 401, 500),
        (Doing.FEEDING, 401, 1),
        (Doing.FEEDING_PART, 1024, 1024),
        (Doing.COMMITTING, 0, 0),
    ):
        worker.note(doing, first, size)
        said.append(str(parent.known()))
    assert said == [
        "taking it up",
        "somewhere in lines 401 to 900",
        "line 401",
        "somewhere in bytes 1024 to 2047",
        "at its commit",
    ]


def test_whatever_a_process_is_at_there_are_words_for_it(sides: tuple[CurrentTask, CurrentTask]) -> None:
    worker, parent = sides
    for doing in Doing:
        worker.note(doing, 1, 2)
        assert str(parent.known())


def test_a_line_and_a_node_are_named() -> None:
    assert str(Whereabouts("in lines 1 to 9", 3, "start")) == "line 3, node 'start'"
    assert str(Whereabouts("at the end of the file", node="start")) == "at the end of the file, node 'start'"


def test_a_reply_to_an_earlier_question_answers_no_later_one(sides: tuple[CurrentTask, CurrentTask]) -> None:
    worker, parent = sides
    parent.ask(briefly=True)
    question = worker.question()
    assert is_brief(question)
    parent.ask()
    assert not is_brief(worker.question())
    worker.reply(Whereabouts("", node="start"), question)
    assert parent.answer() is None
    worker.reply(WHERES[1])
    assert parent.answer() == WHERES[1]


def test_questions_are_counted_beyond_the_largest_number(sides: tuple[CurrentTask, CurrentTask]) -> None:
    worker, parent = sides
    parent._memory[_ASKED_AT : _ASKED_AT + 4] = b"\xff" * 4
    worker.reply(WHERES[0])
    for briefly in (False, True):
        parent.ask(briefly=briefly)
        assert worker.is_asked()
        assert is_brief(worker.question()) == briefly
        worker.reply(WHERES[0], worker.question())
        assert parent.answer() == WHERES[0]


def test_what_is_done_is_told_from_the_words() -> None:
    mark = CurrentTask.own()
    for doing in Doing:
        mark.note(doing, 1, 1)
        is_feeding = doing in {Doing.FEEDING, Doing.FEEDING_PART}
        assert mark.known().doing == (Doing.FEEDING if is_feeding else doing)
