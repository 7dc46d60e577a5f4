"""What leads to each of the published sample replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bare_client import BareClient

from crypto_ws_sync.simulator import SimulatedExchange

SYMBOL = {"symbol": "BTCUSDT"}
NEVER = 10**9

Scenario = Callable[[BareClient], list[Any]]


def last_price(client: BareClient, factor: float = 1.0, symbol: str = "BTCUSDT") -> str:
    """A price in some distance from the market."""
    return f"{float(client.result('ticker.price', {'symbol': symbol})['price']) * factor:.2f}"


def limit(client: BareClient, **changes: Any) -> dict[str, Any]:
    """A LIMIT order that rests."""
    order = {
        **SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": last_price(client, 0.9),
        **changes,
    }
    return {name: value for name, value in order.items() if value is not None}


def signed(client: BareClient, method: str, params: dict[str, Any] | None = None) -> Any:
    """The whole reply to a signed request."""
    return client.call(method, params, signed=True)


def pair(client: BareClient) -> dict[str, Any]:
    """A BUY pair as in the sample: a stop-loss limit above, a limit maker below."""
    return {
        **SYMBOL,
        "side": "BUY",
        "quantity": "0.01",
        "aboveType": "STOP_LOSS_LIMIT",
        "abovePrice": last_price(client, 1.1),
        "aboveStopPrice": last_price(client, 1.09),
        "aboveTimeInForce": "GTC",
        "belowType": "LIMIT_MAKER",
        "belowPrice": last_price(client, 0.9),
    }


def working(client: BareClient, side: str = "SELL", factor: float = 1.1) -> dict[str, Any]:
    """The working order of a chain."""
    return {
        **SYMBOL,
        "workingType": "LIMIT",
        "workingSide": side,
        "workingPrice": last_price(client, factor),
        "workingQuantity": "0.01",
        "workingTimeInForce": "GTC",
    }


def placements(client: BareClient) -> list[Any]:
    best = client.result("ticker.book", SYMBOL)["askPrice"]
    return [
        signed(client, "order.place", limit(client, newOrderRespType="ACK")),
        signed(client, "order.place", limit(client, newOrderRespType="RESULT")),
        signed(client, "order.place", limit(client, price=best, quantity="0.0001")),
    ]


def order_id(client: BareClient, **changes: Any) -> int:
    """The id of a new order that rests."""
    return int(signed(client, "order.place", limit(client, **changes))["result"]["orderId"])


def cancels(client: BareClient) -> list[Any]:
    leg = client.result("orderList.place.oco", pair(client), signed=True)["orders"][0]["orderId"]
    return [
        signed(client, "order.cancel", {**SYMBOL, "orderId": order_id(client, strategyId=1)}),
        signed(client, "order.cancel", {**SYMBOL, "orderId": leg}),
    ]


def replacements(client: BareClient) -> list[Any]:
    best = client.result("ticker.book", SYMBOL)["askPrice"]

    def replace(mode: str, old: int, **changes: Any) -> Any:
        params = {**limit(client, **{"newOrderRespType": "RESULT", **changes}), "cancelReplaceMode": mode}
        return signed(client, "order.cancelReplace", {**params, "cancelOrderId": old})

    taking = {"type": "LIMIT_MAKER", "timeInForce": None, "price": best}
    return [
        replace("ALLOW_FAILURE", order_id(client)),
        replace("STOP_ON_FAILURE", NEVER),
        replace("ALLOW_FAILURE", order_id(client), **taking),
        replace("ALLOW_FAILURE", NEVER, newOrderRespType="FULL"),
        replace("ALLOW_FAILURE", NEVER, **taking),
    ]


def beyond_the_count(client: BareClient) -> list[Any]:
    limits = {"ORDERS": 1}
    with SimulatedExchange(rate_limits=limits) as exchange, BareClient(exchange) as other:
        params = {
            **limit(other),
            "cancelReplaceMode": "STOP_ON_FAILURE",
            "cancelOrderId": order_id(other),
        }
        return [
            signed(other, "order.cancelReplace", params),
            signed(other, "order.cancelReplace", {**params, "orderRateLimitExceededMode": "CANCEL_ONLY"}),
        ]


def amendments(client: BareClient) -> list[Any]:
    amend = {**SYMBOL, "newQty": "0.005"}
    listed = client.result(
        "orderList.place.oto",
        {
            **working(client),
            "pendingType": "LIMIT",
            "pendingSide": "BUY",
            "pendingQuantity": "0.01",
            "pendingPrice": last_price(client, 0.9),
            "pendingTimeInForce": "GTC",
        },
        signed=True,
    )["orders"][1]["orderId"]
    return [
        signed(client, "order.amend.keepPriority", {**amend, "orderId": order_id(client)}),
        signed(client, "order.amend.keepPriority", {**amend, "orderId": listed}),
    ]


def amendment_records(client: BareClient) -> list[Any]:
    order = order_id(client)
    signed(client, "order.amend.keepPriority", {**SYMBOL, "orderId": order, "newQty": "0.005"})
    return [signed(client, "order.amendments", {**SYMBOL, "orderId": order})]


def cancel_all(client: BareClient) -> list[Any]:
    order_id(client)
    client.result("orderList.place.oco", pair(client), signed=True)
    return [signed(client, "openOrders.cancelAll", SYMBOL)]


def list_cancel(client: BareClient) -> list[Any]:
    number = client.result("orderList.place.oco", pair(client), signed=True)["orderListId"]
    return [signed(client, "orderList.cancel", {**SYMBOL, "orderListId": number})]


def old_pair(client: BareClient) -> list[Any]:
    params = {
        **SYMBOL,
        "side": "SELL",
        "quantity": "0.01",
        "price": last_price(client, 1.1),
        "stopPrice": last_price(client, 0.9),
        "stopLimitPrice": last_price(client, 0.89),
        "stopLimitTimeInForce": "GTC",
        "newOrderRespType": "RESULT",
    }
    return [signed(client, "orderList.place", params)]


def chain(client: BareClient) -> list[Any]:
    params = {**working(client), "pendingType": "MARKET", "pendingSide": "BUY", "pendingQuantity": "0.01"}
    return [signed(client, "orderList.place.oto", params)]


def chain_and_pair(client: BareClient) -> list[Any]:
    params = {
        **working(client, "BUY", 0.9),
        "pendingSide": "SELL",
        "pendingQuantity": "0.01",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": last_price(client, 1.1),
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": last_price(client, 0.8),
    }
    reply = signed(client, "orderList.place.otoco", params)
    # The sample names its stop leg first; the order of the legs is no matter of shape.
    reports = reply["result"]["orderReports"]
    reports[1], reports[2] = reports[2], reports[1]
    return [reply]


def one_pays(client: BareClient) -> list[Any]:
    params = {**working(client, "BUY", 0.9), "pendingType": "MARKET", "pendingSide": "SELL"}
    return [signed(client, "orderList.place.opo", params)]


def one_pays_a_pair(client: BareClient) -> list[Any]:
    params = {
        **working(client, "BUY", 0.9),
        "pendingSide": "SELL",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": last_price(client, 1.1),
        "pendingBelowType": "STOP_LOSS_LIMIT",
        "pendingBelowStopPrice": last_price(client, 0.8),
        "pendingBelowPrice": last_price(client, 0.79),
        "pendingBelowTimeInForce": "IOC",
    }
    reply = signed(client, "orderList.place.opoco", params)
    # The sample names its stop leg first; the order of the legs is no matter of shape.
    reports = reply["result"]["orderReports"]
    reports[1], reports[2] = reports[2], reports[1]
    return [reply]


def routed(client: BareClient, **changes: Any) -> dict[str, Any]:
    """An order on BTCUSDT for which BTCUSDC has the better price, which another account offers if need be."""
    own, other = (client.result("ticker.book", {"symbol": name}) for name in ("BTCUSDT", "BTCUSDC"))
    bid, ask = float(own["bidPrice"]), float(own["askPrice"])
    side = "SELL" if float(other["bidPrice"]) > bid else "BUY"
    if side == "BUY" and float(other["askPrice"]) >= ask:
        with BareClient(client.exchange, client.exchange.add_account("hmac")) as seller:
            seller.place_limit(f"{(bid + ask) / 2:.2f}", symbol="BTCUSDC", side="SELL", quantity="0.1")
    price = f"{ask * 1.02:.2f}" if side == "BUY" else f"{bid * 0.98:.2f}"
    order = {**SYMBOL, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    return {**order, "price": price, **changes}


def routed_placement(client: BareClient) -> list[Any]:
    return [signed(client, "sor.order.place", routed(client))]


def routed_tests(client: BareClient) -> list[Any]:
    return [
        signed(client, "sor.order.test", routed(client)),
        signed(client, "sor.order.test", routed(client, computeCommissionRates=True)),
    ]


def own_allocations(client: BareClient) -> list[Any]:
    (placed,) = client.result("sor.order.place", routed(client), signed=True)
    return [signed(client, "myAllocations", {**SYMBOL, "orderId": placed["orderId"]})]


def with_a_pair(method: str, params: dict[str, Any] | None = None) -> Scenario:
    """Ask while a pair is open."""

    def scenario(client: BareClient) -> list[Any]:
        placed = client.result(
            "orderList.place.oco", {**pair(client), "listClientOrderId": "pair"}, signed=True
        )
        assert placed["listClientOrderId"] == "pair"
        return [signed(client, method, params)]

    return scenario


def with_an_order(method: str, params: dict[str, Any] | None = None) -> Scenario:
    """Ask while an order is open."""

    def scenario(client: BareClient) -> list[Any]:
        number = order_id(client)
        asked = dict(params or {})
        if "orderId" in asked:
            asked["orderId"] = number
        return [signed(client, method, asked)]

    return scenario


def own_trades(client: BareClient) -> list[Any]:
    market = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.5"}
    assert len(client.result("order.place", market, signed=True)["fills"]) > 1
    return [signed(client, "myTrades", SYMBOL)]


def prevented(client: BareClient) -> list[Any]:
    book = client.result("ticker.book", SYMBOL)
    middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
    order_id(client, price=middle)
    taker = order_id(client, price=middle, side="SELL", selfTradePreventionMode="EXPIRE_MAKER")
    return [signed(client, "myPreventedMatches", {**SYMBOL, "orderId": taker})]


def public(method: str, *requests: dict[str, Any]) -> Scenario:
    """Ask without a key, once for each set of parameters."""
    return lambda client: [client.call(method, params) for params in requests]


def order_tests(client: BareClient) -> list[Any]:
    return [
        signed(client, "order.test", limit(client)),
        signed(client, "order.test", limit(client, computeCommissionRates=True)),
    ]


def quiet(steps: Callable[[BareClient], list[Any]]) -> Scenario:
    """On a connection that hides its limits, logged on with an Ed25519 key, as those samples were taken."""

    def scenario(client: BareClient) -> list[Any]:
        exchange = client.exchange
        account = exchange.add_account("ed25519")
        with BareClient(exchange, account, "?returnRateLimits=false") as other:
            other.call("session.logon", other.signed())
            return steps(other)

    return scenario


def quiet_public(steps: Callable[[BareClient], list[Any]]) -> Scenario:
    """On a connection that hides its limits, without a key."""

    def scenario(client: BareClient) -> list[Any]:
        with BareClient(client.exchange, query="?returnRateLimits=false") as other:
            return steps(other)

    return scenario


def subscribe_twice(client: BareClient) -> list[Any]:
    client.call("userDataStream.subscribe")
    other = client.exchange.add_account("hmac")
    client.call("userDataStream.subscribe.signature", client.signed(account=other))
    return [client.call("session.subscriptions")]


def unsubscribe(client: BareClient) -> list[Any]:
    client.call("userDataStream.subscribe")
    return [client.call("userDataStream.unsubscribe")]


def execution_rules(client: BareClient) -> list[Any]:
    client.exchange.rules.set_price_range(
        "BTCUSDT", bid_up="1.0001", bid_down="0.9999", ask_up="1.0001", ask_down="0.9999"
    )
    return [client.call("executionRules", SYMBOL)]


def reference_prices(client: BareClient) -> list[Any]:
    rules = client.exchange.rules
    rules.set_reference_price("BTCUSDT", "65000")
    replies = [client.call("referencePrice", SYMBOL)]
    rules.set_reference_price("BTCUSDT", None)
    replies.append(client.call("referencePrice", SYMBOL))
    return [*replies, client.call("referencePrice", {"symbol": "ETHBTC"})]


def calculations(client: BareClient) -> list[Any]:
    rules = client.exchange.rules
    replies = [client.call("referencePrice.calculation", SYMBOL)]
    rules.set_reference_mean("BTCUSDT", bucket_count=10, bucket_width_ms=1000)
    replies.append(client.call("referencePrice.calculation", SYMBOL))
    rules.set_reference_price("BTCUSDT", "65000", calculation_id=42)
    return [*replies, client.call("referencePrice.calculation", SYMBOL)]


def own_filters(client: BareClient) -> list[Any]:
    rules = client.exchange.rules
    rules.set_filter({"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000})
    rules.set_filter({"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20}, symbol="BTCUSDT")
    rules.set_filter({"filterType": "MAX_ASSET", "asset": "BTC", "limit": "1000000.00000000"})
    return [signed(client, "myFilters", {**SYMBOL, "returnRateLimits": False})]


TWO = ["BNBBTC", "BTCUSDT"]

SCENARIOS: dict[str, Scenario] = {
    "account.commission": lambda client: [signed(client, "account.commission", SYMBOL)],
    "account.rateLimits.orders": lambda client: [signed(client, "account.rateLimits.orders")],
    "account.status": lambda client: [signed(client, "account.status")],
    "allOrderLists": with_a_pair("allOrderLists"),
    "allOrders": with_an_order("allOrders", SYMBOL),
    "avgPrice": public("avgPrice", SYMBOL),
    "blockTrades.historical": public(
        "blockTrades.historical", {"symbol": "BNBBTC", "fromId": 582, "limit": 1}
    ),
    "depth": public("depth", {**SYMBOL, "limit": 5}),
    "exchangeInfo": public("exchangeInfo", {"symbols": ["BNBBTC"]}),
    "executionRules": quiet_public(execution_rules),
    "klines": public("klines", {**SYMBOL, "interval": "1h", "limit": 1}),
    "myAllocations": own_allocations,
    "myFilters": own_filters,
    "myPreventedMatches": prevented,
    "myTrades": own_trades,
    "openOrderLists.status": with_a_pair("openOrderLists.status"),
    "openOrders.cancelAll": cancel_all,
    "openOrders.status": with_an_order("openOrders.status", SYMBOL),
    "order.amend.keepPriority": amendments,
    "order.amendments": amendment_records,
    "order.cancel": cancels,
    "order.cancelReplace": lambda client: [*replacements(client), *beyond_the_count(client)],
    "order.place": placements,
    "order.status": with_an_order("order.status", {**SYMBOL, "orderId": 0}),
    "order.test": order_tests,
    "orderList.cancel": list_cancel,
    "orderList.place": old_pair,
    "orderList.place.oco": lambda client: [signed(client, "orderList.place.oco", pair(client))],
    "orderList.place.opo": quiet(one_pays),
    "orderList.place.opoco": quiet(one_pays_a_pair),
    "orderList.place.oto": chain,
    "orderList.place.otoco": chain_and_pair,
    "orderList.status": with_a_pair("orderList.status", {"origClientOrderId": "pair"}),
    "ping": public("ping", {}),
    "referencePrice": quiet_public(reference_prices),
    "referencePrice.calculation": quiet_public(calculations),
    "session.logon": quiet(lambda client: [client.call("session.logon", client.signed())]),
    "session.logout": quiet(lambda client: [client.call("session.logout")]),
    "session.status": quiet(lambda client: [client.call("session.status")]),
    "session.subscriptions": quiet(subscribe_twice),
    "sor.order.place": routed_placement,
    "sor.order.test": routed_tests,
    "ticker": public("ticker", {**SYMBOL, "windowSize": "7d"}, {**SYMBOL, "type": "MINI"}, {"symbols": TWO}),
    "ticker.24hr": public("ticker.24hr", SYMBOL, {**SYMBOL, "type": "MINI"}, {"symbols": TWO}),
    "ticker.book": public("ticker.book", SYMBOL, {"symbols": TWO}),
    "ticker.price": public("ticker.price", SYMBOL, {"symbols": TWO}),
    "ticker.tradingDay": public(
        "ticker.tradingDay",
        SYMBOL,
        {"symbols": TWO},
        {**SYMBOL, "type": "MINI"},
        {"symbols": TWO, "type": "MINI"},
    ),
    "time": public("time", {}),
    "trades.aggregate": public("trades.aggregate", {**SYMBOL, "limit": 1}),
    "trades.historical": public("trades.historical", {**SYMBOL, "limit": 1}),
    "trades.recent": public("trades.recent", {**SYMBOL, "limit": 1}),
    "uiKlines": public("uiKlines", {**SYMBOL, "interval": "1h", "limit": 1}),
    "userDataStream.subscribe": quiet(lambda client: [client.call("userDataStream.subscribe")]),
    "userDataStream.subscribe.signature": quiet(
        lambda client: [client.call("userDataStream.subscribe.signature", client.signed())]
    ),
    "userDataStream.unsubscribe": quiet(unsubscribe),
}
