"""Waiting for another connection under a clock that a test moves, and what a session without a key says of orders."""

from __future__ import annotations

import pytest
from venue import Venue

from crypto_ws_sync import UserWSSession

ATTEMPTS = 14
"""So many, with pauses that double, take far longer than a test may, unless the clock that is moved ends the pauses."""


def test_a_moved_clock_ends_the_pauses_between_attempts(venue: Venue) -> None:
    refused = venue.exchange.faults.refuse_handshake(503, times=None)
    venue.exchange.faults.drop_all()
    for count in range(1, ATTEMPTS + 1):
        while not refused.wait(0.02, strikes=count):
            venue.clock.advance(40)
    refused.cancel()
    while not venue.session.wait_operational(0.02):
        venue.clock.advance(40)
    assert venue.session.ping() == {}


def test_a_clock_that_stands_still_does_not_keep_a_session_from_reconnecting(venue: Venue) -> None:
    venue.exchange.faults.drop_all()
    assert venue.session.wait_operational(8)
    assert venue.session.ping() == {}


@pytest.mark.parametrize("has_key", [True, False])
def test_orders_are_handled_where_there_is_a_key(venue: Venue, has_key: bool) -> None:
    exchange = venue.exchange
    key = (exchange.api_key, exchange.api_secret) if has_key else (None, None)
    with UserWSSession(*key, endpoint=exchange.endpoint, clock=venue.clock) as session:
        assert session.operational_status
        assert session.order_handling is has_key
        assert session.status().order_handling is has_key
        assert session.wait_operational(0.05, orders=True) is has_key
