"""pytest fixtures for tests of programs that trade: an exchange, a session with it, and the time of both.

They are there wherever this package is installed beside pytest, and cost nothing until a test asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crypto_ws_sync.session.user_ws_session import UserWSSession
    from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

__all__ = ["manual_clock", "simulated_exchange", "user_session"]

_START = 1_767_614_430.0
"""2026-01-05 12:00:30 UTC: the same for every run, so that the market is, too; midway in a minute, so that
neither a candle nor a limit's window is about to end."""


@pytest.fixture
def manual_clock() -> ManualClock:
    """The clock that `simulated_exchange` and `user_session` share; `advance(seconds)` moves it.

    It begins at 2026-01-05 12:00:30 UTC. For another time, write a fixture of this name into your conftest.py.
    """
    from crypto_ws_sync.simulator import ManualClock

    return ManualClock(_START)


@pytest.fixture
def simulated_exchange(manual_clock: ManualClock) -> Iterator[SimulatedExchange]:
    """A simulated exchange of the test's own, on `manual_clock`.

    The market is the same in every test; it moves only when the clock is moved. `.faults` lets things go wrong;
    `.orders()`, `.trades()`, `.balances()` and `.requests()` are the truth to compare with.
    """
    from crypto_ws_sync.simulator import SimulatedExchange

    with SimulatedExchange(clock=manual_clock) as exchange:
        yield exchange


@pytest.fixture
def user_session(simulated_exchange: SimulatedExchange, manual_clock: ManualClock) -> Iterator[UserWSSession]:
    """A started session with `simulated_exchange`, on the same clock.

    Timestamps, limit windows and waits follow the clock; the `timeout` of a call stays real, so that a test
    cannot hang. Where a fault loses an order before it was executed, that is known only when its receive window
    has passed: move the clock from another thread, in steps of a second, while the call waits.
    """
    from crypto_ws_sync.session.user_ws_session import UserWSSession

    with UserWSSession(
        simulated_exchange.api_key,
        simulated_exchange.api_secret,
        endpoint=simulated_exchange.endpoint,
        clock=manual_clock,
    ) as session:
        yield session
