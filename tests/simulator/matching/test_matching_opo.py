"""One pays the other: pending sales of what a working purchase brings in."""

from __future__ import annotations

from typing import Any

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import (
    AccountFilters,
    CommissionRates,
    MatchingEngine,
    NewOrder,
    NewOrderList,
    Order,
    Outcome,
    Rejection,
    SymbolRules,
)

LOT = {"filterType": "LOT_SIZE", "minQty": "0.01", "maxQty": "100", "stepSize": "0.01"}
MARKET_LOT = {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "2", "stepSize": "0.1"}
THOUSANDTH = CommissionRates()


def opo(venue: SmallVenue, quantity: str = "1", kind: str = "LIMIT", **pending: Any) -> tuple[Order, Order]:
    """A purchase at 100 that pays for a sale at 110, of account 1."""
    if kind == "LIMIT":
        pending.setdefault("price", "110")
    working, sale = venue.place_list(
        1,
        "OPO",
        venue.new("BUY", "LIMIT", quantity=quantity, price="100"),
        venue.new("SELL", kind, **pending),
    ).orders
    return working, sale


def poor(*filters: dict[str, Any], **flags: Any) -> SmallVenue:
    """A venue where account 1 has no BTC to begin with."""
    venue = SmallVenue(*filters, last_price="100", **flags)
    venue.engine.deposit(1, "BTC", -units("1000"), venue.now)
    return venue


def fill(venue: SmallVenue, quantity: str = "1") -> Outcome:
    """Let account 2 sell to the working order."""
    return venue.place(2, "SELL", "LIMIT", quantity=quantity, price="100")


def test_only_the_working_order_needs_money() -> None:
    venue = poor()
    opo(venue)
    assert venue.balance(1, "USDT")[1] == units("100")
    assert venue.balance(1, "BTC") == (0, 0)


def test_pending_quantity_is_what_was_bought() -> None:
    venue = poor()
    working, sale = opo(venue)
    assert (sale.status, sale.quantity) == ("PENDING_NEW", 0)
    outcome = fill(venue)
    assert working.status == "FILLED"
    assert (sale.status, sale.quantity) == ("NEW", units("1"))
    assert executions(outcome, sale)[-1].quantity == units("1")
    assert venue.balance(1, "BTC") == (0, units("1"))


def test_what_was_bought_is_locked_until_the_working_order_has_filled() -> None:
    venue = poor()
    working, sale = opo(venue)
    fill(venue, "0.4")
    assert venue.balance(1, "BTC") == (0, units("0.4"))
    assert sale.quantity == 0
    with pytest.raises(Rejection, match="insufficient balance"):
        venue.place(1, "SELL", "MARKET", quantity="0.1")
    venue.cancel(1, working)
    assert sale.status == "CANCELED"
    assert venue.balance(1, "BTC") == (units("0.4"), 0)


def test_commission_comes_out_of_what_was_bought_where_nothing_else_is_free() -> None:
    venue = poor(rates=THOUSANDTH)
    _, sale = opo(venue)
    fill(venue)
    assert sale.quantity == units("0.999")
    assert venue.balance(1, "BTC") == (0, units("0.999"))


def test_commission_comes_out_of_other_free_funds_where_there_are_enough() -> None:
    venue = poor(rates=THOUSANDTH)
    venue.engine.deposit(1, "BTC", units("0.001"), venue.now)
    _, sale = opo(venue)
    fill(venue)
    assert sale.quantity == units("1")
    assert venue.balance(1, "BTC") == (0, units("1"))


def test_commission_on_bnb_always_comes_out_of_what_was_bought() -> None:
    engine = MatchingEngine()
    engine.add_symbol(SymbolRules("BNBUSDT", "BNB", "USDT"))
    for account_id in (1, 2):
        engine.add_account(account_id, {"BNB": units("10"), "USDT": units("1000")}, rates=THOUSANDTH)
    limit = {"symbol": "BNBUSDT", "type": "LIMIT", "time_in_force": "GTC"}
    buy = NewOrder(side="BUY", client_order_id="a", quantity=units("1"), price=units("100"), **limit)
    sale = NewOrder(side="SELL", client_order_id="b", price=units("110"), **limit)
    placed = engine.place_list(1, NewOrderList("OPO", "BNBUSDT", "list", (buy, sale)), 1)
    sell = NewOrder(side="SELL", client_order_id="c", quantity=units("1"), price=units("100"), **limit)
    engine.place(2, sell, 2)
    assert placed.order_list is not None
    assert placed.order_list.orders[1].quantity == units("0.999")


def test_commission_in_bnb_leaves_what_was_bought_whole() -> None:
    venue = poor(rates=THOUSANDTH)
    venue.engine.add_symbol(SymbolRules("BNBUSDT", "BNB", "USDT"), last_price=units("10"))
    venue.engine.deposit(1, "BNB", units("1"), venue.now)
    venue.engine.pay_in_bnb(1, True)
    _, sale = opo(venue)
    fill(venue)
    assert sale.quantity == units("1")


def test_quantity_is_cut_to_whole_lots_and_the_rest_is_free_again() -> None:
    venue = poor(LOT, rates=THOUSANDTH)
    _, sale = opo(venue)
    fill(venue)
    assert sale.quantity == units("0.99")
    assert venue.balance(1, "BTC") == (units("0.009"), units("0.99"))


def test_quantity_of_a_market_order_keeps_to_market_lots_too() -> None:
    venue = poor(LOT, MARKET_LOT)
    _, sale = opo(venue, "2.55", "MARKET")
    venue.limit(3, "BUY", "5", "99")
    fill(venue, "2.55")
    assert (sale.status, sale.executed) == ("FILLED", units("2"))
    assert venue.balance(1, "BTC") == (units("0.55"), 0)


def test_too_little_for_a_lot_rejects_the_pending_order_and_frees_all() -> None:
    venue = poor(LOT, rates=CommissionRates(units("0.995"), 0))
    _, sale = opo(venue)
    outcome = fill(venue)
    assert sale.status == "REJECTED"
    assert executions(outcome, sale)[-1].reject_reason == "FILTER_FAILURE_LOT_SIZE"
    assert venue.balance(1, "BTC") == (units("0.005"), 0)
    assert told(outcome, 1)[-2:] == ["ALL_DONE/ALL_DONE", "position"]


def test_filters_judge_the_quantity_once_it_is_known() -> None:
    worth = {"filterType": "MIN_NOTIONAL", "minNotional": "90", "applyToMarket": True, "avgPriceMins": 0}
    venue = poor(worth, rates=CommissionRates(units("0.5"), 0))
    _, sale = opo(venue)
    outcome = fill(venue)
    assert executions(outcome, sale)[-1].reject_reason == "FILTER_FAILURE_MIN_NOTIONAL"
    assert venue.balance(1, "BTC") == (units("0.5"), 0)


def test_pending_order_keeps_to_what_the_account_may_move_in_one_order() -> None:
    venue = poor()
    venue.engine.account(1).filters = own = AccountFilters()
    own.set({"filterType": "MAX_ASSET", "asset": "USDT", "limit": "105"})
    _, sale = opo(venue)
    outcome = fill(venue)
    # Bought for 100, to be sold for 110.
    assert executions(outcome, sale)[-1].reject_reason == "FILTER_FAILURE_MAX_ASSET"
    assert venue.balance(1, "BTC") == (units("1"), 0)


def test_iceberg_must_be_smaller_than_what_was_bought() -> None:
    venue = poor()
    _, sale = opo(venue, iceberg_quantity="1")
    fill(venue)
    assert sale.status == "REJECTED"
    _, sale = opo(venue, iceberg_quantity="0.5")
    fill(venue)
    assert (sale.status, sale.visible) == ("NEW", units("0.5"))


def test_working_order_that_expires_takes_the_pending_one_along() -> None:
    venue = poor()
    venue.limit(2, "SELL", "0.3", "100")
    working, sale = venue.place_list(
        1,
        "OPO",
        venue.new("BUY", "LIMIT", quantity="1", price="100", time_in_force="IOC"),
        venue.new("SELL", "MARKET"),
    ).orders
    assert (working.status, sale.status) == ("EXPIRED", "EXPIRED")
    assert sale.expiry_reason == "OTO_PHASE_ONE_EXPIRED"
    assert venue.balance(1, "BTC") == (units("0.3"), 0)


def test_cancel_of_the_pending_order_ends_the_list_and_frees_what_was_bought() -> None:
    venue = poor()
    working, sale = opo(venue)
    fill(venue, "0.4")
    outcome = venue.cancel(1, sale)
    assert (working.status, sale.status) == ("CANCELED", "CANCELED")
    assert venue.balance(1, "BTC") == (units("0.4"), 0)
    assert venue.balance(1, "USDT") == (units("999960"), 0)
    assert told(outcome, 1)[-2:] == ["ALL_DONE/ALL_DONE", "position"]


def test_pair_shares_what_was_bought() -> None:
    venue = poor(rates=THOUSANDTH)
    outcome = venue.place_list(
        1,
        "OPOCO",
        venue.new("BUY", "LIMIT", quantity="1", price="100"),
        venue.new("SELL", "LIMIT_MAKER", price="110"),
        venue.new("SELL", "STOP_LOSS", stop_price="90"),
    )
    _, maker, stop = outcome.orders
    fill(venue)
    assert (maker.quantity, stop.quantity) == (units("0.999"), units("0.999"))
    assert (maker.status, stop.status) == ("NEW", "NEW")
    assert venue.balance(1, "BTC") == (0, units("0.999"))
    venue.place(3, "BUY", "LIMIT", quantity="1", price="110")
    assert (maker.status, stop.status) == ("FILLED", "EXPIRED")
    assert venue.balance(1, "BTC") == (0, 0)


def test_reply_shows_the_pending_order_without_quantity_though_the_working_one_filled_at_once() -> None:
    venue = poor()
    venue.limit(2, "SELL", "1", "100")
    working, sale = opo(venue)
    assert (working.status, sale.status, sale.quantity) == ("FILLED", "PENDING_NEW", 0)
    assert venue.engine.find_order(1, SYMBOL, order_id=sale.order_id).quantity == units("1")


def test_pending_order_may_be_amended_only_once_it_has_its_quantity() -> None:
    venue = poor()
    working, sale = opo(venue)
    with pytest.raises(Rejection) as refused:
        venue.amend(1, sale, "0.5")
    assert refused.value == Rejection(-2038, "Order amend (pending OPO order) is not supported.")
    venue.amend(1, working, "0.8")
    fill(venue, "0.8")
    assert sale.quantity == units("0.8")
    venue.amend(1, sale, "0.5")
    assert venue.balance(1, "BTC") == (units("0.3"), units("0.5"))


@pytest.mark.parametrize(
    ("working", "pending", "code"), [("SELL", "SELL", -1222), ("BUY", "BUY", -1223), ("SELL", "BUY", -1222)]
)
def test_a_purchase_pays_for_sales_only(working: str, pending: str, code: int) -> None:
    venue = SmallVenue()
    with pytest.raises(Rejection) as refused:
        venue.place_list(
            1,
            "OPO",
            venue.new(working, "LIMIT", quantity="1", price="100"),
            venue.new(pending, "LIMIT", price="110"),
        )
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("flags", "kind", "msg"),
    [
        ({"oto_allowed": False}, "OPO", "OTO orders are not supported for this symbol."),
        ({"opo_allowed": False}, "OPO", "OPO orders are not supported for this symbol."),
        ({"oco_allowed": False}, "OPOCO", "OCO orders are not supported for this symbol"),
        ({"oco_allowed": False}, "OPO", None),
    ],
)
def test_symbol_must_allow_every_kind_of_which_the_list_is_one(
    flags: dict[str, bool], kind: str, msg: str | None
) -> None:
    venue = SmallVenue(**flags)
    legs = [venue.new("SELL", "LIMIT_MAKER", price="110")]
    if kind == "OPOCO":
        legs.append(venue.new("SELL", "STOP_LOSS", stop_price="90"))
    working = venue.new("BUY", "LIMIT", quantity="1", price="100")
    if msg is None:
        assert venue.place_list(1, kind, working, *legs).orders
        return
    with pytest.raises(Rejection) as refused:
        venue.place_list(1, kind, working, *legs)
    assert refused.value == Rejection(-2010, msg)


@pytest.mark.parametrize(("kind", "added"), [("OPO", 2), ("OPOCO", 3)])
def test_every_order_of_the_list_counts_in_the_filters(kind: str, added: int) -> None:
    for limit, passes in ((added, True), (added - 1, False)):
        venue = SmallVenue({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": limit})
        legs = [venue.new("SELL", "LIMIT_MAKER", price="110")]
        if kind == "OPOCO":
            legs.append(venue.new("SELL", "STOP_LOSS", stop_price="90"))
        working = venue.new("BUY", "LIMIT", quantity="1", price="100")
        if passes:
            venue.place_list(1, kind, working, *legs)
        else:
            with pytest.raises(Rejection, match="MAX_NUM_ORDERS"):
                venue.place_list(1, kind, working, *legs)
