"""Requests and replies: their form, their ids, what is answered to rubbish."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_client import BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange


@pytest.mark.parametrize("request_id", [1, -5, 2**63 - 1, "a-Z_9", "x" * 36, None])
def test_id_comes_back_untouched(client: BareClient, request_id: Any) -> None:
    client.socket.send(json.dumps({"id": request_id, "method": "ping"}))
    reply = client.receive()
    assert reply["id"] == request_id
    assert reply["status"] == 200
    assert reply["result"] == {}


@pytest.mark.parametrize("request_id", [1.5, True, [], {}, 2**63, "x" * 37, "", "a b"])
def test_id_of_any_other_kind_is_refused(client: BareClient, request_id: Any) -> None:
    client.socket.send(json.dumps({"id": request_id, "method": "ping"}))
    reply = client.receive()
    assert reply["id"] is None
    assert reply["status"] == 400
    assert reply["error"]["code"] == -1100


@pytest.mark.parametrize(
    ("text", "request_id", "code"),
    [
        ("{", None, -1135),
        ("", None, -1135),
        ("[1]", None, -1135),
        ('"text"', None, -1135),
        ("[" * 100_000, None, -1135),
        ('{"method":"ping"}', None, -1102),
        ('{"id":7}', 7, -1102),
        ('{"id":7,"method":5}', 7, -1102),
        ('{"id":7,"method":"no.such"}', 7, -1020),
        ('{"id":7,"method":"PING"}', 7, -1020),
        ('{"id":7,"method":"ping","params":[]}', 7, -1135),
        ('{"id":7,"method":"ping","params":{"what":1}}', 7, -1104),
        ('{"id":7,"method":"ping","extra":1}', 7, -1103),
    ],
)
def test_malformed_request_is_refused_and_the_line_stays(
    client: BareClient, text: str, request_id: int | None, code: int
) -> None:
    client.socket.send(text)
    reply = client.receive()
    assert (reply["id"], reply["status"], reply["error"]["code"]) == (request_id, 400, code)
    assert client.result("ping") == {}


def test_binary_frame_is_no_request(client: BareClient) -> None:
    client.socket.send_binary(b'{"id":1,"method":"ping"}')
    reply = client.receive()
    assert (reply["id"], reply["error"]["code"]) == (None, -1135)


def test_method_may_carry_a_version(client: BareClient, clock: ManualClock) -> None:
    assert client.result("v3/time") == {"serverTime": round(clock.now() * 1000)}
    assert client.refusal("v4/time")[:2] == (400, -1020)


def test_ping_frame_gets_a_pong_with_its_payload(client: BareClient) -> None:
    client.socket.ping("payload")
    frame = client.socket.recv_frame()
    assert (frame.opcode, frame.data) == (0xA, b"payload")


def test_time_unit_is_chosen_by_the_address(exchange: SimulatedExchange, clock: ManualClock) -> None:
    clock.advance(0.000_123)
    for value in ("MICROSECOND", "microsecond"):
        with BareClient(exchange, query=f"?timeUnit={value}") as client:
            assert client.result("time")["serverTime"] == round(clock.now() * 1_000_000)
            assert client.place_limit()["transactTime"] == round(clock.now() * 1_000_000)
    with BareClient(exchange, query="?timeUnit=millisecond") as client:
        assert client.result("time")["serverTime"] == int(clock.now() * 1000)


def test_limits_are_shown_unless_the_address_or_the_request_says_no(exchange: SimulatedExchange) -> None:
    with BareClient(exchange) as client:
        assert "rateLimits" in client.call("ping")
        assert "rateLimits" not in client.call("ping", {"returnRateLimits": False})
        assert client.result("session.status")["returnRateLimits"] is True
    with BareClient(exchange, query="?returnRateLimits=false") as client:
        assert "rateLimits" not in client.call("ping")
        assert "rateLimits" in client.call("ping", {"returnRateLimits": True})
        assert client.result("session.status")["returnRateLimits"] is False


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("depth", {}, -1102),
        ("depth", {"symbol": ""}, -1102),
        ("depth", {"symbol": "NOSUCH"}, -1121),
        ("depth", {"symbol": "BTC USDT"}, -1100),
        ("depth", {"symbol": "BTCUSDT", "limit": "many"}, -1100),
        ("depth", {"symbol": "BTCUSDT", "limit": -1}, -1100),
        ("depth", {"symbol": "BTCUSDT", "limit": 2**70}, -1108),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "ASLEEP"}, -1122),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}, -1220),
        ("ticker.price", {"symbols": ["BTCUSDT", "BTCUSDT"]}, -1151),
        ("ticker.price", {"symbols": ["BTCUSDT", "NOSUCH"]}, -1121),
        ("ticker.price", {"symbols": '["BTCUSDT"'}, -1135),
        ("ticker.price", {"symbol": "BTCUSDT", "symbols": ["BTCUSDT"]}, -1128),
    ],
)
def test_wrong_parameter_gets_its_documented_code(
    client: BareClient, method: str, params: dict[str, Any], code: int
) -> None:
    assert client.refusal(method, params)[:2] == (400, code)


_LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"side": "HOLD"}, -1117),
        ({"type": "GUESS"}, -1116),
        ({"timeInForce": "LATER"}, -1115),
        ({"timeInForce": None}, -1102),
        ({"price": None}, -1102),
        ({"quantity": None}, -1102),
        ({"quantity": "ten"}, -1100),
        ({"quantity": "-1"}, -1100),
        ({"quantity": "1e-3"}, -1100),
        ({"quantity": "0.000000001"}, -1111),
        ({"quoteOrderQty": "5"}, -1106),
        ({"stopPrice": "5"}, -1106),
        ({"newClientOrderId": "has spaces"}, -1100),
        ({"newClientOrderId": ""}, -1118),
        ({"strategyType": 5}, -1134),
        ({"type": "MARKET"}, -1106),
        ({"type": "MARKET", "price": None, "timeInForce": None, "quantity": None}, -1102),
        ({"type": "STOP_LOSS", "price": None, "timeInForce": None}, -1102),
        ({"newOrderRespType": "LONG"}, -1130),
        ({"unknown": "1"}, -1104),
    ],
)
def test_wrong_order_parameter_gets_its_documented_code(
    client: BareClient, changes: dict[str, Any], code: int
) -> None:
    params = {name: value for name, value in {**_LIMIT, **changes}.items() if value is not None}
    assert client.refusal("order.place", params, signed=True)[:2] == (400, code)
    assert client.exchange.orders() == []


def test_amounts_may_be_json_numbers_and_the_signature_is_over_them_as_written(client: BareClient) -> None:
    order = {**_LIMIT, "quantity": 0.01, "price": 60000}
    result = client.result("order.place", order, signed=True)
    assert (result["origQty"], result["price"]) == ("0.01000000", "60000.00000000")


def test_request_that_a_fault_kept_out_is_seen_all_the_same(client: BareClient) -> None:
    client.call("time")
    client.call("order.place", _LIMIT)
    seen = client.exchange.requests()
    assert [(each.method, each.status, each.code) for each in seen] == [
        ("time", 200, 0),
        ("order.place", 400, -1102),
    ]
    assert seen[1].params["symbol"] == "BTCUSDT"
    assert seen[1].id == 2
