"""Order types, times in force, balances, commissions and events of single orders."""

from __future__ import annotations

import sys

import pytest
from matching_venue import START_US, SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import (
    AccountPosition,
    Balance,
    CommissionRates,
    Execution,
    FirstFill,
    Rejection,
)


def refused(venue: SmallVenue, account_id: int, side: str, kind: str, **fields: object) -> tuple[int, str]:
    with pytest.raises(Rejection) as caught:
        venue.place(account_id, side, kind, **fields)
    return caught.value.code, caught.value.msg


def test_better_price_then_earlier_time_is_matched_first() -> None:
    venue = SmallVenue()
    late_better = [venue.limit(1, "SELL", "1", price) for price in ("101", "100", "100", "99")]
    outcome = venue.place(2, "BUY", "LIMIT", quantity="3.5", price="100")
    first, second, third = late_better[3], late_better[1], late_better[2]
    assert [(t.seller_order_id, t.price, t.quantity) for t in outcome.trades] == [
        (first.order_id, units("99"), units("1")),
        (second.order_id, units("100"), units("1")),
        (third.order_id, units("100"), units("1")),
    ]
    assert [t.trade_id for t in outcome.trades] == [1, 2, 3]
    assert not any(t.is_buyer_maker for t in outcome.trades)
    assert outcome.order.status == "PARTIALLY_FILLED"
    assert venue.engine.best(SYMBOL) == ((units("100"), units("0.5")), (units("101"), units("1")))
    assert venue.engine.last_price(SYMBOL) == units("100")


def test_gtc_rests_and_its_funds_are_locked_until_cancelled() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "2", "100")
    assert (order.status, order.working_time, order.time) == ("NEW", venue.now, venue.now)
    assert venue.balance(1, "USDT") == (units("999800"), units("200"))
    venue.cancel(1, order)
    assert venue.balance(1, "USDT") == (units("1000000"), 0)
    assert (order.status, order.update_time, order.time) == ("CANCELED", venue.now, START_US + 1_000_000)


def test_a_fill_below_the_limit_price_frees_what_is_left_over() -> None:
    venue = SmallVenue()
    venue.limit(2, "SELL", "1", "90")
    venue.limit(1, "BUY", "2", "100")
    assert venue.balance(1, "USDT") == (units("1000000") - units("190"), units("100"))
    assert venue.balance(1, "BTC") == (units("1001"), 0)
    assert venue.balance(2, "USDT") == (units("1000090"), 0)
    assert venue.balance(2, "BTC") == (units("999"), 0)


def test_ioc_fills_what_it_can_and_the_rest_expires() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "100")
    outcome = venue.place(2, "BUY", "LIMIT", quantity="3", price="100", time_in_force="IOC")
    order = outcome.order
    assert (order.status, order.executed) == ("EXPIRED", units("1"))
    assert order.expiry_reason == "UNFILLED_IOC_QUANTITY_EXPIRED"
    assert told(outcome, 2) == ["NEW/NEW 2", "TRADE/PARTIALLY_FILLED 2", "EXPIRED/EXPIRED 2", "position"]
    assert [e.is_on_book for e in executions(outcome, order)] == [True, False, False]
    assert venue.balance(2, "USDT")[1] == 0


@pytest.mark.parametrize(
    ("quantity", "price", "status", "executed"),
    [("2", "101", "FILLED", "2"), ("2", "100", "EXPIRED", "0"), ("3", "101", "EXPIRED", "0")],
)
def test_fok_fills_whole_or_expires(quantity: str, price: str, status: str, executed: str) -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "100")
    venue.limit(1, "SELL", "1", "101")
    order = venue.limit(2, "BUY", quantity, price, time_in_force="FOK")
    assert (order.status, order.executed) == (status, units(executed))
    if status == "EXPIRED":
        assert order.expiry_reason == "UNFILLED_FOK_ORDER_EXPIRED"
    assert venue.balance(2, "USDT")[1] == 0


def test_fok_counts_the_hidden_part_of_an_iceberg() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "5", "100", iceberg_quantity="1")
    assert venue.limit(2, "BUY", "5", "100", time_in_force="FOK").status == "FILLED"


@pytest.mark.parametrize(
    ("mode", "status"), [("NONE", "FILLED"), ("EXPIRE_MAKER", "FILLED"), ("EXPIRE_TAKER", "EXPIRED")]
)
def test_fok_does_not_count_what_prevention_would_take_away(mode: str, status: str) -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "99")
    venue.limit(2, "SELL", "1", "100")
    order = venue.limit(1, "BUY", "1", "100", time_in_force="FOK", stp_mode=mode)
    assert order.status == status
    assert order.prevented == 0


def test_fok_is_not_filled_by_its_own_account_alone() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "100")
    order = venue.limit(1, "BUY", "1", "100", time_in_force="FOK", stp_mode="EXPIRE_MAKER")
    assert (order.status, order.expiry_reason) == ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")


def test_limit_maker_is_refused_if_it_would_take() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "100")
    assert refused(venue, 2, "BUY", "LIMIT_MAKER", quantity="1", price="100") == (
        -2010,
        "Order would immediately match and take.",
    )
    order = venue.place(2, "BUY", "LIMIT_MAKER", quantity="1", price="99.99").order
    assert (order.status, order.time_in_force) == ("NEW", "GTC")


def test_market_short_of_book_tells_new_trades_expired_then_the_position() -> None:
    """The sequence the docs print for a MARKET order that runs out of liquidity, execution ids and all."""
    venue = SmallVenue(rates=CommissionRates(maker=100_000, taker=50_000))
    venue.limit(1, "SELL", "2", "1")
    venue.limit(1, "SELL", "2", "1")
    outcome = venue.place(2, "BUY", "MARKET", quantity="6")
    order = outcome.order
    assert told(outcome, 2) == [
        "NEW/NEW 3",
        "TRADE/PARTIALLY_FILLED 3",
        "TRADE/PARTIALLY_FILLED 3",
        "EXPIRED/EXPIRED 3",
        "position",
    ]
    events = executions(outcome, order)
    first = events[0].execution_id
    # between two trades of the taker stands the maker's own execution
    assert [e.execution_id - first for e in events] == [0, 1, 3, 5]
    assert [e.executed_quantity for e in events] == [0, units("2"), units("4"), units("4")]
    assert [e.executed_quote for e in events] == [0, units("2"), units("4"), units("4")]
    assert [e.is_on_book for e in events] == [True, False, False, False]
    assert {e.working_time for e in events} == {venue.now}
    assert [None if e.fill is None else e.fill.trade_id for e in events] == [None, 1, 2, None]
    assert [f.commission for f in outcome.fills] == [units("0.001"), units("0.001")]
    assert (order.status, order.executed, order.expiry_reason) == (
        "EXPIRED",
        units("4"),
        "INSUFFICIENT_LIQUIDITY",
    )
    position = outcome.events[-2:]
    assert (
        AccountPosition(
            2,
            venue.now,
            (Balance("BTC", units("1003.998"), 0), Balance("USDT", units("999996"), 0)),
        )
        in position
    )


def test_market_without_enough_balance_is_refused_whole() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "10", "100")
    venue.limit(1, "SELL", "10", "110000")
    insufficient = (-2010, "Account has insufficient balance for requested action.")
    assert refused(venue, 2, "BUY", "MARKET", quantity="20") == insufficient
    assert refused(venue, 2, "SELL", "MARKET", quantity="1000.00000001") == insufficient
    assert venue.balance(2, "USDT") == (units("1000000"), 0)
    assert venue.place(2, "BUY", "MARKET", quantity="19").order.status == "FILLED"


def test_market_on_an_empty_book_expires() -> None:
    venue = SmallVenue()
    order = venue.place(1, "SELL", "MARKET", quantity="1").order
    assert (order.status, order.executed, order.price, order.time_in_force) == ("EXPIRED", 0, 0, "GTC")
    assert venue.balance(1, "BTC") == (units("1000"), 0)


LOT = {"filterType": "LOT_SIZE", "minQty": "0.00100000", "maxQty": "100.00000000", "stepSize": "0.00100000"}


def test_quote_order_quantity_follows_the_lot_size_and_comes_as_near_as_it_can() -> None:
    venue = SmallVenue(LOT)
    venue.limit(1, "SELL", "1", "100")
    venue.limit(1, "SELL", "1", "130")
    order = venue.place(2, "BUY", "MARKET", quote_order_quantity="150").order
    # 100 for the first, 50 / 130 = 0.3846 of the second, cut to the step
    assert (order.status, order.quantity, order.executed) == ("FILLED", units("1.384"), units("1.384"))
    assert order.executed_quote == units("149.92")
    assert order.quote_order_quantity == units("150")


def test_quote_order_quantity_without_a_step_comes_within_a_unit() -> None:
    venue = SmallVenue({**LOT, "stepSize": "0"})
    venue.limit(1, "SELL", "1", "3")
    order = venue.place(2, "BUY", "MARKET", quote_order_quantity="1").order
    assert (order.executed, order.executed_quote) == (units("0.33333333"), units("0.99999999"))


def test_quote_order_quantity_sells_as_well() -> None:
    venue = SmallVenue(LOT)
    venue.limit(1, "BUY", "2", "100")
    order = venue.place(2, "SELL", "MARKET", quote_order_quantity="50.05").order
    assert (order.executed, order.executed_quote) == (units("0.5"), units("50"))


def test_quote_order_quantity_short_of_book_expires() -> None:
    venue = SmallVenue(LOT)
    venue.limit(1, "SELL", "1", "100")
    order = venue.place(2, "BUY", "MARKET", quote_order_quantity="250").order
    assert (order.status, order.executed, order.expiry_reason) == (
        "EXPIRED",
        units("1"),
        "INSUFFICIENT_LIQUIDITY",
    )


def test_quote_order_quantity_in_a_book_too_thin_is_refused() -> None:
    venue = SmallVenue(LOT, {**LOT, "filterType": "MARKET_LOT_SIZE", "minQty": "0.5", "maxQty": "0.6"})
    assert refused(venue, 2, "BUY", "MARKET", quote_order_quantity="50") == (
        -2010,
        "Order book liquidity is less than symbol minimum quantity.",
    )
    venue.limit(1, "SELL", "1", "100")
    assert refused(venue, 2, "BUY", "MARKET", quote_order_quantity="0.01") == (
        -2010,
        "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.",
    )
    assert refused(venue, 2, "BUY", "MARKET", quote_order_quantity="40") == (
        -2010,
        "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.",
    )
    assert refused(venue, 2, "BUY", "MARKET", quote_order_quantity="90") == (
        -1013,
        "Filter failure: MARKET_LOT_SIZE",
    )


def test_quote_order_quantity_below_one_unit_is_refused() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "0.001", "900000000")
    assert refused(venue, 2, "BUY", "MARKET", quote_order_quantity=1) == (
        -2010,
        "Order book liquidity is less than symbol minimum quantity.",
    )


def test_an_iceberg_shows_its_visible_part_and_refills_to_the_back_of_the_queue() -> None:
    venue = SmallVenue()
    iceberg = venue.limit(1, "SELL", "2.5", "100", iceberg_quantity="1")
    plain = venue.limit(2, "SELL", "1", "100")
    assert venue.engine.best(SYMBOL)[1] == (units("100"), units("2"))
    outcome = venue.place(3, "BUY", "LIMIT", quantity="3.2", price="100")
    assert [(t.seller_order_id, t.quantity) for t in outcome.trades] == [
        (iceberg.order_id, units("1")),
        (plain.order_id, units("1")),
        (iceberg.order_id, units("1")),
        (iceberg.order_id, units("0.2")),
    ]
    assert venue.engine.best(SYMBOL)[1] == (units("100"), units("0.3"))
    assert iceberg.visible == units("0.3")


def test_a_taking_iceberg_takes_with_its_whole_quantity_and_rests_with_a_part() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "2", "100")
    order = venue.limit(2, "BUY", "5", "100", iceberg_quantity="1")
    assert order.executed == units("2")
    assert venue.engine.best(SYMBOL) == ((units("100"), units("1")), None)


def test_commission_is_taken_from_what_is_received_maker_or_taker_plus_buyer_or_seller() -> None:
    rates = CommissionRates(maker=100_000, taker=200_000, buyer=10_000, seller=20_000)
    venue = SmallVenue(rates=rates)
    venue.limit(1, "SELL", "1", "1000")
    outcome = venue.place(2, "BUY", "LIMIT", quantity="1", price="1000")
    (fill,) = outcome.fills
    assert (fill.commission, fill.commission_asset) == (units("0.0021"), "BTC")
    (other,) = venue.engine.desk(1, SYMBOL).fills
    assert (other.commission, other.commission_asset) == (units("1.2"), "USDT")
    assert venue.balance(2, "BTC")[0] == units("1000.9979")
    assert venue.balance(1, "USDT")[0] == units("1000998.8")
    assert outcome.fees == {"BTC": units("0.0021"), "USDT": units("1.2")}
    assert venue.engine.fees == outcome.fees
    buyer_is_maker = SmallVenue(rates=rates)
    buyer_is_maker.limit(1, "BUY", "1", "1000")
    outcome = buyer_is_maker.place(2, "SELL", "MARKET", quantity="1")
    assert outcome.fees == {"BTC": units("0.0011"), "USDT": units("2.2")}
    assert outcome.trades[0].is_buyer_maker


def test_commission_is_cut_to_whole_units() -> None:
    venue = SmallVenue(rates=CommissionRates())
    venue.limit(1, "SELL", "0.00000999", "1")
    outcome = venue.place(2, "BUY", "MARKET", quantity="0.00000999")
    assert outcome.fills[0].commission == 0
    assert outcome.fees == {}


def test_amounts_beyond_the_eighth_decimal_are_locked_rounded_up_and_paid_rounded_down() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "0.00000003", "0.5")
    assert venue.balance(1, "USDT")[1] == 2
    venue.limit(2, "SELL", "0.00000003", "0.4")
    assert (order.status, order.executed_quote) == ("FILLED", 1)
    assert venue.balance(1, "USDT") == (units("1000000") - 1, 0)
    assert venue.balance(2, "USDT") == (units("1000000") + 1, 0)


def test_first_fills_lower_the_unfilled_order_count_by_1_for_a_taker_and_5_for_a_maker() -> None:
    venue = SmallVenue()
    maker = venue.limit(1, "SELL", "3", "100")
    outcome = venue.place(2, "BUY", "LIMIT", quantity="1", price="100")
    assert outcome.first_fills == [
        FirstFill(2, SYMBOL, outcome.order.order_id, False, 1),
        FirstFill(1, SYMBOL, maker.order_id, True, 5),
    ]
    again = venue.place(2, "BUY", "LIMIT", quantity="1", price="100")
    assert again.first_fills == [FirstFill(2, SYMBOL, again.order.order_id, False, 1)]


def test_the_same_client_order_id_is_refused_only_while_the_first_is_open() -> None:
    venue = SmallVenue()
    first = venue.limit(1, "BUY", "1", "100", client_order_id="mine")
    assert refused(venue, 1, "BUY", "LIMIT", quantity="1", price="100", client_order_id="mine") == (
        -2010,
        "Duplicate order sent.",
    )
    assert venue.limit(2, "BUY", "1", "100", client_order_id="mine").status == "NEW"
    venue.cancel(1, first)
    second = venue.limit(1, "BUY", "1", "100", client_order_id="mine")
    assert venue.engine.find_order(1, SYMBOL, client_order_id="mine") is second
    assert venue.engine.find_order(1, SYMBOL, order_id=first.order_id) is first


@pytest.mark.parametrize("account_id", [1, 2])
def test_a_refused_order_uses_up_no_id_and_changes_nothing(account_id: int) -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "1", "100")
    before = (venue.engine.depth(SYMBOL, 10), venue.balance(account_id, "USDT"))
    refused(venue, account_id, "BUY", "LIMIT_MAKER", quantity="1", price="100")
    refused(venue, account_id, "BUY", "LIMIT", quantity="100000", price="100")
    assert (venue.engine.depth(SYMBOL, 10), venue.balance(account_id, "USDT")) == before
    assert venue.limit(account_id, "BUY", "1", "1").order_id == 2


def test_both_sides_of_a_trade_are_told_taker_first_and_positions_come_last() -> None:
    venue = SmallVenue()
    venue.limit(1, "SELL", "2", "100")
    outcome = venue.place(2, "BUY", "LIMIT", quantity="1", price="100")
    assert told(outcome) == [
        "NEW/NEW 2",
        "TRADE/FILLED 2",
        "TRADE/PARTIALLY_FILLED 1",
        "position",
        "position",
    ]
    maker = outcome.events[2]
    assert isinstance(maker, Execution)
    assert maker.fill is not None
    assert maker.fill.is_maker
    assert maker.is_on_book
    assert [e.account_id for e in outcome.events[-2:]] == [2, 1]


def test_a_self_trade_without_prevention_moves_nothing_but_the_commission() -> None:
    venue = SmallVenue(rates=CommissionRates())
    venue.limit(1, "SELL", "1", "100")
    outcome = venue.place(1, "BUY", "LIMIT", quantity="1", price="100")
    assert told(outcome) == ["NEW/NEW 2", "TRADE/FILLED 2", "TRADE/FILLED 1", "position"]
    assert venue.balance(1, "BTC") == (units("999.999"), 0)
    assert venue.balance(1, "USDT") == (units("999999.9"), 0)
    assert len(venue.engine.desk(1, SYMBOL).fills) == 2


def test_an_unobserved_account_trades_without_leaving_a_trace() -> None:
    venue = SmallVenue(observed=False)
    resting = venue.limit(1, "SELL", "2", "100")
    outcome = venue.place(2, "BUY", "LIMIT", quantity="1", price="100")
    assert len(outcome.trades) == 1
    assert (outcome.events, outcome.first_fills, outcome.fills) == ([], [], [])
    venue.cancel(1, resting)
    for account_id in (1, 2):
        desk = venue.engine.desk(account_id, SYMBOL)
        assert (desk.orders, desk.fills, desk.by_client_id, desk.open) == ([], [], {}, {})


def test_nothing_done_for_an_order_depends_on_how_many_came_before() -> None:
    venue = SmallVenue(LOT, {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200})

    def calls() -> int:
        venue.tick(600)  # past the window of the average price
        count = 0

        def tally(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(tally)
        try:
            venue.cancel(1, venue.limit(1, "BUY", "1", "100"))
            venue.limit(2, "SELL", "1", "100")
            venue.place(3, "BUY", "MARKET", quantity="1")
        finally:
            sys.setprofile(None)
        return count

    calls()
    early = calls()
    for _ in range(5_000):
        venue.cancel(1, venue.limit(1, "BUY", "1", "100"))
    assert calls() == early
