"""Cancels, cancel-replaces, amendments, and looking orders up."""

from __future__ import annotations

from typing import Any

import pytest
from matching_venue import SYMBOL, SmallVenue, executions, told, units

from crypto_ws_sync.simulator.matching import Amendment, Outcome, Rejection

UNKNOWN = Rejection(-2011, "Unknown order sent.")


def refusal_of(call: Any, *arguments: Any, **fields: Any) -> Rejection:
    with pytest.raises(Rejection) as caught:
        call(*arguments, **fields)
    return caught.value


def test_a_cancel_carries_its_own_id_and_the_orders() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "1", "100", client_order_id="mine")
    outcome = venue.cancel(1, order, new_client_order_id="cancel-1")
    assert outcome.client_order_id == "cancel-1"
    (event,) = executions(outcome, order)
    assert (event.execution_type, event.client_order_id, event.orig_client_order_id) == (
        "CANCELED",
        "cancel-1",
        "mine",
    )
    assert told(outcome) == ["CANCELED/CANCELED 1", "position"]
    assert order.client_order_id == "mine"


def test_a_cancel_finds_by_number_first_and_then_the_client_id_must_match() -> None:
    venue = SmallVenue()
    first = venue.limit(1, "BUY", "1", "100", client_order_id="a")
    venue.limit(1, "BUY", "1", "100", client_order_id="b")
    assert refusal_of(venue.cancel, 1, first, client_order_id="b") == UNKNOWN
    venue.cancel(1, first, client_order_id="a")
    venue.engine.cancel(1, SYMBOL, venue.tick(), client_order_id="b", new_client_order_id="c")
    assert venue.engine.open_orders(1) == []


def test_what_is_not_open_or_not_ones_own_cannot_be_cancelled() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "1", "100")
    assert refusal_of(venue.cancel, 2, order) == UNKNOWN
    venue.cancel(1, order)
    assert refusal_of(venue.cancel, 1, order) == UNKNOWN
    nothing = refusal_of(venue.engine.cancel, 1, SYMBOL, venue.now, new_client_order_id="x")
    assert nothing == UNKNOWN
    assert refusal_of(venue.engine.cancel_all, 1, SYMBOL, venue.now, venue.name) == UNKNOWN


def test_cancel_restrictions_ask_for_a_status() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "2", "100")
    restricted = Rejection(-2011, "Order was not canceled due to cancel restrictions.")
    assert refusal_of(venue.cancel, 1, order, restrictions="ONLY_PARTIALLY_FILLED") == restricted
    venue.limit(2, "SELL", "1", "100")
    assert refusal_of(venue.cancel, 1, order, restrictions="ONLY_NEW") == restricted
    assert refusal_of(venue.cancel, 1, order, restrictions="ONLY_OLD").code == -1145
    venue.cancel(1, order, restrictions="ONLY_PARTIALLY_FILLED")
    fresh = venue.limit(1, "BUY", "2", "99")
    venue.cancel(1, fresh, restrictions="ONLY_NEW")


def test_cancel_all_ends_orders_and_lists_of_one_symbol_oldest_first() -> None:
    venue = SmallVenue(last_price="100")
    single = venue.limit(1, "BUY", "1", "90")
    pair = venue.place_list(
        1,
        "OCO",
        venue.new("SELL", "LIMIT_MAKER", quantity="1", price="110"),
        venue.new("SELL", "STOP_LOSS", quantity="1", stop_price="95"),
    )
    other = venue.limit(2, "BUY", "1", "90")
    outcomes = venue.engine.cancel_all(1, SYMBOL, venue.tick(), venue.name)
    assert [outcome.order_list for outcome in outcomes] == [None, pair.order_list]
    assert [len(outcome.orders) for outcome in outcomes] == [1, 2]
    assert single.status == "CANCELED"
    assert other.status == "NEW"
    assert venue.engine.open_orders(1) == []
    assert venue.balance(1, "BTC") == (units("1000"), 0)


@pytest.mark.parametrize(
    ("status", "cancellable"), [("CANCEL_ONLY", True), ("HALT", False), ("BREAK", False)]
)
def test_what_may_be_cancelled_depends_on_the_symbols_status(status: str, cancellable: bool) -> None:
    venue = SmallVenue(status=status)
    refusals = [
        refusal_of(venue.engine.cancel, 1, SYMBOL, venue.now, order_id=1, new_client_order_id="x"),
        refusal_of(venue.engine.cancel_all, 1, SYMBOL, venue.now, venue.name),
        refusal_of(venue.engine.cancel_list, 1, SYMBOL, venue.now, order_list_id=1, new_client_order_id="x"),
    ]
    assert set(refusals) == {UNKNOWN if cancellable else Rejection(-2011, "Market is closed.")}


CROSSING = Rejection(-2010, "Order would immediately match and take.")


def crossing(venue: SmallVenue) -> Any:
    return venue.new("BUY", "LIMIT_MAKER", quantity="1", price="110")


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_cancel_replace_does_both(mode: str) -> None:
    venue = SmallVenue()
    old = venue.limit(1, "BUY", "1", "100", client_order_id="mine")
    new = venue.new("BUY", "LIMIT", quantity="2", price="101", client_order_id="mine")
    replaced = venue.replace(1, old.order_id, new, mode=mode)
    assert isinstance(replaced.cancelled, Outcome)
    assert isinstance(replaced.placed, Outcome)
    assert old.status == "CANCELED"
    assert replaced.placed.order.status == "NEW"
    assert venue.balance(1, "USDT")[1] == units("202")


def test_cancel_replace_whose_new_order_fails_has_cancelled() -> None:
    venue = SmallVenue()
    venue.limit(2, "SELL", "1", "105")
    old = venue.limit(1, "BUY", "1", "100")
    replaced = venue.replace(1, old.order_id, crossing(venue))
    assert isinstance(replaced.cancelled, Outcome)
    assert replaced.placed == CROSSING
    assert old.status == "CANCELED"


def test_cancel_replace_whose_cancel_fails_goes_on_only_if_allowed() -> None:
    venue = SmallVenue()
    new = venue.new("BUY", "LIMIT", quantity="1", price="100")
    stopped = venue.replace(1, 77, new)
    assert (stopped.cancelled, stopped.placed) == (UNKNOWN, None)
    assert venue.engine.open_orders(1) == []
    allowed = venue.replace(1, 77, new, mode="ALLOW_FAILURE")
    assert allowed.cancelled == UNKNOWN
    assert isinstance(allowed.placed, Outcome)
    venue.limit(2, "SELL", "1", "105")
    neither = venue.replace(1, 77, crossing(venue), mode="ALLOW_FAILURE")
    assert (neither.cancelled, neither.placed) == (UNKNOWN, CROSSING)


def test_cancel_replace_checks_filters_before_anything_is_cancelled() -> None:
    venue = SmallVenue({"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "10", "stepSize": "1"})
    old = venue.limit(1, "BUY", "1", "100")
    refusal = refusal_of(venue.replace, 1, old.order_id, venue.new("BUY", "LIMIT", quantity="0.5", price="1"))
    assert refusal == Rejection(-1013, "Filter failure: LOT_SIZE")
    assert old.status == "NEW"
    new = venue.new("BUY", "LIMIT", quantity="1", price="1")
    assert refusal_of(venue.replace, 1, old.order_id, new, restrictions="SOME").code == -1145
    closed = SmallVenue(cancel_replace_allowed=False)
    assert (
        refusal_of(closed.replace, 1, 1, new).msg == "Order cancel-replace is not supported for this symbol."
    )


def test_an_amendment_keeps_the_place_in_the_queue_and_the_order_id() -> None:
    venue = SmallVenue()
    first = venue.limit(1, "BUY", "7", "100", client_order_id="old")
    venue.limit(2, "BUY", "1", "100")
    outcome = venue.amend(1, first, "5", "new")
    assert outcome.order is first
    (event,) = executions(outcome, first)
    assert (event.execution_type, event.status, event.quantity) == ("REPLACED", "NEW", units("5"))
    assert (event.client_order_id, event.orig_client_order_id, event.is_on_book) == ("new", "old", True)
    assert outcome.amendment == Amendment(
        SYMBOL, first.order_id, event.execution_id, "old", "new", units("7"), units("5"), venue.now
    )
    assert venue.engine.desk(1, SYMBOL).amendments == {first.order_id: [outcome.amendment]}
    assert venue.balance(1, "USDT")[1] == units("500")
    assert venue.engine.best(SYMBOL)[0] == (units("100"), units("6"))
    assert venue.engine.find_order(1, SYMBOL, client_order_id="new") is first
    sale = venue.place(3, "SELL", "LIMIT", quantity="5", price="100")
    assert [t.buyer_order_id for t in sale.trades] == [first.order_id]
    assert first.status == "FILLED"


def test_an_amendment_may_keep_the_client_order_id_but_not_take_anothers() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "7", "100", client_order_id="mine")
    venue.limit(1, "BUY", "7", "100", client_order_id="other")
    assert refusal_of(venue.amend, 1, order, "5", "other") == Rejection(-2038, "Duplicate order sent.")
    assert venue.amend(1, order, "5", "mine").order.client_order_id == "mine"


@pytest.mark.parametrize(
    ("quantity", "msg"),
    [
        ("7.5", "Order amend (quantity increase) is not supported."),
        ("7", "The requested action would change no state; rejecting."),
        ("0.5", "Filter failure: LOT_SIZE"),
    ],
)
def test_a_refused_amendment_leaves_the_order_as_it_was(quantity: str, msg: str) -> None:
    venue = SmallVenue({"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "10", "stepSize": "0.5"})
    order = venue.limit(1, "BUY", "7", "100")
    assert refusal_of(venue.amend, 1, order, quantity, "new") == Rejection(-2038, msg)
    assert (order.quantity, order.client_order_id, order.amend_count) == (units("7"), "id1", 0)
    assert venue.engine.desk(1, SYMBOL).amendments == {}


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_a_new_quantity_must_be_positive(quantity: str) -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "7", "100")
    assert refusal_of(venue.amend, 1, order, quantity).code == -1102
    assert order.quantity == units("7")


def test_amendments_of_one_order_are_limited_in_number() -> None:
    venue = SmallVenue({"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 2})
    order = venue.limit(1, "BUY", "7", "100")
    venue.amend(1, order, "6")
    venue.amend(1, order, "5")
    assert refusal_of(venue.amend, 1, order, "4") == Rejection(-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


def test_amendments_need_the_symbols_leave_and_an_open_order() -> None:
    venue = SmallVenue(amend_allowed=False)
    order = venue.limit(1, "BUY", "7", "100")
    not_supported = Rejection(-2038, "Order amend is not supported for this symbol.")
    assert refusal_of(venue.amend, 1, order, "6") == not_supported
    venue.cancel(1, order)
    assert refusal_of(venue.amend, 1, order, "6") == Rejection(-2038, "Unknown order sent.")


def test_an_amendment_to_what_is_already_executed_expires_the_order() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "7", "100")
    venue.limit(2, "SELL", "3", "100")
    outcome = venue.amend(1, order, "3")
    assert (order.status, order.executed, order.quantity) == ("EXPIRED", units("3"), units("7"))
    assert told(outcome) == ["EXPIRED/EXPIRED 1", "position"]
    assert outcome.amendment is not None
    assert outcome.amendment.execution_id == executions(outcome, order)[0].execution_id
    assert venue.balance(1, "USDT") == (units("999700"), 0)
    assert venue.engine.best(SYMBOL)[0] is None


def test_an_icebergs_visible_part_shrinks_only_if_the_quantity_is_below_it() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "SELL", "7", "100", iceberg_quantity="2")
    venue.amend(1, order, "5")
    assert venue.engine.best(SYMBOL)[1] == (units("100"), units("2"))
    venue.amend(1, order, "1")
    assert venue.engine.best(SYMBOL)[1] == (units("100"), units("1"))
    assert venue.place(2, "BUY", "MARKET", quantity="1").order.status == "FILLED"
    assert order.status == "FILLED"


def test_a_waiting_stop_can_be_amended() -> None:
    venue = SmallVenue(last_price="100")
    stop = venue.place(1, "BUY", "STOP_LOSS", quantity="3", stop_price="110").order
    outcome = venue.amend(1, stop, "1")
    assert executions(outcome, stop)[0].is_on_book is False
    assert venue.balance(1, "USDT")[1] == units("110")


def test_an_unobserved_account_keeps_no_amendments() -> None:
    venue = SmallVenue(observed=False)
    order = venue.limit(1, "BUY", "7", "100")
    outcome = venue.amend(1, order, "5", "new")
    assert outcome.amendment is not None
    assert venue.engine.desk(1, SYMBOL).amendments == {}


def test_orders_are_found_by_number_first_and_then_the_client_id_must_match() -> None:
    venue = SmallVenue()
    order = venue.limit(1, "BUY", "1", "100", client_order_id="a")
    venue.cancel(1, order)
    find = venue.engine.find_order
    assert find(1, SYMBOL, order_id=order.order_id) is order
    assert find(1, SYMBOL, client_order_id="a") is order
    assert find(1, SYMBOL, order_id=order.order_id, client_order_id="a") is order
    mismatch = refusal_of(find, 1, SYMBOL, order_id=order.order_id, client_order_id="b")
    assert mismatch == Rejection(-2039, "Client order ID is not correct for this order ID.")
    absent = Rejection(-2013, "Order does not exist.")
    assert refusal_of(find, 1, SYMBOL, order_id=99) == absent
    assert refusal_of(find, 1, SYMBOL, client_order_id="b") == absent
    assert refusal_of(find, 1, SYMBOL) == absent
    assert refusal_of(find, 2, SYMBOL, order_id=order.order_id) == absent
    assert refusal_of(find, 1, "NOPE", order_id=1) == Rejection(-1121, "Invalid symbol.")
