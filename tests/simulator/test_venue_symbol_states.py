"""Symbols that do not trade: what may be asked, cancelled and amended, and what happens when they trade again."""

from __future__ import annotations

from typing import Any

import pytest
from bare_client import NOON, BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.rules import SymbolStatus

SYMBOL = {"symbol": "BTCUSDT"}
CLOSED: tuple[SymbolStatus, ...] = ("END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")
CLOSED_REPLY = "Market is closed."


def halt(client: BareClient, status: SymbolStatus) -> None:
    client.exchange.rules.set_status("BTCUSDT", status)


def sale(client: BareClient) -> dict[str, Any]:
    price = f"{float(client.result('ticker.price', SYMBOL)['price']) * 1.1:.2f}"
    order = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price}
    return {**SYMBOL, **order}


@pytest.mark.parametrize("status", CLOSED)
def test_orders_are_placed_only_while_trading(client: BareClient, status: SymbolStatus) -> None:
    order = sale(client)
    halt(client, status)
    assert client.refusal("order.place", order, signed=True) == (400, -2010, CLOSED_REPLY)
    pair = {
        **SYMBOL,
        "side": "SELL",
        "quantity": "0.01",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": order["price"],
        "belowType": "STOP_LOSS",
        "belowStopPrice": "60000",
    }
    assert client.refusal("orderList.place.oco", pair, signed=True) == (400, -2010, CLOSED_REPLY)
    # a test does not reach the engine, which is what is closed
    assert client.result("order.test", order, signed=True) == {}
    halt(client, "TRADING")
    assert client.result("order.place", order, signed=True)["status"] == "NEW"


@pytest.mark.parametrize("status", CLOSED)
def test_cancel_and_amend_work_in_cancel_only_and_in_no_other_closed_state(
    client: BareClient, status: SymbolStatus
) -> None:
    numbers = [{**SYMBOL, "orderId": client.place_limit()["orderId"]} for _ in range(2)]
    halt(client, status)
    amend = {**numbers[0], "newQty": "0.005"}
    calls = [
        ("order.amend.keepPriority", amend),
        ("order.cancel", numbers[0]),
        ("openOrders.cancelAll", SYMBOL),
    ]
    if status == "CANCEL_ONLY":
        for method, params in calls:
            client.result(method, params, signed=True)
        assert client.result("openOrders.status", SYMBOL, signed=True) == []
    else:
        refusals = [client.refusal(method, params, signed=True) for method, params in calls]
        assert refusals == [(400, code, CLOSED_REPLY) for code in (-2038, -2011, -2011)]
        # what was open stays so
        assert len(client.result("openOrders.status", SYMBOL, signed=True)) == 2


@pytest.mark.parametrize(("status", "code"), [("CANCEL_ONLY", -2021), ("HALT", -2022)])
def test_cancel_replace_on_a_closed_symbol_does_the_half_that_can_be_done(
    client: BareClient, status: SymbolStatus, code: int
) -> None:
    number = client.place_limit()["orderId"]
    replace = {**sale(client), "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": number}
    halt(client, status)
    error = client.call("order.cancelReplace", replace, signed=True)["error"]
    assert error["code"] == code
    assert error["data"]["newOrderResponse"] == {"code": -2010, "msg": CLOSED_REPLY}
    is_open = client.result("order.status", {**SYMBOL, "orderId": number}, signed=True)["status"] == "NEW"
    assert is_open is (status == "HALT")


def test_status_is_told_by_exchange_info_and_chooses_symbols(client: BareClient) -> None:
    halt(client, "HALT")
    client.exchange.rules.set_status("ETHBTC", "BREAK")
    client.exchange.rules.set_status("BNBBTC", "CANCEL_ONLY")

    def listed(**params: Any) -> dict[str, str]:
        symbols = client.result("exchangeInfo", params)["symbols"]
        return {each["symbol"]: each["status"] for each in symbols}

    assert listed()["BNBBTC"] == "CANCEL_ONLY"
    assert listed(symbolStatus="HALT") == {"BTCUSDT": "HALT"}
    assert listed(symbolStatus="BREAK") == {"ETHBTC": "BREAK"}
    assert set(listed(symbolStatus="TRADING")) == {"ETHUSDT", "BNBUSDT", "BTCUSDC"}
    # the parameter takes three of the states only
    assert client.refusal("exchangeInfo", {"symbolStatus": "CANCEL_ONLY"})[1] == -1122


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("depth", {}),
        ("ticker.price", {}),
        ("ticker.book", {}),
        ("ticker.24hr", {}),
        ("ticker.tradingDay", {}),
        ("ticker", {}),
    ],
)
def test_asking_for_another_status_is_refused_for_one_symbol_and_filters_several(
    client: BareClient, method: str, params: dict[str, Any]
) -> None:
    halt(client, "HALT")
    wrong = client.refusal(method, {**SYMBOL, **params, "symbolStatus": "TRADING"})
    assert wrong[:2] == (400, -1220)
    client.result(method, {**SYMBOL, **params, "symbolStatus": "HALT"})
    if method != "depth":
        both = {"symbols": ["BTCUSDT", "ETHUSDT"], "symbolStatus": "HALT"}
        assert [each["symbol"] for each in client.result(method, both)] == ["BTCUSDT"]


@pytest.mark.parametrize("status", CLOSED)
def test_nobody_trades_on_a_closed_symbol_and_all_do_again_after(status: SymbolStatus) -> None:
    clock = ManualClock(NOON)
    with SimulatedExchange(clock=clock, symbols=["BTCUSDT"]) as exchange, BareClient(exchange) as client:
        clock.advance(60)
        before = client.result("depth", SYMBOL), client.result("trades.recent", SYMBOL)
        halt(client, status)
        clock.advance(600)
        # data can still be asked for, and nothing has changed
        assert (client.result("depth", SYMBOL), client.result("trades.recent", SYMBOL)) == before
        halt(client, "TRADING")
        depth = client.result("depth", {**SYMBOL, "limit": 500})
        assert (len(depth["bids"]) > 50, len(depth["asks"]) > 50) == (True, True)
        assert float(depth["bids"][0][0]) < float(depth["asks"][0][0])
        clock.advance(60)
        assert client.result("trades.recent", SYMBOL) != before[1]


def test_order_that_rested_through_a_halt_trades_when_the_market_has_moved_over_it() -> None:
    clock = ManualClock(NOON)
    with SimulatedExchange(clock=clock, symbols=["BTCUSDT"]) as exchange, BareClient(exchange) as client:
        client.result("userDataStream.subscribe.signature", client.signed())
        book = client.result("ticker.book", SYMBOL)
        middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
        for side in ("BUY", "SELL"):
            tick = 0.01 if side == "SELL" else 0
            client.place_limit(f"{float(middle) + tick:.2f}", side=side)
        halt(client, "HALT")
        clock.advance(3600)
        halt(client, "TRADING")
        statuses = sorted(order["status"] for order in exchange.orders())
        # an hour on the fair price is elsewhere: one of the two was in the way of the new quotes
        assert statuses == ["FILLED", "NEW"]
        told = [client.next_event()["event"].get("x") for _ in range(5)]
        assert told == ["NEW", None, "NEW", None, "TRADE"]


@pytest.mark.parametrize(
    ("status", "generates"), [("HALT", True), ("END_OF_DAY", True), ("BREAK", False), ("CANCEL_ONLY", False)]
)
def test_no_klines_come_about_during_break_and_cancel_only(status: SymbolStatus, generates: bool) -> None:
    clock = ManualClock(NOON)
    minute = {**SYMBOL, "interval": "1m"}
    with SimulatedExchange(clock=clock, symbols=["BTCUSDT"]) as exchange, BareClient(exchange) as client:
        clock.advance(90)
        halt(client, status)
        clock.advance(300)
        halt(client, "TRADING")
        clock.advance(60)
        start = {"startTime": round(NOON * 1000)}
        opened = [row[0] / 1000 - NOON for row in client.result("klines", {**minute, **start})]
        newest = [row[0] / 1000 - NOON for row in client.result("klines", {**minute, "limit": len(opened)})]
    whole = [float(60 * number) for number in range(8)]
    assert opened == newest
    # the halt began and ended within a minute, and those two minutes have klines
    assert opened == (whole if generates else [0.0, 60.0, 360.0, 420.0])


def test_status_can_be_set_before_the_exchange_starts_and_only_as_documented() -> None:
    exchange = SimulatedExchange(symbols=["BTCUSDT"])
    exchange.rules.set_status("BTCUSDT", "HALT")
    with exchange, BareClient(exchange) as client:
        assert client.result("exchangeInfo")["symbols"][0]["status"] == "HALT"
    with pytest.raises(ValueError, match="no such symbol"):
        exchange.rules.set_status("DOGEUSDT", "HALT")
    with pytest.raises(ValueError, match="no status of a symbol"):
        exchange.rules.set_status("BTCUSDT", "AUCTION_MATCH")  # type: ignore[arg-type]  # that is the point
