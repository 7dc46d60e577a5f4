"""Stops, take-profits and trailing stops: when they trigger, and what they become."""

from __future__ import annotations

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import Execution, Rejection


@pytest.mark.parametrize(
    ("kind", "side", "stop", "accepted"),
    [
        ("STOP_LOSS", "BUY", "100.01", True),
        ("STOP_LOSS", "BUY", "100", False),
        ("TAKE_PROFIT", "SELL", "100.01", True),
        ("TAKE_PROFIT", "SELL", "100", False),
        ("STOP_LOSS", "SELL", "99.99", True),
        ("STOP_LOSS", "SELL", "100", False),
        ("TAKE_PROFIT", "BUY", "99.99", True),
        ("TAKE_PROFIT", "BUY", "100", False),
    ],
)
def test_stop_loss_buy_and_take_profit_sell_need_a_stop_price_above_the_market_the_others_below(
    kind: str, side: str, stop: str, accepted: bool
) -> None:
    venue = SmallVenue(last_price="100")
    if accepted:
        order = venue.place(1, side, kind, quantity="1", stop_price=stop).order
        assert (order.status, order.working_time, order.is_working) == ("NEW", -1, False)
        assert venue.engine.depth(SYMBOL, 5)[1:] == ([], [])
    else:
        with pytest.raises(Rejection) as caught:
            venue.place(1, side, kind, quantity="1", stop_price=stop)
        assert caught.value == Rejection(-2010, "Order would trigger immediately.")


def test_a_stop_before_the_first_trade_waits_for_it() -> None:
    venue = SmallVenue()
    order = venue.place(1, "SELL", "STOP_LOSS", quantity="1", stop_price="100").order
    assert order.status == "NEW"


def test_a_triggered_stop_loss_becomes_a_market_order() -> None:
    venue = SmallVenue(last_price="100")
    stop = venue.place(1, "SELL", "STOP_LOSS", quantity="2", stop_price="90").order
    assert venue.balance(1, "BTC") == (units("998"), units("2"))
    venue.limit(2, "BUY", "1", "90")
    venue.limit(2, "BUY", "5", "80")
    outcome = venue.place(3, "SELL", "MARKET", quantity="1")
    assert told(outcome, 1) == ["NEW/NEW 1", "TRADE/FILLED 1", "position"]
    triggered, traded = executions(outcome, stop)
    assert (triggered.is_on_book, triggered.working_time) == (True, venue.now)
    assert traded.fill is not None
    assert (traded.fill.price, traded.fill.is_maker) == (units("80"), False)
    assert (stop.status, stop.working_time, stop.type) == ("FILLED", venue.now, "STOP_LOSS")


def test_a_triggered_stop_loss_short_of_book_expires() -> None:
    venue = SmallVenue(last_price="100")
    stop = venue.place(1, "SELL", "STOP_LOSS", quantity="2", stop_price="90").order
    venue.trade_at("90")
    assert (stop.status, stop.executed, stop.expiry_reason) == ("EXPIRED", 0, "INSUFFICIENT_LIQUIDITY")
    assert venue.balance(1, "BTC") == (units("1000"), 0)


def test_a_triggered_take_profit_limit_becomes_a_limit_order() -> None:
    venue = SmallVenue(last_price="100")
    order = venue.place(1, "SELL", "TAKE_PROFIT_LIMIT", quantity="2", price="111", stop_price="110").order
    venue.trade_at("110")
    assert (order.status, order.working_time) == ("NEW", venue.now)
    assert venue.engine.best(SYMBOL)[1] == (units("111"), units("2"))
    venue.limit(2, "BUY", "2", "111")
    assert order.status == "FILLED"


def test_a_triggered_limit_keeps_its_time_in_force() -> None:
    venue = SmallVenue(last_price="100")
    order = venue.place(
        1, "BUY", "STOP_LOSS_LIMIT", quantity="2", price="111", stop_price="110", time_in_force="IOC"
    ).order
    venue.limit(2, "SELL", "1.5", "110")
    venue.limit(3, "BUY", "1", "110")
    assert (order.status, order.executed, order.expiry_reason) == (
        "EXPIRED",
        units("0.5"),
        "UNFILLED_IOC_QUANTITY_EXPIRED",
    )
    assert venue.balance(1, "USDT") == (units("999945"), 0)


def test_a_triggered_limit_can_be_an_iceberg() -> None:
    venue = SmallVenue(last_price="100")
    venue.place(
        1, "SELL", "STOP_LOSS_LIMIT", quantity="2", price="90", stop_price="95", iceberg_quantity="0.5"
    )
    venue.trade_at("95")
    assert venue.engine.best(SYMBOL)[1] == (units("90"), units("0.5"))


def test_a_stop_loss_purchase_locks_stop_price_times_quantity_and_pays_what_the_book_asks() -> None:
    venue = SmallVenue(last_price="100")
    stop = venue.place(1, "BUY", "STOP_LOSS", quantity="2", stop_price="110").order
    assert venue.balance(1, "USDT") == (units("999780"), units("220"))
    venue.limit(2, "SELL", "0.5", "110")
    venue.limit(2, "SELL", "5", "120")
    venue.limit(3, "BUY", "0.5", "110")
    assert stop.status == "FILLED"
    assert venue.balance(1, "USDT") == (units("999760"), 0)


def test_a_stop_loss_purchase_short_of_funds_when_triggered_is_rejected() -> None:
    venue = SmallVenue(last_price="100")
    stop = venue.place(1, "BUY", "STOP_LOSS", quantity="2", stop_price="110").order
    venue.limit(2, "SELL", "5", "600000")
    venue.limit(2, "SELL", "0.5", "110")
    outcome = venue.place(3, "BUY", "LIMIT", quantity="0.5", price="110")
    assert told(outcome, 1) == ["REJECTED/REJECTED 1", "position"]
    (event,) = executions(outcome, stop)
    assert event.reject_reason == "INSUFFICIENT_BALANCES"
    assert stop.status == "REJECTED"
    assert venue.balance(1, "USDT") == (units("1000000"), 0)


def test_stops_trigger_in_the_order_in_which_the_price_meets_them() -> None:
    venue = SmallVenue(last_price="100")
    far = venue.place(1, "BUY", "STOP_LOSS_LIMIT", quantity="1", price="50", stop_price="112").order
    near = venue.place(1, "BUY", "STOP_LOSS_LIMIT", quantity="1", price="50", stop_price="111").order
    next_to = venue.place(1, "BUY", "STOP_LOSS_LIMIT", quantity="1", price="50", stop_price="111").order
    venue.limit(2, "SELL", "1", "115")
    outcome = venue.place(3, "BUY", "LIMIT", quantity="1", price="115")
    triggered = [e.order.order_id for e in outcome.events if isinstance(e, Execution) and e.account_id == 1]
    assert triggered == [near.order_id, next_to.order_id, far.order_id]


def test_one_stop_can_set_off_another() -> None:
    venue = SmallVenue(last_price="100")
    for price in ("95", "90", "85"):
        venue.limit(2, "BUY", "1", price)
    first = venue.place(1, "SELL", "STOP_LOSS", quantity="1", stop_price="95").order
    second = venue.place(3, "SELL", "STOP_LOSS", quantity="1", stop_price="90").order
    outcome = venue.place(2, "SELL", "LIMIT", quantity="1", price="95")
    assert [t.price for t in outcome.trades] == [units("95"), units("90"), units("85")]
    assert (first.status, second.status) == ("FILLED", "FILLED")


def test_the_reply_shows_the_order_as_it_was_before_what_it_set_off() -> None:
    venue = SmallVenue(last_price="100")
    stop = venue.place(1, "SELL", "STOP_LOSS", quantity="1", stop_price="95").order
    venue.limit(2, "SELL", "1", "95")
    outcome = venue.place(3, "BUY", "LIMIT", quantity="3", price="95")
    assert (outcome.order.status, outcome.order.executed) == ("PARTIALLY_FILLED", units("1"))
    assert len(outcome.fills) == 1
    assert stop.status == "FILLED"
    live = venue.engine.find_order(3, SYMBOL, order_id=outcome.order.order_id)
    assert (live.status, live.executed) == ("PARTIALLY_FILLED", units("2"))
    assert len(outcome.trades) == 2


def test_a_cancelled_stop_does_not_trigger() -> None:
    venue = SmallVenue(last_price="100")
    for stop in (
        venue.place(1, "SELL", "STOP_LOSS", quantity="1", stop_price="95").order,
        venue.place(1, "BUY", "STOP_LOSS", quantity="1", stop_price="105").order,
        venue.place(1, "BUY", "STOP_LOSS", quantity="1", trailing_delta=100).order,
    ):
        venue.cancel(1, stop)
    for price in ("95", "105", "94"):
        venue.trade_at(price)
    assert {order.status for order in venue.engine.desk(1, SYMBOL).orders} == {"CANCELED"}
    assert venue.balance(1, "BTC") == (units("1000"), 0)
    assert venue.balance(1, "USDT") == (units("1000000"), 0)


def test_a_sell_trails_the_highest_price_since_tracking_began() -> None:
    venue = SmallVenue(last_price="100")
    order = venue.place(1, "SELL", "STOP_LOSS_LIMIT", quantity="1", price="50", trailing_delta=100).order
    assert order.trailing_time == -1
    venue.trade_at("100")
    assert order.trailing_time == venue.now
    for price in ("120", "118.81"):
        venue.trade_at(price)
        assert not order.is_working
    # 120 less 1 % is 118.8
    venue.trade_at("118.80")
    assert order.is_working


def test_a_buy_trails_the_lowest_price_since_tracking_began() -> None:
    venue = SmallVenue(last_price="100")
    order = venue.place(1, "BUY", "STOP_LOSS_LIMIT", quantity="1", price="50", trailing_delta=500).order
    for price in ("100", "80", "83.99"):
        venue.trade_at(price)
        assert not order.is_working
    venue.trade_at("84")
    assert order.is_working


def test_with_a_stop_price_tracking_begins_at_the_first_trade_that_meets_it() -> None:
    venue = SmallVenue(last_price="100")
    order = venue.place(
        1, "SELL", "TAKE_PROFIT_LIMIT", quantity="1", price="50", stop_price="110", trailing_delta=100
    ).order
    venue.trade_at("109")
    venue.trade_at("100")
    assert (order.is_working, order.trailing_time) == (False, -1)
    venue.trade_at("111")
    assert (order.is_working, order.trailing_time) == (False, venue.now)
    venue.trade_at("109.90")
    assert not order.is_working
    venue.trade_at("109.89")
    assert order.is_working


def test_a_trailing_purchase_without_a_stop_price_locks_at_the_last_price() -> None:
    venue = SmallVenue(last_price="100")
    order = venue.place(1, "BUY", "STOP_LOSS", quantity="2", trailing_delta=100).order
    assert venue.balance(1, "USDT")[1] == units("200")
    venue.trade_at("90")
    venue.limit(2, "SELL", "3", "92")
    venue.limit(3, "BUY", "0.5", "92")
    assert (order.status, order.executed_quote) == ("FILLED", units("184"))
    assert venue.balance(1, "USDT") == (units("999816"), 0)
