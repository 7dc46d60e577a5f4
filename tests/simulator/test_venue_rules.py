"""Documented rules that belong to no other group, each named for what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import websocket
from bare_client import NOON, BareClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.binance.catalogue import load_catalogue
from crypto_ws_sync.simulator.binance.connection import Connection, Options
from crypto_ws_sync.simulator.binance.limits import Ban
from crypto_ws_sync.simulator.market import DEFAULT_LISTINGS

METHODS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "methods.json").read_text(encoding="utf-8")
)
SYMBOL = {"symbol": "BTCUSDT"}


def order_counts(client: BareClient) -> list[int]:
    """The account's counts of unfilled orders: ten seconds, day."""
    return [each["count"] for each in client.result("account.rateLimits.orders", signed=True)]


def test_every_documented_method_and_parameter_is_known() -> None:
    catalogue = load_catalogue()
    assert set(catalogue) == {each["method"] for each in METHODS}
    for each in METHODS:
        known = set(catalogue[each["method"]].converters)
        envelope = {"apiKey", "signature", "timestamp", "recvWindow"}
        assert known == ({param["name"] for param in each["params"]} - envelope) | {"returnRateLimits"}


@pytest.mark.parametrize("name", sorted(each["method"] for each in METHODS))
def test_failed_call_costs_the_listed_weight(client: BareClient, name: str) -> None:
    method = next(each for each in METHODS if each["method"] == name)
    before = client.call("ping")["rateLimits"][-1]["count"]
    reply = client.call(name, {"nonsense": 1})
    assert reply["status"] in (400, 401)
    listed = method["weight"]
    if isinstance(listed, dict):
        # Without parameters a rule by number takes its default, one by symbols the figure for none or one.
        steps = listed.get("steps", [])
        listed = {
            "limit": lambda rule: steps[0][1],
            "symbols": lambda rule: rule.get("none", rule["symbol"]),
            "param": lambda rule: rule["else"],
        }[listed["by"]](listed)
    assert reply["rateLimits"][-1]["count"] == before + listed


def test_reply_has_either_a_result_or_an_error(client: BareClient) -> None:
    assert set(client.call("ping")) == {"id", "status", "result", "rateLimits"}
    assert set(client.call("depth")) == {"id", "status", "error", "rateLimits"}


def test_ids_may_be_used_again(client: BareClient) -> None:
    for _ in range(2):
        client.socket.send('{"id":"same","method":"ping"}')
        assert client.receive()["id"] == "same"


def test_handshake_error_is_http_400_with_json(exchange: SimulatedExchange) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        BareClient(exchange, query="?timeUnit=HOUR")
    assert refused.value.status_code == 400
    assert refused.value.resp_body is not None
    assert json.loads(refused.value.resp_body) == {
        "code": -1194,
        "msg": "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
    }


def test_symbols_may_hold_non_ascii_text(clock: ManualClock) -> None:
    name = "\u5e01\u5b89USDT"
    listing = replace(DEFAULT_LISTINGS[0], symbol=name, base_asset="\u5e01\u5b89")
    balances = {"\u5e01\u5b89": "10", "USDT": "1000000"}
    with (
        SimulatedExchange(clock=clock, symbols=[listing], balances=balances) as exchange,
        BareClient(exchange) as client,
    ):
        order = {"symbol": name, "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"}
        placed = client.result("order.place", order, signed=True)
        assert placed["symbol"] == name
        assert placed["fills"][0]["commissionAsset"] == "\u5e01\u5b89"


def test_market_order_beyond_the_balance_is_refused_whole(client: BareClient) -> None:
    order = {**SYMBOL, "side": "BUY", "type": "MARKET", "quoteOrderQty": "2000000"}
    refusal = client.refusal("order.place", order, signed=True)
    assert refusal == (400, -2010, "Account has insufficient balance for requested action.")
    assert client.exchange.trades() == []


def test_quote_quantity_is_spent_as_nearly_as_lots_allow(client: BareClient) -> None:
    order = {**SYMBOL, "side": "BUY", "type": "MARKET", "quoteOrderQty": "1000"}
    placed = client.result("order.place", order, signed=True)
    assert placed["status"] == "FILLED"
    assert placed["origQuoteOrderQty"] == "1000.00000000"
    assert 990 < float(placed["cummulativeQuoteQty"]) <= 1000


def test_first_fill_as_maker_lowers_the_count_by_five(exchange: SimulatedExchange) -> None:
    other = exchange.add_account("hmac")
    with BareClient(exchange) as maker, BareClient(exchange, other) as taker:
        book = maker.result("ticker.book", SYMBOL)
        middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
        for _ in range(7):
            maker.place_limit("60000", quantity="0.001")
        maker.place_limit(middle)
        assert order_counts(maker) == [8, 8]
        taker.place_limit(middle, side="SELL", quantity="0.004")
        assert order_counts(maker) == [3, 3]
        assert order_counts(taker) == [0, 0]
        # Later fills of the same order do nothing.
        taker.place_limit(middle, side="SELL", quantity="0.004")
        assert order_counts(maker) == [3, 3]


def test_fills_of_yesterdays_orders_lower_todays_count() -> None:
    """And a count never goes below zero."""
    clock = ManualClock(NOON + 43_195)
    with SimulatedExchange(clock=clock) as exchange:
        other = exchange.add_account("hmac")
        with BareClient(exchange) as maker, BareClient(exchange, other) as taker:
            book = maker.result("ticker.book", SYMBOL)
            middle = f"{(float(book['bidPrice']) + float(book['askPrice'])) / 2:.2f}"
            maker.place_limit(middle)
            clock.advance(5)
            maker.place_limit("60000", quantity="0.001")
            assert order_counts(maker) == [1, 1]
            taker.place_limit(middle, side="SELL", quantity="0.004")
            assert exchange.trades(exchange.accounts[0])
            assert order_counts(maker) == [0, 0]


def test_amend_that_ends_the_order_costs_no_weight(client: BareClient) -> None:
    price, quantity = client.result("depth", {**SYMBOL, "limit": 1})["asks"][0]
    placed = client.place_limit(price, quantity=f"{float(quantity) + 0.01:.5f}")
    assert placed["status"] == "PARTIALLY_FILLED"
    before = client.call("ping")["rateLimits"][-1]["count"]
    amend = {**SYMBOL, "orderId": placed["orderId"], "newQty": placed["executedQty"]}
    reply = client.call("order.amend.keepPriority", amend, signed=True)
    assert reply["result"]["amendedOrder"]["status"] == "EXPIRED"
    assert reply["rateLimits"][-1]["count"] == before


def test_bans_grow_from_two_minutes_to_three_days() -> None:
    ban = Ban()
    lengths = []
    for _ in range(14):
        ban.impose(ban.until_us)
        lengths.append(ban.until_us - sum(lengths))
    minutes = [length // 60_000_000 for length in lengths]
    assert minutes[:5] == [2, 4, 8, 16, 32]
    assert minutes[-1] == 3 * 24 * 60


def test_web_application_firewall_may_answer_403(client: BareClient) -> None:
    client.exchange.faults.unavailable(
        executed=False, status=403, code=-1000, msg="Forbidden", method="order.*"
    )
    assert client.refusal("order.place", {**SYMBOL, "newClientOrderId": "DROP"}, signed=True)[0] == 403


def test_repeated_order_trades_twice_once_the_first_has_ended(client: BareClient) -> None:
    order = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001", "newClientOrderId": "once"}
    for _ in range(2):
        assert client.result("order.place", order, signed=True)["status"] == "FILLED"
    assert len(client.exchange.orders()) == 2


def test_windows_begin_at_the_full_minute_and_the_tenth_second() -> None:
    clock = ManualClock(NOON + 43_189.9)
    with SimulatedExchange(clock=clock) as exchange, BareClient(exchange) as client:
        client.place_limit("60000")
        assert order_counts(client) == [1, 1]
        clock.advance(0.1)
        assert order_counts(client) == [0, 1]
        clock.advance(10)
        assert clock.now() == NOON + 43_200
        assert order_counts(client) == [0, 0]


def history_of(seed: int) -> tuple[str, str]:
    """What some minutes bring to a client who trades: all replies and all events, as text.

    Replies and events are apart, because how they mix on the wire is nobody's promise.
    """
    clock = ManualClock(NOON)
    replies: list[Any] = []
    with SimulatedExchange(clock=clock, seed=seed) as exchange, BareClient(exchange) as client:
        replies.append(client.call("userDataStream.subscribe.signature", client.signed()))
        for _ in range(3):
            bid = client.result("ticker.book", SYMBOL)["bidPrice"]
            order = {**SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": bid}
            market = {**SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.2"}
            replies.append(client.call("order.place", {**order, "quantity": "0.05"}, signed=True))
            replies.append(client.call("order.place", market, signed=True))
            clock.advance(60)
            replies.append(client.call("depth", SYMBOL))
            replies.append(client.call("openOrders.status", signed=True))
        replies.append(client.call("klines", {**SYMBOL, "interval": "1m", "limit": 5}))
        replies.append(client.call("myTrades", SYMBOL, signed=True))
        client.call("ping")
        return json.dumps(replies), json.dumps(client.events)


def test_same_seed_gives_the_same_history_byte_for_byte() -> None:
    first = history_of(7)
    assert first[1].count('"executionReport"') > 6
    assert history_of(7) == first
    assert history_of(8) != first


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "GTC", "1h", "0.001", "60000", "1d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class Inside:
    """A venue without a socket, and one connection to it.

    Owner: the test's thread.
    """

    def __init__(self) -> None:
        clock = ManualClock(NOON)
        self.exchange = SimulatedExchange(clock=clock, rate_limits={"REQUEST_WEIGHT": 10**9, "ORDERS": 10**9})
        self.sent: list[str] = []
        self.venue = self.exchange._venue
        self.connection: Connection = self.venue.connect(
            "address", Options(), self.venue.now_us(), self.sent.append, lambda code, reason: None
        )
        self.connection.session = self.exchange.accounts[0]

    def ask(self, text: str) -> Any:
        """The reply to a frame."""
        reply = self.venue.handle(self.connection, text)
        self.venue.flush_events()
        assert reply is not None
        return json.loads(reply)


@pytest.fixture(scope="module")
def inside() -> Inside:
    return Inside()


@pytest.mark.timeout(60)  # hundreds of requests
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(METHODS),
    data=st.data(),
)
def test_no_parameters_however_wrong_bring_the_exchange_down(
    inside: Inside, method: dict[str, Any], data: st.DataObject
) -> None:
    names = [param["name"] for param in method["params"] if param["name"] not in ("apiKey", "signature")]
    params = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), JSON_VALUES, max_size=8))
    if "timestamp" in names:
        params["timestamp"] = round(NOON * 1000)
    reply = inside.ask(json.dumps({"id": 1, "method": method["method"], "params": params}))
    assert reply["status"] in (200, 400, 401)
    assert reply["id"] == 1


@pytest.mark.timeout(60)  # hundreds of requests
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text() | JSON_VALUES.map(json.dumps))
def test_no_frame_however_wrong_brings_the_exchange_down(inside: Inside, text: str) -> None:
    assert inside.ask(text)["status"] == 400
