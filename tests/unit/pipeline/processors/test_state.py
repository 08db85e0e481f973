"""What a processor remembers comes back from a checkpoint exactly, or is refused."""

from __future__ import annotations

import abc
import enum
import json
import math
import random
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fproc.base.errors import UnsavableError
from fproc.pipeline.processors.base import State
from fproc.pipeline.processors.state import of_attributes, of_instance, refused


class Number(enum.IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Row(list[int]):
    pass


class Box:
    """A processor with one attribute; what it is at first, and what it becomes."""

    def __init__(self, first: Any = None) -> None:
        self.value = first

    def process(self, line: str) -> str:
        return line


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def again(one: Any, other: Any, change: Callable[[Any], object]) -> Any:
    """`other`, which was made like `one`, with what `one` remembers after a change."""
    state, fresh = of_instance(one), of_instance(other)
    change(one)
    fresh.restore(through_json(state.snapshot()))
    return other


def changed_to(value: Any) -> State:
    """The state of a box whose value became this after `__init__`."""
    box = Box()
    state = of_instance(box)
    box.value = value
    return state


CONSTANTS = [None, True, False, 0, 1, -1, 2**64, -(10**4000)]
FLOATS = [0.1, -0.0, 1.0, 1e308, 5e-324, math.inf, -math.inf]
TEXTS = ["", "a", "ä🚚", "\0\x1b\u2028", "\udcff\udc80", "\ud800", "\r\n", '"\\', "nan"]
FLAT = [[], {}, [1, 1.0, True, None, "1"], {"1": 1, "true": True, "null": None}, ["same"] * 3]
DEEP = [[[]], [{}], {"": {}}, [[], []], {"a": [1, {"b": [None]}], "c": -0.0}, {"\udcff": ["\udcff"]}]
EXACT: list[Any] = [*CONSTANTS, *FLOATS, *TEXTS, *FLAT, *DEEP]


@pytest.mark.parametrize("value", EXACT, ids=range(len(EXACT)))
def test_json_values_come_back_exactly_with_their_types(value: Any) -> None:
    back = Box()
    of_instance(back).restore(through_json(changed_to(value).snapshot()))
    assert repr(back.value) == repr(value)


def test_what_is_no_number_comes_back_as_such() -> None:
    other = again(Box(), Box(), lambda box: setattr(box, "value", [math.nan]))
    assert math.isnan(other.value[0])


def test_two_halves_of_a_character_are_refused_or_come_back_as_two() -> None:
    try:
        kept = through_json(changed_to("\ud83d\ude9a").snapshot())
    except UnsavableError:
        return
    assert len(kept["value"]) == 2


KINDS = [Counter("a"), defaultdict(list), OrderedDict(), deque(), set(), {1}, frozenset({1}), (), (1,), b"a"]
OTHERS = [bytearray(), 1j, range(3), object(), Box, Decimal(1), date(2026, 11, 22), iter([])]
LIKE = [Number.ONE, Text("a"), Whole(1), Row(), {Text("a"): 1}, [Text("a")], [{"a": Whole(2)}]]
KEYS: list[Any] = [{1: 2}, {None: 1}, {True: 1}, {1.5: 1}, {("a",): 1}, [{b"a": 1}]]
INNER: list[Any] = [[(1,)], {"a": {"b": {3}}}, [[[b""]]], {"a": Number.ONE}]
CALLS = [len, re.compile("a"), json, lambda line: line, random.Random(1), Box().process]
REFUSED: list[Any] = [*KINDS, *OTHERS, *LIKE, *KEYS, *INNER, *CALLS]


@pytest.mark.parametrize("value", REFUSED, ids=[type(value).__name__ for value in REFUSED])
def test_what_json_does_not_give_back_is_refused_with_the_attribute_s_name(value: Any) -> None:
    with pytest.raises(
        UnsavableError, match=r"its attribute 'value' (is|has) .*which JSON does not give back"
    ):
        changed_to(value).snapshot()


SHARED: list[Any] = [[], {}, [1], {"a": 1}]


@pytest.mark.parametrize("shared", SHARED, ids=repr)
@pytest.mark.parametrize(
    "around", [lambda x: [x, x], lambda x: {"a": x, "b": [x]}, lambda x: [[x], {"c": [[x]]}]]
)
def test_one_list_or_dict_in_two_places_is_refused(around: Callable[[Any], Any], shared: Any) -> None:
    with pytest.raises(UnsavableError, match="is in two places"):
        changed_to(around(shared)).snapshot()


def test_one_list_under_two_names_is_refused() -> None:
    box = Box([])
    state = of_instance(box)
    assert state.snapshot() == {"value": []}
    box.other = box.value  # type: ignore[attr-defined]
    with pytest.raises(UnsavableError, match="its attribute 'other' is in two places"):
        state.snapshot()


def test_two_lists_that_are_alike_are_two() -> None:
    other = again(Box(), Box(), lambda box: setattr(box, "value", [["a"], ["a"]]))
    other.value[0].append("b")
    assert other.value == [["a", "b"], ["a"]]


def test_what_is_in_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UnsavableError, match="in two places"):
        changed_to(endless).snapshot()
    table: dict[str, Any] = {}
    table["a"] = {"b": [table]}
    with pytest.raises(UnsavableError, match="in two places"):
        changed_to(table).snapshot()


def constants() -> list[Any]:
    several = ("a", (re.compile("b"), 1))
    return [
        re.compile("a", re.ASCII),
        json.dumps,
        len,
        json,
        Box,
        b"ab",
        2j,
        range(9),
        several,
        frozenset("a"),
    ]


@pytest.mark.parametrize("number", range(len(constants())))
def test_constants_are_not_kept_but_come_from_init_again(number: int) -> None:
    one, other = Box(constants()[number]), Box(constants()[number])
    own = other.value
    assert of_instance(one).snapshot() == {}
    again(one, other, lambda box: setattr(box, "more", 1))
    assert other.value is own
    assert vars(other) == {"value": own, "more": 1}


@pytest.mark.parametrize("value", [([],), frozenset({(Number.ONE,)}), ("a", {}), (bytearray(),)])
def test_a_tuple_of_what_can_change_is_no_constant(value: Any) -> None:
    with pytest.raises(UnsavableError, match="its attribute 'value'"):
        of_instance(Box(value)).snapshot()


def test_a_constant_that_was_exchanged_for_another_is_refused() -> None:
    box = Box(re.compile("a"))
    state = of_instance(box)
    box.value = re.compile("b")
    with pytest.raises(UnsavableError, match="compile"):
        state.snapshot()


def test_text_that_init_made_up_is_kept() -> None:
    one, other = Box(str(uuid.uuid4())), Box(str(uuid.uuid4()))
    first = one.value
    assert again(one, other, lambda _box: None).value == first


def test_attributes_that_came_later_come_back_and_none_is_made_up() -> None:
    other = again(Box(1), Box(1), lambda box: vars(box).update(late=[1.0], value=None))
    assert repr(vars(other)) == repr({"value": None, "late": [1.0]})


def test_a_state_is_what_it_is_when_it_is_asked_for() -> None:
    box = Box(0)
    state = of_instance(box)
    found = []
    for number in range(3):
        box.value = number
        found.append(state.snapshot())
    assert found == [{"value": number} for number in range(3)]


class Slotted:
    __slots__ = ("value",)


class HasBoth(Slotted):
    pass


@pytest.mark.parametrize("kind", [Slotted, HasBoth])
def test_attributes_in_slots_are_refused_before_they_are_lost(kind: type) -> None:
    instance = kind()
    instance.value = 1
    with pytest.raises(UnsavableError, match="__slots__"):
        of_instance(instance).snapshot()


class OwnSnapshot(Box):
    def snapshot(self) -> Any:
        if isinstance(self.value, Exception):
            raise self.value
        return {"value": self.value} if self.value != "not a dict" else [1]


class OwnRestore(Box):
    def restore(self, value: dict[str, Any]) -> None:
        self.value = ("restored", value)


class Own(OwnSnapshot, OwnRestore):
    """Both; and what its attributes are does not matter."""

    def __init__(self, first: Any = None) -> None:
        super().__init__(first)
        self.counter = Counter("abc")


def test_a_processor_s_own_snapshot_and_restore_are_used_where_it_has_them() -> None:
    assert again(Own(), Own(), lambda box: setattr(box, "value", [2])).value == ("restored", {"value": [2]})
    assert again(OwnSnapshot(), OwnSnapshot(), lambda box: setattr(box, "value", 3)).value == 3
    assert again(OwnRestore(), OwnRestore(), lambda box: setattr(box, "value", 4)).value == (
        "restored",
        {"value": 4},
    )


def test_slots_do_not_matter_to_a_processor_that_says_itself_what_it_remembers() -> None:
    class Careful:
        __slots__ = ("value",)

        def __init__(self) -> None:
            self.value = 1

        def snapshot(self) -> dict[str, int]:
            return {"value": self.value}

        def restore(self, value: dict[str, int]) -> None:
            self.value = value["value"]

    assert again(Careful(), Careful(), lambda it: setattr(it, "value", 5)).value == 5


@pytest.mark.parametrize("value", [{1: 2}, (1,), {"a": {1}}, Number.ONE, math.inf, Counter()])
def test_an_own_snapshot_is_held_to_json_as_well(value: Any) -> None:
    own = OwnSnapshot(value)
    if value is math.inf:
        assert of_instance(own).snapshot() == {"value": math.inf}
        return
    with pytest.raises(UnsavableError, match=r"^snapshot\(\) (is|has)"):
        of_instance(own).snapshot()


def test_an_own_snapshot_that_is_no_dict_is_refused() -> None:
    with pytest.raises(UnsavableError, match=r"snapshot\(\) gave \[1\] \(list\); it gives a dict"):
        of_instance(OwnSnapshot("not a dict")).snapshot()


def test_what_an_own_snapshot_raises_goes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        of_instance(OwnSnapshot(ZeroDivisionError())).snapshot()


def test_an_attribute_called_snapshot_that_cannot_be_called_is_one_like_others() -> None:
    box, other = Box(1), Box(1)
    vars(box)["snapshot"] = vars(other)["restore"] = "a word"
    assert again(box, other, lambda _box: None).snapshot == "a word"


def test_a_refused_state_says_why_both_ways() -> None:
    state = refused("it is a stream")
    with pytest.raises(UnsavableError, match="it is a stream"):
        state.snapshot()
    with pytest.raises(UnsavableError, match="it is a stream"):
        state.restore({})


def test_of_attributes_keeps_those_and_no_others() -> None:
    one, other = Box([1]), Box([])
    vars(one)["other"] = {1}
    value = of_attributes(one, ["value"]).snapshot()
    assert value == {"value": [1]}
    of_attributes(other, ["value"]).restore(through_json(value))
    assert vars(other) == {"value": [1]}
    with pytest.raises(KeyError):
        of_attributes(other, ["value", "gone"]).restore(value)


def counter() -> Callable[[], int]:
    number = 0

    def count() -> int:
        nonlocal number
        number += 1
        return number

    return count


HIDDEN: dict[str, Callable[[], Any]] = {
    "a function with a variable of its own": counter,
    "a method of a set": lambda: set[str]().add,
    "a method of a random number generator": lambda: random.Random(7).random,
}


@pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_function_that_remembers_something_is_no_constant(make: Callable[[], Any]) -> None:
    with pytest.raises(UnsavableError):
        of_instance(Box(make())).snapshot()


@pytest.mark.parametrize("base", [dict, list, set, deque, Counter])
def test_what_a_processor_is_itself_is_kept_or_refused(base: type) -> None:
    kind = type("Held", (base,), {"process": lambda self, line: line})
    with pytest.raises(UnsavableError):
        of_instance(kind()).snapshot()


def test_an_attribute_that_was_deleted_stays_deleted_or_is_refused() -> None:
    try:
        other = again(Box("header"), Box("header"), lambda box: delattr(box, "value"))
    except UnsavableError:
        return
    assert vars(other) == {}


def test_empty_slots_of_a_base_class_do_not_matter() -> None:
    class Abstract(abc.ABC):  # noqa: B024 - it is the base that matters
        def process(self, line: str) -> Iterator[str]:
            yield line

    assert of_instance(Abstract()).snapshot() == {}
