"""A simulated exchange on a clock that stands still, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bare_client import BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC, where every window begins."""


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
