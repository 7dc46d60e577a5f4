"""Amounts, ids, deposits, depth and what else can be asked of the venue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_venue import SYMBOL, SmallVenue, units

from crypto_ws_sync.simulator.matching import (
    AccountPosition,
    Balance,
    MatchingEngine,
    NewOrder,
    Rejection,
    SymbolRules,
    format_amount,
    parse_amount,
)


@given(st.integers(-(10**20), 10**20))
def test_amounts_survive_the_way_to_text_and_back(amount: int) -> None:
    assert parse_amount(format_amount(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 10**8), ("0.00000001", 1), ("5.", 5 * 10**8), ("-0.5", -5 * 10**7), ("1.000000000000", 10**8)],
)
def test_amounts_are_read_from_plain_decimals(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "1e3", ".5", "NaN", "1,5", "0.000000001", "+1", "1 ", "٣"])
def test_what_is_not_a_plain_decimal_of_eight_digits_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError):
        parse_amount(text)


def test_ids_go_on_from_where_the_past_ended() -> None:
    engine = MatchingEngine()
    engine.add_symbol(SymbolRules(SYMBOL, "BTC", "USDT"), first_order_id=500, first_trade_id=900)
    engine.add_account(1, {"BTC": units("5"), "USDT": units("5")})
    engine.place(1, NewOrder(SYMBOL, "SELL", "LIMIT", "a", units("1"), units("1"), "GTC"), 1)
    outcome = engine.place(1, NewOrder(SYMBOL, "BUY", "MARKET", "b", units("1")), 2)
    assert outcome.order.order_id == 501
    assert [trade.trade_id for trade in outcome.trades] == [900]
    assert engine.next_trade_id(SYMBOL) == 901


def test_depth_is_best_first_and_cut_to_the_limit() -> None:
    venue = SmallVenue()
    assert venue.engine.best(SYMBOL) == (None, None)
    for price in ("98", "99", "97", "99"):
        venue.limit(1, "BUY", "1", price)
    for price in ("101", "103", "102"):
        venue.limit(1, "SELL", "1", price)
    first, bids, asks = venue.engine.depth(SYMBOL, 2)
    assert bids == [(units("99"), units("2")), (units("98"), units("1"))]
    assert asks == [(units("101"), units("1")), (units("102"), units("1"))]
    venue.limit(1, "SELL", "1", "104")
    assert venue.engine.depth(SYMBOL, 2)[0] > first


def test_a_level_is_gone_with_its_last_order() -> None:
    venue = SmallVenue()
    orders = [venue.limit(1, "BUY", "1", price) for price in ("98", "99", "97", "99", "99")]
    for order in (orders[3], orders[1], orders[0], orders[4]):
        venue.cancel(1, order)
    assert venue.engine.depth(SYMBOL, 9)[1] == [(units("97"), units("1"))]


def test_open_orders_of_one_symbol_or_all() -> None:
    venue = SmallVenue()
    venue.engine.add_symbol(SymbolRules("ETHUSDT", "ETH", "USDT"))
    first = venue.limit(1, "BUY", "1", "100")
    second = venue.engine.place(
        1, NewOrder("ETHUSDT", "BUY", "LIMIT", "eth", units("1"), units("1"), "GTC"), venue.tick()
    ).order
    assert venue.engine.open_orders(1) == [first, second]
    assert venue.engine.open_orders(1, "ETHUSDT") == [second]
    assert venue.engine.open_orders(2) == []
    assert (second.symbol, second.side, second.account_id, second.order_list_id) == ("ETHUSDT", "BUY", 1, -1)


def test_deposits_and_withdrawals_change_what_is_free() -> None:
    venue = SmallVenue()
    position = venue.engine.deposit(1, "BNB", units("3"), venue.now)
    assert position == AccountPosition(1, venue.now, (Balance("BNB", units("3"), 0),))
    venue.engine.deposit(1, "BNB", units("-3"), venue.now)
    with pytest.raises(ValueError, match="BNB"):
        venue.engine.deposit(1, "BNB", -1, venue.now)
    assert [balance.asset for balance in venue.engine.balances(1)] == ["BNB", "BTC", "USDT"]
    assert venue.engine.account(1).updated_at == venue.now


def test_an_account_is_opened_once() -> None:
    venue = SmallVenue()
    with pytest.raises(ValueError, match="exists"):
        venue.engine.add_account(1, {})


def test_rules_are_handed_out_and_unknown_symbols_refused() -> None:
    venue = SmallVenue()
    assert venue.engine.rules(SYMBOL).base_asset == "BTC"
    with pytest.raises(Rejection) as caught:
        venue.engine.rules("NOPE")
    assert caught.value == Rejection(-1121, "Invalid symbol.")
    assert caught.value != "Invalid symbol."
    assert len({caught.value, Rejection(-1121, "Invalid symbol.")}) == 1


def test_every_order_and_fill_is_kept_in_order_of_its_id() -> None:
    venue = SmallVenue()
    for _ in range(5):
        venue.cancel(1, venue.limit(1, "BUY", "1", "90"))
        venue.limit(1, "SELL", "1", "100")
        venue.limit(2, "BUY", "1", "100")
    desk = venue.engine.desk(1, SYMBOL)
    numbers = [order.order_id for order in desk.orders]
    assert numbers == sorted(numbers)
    assert len(numbers) == 10
    assert [desk.find(number) for number in numbers] == desk.orders
    assert desk.find(max(numbers) + 1) is None
    assert [fill.trade_id for fill in desk.fills] == [1, 2, 3, 4, 5]
    # one's own orders and fills only
    assert all(order.account_id == 1 for order in desk.orders)
