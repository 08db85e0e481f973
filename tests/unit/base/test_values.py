"""Dataclasses of our own do what those of the standard library do, as far as they are used."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from typing import Any, ClassVar, cast

import pytest

from fproc.base.values import LATE_CALLS, asdict, dataclass, field, fields, replace
from tests.support.project import PROJECT

PACKAGE = PROJECT / "fproc"


def make_numbers() -> list[int]:
    return [1, 2]


@dataclass(frozen=True, slots=True)
class Ours:
    """A class with a field of each kind."""

    KINDS: ClassVar[int] = 7
    name: str
    size: int = 3
    numbers: list[int] = field(default_factory=make_numbers)
    note: str = field(default="", compare=False)
    secret: str = field(default="x", repr=False)

    @property
    def doubled(self) -> int:
        """Twice the size."""
        return 2 * self.size


@dataclasses.dataclass(frozen=True)
class Theirs:
    """The same, by the standard library."""

    name: str
    size: int = 3
    numbers: list[int] = dataclasses.field(default_factory=make_numbers)
    note: str = dataclasses.field(default="", compare=False)
    secret: str = dataclasses.field(default="x", repr=False)


@dataclass(slots=True)
class Counter:
    """One that may change."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Empty:
    """One without fields."""


MISFITS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    (("a", 1, [], "", "", ""), {}),
    (("a",), {"name": "b"}),
    (("a",), {"z": 1}),
]

BODY = {
    "__annotations__": Ours.__annotations__,
    "size": 3,
    "numbers": field(default_factory=make_numbers),
    "note": field(default="", compare=False),
    "secret": field(default="x", repr=False),
}
"""The body of a class with the same fields."""

GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}),
    (("a", 4), {"note": "n"}),
    ((), {"name": "b", "numbers": [9]}),
    (("a", 1, [], "n", "s"), {}),
]


@pytest.mark.parametrize(("arguments", "named"), GIVEN)
def test_what_is_given_is_there_and_what_is_not_has_its_default(
    arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = Ours(*arguments, **named), Theirs(*arguments, **named)
    assert asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert [entry.name for entry in fields(Ours)] == [entry.name for entry in dataclasses.fields(Theirs)]


@pytest.mark.parametrize(("arguments", "named"), MISFITS)
def test_what_does_not_fit_is_refused(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Theirs, Ours):
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            kind(*arguments, **named)


@pytest.mark.parametrize(
    ("arguments", "named"), [*GIVEN, ((), {}), (("a",), {"z": 1}), (("a",), {"name": 1})]
)
def test_the_calls_before_and_after_it_is_compiled_do_the_same(
    arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    def outcome(kind: type[Any]) -> object:
        try:
            return asdict(kind(*arguments, **named))
        except TypeError as error:
            return str(error)

    fresh: Any = dataclass(frozen=True, slots=True)(type("Ours", (), {**BODY}))
    outcomes = [outcome(fresh) for _ in range(LATE_CALLS + 3)]
    assert outcomes == [outcome(Ours)] * len(outcomes)
    assert fresh.__init__.__code__.co_filename == "<Ours>", "by now it is compiled"


def test_a_default_that_is_made_is_made_each_time() -> None:
    one, other = Ours("a"), Ours("a")
    one.numbers.append(3)
    assert other.numbers == [1, 2]


def test_two_are_equal_if_their_fields_are_but_for_those_that_are_not_compared() -> None:
    assert Ours("a", note="one") == Ours("a", note="other")
    assert Ours("a") != Ours("a", 4)
    assert Ours("a") != cast("object", Theirs("a"))
    assert Empty() == Empty()
    assert Counter(1) == Counter(1)
    assert Counter(1) != Counter(2)


def test_a_frozen_one_can_be_a_key_and_another_cannot() -> None:
    assert {Ours("a", numbers=()): 1}[Ours("a", numbers=(), note="n")] == 1  # type: ignore[arg-type]
    assert hash(Empty()) == hash(Empty())
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter())


@pytest.mark.parametrize("value", [Ours("a", 5, [7], "n", "s"), Counter(3), Empty()])
def test_one_that_was_sent_or_copied_is_the_same(value: Any) -> None:
    for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert type(again) is type(value)
        assert asdict(again) == asdict(value)


def test_one_is_made_of_another_with_other_values() -> None:
    one = Ours("a", 5, [7], "n", "s")
    assert asdict(replace(one, size=6, name="b")) == {**asdict(one), "size": 6, "name": "b"}
    with pytest.raises(TypeError):
        replace(one, missing=1)  # type: ignore[call-arg]


def test_what_is_within_becomes_plain_too() -> None:
    inner = Counter(1)
    assert asdict(Ours("a", numbers=[inner, {"k": (inner,)}])) == {  # type: ignore[list-item]
        **asdict(Ours("a")),
        "numbers": [{"count": 1}, {"k": ({"count": 1},)}],
    }


def test_a_class_keeps_its_body_and_has_no_room_for_more() -> None:
    one = Ours("a")
    assert (one.doubled, Ours.KINDS, Ours.__doc__, Ours.__module__) == (
        6,
        7,
        "A class with a field of each kind.",
        __name__,
    )
    with pytest.raises(AttributeError):
        setattr(one, "other", 1)  # noqa: B010 - mypy knows


def test_a_class_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match="slots=True"):
        dataclass(frozen=True)(Theirs)


def test_no_module_takes_the_slow_ones() -> None:
    takes = re.compile(r"^(?:from|import) dataclasses\b", re.MULTILINE)
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 1
    assert not [path.name for path in modules if takes.search(path.read_text(encoding="utf-8"))]
