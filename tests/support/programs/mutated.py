"""Requests that are nearly right: made from right ones by a seeded generator, for a server to survive."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

from tests.support.programs.talking import FORM, form, request

JSON = {"Content-Type": "application/json"}
LOGIN = {"Content-Type": "application/x-www-form-urlencoded"}

ODD_NUMBERS = ("-1", "0", "501", "1e3", "9" * 300, "Infinity", "NaN", "\u0661", "0x10", "")
ODD_TEXTS = ("", "%00", "%ff", "%ed%a0%80", "a" * 5000, "%", "%zz", "..%2f..%2fetc", "~1", "%1b[2J", "%25%00")
ODD_BODIES = (
    b"[" * 100_000,
    b'{"files": ' + b'["' * 9999,
    b'{"files": ["\\u0000", "\\ud800", "../x", "", "."]}',
    b'{"files": [' + b'"x",' * 20_000 + b'"x"]}',
    b'{"files": [1e999]}',
    b'{"all": true, "all": false}',
    b"\xff\xfe",
    b"9" * 9999,
    b"null",
)
ODD_HEADERS = (
    b"Origin: http://[",
    b"Origin: http://\xff",
    b"Host: [::1",
    b"Host: localhost:99999999999",
    b"Cookie: fproc-0=" + b"9" * 5000 + b".x.y",
    b"Cookie: ;;;=;fproc=\xff",
    b"Authorization: Bearer \xff\xfe",
    b"Authorization: Basic " + b"A" * 4000,
    b"If-None-Match: " + b'"x", ' * 500,
    b"Content-Length: 18446744073709551616",
    b"Content-Length: 1_0",
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
    b"Connection: upgrade, close",
    b"Content-Type: multipart/form-data; boundary=" + b"x" * 71,
    b"X\x0b: y",
    b"X: \x00",
    b" folded: y",
)
SEPARATORS = (b"\n", b"\r", b"\r\r\n", b"\x0b", b"\xa0", b"\x85", b"\x00", b"  ", b"\t")


def cursors() -> list[str]:
    """Positions that no answer has given."""
    texts = [f'["failed", {value}]' for value in ("Infinity", "9" * 300, '[1e999, "x"]', "{}", "[[[[]]]]")]
    return [base64.urlsafe_b64encode(text.encode()).decode() for text in (*texts, "[" * 5000)] + ["%3D", "x"]


def right_requests() -> list[bytes]:
    """Requests of every kind, with odd values in their right places."""
    found = [request("GET", path) for path in ("/", "/health", "/livez", "/stats", "/graph", "/openapi.json")]
    for name in ("limit", "window", "after", "q", "state", "file"):
        for value in (*ODD_NUMBERS, *ODD_TEXTS, *cursors()):
            where = {"window": "/series", "file": "/errors"}.get(name, "/files?state=failed&x")
            found.append(request("GET", f"{where}{'&' if '?' in where else '?'}{name}={value}".encode()))
    found += [request("POST", "/retry", body, JSON) for body in ODD_BODIES]
    found += [request("POST", "/login", body, LOGIN) for body in (b"token=x", b"&" * 4096, *ODD_BODIES)]
    found += [request("PUT", f"/upload/{name}", b"data") for name in ODD_TEXTS]
    found += [
        request("POST", "/upload", form((name.encode(), b"data")), {"Content-Type": FORM})
        for name in ODD_TEXTS
    ]
    return found


def mutated_requests(seed: int, count: int) -> Iterator[bytes]:
    """Yield requests, each with up to three changes; the first are right but for their values."""
    chance = random.Random(seed)
    bases = right_requests()
    yield from bases[:count]
    for _ in range(count - len(bases)):
        data = chance.choice(bases)
        for _ in range(chance.randint(1, 3)):
            data = chance.choice(_CHANGES)(data, chance)
        yield data


def _flip(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(min(len(data), 300))
    return data[:place] + chance.randbytes(1) + data[place + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(1, len(data))]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    return data + chance.choice((data, b"", b"\r\n", b"GET / HTTP/1.1\r\n"))


def _separated(data: bytes, chance: random.Random) -> bytes:
    return data.replace(
        chance.choice((b" ", b"\r\n", b": ")), chance.choice(SEPARATORS), chance.randint(1, 4)
    )


def _headed(data: bytes, chance: random.Random) -> bytes:
    first, end, rest = data.partition(b"\r\n")
    return first + end + chance.choice(ODD_HEADERS) + b"\r\n" + rest


def _versioned(data: bytes, chance: random.Random) -> bytes:
    versions = (b"HTTP/01.1", b"HTTP/1.01", b"HTTP/2.0", b"HTTP/1.0", b"http/1.1", b"HTTP/1.1 ", b"")
    return data.replace(b"HTTP/1.1", chance.choice(versions), 1)


_CHANGES = (_flip, _cut, _doubled, _separated, _headed, _versioned)
