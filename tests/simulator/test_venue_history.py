"""Pages of history, and market data that agrees with itself."""

from __future__ import annotations

from typing import Any

import pytest
from bare_client import NOON, BareClient

from crypto_ws_sync.simulator import ManualClock

SYMBOL = {"symbol": "BTCUSDT"}
NOON_MS = round(NOON * 1000)


@pytest.fixture
def orders(client: BareClient, clock: ManualClock) -> list[int]:
    """Ten orders, a second apart; their ids."""
    found = []
    for _ in range(10):
        found.append(client.place_limit("60000", quantity="0.001")["orderId"])
        clock.advance(1)
    return found


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, range(10)),
        ({"limit": 3}, range(7, 10)),
        ({"orderId": 4}, range(4, 10)),
        ({"orderId": 4, "limit": 2}, range(4, 6)),
        ({"startTime": 4000}, range(4, 10)),
        ({"startTime": 4000, "limit": 3}, range(4, 7)),
        ({"endTime": 4000}, range(5)),
        ({"endTime": 4000, "limit": 3}, range(2, 5)),
        ({"startTime": 2000, "endTime": 5000}, range(2, 6)),
        ({"startTime": 3000, "endTime": 3000}, range(3, 4)),
        ({"startTime": 2000, "endTime": 9000, "limit": 2}, range(2, 4)),
        ({"startTime": 2000, "orderId": 8}, range(2, 10)),
        ({"startTime": 0 - NOON_MS, "endTime": None}, range(10)),
        ({"startTime": 10_000_000}, range(0)),
    ],
)
def test_page_of_orders(
    client: BareClient, orders: list[int], params: dict[str, Any], expected: range
) -> None:
    """Lists come oldest first; a start gives the oldest from there, an end the newest up to it."""
    asked: dict[str, Any] = dict(SYMBOL)
    for name, value in params.items():
        if name.endswith("Time") and value is not None:
            asked[name] = NOON_MS + value
        elif name == "orderId":
            asked[name] = orders[value]
        elif value is not None:
            asked[name] = value
    found = client.result("allOrders", asked, signed=True)
    assert [each["orderId"] for each in found] == [orders[place] for place in expected]


def test_times_may_be_microseconds(client: BareClient, orders: list[int]) -> None:
    asked = {**SYMBOL, "startTime": (NOON_MS + 4000) * 1000, "endTime": (NOON_MS + 5000) * 1000}
    assert [each["orderId"] for each in client.result("allOrders", asked, signed=True)] == orders[4:6]


@pytest.mark.parametrize("method", ["allOrders", "myTrades", "myAllocations", "allOrderLists"])
def test_more_than_24_hours_are_refused(client: BareClient, method: str) -> None:
    asked = {"startTime": NOON_MS - 86_400_000, "endTime": NOON_MS}
    if method != "allOrderLists":
        asked |= SYMBOL  # type: ignore[arg-type]
    assert client.result(method, asked, signed=True) == []
    asked["startTime"] -= 1
    assert client.refusal(method, asked, signed=True)[1:] == (
        -1127,
        "More than 24 hours between startTime and endTime.",
    )


@pytest.mark.parametrize(
    "params",
    [{"fromId": 1, "startTime": NOON_MS}, {"orderId": 1, "endTime": NOON_MS}, {"startTime": 5, "endTime": 4}],
)
def test_combinations_that_make_no_sense_are_refused(client: BareClient, params: dict[str, Any]) -> None:
    assert client.refusal("myTrades", {**SYMBOL, **params}, signed=True)[1] == -1128


def test_own_trades_by_id_order_and_time(client: BareClient, clock: ManualClock) -> None:
    market = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.5"}
    placed = []
    for _ in range(3):
        placed.append(client.result("order.place", market, signed=True))
        clock.advance(1)
    fills = [fill["tradeId"] for order in placed for fill in order["fills"]]
    everything = client.result("myTrades", SYMBOL, signed=True)
    assert [each["id"] for each in everything] == fills
    by_order = client.result("myTrades", {**SYMBOL, "orderId": placed[1]["orderId"]}, signed=True)
    assert [each["id"] for each in by_order] == [fill["tradeId"] for fill in placed[1]["fills"]]
    assert client.result("myTrades", {**SYMBOL, "fromId": fills[-1]}, signed=True) == everything[-1:]
    since = client.result("myTrades", {**SYMBOL, "startTime": NOON_MS + 2000}, signed=True)
    assert [each["orderId"] for each in since] == [placed[2]["orderId"]] * len(since)
    assert sum(float(each["quoteQty"]) for each in by_order) == pytest.approx(
        float(placed[1]["cummulativeQuoteQty"])
    )


def test_order_lists_by_id_and_time(client: BareClient, clock: ManualClock) -> None:
    last = float(client.result("ticker.price", SYMBOL)["price"])
    pair = {
        **SYMBOL,
        "side": "SELL",
        "quantity": "0.001",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": f"{last * 1.2:.2f}",
        "belowType": "STOP_LOSS",
        "belowStopPrice": f"{last * 0.8:.2f}",
    }
    ids = []
    for _ in range(3):
        ids.append(client.result("orderList.place.oco", pair, signed=True)["orderListId"])
        clock.advance(1)
    assert [each["orderListId"] for each in client.result("allOrderLists", signed=True)] == ids
    page = client.result("allOrderLists", {"fromId": ids[1], "limit": 1}, signed=True)
    assert [each["orderListId"] for each in page] == [ids[1]]
    page = client.result("allOrderLists", {"startTime": NOON_MS + 1000, "fromId": 0}, signed=True)
    assert [each["orderListId"] for each in page] == ids[1:]


def test_prevented_match_is_told_by_id_and_by_order(client: BareClient) -> None:
    book = client.result("ticker.book", SYMBOL)
    middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
    maker = client.place_limit(middle)
    taker = client.place_limit(middle, side="SELL", selfTradePreventionMode="EXPIRE_MAKER")
    assert taker["preventedMatches"][0]["makerOrderId"] == maker["orderId"]
    (match,) = client.result("myPreventedMatches", {**SYMBOL, "orderId": taker["orderId"]}, signed=True)
    assert match["selfTradePreventionMode"] == "EXPIRE_MAKER"
    assert match["makerPreventedQuantity"] == "0.01000000"
    by_id = {**SYMBOL, "preventedMatchId": match["preventedMatchId"]}
    assert client.result("myPreventedMatches", by_id, signed=True) == [match]
    later = {**SYMBOL, "orderId": taker["orderId"], "fromPreventedMatchId": match["preventedMatchId"] + 1}
    assert client.result("myPreventedMatches", later, signed=True) == []
    assert client.refusal("myPreventedMatches", SYMBOL, signed=True)[1] == -1128
    status = client.result("order.status", {**SYMBOL, "orderId": maker["orderId"]}, signed=True)
    assert (status["status"], status["preventedQuantity"]) == ("EXPIRED_IN_MATCH", "0.01000000")


def test_own_trade_is_in_the_public_record_klines_and_tickers(client: BareClient, clock: ManualClock) -> None:
    clock.advance(30)
    market = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.05"}
    order = client.result("order.place", market, signed=True)
    fills = order["fills"]
    recent = client.result("trades.recent", {**SYMBOL, "limit": len(fills)})
    assert [each["id"] for each in recent] == [fill["tradeId"] for fill in fills]
    assert recent[-1]["isBuyerMaker"] is False
    assert client.result("ticker.price", SYMBOL)["price"] == fills[-1]["price"]
    first = {**SYMBOL, "fromId": fills[0]["tradeId"], "limit": len(fills)}
    assert client.result("trades.historical", first) == recent
    start = round(NOON * 1000)
    (kline,) = client.result("klines", {**SYMBOL, "interval": "1m", "startTime": start, "limit": 1})
    trades = client.result("trades.historical", {**SYMBOL, "limit": 1000})
    minute = [each for each in trades if each["time"] >= start]
    assert float(kline[5]) == pytest.approx(sum(float(each["qty"]) for each in minute))
    assert kline[4] == fills[-1]["price"]
    assert kline[8] == len(minute)
    day = client.result("ticker.24hr", SYMBOL)
    assert (day["lastId"], day["lastPrice"]) == (fills[-1]["tradeId"], fills[-1]["price"])
    (put_together,) = client.result("trades.aggregate", {**SYMBOL, "limit": 1})
    assert put_together["l"] == fills[-1]["tradeId"]


def test_klines_page_back_through_the_past(client: BareClient) -> None:
    newest = client.result("klines", {**SYMBOL, "interval": "1h", "limit": 1000})
    assert len(newest) == 1000
    older = client.result("klines", {**SYMBOL, "interval": "1h", "limit": 1000, "endTime": newest[0][0] - 1})
    assert older[-1][0] == newest[0][0] - 3_600_000
    assert client.result("uiKlines", {**SYMBOL, "interval": "1h", "limit": 5}) == newest[-5:]
    assert client.refusal("klines", {**SYMBOL, "interval": "7m"})[1] == -1120


def test_time_zone_moves_the_buckets_alone(client: BareClient) -> None:
    asked = {**SYMBOL, "interval": "1d", "limit": 1}
    (plain,) = client.result("klines", asked)
    (moved,) = client.result("klines", {**asked, "timeZone": "+5:45"})
    assert plain[0] % 86_400_000 == 0
    assert (moved[0] + 20_700_000) % 86_400_000 == 0
    assert client.refusal("klines", {**asked, "timeZone": "15:00"})[1] == -1130


def test_tickers_of_several_symbols_and_of_all(client: BareClient) -> None:
    two = client.result("ticker.24hr", {"symbols": ["BNBBTC", "BTCUSDT"], "type": "MINI"})
    assert [each["symbol"] for each in two] == ["BNBBTC", "BTCUSDT"]
    assert "priceChange" not in two[0]
    assert len(client.result("ticker.24hr")) == len(client.result("exchangeInfo")["symbols"])
    assert client.result("ticker.24hr", {"symbols": ["BTCUSDT"], "symbolStatus": "HALT"}) == []
    assert client.refusal("ticker.24hr", {**SYMBOL, "symbolStatus": "HALT"})[1] == -1220
    assert client.refusal("ticker")[1] == -1102
    assert client.refusal("ticker", {**SYMBOL, "windowSize": "8d"})[1] == -1130
    assert client.refusal("ticker.tradingDay", {**SYMBOL, "type": "LONG"})[1] == -1139


def test_depth_shows_the_best_levels_and_the_clients_own_orders(client: BareClient) -> None:
    bid = float(client.result("ticker.book", SYMBOL)["bidPrice"])
    price = f"{bid + 0.01:.2f}"
    client.place_limit(price, quantity="0.123")
    book = client.result("depth", {**SYMBOL, "limit": 5})
    assert book["bids"][0] == [f"{bid + 0.01:.8f}", "0.12300000"]
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert client.result("ticker.book", SYMBOL)["bidQty"] == "0.12300000"
    assert book["lastUpdateId"] <= client.result("depth", SYMBOL)["lastUpdateId"]


def test_stop_order_triggers_as_the_market_moves(client: BareClient, clock: ManualClock) -> None:
    """Time moves, the market with it, and the stop fires without a request."""
    last = float(client.result("ticker.price", SYMBOL)["price"])
    stop = {
        **SYMBOL,
        "side": "SELL",
        "type": "STOP_LOSS",
        "quantity": "0.001",
        "stopPrice": f"{last * 0.9999:.2f}",
    }
    order_id = client.result("order.place", stop, signed=True)["orderId"]
    ask = {**SYMBOL, "orderId": order_id}
    status = "NEW"
    for _ in range(50):
        clock.advance(300)
        status = client.result("order.status", ask, signed=True)["status"]
        if status != "NEW":
            break
    assert status == "FILLED"
