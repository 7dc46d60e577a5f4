"""Every write whose answer is lost, over a real socket: the caller learns what became of it, in the answer's shape."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from venue import OpenVenue, Venue
from writes import SYMBOL, WRITES, shape

from crypto_ws_sync import ConnectionLost, PartialFailure, ServerError
from crypto_ws_sync.simulator import Faults

Strike = Callable[[Faults, str], Any]

EXECUTED: dict[str, Strike] = {
    "dropped": lambda faults, method: faults.drop("after", method=method),
    "closed": lambda faults, method: faults.drop("after", method=method, code=1001),
    "504": lambda faults, method: faults.unavailable(executed=True, status=504, method=method),
}
NOT_EXECUTED: dict[str, tuple[Strike, type[Exception]]] = {
    "dropped": (lambda faults, method: faults.drop("before", method=method), ConnectionLost),
    "504": (
        lambda faults, method: faults.unavailable(executed=False, status=504, method=method),
        ServerError,
    ),
}

SWALLOWED = [
    "a limit order",
    "a market order",
    "a cancel",
    "a cancel of a leg",
    "a replacement",
    "an amendment",
    "a pair",
    "a pair in the old form",
    "a chain",
    "a cancel of a list",
]


def _direct(venue: Venue, kind: str) -> Any:
    write = WRITES[kind]
    result = venue.session.handle_request(write.method, write.prepare(venue.desk()))
    venue.clock.advance(20)
    return result


def _lost(venue: Venue, kind: str, strike: Strike) -> tuple[Future[Any], dict[str, Any]]:
    """Send a write whose answer will be lost."""
    write = WRITES[kind]
    params = write.prepare(venue.desk())
    # What stands is older than the write by more than clocks may differ.
    venue.clock.advance(2)
    fault = strike(venue.exchange.faults, write.method)
    future = venue.session.submit(write.method, params)
    assert fault.wait(5)
    return future, params


@pytest.mark.parametrize("fault", EXECUTED)
@pytest.mark.parametrize("kind", WRITES)
def test_an_executed_write_is_found_in_the_shape_of_its_answer(venue: Venue, kind: str, fault: str) -> None:
    direct = _direct(venue, kind)
    before = len(venue.seen(WRITES[kind].method))
    future, params = _lost(venue, kind, EXECUTED[fault])
    venue.settle(future)
    found = future.result(0)
    assert shape(found) == shape(direct)
    if "fills" in direct:
        assert bool(found["fills"]) is bool(direct["fills"])
    if "newClientOrderId" in params and "fills" in direct:
        assert found["clientOrderId"] == params["newClientOrderId"] or params["newClientOrderId"] is None
    assert len(venue.seen(WRITES[kind].method)) == before + 1
    assert not venue.session.unresolved()


@pytest.mark.parametrize("fault", NOT_EXECUTED)
@pytest.mark.parametrize("kind", WRITES)
def test_a_write_without_effect_is_told_after_its_window(venue: Venue, kind: str, fault: str) -> None:
    strike, told = NOT_EXECUTED[fault]
    future, _ = _lost(venue, kind, strike)
    orders = venue.exchange.orders()
    # The window of 1.5 s, and 3 s in which the exchange's caches may lag.
    assert venue.settle(future) >= 4.5
    with pytest.raises(told) as caught:
        future.result(0)
    assert caught.value.method == WRITES[kind].method  # type: ignore[attr-defined]  # both are errors of ours
    assert venue.exchange.orders() == orders
    assert not venue.session.unresolved()


@pytest.mark.timeout(20)  # a write is looked up when it has been unanswered for 2 s
@pytest.mark.parametrize("moment", ["before", "after"])
def test_swallowed_answers_are_looked_up_on_the_living_line(venue: Venue, moment: Any) -> None:
    """All at once; but for what a cancel of all would cancel, and more than the venue lets stand at once."""
    direct = {}
    for kind in SWALLOWED:
        direct[kind] = shape(_direct(venue, kind))
        if venue.session.handle_request("openOrders.status", {"symbol": SYMBOL}):
            venue.session.handle_request("openOrders.cancelAll", {"symbol": SYMBOL})
    venue.clock.advance(20)
    prepared = [(kind, WRITES[kind].method, WRITES[kind].prepare(venue.desk())) for kind in SWALLOWED]
    venue.clock.advance(20)
    methods = list({method for _, method, _ in prepared})
    venue.exchange.faults.swallow(moment, method=methods, times=len(prepared))
    futures = {kind: venue.session.submit(method, params) for kind, method, params in prepared}
    if moment == "after":
        assert not wait(futures.values(), 8).not_done
        assert {kind: shape(future.result(0)) for kind, future in futures.items()} == direct
    else:
        for future in futures.values():
            venue.settle(future)
            with pytest.raises(ConnectionLost):
                future.result(0)
    status = venue.session.status()
    assert not status.reconnects
    assert not status.unresolved


@pytest.mark.timeout(15)  # a write is looked up when it has been unanswered for 2 s
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_swallowed_cancel_of_all(venue: Venue, moment: Any) -> None:
    direct = _direct(venue, "a cancel of all")
    future, _ = _lost(venue, "a cancel of all", lambda faults, method: faults.swallow(moment, method=method))
    venue.settle(future)
    if moment == "after":
        assert shape(future.result(0)) == shape(direct)
    else:
        with pytest.raises(ConnectionLost):
            future.result(0)


@pytest.mark.parametrize("is_heard", [False, True], ids=["looked up", "with a stream"])
def test_a_routed_order_is_found_with_its_fills_from_both_books(
    open_venue: OpenVenue, is_heard: bool
) -> None:
    venue = open_venue(symbols=[SYMBOL, "BTCUSDC"], balances={"USDT": 10_000_000})
    desk = venue.desk()
    # More than one book holds.
    (direct,) = venue.session.handle_request("sor.order.place", desk.market(quantity="40"))
    with ExitStack() as stack:
        if is_heard:
            stack.enter_context(venue.session.user_data())
        venue.clock.advance(2)
        params = desk.market(quantity="40")
        venue.exchange.faults.drop("after", method="sor.order.place")
        future = venue.session.submit("sor.order.place", params)
        venue.settle(future)
    (found,) = future.result(0)
    assert shape(found) == shape(direct)
    assert any("allocId" in fill for fill in found["fills"])
    assert any("allocId" not in fill for fill in found["fills"])
    assert sum(Decimal(fill["qty"]) for fill in found["fills"]) == Decimal(found["executedQty"])
    assert found["clientOrderId"] == params["newClientOrderId"]


# -- both halves of a replacement ---------------------------------------------------------------------------


def _halves(venue: Venue, mode: str, *, cancels: bool, places: bool) -> dict[str, Any]:
    desk = venue.desk()
    old = desk.standing()
    if not cancels:
        venue.session.handle_request("order.cancel", {"symbol": SYMBOL, "origClientOrderId": old})
    # More than there is; the filters, which are checked before anything is cancelled, allow it.
    new = desk.limit() if places else desk.limit(quantity="1")
    venue.clock.advance(2)
    return desk.replacement(new, mode, cancelOrigClientOrderId=old)


@pytest.mark.parametrize("fault", EXECUTED)
@pytest.mark.parametrize(
    ("mode", "cancels", "places"),
    [
        ("STOP_ON_FAILURE", True, False),
        ("ALLOW_FAILURE", True, False),
        ("ALLOW_FAILURE", False, True),
    ],
)
def test_one_half_of_a_replacement(venue: Venue, mode: str, cancels: bool, places: bool, fault: str) -> None:
    with pytest.raises(PartialFailure) as direct:
        venue.session.handle_request(
            "order.cancelReplace", _halves(venue, mode, cancels=cancels, places=places)
        )
    params = _halves(venue, mode, cancels=cancels, places=places)
    struck = EXECUTED[fault](venue.exchange.faults, "order.cancelReplace")
    future = venue.session.submit("order.cancelReplace", params)
    assert struck.wait(5)
    venue.settle(future)
    with pytest.raises(PartialFailure) as found:
        future.result(0)
    assert (found.value.status, found.value.code) == (direct.value.status, direct.value.code)
    assert shape(found.value.data) == shape(direct.value.data)
    for half in ("cancelResult", "newOrderResult"):
        assert found.value.data[half] == direct.value.data[half]


@pytest.mark.parametrize(
    ("mode", "places"), [("STOP_ON_FAILURE", True), ("STOP_ON_FAILURE", False), ("ALLOW_FAILURE", False)]
)
def test_no_half_of_a_replacement(venue: Venue, mode: str, places: bool) -> None:
    """A replacement of which nothing was done is told as one without effect."""
    params = _halves(venue, mode, cancels=False, places=places)
    struck = venue.exchange.faults.drop("after", method="order.cancelReplace")
    future = venue.session.submit("order.cancelReplace", params)
    assert struck.wait(5)
    venue.settle(future)
    with pytest.raises(ConnectionLost):
        future.result(0)
