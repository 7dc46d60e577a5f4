"""Documented rules of parameters, keys and subscriptions that belong to no single method."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import websocket
from bare_client import NOON, BareClient
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from crypto_ws_sync.simulator import Account, SimulatedExchange
from crypto_ws_sync.simulator.binance.connection import Connection, Options
from crypto_ws_sync.simulator.binance.limits import AddressUsage
from crypto_ws_sync.simulator.binance.refusals import Refusal
from crypto_ws_sync.simulator.binance.streams import Streams

METHODS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "methods.json").read_text(encoding="utf-8")
)
SYMBOL = {"symbol": "BTCUSDT"}
REJECTED_KEY = (401, -2015, "Invalid API-key, IP, or permissions for action.")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("depth", {"Symbol": "BTCUSDT"}, -1104),
        ("depth", {"symbol": "btcusdt"}, -1121),
        ("Depth", SYMBOL, -1020),
        ("klines", {**SYMBOL, "interval": "1H"}, -1120),
        ("ticker.24hr", {**SYMBOL, "type": "mini"}, -1139),
        ("depth", {**SYMBOL, "symbolStatus": "trading"}, -1122),
    ],
)
def test_names_and_values_are_case_sensitive(
    client: BareClient, method: str, params: dict[str, str], code: int
) -> None:
    assert client.refusal(method, params)[1] == code


TIMED = [
    (each["method"], param["name"])
    for each in METHODS
    for param in each["params"]
    if param["name"] in ("startTime", "endTime")
]


@pytest.mark.parametrize(("method", "name"), TIMED)
def test_times_out_of_range_are_clamped_and_not_refused(client: BareClient, method: str, name: str) -> None:
    entry = next(each for each in METHODS if each["method"] == method)
    names = {param["name"] for param in entry["params"]}
    params: dict[str, Any] = {"interval": "1m"} if "interval" in names else {}
    if "symbol" in names:
        params |= SYMBOL
    for value in (0, 1, round(NOON * 1000) + 10**12, 2**62):
        reply = client.call(method, {**params, name: value}, signed=entry["signed"])
        assert reply["status"] == 200, reply


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_timestamp_before_2017_is_refused_as_a_parameter(client: BareClient, unit: int) -> None:
    """The same number of digits that tells milliseconds from microseconds."""
    earliest = 1_483_228_800_000
    late = client.refusal("account.status", client.signed({"timestamp": earliest * unit}))
    assert late[:2] == (400, -1021)
    early = client.refusal("account.status", client.signed({"timestamp": earliest - 1}))
    assert early[:2] == (400, -1130)


@pytest.mark.parametrize("ahead_us", [10_000_001, 10**9])
def test_a_timestamp_more_than_ten_seconds_ahead_is_refused(client: BareClient, ahead_us: int) -> None:
    timestamp = round(client.exchange.now() * 1_000_000) + ahead_us
    assert client.refusal("account.status", client.signed({"timestamp": timestamp}))[0] == 400


@pytest.mark.parametrize("method", ["order.status", "order.cancel", "order.amend.keepPriority"])
def test_an_order_must_be_named_by_an_id(client: BareClient, method: str) -> None:
    params = {**SYMBOL, **({"newQty": "1"} if "amend" in method else {})}
    refused = client.refusal(method, params, signed=True)
    assert refused[1] == -1102
    assert "'orderId' or 'origClientOrderId'" in refused[2]


def test_an_amendment_gives_a_random_client_id_unless_it_is_sent_one(client: BareClient) -> None:
    order = client.place_limit(newClientOrderId="mine")
    number = {**SYMBOL, "orderId": order["orderId"]}
    seen = ["mine"]
    for quantity, chosen in (("0.009", None), ("0.008", "mine"), ("0.007", "yours")):
        own = {} if chosen is None else {"newClientOrderId": chosen}
        reply = client.result("order.amend.keepPriority", {**number, "newQty": quantity, **own}, signed=True)
        assert reply["amendedOrder"]["origClientOrderId"] == seen[-1]
        seen.append(reply["amendedOrder"]["clientOrderId"])
    assert seen[1] not in ("mine", "yours", "")
    assert seen[2:] == ["mine", "yours"]


def test_working_time_is_told_once_an_order_is_on_the_book(client: BareClient) -> None:
    client.result("userDataStream.subscribe.signature", client.signed())
    price = float(client.result("ticker.price", SYMBOL)["price"])
    stop = {
        **SYMBOL,
        "side": "SELL",
        "type": "STOP_LOSS",
        "quantity": "0.01",
        "stopPrice": f"{price / 2:.2f}",
    }
    waiting = client.result("order.place", {**stop, "newOrderRespType": "RESULT"}, signed=True)
    resting = client.place_limit()
    assert (waiting["workingTime"], resting["workingTime"]) == (-1, round(client.exchange.now() * 1000))
    told = [client.next_event()["event"] for _ in range(4)][::2]
    assert [(each["w"], "W" in each) for each in told] == [(False, False), (True, True)]
    asked = [
        client.result("order.status", {**SYMBOL, "orderId": each["orderId"]}, signed=True)
        for each in (waiting, resting)
    ]
    assert [each["isWorking"] for each in asked] == [False, True]


@pytest.mark.parametrize(
    ("side", "factors", "is_accepted"),
    [
        ("SELL", (1.1, 0.9), True),
        ("SELL", (0.9, 1.1), False),
        ("SELL", (1.1, 1.05), False),
        ("BUY", (0.9, 1.1), True),
        ("BUY", (1.1, 0.9), False),
        ("BUY", (0.9, 0.95), False),
    ],
)
def test_the_market_lies_between_the_prices_of_the_deprecated_pair(
    client: BareClient, side: str, factors: tuple[float, float], is_accepted: bool
) -> None:
    market = float(client.result("ticker.price", SYMBOL)["price"])
    price, stop = (f"{market * factor:.2f}" for factor in factors)
    pair = {**SYMBOL, "side": side, "quantity": "0.01", "price": price, "stopPrice": stop}
    reply = client.call("orderList.place", pair, signed=True)
    if is_accepted:
        assert reply["result"]["contingencyType"] == "OCO"
    else:
        words = "The relationship of the prices for the orders is not correct."
        assert reply["error"] == {"code": -2010, "msg": words}


def test_sbe_is_refused_in_the_handshake(exchange: SimulatedExchange) -> None:
    for query in ("?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5", "?sbeSchemaId=3"):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            BareClient(exchange, query=query)
        assert refused.value.status_code == 400
        assert refused.value.resp_body is not None
        assert json.loads(refused.value.resp_body)["code"] == -1155
    with BareClient(exchange, query="?responseFormat=json") as client:
        assert client.result("ping") == {}


def test_rsa_signatures_are_pkcs1_and_not_pss(exchange: SimulatedExchange) -> None:
    account = exchange.add_account("rsa")
    key = serialization.load_pem_private_key(account.api_secret.encode("ascii"), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert 2048 <= key.key_size <= 4096
    with BareClient(exchange, account) as client:
        params = client.signed()
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
        signature = base64.b64encode(key.sign(payload.encode("utf-8"), pss, hashes.SHA256())).decode("ascii")
        assert client.refusal("account.status", {**params, "signature": signature})[:2] == (400, -1022)
        assert client.call("account.status", params)["status"] == 200


def test_some_methods_are_signed_even_in_a_session_that_is_logged_on(exchange: SimulatedExchange) -> None:
    with BareClient(exchange, exchange.add_account("ed25519")) as client:
        client.log_on()
        now = {"timestamp": round(exchange.now() * 1000)}
        for method in ("session.logon", "userDataStream.subscribe.signature"):
            assert client.refusal(method, now)[:2] == (400, -1102)
            client.result(method, client.signed())


def test_a_key_may_do_what_it_is_permitted_alone(exchange: SimulatedExchange) -> None:
    account = exchange.add_account("ed25519")
    with BareClient(exchange, account) as client:
        order = client.place_limit()
        number = {**SYMBOL, "orderId": order["orderId"]}
        exchange.rules.set_key_permissions(["USER_DATA"], account)
        assert client.refusal("order.cancel", number, signed=True) == REJECTED_KEY
        assert client.result("order.status", number, signed=True)["status"] == "NEW"
        refused = client.refusal("userDataStream.subscribe.signature", client.signed())
        assert refused == REJECTED_KEY
        client.log_on()
        assert client.refusal("userDataStream.subscribe") == REJECTED_KEY
        now = {"timestamp": round(exchange.now() * 1000)}
        assert client.refusal("order.cancel", {**number, **now}) == REJECTED_KEY
        exchange.rules.set_key_permissions(["TRADE", "USER_STREAM"], account)
        assert client.result("order.cancel", {**number, **now})["status"] == "CANCELED"
        assert client.refusal("order.status", {**number, **now}) == REJECTED_KEY
        assert client.result("userDataStream.subscribe") == {"subscriptionId": 0}


def test_a_connection_has_a_thousand_subscriptions_at_most(exchange: SimulatedExchange) -> None:
    template = exchange.accounts[0]
    streams = Streams()
    connection = Connection(
        1, AddressUsage([], []), Options(), 0, lambda text: None, lambda code, reason: None
    )

    def subscribe(number: int) -> int:
        account = Account("hmac", f"key{number}", "secret", number, template.verify)
        return streams.subscribe(connection, account, is_by_session=False)

    for number in range(1000):
        assert subscribe(number) == number
    with pytest.raises(Refusal) as refusal:
        subscribe(1000)
    assert refusal.value.code == -1191
    streams.unsubscribe(connection, 7, 0)
    assert subscribe(1000) == 1000


def test_a_lock_from_outside_is_told_and_leaves_less_to_trade(client: BareClient) -> None:
    client.result("userDataStream.subscribe.signature", client.signed())
    exchange = client.exchange
    exchange.lock("BTC", "9.995")
    now_ms = round(exchange.now() * 1000)
    lock, position = (client.next_event()["event"] for _ in range(2))
    assert lock == {"e": "externalLockUpdate", "E": now_ms, "a": "BTC", "d": "9.99500000", "T": now_ms}
    assert position["B"] == [{"a": "BTC", "f": "0.00500000", "l": "9.99500000"}]
    sale = {**SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.006"}
    refused = client.refusal("order.place", sale, signed=True)
    assert refused == (400, -2010, "Account has insufficient balance for requested action.")
    for amount in ("0.006", "-9.996"):
        with pytest.raises(ValueError, match="has not that much BTC"):
            exchange.lock("BTC", amount)
    exchange.lock("BTC", "-9.995")
    assert client.next_event()["event"]["d"] == "-9.99500000"
    assert client.result("order.place", sale, signed=True)["status"] == "FILLED"


def test_a_key_named_where_none_is_needed_is_no_unknown_parameter(client: BareClient) -> None:
    """Older clients name one when they ask for old trades, as was asked of them once."""
    named = {**SYMBOL, "limit": 2, "apiKey": client.account.api_key}
    assert len(client.result("trades.historical", named)) == 2
    assert client.refusal("trades.historical", {**named, "secretKey": "x"})[1] == -1104


@pytest.mark.parametrize("is_first", [True, False])
def test_the_parameters_read_are_counted_wherever_the_unknown_one_stands(
    client: BareClient, is_first: bool
) -> None:
    known = {**SYMBOL, "limit": 5}
    params = {"depth": 5, **known} if is_first else {**known, "depth": 5}
    words = "Not all sent parameters were read; read '2' parameter(s) but was sent '3'."
    assert client.refusal("depth", params) == (400, -1104, words)
    signed = client.refusal("account.status", {"omit": True}, signed=True)
    assert signed[2] == "Not all sent parameters were read; read '3' parameter(s) but was sent '4'."


LIMIT_ORDER = {
    **SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
}
MARKET_ORDER = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.01"}


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("order.place", {**LIMIT_ORDER, "newClientOrderId": 5}, -1130),
        ("order.place", {**LIMIT_ORDER, "newClientOrderId": ""}, -1118),
        ("order.status", {**SYMBOL, "origClientOrderId": ""}, -1119),
        ("order.place", {**LIMIT_ORDER, "quantity": ""}, -1102),
        ("order.place", {**LIMIT_ORDER, "quantity": None}, -1102),
        ("order.place", {**LIMIT_ORDER, "quantity": -1}, -1100),
        ("order.place", {**LIMIT_ORDER, "quantity": [1]}, -1102),
        ("order.status", {**SYMBOL, "orderId": ""}, -1102),
        ("order.place", {**MARKET_ORDER, "timeInForce": "GTC"}, -1114),
        ("order.place", {**LIMIT_ORDER, "trailingDelta": 100}, -1106),
        ("order.place", {**MARKET_ORDER, "quoteOrderQty": "10"}, -1128),
        ("order.place", {**MARKET_ORDER, "icebergQty": "0.001"}, -1106),
        ("order.place", {**LIMIT_ORDER, "timeInForce": "IOC", "icebergQty": "0.001"}, -1106),
        ("account.status", {"recvWindow": -1}, -1130),
        ("account.status", {"recvWindow": [5000]}, -1130),
        ("account.status", {"recvWindow": "NaN"}, -1130),
        ("myPreventedMatches", {"symbol": "NOSUCH", "preventedMatchId": 1}, -1121),
    ],
)
def test_each_wrong_value_has_its_own_refusal(
    client: BareClient, method: str, params: dict[str, Any], code: int
) -> None:
    assert client.refusal(method, client.signed(params))[:2] == (400, code)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("depth", {**SYMBOL, "limit": 0}, -1130),
        ("klines", {**SYMBOL, "interval": "1m", "timeZone": 5}, -1130),
        ("klines", {**SYMBOL, "interval": "1m", "timeZone": ""}, -1105),
        ("exchangeInfo", {"symbol": "NOSUCH"}, -1121),
        ("exchangeInfo", {**SYMBOL, "symbols": ["BTCUSDT"]}, -1128),
    ],
)
def test_a_public_method_refuses_wrong_values_as_well(
    client: BareClient, method: str, params: dict[str, Any], code: int
) -> None:
    assert client.refusal(method, params)[:2] == (400, code)


@pytest.mark.parametrize(
    "quantity", ["1e-9", "1e31", "1e999999999", "1e-999999999", "1E+99999999999999999999"]
)
def test_a_number_of_many_places_is_refused_and_not_written_out(client: BareClient, quantity: str) -> None:
    signed = client.signed({**LIMIT_ORDER, "quantity": quantity})
    text = json.dumps({"id": 1, "method": "order.place", "params": signed})
    client.socket.send(text.replace(f'"{quantity}"', quantity))
    assert client.reply_to(1)["error"]["code"] in (-1102, -1111)


def test_numbers_may_come_as_text_and_truths_as_words(client: BareClient) -> None:
    assert client.call("depth", {**SYMBOL, "limit": "5"})["status"] == 200
    assert client.call("exchangeInfo", {**SYMBOL, "showPermissionSets": "false"})["status"] == 200
    assert client.call("exchangeInfo", {**SYMBOL, "showPermissionSets": "perhaps"})["error"]["code"] == -1130
    assert client.call("order.place", client.signed({**MARKET_ORDER, "quantity": 1}))["status"] == 200
