"""A simulated exchange and a session on one manual clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from venue import OpenVenue, Venue
from writes import SYMBOL

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange


@pytest.fixture
def open_venue() -> Iterator[OpenVenue]:
    """Make an exchange and a session that share a clock; arguments as those of `SimulatedExchange`."""
    with ExitStack() as stack:

        def make(session: dict[str, Any] | None = None, **options: Any) -> Venue:
            clock = ManualClock()
            settings = {"symbols": [SYMBOL, "BTCUSDC"], "balances": {"BTC": 100, "USDT": 30_000}, **options}
            exchange = stack.enter_context(SimulatedExchange(clock=clock, **settings))
            made = UserWSSession(
                exchange.api_key,
                exchange.api_secret,
                endpoint=exchange.endpoint,
                clock=clock,
                **{"recv_window": 1500, **(session or {})},
            )
            return Venue(exchange, stack.enter_context(made), clock)

        yield make


@pytest.fixture
def venue(open_venue: OpenVenue) -> Venue:
    """An exchange and a session, as they come."""
    return open_venue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal is, or will be."""
    return tmp_path / "orders.journal"


@pytest.fixture
def kept(open_venue: OpenVenue, path: Path) -> Venue:
    """An exchange, and a session that keeps a journal."""
    return open_venue(session={"journal": path})
