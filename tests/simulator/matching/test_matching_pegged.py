"""Pegged orders: where their price comes from, when, and what they must pass."""

from __future__ import annotations

from typing import Any

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units, verdict

from crypto_ws_sync.simulator.matching import AccountFilters, Order, Rejection

THIN = (-2010, "Order book liquidity is too low for this pegged order.")
WRONG_PEG = (-2010, "This price peg cannot be used with this order type.")
NO_PRICE = (-2010, "This order type may not use pegged price.")
PRICE = {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000.00", "tickSize": "0.01"}
NEAR = {
    "filterType": "PERCENT_PRICE",
    "multiplierUp": "1.02",
    "multiplierDown": "0.98",
    "avgPriceMins": 5,
}
WORTH = {"filterType": "MIN_NOTIONAL", "minNotional": "50", "applyToMarket": True, "avgPriceMins": 5}


def book(*filters: dict[str, Any], **flags: Any) -> SmallVenue:
    """Bids of account 2 at 99, 98 and 96, asks at 101, 102 and 104, one BTC each; last price 100."""
    venue = SmallVenue(*filters, last_price="100", **flags)
    for bid, ask in (("99", "101"), ("98", "102"), ("96", "104")):
        venue.limit(2, "BUY", "1", bid)
        venue.limit(2, "SELL", "1", ask)
    return venue


def pegged(venue: SmallVenue, side: str, peg: str, kind: str = "LIMIT", **fields: Any) -> Order:
    """Place a pegged order of account 1 and return it."""
    fields.setdefault("quantity", "1")
    return venue.place(1, side, kind, peg_price_type=f"{peg}_PEG", **fields).order


@pytest.mark.parametrize(
    ("side", "peg", "offset", "price"),
    [
        ("BUY", "PRIMARY", None, "99"),
        ("SELL", "PRIMARY", None, "101"),
        ("BUY", "MARKET", None, "101"),
        ("SELL", "MARKET", None, "99"),
        ("BUY", "PRIMARY", 0, "99"),
        ("BUY", "PRIMARY", 1, "98"),
        ("BUY", "PRIMARY", 2, "96"),
        ("SELL", "PRIMARY", 2, "104"),
        ("BUY", "MARKET", 2, "104"),
        ("SELL", "MARKET", 1, "98"),
    ],
)
def test_price_is_that_of_an_existing_level_of_the_own_or_the_other_side(
    side: str, peg: str, offset: int | None, price: str
) -> None:
    order = pegged(book(), side, peg, peg_offset=offset, quantity="5")
    assert order.pegged_price == order.price == units(price)
    assert order.sent_price == 0


def test_own_side_peg_queues_behind_those_at_the_price() -> None:
    venue = book()
    first = next(order for order in venue.engine.open_orders(2) if order.price == units("99"))
    mine = pegged(venue, "BUY", "PRIMARY")
    assert mine.status == "NEW"
    venue.place(3, "SELL", "MARKET", quantity="1.5")
    assert first.status == "FILLED"
    assert mine.executed == units("0.5")


def test_other_side_peg_takes_the_level_and_rests_with_what_is_left() -> None:
    venue = book()
    order = pegged(venue, "BUY", "MARKET", quantity="3")
    assert (order.status, order.executed) == ("PARTIALLY_FILLED", units("1"))
    assert venue.engine.best(SYMBOL)[0] == (units("101"), units("2"))


def test_other_side_peg_may_be_immediate_or_cancel() -> None:
    order = pegged(book(), "BUY", "MARKET", quantity="3", time_in_force="IOC")
    assert (order.status, order.executed) == ("EXPIRED", units("1"))


@pytest.mark.parametrize(
    ("side", "peg", "sent", "price"),
    [
        ("BUY", "MARKET", "100.5", "100.5"),
        ("BUY", "MARKET", "105", "101"),
        ("SELL", "MARKET", "99.5", "99.5"),
        ("SELL", "PRIMARY", "103", "103"),
        ("BUY", "PRIMARY", "100", "99"),
    ],
)
def test_price_that_was_sent_too_is_never_passed(side: str, peg: str, sent: str, price: str) -> None:
    order = pegged(book(), side, peg, price=sent)
    assert (order.pegged_price, order.sent_price) == (units(price), units(sent))


def test_too_few_levels_refuse_the_order() -> None:
    assert verdict(book(), "BUY", "LIMIT", quantity="1", peg_price_type="PRIMARY_PEG", peg_offset=3) == THIN
    assert verdict(SmallVenue(), "BUY", "LIMIT", quantity="1", peg_price_type="MARKET_PEG") == THIN


@pytest.mark.parametrize("kind", ["MARKET", "STOP_LOSS", "TAKE_PROFIT"])
def test_what_becomes_a_market_order_cannot_be_pegged(kind: str) -> None:
    fields = {} if kind == "MARKET" else {"stop_price": "100"}
    found = verdict(book(), "BUY", kind, quantity="1", peg_price_type="MARKET_PEG", **fields)
    assert found == NO_PRICE


@pytest.mark.parametrize(
    ("kind", "peg", "tif"),
    [
        ("LIMIT", "PRIMARY_PEG", "IOC"),
        ("LIMIT", "PRIMARY_PEG", "FOK"),
        ("LIMIT_MAKER", "MARKET_PEG", ""),
    ],
)
def test_peg_must_suit_what_the_order_does(kind: str, peg: str, tif: str) -> None:
    assert verdict(book(), "BUY", kind, quantity="1", peg_price_type=peg, time_in_force=tif) == WRONG_PEG


def test_pegged_limit_maker_joins_its_own_side() -> None:
    assert pegged(book(), "SELL", "PRIMARY", "LIMIT_MAKER").price == units("101")


@pytest.mark.parametrize("sent", ["0", "99.9"])
def test_filters_judge_the_price_of_the_book(sent: str) -> None:
    # The third level is 4 % away from the last price.
    fields = {"quantity": "1", "peg_price_type": "PRIMARY_PEG", "peg_offset": 2, "price": sent}
    venue = SmallVenue(NEAR, last_price="97.5")
    for price in ("99", "98", "96"):
        venue.limit(2, "BUY", "1", price)
    venue.engine.remember_trades(SYMBOL, [(venue.tick(), units("100"), units("1"))])
    assert verdict(venue, "BUY", "LIMIT", **fields) == (-1013, "Filter failure: PERCENT_PRICE")
    assert verdict(venue, "BUY", "LIMIT", **{**fields, "peg_offset": 1}) is None


def test_filters_judge_the_price_that_was_sent_too() -> None:
    fields = {"quantity": "1", "peg_price_type": "PRIMARY_PEG", "price": "100.001"}
    assert verdict(book(PRICE), "BUY", "LIMIT", **fields) == (-1013, "Filter failure: PRICE_FILTER")


def test_notional_is_that_at_the_price_of_the_book() -> None:
    fields = {"peg_price_type": "PRIMARY_PEG"}
    failure = (-1013, "Filter failure: MIN_NOTIONAL")
    assert verdict(book(WORTH), "BUY", "LIMIT", quantity="0.505", **fields) == failure
    assert verdict(book(WORTH), "BUY", "LIMIT", quantity="0.506", **fields) is None


def test_money_is_set_aside_at_the_price_of_the_book() -> None:
    venue = book()
    pegged(venue, "BUY", "PRIMARY", quantity="2")
    assert venue.balance(1, "USDT") == (units("999802"), units("198"))


# -- stops: pegged when triggered -----------------------------------------------------------------------


def test_stop_takes_its_price_when_it_is_triggered() -> None:
    venue = book()
    stop = pegged(venue, "BUY", "PRIMARY", "STOP_LOSS_LIMIT", stop_price="101")
    assert (stop.pegged_price, stop.price) == (0, 0)
    better = venue.limit(2, "BUY", "1", "100")
    outcome = venue.place(3, "BUY", "MARKET", quantity="0.1")
    assert stop.pegged_price == stop.price == better.price
    assert stop.is_working
    assert executions(outcome, stop)[-1].pegged_price == units("100")
    assert venue.balance(1, "USDT")[1] == units("100")


def test_triggered_stop_sets_aside_what_its_price_takes_beyond_its_stop_price() -> None:
    venue = book()
    stop = pegged(venue, "BUY", "MARKET", "STOP_LOSS_LIMIT", stop_price="101", quantity="5", peg_offset=1)
    assert venue.balance(1, "USDT")[1] == units("505")
    venue.place(3, "BUY", "MARKET", quantity="0.1")
    assert (stop.pegged_price, stop.executed) == (units("102"), units("1.9"))
    # 0.9 for 101 and 1 for 102; 3.1 are left at 102.
    assert venue.balance(1, "USDT") == (units("1000000") - units("509.1"), units("316.2"))


def test_triggered_stop_that_rests_has_all_that_its_price_takes_set_aside() -> None:
    venue = book()
    stop = pegged(venue, "BUY", "PRIMARY", "STOP_LOSS_LIMIT", trailing_delta=100)
    # It has neither price nor stop price, so the last price counts.
    assert venue.balance(1, "USDT")[1] == units("100")
    venue.place(3, "BUY", "MARKET", quantity="1")
    venue.place(3, "BUY", "MARKET", quantity="1")
    venue.limit(2, "BUY", "1", "103")
    venue.place(3, "BUY", "MARKET", quantity="0.1")
    assert (stop.pegged_price, stop.executed) == (units("103"), 0)
    assert venue.balance(1, "USDT")[1] == units("103")


def test_order_without_a_price_yet_is_not_judged_by_its_worth_before_it_has_one() -> None:
    venue = book(WORTH)
    stop = pegged(venue, "SELL", "MARKET", "STOP_LOSS_LIMIT", stop_price="97", quantity="0.4")
    outcome = venue.place(3, "SELL", "MARKET", quantity="2.5")
    assert executions(outcome, stop)[-1].reject_reason == "FILTER_FAILURE_MIN_NOTIONAL"


def test_triggered_stop_keeps_to_what_the_account_may_move_in_one_order() -> None:
    venue = book()
    venue.engine.account(1).filters = own = AccountFilters()
    own.set({"filterType": "MAX_ASSET", "asset": "USDT", "limit": "100.5"})
    stop = pegged(venue, "BUY", "MARKET", "STOP_LOSS_LIMIT", stop_price="101")
    outcome = venue.place(3, "BUY", "MARKET", quantity="0.1")
    assert executions(outcome, stop)[-1].reject_reason == "FILTER_FAILURE_MAX_ASSET"


def test_stop_that_finds_no_level_when_triggered_is_rejected() -> None:
    venue = book()
    stop = pegged(venue, "BUY", "MARKET", "STOP_LOSS_LIMIT", stop_price="104")
    outcome = venue.place(3, "BUY", "MARKET", quantity="3")
    assert stop.status == "REJECTED"
    assert executions(outcome, stop)[-1].reject_reason == "INSUFFICIENT_LIQUIDITY"
    assert venue.balance(1, "USDT") == (units("1000000"), 0)


def test_filters_judge_a_stop_again_when_it_is_triggered() -> None:
    venue = book(WORTH)
    stop = pegged(venue, "SELL", "MARKET", "STOP_LOSS_LIMIT", stop_price="96", quantity="0.51")
    venue.limit(2, "BUY", "1", "95")
    outcome = venue.place(3, "SELL", "MARKET", quantity="3")
    assert stop.status == "REJECTED"
    assert executions(outcome, stop)[-1].reject_reason == "FILTER_FAILURE_MIN_NOTIONAL"
    assert venue.balance(1, "BTC") == (units("1000"), 0)


def test_stop_that_has_become_too_dear_is_rejected() -> None:
    venue = book()
    venue.limit(1, "BUY", "9990", "100")
    stop = pegged(venue, "BUY", "MARKET", "STOP_LOSS_LIMIT", stop_price="101", quantity="9")
    # 909 set aside and 91 free, and what asks 130 would take 1170.
    assert venue.balance(1, "USDT")[0] == units("91")
    venue.limit(2, "SELL", "1", "130")
    outcome = venue.place(3, "BUY", "MARKET", quantity="3")
    assert executions(outcome, stop)[-1].reject_reason == "INSUFFICIENT_BALANCES"
    assert venue.balance(1, "USDT") == (units("1000"), units("999000"))


# -- lists ----------------------------------------------------------------------------------------------


def test_limit_leg_of_a_pair_is_pegged_at_once_and_the_stop_leg_when_triggered() -> None:
    venue = book()
    outcome = venue.place_list(
        1,
        "OCO",
        venue.new("SELL", "LIMIT_MAKER", quantity="1", peg_price_type="PRIMARY_PEG"),
        venue.new(
            "SELL",
            "STOP_LOSS_LIMIT",
            quantity="1",
            stop_price="98",
            peg_price_type="MARKET_PEG",
            peg_offset=1,
        ),
    )
    maker, stop = outcome.orders
    assert (maker.price, stop.price) == (units("101"), 0)
    venue.place(3, "SELL", "MARKET", quantity="2")
    assert maker.status == "EXPIRED"
    # What was left of the bids: 96 alone, and the second level does not exist.
    assert stop.status == "REJECTED"
    assert venue.balance(1, "BTC") == (units("1000"), 0)


def test_pending_limit_takes_its_price_when_the_working_order_has_filled() -> None:
    venue = book()
    outcome = venue.place_list(
        1,
        "OTO",
        venue.new("BUY", "LIMIT", quantity="1", peg_price_type="PRIMARY_PEG"),
        venue.new("SELL", "LIMIT", quantity="1", peg_price_type="PRIMARY_PEG"),
    )
    working, pending = outcome.orders
    assert (working.price, pending.price) == (units("99"), 0)
    venue.limit(2, "SELL", "1", "100.5")
    venue.place(3, "SELL", "MARKET", quantity="2")
    assert working.status == "FILLED"
    assert (pending.status, pending.pegged_price) == ("NEW", units("100.5"))


def test_pending_purchase_sets_aside_what_its_price_takes_or_is_rejected() -> None:
    venue = book()
    venue.limit(1, "BUY", "9000", "1")
    # 991,000 free; the pending order sets aside 9,900 at the last price of 100 at first.
    outcome = venue.place_list(
        1,
        "OTO",
        venue.new("SELL", "LIMIT", quantity="1", price="105"),
        venue.new("BUY", "LIMIT", quantity="9800", peg_price_type="MARKET_PEG"),
    )
    working, pending = outcome.orders
    assert venue.balance(1, "USDT")[0] == units("11000")
    assert told(venue.place(3, "BUY", "MARKET", quantity="4"), 1)[0] == f"TRADE/FILLED {working.order_id}"
    # Nothing asks any more, so there is no price to take.
    assert pending.status == "REJECTED"
    assert venue.balance(1, "USDT") == (units("991105"), units("9000"))


def test_pegged_pair_waits_and_then_takes_its_price() -> None:
    venue = book()
    outcome = venue.place_list(
        1,
        "OTOCO",
        venue.new("BUY", "LIMIT", quantity="1", price="101"),
        venue.new("SELL", "LIMIT_MAKER", quantity="1", peg_price_type="PRIMARY_PEG"),
        venue.new("SELL", "STOP_LOSS", quantity="1", stop_price="97"),
    )
    _, maker, stop = outcome.order_list.orders if outcome.order_list else ()
    assert (maker.status, stop.status) == ("NEW", "NEW")
    assert maker.pegged_price == units("102")
    assert venue.balance(1, "BTC") == (units("1000"), units("1"))


def test_pair_sets_aside_in_common_what_the_price_of_its_peg_takes() -> None:
    venue = book()
    outcome = venue.place_list(
        1,
        "OTOCO",
        venue.new("SELL", "LIMIT", quantity="1", price="103"),
        venue.new("BUY", "STOP_LOSS", quantity="2", trailing_delta=100),
        venue.new("BUY", "LIMIT_MAKER", quantity="2", peg_price_type="PRIMARY_PEG"),
    )
    working, _, maker = outcome.orders
    # Neither has a price yet, so the last one of 100 counts.
    assert venue.balance(1, "USDT")[1] == units("200")
    venue.limit(2, "BUY", "1", "100.5")
    venue.place(3, "BUY", "MARKET", quantity="3")
    assert working.status == "FILLED"
    assert venue.engine.find_order(1, SYMBOL, order_id=maker.order_id).price == units("100.5")
    # The trailing stop, at the last price of 103, takes more than the peg at 100.5.
    assert venue.balance(1, "USDT")[1] == units("206")


def test_pair_frees_what_the_price_of_its_peg_does_not_take() -> None:
    venue = book()
    venue.place_list(
        1,
        "OTOCO",
        venue.new("BUY", "LIMIT", quantity="1", price="98"),
        venue.new("BUY", "STOP_LOSS", quantity="2", trailing_delta=100),
        venue.new("BUY", "LIMIT_MAKER", quantity="2", peg_price_type="PRIMARY_PEG"),
    )
    assert venue.balance(1, "USDT")[1] == units("298")
    venue.place(3, "SELL", "MARKET", quantity="3")
    # The last price is 98, and the best bid that is left 96.
    assert venue.balance(1, "USDT") == (units("1000000") - units("98") - units("196"), units("196"))


def test_pair_with_a_pegged_order_need_not_stand_beyond_the_last_price() -> None:
    """The best price of the own side cannot take, even if the last trade was made at it."""
    venue = book()
    venue.place(3, "BUY", "MARKET", quantity="0.5")
    stop = {"quantity": "1", "stop_price": "97"}
    fixed = venue.new("SELL", "LIMIT_MAKER", quantity="1", price="101")
    with pytest.raises(Rejection, match="relationship of the prices"):
        venue.place_list(1, "OCO", fixed, venue.new("SELL", "STOP_LOSS", **stop))
    taken = venue.new("SELL", "LIMIT_MAKER", quantity="1", price="101", peg_price_type="PRIMARY_PEG")
    outcome = venue.place_list(1, "OCO", taken, venue.new("SELL", "STOP_LOSS", **stop))
    assert outcome.order.price == units("101")


def test_filters_judge_the_price_of_the_book_in_tests_lists_and_replacements() -> None:
    failure = Rejection(-1013, "Filter failure: MIN_NOTIONAL")
    venue = book(WORTH)
    small = {"quantity": "0.5", "peg_price_type": "PRIMARY_PEG"}
    with pytest.raises(Rejection) as tested:
        venue.engine.test(1, venue.new("BUY", "LIMIT", **small), venue.tick())
    working = venue.new("BUY", "LIMIT", **small)
    with pytest.raises(Rejection) as listed:
        venue.place_list(1, "OTO", working, venue.new("SELL", "LIMIT", quantity="1", price="110"))
    assert tested.value == listed.value == failure
    best = venue.limit(1, "BUY", "1", "100")
    replaced = venue.replace(1, best.order_id, venue.new("BUY", "LIMIT", **small))
    # At 100 it was worth enough, at 99 without the one that is cancelled it is not.
    assert best.status == "CANCELED"
    assert replaced.placed == failure


def test_amend_keeps_the_price_of_the_peg() -> None:
    venue = book()
    order = pegged(venue, "BUY", "PRIMARY", quantity="2")
    venue.amend(1, order, "1")
    assert (order.price, order.quantity) == (units("99"), units("1"))
    assert venue.balance(1, "USDT")[1] == units("99")


def test_replacement_is_priced_by_the_book_without_the_cancelled_order() -> None:
    venue = book()
    best = venue.limit(1, "BUY", "1", "99.5")
    replaced = venue.replace(
        1, best.order_id, venue.new("BUY", "LIMIT", quantity="1", peg_price_type="PRIMARY_PEG")
    )
    assert not isinstance(replaced.placed, Rejection | None)
    assert replaced.placed.order.price == units("99")
