"""URLs that fproc calls. They often hold a secret, so messages show the host only."""

from __future__ import annotations


def is_usable(url: str) -> bool:
    """Return whether a URL can be called as it is."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - only for those who have alerts

    try:
        parts = urlsplit(url)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_right and url.isascii() and url.isprintable() and " " not in url


def masked(url: str) -> str:
    """Return a usable URL as it may be shown: `https://example.org/...`."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - only for those who have alerts

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."
