"""OPO and OPOCO on the wire: a working purchase that pays for what is pending."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bare_client import BareClient
from sample_scenarios import SYMBOL, last_price, signed

from crypto_ws_sync.simulator import SimulatedExchange


def opo(client: BareClient, **changes: Any) -> dict[str, Any]:
    """A purchase far below the market, and a sale far above it."""
    return {
        **SYMBOL,
        "workingType": "LIMIT",
        "workingTimeInForce": "GTC",
        "workingSide": "BUY",
        "workingPrice": last_price(client, 0.9),
        "workingQuantity": "0.01",
        "pendingType": "LIMIT",
        "pendingTimeInForce": "GTC",
        "pendingSide": "SELL",
        "pendingPrice": last_price(client, 1.1),
        **changes,
    }


def opoco(client: BareClient) -> dict[str, Any]:
    """A purchase that fills at once, and a pair around the market."""
    params = opo(client, workingPrice=last_price(client, 1.01))
    for name in ("pendingType", "pendingTimeInForce", "pendingPrice"):
        del params[name]
    return {
        **params,
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": last_price(client, 1.1),
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": last_price(client, 0.9),
    }


def status(client: BareClient, report: dict[str, Any]) -> Any:
    """An order as order.status tells of it."""
    return client.result("order.status", {**SYMBOL, "orderId": report["orderId"]}, signed=True)


def test_pending_order_has_its_quantity_once_the_working_order_has_filled(
    exchange: SimulatedExchange, client: BareClient
) -> None:
    client.result("userDataStream.subscribe.signature", client.signed())
    # Nothing else of the asset, so that the commission comes out of what was bought.
    exchange.deposit("BTC", -exchange.balances()["BTC"].free)
    book = client.result("ticker.book", SYMBOL)
    middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
    placed = client.result("orderList.place.opo", opo(client, workingPrice=middle), signed=True)
    working, pending = placed["orderReports"]
    assert placed["contingencyType"] == "OTO"
    assert "origQty" not in pending
    assert (pending["status"], status(client, pending)["origQty"]) == ("PENDING_NEW", "0.00000000")
    amend = {**SYMBOL, "orderId": pending["orderId"], "newQty": "0.005"}
    assert client.refusal("order.amend.keepPriority", amend, signed=True)[1:] == (
        -2038,
        "Order amend (pending OPO order) is not supported.",
    )
    with BareClient(exchange, exchange.add_account("hmac")) as other:
        other.place_limit(middle, side="SELL", quantity="0.004")
        assert exchange.balances()["BTC"].free == 0
        assert exchange.balances()["BTC"].locked == Decimal("0.003996")
        other.place_limit(middle, side="SELL", quantity="0.006")
    assert status(client, working)["status"] == "FILLED"
    now = status(client, pending)
    # 0.00999 less what is no whole lot of 0.00001.
    assert (now["status"], now["origQty"]) == ("NEW", "0.00999000")
    assert exchange.balances()["BTC"].free == 0
    client.call("ping")
    told = [event["event"] for event in client.events if event["event"].get("i") == pending["orderId"]]
    assert [(each["x"], each["X"], each["q"]) for each in told] == [
        ("NEW", "PENDING_NEW", "0.00000000"),
        ("NEW", "NEW", "0.00999000"),
    ]


def test_order_list_that_ends_early_frees_what_was_bought(
    exchange: SimulatedExchange, client: BareClient
) -> None:
    exchange.deposit("BTC", -exchange.balances()["BTC"].free)
    book = client.result("ticker.book", SYMBOL)
    middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
    placed = client.result("orderList.place.opo", opo(client, workingPrice=middle), signed=True)
    with BareClient(exchange, exchange.add_account("hmac")) as other:
        other.place_limit(middle, side="SELL", quantity="0.004")
    assert exchange.balances()["BTC"].locked == Decimal("0.003996")
    number = {**SYMBOL, "orderListId": placed["orderListId"]}
    ended = client.result("orderList.cancel", number, signed=True)
    assert {each["status"] for each in ended["orderReports"]} == {"CANCELED"}
    assert {each["origQty"] for each in ended["orderReports"]} == {"0.01000000", "0.00000000"}
    assert exchange.balances()["BTC"].free == Decimal("0.003996")


def test_pair_sells_what_the_working_order_bought(client: BareClient) -> None:
    reply = signed(client, "orderList.place.opoco", opoco(client))
    working, *pair = reply["result"]["orderReports"]
    assert working["status"] == "FILLED"
    assert [each["status"] for each in pair] == ["PENDING_NEW", "PENDING_NEW"]
    # The rest of the BTC pays the commission, so the whole quantity is sold.
    found = [status(client, each) for each in pair]
    assert {(each["status"], each["origQty"]) for each in found} == {("NEW", "0.01000000")}
    told = client.result("orderList.status", {"orderListId": working["orderListId"]}, signed=True)
    assert told["listOrderStatus"] == "EXECUTING"


@pytest.mark.parametrize(("method", "count"), [("orderList.place.opo", 2), ("orderList.place.opoco", 3)])
def test_every_leg_counts_as_an_unfilled_order(client: BareClient, method: str, count: int) -> None:
    params = opo(client) if count == 2 else {**opoco(client), "workingPrice": last_price(client, 0.9)}
    reply = signed(client, method, params)
    assert [each["count"] for each in reply["rateLimits"][:2]] == [count, count]


@pytest.mark.parametrize("method", ["orderList.place.opo", "orderList.place.opoco"])
@pytest.mark.parametrize(
    ("change", "code", "msg"),
    [
        ({"workingSide": "SELL"}, -1222, "Working order in an OPO list must be a bid."),
        ({"pendingSide": "BUY"}, -1223, "Pending orders in an OPO list must be asks."),
        (
            {"pendingQuantity": "0.01"},
            -1225,
            "Pending orders should not include the 'pendingQuantity' tag.",
        ),
    ],
)
def test_wrong_lists_are_refused(
    client: BareClient, method: str, change: dict[str, str], code: int, msg: str
) -> None:
    params = opo(client) if method.endswith("opo") else opoco(client)
    assert client.refusal(method, {**params, **change}, signed=True) == (400, code, msg)
    assert client.exchange.orders() == []
