"""OTO and OTOCO lists: orders that wait for another to fill."""

from __future__ import annotations

from typing import Any

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import NewOrder, Order, Outcome, Rejection

BAD_PRICES = (-2010, "The relationship of the prices for the orders is not correct.")


def market_at(price: str, **fields: Any) -> SmallVenue:
    return SmallVenue(last_price=price, **fields)


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


def oto(venue: SmallVenue, pending: NewOrder, **fields: Any) -> tuple[Outcome, Order, Order]:
    fields.setdefault("price", "95")
    working = venue.new("BUY", "LIMIT", quantity="1", **fields)
    outcome = venue.place_list(1, "OTO", working, pending)
    assert outcome.order_list is not None
    first, second = outcome.order_list.orders
    return outcome, first, second


def test_a_pending_order_waits_until_the_working_order_has_filled_whole() -> None:
    venue = market_at("100")
    outcome, working, pending = oto(venue, venue.new("SELL", "LIMIT", quantity="3", price="120"))
    assert told(outcome) == ["NEW/NEW 1", "NEW/PENDING_NEW 2", "EXEC_STARTED/EXECUTING", "position"]
    assert (pending.status, pending.working_time) == ("PENDING_NEW", -1)
    # both are paid for from the start
    assert venue.balance(1, "USDT")[1] == units("95")
    assert venue.balance(1, "BTC") == (units("997"), units("3"))
    venue.limit(2, "SELL", "0.4", "95")
    assert pending.status == "PENDING_NEW"
    filled = venue.place(2, "SELL", "LIMIT", quantity="0.6", price="95")
    assert told(filled, 1) == ["TRADE/FILLED 1", "NEW/NEW 2", "position"]
    assert (pending.status, pending.working_time) == ("NEW", venue.now)
    assert venue.engine.best(SYMBOL)[1] == (units("120"), units("3"))
    venue.limit(2, "BUY", "3", "120")
    assert working.order_list is not None
    assert not working.order_list.is_open


def test_the_reply_shows_pending_new_even_if_the_working_order_filled_at_once() -> None:
    venue = market_at("100")
    venue.limit(2, "SELL", "1", "95")
    venue.limit(2, "BUY", "1", "90")
    outcome, _, pending = oto(venue, venue.new("SELL", "MARKET", quantity="1"))
    assert [order.status for order in outcome.orders] == ["FILLED", "PENDING_NEW"]
    assert len(outcome.fills) == 1
    assert outcome.list_status is not None
    assert outcome.list_status.list_order_status == "EXECUTING"
    assert pending.status == "FILLED"
    assert told(outcome, 1) == [
        "NEW/NEW 3",
        "NEW/PENDING_NEW 4",
        "EXEC_STARTED/EXECUTING",
        "TRADE/FILLED 3",
        "NEW/NEW 4",
        "TRADE/FILLED 4",
        "ALL_DONE/ALL_DONE",
        "position",
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_cancelling_the_working_or_the_pending_order_ends_both(which: int) -> None:
    venue = market_at("100")
    _outcome, working, pending = oto(venue, venue.new("SELL", "LIMIT", quantity="3", price="120"))
    venue.limit(2, "SELL", "0.4", "95")
    venue.cancel(1, (working, pending)[which])
    assert (working.status, pending.status) == ("CANCELED", "CANCELED")
    assert venue.balance(1, "BTC") == (units("1000.4"), 0)
    assert venue.engine.open_lists(1) == []


def test_a_working_order_that_expires_takes_the_pending_ones_with_it() -> None:
    venue = market_at("100")
    outcome, working, pending = oto(venue, venue.new("SELL", "MARKET", quantity="3"), time_in_force="IOC")
    assert (working.status, pending.status) == ("EXPIRED", "EXPIRED")
    assert pending.expiry_reason == "OTO_PHASE_ONE_EXPIRED"
    assert told(outcome)[3:] == ["EXPIRED/EXPIRED 1", "EXPIRED/EXPIRED 2", "ALL_DONE/ALL_DONE", "position"]


def test_a_working_order_filled_in_part_does_not_start_the_pending_one() -> None:
    venue = market_at("100")
    venue.limit(2, "SELL", "0.5", "95")
    _, working, pending = oto(venue, venue.new("SELL", "MARKET", quantity="3"), time_in_force="IOC")
    assert (working.status, working.executed) == ("EXPIRED", units("0.5"))
    assert (pending.status, pending.expiry_reason) == ("EXPIRED", "OTO_PHASE_ONE_EXPIRED")


@pytest.mark.parametrize(
    ("pending", "reason"),
    [
        ({"side": "SELL", "kind": "LIMIT_MAKER", "price": "89"}, "WOULD_MATCH_IMMEDIATELY"),
        ({"side": "SELL", "kind": "STOP_LOSS", "stop_price": "96"}, "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"),
        ({"side": "BUY", "kind": "MARKET", "quantity": "20"}, "INSUFFICIENT_BALANCES"),
    ],
)
def test_a_pending_order_that_cannot_go_to_market_is_rejected(pending: dict[str, Any], reason: str) -> None:
    venue = market_at("100")
    venue.limit(3, "BUY", "1", "90")
    venue.limit(3, "SELL", "30", "100000")
    fields = {"quantity": "1", **pending}
    side, kind = fields.pop("side"), fields.pop("kind")
    _, _working, second = oto(venue, venue.new(side, kind, **fields))
    outcome = venue.place(2, "SELL", "LIMIT", quantity="1", price="95")
    assert told(outcome, 1) == ["TRADE/FILLED 3", "REJECTED/REJECTED 4", "ALL_DONE/ALL_DONE", "position"]
    assert executions(outcome, second)[0].reject_reason == reason
    assert venue.balance(1, "BTC")[1] == 0
    assert venue.balance(1, "USDT")[1] == 0


def test_a_list_is_refused_whole_where_one_part_cannot_be_paid() -> None:
    venue = market_at("100")
    short = (-2010, "Account has insufficient balance for requested action.")
    working = venue.new("SELL", "LIMIT", quantity="600", price="110")
    assert refusal_of(venue, "OTO", working, venue.new("SELL", "LIMIT", quantity="600", price="120")) == short
    taking = venue.new("BUY", "LIMIT_MAKER", quantity="1", price="95")
    venue.limit(2, "SELL", "1", "95")
    assert refusal_of(venue, "OTO", taking, venue.new("SELL", "MARKET", quantity="1"))[1] == (
        "Order would immediately match and take."
    )


@pytest.mark.parametrize(
    ("kind", "pending"), [("STOP_LOSS", {"quantity": "1"}), ("LIMIT", {"quote_order_quantity": "5"})]
)
def test_a_working_order_is_a_limit_and_a_pending_one_no_market_by_quote(
    kind: str, pending: dict[str, str]
) -> None:
    venue = market_at("100")
    price = {"stop_price": "110"} if kind == "STOP_LOSS" else {"price": "95"}
    legs = venue.new("BUY", kind, quantity="1", **price), venue.new("SELL", "MARKET", **pending)
    assert refusal_of(venue, "OTO", *legs) == (-1014, "Unsupported order combination.")


def otoco(venue: SmallVenue, above: str = "110", below: str = "80") -> tuple[Order, Order, Order]:
    outcome = venue.place_list(
        1,
        "OTOCO",
        venue.new("BUY", "LIMIT", quantity="1", price="95"),
        leg(venue, "SELL", "LIMIT_MAKER", above),
        leg(venue, "SELL", "STOP_LOSS", below),
    )
    first, second, third = outcome.orders
    return first, second, third


def test_an_otoco_starts_its_pair_when_the_working_order_has_filled() -> None:
    venue = market_at("100")
    working, above, below = otoco(venue)
    assert above.order_list is not None
    assert (above.order_list.contingency_type, above.order_list.working) == ("OTO", working)
    assert venue.balance(1, "BTC") == (units("999"), units("1"))
    outcome = venue.place(2, "SELL", "LIMIT", quantity="1", price="95")
    assert sorted(told(outcome, 1)[1:3]) == ["NEW/NEW 2", "NEW/NEW 3"]
    venue.limit(2, "BUY", "1", "110")
    assert (above.status, below.status) == ("FILLED", "EXPIRED")
    assert below.expiry_reason == "OCO_TRIGGER"
    assert not above.order_list.is_open


def test_an_otoco_whose_prices_do_not_relate_when_its_turn_comes_is_rejected() -> None:
    venue = market_at("100")
    working, above, below = otoco(venue, above="94", below="80")
    outcome = venue.place(2, "SELL", "LIMIT", quantity="1", price="95")
    assert working.status == "FILLED"
    assert (above.status, below.status) == ("REJECTED", "REJECTED")
    assert executions(outcome, above)[0].reject_reason == "OCO_BAD_PRICES"
    assert venue.balance(1, "BTC") == (units("1001"), 0)
    assert (
        refusal_of(
            SmallVenue(last_price="100"),
            "OTOCO",
            venue.new("BUY", "LIMIT", quantity="1", price="95"),
            leg(venue, "SELL", "LIMIT_MAKER", "80"),
            leg(venue, "SELL", "STOP_LOSS", "90"),
        )
        == BAD_PRICES
    )


def test_working_and_pending_orders_are_amended_separately() -> None:
    venue = market_at("100")
    _, working, pending = oto(venue, venue.new("SELL", "LIMIT", quantity="3", price="120"))
    venue.amend(1, working, "0.5")
    venue.amend(1, pending, "2")
    assert (working.quantity, pending.quantity) == (units("0.5"), units("2"))
    assert venue.balance(1, "USDT")[1] == units("47.5")
    assert venue.balance(1, "BTC")[1] == units("2")
    assert pending.status == "PENDING_NEW"


def test_self_trade_prevention_that_ends_the_working_order_ends_its_list() -> None:
    venue = market_at("100")
    _, working, pending = oto(venue, venue.new("SELL", "MARKET", quantity="1"))
    venue.place(1, "SELL", "LIMIT", quantity="1", price="95", stp_mode="EXPIRE_BOTH")
    venue.place(1, "SELL", "LIMIT", quantity="1", price="95", stp_mode="EXPIRE_BOTH")
    assert working.status == "EXPIRED_IN_MATCH"
    assert pending.expiry_reason == "OTO_PHASE_ONE_EXPIRED"
