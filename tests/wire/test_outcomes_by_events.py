"""Writes whose answers are lost while a stream is open: its events settle them, and nothing is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from venue import Venue
from writes import SYMBOL, WRITES, shape

from crypto_ws_sync import StreamGap
from crypto_ws_sync.session.user_data import UserDataStream

LOOKUPS = (
    "order.status",
    "orderList.status",
    "openOrders.status",
    "myTrades",
    "allOrders",
    "order.amendments",
)

UNPROVED = {
    "a cancel of all",  # what else there was is not told
    "a replacement under the same name",  # which of the two a name means is not told
    "an amendment of a leg",  # the state of the list is not told
}
PROVED = [kind for kind in WRITES if kind not in UNPROVED]


@pytest.fixture
def stream(venue: Venue) -> Iterator[UserDataStream]:
    """The account's events."""
    with venue.session.user_data(timeout=5) as events:
        yield events


def _next(stream: UserDataStream) -> Any:
    event = next(stream)
    assert not isinstance(event, StreamGap)
    return event


def _told(venue: Venue, stream: UserDataStream) -> int:
    """Read all that was told so far; return how often the account's position was: each time, effects were over."""
    venue.session.handle_request("order.place", venue.desk().limit(newClientOrderId="mark"))
    positions = 0
    while (event := _next(stream)).get("c") != "mark":
        positions += event["e"] == "outboundAccountPosition"
    venue.session.handle_request("order.cancel", {"symbol": SYMBOL, "origClientOrderId": "mark"})
    while _next(stream).get("C") != "mark":
        pass
    return positions


@pytest.mark.parametrize("kind", PROVED)
def test_events_settle_a_write_without_a_look_up(venue: Venue, stream: UserDataStream, kind: str) -> None:
    write = WRITES[kind]
    params = write.prepare(venue.desk())
    _told(venue, stream)
    direct = venue.session.handle_request(write.method, params)
    effects = _told(venue, stream)
    params = write.prepare(venue.desk())
    _told(venue, stream)
    # What stands is older than the write by more than clocks may differ.
    venue.clock.advance(2)
    swallowed = venue.exchange.faults.swallow("after", method=write.method)
    asked = len(venue.seen(*LOOKUPS))
    future = venue.session.submit(write.method, params)
    assert swallowed.wait(5)
    for _ in range(effects):
        while _next(stream)["e"] != "outboundAccountPosition":
            pass
    venue.exchange.faults.drop_all()
    found = future.result(5)
    assert shape(found) == shape(direct)
    if isinstance(found, dict) and "fills" in direct:
        assert bool(found["fills"]) is bool(direct["fills"])
    assert len(venue.seen(*LOOKUPS)) == asked
    assert venue.session.status().counters["verdict_executed"] == 1
