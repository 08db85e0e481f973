"""A configuration that was written down says the same when it is read again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import ConfigError, Problem
from fproc.base.schema import parse_json
from fproc.config.keys import KEYS, parse_config
from fproc.config.model import to_json

NAME = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=8)
TARGETS = st.one_of(NAME, st.lists(NAME, min_size=1, max_size=3))
NODE = st.fixed_dictionaries(
    {"tag": NAME, "type": NAME},
    optional={
        "config": st.dictionaries(NAME, st.one_of(NAME, st.integers(), st.booleans()), max_size=3),
        "next": st.one_of(TARGETS, st.dictionaries(NAME, TARGETS, min_size=1, max_size=3)),
        "stream": st.booleans(),
        "as": st.sampled_from(["text", "dict"]),
    },
)
SECONDS = st.one_of(st.integers(0, 100), st.floats(0, 100))
CONFIGS = st.fixed_dictionaries(
    {"nodes": st.lists(NODE, min_size=1, max_size=4)},
    optional={
        "watch_dir": st.just("in"),
        "results_dir": st.just("/srv/out"),
        "intake": st.fixed_dictionaries(
            {},
            optional={
                "ready": st.sampled_from(["auto", "stable", "rename", "marker"]),
                "settle_seconds": SECONDS,
            },
        ),
        "retry": st.fixed_dictionaries(
            {}, optional={"max_attempts": st.integers(1, 9), "backoff_seconds": SECONDS}
        ),
        "workers": st.sampled_from(["auto", 1]),
        "on_error": st.sampled_from(["fail", "reject", "skip"]),
        "durability": st.sampled_from(["power", "process"]),
        "alerts": st.fixed_dictionaries(
            {},
            optional={
                "webhook": st.sampled_from([None, "https://me:secret@example.org/x"]),
                "heartbeat_url": st.sampled_from([None, "http://[::1]:8080/x"]),
                "quiet_seconds": st.one_of(st.none(), st.integers(1, 100)),
            },
        ),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "max_line_bytes": st.integers(1, 9999),
                "max_rejected": st.one_of(st.none(), st.integers(0, 9), st.just("5%")),
            },
        ),
        "files": st.lists(st.fixed_dictionaries({"match": NAME, "start": NAME}), max_size=2),
        "examples": st.lists(
            st.fixed_dictionaries(
                {
                    "input": st.lists(NAME, max_size=2),
                    "expect": st.dictionaries(NAME, st.lists(NAME), max_size=2),
                }
            ),
            max_size=2,
        ),
    },
)

JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from([*KEYS]), st.text()), inner)
    ),
    max_leaves=12,
)


@given(CONFIGS)
def test_a_configuration_round_trips(value: dict[str, Any]) -> None:
    config, problems = parse_config(value, folder="/base")
    assert problems == []
    assert config is not None
    again, problems = parse_config(parse_json(json.dumps(to_json(config)), "again", []), folder="/elsewhere")
    assert problems == []
    assert again == config


@given(JSON)
def test_any_json_is_either_a_configuration_or_a_list_of_problems(value: Any) -> None:
    config, problems = parse_config(value, folder="/base")
    assert (config is not None) or problems
    for problem in problems:
        assert problem.path.startswith("$")
        assert "\n" not in str(problem)


@given(st.text(max_size=40))
def test_any_text_is_either_json_or_a_clear_problem(text: str) -> None:
    problems: list[Problem] = []
    try:
        parse_json(text, "pipeline.json", problems)
    except ConfigError as error:
        problems += error.problems
    assert all(str(problem).startswith("pipeline.json") for problem in problems)
