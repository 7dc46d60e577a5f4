"""Commissions on the wire: what is asked for, what is charged, and what changes where BNB pays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bare_client import BareClient
from sample_scenarios import SYMBOL, limit, signed

from crypto_ws_sync.simulator import SimulatedExchange

STANDARD = {"maker": "0.00000010", "taker": "0.00000020", "buyer": "0.00000030", "seller": "0.00000040"}
SPECIAL = {"maker": "0.01", "taker": "0.02", "buyer": "0.03", "seller": "0.04"}
TAX = {"maker": "0.00000112", "taker": "0.00000114", "buyer": "0.00000118", "seller": "0.00000116"}


def test_account_commission_tells_all_three_kinds_and_the_discount(client: BareClient) -> None:
    client.exchange.rules.set_commission(
        standard=STANDARD, special=SPECIAL, tax=TAX, discount="0.25", pay_in_bnb=True
    )
    told = client.result("account.commission", SYMBOL, signed=True)
    assert told["standardCommission"] == STANDARD
    assert {name: Decimal(rate) for name, rate in told["specialCommission"].items()} == {
        name: Decimal(rate) for name, rate in SPECIAL.items()
    }
    assert told["taxCommission"] == TAX
    assert told["discount"] == {
        "enabledForAccount": True,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": "0.25000000",
    }


@pytest.mark.parametrize(("side", "maker", "taker"), [("BUY", "0.04", "0.05"), ("SELL", "0.05", "0.06")])
def test_order_test_counts_the_side_into_the_rates_of_the_order(
    client: BareClient, side: str, maker: str, taker: str
) -> None:
    client.exchange.rules.set_commission(standard=STANDARD, special=SPECIAL, tax=TAX)
    order = limit(client, side=side, computeCommissionRates=True)
    reply = signed(client, "order.test", order)
    told = reply["result"]["specialCommissionForOrder"]
    assert {name: Decimal(rate) for name, rate in told.items()} == {
        "maker": Decimal(maker),
        "taker": Decimal(taker),
    }
    weighed = reply["rateLimits"][-1]["count"]
    assert signed(client, "order.test", limit(client, side=side))["result"] == {}
    again = signed(client, "order.test", order)["rateLimits"][-1]["count"]
    # 1 for the plain test, 2 for the price that it takes, 20 with the rates.
    assert again - weighed == 1 + 2 + 20


def test_commissions_in_bnb_show_in_fills_trades_events_and_balances(client: BareClient) -> None:
    exchange = client.exchange
    exchange.rules.set_commission(pay_in_bnb=True)
    client.result("userDataStream.subscribe.signature", client.signed())
    before = exchange.balances()["BNB"].free
    order = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.02"}
    placed = client.result("order.place", order, signed=True)
    assert {fill["commissionAsset"] for fill in placed["fills"]} == {"BNB"}
    paid = sum(Decimal(fill["commission"]) for fill in placed["fills"])
    assert paid > 0
    worth = Decimal(placed["cummulativeQuoteQty"]) / Decimal(
        client.result("ticker.price", {"symbol": "BNBUSDT"})["price"]
    )
    # A quarter off of a thousandth of what was traded, by the last prices.
    assert abs(paid / worth - Decimal("0.00075")) < Decimal("0.00001")
    assert exchange.balances()["BNB"].free == before - paid
    trades = client.result("myTrades", SYMBOL, signed=True)
    assert sum(Decimal(each["commission"]) for each in trades) == paid
    events = until_position(client)
    told = [each for each in events if each.get("x") == "TRADE"]
    assert {each["N"] for each in told} == {"BNB"}
    assert sum(Decimal(each["n"]) for each in told) == paid
    assert {"a": "BNB", "f": f"{before - paid:.8f}", "l": "0.00000000"} in events[-1]["B"]


def test_without_bnb_the_full_commission_comes_out_of_what_was_received(client: BareClient) -> None:
    exchange = client.exchange
    exchange.deposit("BNB", -exchange.balances()["BNB"].free)
    exchange.rules.set_commission(pay_in_bnb=True)
    order = {**SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.001"}
    (fill,) = client.result("order.place", order, signed=True)["fills"]
    assert fill["commissionAsset"] == "USDT"
    exact = Decimal(fill["price"]) * Decimal(fill["qty"]) * Decimal("0.001")
    assert Decimal(fill["commission"]) == exact.quantize(Decimal("1e-8"), "ROUND_DOWN")


def test_rates_may_be_those_of_one_symbol_and_one_account(exchange: SimulatedExchange) -> None:
    other = exchange.add_account("hmac")
    exchange.rules.set_commission(account=other, symbol="BTCUSDT", standard={}, takes_bnb=False)
    with BareClient(exchange, other) as client, BareClient(exchange) as first:
        free = client.result("account.commission", SYMBOL, signed=True)
        assert set(free["standardCommission"].values()) == {"0.00000000"}
        assert free["discount"]["enabledForSymbol"] is False
        elsewhere = client.result("account.commission", {"symbol": "ETHUSDT"}, signed=True)
        assert elsewhere["standardCommission"]["maker"] == "0.00100000"
        assert first.result("account.commission", SYMBOL, signed=True)["standardCommission"] == {
            **elsewhere["standardCommission"]
        }
        order = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        (fill,) = client.result("order.place", order, signed=True)["fills"]
        assert fill["commission"] == "0.00000000"


@pytest.mark.parametrize(
    ("symbol", "change"),
    [
        ("NOSUCH", {"standard": {}}),
        (None, {"standard": {"makers": "0.1"}}),
        (None, {"tax": {"maker": "1"}}),
        (None, {"special": {"maker": "-0.1"}}),
        (None, {"standard": {"taker": "much"}}),
        (None, {"standard": {"taker": "0.000000001"}}),
        (None, {"standard": {"taker": "0.6"}, "special": {"buyer": "0.4"}}),
        (None, {"discount": "1.1"}),
    ],
)
def test_rates_that_make_no_sense_are_refused(
    exchange: SimulatedExchange, symbol: str | None, change: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        exchange.rules.set_commission(symbol=symbol, **change)


def until_position(client: BareClient) -> list[dict[str, Any]]:
    """The events up to the next one that tells balances."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["e"] != "outboundAccountPosition":
        events.append(client.next_event()["event"])
    return events
