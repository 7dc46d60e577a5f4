"""Self-trade prevention: the scenarios of the exchange's own guide, and who counts as oneself."""

from __future__ import annotations

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import Order, Outcome


def makers(venue: SmallVenue) -> list[Order]:
    return [
        venue.limit(1, "BUY", quantity, price)
        for quantity, price in (("1.2", "1.2"), ("1.3", "1.1"), ("8.1", "1"))
    ]


def prevented(outcome: Outcome) -> list[tuple[int, int, int, int, int]]:
    return [
        (
            match.prevented_match_id,
            match.maker_order_id,
            match.price,
            match.taker_prevented_quantity,
            match.maker_prevented_quantity,
        )
        for match in outcome.prevented_matches
    ]


def test_none_lets_them_trade() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "BUY", "1", "1")
    taker = venue.limit(1, "SELL", "1", "1")
    assert (maker.status, taker.status, taker.executed) == ("FILLED", "FILLED", units("1"))


def test_expire_maker_ends_every_maker_of_ones_own_and_rests() -> None:
    venue = SmallVenue()
    resting = makers(venue)
    outcome = venue.place(1, "SELL", "LIMIT", quantity="3", price="1", stp_mode="EXPIRE_MAKER")
    assert [maker.status for maker in resting] == ["EXPIRED_IN_MATCH"] * 3
    assert [maker.prevented for maker in resting] == [units("1.2"), units("1.3"), units("8.1")]
    assert [maker.prevented_match_id for maker in resting] == [0, 1, 2]
    taker = outcome.order
    assert (taker.status, taker.executed, taker.prevented, taker.prevented_match_id) == ("NEW", 0, 0, -1)
    assert prevented(outcome) == [
        (0, 1, units("1.2"), 0, units("1.2")),
        (1, 2, units("1.1"), 0, units("1.3")),
        (2, 3, units("1"), 0, units("8.1")),
    ]
    assert venue.balance(1, "USDT") == (units("1000000"), 0)
    assert venue.engine.desk(1, SYMBOL).prevented_matches == outcome.prevented_matches
    assert told(outcome) == [
        "NEW/NEW 4",
        *(f"TRADE_PREVENTION/EXPIRED_IN_MATCH {n}" for n in (1, 2, 3)),
        "position",
    ]
    (event,) = executions(outcome, resting[0])
    match = event.prevented_match
    assert match is not None
    # what was not traded stands beside the trade's own fields, which stay empty
    assert (event.fill, match.quantity, match.price) == (None, units("1.2"), units("1.2"))
    assert (event.prevented_quantity, event.last_prevented_quantity) == (units("1.2"), units("1.2"))
    assert event.counter_order_id == taker.order_id


def test_expire_taker_ends_the_taker_and_leaves_the_makers() -> None:
    venue = SmallVenue()
    resting = makers(venue)
    outcome = venue.place(1, "SELL", "LIMIT", quantity="3", price="1", stp_mode="EXPIRE_TAKER")
    assert [(maker.status, maker.prevented_match_id) for maker in resting] == [("NEW", -1)] * 3
    taker = outcome.order
    assert (taker.status, taker.prevented, taker.open_quantity) == ("EXPIRED_IN_MATCH", units("3"), 0)
    assert prevented(outcome) == [(0, 1, units("1.2"), units("3"), 0)]
    assert venue.balance(1, "BTC") == (units("1000"), 0)


def test_expire_both_ends_both() -> None:
    venue = SmallVenue(group=1)
    maker = venue.limit(1, "BUY", "1", "1")
    outcome = venue.place(1, "SELL", "LIMIT", quantity="3", price="1", stp_mode="EXPIRE_BOTH")
    taker = outcome.order
    assert (maker.status, taker.status) == ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH")
    assert (maker.prevented, taker.prevented) == (units("1"), units("3"))
    assert maker.prevented_match_id == taker.prevented_match_id == 0
    assert prevented(outcome) == [(0, 1, units("1"), units("3"), units("1"))]
    assert outcome.prevented_matches[0].trade_group_id == 1
    assert outcome.prevented_matches[0].quantity == units("1")


def test_the_takers_mode_rules() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "BUY", "1", "1", stp_mode="EXPIRE_MAKER")
    taker = venue.limit(1, "SELL", "1", "1", stp_mode="EXPIRE_TAKER")
    assert (maker.status, taker.status) == ("NEW", "EXPIRED_IN_MATCH")


def test_a_market_taker_with_expire_maker_ends_expired() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "BUY", "1", "1")
    outcome = venue.place(1, "SELL", "MARKET", quantity="1", stp_mode="EXPIRE_MAKER")
    assert (maker.status, outcome.order.status) == ("EXPIRED_IN_MATCH", "EXPIRED")
    assert outcome.order.expiry_reason == "INSUFFICIENT_LIQUIDITY"
    assert prevented(outcome) == [(0, 1, units("1"), 0, units("1"))]


def test_what_was_prevented_is_not_open_any_more() -> None:
    venue = SmallVenue()
    venue.limit(2, "SELL", "1", "100")
    venue.limit(1, "SELL", "1", "101")
    taker = venue.limit(1, "BUY", "3", "101", stp_mode="EXPIRE_TAKER")
    # origQty - executedQty - preventedQty
    assert (taker.quantity, taker.executed, taker.prevented) == (units("3"), units("1"), units("2"))
    assert (taker.open_quantity, taker.status) == (0, "EXPIRED_IN_MATCH")


@pytest.mark.parametrize(("group", "status"), [(-1, "FILLED"), (5, "EXPIRED_IN_MATCH")])
def test_accounts_of_one_trade_group_count_as_one(group: int, status: str) -> None:
    venue = SmallVenue(group=group)
    venue.limit(1, "BUY", "1", "1")
    taker = venue.limit(2, "SELL", "1", "1", stp_mode="EXPIRE_TAKER")
    assert taker.status == status
    if group != -1:
        match = venue.engine.desk(1, SYMBOL).prevented_matches
        assert match == venue.engine.desk(2, SYMBOL).prevented_matches
        assert match[0].trade_group_id == group


def test_the_symbols_default_mode_applies_where_none_is_sent() -> None:
    venue = SmallVenue(default_stp_mode="EXPIRE_BOTH")
    maker = venue.limit(1, "BUY", "1", "1")
    assert maker.stp_mode == "EXPIRE_BOTH"
    assert venue.limit(1, "SELL", "1", "1").status == "EXPIRED_IN_MATCH"
    assert maker.status == "EXPIRED_IN_MATCH"


def test_a_market_purchase_pushed_to_worse_prices_stops_where_the_money_ends() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "10", "1")
    venue.limit(2, "SELL", "10", "60000")
    venue.limit(2, "SELL", "10", "200000")
    # judged affordable at the price of one's own order, which then expires
    outcome = venue.place(1, "BUY", "MARKET", quantity="15", stp_mode="EXPIRE_MAKER")
    order = outcome.order
    assert (order.status, order.executed) == ("EXPIRED", units("10"))
    assert venue.balance(1, "USDT") == (units("400000"), 0)


def test_an_unobserved_account_keeps_no_prevented_matches() -> None:
    venue = SmallVenue(observed=False)
    venue.limit(1, "BUY", "1", "1")
    assert venue.limit(1, "SELL", "1", "1", stp_mode="EXPIRE_BOTH").status == "EXPIRED_IN_MATCH"
    assert venue.engine.desk(1, SYMBOL).prevented_matches == []
