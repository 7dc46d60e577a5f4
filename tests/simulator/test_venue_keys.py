"""Who may ask: signatures of the three kinds of keys, timestamps, log-on."""

from __future__ import annotations

from typing import Any

import pytest
from bare_client import BareClient, signature_of

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.keys import KeyType


@pytest.mark.parametrize("key_type", ["hmac", "rsa", "ed25519"])
def test_signatures_of_every_kind_of_key_are_checked(exchange: SimulatedExchange, key_type: KeyType) -> None:
    account = exchange.add_account(key_type)
    with BareClient(exchange, account) as client:
        assert client.result("account.status", signed=True)["uid"] == account.account_id
        params = client.signed()
        broken = dict(params, timestamp=params["timestamp"] - 1)
        assert client.refusal("account.status", broken)[:2] == (400, -1022)
        for signature in ("AAAA", "%%%", "\u00e9"):
            wrong = dict(params, signature=signature)
            assert client.refusal("account.status", wrong)[:2] == (400, -1022)


def test_hmac_signature_may_be_in_either_case(client: BareClient) -> None:
    params = client.signed()
    assert client.call("account.status", dict(params, signature=params["signature"].upper()))["status"] == 200


def test_base64_signature_is_bound_to_its_case(exchange: SimulatedExchange) -> None:
    account = exchange.add_account("ed25519")
    with BareClient(exchange, account) as client:
        params = client.signed()
        swapped = dict(params, signature=params["signature"].swapcase())
        assert client.refusal("account.status", swapped)[:2] == (400, -1022)


def test_payload_is_sorted_and_not_percent_encoded(client: BareClient) -> None:
    """Parameters in any order, names and values as they are."""
    params = {
        "timestamp": round(client.exchange.now() * 1000),
        "symbol": "BTCUSDT",
        "origClientOrderId": "a:b/c",
        "apiKey": client.account.api_key,
    }
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    params["signature"] = signature_of(client.account, payload)
    assert client.refusal("order.status", params)[:2] == (400, -2013)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"apiKey": "short"}, 401, -2014),
        ({"apiKey": "x" * 64}, 401, -2015),
        ({"apiKey": None}, 400, -1102),
        ({"signature": None}, 400, -1102),
        ({"timestamp": None}, 400, -1102),
        ({"timestamp": "soon"}, 400, -1102),
        ({"timestamp": 1}, 400, -1130),
    ],
)
def test_incomplete_authentication_is_refused(
    client: BareClient, changes: dict[str, Any], status: int, code: int
) -> None:
    params = {name: value for name, value in {**client.signed(), **changes}.items() if value is not None}
    assert client.refusal("account.status", params)[:2] == (status, code)


@pytest.mark.parametrize(
    ("age_ms", "window", "is_accepted"),
    [
        (0, None, True),
        (5000, None, True),
        (5001, None, False),
        (-999, None, True),
        (-1000, None, False),
        (-3_600_000, None, False),
        (60_000, 60_000, True),
        (100, 100, True),
        (101, 100, False),
        (1, "0.999", False),
        (2, "2.001", True),
    ],
)
def test_timestamp_must_be_fresh_and_not_ahead(
    client: BareClient, age_ms: int, window: object, is_accepted: bool
) -> None:
    params: dict[str, Any] = {"timestamp": round(client.exchange.now() * 1000) - age_ms}
    if window is not None:
        params["recvWindow"] = window
    reply = client.call("account.status", client.signed(params))
    assert (reply["status"] == 200) is is_accepted
    if not is_accepted:
        assert reply["error"]["code"] == -1021


def test_timestamp_may_be_in_microseconds_whatever_the_unit_of_the_connection(client: BareClient) -> None:
    now_us = round(client.exchange.now() * 1_000_000)
    assert client.call("account.status", client.signed({"timestamp": now_us}))["status"] == 200
    reply = client.call("account.status", client.signed({"timestamp": now_us - 5_001_000}))
    assert reply["error"]["code"] == -1021


@pytest.mark.parametrize(("window", "code"), [(60_001, -1102), ("1.2345", -1111), ("x", -1130)])
def test_receive_window_is_bounded(client: BareClient, window: object, code: int) -> None:
    assert client.refusal("account.status", client.signed({"recvWindow": window}))[:2] == (400, code)


def test_request_that_grew_old_on_the_way_to_the_engine_is_refused_and_counted(
    client: BareClient, clock: ManualClock
) -> None:
    """The late check of the receive window adds to the order count although the order is refused."""
    fault = client.exchange.faults.delay(1, moment="before", method="order.place", times=1)
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "60000",
    }
    request_id = client.send("order.place", order, signed=True)
    assert fault.wait(5)
    clock.advance(6)
    reply = client.reply_to(request_id)
    assert reply["error"]["code"] == -1021
    assert reply["rateLimits"][0]["count"] == 1
    assert client.exchange.orders() == []


def test_log_on_takes_ed25519_keys_only(exchange: SimulatedExchange) -> None:
    with BareClient(exchange) as client:
        assert client.refusal("session.logon", client.signed())[0] == 401
    account = exchange.add_account("ed25519")
    with BareClient(exchange, account) as client:
        result = client.log_on()
        assert result["apiKey"] == account.api_key
        assert result == client.result("session.status")


def test_logged_on_requests_need_a_timestamp_alone(exchange: SimulatedExchange, clock: ManualClock) -> None:
    account = exchange.add_account("ed25519")
    with BareClient(exchange, account) as client:
        client.log_on()
        now_ms = round(clock.now() * 1000)
        assert client.result("account.status", {"timestamp": now_ms})["uid"] == account.account_id
        assert client.refusal("account.status", {})[:2] == (400, -1102)
        assert client.refusal("account.status", {"timestamp": now_ms - 5001})[:2] == (400, -1021)


def test_explicit_key_overrides_the_session_for_one_request(exchange: SimulatedExchange) -> None:
    mine, other = exchange.add_account("ed25519"), exchange.add_account("hmac")
    with BareClient(exchange, mine) as client:
        client.log_on()
        assert client.result("account.status", client.signed(account=other))["uid"] == other.account_id
        assert client.result("session.status")["apiKey"] == mine.api_key


def test_second_log_on_replaces_the_key_and_log_out_forgets_it(exchange: SimulatedExchange) -> None:
    first, second = exchange.add_account("ed25519"), exchange.add_account("ed25519")
    with BareClient(exchange, first) as client:
        client.log_on()
        client.account = second
        assert client.log_on()["apiKey"] == second.api_key
        result = client.result("session.logout")
        assert (result["apiKey"], result["authorizedSince"]) == (None, None)
        assert client.result("session.logout")["apiKey"] is None
        now_ms = round(exchange.now() * 1000)
        assert client.refusal("account.status", {"timestamp": now_ms})[:2] == (400, -1102)


def test_revoked_session_is_told_with_a_null_id_in_place_of_a_reply(exchange: SimulatedExchange) -> None:
    account = exchange.add_account("ed25519")
    with BareClient(exchange, account) as client:
        client.log_on()
        exchange.faults.revoke(account.api_key)
        assert client.result("ping") == {}
        client.send("account.status", {"timestamp": round(exchange.now() * 1000)})
        assert client.receive() == {
            "id": None,
            "status": 401,
            "error": {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
        }
        assert client.result("session.status")["apiKey"] is None
        assert client.refusal("session.logon", client.signed())[:2] == (401, -2015)
