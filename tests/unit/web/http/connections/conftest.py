"""What tests of connections share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.programs.connecting import World, running


@pytest.fixture
def world() -> Iterator[World]:
    with running() as found:
        yield found
