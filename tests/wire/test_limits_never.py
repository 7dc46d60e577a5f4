"""Limits that will never have room for something: callers are told at once, and nothing waits for ever or breaks."""

from __future__ import annotations

import logging

import pytest
from venue import OpenVenue
from writes import SYMBOL

from crypto_ws_sync import ConnectionFailed, OutcomeUnknown, OutOfService, UserWSSession
from crypto_ws_sync.simulator import SimulatedExchange


def test_a_request_that_is_too_heavy_for_good_is_told_so_at_once(open_venue: OpenVenue) -> None:
    venue = open_venue(rate_limits={"REQUEST_WEIGHT": 10})
    venue.clock.advance(61)
    for on_limit in ("wait", "raise"):
        with pytest.raises(OutOfService, match="more than may ever be used") as caught:
            venue.session.handle_request("depth", {"symbol": SYMBOL, "limit": 1000}, on_limit=on_limit)
        assert caught.value.retry_at is None
    with pytest.raises(OutOfService, match="more than may ever be used"):
        # It waits for any window, however long; but not for one that never opens.
        next(venue.session.history("trades.historical", symbol=SYMBOL, from_id=0))


def test_a_session_that_has_no_room_to_connect_says_so() -> None:
    with SimulatedExchange(symbols=[SYMBOL], rate_limits={"REQUEST_WEIGHT": 20}) as exchange:
        told = UserWSSession(endpoint=exchange.endpoint)
        with told:
            told.ping()
        greedy = UserWSSession(endpoint=exchange.endpoint, headroom=0.95)
        with pytest.raises(ConnectionFailed, match="never leave room") as caught:
            greedy.start(5)
        assert caught.value.retry_at is None


def test_a_look_up_that_is_too_heavy_leaves_the_write_open_and_the_engine_whole(
    open_venue: OpenVenue, caplog: pytest.LogCaptureFixture
) -> None:
    venue = open_venue(rate_limits={"REQUEST_WEIGHT": 3})
    venue.clock.advance(61)
    order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    held = venue.exchange.faults.swallow("after", method="order.place")
    with caplog.at_level(logging.ERROR, "crypto_ws_sync.engine"):
        with pytest.raises(OutcomeUnknown) as caught:
            venue.session.handle_request("order.place", order, timeout=1.0)
        assert held.strikes == 1
        for _ in range(3):
            venue.clock.advance(61)
            with pytest.raises(OutcomeUnknown):
                caught.value.resolve(0.1)
        assert len(venue.session.unresolved()) == 1
        assert venue.session.ping() == {}
    assert not caplog.records
