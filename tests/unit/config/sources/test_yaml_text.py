"""A configuration may be YAML where PyYAML is installed; it means what the same JSON means."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import ConfigError
from fproc.base.schema import Problems
from fproc.config.sources.files import read_config_file
from fproc.config.sources.yaml_text import parse_yaml
from fproc.pipeline.plan import build_plan
from tests.support.helpers import run_lines

yaml: Any = pytest.importorskip("yaml")

ENGINE = """
# the emitted tag names the next node
nodes:
  - {tag: start, type: tag, config: {rules: {error: ERROR|FATAL}, default: rest}}
  - tag: error
    type: uppercase
    next: end
  - tag: rest
    type: where
    config:
      field: 1
      is: [yes, on, 2026-11-22, 010, "5", ~]
    next: [end]
"""


def read(text: str) -> tuple[Any, list[str]]:
    problems: Problems = []
    value = parse_yaml(text, "p.yaml", problems)
    return value, [str(problem) for problem in problems]


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def test_a_pipeline_of_yaml_runs() -> None:
    value, problems = read(ENGINE)
    assert problems == []
    plan = build_plan(value, folder="/srv")
    lines = ["x ERROR", "yes 1", "no", "2026-11-22 a", "010", "5", "8"]
    assert run_lines(plan, *lines) == {"in.log": ["X ERROR", "yes 1", "2026-11-22 a", "010", "5"]}


def test_only_what_json_has_is_no_text() -> None:
    text = (
        "[yes, No, on, ~, null, '', true, 1, 1.5, 1e3, 0x1F, 010, .inf, NaN, 2026-11-22, 12:30, '1', |-\n  x]"
    )
    value, _ = read(text.replace(", |-\n  x", ""))
    assert [(type(item), item) for item in value] == [
        (type(item), item)
        for item in ["yes", "No", "on", None, None, "", True, 1, 1.5, "1e3", "0x1F", "010", ".inf", "NaN",
                     "2026-11-22", "12:30", "1"]
    ]  # fmt: skip


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["", "a", "yes", "1", "~", "é: #", "null", "a\nb"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["k", "1", "yes"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(value=JSON)
def test_what_json_or_pyyaml_writes_is_read_back(value: Any) -> None:
    assert read(json.dumps(value)) == (value, [])
    assert read(yaml.safe_dump(value)) == (value, [])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nodes: [", "p.yaml:1:9: not YAML: expected the node content, but found '<stream end>'"),
        ("a: b: c", "p.yaml:1:5: not YAML: mapping values are not allowed here"),
        ("a: &x [*x]", "p.yaml:1:4: has an alias that never ends, or too many values"),
        ("a: *b", "p.yaml:1:4: not YAML: found undefined alias 'b'"),
        ("a: 1\n---\nb: 2", "p.yaml:2:1: not YAML: but found another document"),
        ("\x00", "p.yaml: not YAML: "),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, what: str) -> None:
    assert refusal(text).startswith(what)


def test_a_bomb_of_aliases_ends_at_once() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert "too many values" in refusal("\n".join(lines))


def test_a_key_that_stands_twice_or_is_no_text_is_a_problem() -> None:
    assert read("a: 1\na: 2")[1] == ["p.yaml:2:1: the key 'a' stands twice in one object; keep one of them"]
    assert read("[1]: 2")[1] == ["p.yaml:1:1: a key must be text"]


def test_without_pyyaml_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert refusal("a: 1") == (
        "p.yaml: is YAML, which needs the package PyYAML (Debian: python3-yaml); "
        "install it, or write the configuration as JSON"
    )


def test_a_configuration_of_that_name_is_found_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.yml").write_text("a: 1")
    assert read_config_file(None, {}, []).value == {"a": 1}
    (tmp_path / "pipeline.yaml").write_text("a: 2")
    assert read_config_file(None, {}, []).value == {"a": 2}
    assert read_config_file("pipeline.yml", {}, []).value == {"a": 1}
    (tmp_path / "pipeline.json").write_text('{"a": 3}')
    assert read_config_file(None, {}, []).value == {"a": 3}
