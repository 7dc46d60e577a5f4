"""A simulated exchange on a clock that stands still, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bare_client import NOON, BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def exchange(clock: ManualClock) -> Iterator[SimulatedExchange]:
    with SimulatedExchange(clock=clock) as exchange:
        yield exchange


@pytest.fixture
def client(exchange: SimulatedExchange) -> Iterator[BareClient]:
    with BareClient(exchange) as client:
        yield client
