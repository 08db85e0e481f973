"""Addresses of clients, as far as they tell one client from another."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

NETWORK_BITS = 64
"""The bits of an IPv6 address that tell one client from another: the others are each client's to choose."""


@lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """Return what the requests of one client have in common: an IPv4 address, or an IPv6 network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS))
