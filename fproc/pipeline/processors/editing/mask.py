"""Masking what had better not stand in a result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fproc.pipeline.processors.base import OTHERWISE, Maker, Option, StepKind, mapping, same_fields
from fproc.pipeline.processors.editing.sensitive import GROUPED, KNOWN, Find, is_harmless, is_secret_name
from fproc.pipeline.processors.objects import (
    MISSING,
    Misfit,
    StructuredRecord,
    decode,
    editing,
    encode,
    get,
    needing,
    put,
)
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import same_tag

HASH_CHARACTERS = 16
"""The length of a hash: 64 bits, of which no two people in a million share one."""

Hide = Callable[[str], str]
"""Return what stands in a text's place."""

_GROUPING = re.compile("[ -]")
_GROUPED_CHARACTER = re.compile("[^ -]")


def _hide(style: str, secret: str | None, keep_last: int, *, is_grouped: bool) -> Hide:
    def kept(text: str) -> str:
        return text[len(text) - keep_last :] if 0 < keep_last < len(text) else ""

    def stars(text: str) -> str:
        last = kept(text)
        hidden = text[: len(text) - len(last)]
        return (_GROUPED_CHARACTER.sub("*", hidden) if is_grouped else "*" * len(hidden)) + last

    def hashed(text: str) -> str:
        import hmac  # noqa: PLC0415 - slow to import, seldom needed

        plain = _GROUPING.sub("", text).upper() if is_grouped else text
        digest = hmac.digest((secret or "").encode(), plain.encode("utf-8", "surrogatepass"), "sha256")
        return digest.hex()[:HASH_CHARACTERS] + kept(text)

    return {"stars": stars, "hash": hashed, "remove": kept}[style]


def _of_pattern(pattern: re.Pattern[str]) -> Find:
    """Return what finds the first group of a pattern, or all of its match if it has none."""
    group = 1 if pattern.groups else 0

    def find(text: str) -> Iterator[tuple[int, int]]:
        return (
            match.span(group) for match in pattern.finditer(text) if match.end(group) > match.start(group)
        )

    return find


def _masker(finds: Sequence[tuple[Find, Hide]], *, is_known: bool) -> Hide:
    """Return a call that masks all that is found in a text, one kind after the other.

    `is_known` says that all of those are in `KNOWN`.
    """

    def masked(text: str) -> str:
        for find, hide in () if is_known and is_harmless(text) else finds:
            pieces: list[str] = []
            position = 0
            for begin, end in find(text):
                pieces += (text[position:begin], hide(text[begin:end]))
                position = end
            if pieces:
                text = "".join([*pieces, text[position:]])
        return text

    return masked


def _mask(
    *,
    what: Sequence[str] | None,
    pattern: re.Pattern[str] | None,
    fields: Sequence[str] | None,
    keep_last: int,
    secret: str | None,
    otherwise: str,
    **options: str,
) -> Maker:
    style = options["with"]
    kinds = what if what is not None else [] if pattern is not None else [*KNOWN]
    hide = _hide(style, secret, keep_last, is_grouped=False)
    finds = [
        (KNOWN[kind], _hide(style, secret, keep_last, is_grouped=kind in GROUPED))
        for kind in KNOWN
        if kind in kinds
    ]
    if pattern is not None:
        finds.append((_of_pattern(pattern), hide))
    masked = _masker(finds, is_known=pattern is None)
    within = _deep(masked, hide if "tokens" in kinds else None)
    if fields is None:
        return mapping(_of_line(masked, within))

    def edit(record: StructuredRecord) -> StructuredRecord:
        changed = record
        for field in fields:
            value = get(record, field)
            new = value if value is MISSING else within(field.rpartition(".")[2], value)
            if new is not value:
                changed = dict(record) if changed is record else changed
                put(changed, field, new)
        return changed

    processor = editing(edit, otherwise)
    return lambda _source, _output: processor


def _of_line(masked: Hide, within: Callable[[str, Any], Any]) -> Hide:
    """Return a call that masks a line; where that is an object, its values, so that it stays one."""

    def mask_line(line: str) -> str:
        if line[:1] != "{":
            return masked(line)
        if "\\" not in line and masked(line) == line:
            return line
        try:
            record = decode(line)
        except Misfit:
            return masked(line)
        new_record = within("", record)
        return line if new_record is record else encode(new_record)

    return mask_line


def _deep(masked: Hide, hide_secret: Hide | None) -> Callable[[str, Any], Any]:
    """Return a call that masks all text in a value, and if its key says so, all of it.

    What has nothing to mask is returned as it is.
    """

    def within(key: str, value: Any) -> Any:
        if type(value) is dict:
            entries = {name: within(name, entry) for name, entry in value.items()}
            return value if all(entries[name] is entry for name, entry in value.items()) else entries
        if type(value) is list:
            items = [within(key, item) for item in value]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        text = text_of(value)
        is_secret = hide_secret is not None and bool(text) and is_secret_name(key)
        new_text = hide_secret(text) if is_secret and hide_secret else masked(text)
        return value if new_text == text else new_text

    return within


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if values["with"] == "hash" and not values["secret"]:
        hint = "without one, whoever has a list of numbers finds them by their hashes"
        yield "secret", "'hash' needs a secret", hint
    if values["with"] != "hash" and values["secret"]:
        yield "secret", "nothing is hashed, so no secret is used", 'leave it out, or say "with": "hash"'


def _step(values: Mapping[str, Any]) -> StepKind | None:
    return None if values["fields"] is None else StepKind.EDIT


MASK = same_tag(
    "Hides email addresses, card numbers, bank accounts (IBAN), IP addresses and secrets.",
    _mask,
    (
        {"what": ["cards", "emails"], "keep_last": 4},
        ["card 4111 1111 1111 1111 of al@example.com", "order 4111 1111 1111 1112"],
        ["card **** **** **** 1111 of **********.com", "order 4111 1111 1111 1112"],
    ),
    {
        "what": Option(
            "words:" + ",".join(KNOWN),
            "what to look for: `emails`; `cards`, 13 to 19 digits right by Luhn; `ibans` whose "
            "check digits are right; `addresses` (IP); `tokens`: JWTs, keys of known services and "
            "what is called a password or a secret. By default all, or none with a `pattern`",
        ),
        "pattern": Option("pattern", "what else to hide: what this matches, or its first group"),
        "with": Option(
            "choice:stars,hash,remove",
            "`stars`, one for each character; `hash`, the same for the same text (HMAC-SHA-256, of 16 "
            "characters); `remove`",
            default="stars",
        ),
        "secret": Option("separator", "the key of the hash; without it nobody can find a text by trying"),
        "keep_last": Option("number", "how many characters at the end of each stay", default=0),
        "fields": Option(
            "names",
            "the keys of the record to look into, with all below them; by default the whole line, or "
            "all values of an object",
        ),
        "otherwise": OTHERWISE,
    },
    step=_step,
    check=_check,
    fields_after=same_fields,
    fields_before=needing(lambda values: values["fields"]),
)
