"""Pipelines and lines that properties draw: of each built-in, and of users' processors that do anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from fproc.pipeline.processors import builtins as built_ins
from fproc.pipeline.processors.options.checks import check_options

TAGS = ["a", "b", "c"]
SPECIAL = ["info", "warn", "INFO", "error", "no/name"]

WORDS = st.sampled_from(
    ["INFO", "WARN", "ERROR", "a", "b", "x1", "", "healthz", "\u00e9", "{}", "\t", "\x1c", "\udcff"]
)
LINES = st.lists(
    st.one_of(
        st.lists(WORDS, max_size=6).map(" ".join),
        st.lists(WORDS, max_size=4).map(",".join),
        st.sampled_from(
            [
                '{"a":1.50,"b":"x"}',
                '{"a": [1, {"c": -0}], "INFO":"x"}',
                "{}",
                "[1]",
                '"INFO,a",b',
                '"open,b',
                "#Fields: a b",
                "a,b",
            ]
        ),
        st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=8),
    ),
    max_size=25,
)
RECORDS = st.lists(st.lists(st.one_of(WORDS, st.just("\n")), max_size=6).map(" ".join), max_size=25)
"""Records with line endings inside."""

PATTERNS = st.sampled_from(
    [
        "INFO",
        "INFO|WARN",
        "^INFO",
        "^[^ ]* INFO ",
        "^[^ ]* WARN ",
        "^[^ ]* a ",
        "^[^ ]* [^ ]* INFO ",
        "a.b",
        "x|",
        "(?i)info",
        "^a|b",
        "(?m)^b",
        ".",
        "{",
        "\\bb\\b",
        "",
    ]
)
WORDS_OF_FIELD = st.sampled_from(["INFO", "WARN", "a", "b", "x1", "{}"]).map("^[^ ]* {} ".format)
OTHERWISE = st.sampled_from(["keep", "drop", "reject"])
SEPARATORS = st.sampled_from([" ", ",", " ,", "a"])
DEFAULTS = st.one_of(st.none(), st.sampled_from([*TAGS, *SPECIAL]))


def options(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A node's config; what is None is left out."""
    made = st.fixed_dictionaries(values)
    return made.map(lambda config: {key: value for key, value in config.items() if value is not None})


def fields_options() -> st.SearchStrategy[dict[str, Any]]:
    def of_most(most: int | None) -> st.SearchStrategy[dict[str, Any]]:
        numbers = st.integers(0, most or 5)
        template = st.lists(
            st.one_of(numbers.map("{{{}}}".format), st.sampled_from(["[", 'é"\\', "{{", "}}"])), max_size=4
        )
        return options(
            separator=SEPARATORS, max=st.just(most), template=template.map("".join), otherwise=OTHERWISE
        )

    return st.one_of(st.none(), st.integers(1, 14)).flatmap(of_most)


Options = st.SearchStrategy[dict[str, Any]]


def tag_options(patterns: st.SearchStrategy[str], most: int) -> Options:
    """Rules with these patterns."""
    rules = st.dictionaries(st.sampled_from([*TAGS, *SPECIAL]), patterns, max_size=most)
    return options(rules=rules, default=DEFAULTS)


BUILTINS: dict[str, Options] = {
    "tag": st.one_of(tag_options(PATTERNS, 3), tag_options(WORDS_OF_FIELD, 6)),
    "tag_field": options(
        separator=SEPARATORS,
        field=st.one_of(st.integers(1, 4), st.sampled_from(["a", "a.b"])),
        tags=st.dictionaries(
            st.sampled_from(["INFO", "WARN", "ERROR", "a", "b", "x1", "x", "1", "1.50", "", "\u00e9"]),
            st.sampled_from([*TAGS, *SPECIAL]),
            max_size=8,
        ),
        default=DEFAULTS,
    ),
    "tag_prefix": options(separator=SEPARATORS, default=DEFAULTS),
    "filter": options(pattern=PATTERNS),
    "drop_matching": options(pattern=PATTERNS),
    "uppercase": options(),
    "lowercase": options(),
    "snakecase": options(),
    "trim": options(),
    "replace": options(
        pattern=PATTERNS,
        **{"with": st.sampled_from(["", "Q", "\\n", "\\g<0>!", "{\\g<0>}\u00e9\\g<0>", "{}"])},
    ),
    "rewrite": options(
        pattern=st.sampled_from(
            [
                "^(?P<one>\\w+) (?P<two>.*)$",
                "^[^ ]* (?P<one>[^ ]*) (?P<two>.*)$",
                "(?P<one>a)|(?P<two>b)",
                "(x)?(?P<one>\\S*)(?P<two>)",
            ]
        ),
        template=st.lists(st.sampled_from(["{one}", "{two}", "{0}", " - ", "{{", '"']), max_size=4).map(
            "".join
        ),
        otherwise=OTHERWISE,
    ),
    "fields": fields_options(),
    "split": options(separator=SEPARATORS),
    "join": options(lines=st.integers(1, 3), separator=st.sampled_from(["+", ""])),
    "count": options(total=st.booleans()),
    "tally": options(field=st.one_of(st.none(), st.integers(1, 3))),
    "parse_csv": options(
        separator=st.sampled_from([",", " "]), header=st.sampled_from([True, ["x", "y"]]), otherwise=OTHERWISE
    ),
    "parse_json": options(otherwise=OTHERWISE),
    "parse_regex": options(
        pattern=st.sampled_from(
            ["(?P<a>\\w+) (?P<b>\\w+)?", "^%{WORD:a.b}[ ,]%{GREEDYDATA:c}", "%{INT:n:int}"]
        ),
        otherwise=OTHERWISE,
    ),
    "dissect": options(pattern=st.sampled_from(["{a} {b}", "{a.x},{}", "I{n}"]), otherwise=OTHERWISE),
    "parse_kv": options(
        separator=SEPARATORS,
        delimiter=st.sampled_from(["N", "a"]),
        skip_words=st.booleans(),
        otherwise=OTHERWISE,
    ),
    "parse_fixed": options(columns=st.just({"a": "1-2", "b": "3-"}), otherwise=OTHERWISE),
    "parse_log": options(format=st.sampled_from(["w3c", "common"]), otherwise=OTHERWISE),
    "format": st.one_of(
        options(
            to=st.just("csv"),
            fields=st.sampled_from([None, ["a", "b"]]),
            header=st.booleans(),
            default=st.sampled_from([None, "-"]),
            otherwise=OTHERWISE,
        ),
        options(
            to=st.sampled_from(["kv", "json"]), fields=st.sampled_from([None, ["a"]]), otherwise=OTHERWISE
        ),
        options(template=st.sampled_from(["{a} {file}", "{a.b}{offset}"]), otherwise=OTHERWISE),
    ),
}
STRUCTURED: dict[str, Options] = {
    **{
        name: st.just(dict(builtin.example[0]))
        for name, builtin in built_ins.BUILTINS.items()
        if builtin.step(check_options(name, builtin, builtin.example[0], "$")[0])
    },
    **{
        name: BUILTINS[name]
        for name in ("parse_csv", "parse_json", "dissect", "parse_kv", "format", "filter", "tag", "tag_field")
    },
    "edit": st.sampled_from(
        [{"set": {"a": "x{b}"}}, {"rename": {"a": "c.d"}}, {"remove": ["b"]}, {"keep": ["a"]}]
    ),
    "where": st.sampled_from([{"field": "a", "exists": True}, {"field": "a", "above": 1}]),
}
"""Those that work on structured records, with options that fit many lines, and some others among them."""

OBJECTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["a,b", "1,2", "a=1 b=2", "no object", '{"a":"\udcff"}', "INFO 1", '{"a":{"b":[1.50]}}']
        ),
        st.dictionaries(
            st.sampled_from(["a", "b", "a.b", "INFO"]),
            st.sampled_from([1, 2.5, "x", None, "", {"b": 3}]),
            max_size=3,
        ).map(json.dumps),
    ),
    max_size=20,
)

ODD = ["odd", "pair", "many", "listed", "yielded", "Remembering", "Pairing", "Listing", "flowing"]
USERS = [f"odd_processors.{name}" for name in ODD]
STREAM = "odd_processors.flowing"


@st.composite
def nodes(
    draw: st.DrawFn,
    *,
    wild: st.SearchStrategy[int],
    kinds: Mapping[str, Options] = BUILTINS,
    users: Sequence[str] = USERS,
    first: str = "",
) -> list[dict[str, Any]]:
    """A graph of up to seven nodes of these kinds without cycles, with sinks of each kind behind it."""
    names = ["start", *(f"n{index}" for index in range(draw(st.integers(0, 5))))]
    sinks = ["end", "drop", "plain", "tagged", "screen"]
    made = []
    for index, name in enumerate(names):
        kind = draw(st.one_of(*(st.sampled_from(chosen) for chosen in (sorted(kinds), users) if chosen)))
        if index == 0 and first:
            kind = first
        config = draw(kinds[kind]) if kind in kinds else {"salt": index, "wild": draw(wild)}
        target = st.sampled_from([*names[index + 1 :], *sinks])
        several = st.one_of(target, st.lists(target, min_size=1, max_size=3))
        known = dict.fromkeys([*TAGS, *SPECIAL], several)
        by_tag = st.fixed_dictionaries(
            {"*": several} if draw(st.booleans()) else {"x": several}, optional=known
        )
        node = {"tag": name, "type": kind, "config": config, "next": draw(st.one_of(several, by_tag))}
        made.append(node | {"stream": True} if kind == STREAM else node)
    return [
        *made,
        {"tag": "plain", "type": "write", "config": {"file": "{stem}.plain"}},
        {"tag": "tagged", "type": "write", "config": {"file": "{tag}.{date}"}},
        {"tag": "screen", "type": "stdout"},
    ]
