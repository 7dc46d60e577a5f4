"""Weights, order counts, connection attempts, and what becomes of those who go beyond."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket
from bare_client import NOON, BareClient, Closed

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange


@contextmanager
def limited(clock: ManualClock, **limits: int) -> Iterator[BareClient]:
    with SimulatedExchange(clock=clock, rate_limits=limits) as exchange, BareClient(exchange) as client:
        yield client


def used(reply: Any) -> int:
    """The weight used, as a reply tells it."""
    return int(reply["rateLimits"][-1]["count"])


@pytest.mark.parametrize(
    ("method", "params", "weight"),
    [
        ("ping", {}, 1),
        ("exchangeInfo", {}, 20),
        ("depth", {"symbol": "BTCUSDT"}, 5),
        ("depth", {"symbol": "BTCUSDT", "limit": 100}, 5),
        ("depth", {"symbol": "BTCUSDT", "limit": 101}, 25),
        ("depth", {"symbol": "BTCUSDT", "limit": 1000}, 50),
        ("depth", {"symbol": "BTCUSDT", "limit": 5000}, 250),
        ("ticker.price", {"symbol": "BTCUSDT"}, 2),
        ("ticker.price", {"symbols": ["BTCUSDT", "ETHUSDT"]}, 4),
        ("ticker.price", {}, 4),
        ("no.such.method", {}, 1),
        ("depth", {"symbol": "NOSUCH"}, 5),
    ],
)
def test_weight_of_a_request_by_its_parameters(
    client: BareClient, method: str, params: dict[str, Any], weight: int
) -> None:
    before = used(client.call("ping"))
    assert used(client.call(method, params)) == before + weight


def test_connecting_costs_a_weight_of_two(client: BareClient) -> None:
    assert used(client.call("ping")) == 3


def test_successful_order_costs_no_weight_and_a_failed_one_its_listed(client: BareClient) -> None:
    price = f"{float(client.result('ticker.book', {'symbol': 'BTCUSDT'})['bidPrice']) * 0.9:.2f}"
    before = used(client.call("ping"))
    client.place_limit(price)
    assert used(client.call("ping")) == before + 1
    client.call("order.place", {"symbol": "BTCUSDT"}, signed=True)
    assert used(client.call("ping")) == before + 3


def test_window_is_aligned_to_the_clock_and_shared_by_the_connections_of_an_address(
    exchange: SimulatedExchange, clock: ManualClock
) -> None:
    clock.advance(59.999)
    with BareClient(exchange) as one, BareClient(exchange) as two:
        one.call("exchangeInfo")
        assert used(two.call("ping")) == 2 + 2 + 20 + 1
        clock.advance(0.001)
        assert used(two.call("ping")) == 1


def test_beyond_the_weight_comes_429_until_the_window_ends(clock: ManualClock) -> None:
    clock.advance(12.3)
    with limited(clock, REQUEST_WEIGHT=5) as client:
        for _ in range(3):
            assert client.call("ping")["status"] == 200
        reply = client.call("ping")
        assert (reply["status"], reply["error"]["code"]) == (429, -1003)
        assert reply["error"]["data"] == {
            "serverTime": round(clock.now() * 1000),
            "retryAfter": round((NOON + 60) * 1000),
        }
        assert "current limit is 5 request weight per 1 MINUTE" in reply["error"]["msg"]
        clock.advance(60 - 12.3)
        assert client.call("ping")["status"] == 200


def test_hiding_the_limits_does_not_lift_them(clock: ManualClock) -> None:
    with limited(clock, REQUEST_WEIGHT=2) as client:
        assert client.call("ping", {"returnRateLimits": False})["status"] == 429


def test_who_goes_on_after_429_is_banned_ever_longer(clock: ManualClock) -> None:
    with SimulatedExchange(clock=clock, rate_limits={"REQUEST_WEIGHT": 3}) as exchange:
        for length in (120, 240):
            with BareClient(exchange) as client, BareClient(exchange) as bystander:
                statuses = [client.call("ping")["status"] for _ in range(3)]
                assert statuses[-1] == 429
                clock.advance(1)
                for _ in range(10):
                    assert client.call("ping")["status"] == 429
                reply = client.call("ping")
                assert reply["status"] == 418
                assert reply["error"]["code"] == -1003
                assert reply["error"]["data"]["retryAfter"] == round((clock.now() + length) * 1000)
                for each in (client, bystander):
                    with pytest.raises(Closed):
                        each.receive()
            with pytest.raises(websocket.WebSocketBadStatusException) as refused:
                BareClient(exchange)
            assert refused.value.status_code == 418
            assert refused.value.resp_headers is not None
            assert int(refused.value.resp_headers["retry-after"]) == length
            clock.advance(length)


def test_requests_under_way_when_the_limit_was_hit_ban_nobody(clock: ManualClock) -> None:
    with limited(clock, REQUEST_WEIGHT=3) as client:
        sent = [client.send("ping") for _ in range(200)]
        statuses = [client.reply_to(each)["status"] for each in sent]
        assert statuses == [200] + [429] * 199
        clock.advance(0.9)
        assert client.call("ping")["status"] == 429


def test_too_many_attempts_to_connect_are_refused_with_429(clock: ManualClock) -> None:
    clock.advance(100)
    with SimulatedExchange(clock=clock, rate_limits={"CONNECTIONS": 2}) as exchange:
        for _ in range(2):
            BareClient(exchange).close()
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            BareClient(exchange)
        assert refused.value.status_code == 429
        assert refused.value.resp_headers is not None
        assert refused.value.resp_headers["retry-after"] == "200"
        clock.advance(200)
        BareClient(exchange).close()


def test_orders_are_counted_by_account_in_every_window(
    exchange: SimulatedExchange, clock: ManualClock
) -> None:
    other = exchange.add_account("hmac")
    with BareClient(exchange) as mine, BareClient(exchange, other) as theirs:
        for _ in range(2):
            mine.place_limit()
        theirs.place_limit()
        counts = mine.result("account.rateLimits.orders", signed=True)
        assert [(each["interval"], each["intervalNum"], each["count"]) for each in counts] == [
            ("SECOND", 10, 2),
            ("DAY", 1, 2),
        ]
        clock.advance(10)
        counts = mine.result("account.rateLimits.orders", signed=True)
        assert [each["count"] for each in counts] == [0, 2]


def test_orders_entries_come_on_placements_alone(client: BareClient) -> None:
    price = f"{float(client.result('ticker.book', {'symbol': 'BTCUSDT'})['bidPrice']) * 0.9:.2f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    reply = client.call("order.place", {**order, "quantity": "0.01", "price": price}, signed=True)
    kinds = [each["rateLimitType"] for each in reply["rateLimits"]]
    assert kinds == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
    reply = client.call("openOrders.status", {"symbol": "BTCUSDT"}, signed=True)
    assert [each["rateLimitType"] for each in reply["rateLimits"]] == ["REQUEST_WEIGHT"]


def test_beyond_the_order_count_comes_429_with_code_1015(clock: ManualClock) -> None:
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 3},
    ]
    with (
        SimulatedExchange(clock=clock, rate_limits=limits) as exchange,
        BareClient(exchange) as client,
    ):
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        order |= {"quantity": "0.01", "price": "60000"}
        for _ in range(2):
            client.place_limit("60000")
        reply = client.call("order.place", order, signed=True)
        assert (reply["status"], reply["error"]["code"]) == (429, -1015)
        assert reply["error"]["msg"] == "Too many new orders; current limit is 2 orders per 10 SECOND."
        assert "data" not in reply["error"]
        clock.advance(10)
        client.place_limit("60000")
        reply = client.call("order.place", order, signed=True)
        assert reply["error"]["msg"] == "Too many new orders; current limit is 3 orders per 1 DAY."
        # With the day's limit reached the count of seconds stops rising.
        assert [each["count"] for each in reply["rateLimits"][:2]] == [1, 3]


def test_first_fill_lowers_the_count_and_a_cancel_does_not(client: BareClient) -> None:
    order_id = client.place_limit()["orderId"]
    client.result("order.cancel", {"symbol": "BTCUSDT", "orderId": order_id}, signed=True)
    counts = client.result("account.rateLimits.orders", signed=True)
    assert [each["count"] for each in counts] == [1, 1]
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    reply = client.call("order.place", market, signed=True)
    assert reply["result"]["status"] == "FILLED"
    assert [each["count"] for each in reply["rateLimits"][:2]] == [1, 1]


def test_order_that_the_engine_refuses_counts(client: BareClient) -> None:
    price = client.result("ticker.book", {"symbol": "BTCUSDT"})["askPrice"]
    maker = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01", "price": price}
    reply = client.call("order.place", maker, signed=True)
    assert reply["error"] == {"code": -2010, "msg": "Order would immediately match and take."}
    assert [each["count"] for each in reply["rateLimits"][:2]] == [1, 1]
