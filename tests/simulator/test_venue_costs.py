"""What requests cost: weight where they go well or not, and places in the count of unfilled orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bare_client import BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.binance.connection import Options

METHODS: dict[str, dict[str, Any]] = {
    each["method"]: each
    for each in json.loads((Path(__file__).parents[1] / "data" / "methods.json").read_text(encoding="utf-8"))
}
SYMBOL = {"symbol": "BTCUSDT"}


def used(client: BareClient) -> int:
    """The weight used so far, a ping included."""
    return int(client.call("ping")["rateLimits"][-1]["count"])


def counts(client: BareClient) -> list[int]:
    return [each["count"] for each in client.result("account.rateLimits.orders", signed=True)]


class Desk:
    """Prepares the arguments of each method that writes, with what it needs made before.

    Owner: the test's thread.
    """

    def __init__(self, client: BareClient) -> None:
        self.client = client
        price = float(client.result("ticker.price", SYMBOL)["price"])
        self.low, self.high = f"{price * 0.9:.2f}", f"{price * 1.1:.2f}"
        self.lower = f"{price * 0.89:.2f}"

    def order(self) -> dict[str, Any]:
        order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": self.low}
        return {**SYMBOL, **order}

    def resting(self) -> int:
        return int(self.client.result("order.place", self.order(), signed=True)["orderId"])

    def pair(self, prefix: str = "") -> dict[str, Any]:
        legs = {"aboveType": "LIMIT_MAKER", "abovePrice": self.high}
        legs |= {"belowType": "STOP_LOSS", "belowStopPrice": self.low}
        return {prefix + (name[0].upper() + name[1:] if prefix else name): legs[name] for name in legs}

    def working(self) -> dict[str, Any]:
        names = {"Type": "LIMIT", "Side": "BUY", "Price": self.low, "Quantity": "0.01", "TimeInForce": "GTC"}
        return {**SYMBOL, **{f"working{name}": value for name, value in names.items()}}

    def pending(self) -> dict[str, Any]:
        names = {"Type": "LIMIT", "Side": "SELL", "Price": self.high, "TimeInForce": "GTC"}
        return {f"pending{name}": value for name, value in names.items()}

    def listed(self) -> int:
        pair = {**SYMBOL, "side": "SELL", "quantity": "0.01", **self.pair()}
        return int(self.client.result("orderList.place.oco", pair, signed=True)["orderListId"])

    def arguments(self, method: str) -> dict[str, Any]:
        quantity = {"pendingQuantity": "0.01"}
        old = {"side": "SELL", "quantity": "0.01", "price": self.high, "stopPrice": self.low}
        made: dict[str, Callable[[], dict[str, Any]]] = {
            "order.place": self.order,
            "order.cancel": lambda: {**SYMBOL, "orderId": self.resting()},
            "order.cancelReplace": lambda: {
                **self.order(),
                "cancelReplaceMode": "STOP_ON_FAILURE",
                "cancelOrderId": self.resting(),
            },
            "order.amend.keepPriority": lambda: {**SYMBOL, "orderId": self.resting(), "newQty": "0.005"},
            "openOrders.cancelAll": lambda: {**SYMBOL} if self.resting() else {},
            "orderList.place": lambda: {**SYMBOL, **old},
            "orderList.place.oco": lambda: {**SYMBOL, "side": "SELL", "quantity": "0.01", **self.pair()},
            "orderList.place.oto": lambda: {**self.working(), **self.pending(), **quantity},
            "orderList.place.otoco": lambda: {
                **self.working(),
                **quantity,
                "pendingSide": "SELL",
                **self.pair("pending"),
            },
            "orderList.place.opo": lambda: {**self.working(), **self.pending()},
            "orderList.place.opoco": lambda: {
                **self.working(),
                "pendingSide": "SELL",
                **self.pair("pending"),
            },
            "orderList.cancel": lambda: {**SYMBOL, "orderListId": self.listed()},
        }
        return made[method]()


# Smart order routing has its own tests.
FREE = sorted(
    name
    for name, each in METHODS.items()
    if each.get("weight_on_success") == 0 and each["section"] and not name.startswith("sor.")
)
PLACING = sorted(
    name for name, each in METHODS.items() if each["unfilled_order_count"] and not name.startswith("sor.")
)


@pytest.mark.parametrize("method", [*FREE, "order.amend.keepPriority"])
def test_writes_that_go_well_cost_no_weight_save_an_amendment(client: BareClient, method: str) -> None:
    arguments = Desk(client).arguments(method)
    before = used(client)
    client.result(method, arguments, signed=True)
    assert used(client) == before + 1 + (4 if method == "order.amend.keepPriority" else 0)


@pytest.mark.parametrize("method", PLACING)
def test_placements_count_as_many_orders_as_they_place(client: BareClient, method: str) -> None:
    arguments = Desk(client).arguments(method)
    before = counts(client)
    client.result(method, arguments, signed=True)
    listed = METHODS[method]["unfilled_order_count"]
    if method == "orderList.place":
        # its page says 1, the count in its sample shows both legs
        listed = 2
    assert counts(client) == [count + listed for count in before]


@pytest.mark.parametrize("method", ["order.cancel", "openOrders.cancelAll", "orderList.cancel"])
def test_cancels_neither_raise_nor_lower_the_order_count(client: BareClient, method: str) -> None:
    arguments = Desk(client).arguments(method)
    before = counts(client)
    client.result(method, arguments, signed=True)
    assert counts(client) == before


def test_an_expiry_does_not_lower_the_order_count(client: BareClient) -> None:
    order = {**Desk(client).order(), "timeInForce": "IOC"}
    assert client.result("order.place", order, signed=True)["status"] == "EXPIRED"
    assert counts(client) == [1, 1]


@pytest.mark.parametrize("age_ms", [6000, -2000, 60 * 365 * 86_400_000])
def test_a_request_refused_for_its_timestamp_costs_its_weight(client: BareClient, age_ms: int) -> None:
    before = used(client)
    stale = client.signed({"timestamp": round(client.exchange.now() * 1000) - age_ms})
    assert client.call("account.status", stale)["status"] == 400
    assert used(client) == before + 20 + 1


def test_a_request_refused_just_before_the_engine_costs_its_weight_and_a_place_in_the_count(
    clock: ManualClock,
) -> None:
    """Without a socket, so that the clock moves exactly between the two checks of the request's age."""
    exchange = SimulatedExchange(clock=clock, symbols=["BTCUSDT"])
    venue = exchange._venue
    connection = venue.connect(
        "address", Options(), venue.now_us(), lambda text: None, lambda code, reason: None
    )
    connection.session = exchange.accounts[0]
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "60000"}
    params = {**SYMBOL, **order, "timestamp": round(clock.now() * 1000)}
    request = venue.receive(connection, json.dumps({"id": 1, "method": "order.place", "params": params}))
    assert request.refusal is None
    clock.advance(6)
    request.is_late = True
    text = venue.execute(connection, request)
    assert text is not None
    reply = json.loads(text)
    assert reply["error"]["code"] == -1021
    # connecting has a weight of two
    assert [each["count"] for each in reply["rateLimits"]] == [1, 1, 3]
    assert exchange.orders() == []
