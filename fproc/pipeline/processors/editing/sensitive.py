"""Finding what had better not stand in a result: addresses, card numbers, accounts, tokens.

Nearly all text has nothing to find, so each search begins with what tells that fastest: a character or a
shape that has to be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

Span = tuple[int, int]
"""Where something begins and ends in a text."""

Find = Callable[[str], Iterator[Span]]
"""Yield where a text has something, in order and without overlaps."""

_DOMAIN = re.compile(r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_LOCAL_MARKS = frozenset("_.!#$%&'*+/=?^`{|}~-")
_LOCAL_START = re.compile(r"[\w!#$%&*+/?^~-]")

_CARD_RUN = re.compile(r"\d(?<![\w.]\d)(?:[ -]?\d){12,}(?![\w]|\.\d)", re.ASCII)
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
_DOTS_OF_V4 = 3
_COLONS_OF_V6 = 6

_AFTER_FIRST_BYTE = re.compile(r"\.(?<=[0-9]\.)(?:[0-9]{1,3}\.){2}[0-9]{1,3}(?!\w|\.[0-9])", re.ASCII)
_MOST_DIGITS_OF_BYTE = 3
ADDRESS_PATTERN = re.compile(
    r"(?<![\w.:])(?:"
    r"(?P<v4>(?:\d{1,3}\.){3}\d{1,3})(?![\w]|\.\d)"
    r"|(?P<v6>(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?:(?:\d{1,3}\.){3}\d{1,3})?)(?![\w:]|\.\d)"
    r")",
    re.ASCII,
)
"""An address of either version: it takes longer than a search for those of version 4 alone."""

_SIX_COLONS = re.compile(r":(?<=[0-9A-Fa-f]:)(?:[0-9A-Fa-f]{1,4}:){5}")

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret|private[_-]?key"
)

_SECRET_NAME = re.compile(rf"(?i:(?<![a-z])(?:{_NAMES})$)")
"""How a key ends whose value is a secret."""

TOKEN_PATTERN = re.compile(
    r"""
    \beyJ[\w-]{6,}\.[\w-]+\.[\w-]* (?# a JSON web token )
    | \b(?: gh[pousr]_\w{20,} | github_pat_\w{20,} | glpat-[\w-]{20,} | xox[abeoprs]-[\w-]{10,}
        | (?:AKIA|ASIA)[0-9A-Z]{16} | [srp]k_(?:live|test)_\w{10,} | sk-[\w-]{20,} | AIza[\w-]{30,} )
    | (?i:\b(?:bearer|basic)\x20+) (?P<header>[\w.~+/=-]{8,})
    | (?i:(?<![a-z])(?:"""
    + _NAMES
    + r"""))
      ["']?\s*[=:]\s*
      (?: "(?P<double>(?:[^"\\]|\\.)+)" | '(?P<single>(?:[^'\\]|\\.)+)' | ["']?(?P<value>[^\s"'&,;]+) )""",
    re.VERBOSE | re.ASCII,
)


_SHAPES = bytes(
    ord("0") if chr(code).isdigit() else ord("a") if chr(code).isalpha() else ord(" ") for code in range(128)
).ljust(256)

_CARD_SHAPE = b"0" * _CARD_DIGITS[0]
_IBAN_SHAPE = b" aa00"


def _shape(text: str, left_out: bytes = b"") -> bytes:
    """Return a blank and text with `0` for each ASCII digit, `a` for each letter, and blanks for the rest."""
    return f" {text}".encode("utf-8", "surrogatepass").translate(_SHAPES, left_out)


_PLAIN_BEGINS = ("eyj", "bearer ", "basic ", "xox", "akia", "asia", "sk-", "aiza", "glpat-")
_TOKEN_BEGINS = (*_PLAIN_BEGINS, "_live_", "_test_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
"""Text of which there is some in each token of a known form, in small letters."""

_NAME_ENDS = {
    end: re.compile(rf"{end}(?:word|wd|phrase)?[\"']?\s*[=:]").search
    for end in ("pass", "pwd", "secret", "token", "key")
}
"""The ends of `_NAMES`, each with a search for it where a value follows."""


def emails(text: str) -> Iterator[Span]:
    """Yield where a text has an email address."""
    passed = 0
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at)
        begin = at
        while begin > passed and (text[begin - 1] in _LOCAL_MARKS or text[begin - 1].isalnum()):
            begin -= 1
        if domain is not None and begin < at:
            passed = domain.end()
            while begin < passed and not _LOCAL_START.match(text, begin):
                begin += 1
            yield begin, passed
        at = text.find("@", max(at + 1, passed))


def cards(text: str) -> Iterator[Span]:
    """Yield where a text has the number of a payment card: 13 to 19 digits that are right by Luhn.

    The digits may be in groups. Those that begin with 0 or 1 are none: most are times since 1970.
    """
    if _CARD_SHAPE not in _shape(text, b" -"):
        return
    for run in _CARD_RUN.finditer(text):
        groups = [match.span() for match in _CARD_GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = None if text[groups[first][0]] in "01" else _last_of_card(text, groups, first)
            if last is None:
                first += 1
                continue
            yield groups[first][0], groups[last][1]
            first = last + 1


def _last_of_card(text: str, groups: list[Span], first: int) -> int | None:
    """Return the last group of the longest card that begins with a group; None if none does."""
    digits = 0
    ends: list[int] = []
    for index in range(first, len(groups)):
        begin, end = groups[index]
        digits += end - begin
        if digits > _CARD_DIGITS[-1]:
            break
        if digits >= _CARD_DIGITS[0]:
            ends.append(index)
    return next((end for end in reversed(ends) if _is_card(text, groups[first : end + 1])), None)


def _is_card(text: str, groups: list[Span]) -> bool:
    digits = "".join([text[begin:end] for begin, end in groups])
    return (len(digits) > _CARD_DIGITS[0] or digits[0] == "4") and is_luhn(digits)


_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
"""For each digit the sum of the digits of its double."""


def is_luhn(digits: str) -> bool:
    """Return whether the last of some digits is the check digit of the others, by Luhn's formula."""
    codes = digits.encode("ascii")
    total = sum(codes[-1::-2]) + sum(codes[-2::-2].translate(_DOUBLED)) - len(codes) * ord("0")
    return total % 10 == 0


def ibans(text: str) -> Iterator[Span]:
    """Yield where a text has the number of a bank account (IBAN) whose check digits are right."""
    if _IBAN_SHAPE not in _shape(text):
        return
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
    if not _may_have_v6(text):
        yield from _addresses_v4(text)
        return
    for match in ADDRESS_PATTERN.finditer(text):
        if _is_v6(match[0]) if ":" in match[0] else _is_v4(match[0]):
            yield match.span()


def _addresses_v4(text: str) -> Iterator[Span]:
    if text.count(".") < _DOTS_OF_V4:
        return
    for match in _AFTER_FIRST_BYTE.finditer(text):
        begin = dot = match.start()
        while begin and "0" <= text[begin - 1] <= "9":
            begin -= 1
        before = text[begin - 1 : begin]
        is_apart = not (before.isascii() and before.isalnum()) and before not in {"_", ".", ":"}
        if is_apart and dot - begin <= _MOST_DIGITS_OF_BYTE and _is_v4(text[begin : match.end()]):
            yield begin, match.end()


def _may_have_v6(text: str) -> bool:
    """Return whether a text has what each address of version 6 has, `::` or six colons with digits."""
    return "::" in text or (text.count(":") >= _COLONS_OF_V6 and _SIX_COLONS.search(text) is not None)


def _is_v4(text: str) -> bool:
    return all(int(part) <= _MOST_OF_BYTE for part in text.split("."))


def _is_v6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address  # noqa: PLC0415 - slow to import, seldom needed

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def tokens(text: str) -> Iterator[Span]:
    """Yield where a text has a secret: a token of a known form, or what is given as a password or key."""
    if not _may_have_token(text.lower()):
        return
    for match in TOKEN_PATTERN.finditer(text):
        yield match.span(match.lastgroup) if match.lastgroup else match.span()


def _may_have_token(lower: str) -> bool:
    """Return whether text in small letters has something of what each secret begins with."""
    for text in _TOKEN_BEGINS if "_" in lower else _PLAIN_BEGINS:
        if text in lower:
            return True
    return any(end in lower and is_given(lower) for end, is_given in _NAME_ENDS.items())


_SHORTEST_WORD = 13
"""The characters of the shortest finding of nothing but letters and digits, a card."""


def is_harmless(text: str) -> bool:
    """Return whether a text is a word so short that nothing can be found in it."""
    return len(text) < _SHORTEST_WORD and text.isalnum()


@lru_cache(maxsize=1000)
def is_secret_name(key: str) -> bool:
    """Return whether a key says that its value is a secret."""
    return _SECRET_NAME.search(key) is not None


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
