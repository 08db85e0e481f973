"""The code for built-ins that give a line a tag."""

from __future__ import annotations

from collections.abc import Mapping

from fproc.base.values import replace
from fproc.pipeline.compiler import fields as splitting
from fproc.pipeline.compiler.emitters.common import Values, emit_one, match_test
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.patterns import WordsWithOneBeginning, words_with_one_beginning
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.processors.options.splits import words_of_field
from fproc.pipeline.processors.routing import text_of_field

FEW_TEXTS = 4
"""The most texts that are compared one by one in less time than a look-up in a table takes."""

FEW_WORDS = 8
MOST_LENGTHS = 2
"""The most words that are looked for one by one in less time than a table takes; and the most lengths of what
follows their common beginning for which a table is used."""

FEW_SITES = 24
"""The most sites up to which a way is written once for each tag, so that each copy knows its tag."""


def emit_tag(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that tags a line by the first pattern that it matches."""
    found = words_of_field(values["rules"])
    if found is not None and code.tag_matters_after(at.node):
        at, split = splitting.split(code, at)
        key = code.new("key")
        part, has_next = splitting.part(split, found.field), splitting.has(split, found.field + 1)
        code.write(f"{key} = {part} if {has_next} else None")
        return _tag_by(code, at, key, found.tags, values["default"])
    words = words_with_one_beginning(values["rules"])
    if words and len(words.tags) > FEW_WORDS and len(words.lengths()) <= MOST_LENGTHS:
        return _tag_by_word(code, at, words, values["default"])
    choices = [(match_test(code, pattern, at.line), tag) for tag, pattern in values["rules"].items()]
    return _choose(code, at, choices, values["default"])


def emit_tag_field(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that tags a line by one of its fields."""
    if not code.tag_matters_after(at.node):
        return emit_one(code, at, at.line, at.tagged_unasked())
    if code.step_kind(at.node) is not None:
        return _tag_record(code, at, values)
    at, split = splitting.split(code, at)
    key = code.new("key")
    field = values["field"]
    if split.parts:
        key = splitting.part(split, field)
    else:
        code.write(f"{key} = {splitting.part(split, field)} if {splitting.has(split, field)} else None")
    return _tag_by(code, at, key, values["tags"], values["default"])


def _tag_record(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that tags a record by one of its fields; the interpreter takes a line that is none."""
    at = code.with_record(at)
    record, key = at.record or code.new("record"), code.new("key")
    text_of = code.named("text_of_field", text_of_field)
    with code.write.block("try:"):
        if not at.record:
            code.write(f"{record} = decode({at.line})")
        code.write(f"{key} = {text_of}({record}, {values['field']!r})")
    with code.write.block("except Exception:"):
        pushed = code.push(at)
    with code.write.block("else:"):
        at = replace(at, record=record)
        return _tag_by(code, at, key, values["tags"], values["default"]) + pushed


def _tag_by(code: Generator, at: Site, key: str, tags: Mapping[str, str], default: str | None) -> Terms:
    """Write code that looks a text in a variable up in a table of tags."""
    texts: dict[str, list[str]] = {}
    for text, tag in tags.items():
        texts.setdefault(tag, []).append(text)
    if len(tags) > FEW_TEXTS:
        look_up = code.constant("look_up", tags.get)
        found_tag = code.new("tag")
        if len(texts) > FEW_TEXTS:
            otherwise = at.tag_code if default is None else repr(default)
            code.write(f"{found_tag} = {look_up}({key}, {otherwise})")
            return emit_one(code, at, at.line, at.tagged_by(found_tag))
        code.write(f"{found_tag} = {look_up}({key})")
        key, texts = found_tag, {tag: [tag] for tag in texts}
    choices = [
        (" or ".join(f"{key} == {text!r}" for text in matching), tag) for tag, matching in texts.items()
    ]
    return _choose(code, at, choices, default)


def _tag_by_word(code: Generator, at: Site, words: WordsWithOneBeginning, default: str | None) -> Terms:
    """Write code that looks up what follows the only place of the words' beginning in a line.

    Where it comes twice, the node itself is asked: the first place need not be that of the first rule.
    """
    if not code.tag_matters_after(at.node):
        return emit_one(code, at, at.line, at.tagged_unasked())
    otherwise = at.tag_code if default is None else repr(default)
    look_up = code.constant("look_up", words.tags.get)
    place, tag, line = code.new("place"), code.new("tag"), at.line
    found = otherwise
    for length in words.lengths():
        begin = len(words.beginning)
        found = f"{look_up}({line}[{place} + {begin}:{place} + {begin + length}], {found})"
    code.write(f"{place} = {line}.find({words.beginning!r})")
    with code.write.block(f"if {place} < 0:"):
        code.write(f"{tag} = {otherwise}")
    with code.write.block(f"elif {line}.find({words.beginning!r}, {place} + 1) < 0:"):
        code.write(f"{tag} = {found}")
    with code.write.block("else:"):
        code.write(f"{tag} = {at.tagged_unasked().unasked}")
    return emit_one(code, at, line, at.tagged_by(tag))


def _choose(code: Generator, at: Site, choices: list[tuple[str, str]], default: str | None) -> Terms:
    """Write code that takes the tag of the first condition that holds, a branch each where that matters."""
    otherwise = at if default is None else at.tagged(default)
    if not choices:
        return emit_one(code, at, at.line, otherwise)
    if not code.tag_matters_after(at.node):
        return emit_one(code, at, at.line, at.tagged_unasked())
    is_one_way = isinstance(code.graph.nodes[at.node].next, tuple)
    if is_one_way and (1 + len(choices)) * code.sites_after(at.node) > FEW_SITES:
        tag = code.new("tag")
        chain = "".join(f"{tag_text!r} if {condition} else " for condition, tag_text in choices)
        code.write(f"{tag} = {chain}{otherwise.tag_code}")
        return emit_one(code, at, at.line, at.tagged_by(tag))
    terms: Terms = []
    opening = "if"
    for condition, tag_text in choices:
        with code.write.block(f"{opening} {condition}:"):
            terms += emit_one(code, at, at.line, at.tagged(tag_text))
        opening = "elif"
    with code.write.block("else:"):
        return terms + emit_one(code, at, at.line, otherwise)


def emit_tag_prefix(code: Generator, at: Site, values: Values) -> Terms:
    """Write code that takes the beginning of a line for its tag."""
    tag, found, rest = code.new("tag"), code.new("found"), code.new("line")
    code.write(f"{tag}, {found}, {rest} = {at.line}.partition({values['separator']!r})")
    with code.write.block(f"if not {found}:"):
        default = at.told_tag_code if values["default"] is None else repr(values["default"])
        code.write(f"{tag}, {rest} = {default}, {at.line}")
    return emit_one(code, at, rest, at.tagged_by(tag))


EMITTERS = {"tag": emit_tag, "tag_field": emit_tag_field, "tag_prefix": emit_tag_prefix}
