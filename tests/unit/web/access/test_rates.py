"""How often something may happen: for each client, and in all."""

from __future__ import annotations

import pytest

from fproc.web.access.addresses import client_key
from fproc.web.access.rates import CLIENTS, Rate
from tests.support.clocks import Clock


def test_one_client_has_to_wait_once_it_has_had_its_share_and_others_have_not() -> None:
    clock = Clock()
    rate = Rate(3, 10, 60, monotonic=clock)
    for _ in range(3):
        assert rate.wait_seconds("10.0.0.1") == 0
        rate.add("10.0.0.1")
        clock.seconds += 1
    assert rate.wait_seconds("10.0.0.1") == 58
    assert rate.wait_seconds("10.0.0.2") == 0
    clock.seconds += 58
    assert rate.wait_seconds("10.0.0.1") == 0


def test_all_clients_together_have_a_limit() -> None:
    clock = Clock()
    rate = Rate(3, 10, 60, monotonic=clock)
    for number in range(10):
        assert rate.wait_seconds(str(number)) == 0
        rate.add(str(number))
    assert rate.wait_seconds("another") == 61
    clock.seconds += 61
    assert rate.wait_seconds("another") == 0


def test_no_more_clients_and_events_are_remembered_than_can_matter() -> None:
    rate = Rate(3, 10, 60)
    for number in range(CLIENTS * 2):
        for _ in range(9):
            rate.add(str(number))
    assert rate.count_clients() == CLIENTS
    assert len(rate._all) == 10


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_the_network_that_is_all_its_own(address: str, key: str) -> None:
    assert client_key(address) == key
