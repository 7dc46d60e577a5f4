"""Smart order routing on the wire: replies, events, allocations and what the others see of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bare_client import BareClient
from sample_scenarios import SYMBOL, routed, signed

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

OTHER = {"symbol": "BTCUSDC"}


def place(client: BareClient, **changes: Any) -> Any:
    """Place an order that BTCUSDC fills; the reply without its list."""
    (placed,) = client.result("sor.order.place", routed(client, **changes), signed=True)
    return placed


def allocations(client: BareClient, **params: Any) -> list[int]:
    """The ids of the account's allocations on BTCUSDT."""
    found = client.result("myAllocations", {**SYMBOL, **params}, signed=True)
    return [each["allocationId"] for each in found]


def test_exchange_info_names_the_pools(client: BareClient) -> None:
    assert client.result("exchangeInfo", SYMBOL)["sors"] == [
        {"baseAsset": "BTC", "symbols": ["BTCUSDT", "BTCUSDC"]}
    ]


def test_without_a_pool_there_is_no_routing(clock: ManualClock) -> None:
    with SimulatedExchange(symbols=["BTCUSDT"], clock=clock) as exchange, BareClient(exchange) as client:
        assert "sors" not in client.result("exchangeInfo")
        order = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        refusal = (400, -1020, "This operation is not supported.")
        assert client.refusal("sor.order.place", order, signed=True) == refusal
        assert client.refusal("sor.order.test", order, signed=True) == refusal


def test_fills_from_another_book_are_allocations_and_no_trades(client: BareClient) -> None:
    placed = place(client)
    assert (placed["status"], placed["workingFloor"], placed["usedSor"]) == ("FILLED", "SOR", True)
    for place_of, fill in enumerate(placed["fills"]):
        assert (fill["tradeId"], fill["allocId"]) == (-1, place_of)
        assert fill["matchType"] == "ONE_PARTY_TRADE_REPORT"
    assert client.result("myTrades", SYMBOL, signed=True) == []
    assert client.result("myTrades", OTHER, signed=True) == []
    (mine,) = client.result("myAllocations", SYMBOL, signed=True)
    (fill,) = placed["fills"]
    assert mine["orderId"] == placed["orderId"]
    assert {name: mine[name] for name in ("price", "qty", "commission", "commissionAsset")} == {
        name: fill[name] for name in ("price", "qty", "commission", "commissionAsset")
    }
    public = client.result("trades.recent", {**OTHER, "limit": 1})[0]
    assert (public["price"], public["qty"]) == (fill["price"], fill["qty"])
    found = client.result("order.status", {**SYMBOL, "orderId": placed["orderId"]}, signed=True)
    assert (found["usedSor"], found["workingFloor"]) == (True, "SOR")


def test_payment_is_in_the_own_quote_asset(client: BareClient) -> None:
    before = client.exchange.balances()
    placed = place(client)
    after = client.exchange.balances()
    quote, base = Decimal(placed["cummulativeQuoteQty"]), Decimal(placed["executedQty"])
    fee = Decimal(placed["fills"][0]["commission"])
    is_purchase = placed["side"] == "BUY"
    moved = {"USDT": -quote if is_purchase else quote - fee, "BTC": base - fee if is_purchase else -base}
    assert {asset: after[asset].free - before[asset].free for asset in moved} == moved
    assert after.get("USDC") == before.get("USDC")


def test_book_that_is_halted_is_left_out(client: BareClient) -> None:
    order = routed(client)
    client.exchange.rules.set_status("BTCUSDC", "HALT")
    (placed,) = client.result("sor.order.place", order, signed=True)
    assert (placed["status"], placed["workingFloor"]) == ("FILLED", "EXCHANGE")
    assert client.result("myAllocations", SYMBOL, signed=True) == []
    client.exchange.rules.set_status("BTCUSDT", "HALT")
    client.exchange.rules.set_status("BTCUSDC", "TRADING")
    refusal = client.refusal("sor.order.place", order, signed=True)
    assert refusal == (400, -2010, "Market is closed.")


def test_events_have_the_floor_and_the_allocation(client: BareClient) -> None:
    client.result("userDataStream.subscribe.signature", client.signed())
    placed = place(client)
    client.call("ping")
    new, trade = (each["event"] for each in client.events if each["event"]["e"] == "executionReport")
    for event in (new, trade):
        assert (event["i"], event["k"], event["uS"]) == (placed["orderId"], "SOR", True)
    assert ("a" in new, "b" in new) == (False, False)
    assert (trade["b"], trade["a"], trade["t"], trade["x"]) == ("ONE_PARTY_TRADE_REPORT", 0, -1, "TRADE")


def test_own_order_on_another_book_is_named_with_its_symbol(client: BareClient) -> None:
    client.exchange.deposit("USDC", 1_000_000)
    order = routed(client)
    own, other = (client.result("ticker.book", each) for each in (SYMBOL, OTHER))
    is_purchase = order["side"] == "BUY"
    # The better of all: between the best prices of the other book, on the side that the order takes from.
    middle = (Decimal(other["bidPrice"]) + Decimal(other["askPrice"])) / 2
    side = "SELL" if is_purchase else "BUY"
    assert middle < Decimal(own["askPrice"]) if is_purchase else middle > Decimal(own["bidPrice"])
    mine = client.place_limit(f"{middle:.2f}", symbol="BTCUSDC", side=side, quantity="0.001")
    client.result("userDataStream.subscribe.signature", client.signed())
    (placed,) = client.result(
        "sor.order.place", {**order, "selfTradePreventionMode": "EXPIRE_BOTH"}, signed=True
    )
    assert placed["status"] == "EXPIRED_IN_MATCH"
    (match,) = placed["preventedMatches"]
    assert (match["makerSymbol"], match["makerOrderId"]) == ("BTCUSDC", mine["orderId"])
    client.call("ping")
    told = [each["event"] for each in client.events if each["event"].get("x") == "TRADE_PREVENTION"]
    assert {(each["s"], each["Cs"], each["U"]) for each in told} == {
        ("BTCUSDC", "BTCUSDT", placed["orderId"]),
        ("BTCUSDT", "BTCUSDC", mine["orderId"]),
    }
    (found,) = client.result("myPreventedMatches", {**SYMBOL, "orderId": placed["orderId"]}, signed=True)
    assert (found["symbol"], found["makerSymbol"]) == ("BTCUSDT", "BTCUSDC")
    (same,) = client.result("myPreventedMatches", {**OTHER, "orderId": mine["orderId"]}, signed=True)
    assert same == found


def test_plain_orders_do_not_say_that_they_could_be_routed(client: BareClient) -> None:
    placed = client.result("order.place", routed(client), signed=True)
    assert not {"usedSor", "workingFloor"} & set(placed)
    assert not {"matchType", "allocId"} & set(placed["fills"][0] if placed["fills"] else {})


def test_rest_of_the_order_stands_on_the_submitted_symbol(client: BareClient) -> None:
    order = routed(client)
    far = "40000.00" if order["side"] == "BUY" else "90000.00"
    (resting,) = client.result("sor.order.place", {**order, "price": far}, signed=True)
    assert (resting["status"], resting["workingFloor"]) == ("NEW", "EXCHANGE")
    (open_one,) = client.result("openOrders.status", SYMBOL, signed=True)
    assert open_one["orderId"] == resting["orderId"]
    assert client.result("openOrders.status", OTHER, signed=True) == []
    cancelled = client.result("order.cancel", {**SYMBOL, "orderId": resting["orderId"]}, signed=True)
    assert (cancelled["status"], cancelled["usedSor"]) == ("CANCELED", True)


@pytest.mark.parametrize(("size", "keys"), [("ACK", 5), ("RESULT", 18), ("FULL", 19)])
def test_reply_comes_in_three_sizes_and_full_by_default(client: BareClient, size: str, keys: int) -> None:
    assert len(place(client, newOrderRespType=size)) == keys
    if size == "FULL":
        assert len(place(client)) == keys


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quoteOrderQty": "10"}, -1104),
        ({"pegPriceType": "MARKET_PEG"}, -1104),
        ({"type": "LIMIT_MAKER"}, -1116),
        ({"type": "STOP_LOSS"}, -1116),
        ({"timeInForce": None}, -1102),
        ({"price": None}, -1102),
        ({"quantity": None}, -1102),
        ({"quantity": "0.000011"}, -1013),
        ({"symbol": "NOSUCH"}, -1121),
        ({"symbol": "ETHUSDT"}, -1020),
    ],
)
def test_what_cannot_be_routed_is_refused(client: BareClient, change: dict[str, Any], code: int) -> None:
    order = {name: value for name, value in routed(client, **change).items() if value is not None}
    for method in ("sor.order.place", "sor.order.test"):
        assert client.refusal(method, order, signed=True)[1] == code


def test_order_counts_as_one_and_a_test_as_none(client: BareClient) -> None:
    order = routed(client, type="LIMIT", price="40000.00", side="BUY")
    reply = signed(client, "sor.order.place", order)
    assert [each["count"] for each in reply["rateLimits"][:2]] == [1, 1]
    # Accepted, so that it costs no weight.
    before = reply["rateLimits"][-1]["count"]
    assert signed(client, "sor.order.test", order)["rateLimits"][-1]["count"] == before + 1
    rates = signed(client, "sor.order.test", {**order, "computeCommissionRates": True})
    assert rates["rateLimits"][-1]["count"] == before + 1 + 20
    assert len(client.exchange.orders()) == 1


def test_allocations_are_found_by_order_id_and_time(client: BareClient, clock: ManualClock) -> None:
    orders = []
    for _ in range(5):
        orders.append(place(client)["orderId"])
        clock.advance(1)
    start = round(client.exchange.now() * 1000) - 3500
    assert allocations(client) == [0, 1, 2, 3, 4]
    assert allocations(client, limit=2) == [0, 1]
    assert allocations(client, fromAllocationId=3) == [3, 4]
    assert allocations(client, orderId=orders[2]) == [2]
    assert allocations(client, orderId=orders[2], fromAllocationId=3) == []
    assert allocations(client, startTime=start, limit=2) == [2, 3]
    assert allocations(client, endTime=start, limit=1) == [1]
    assert allocations(client, startTime=start - 1000, endTime=start) == [1]
    assert client.refusal("myAllocations", {**SYMBOL, "fromAllocationId": 1, "startTime": 1}, signed=True)[
        1
    ] == (-1128)
    day = {"startTime": start - 86_400_001, "endTime": start}
    assert client.refusal("myAllocations", {**SYMBOL, **day}, signed=True)[1] == -1127
