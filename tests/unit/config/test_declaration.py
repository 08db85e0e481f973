"""What is declared of a key, and what comes of that: texts of flags and variables, secrets, changes."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.base.errors import Problem
from fproc.base.schema import boolean, number, or_null, text
from fproc.base.values import dataclass
from fproc.config.declaration import Flag, Setting, checked_fields, key, section, settings_of
from fproc.config.keys import parse_config
from fproc.config.model import SETTINGS, AlertPolicy, Config, to_json, to_log


@dataclass(frozen=True, slots=True)
class Inner:
    """A section, with a key of each type."""

    whole: int = key(1, number(whole=True), "a whole number")
    part: float | None = key(None, or_null(number()), "a number, or none")
    switch: bool = key(False, boolean, "yes or no", flag=Flag("--switch", "", "yes"))
    word: str = key("a", text(), "a word", variable="FPROC_WORD", is_secret=True)
    either: int | str = key("auto", text(), "a number or a word")


@dataclass(frozen=True, slots=True)
class Outer:
    """What the section is in."""

    inner: Inner = section(Inner)
    top: str = key("top", text(), "above it")


OF = {setting.name: setting for setting in settings_of(Outer)}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("inner.whole", "12", 12),
        ("inner.whole", "1.5", "1.5"),
        ("inner.whole", "-1", "-1"),
        ("inner.whole", "1" * 19, "1" * 19),
        ("inner.whole", "\u0663", "\u0663"),
        ("inner.part", "1.5", 1.5),
        ("inner.part", "2", 2),
        ("inner.part", "nan", "nan"),
        ("inner.switch", "true", True),
        ("inner.switch", "false", False),
        ("inner.switch", "yes", "yes"),
        ("inner.word", "12", "12"),
        ("inner.word", "true", "true"),
        ("inner.either", "12", 12),
        ("inner.either", "auto", "auto"),
    ],
)
def test_the_text_of_a_flag_or_variable_is_read_by_the_type_of_the_field(
    name: str, given: str, value: Any
) -> None:
    read = OF[name].read(given)
    assert (read, type(read)) == (value, type(value))


def test_a_text_that_is_not_of_its_type_is_refused_by_the_check() -> None:
    problems: list[Problem] = []
    setting = OF["inner.whole"]
    assert setting.key.check(setting.read("many"), "FPROC_WHOLE", problems) is None
    assert [str(problem) for problem in problems] == ["FPROC_WHOLE: must be a whole number, not text"]


def test_keys_are_found_in_their_sections_in_the_order_of_the_fields() -> None:
    inner = [f"inner.{name}" for name in ("whole", "part", "switch", "word", "either")]
    assert list(OF) == [*inner, "top"]
    assert [OF[name].default for name in OF] == [1, None, False, "a", "auto", "top"]


def test_an_object_becomes_the_dataclass_with_defaults_for_what_it_does_not_say() -> None:
    problems: list[Problem] = []
    assert checked_fields(Outer)({"inner": {"whole": 3}}, "$", problems) == Outer(Inner(whole=3))
    assert problems == []
    checked_fields(Outer)({"inner": {"hole": 3}}, "$", problems)
    assert str(problems[0]) == "$.inner.hole: unknown key; did you mean 'whole'?"


def test_a_value_is_found_and_changed_in_its_place() -> None:
    setting, outer = OF["inner.whole"], Outer()
    changed = setting.changed(outer, 5)
    assert (setting.of(outer), setting.of(changed)) == (1, 5)
    assert changed == Outer(Inner(whole=5))
    assert OF["top"].changed(outer, "x") == Outer(top="x")


def test_a_secret_is_not_shown_by_an_object_that_has_it() -> None:
    assert "s3cret" not in repr(Inner(word="s3cret"))


def secrets() -> list[Setting]:
    return [setting for setting in SETTINGS if setting.key.is_secret]


def test_the_log_masks_every_key_that_is_declared_a_secret() -> None:
    assert {setting.name for setting in secrets()} == {"alerts.webhook", "alerts.heartbeat_url"}
    url = "https://user:s3cret@example.org/s3cret?s3cret"
    config = Config(alerts=AlertPolicy(webhook=url, heartbeat_url=url))
    assert to_json(config)["alerts"]["webhook"] == url
    assert "s3cret" not in str(to_log(config))
    assert to_log(config)["alerts"]["webhook"] == "https://example.org/..."
    assert "s3cret" not in repr(config)


def test_the_log_shows_no_option_of_a_processor_that_is_called_like_a_secret() -> None:
    options = {"api_key": "s3cret", "deep": [{"db_password": "s3cret"}], "key": "s3cret", "SALT": "s3cret"}
    plain = {"keys": ["a"], "keep_last": 4, "token": 5, "pattern": "x"}
    node = {"tag": "start", "type": "x.y", "config": {**options, **plain}, "next": "end"}
    config, problems = parse_config({"nodes": [node]}, folder="/")
    assert problems == []
    assert config is not None
    logged = to_log(config)["nodes"][0]["config"]
    assert "s3cret" not in str(logged)
    assert {name: logged[name] for name in plain} == plain
    assert to_json(config)["nodes"][0]["config"]["api_key"] == "s3cret"
