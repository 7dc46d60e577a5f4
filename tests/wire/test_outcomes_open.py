"""What is open until it is proved: late orders, names used again, many at once, callers who left."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from concurrent.futures import Future, wait
from typing import Any

import pytest
from venue import OpenVenue, Venue
from writes import SYMBOL

from crypto_ws_sync import (
    ConnectionLost,
    InvalidParameter,
    OutcomeUnknown,
    SessionClosed,
    StreamGap,
    UserWSSession,
)
from crypto_ws_sync.engine.connection import Connection

WINDOW = 1.5
MARGIN = 3.0
"""Seconds for which the exchange's caches may lag behind its engine."""


@pytest.mark.parametrize("age", [1.2, 1.49])
def test_an_order_that_reaches_the_book_late_is_never_called_absent(venue: Venue, age: float) -> None:
    """The line breaks, and the exchange executes what it has only when its window is almost over."""
    late = venue.exchange.faults.delay(0.5, moment="before", method="order.place", times=1)
    signed_at = venue.clock.now()
    future = venue.session.submit("order.place", venue.desk().limit())
    assert late.wait(5)
    venue.exchange.faults.drop_all()
    venue.clock.advance(age)
    assert not venue.exchange.orders()
    while not venue.exchange.orders():
        assert not wait([future], 0.02).done
    venue.settle(future)
    placed = future.result(0)
    (order,) = venue.exchange.orders()
    assert placed["orderId"] == order["orderId"]
    assert order["time"] / 1000 - signed_at >= age - 0.002
    assert len(venue.seen("order.place")) == 1


def test_an_order_that_comes_too_late_is_told_absent_and_not_before(venue: Venue) -> None:
    late = venue.exchange.faults.delay(0.3, moment="before", method="order.place", times=1)
    future = venue.session.submit("order.place", venue.desk().limit())
    assert late.wait(5)
    venue.exchange.faults.drop_all()
    venue.clock.advance(WINDOW + 0.1)
    # Looked for again and again, and not there, but it may yet be behind a cache.
    count = len(venue.seen("order.status"))
    while len(venue.seen("order.status")) < count + 2:
        assert not wait([future], 0.02).done
        venue.clock.advance(0.1)
    assert venue.settle(future, step=0.1) + 0.1 * 20 > MARGIN
    with pytest.raises(ConnectionLost):
        future.result(0)
    assert not venue.exchange.orders()


def test_nothing_is_told_before_window_and_margin_have_passed(venue: Venue) -> None:
    dropped = venue.exchange.faults.drop("before", method="order.place")
    future = venue.session.submit("order.place", venue.desk().limit())
    assert dropped.wait(5)
    venue.clock.advance(WINDOW + MARGIN - 0.01)
    count = len(venue.seen("order.status"))
    lookups = venue.exchange.faults.delay(0.0, method="order.status", times=None)
    assert lookups.wait(5) or count
    assert not wait([future], 0.2).done
    venue.settle(future, step=0.05)
    with pytest.raises(ConnectionLost):
        future.result(0)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_older_order_under_the_same_name_is_not_taken_for_the_new_one(venue: Venue, moment: Any) -> None:
    desk = venue.desk()
    params = desk.limit()
    older = venue.session.handle_request("order.place", params)
    venue.session.handle_request("order.cancel", {"symbol": SYMBOL, "orderId": older["orderId"]})
    venue.clock.advance(10)
    venue.exchange.faults.drop(moment, method="order.place")
    future = venue.session.submit("order.place", params)
    venue.settle(future)
    if moment == "after":
        assert future.result(0)["orderId"] != older["orderId"]
    else:
        with pytest.raises(ConnectionLost):
            future.result(0)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("method", ["order.place", "order.cancelReplace", "orderList.place.oco"])
def test_a_name_used_again_in_the_same_moment_names_the_newer_order(
    venue: Venue, method: str, moment: Any
) -> None:
    """The exchange's clock stands still, so nothing but the orders' numbers tells which is the older one."""
    desk = venue.desk()
    params = desk.oco() if method == "orderList.place.oco" else desk.market()
    older = venue.session.handle_request("order.place" if "List" not in method else method, params)
    if method == "orderList.place.oco":
        venue.session.handle_request(
            "orderList.cancel", {"symbol": SYMBOL, "orderListId": older["orderListId"]}
        )
    if method == "order.cancelReplace":
        params = desk.replacement(params, cancelOrigClientOrderId=desk.standing())
    known = {order["orderId"] for order in venue.exchange.orders()}
    venue.exchange.faults.drop(moment, method=method)
    future = venue.session.submit(method, params)
    venue.settle(future)
    if moment == "before":
        with pytest.raises(ConnectionLost):
            future.result(0)
        return
    made = future.result(0)
    made = made.get("newOrderResponse", made)
    numbers = {leg["orderId"] for leg in made.get("orders", [made])}
    assert numbers
    assert numbers.isdisjoint(known)


@pytest.mark.parametrize("method", ["order.place", "order.cancelReplace"])
def test_an_order_that_was_amended_meanwhile_is_the_one_placed(venue: Venue, method: str) -> None:
    desk = venue.desk()
    params = desk.limit()
    name, symbol = params["newClientOrderId"], {"symbol": SYMBOL}
    if method == "order.cancelReplace":
        params = desk.replacement(params)
    session, exchange = venue.session, venue.exchange
    with UserWSSession(
        exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=venue.clock
    ) as other:
        refused = exchange.faults.refuse_handshake(503, times=None)
        exchange.faults.drop("after", method=method)
        future = session.submit(method, params)
        assert refused.wait(5)
        for quantity in ("0.002", "0.001"):
            amended = {**symbol, "origClientOrderId": name, "newClientOrderId": name, "newQty": quantity}
            other.handle_request("order.amend.keepPriority", amended)
        refused.cancel()
        venue.settle(future)
    placed = future.result(0)
    assert placed.get("newOrderResponse", placed)["origQty"] == "0.00100000"


@pytest.mark.parametrize("named_by", ["name", "number"])
def test_an_amendment_is_found_behind_a_later_one(venue: Venue, named_by: str) -> None:
    symbol, session, exchange = {"symbol": SYMBOL}, venue.session, venue.exchange
    placed = session.handle_request("order.place", venue.desk().limit())
    name = placed["clientOrderId"]
    order = {"orderId": placed["orderId"]} if named_by == "number" else {"origClientOrderId": name}
    with UserWSSession(
        exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=venue.clock
    ) as other:
        refused = exchange.faults.refuse_handshake(503, times=None)
        exchange.faults.drop("after", method="order.amend.keepPriority")
        first = {**symbol, **order, "newClientOrderId": name, "newQty": "0.002"}
        future = session.submit("order.amend.keepPriority", first)
        assert refused.wait(5)
        other.handle_request("order.amend.keepPriority", {**first, "newQty": "0.001"})
        refused.cancel()
        venue.settle(future)
    assert future.result(0)["amendedOrder"]["qty"] == "0.00200000"


# -- many at once -------------------------------------------------------------------------------------------


def test_many_open_orders_are_asked_for_together_first(venue: Venue) -> None:
    desk = venue.desk()
    held = venue.exchange.faults.delay(0.3, moment="after", method="order.place", times=None)
    futures = [venue.session.submit("order.place", desk.limit()) for _ in range(25)]
    assert held.wait(5, strikes=25)
    venue.exchange.faults.drop_all()
    assert not wait(futures, 5).not_done
    numbers = {future.result(0)["orderId"] for future in futures}
    assert numbers == {order["orderId"] for order in venue.exchange.orders()}
    assert len(venue.seen("openOrders.status")) == 1
    assert not venue.seen("order.status")


def _too_late(venue: Venue, count: int) -> list[Future[Any]]:
    """Send orders that reach the exchange's engine after their window, over a line that breaks."""
    desk = venue.desk()
    late = venue.exchange.faults.delay(0.3, moment="before", method="order.place", times=None)
    futures = [venue.session.submit("order.place", desk.limit()) for _ in range(count)]
    assert late.wait(5, strikes=count)
    venue.exchange.faults.drop_all()
    venue.clock.advance(WINDOW + 0.1)
    return futures


def test_those_that_are_not_among_the_open_ones_are_asked_for_by_name(venue: Venue) -> None:
    futures = _too_late(venue, 15)
    venue.settle(*futures)
    asked = [seen.method for seen in venue.seen("openOrders.status", "order.status")]
    assert asked[0] == "openOrders.status"
    assert asked.count("order.status") >= 2 * 15
    for future in futures:
        with pytest.raises(ConnectionLost):
            future.result(0)


@pytest.mark.timeout(30)  # some minutes of the exchange's clock, a step at a time
def test_look_ups_take_a_tenth_of_the_weight_limit(open_venue: OpenVenue) -> None:
    venue = open_venue(rate_limits={"REQUEST_WEIGHT": 1000})
    futures = _too_late(venue, 40)
    first = int(venue.clock.now() // 60)
    # 40 orders, each looked for twice at the least: more than one minute's share.
    moved = venue.settle(*futures, step=1.0)
    assert moved > 60
    weights = {"order.status": 4, "openOrders.status": 6}
    spent: dict[int, int] = {}
    for seen in venue.seen(*weights):
        if seen.code == -1021:
            continue  # signed while the clock leapt, and sent again
        minute = int(seen.time // 60)
        spent[minute] = spent.get(minute, 0) + weights[seen.method]
    # The clock leaps while questions are under way, so some are seen a minute after they were allowed; none before.
    minutes = range(first, max(spent) + 1)
    so_far = [sum(spent.get(each, 0) for each in minutes[: count + 1]) for count in range(len(minutes))]
    assert all(cost <= 100 * (count + 1) for count, cost in enumerate(so_far)), spent
    assert sum(spent.values()) >= 40 * 2 * 4


def _weight_used(venue: Venue) -> int:
    return next(limit.used for limit in venue.session.status().limits if limit.bucket == "weight")


def test_look_ups_go_before_what_waits(open_venue: OpenVenue) -> None:
    venue = open_venue(rate_limits={"REQUEST_WEIGHT": 40})
    desk = venue.desk()
    params = desk.limit()
    venue.clock.advance(60 - venue.clock.now() % 60 + 1)
    # There is room for the order, and for nothing after it.
    while _weight_used(venue) < 39:
        venue.session.handle_request("ping")
    venue.exchange.faults.swallow("after", method="order.place")
    with pytest.raises(OutcomeUnknown) as unknown:
        venue.session.handle_request("order.place", params, timeout=0.2)
    assert venue.session.unresolved()
    waiting = [venue.session.submit("ping", on_limit="wait", timeout=60) for _ in range(3)]
    # The look-up, too, which is behind them by then.
    while venue.session.status().waiting < 4:
        assert not wait(waiting, 0.004).done
    seen = len(venue.exchange.requests())
    venue.settle(*waiting, step=1.0)
    assert unknown.value.resolve(5)["clientOrderId"] == params["newClientOrderId"]
    methods = [each.method for each in venue.exchange.requests()[seen:] if each.method != "time"]
    assert methods == ["order.status", "ping", "ping", "ping"]


def test_lost_orders_do_not_keep_the_connections_they_were_lost_with(venue: Venue) -> None:
    desk = venue.desk()
    for _ in range(8):
        venue.exchange.faults.drop("after", method="order.place")
        venue.settle(venue.session.submit("order.place", desk.market()))
    assert venue.session.wait_operational(5)
    gc.collect()
    alive = [each for each in gc.get_objects() if isinstance(each, Connection)]
    assert len(alive) < 5


# -- callers who left ---------------------------------------------------------------------------------------


def test_ctrl_c_leaves_a_write_that_can_be_resolved(venue: Venue) -> None:
    params = venue.desk().limit()
    swallowed = venue.exchange.faults.swallow("after", method="order.place")
    main = threading.get_ident()

    def interrupt() -> None:
        assert swallowed.wait(5)
        signal.pthread_kill(main, signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        venue.session.handle_request("order.place", params)
    helper.join()
    if sys.version_info >= (3, 11):
        assert params["newClientOrderId"] in caught.value.__notes__[0]
    (open_write,) = venue.session.unresolved()
    assert open_write.client_order_id == params["newClientOrderId"]
    assert open_write.resolve(5)["clientOrderId"] == params["newClientOrderId"]
    assert not venue.session.unresolved()


def test_what_a_stopped_session_left_open_is_settled_by_its_next_start(venue: Venue) -> None:
    desk = venue.desk()
    there, absent = desk.limit(), desk.limit()
    futures = []
    moments: list[tuple[Any, dict[str, Any]]] = [("after", there), ("before", absent)]
    for moment, params in moments:
        swallowed = venue.exchange.faults.swallow(moment, method="order.place")
        futures.append(venue.session.submit("order.place", params))
        assert swallowed.wait(5)
    venue.session.stop(0.4)
    errors = []
    for future in futures:
        with pytest.raises(OutcomeUnknown) as caught:
            future.result(0)
        assert isinstance(caught.value.__cause__, SessionClosed)
        errors.append(caught.value)
    with pytest.raises(SessionClosed):
        errors[0].resolve()
    assert len(venue.session.unresolved()) == 2
    venue.session.start()
    with pytest.raises(InvalidParameter, match="unresolved"):
        # The older one is asked for at once, so the absent one is the one that stays open.
        venue.session.handle_request("order.place", absent)
    assert errors[0].resolve(5)["clientOrderId"] == there["newClientOrderId"]
    assert [each.client_order_id for each in venue.session.unresolved()] == [absent["newClientOrderId"]]
    for _ in range(4):
        venue.clock.advance(2)
    with pytest.raises(ConnectionLost):
        errors[1].resolve(5)
    assert venue.session.handle_request("order.place", absent)["status"] == "NEW"


def test_an_event_settles_what_its_stream_tells_of(venue: Venue) -> None:
    desk = venue.desk()
    name = desk.standing()
    cancel = {"symbol": SYMBOL, "origClientOrderId": name}
    with venue.session.user_data() as events:
        venue.exchange.faults.swallow("after", method="order.cancel")
        with pytest.raises(OutcomeUnknown) as unknown:
            venue.session.handle_request("order.cancel", cancel, timeout=0.2)
        assert unknown.value.resolve(5)["status"] == "CANCELED"
        told = next(events)
        assert not isinstance(told, StreamGap)
        assert told["e"] == "executionReport"
    assert not venue.seen("order.status")


def test_ctrl_c_while_there_is_no_connection_takes_the_order_back(venue: Venue) -> None:
    params = venue.desk().limit()
    refused = venue.exchange.faults.refuse_handshake(503, times=None)
    venue.exchange.faults.drop_all()
    assert refused.wait(5), "the end of the line has been noticed once another one is asked for"
    is_ready = threading.Event()
    main = threading.get_ident()

    def interrupt() -> None:
        assert is_ready.wait(5)
        while not venue.session.status().waiting:
            refused.wait(0.01, strikes=1_000_000)
        signal.pthread_kill(main, signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()

    def ask() -> None:
        is_ready.set()
        venue.session.handle_request("order.place", params)

    with pytest.raises(KeyboardInterrupt):
        ask()
    helper.join()
    refused.cancel()
    assert venue.session.wait_operational(8)
    assert venue.session.ping() == {}
    assert not venue.session.unresolved()
    assert not venue.exchange.orders()
