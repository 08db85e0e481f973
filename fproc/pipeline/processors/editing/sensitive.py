"""Finding what had better not stand in a result: addresses, card numbers, accounts, tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Span = tuple[int, int]
"""Where something begins and ends in a text."""

Find = Callable[[str], Iterator[Span]]
"""Yield where a text has something, in order and without overlaps."""

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_LOCAL_START = re.compile(r"[\w!#$%&*+/?^~-]")

_CARD_RUN = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,}(?![\w]|\.\d)", re.ASCII)
_CARD_GROUP = re.compile(r"\d+", re.ASCII)
_CARD_DIGITS = range(13, 20)

_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d\d(?=[ -]?[A-Za-z0-9])", re.ASCII)
_IBAN_LENGTHS = dict(
    re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
        "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 "
        "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 "
        "NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 "
        "SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
)
"""The number of characters of an account of each country, as SWIFT registers them."""

_MOST_OF_BYTE = 255

_ADDRESS = re.compile(
    r"(?<![\w.:])(?:"
    r"(?P<v4>(?:\d{1,3}\.){3}\d{1,3})(?![\w]|\.\d)"
    r"|(?P<v6>(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?:(?:\d{1,3}\.){3}\d{1,3})?)(?![\w:]|\.\d)"
    r")",
    re.ASCII,
)

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret|private[_-]?key"
)

SECRET_NAME = re.compile(rf"(?i:(?<![a-z])(?:{_NAMES})$)")
"""How a key ends whose value is a secret."""

_TOKEN = re.compile(
    r"""
    \beyJ[\w-]{6,}\.[\w-]+\.[\w-]* (?# a JSON web token )
    | \b(?: gh[pousr]_\w{20,} | github_pat_\w{20,} | glpat-[\w-]{20,} | xox[abeoprs]-[\w-]{10,}
        | (?:AKIA|ASIA)[0-9A-Z]{16} | [srp]k_(?:live|test)_\w{10,} | sk-[\w-]{20,} | AIza[\w-]{30,} )
    | (?i:\b(?:bearer|basic)\x20+) (?P<header>[\w.~+/=-]{8,})
    | (?i:(?<![a-z])(?:"""
    + _NAMES
    + r"""))
      ["']?\s*[=:]\s*["']?(?P<value>[^\s"'&,;]+)""",
    re.VERBOSE | re.ASCII,
)


def emails(text: str) -> Iterator[Span]:
    """Yield where a text has an email address."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            begin, end = match.span()
            while begin < end and not _LOCAL_START.match(text, begin):
                begin += 1
            if text[begin] != "@":
                yield begin, end


def cards(text: str) -> Iterator[Span]:
    """Yield where a text has the number of a payment card: 13 to 19 digits that are right by Luhn.

    The digits may be in groups. Those that begin with 0 or 1 are none: most are times since 1970.
    """
    for run in _CARD_RUN.finditer(text):
        groups = [match.span() for match in _CARD_GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = next(
                (
                    end
                    for end in reversed(range(first, len(groups)))
                    if _is_card(text, groups[first : end + 1])
                ),
                None,
            )
            if last is None:
                first += 1
                continue
            yield groups[first][0], groups[last][1]
            first = last + 1


def _is_card(text: str, groups: list[Span]) -> bool:
    if sum(end - begin for begin, end in groups) not in _CARD_DIGITS:
        return False
    digits = "".join([text[begin:end] for begin, end in groups])
    return digits[0] not in "01" and (len(digits) > _CARD_DIGITS[0] or digits[0] == "4") and is_luhn(digits)


def is_luhn(digits: str) -> bool:
    """Return whether the last of some digits is the check digit of the others, by Luhn's formula."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(map(_digit_sum, doubled))) % 10 == 0


def _digit_sum(number: int) -> int:
    return number // 10 + number % 10


def ibans(text: str) -> Iterator[Span]:
    """Yield where a text has the number of a bank account (IBAN) whose check digits are right."""
    passed = 0
    for start in _IBAN_START.finditer(text):
        end = _iban_end(text, start.start()) if start.start() >= passed else None
        if end is not None:
            passed = end
            yield start.start(), end


def _iban_end(text: str, begin: int) -> int | None:
    """Return where the account ends that may begin here; None if none does."""
    length = int(_IBAN_LENGTHS.get(text[begin : begin + 2].upper(), 0))
    match = (
        re.compile(rf"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){{{length - 1}}}(?![A-Za-z0-9])").match(text, begin)
        if length
        else None
    )
    if match is None:
        return None
    account = re.sub("[ -]", "", match[0]).upper()
    figures = "".join([str(int(character, 36)) for character in account[4:] + account[:4]])
    return match.end() if int(figures) % 97 == 1 else None


def addresses(text: str) -> Iterator[Span]:
    """Yield where a text has an IP address, of version 4 or 6."""
    for match in _ADDRESS.finditer(text):
        if match["v4"]:
            if all(int(part) <= _MOST_OF_BYTE for part in match["v4"].split(".")):
                yield match.span()
        elif _is_v6(match["v6"]):
            yield match.span()


def _is_v6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address  # noqa: PLC0415 - slow to import, seldom needed

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def tokens(text: str) -> Iterator[Span]:
    """Yield where a text has a secret: a token of a known form, or what is given as a password or key."""
    for match in _TOKEN.finditer(text):
        yield match.span(match.lastgroup) if match.lastgroup else match.span()


KNOWN: dict[str, Find] = {
    "emails": emails,
    "cards": cards,
    "ibans": ibans,
    "addresses": addresses,
    "tokens": tokens,
}
"""What can be found, by the word for it."""

GROUPED = frozenset({"cards", "ibans"})
"""What is written in groups: blanks and dashes within it do not count."""
