"""OCO lists, and what holds for every list: which legs go together, what the end of one means."""

from __future__ import annotations

from typing import Any

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import NewOrder, Order, OrderList, Rejection


def market_at(price: str, **fields: Any) -> SmallVenue:
    return SmallVenue(last_price=price, **fields)


def sell_oco(venue: SmallVenue, **fields: Any) -> tuple[Order, Order, OrderList]:
    outcome = venue.place_list(
        1,
        "OCO",
        venue.new("SELL", "LIMIT_MAKER", quantity="2", price="110"),
        venue.new("SELL", "STOP_LOSS_LIMIT", quantity="2", price="89", stop_price="90"),
        **fields,
    )
    assert outcome.order_list is not None
    above, below = outcome.order_list.orders
    return above, below, outcome.order_list


def refusal_of(venue: SmallVenue, kind: str, *orders: NewOrder, **fields: Any) -> tuple[int, str]:
    with pytest.raises(Rejection) as caught:
        venue.place_list(1, kind, *orders, **fields)
    assert venue.engine.open_orders(1) == []
    assert venue.balance(1, "BTC") == (units("1000"), 0)
    return caught.value.code, caught.value.msg


def leg(venue: SmallVenue, side: str, kind: str, price: str) -> NewOrder:
    """A leg whose deciding price is `price`."""
    fields: dict[str, Any] = {"price" if kind == "LIMIT_MAKER" else "stop_price": price}
    if kind.endswith("_LIMIT"):
        fields["price"] = price
    return venue.new(side, kind, quantity="1", **fields)


def test_an_oco_locks_once_what_either_leg_may_need() -> None:
    venue = market_at("100")
    above, below, order_list = sell_oco(venue)
    assert venue.balance(1, "BTC") == (units("998"), units("2"))
    assert (above.status, above.working_time) == ("NEW", venue.now)
    assert (below.status, below.working_time) == ("NEW", -1)
    assert (order_list.contingency_type, order_list.list_status_type, order_list.list_order_status) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
    )
    bought = venue.place_list(
        2,
        "OCO",
        venue.new("BUY", "STOP_LOSS_LIMIT", quantity="1", price="112", stop_price="111"),
        venue.new("BUY", "LIMIT_MAKER", quantity="1", price="95"),
    )
    assert venue.balance(2, "USDT")[1] == units("112")
    assert told(bought) == ["NEW/NEW 3", "NEW/NEW 4", "EXEC_STARTED/EXECUTING", "position"]
    assert bought.list_status is not None
    assert bought.list_status.legs == ((3, "id4"), (4, "id5"))


def test_a_fill_of_one_leg_expires_the_other_before_it_is_told() -> None:
    venue = market_at("100")
    _above, below, order_list = sell_oco(venue)
    outcome = venue.place(2, "BUY", "LIMIT", quantity="0.5", price="110")
    assert told(outcome, 1) == ["EXPIRED/EXPIRED 2", "TRADE/PARTIALLY_FILLED 1", "position"]
    assert (below.status, below.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert order_list.is_open
    outcome = venue.place(2, "BUY", "LIMIT", quantity="1.5", price="110")
    assert told(outcome, 1) == ["TRADE/FILLED 1", "ALL_DONE/ALL_DONE", "position"]
    assert (order_list.list_status_type, order_list.transaction_time) == ("ALL_DONE", venue.now)
    assert venue.balance(1, "BTC") == (units("998"), 0)


def test_a_triggered_leg_expires_the_other() -> None:
    venue = market_at("100")
    above, below, order_list = sell_oco(venue)
    venue.trade_at("90")
    assert (above.status, above.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert (below.status, below.is_working) == ("NEW", True)
    assert venue.balance(1, "BTC") == (units("998"), units("2"))
    assert venue.engine.open_lists(1) == [order_list]


def test_a_leg_that_only_part_of_a_pair_needs_frees_the_rest_when_the_other_goes() -> None:
    venue = market_at("100")
    venue.place_list(
        1,
        "OCO",
        venue.new("BUY", "STOP_LOSS_LIMIT", quantity="1", price="112", stop_price="111"),
        venue.new("BUY", "LIMIT_MAKER", quantity="1", price="95"),
    )
    venue.limit(2, "SELL", "0.4", "95")
    assert venue.balance(1, "USDT") == (units("999905"), units("57"))


def test_cancelling_a_leg_cancels_the_list() -> None:
    venue = market_at("100")
    above, below, order_list = sell_oco(venue)
    outcome = venue.cancel(1, below, new_client_order_id="stop it")
    assert told(outcome) == ["CANCELED/CANCELED 1", "CANCELED/CANCELED 2", "ALL_DONE/ALL_DONE", "position"]
    assert (outcome.order_list, outcome.orders) == (order_list, [above, below])
    assert outcome.list_status is not None
    assert outcome.list_status.list_order_status == "ALL_DONE"
    assert [e.client_order_id for e in executions(outcome, above)] == ["stop it"]
    assert venue.balance(1, "BTC") == (units("1000"), 0)
    assert venue.engine.open_lists(1) == []


def test_a_list_is_cancelled_by_number_or_by_its_own_client_id() -> None:
    venue = market_at("100")
    *_, first = sell_oco(venue, list_client_order_id="a")
    *_, second = sell_oco(venue, list_client_order_id="b")
    cancel = venue.engine.cancel_list
    for fields in (
        {"order_list_id": 9},
        {"order_list_id": first.order_list_id, "list_client_order_id": "b"},
        {"list_client_order_id": "c"},
        {},
    ):
        with pytest.raises(Rejection) as caught:
            cancel(1, SYMBOL, venue.tick(), new_client_order_id="x", **fields)  # type: ignore[arg-type]  # mixed keys
        assert caught.value == Rejection(-2011, "Unknown order sent.")
    cancel(1, SYMBOL, venue.tick(), order_list_id=first.order_list_id, new_client_order_id="x")
    cancel(1, SYMBOL, venue.tick(), list_client_order_id="b", new_client_order_id="y")
    assert not first.is_open
    assert not second.is_open


def test_lists_are_looked_up_by_number_and_the_client_id_wins() -> None:
    venue = market_at("100")
    above, _, first = sell_oco(venue, list_client_order_id="a")
    venue.cancel(1, above)
    *_, second = sell_oco(venue, list_client_order_id="b")
    find = venue.engine.find_list
    assert find(1, order_list_id=first.order_list_id) is first
    assert find(1, order_list_id=second.order_list_id) is second
    assert find(1, order_list_id=first.order_list_id, list_client_order_id="b") is second
    for fields in ({"order_list_id": 99}, {"list_client_order_id": "c"}, {}):
        with pytest.raises(Rejection) as caught:
            find(1, **fields)  # type: ignore[arg-type]  # mixed keys
        assert caught.value.code == -2013


@pytest.mark.parametrize(
    ("side", "above", "below", "code", "msg"),
    [
        ("SELL", "LIMIT_MAKER", "STOP_LOSS", 0, ""),
        ("SELL", "TAKE_PROFIT", "STOP_LOSS_LIMIT", 0, ""),
        ("SELL", "TAKE_PROFIT_LIMIT", "STOP_LOSS", 0, ""),
        ("BUY", "STOP_LOSS", "LIMIT_MAKER", 0, ""),
        ("BUY", "STOP_LOSS_LIMIT", "TAKE_PROFIT", 0, ""),
        ("SELL", "LIMIT", "STOP_LOSS", -1158, "Order type not supported in OCO."),
        ("SELL", "LIMIT_MAKER", "MARKET", -1158, "Order type not supported in OCO."),
        ("BUY", "LIMIT_MAKER", "LIMIT_MAKER", -1168, "At least one OCO order must be contingent."),
        ("BUY", "LIMIT_MAKER", "STOP_LOSS", -1165, "A limit order in a buy OCO must be below."),
        ("SELL", "STOP_LOSS", "LIMIT_MAKER", -1197, "A stop loss order in a sell OCO must be below."),
        ("SELL", "TAKE_PROFIT", "LIMIT_MAKER", -1166, "A limit order in a sell OCO must be above."),
        ("BUY", "STOP_LOSS", "STOP_LOSS", -1196, "A stop loss order in a buy OCO must be above."),
        ("BUY", "TAKE_PROFIT", "LIMIT_MAKER", -1198, "A take profit order in a buy OCO must be below."),
        ("SELL", "LIMIT_MAKER", "TAKE_PROFIT", -1199, "A take profit order in a sell OCO must be above."),
    ],
)
def test_sell_takes_profit_above_and_stops_loss_below_and_buy_the_other_way_round(
    side: str, above: str, below: str, code: int, msg: str
) -> None:
    venue = market_at("100")
    upper, lower = leg(venue, side, above, "110"), leg(venue, side, below, "90")
    if code:
        assert refusal_of(venue, "OCO", upper, lower) == (code, msg)
        assert refusal_of(venue, "OCO", lower, upper, is_above_first=False) == (code, msg)
    else:
        assert len(venue.place_list(1, "OCO", upper, lower).orders) == 2
        # the deprecated form places the leg below first
        venue.place_list(
            1, "OCO", leg(venue, side, below, "90"), leg(venue, side, above, "110"), is_above_first=False
        )


BAD_PRICES = (-2010, "The relationship of the prices for the orders is not correct.")


@pytest.mark.parametrize(
    ("upper", "lower"), [("100", "90"), ("110", "100"), ("110", "105"), ("95", "90"), ("90", "110")]
)
def test_the_last_price_lies_between_the_prices_of_an_oco(upper: str, lower: str) -> None:
    venue = market_at("100")
    assert (
        refusal_of(
            venue, "OCO", leg(venue, "SELL", "LIMIT_MAKER", upper), leg(venue, "SELL", "STOP_LOSS", lower)
        )
        == BAD_PRICES
    )


def test_before_the_first_trade_the_prices_of_an_oco_relate_to_each_other() -> None:
    venue = SmallVenue()
    crossed = leg(venue, "SELL", "LIMIT_MAKER", "90"), leg(venue, "SELL", "STOP_LOSS", "90")
    assert refusal_of(venue, "OCO", *crossed) == BAD_PRICES
    venue.place_list(1, "OCO", leg(venue, "SELL", "LIMIT_MAKER", "91"), leg(venue, "SELL", "STOP_LOSS", "90"))


def test_an_oco_leg_that_trails_without_a_stop_price_has_no_price_to_relate() -> None:
    venue = market_at("100")
    trailing = venue.new("SELL", "STOP_LOSS", quantity="1", trailing_delta=100)
    venue.place_list(1, "OCO", leg(venue, "SELL", "LIMIT_MAKER", "110"), trailing)


def test_an_oco_whose_limit_leg_would_take_is_refused() -> None:
    venue = market_at("100")
    venue.limit(2, "BUY", "1", "110")
    legs = leg(venue, "SELL", "LIMIT_MAKER", "110"), leg(venue, "SELL", "STOP_LOSS", "90")
    assert refusal_of(venue, "OCO", *legs) == (-2010, "Order would immediately match and take.")


def test_iceberg_legs_are_good_till_cancelled() -> None:
    venue = market_at("100")
    stop = venue.new(
        "SELL",
        "STOP_LOSS_LIMIT",
        quantity="1",
        price="90",
        stop_price="90",
        iceberg_quantity="0.5",
        time_in_force="IOC",
    )
    assert refusal_of(venue, "OCO", leg(venue, "SELL", "LIMIT_MAKER", "110"), stop) == (
        -1160,
        "Parameter 'belowIcebergQty' is not supported if aboveTimeInForce/belowTimeInForce is not GTC.",
    )


def test_a_list_needs_the_symbols_leave() -> None:
    venue = market_at("100", oco_allowed=False, oto_allowed=False)
    pair = leg(venue, "SELL", "LIMIT_MAKER", "110"), leg(venue, "SELL", "STOP_LOSS", "90")
    assert refusal_of(venue, "OCO", *pair) == (-2010, "OCO orders are not supported for this symbol")
    assert refusal_of(venue, "OTO", *pair) == (-2010, "OTO orders are not supported for this symbol.")
    only_oto = market_at("100", oco_allowed=False)
    working = only_oto.new("BUY", "LIMIT", quantity="1", price="95")
    assert refusal_of(only_oto, "OTOCO", working, *pair)[1] == "OCO orders are not supported for this symbol"


def test_legs_that_cannot_be_a_list_are_the_callers_mistake() -> None:
    venue = market_at("100")
    upper, lower = leg(venue, "SELL", "LIMIT_MAKER", "110"), leg(venue, "SELL", "STOP_LOSS", "90")
    with pytest.raises(ValueError, match="one side"):
        venue.place_list(1, "OCO", upper, leg(venue, "BUY", "STOP_LOSS", "90"))
    strange = NewOrder("ETHBTC", "SELL", "MARKET", "x", quantity=1)
    with pytest.raises(ValueError, match="one symbol"):
        venue.place_list(1, "OTO", venue.new("BUY", "LIMIT", quantity="1", price="95"), strange)
    assert upper.quantity == lower.quantity


def test_client_ids_of_lists_and_legs_are_unique_among_what_is_open() -> None:
    venue = market_at("100")
    above, _, _ = sell_oco(venue, list_client_order_id="a")
    duplicate = Rejection(-2010, "Duplicate order sent.")
    for same_list, same_leg in (("a", "fresh"), ("b", above.client_order_id), ("b", "twin")):
        legs = (
            venue.new("SELL", "LIMIT_MAKER", quantity="1", price="110", client_order_id=same_leg),
            venue.new("SELL", "STOP_LOSS", quantity="1", stop_price="90", client_order_id="twin"),
        )
        with pytest.raises(Rejection) as caught:
            venue.place_list(1, "OCO", *legs, list_client_order_id=same_list)
        assert caught.value == duplicate
    venue.cancel(1, above)
    sell_oco(venue, list_client_order_id="a")


def test_amending_one_leg_of_a_pair_changes_both() -> None:
    venue = market_at("100")
    above, below, order_list = sell_oco(venue)
    outcome = venue.amend(1, above, "1.5", "renamed")
    assert (above.quantity, below.quantity) == (units("1.5"), units("1.5"))
    assert venue.balance(1, "BTC") == (units("998.5"), units("1.5"))
    assert told(outcome) == ["REPLACED/NEW 1", "REPLACED/NEW 2", "UPDATED/EXECUTING", "position"]
    assert order_list.list_status_type == "UPDATED"
    assert outcome.list_status is not None
    assert outcome.list_status.legs[0] == (1, "renamed")
    assert told(venue.amend(1, below, "1")) == ["REPLACED/NEW 2", "REPLACED/NEW 1", "position"]


def test_amending_a_leg_whose_sibling_is_gone_changes_that_leg_alone() -> None:
    venue = market_at("100")
    above, below, _ = sell_oco(venue)
    venue.limit(2, "BUY", "0.5", "110")
    venue.amend(1, above, "1.5")
    assert (above.quantity, below.quantity) == (units("1.5"), units("2"))
    assert venue.balance(1, "BTC") == (units("998.5"), units("1"))


def test_self_trade_prevention_that_ends_a_leg_ends_its_list() -> None:
    venue = market_at("100")
    above, below, order_list = sell_oco(venue)
    venue.place(1, "BUY", "LIMIT", quantity="1", price="110", stp_mode="EXPIRE_MAKER")
    assert (above.status, below.status, below.expiry_reason) == ("EXPIRED_IN_MATCH", "EXPIRED", "OCO_TRIGGER")
    assert not order_list.is_open


def test_a_leg_that_was_triggered_but_whose_sibling_trades_first_does_not_execute() -> None:
    venue = market_at("100")
    above, below, order_list = sell_oco(venue)
    # met first on the way down, it buys up to the limit leg before the stop has its turn
    venue.place(2, "BUY", "TAKE_PROFIT", quantity="2", stop_price="91")
    venue.limit(3, "BUY", "1", "90")
    outcome = venue.place(3, "SELL", "MARKET", quantity="1")
    assert [trade.price for trade in outcome.trades] == [units("90"), units("110")]
    assert (above.status, below.status, below.executed) == ("FILLED", "EXPIRED", 0)
    assert not order_list.is_open


def test_an_unobserved_account_forgets_its_finished_lists() -> None:
    venue = market_at("100", observed=False)
    above, _, _ = sell_oco(venue)
    assert len(venue.engine.open_lists(1)) == 1
    venue.cancel(1, above)
    account = venue.engine.account(1)
    assert (account.lists, account.lists_by_client_id, account.open_lists) == ([], {}, {})
