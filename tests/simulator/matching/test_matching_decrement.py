"""The modes DECREMENT and TRANSFER: what both orders lose, what changes hands, who keeps a place in the queue."""

from __future__ import annotations

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import CommissionRates, Order


def state(order: Order) -> tuple[str, int, int, int]:
    """Status, what is prevented, what is open, the latest prevented match."""
    return order.status, order.prevented, order.open_quantity, order.prevented_match_id


def test_decrement_takes_the_match_from_both_and_ends_the_smaller() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "BUY", "6", "2")
    outcome = venue.place(1, "SELL", "LIMIT", quantity="2", price="2", stp_mode="DECREMENT")
    assert state(maker) == ("NEW", units("2"), units("4"), 0)
    assert state(outcome.order) == ("EXPIRED_IN_MATCH", units("2"), 0, 0)
    assert outcome.trades == []
    assert venue.balance(1, "USDT") == (units("999992"), units("8"))
    assert venue.balance(1, "BTC") == (units("1000"), 0)
    (match,) = outcome.prevented_matches
    assert (match.taker_prevented_quantity, match.maker_prevented_quantity) == (units("2"), units("2"))
    assert told(outcome) == [
        "NEW/NEW 2",
        "TRADE_PREVENTION/NEW 1",
        "TRADE_PREVENTION/EXPIRED_IN_MATCH 2",
        "position",
    ]


def test_decrement_ends_both_where_they_are_equal() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "BUY", "2", "2")
    taker = venue.limit(1, "SELL", "2", "2", stp_mode="DECREMENT")
    assert (maker.status, taker.status) == ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH")
    assert venue.balance(1, "USDT") == (units("1000000"), 0)


def test_decrement_goes_on_with_what_is_left_of_the_taker() -> None:
    venue = SmallVenue()
    mine = [venue.limit(1, "SELL", "1", "100"), venue.limit(1, "SELL", "2", "101")]
    theirs = venue.limit(2, "SELL", "1", "102")
    outcome = venue.place(1, "BUY", "LIMIT", quantity="5", price="102", stp_mode="DECREMENT")
    taker = outcome.order
    assert [order.status for order in (*mine, theirs)] == [
        "EXPIRED_IN_MATCH",
        "EXPIRED_IN_MATCH",
        "FILLED",
    ]
    # origQty - executedQty - preventedQty is what rests
    assert (taker.status, taker.executed, taker.prevented) == ("PARTIALLY_FILLED", units("1"), units("3"))
    assert taker.open_quantity == units("1")
    assert venue.balance(1, "USDT")[1] == units("102")
    assert venue.engine.depth(SYMBOL, 5)[1:] == ([(units("102"), units("1"))], [])


def test_prevented_quantity_accumulates_and_each_event_tells_its_own_part() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "SELL", "5", "100")
    parts = []
    for quantity in ("1", "2"):
        outcome = venue.place(1, "BUY", "LIMIT", quantity=quantity, price="100", stp_mode="DECREMENT")
        parts += [
            (event.last_prevented_quantity, event.prevented_quantity)
            for event in executions(outcome, maker)
            if event.execution_type == "TRADE_PREVENTION"
        ]
    assert parts == [(units("1"), units("1")), (units("2"), units("3"))]
    # a fill of the rest ends an order of which some was prevented
    venue.limit(2, "BUY", "2", "100")
    assert (maker.status, maker.executed, maker.prevented) == ("FILLED", units("2"), units("3"))


def test_a_maker_keeps_its_place_in_the_queue() -> None:
    venue = SmallVenue()
    first, second = venue.limit(1, "SELL", "3", "100"), venue.limit(2, "SELL", "1", "100")
    venue.limit(1, "BUY", "1", "100", stp_mode="DECREMENT")
    assert venue.engine.depth(SYMBOL, 1)[2] == [(units("100"), units("3"))]
    venue.limit(3, "BUY", "2", "100")
    assert (first.status, second.status) == ("FILLED", "NEW")


def test_an_icebergs_visible_part_is_prevented_and_the_next_goes_to_the_back() -> None:
    venue = SmallVenue()
    iceberg = venue.limit(1, "SELL", "3", "100", iceberg_quantity="1")
    other = venue.limit(2, "SELL", "1", "100")
    taker = venue.limit(1, "BUY", "1", "100", stp_mode="DECREMENT")
    assert (iceberg.prevented, iceberg.visible, taker.status) == (units("1"), units("1"), "EXPIRED_IN_MATCH")
    venue.limit(3, "BUY", "1", "100")
    assert (iceberg.executed, other.status) == (0, "FILLED")


def group(taker_mode: str = "TRANSFER", maker_mode: str = "TRANSFER", taker_account: int = 2) -> SmallVenue:
    """Accounts of one group after the scenario of the exchange's guide: BUY 0.6, then SELL 0.2, at 0.2."""
    venue = SmallVenue(group=1, rates=CommissionRates(maker=100_000, taker=100_000))
    venue.limit(1, "BUY", "0.6", "0.2", stp_mode=maker_mode)
    venue.limit(taker_account, "SELL", "0.2", "0.2", stp_mode=taker_mode)
    return venue


def test_transfer_moves_quantity_and_notional_between_accounts_of_a_group_free_of_commission() -> None:
    venue = group()
    assert venue.balance(1, "BTC") == (units("1000.2"), 0)
    assert venue.balance(1, "USDT") == (units("999999.88"), units("0.08"))
    assert venue.balance(2, "BTC") == (units("999.8"), 0)
    assert venue.balance(2, "USDT") == (units("1000000.04"), 0)
    assert venue.engine.fees == {}
    assert venue.engine.desk(1, SYMBOL).fills == venue.engine.desk(2, SYMBOL).fills == []
    (match,) = venue.engine.desk(2, SYMBOL).prevented_matches
    assert (match.self_trade_prevention_mode, match.trade_group_id) == ("TRANSFER", 1)
    maker, taker = (venue.engine.desk(number, SYMBOL).orders[0] for number in (1, 2))
    assert state(maker) == ("NEW", units("0.2"), units("0.4"), 0)
    assert state(taker) == ("EXPIRED_IN_MATCH", units("0.2"), 0, 0)
    assert venue.engine.last_price(SYMBOL) == 0


@pytest.mark.parametrize(
    ("taker_mode", "maker_mode", "taker_account"),
    [
        ("TRANSFER", "DECREMENT", 2),
        ("TRANSFER", "NONE", 2),
        ("TRANSFER", "EXPIRE_BOTH", 2),
        ("DECREMENT", "TRANSFER", 2),
        # within one account there is nobody to transfer to
        ("TRANSFER", "TRANSFER", 1),
    ],
)
def test_transfer_is_decrement_unless_both_sides_ask_for_it_and_are_two_accounts(
    taker_mode: str, maker_mode: str, taker_account: int
) -> None:
    venue = group(taker_mode, maker_mode, taker_account)
    (match,) = venue.engine.desk(1, SYMBOL).prevented_matches
    assert match.self_trade_prevention_mode == "DECREMENT"
    assert sum(venue.balance(2, "BTC")) == sum(venue.balance(1, "BTC")) == units("1000")
    assert venue.balance(1, "USDT") == (units("999999.92"), units("0.08"))


def test_a_transfer_needs_a_group_or_it_is_a_trade() -> None:
    venue = SmallVenue()
    venue.limit(1, "BUY", "0.6", "0.2", stp_mode="TRANSFER")
    taker = venue.limit(2, "SELL", "0.2", "0.2", stp_mode="TRANSFER")
    assert (taker.status, taker.prevented) == ("FILLED", 0)


def test_a_transfer_to_a_market_purchase_is_paid_from_what_is_free() -> None:
    venue = SmallVenue(group=1)
    venue.limit(1, "SELL", "1", "1", stp_mode="EXPIRE_MAKER")
    venue.limit(1, "SELL", "1", "600000", stp_mode="TRANSFER")
    order = venue.place(2, "BUY", "MARKET", quantity="2", stp_mode="TRANSFER").order
    # the first was a mere decrement
    assert state(order)[:3] == ("EXPIRED_IN_MATCH", units("2"), 0)
    assert venue.balance(2, "USDT") == (units("400000"), 0)
    assert venue.balance(2, "BTC") == (units("1001"), 0)


def test_a_prevented_match_parts_a_pair_as_an_execution_does() -> None:
    venue = SmallVenue(last_price="100")
    above = venue.new("SELL", "LIMIT_MAKER", quantity="2", price="110", stp_mode="TRANSFER")
    below = venue.new("SELL", "STOP_LOSS", quantity="2", stop_price="90")
    outcome = venue.place_list(1, "OCO", above, below)
    leg, stop = outcome.orders
    venue.limit(1, "BUY", "1", "110", stp_mode="DECREMENT")
    assert (leg.status, leg.prevented, leg.open_quantity) == ("NEW", units("1"), units("1"))
    assert (stop.status, stop.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert venue.balance(1, "BTC") == (units("999"), units("1"))


def test_a_fok_order_is_not_filled_by_what_would_be_prevented() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "100")
    venue.limit(2, "SELL", "5", "101")
    order = venue.limit(1, "BUY", "2", "101", time_in_force="FOK", stp_mode="DECREMENT")
    assert (order.status, order.prevented, order.executed) == ("EXPIRED", 0, 0)
