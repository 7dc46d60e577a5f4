"""Price ranges and reference prices over the wire."""

from __future__ import annotations

from typing import Any

import pytest
from bare_client import NOON, BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

SYMBOL = {"symbol": "BTCUSDT"}
NEVER_SET = {"code": -2043, "msg": "This symbol doesn't have a reference price."}


def reference_mean(trades: list[dict[str, Any]], now_ms: int, count: int, width_ms: int) -> float:
    """The documented mean of public trades: whole buckets, the oldest by its part in the window."""
    total = weight = 0.0
    for trade in trades:
        opened = trade["time"] // width_ms * width_ms
        part = min(max(opened + width_ms - (now_ms - count * width_ms), 0), width_ms) / width_ms
        total += part * float(trade["price"])
        weight += part
    return total / weight


def test_taker_beyond_the_price_range_expires_and_says_why(client: BareClient) -> None:
    client.result("userDataStream.subscribe.signature", client.signed())
    levels = client.result("depth", {**SYMBOL, "limit": 20})["asks"]
    rules = client.exchange.rules
    # the bound is a price of the book itself, at which trading is still allowed
    rules.set_reference_price("BTCUSDT", levels[4][0])
    rules.set_price_range("BTCUSDT", bid_up="1")
    inside = sum(float(quantity) for _, quantity in levels[:5])
    order = {**SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": levels[9][0]}
    placed = client.result("order.place", {**order, "quantity": f"{inside + 1:.5f}"}, signed=True)
    assert (placed["status"], placed["expiryReason"]) == ("EXPIRED", "EXECUTION_RULE_PRICE_RANGE_EXCEEDED")
    assert float(placed["executedQty"]) == pytest.approx(inside)
    assert [fill["price"] for fill in placed["fills"]] == [price for price, _ in levels[:5]]
    asked = client.result("order.status", {**SYMBOL, "orderId": placed["orderId"]}, signed=True)
    assert asked["expiryReason"] == placed["expiryReason"]
    events = [client.next_event()["event"] for _ in range(8)]
    assert [each.get("x") for each in events] == ["NEW", *["TRADE"] * 5, "EXPIRED", None]
    assert events[-2]["eR"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    # lifted, the same order rests beyond
    rules.set_price_range("BTCUSDT")
    assert client.result("executionRules", SYMBOL) == {"symbolRules": []}
    again = client.result("order.place", {**order, "quantity": "0.001"}, signed=True)
    assert again["status"] == "FILLED"


def test_order_that_only_rests_is_not_bound_by_the_price_range(client: BareClient) -> None:
    client.exchange.rules.set_reference_price("BTCUSDT", "1")
    client.exchange.rules.set_price_range("BTCUSDT", bid_up="4", bid_down="0.5")
    price = client.result("ticker.price", SYMBOL)["price"]
    # the price filter goes by the reference price, too, and refuses what is more than five times that
    order = {**SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "2"}
    refused = client.refusal("order.place", {**order, "price": f"{float(price):.2f}"}, signed=True)
    assert refused == (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")
    assert client.result("order.place", {**order, "price": "4.50"}, signed=True)["status"] == "NEW"


def test_execution_rules_are_told_by_symbol_symbols_status_or_all(client: BareClient) -> None:
    rules = client.exchange.rules
    rules.set_price_range("BTCUSDT", bid_up="1.0001", ask_down="0.12345678")
    rules.set_price_range("ETHBTC", bid_down="1", ask_up="10")
    rules.set_status("ETHBTC", "HALT")
    told = {
        "BTCUSDT": {"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.0001", "askLimitMultDown": "0.12345678"},
        "ETHBTC": {"ruleType": "PRICE_RANGE", "bidLimitMultDown": "1.0000", "askLimitMultUp": "10.0000"},
        "BNBUSDT": {
            "ruleType": "PRICE_RANGE",
            "bidLimitMultUp": "2.0000",
            "bidLimitMultDown": "0.5000",
            "askLimitMultUp": "2.0000",
            "askLimitMultDown": "0.5000",
        },
    }

    def listed(**params: Any) -> dict[str, Any]:
        entries = client.result("executionRules", params)["symbolRules"]
        return {each["symbol"]: each["rules"][0] for each in entries}

    assert listed() == told
    assert listed(symbol="BTCUSDT") == {"BTCUSDT": told["BTCUSDT"]}
    assert listed(symbols=["ETHBTC", "BNBBTC"]) == {"ETHBTC": told["ETHBTC"]}
    assert listed(symbolStatus="HALT") == {"ETHBTC": told["ETHBTC"]}
    assert client.refusal("executionRules", {"symbol": "DOGEUSDT"})[1] == -1121


def test_reference_price_from_outside_is_set_taken_away_and_numbered(client: BareClient) -> None:
    rules = client.exchange.rules
    assert client.result("referencePrice", SYMBOL) == NEVER_SET
    assert client.refusal("referencePrice.calculation", SYMBOL) == (400, NEVER_SET["code"], NEVER_SET["msg"])
    # nobody has set anything by saying that there is no price
    rules.set_reference_price("BTCUSDT", None)
    assert client.result("referencePrice", SYMBOL) == NEVER_SET
    rules.set_reference_price("BTCUSDT", "65000.5")
    now_ms = round(client.exchange.now() * 1000)
    told = {"symbol": "BTCUSDT", "referencePrice": "65000.50000000", "timestamp": now_ms}
    assert client.result("referencePrice", SYMBOL) == told
    rules.set_reference_price("BTCUSDT", None)
    assert client.result("referencePrice", SYMBOL) == {**told, "referencePrice": None}
    by_hand = {"symbol": "BTCUSDT", "calculationType": "EXTERNAL", "externalCalculationId": 0}
    assert client.result("referencePrice.calculation", SYMBOL) == by_hand
    rules.set_reference_price("BTCUSDT", 1, calculation_id=3)
    assert client.result("referencePrice.calculation", SYMBOL)["externalCalculationId"] == 3
    wrong = client.refusal("referencePrice.calculation", {**SYMBOL, "symbolStatus": "HALT"})
    assert wrong[:2] == (400, -1220)
    with pytest.raises(ValueError, match="not above zero"):
        rules.set_reference_price("BTCUSDT", 0)


def test_reference_price_is_the_mean_of_the_trades_in_the_window() -> None:
    clock = ManualClock(NOON)
    bnb = {"symbol": "BNBUSDT"}
    with SimulatedExchange(clock=clock, symbols=["BNBUSDT"]) as exchange, BareClient(exchange) as client:
        told = client.result("referencePrice.calculation", bnb)
        count, width = told["bucketCount"], told["bucketWidthMs"]
        assert (told["calculationType"], count, width) == ("ARITHMETIC_MEAN", 300, 1000)
        for step in (0, 100.25, 33.333, 400):
            clock.advance(step)
            trades = client.result("trades.recent", {**bnb, "limit": 1000})
            now_ms = round(clock.now() * 1000)
            answer = client.result("referencePrice", bnb)
            assert answer["timestamp"] == now_ms
            wanted = reference_mean(trades, now_ms, count, width)
            assert float(answer["referencePrice"]) == pytest.approx(wanted, abs=1e-6)
        # another window, from the trades of the last minutes on
        exchange.rules.set_reference_mean("BNBUSDT", bucket_count=3, bucket_width_ms=60_000)
        wanted = reference_mean(trades, now_ms, 3, 60_000)
        price = client.result("referencePrice", bnb)["referencePrice"]
        assert float(price) == pytest.approx(wanted, abs=1e-6)
        # without a trade in it there is no price, though there has been one
        exchange.rules.set_status("BNBUSDT", "HALT")
        clock.advance(300)
        assert client.result("referencePrice", bnb)["referencePrice"] is None
        exchange.rules.set_reference_price("BNBUSDT", None, calculation_id=1)
        assert client.result("referencePrice", bnb)["referencePrice"] is None


def test_reference_prices_carry_the_time_unit_of_the_connection(exchange: SimulatedExchange) -> None:
    exchange.rules.set_reference_price("BTCUSDT", 1)
    with BareClient(exchange, query="?timeUnit=MICROSECOND") as client:
        assert client.result("referencePrice", SYMBOL)["timestamp"] == round(NOON * 1_000_000)
