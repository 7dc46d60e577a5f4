"""User data: subscriptions of both kinds, and events in the documented order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bare_client import BareClient

from crypto_ws_sync.simulator import Account, ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.binance.connection import Connection, Options
from crypto_ws_sync.simulator.binance.limits import AddressUsage
from crypto_ws_sync.simulator.binance.refusals import Refusal
from crypto_ws_sync.simulator.binance.streams import Streams


@pytest.fixture
def account(exchange: SimulatedExchange) -> Account:
    return exchange.add_account("ed25519")


@pytest.fixture
def logged_on(exchange: SimulatedExchange, account: Account) -> Iterator[BareClient]:
    with BareClient(exchange, account) as client:
        client.log_on()
        yield client


def subscribe_with_signature(client: BareClient, account: Account | None = None) -> int:
    params = client.signed(account=account)
    return int(client.result("userDataStream.subscribe.signature", params)["subscriptionId"])


def brief(event: dict[str, Any]) -> tuple[Any, ...]:
    """What an event is, in a word or two."""
    body = event["event"]
    if body["e"] == "executionReport":
        return "executionReport", body["x"], body["X"]
    if body["e"] == "listStatus":
        return "listStatus", body["l"], body["L"]
    return (body["e"],)


def test_subscribing_without_log_on_is_refused(client: BareClient) -> None:
    assert client.refusal("userDataStream.subscribe")[0] == 401


def test_one_subscription_per_account_and_connection(logged_on: BareClient) -> None:
    assert logged_on.result("userDataStream.subscribe") == {"subscriptionId": 0}
    assert logged_on.refusal("userDataStream.subscribe") == (
        400,
        -2035,
        "User Data Stream subscription already active.",
    )
    params = logged_on.signed()
    assert logged_on.refusal("userDataStream.subscribe.signature", params)[1] == -2035
    assert logged_on.result("session.status")["userDataStream"] is True


def test_several_accounts_may_share_a_connection(exchange: SimulatedExchange, logged_on: BareClient) -> None:
    logged_on.result("userDataStream.subscribe")
    other = exchange.add_account("hmac")
    assert subscribe_with_signature(logged_on, other) == 1
    assert logged_on.result("session.subscriptions") == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    with BareClient(exchange, other) as elsewhere:
        elsewhere.place_limit()
    assert logged_on.next_event()["subscriptionId"] == 1


def test_subscribing_with_a_signature_needs_no_log_on(client: BareClient) -> None:
    assert client.refusal("userDataStream.subscribe.signature")[:2] == (400, -1102)
    assert subscribe_with_signature(client) == 0
    client.place_limit()
    assert brief(client.next_event()) == ("executionReport", "NEW", "NEW")


def test_ids_are_never_used_twice_on_a_connection(client: BareClient) -> None:
    for number in range(3):
        assert subscribe_with_signature(client) == number
        assert client.result("userDataStream.unsubscribe", {"subscriptionId": number}) == {}
        assert brief(client.next_event()) == ("eventStreamTerminated",)


def test_last_id_of_a_connection_is_the_65535th(exchange: SimulatedExchange, account: Account) -> None:
    streams = Streams()
    connection = Connection(
        1, AddressUsage([], []), Options(), 0, lambda text: None, lambda code, reason: None
    )
    for number in range(65535):
        assert streams.subscribe(connection, account, is_by_session=False) == number
        streams.unsubscribe(connection, number, 0)
    with pytest.raises(Refusal) as refusal:
        streams.subscribe(connection, account, is_by_session=False)
    assert refusal.value.code == -2042


def test_unsubscribing_ends_one_stream_or_all_with_a_last_event(
    exchange: SimulatedExchange, logged_on: BareClient, clock: ManualClock
) -> None:
    logged_on.result("userDataStream.subscribe")
    subscribe_with_signature(logged_on, exchange.add_account("hmac"))
    assert logged_on.refusal("userDataStream.unsubscribe", {"subscriptionId": 7})[1] == -2036
    assert logged_on.result("userDataStream.unsubscribe") == {}
    assert [logged_on.next_event() for _ in range(2)] == [
        {"subscriptionId": number, "event": {"e": "eventStreamTerminated", "E": round(clock.now() * 1000)}}
        for number in (0, 1)
    ]
    assert logged_on.result("session.subscriptions") == []
    assert logged_on.result("session.status")["userDataStream"] is False


def test_log_out_closes_only_the_subscription_of_the_session(
    exchange: SimulatedExchange, logged_on: BareClient
) -> None:
    logged_on.result("userDataStream.subscribe")
    other = exchange.add_account("hmac")
    subscribe_with_signature(logged_on, other)
    logged_on.result("session.logout")
    event = logged_on.next_event()
    assert (event["subscriptionId"], brief(event)) == (0, ("eventStreamTerminated",))
    assert logged_on.result("session.subscriptions") == [{"subscriptionId": 1}]


def test_revocation_ends_the_subscription_of_the_session(
    exchange: SimulatedExchange, logged_on: BareClient, account: Account
) -> None:
    logged_on.result("userDataStream.subscribe")
    exchange.faults.revoke(account.api_key)
    logged_on.send("account.status", {"timestamp": round(exchange.now() * 1000)})
    assert logged_on.receive()["id"] is None
    assert brief(logged_on.next_event()) == ("eventStreamTerminated",)


def test_everything_dies_with_the_socket(exchange: SimulatedExchange, account: Account) -> None:
    with BareClient(exchange, account) as client:
        client.log_on()
        client.result("userDataStream.subscribe")
    with BareClient(exchange, account) as client:
        assert client.result("session.status")["apiKey"] is None
        assert client.result("session.subscriptions") == []
        client.place_limit()
        assert client.result("ping") == {}
        assert client.events == []


def test_resting_order_and_its_cancel(client: BareClient, clock: ManualClock) -> None:
    subscribe_with_signature(client)
    placed = client.place_limit(newClientOrderId="mine")
    report = client.next_event()["event"]
    assert (report["x"], report["X"], report["c"], report["C"], report["w"]) == (
        "NEW",
        "NEW",
        "mine",
        "",
        True,
    )
    assert report["W"] == round(clock.now() * 1000)
    position = client.next_event()["event"]
    assert position["e"] == "outboundAccountPosition"
    held = {each["a"]: (each["f"], each["l"]) for each in position["B"]}
    assert set(held) == {"BTC", "USDT"}
    assert float(held["USDT"][1]) == pytest.approx(float(placed["price"]) * 0.01)
    cancelled = client.result("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "mine"}, signed=True)
    report = client.next_event()["event"]
    assert (report["x"], report["X"], report["C"]) == ("CANCELED", "CANCELED", "mine")
    assert report["c"] == cancelled["clientOrderId"]
    assert brief(client.next_event()) == ("outboundAccountPosition",)


def test_market_order_short_of_liquidity(client: BareClient) -> None:
    """NEW, TRADE..., EXPIRED, then the balances."""
    book = client.result("depth", {"symbol": "BNBBTC", "limit": 5000})
    total = sum(float(quantity) for _, quantity in book["asks"])
    client.exchange.deposit("BTC", "10000")
    order = {"symbol": "BNBBTC", "side": "BUY", "type": "MARKET", "quantity": "1000"}
    while total > 1000:
        client.result("order.place", order, signed=True)
        total -= 1000
    subscribe_with_signature(client)
    order["quantity"] = f"{total + 1:.2f}"
    placed = client.result("order.place", order, signed=True)
    assert placed["status"] == "EXPIRED"
    events = []
    while not events or brief(events[-1])[0] != "outboundAccountPosition":
        events.append(client.next_event())
    kinds = [brief(event)[:2] for event in events]
    assert kinds[0] == ("executionReport", "NEW")
    assert kinds[-2:] == [("executionReport", "EXPIRED"), ("outboundAccountPosition",)]
    assert kinds[1:-2] == [("executionReport", "TRADE")] * len(placed["fills"])
    last = events[-2]["event"]
    assert last["eR"] == "INSUFFICIENT_LIQUIDITY"
    assert last["z"] == placed["executedQty"]
    assert last["Z"] == placed["cummulativeQuoteQty"]


def test_order_of_a_list_also_emits_list_status(client: BareClient) -> None:
    subscribe_with_signature(client)
    price = float(client.result("ticker.price", {"symbol": "BTCUSDT"})["price"])
    pair = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.01",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": f"{price * 1.1:.2f}",
        "belowType": "STOP_LOSS_LIMIT",
        "belowStopPrice": f"{price * 0.9:.2f}",
        "belowPrice": f"{price * 0.89:.2f}",
        "belowTimeInForce": "GTC",
    }
    placed = client.result("orderList.place.oco", pair, signed=True)
    kinds = [brief(client.next_event()) for _ in range(4)]
    assert kinds.count(("executionReport", "NEW", "NEW")) == 2
    assert ("listStatus", "EXEC_STARTED", "EXECUTING") in kinds
    assert kinds[-1] == ("outboundAccountPosition",)
    client.result(
        "orderList.cancel", {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}, signed=True
    )
    kinds = [brief(client.next_event()) for _ in range(4)]
    assert kinds.count(("executionReport", "CANCELED", "CANCELED")) == 2
    assert ("listStatus", "ALL_DONE", "ALL_DONE") in kinds


def test_amend_is_reported_as_replaced(client: BareClient) -> None:
    subscribe_with_signature(client)
    order_id = client.place_limit(newClientOrderId="before")["orderId"]
    amend = {"symbol": "BTCUSDT", "orderId": order_id, "newQty": "0.005", "newClientOrderId": "after"}
    client.result("order.amend.keepPriority", amend, signed=True)
    reports = [client.next_event()["event"] for _ in range(4)]
    replaced = next(each for each in reports if each.get("x") == "REPLACED")
    assert (replaced["c"], replaced["C"], replaced["q"]) == ("after", "before", "0.00500000")


def test_deposit_is_a_balance_update(client: BareClient, clock: ManualClock) -> None:
    subscribe_with_signature(client)
    client.exchange.deposit("BTC", "2.5")
    now_ms = round(clock.now() * 1000)
    assert client.next_event()["event"] == {
        "e": "balanceUpdate",
        "E": now_ms,
        "a": "BTC",
        "d": "2.50000000",
        "T": now_ms,
    }
    position = client.next_event()["event"]
    assert position["B"] == [{"a": "BTC", "f": "12.50000000", "l": "0.00000000"}]


def test_events_carry_the_time_unit_of_their_connection(
    exchange: SimulatedExchange, clock: ManualClock
) -> None:
    with BareClient(exchange) as ms, BareClient(exchange, query="?timeUnit=MICROSECOND") as us:
        subscribe_with_signature(ms)
        subscribe_with_signature(us)
        ms.place_limit()
        assert ms.next_event()["event"]["T"] == round(clock.now() * 1000)
        assert us.next_event()["event"]["T"] == round(clock.now() * 1_000_000)


def test_trader_hears_of_a_fill_by_the_market_without_asking(client: BareClient, clock: ManualClock) -> None:
    """A resting order at the best price is filled by the synthetic traders as time goes on."""
    subscribe_with_signature(client)
    bid = client.result("ticker.book", {"symbol": "BTCUSDT"})["bidPrice"]
    client.place_limit(bid, quantity="0.00010")
    assert brief(client.next_event())[1] == "NEW"
    assert brief(client.next_event()) == ("outboundAccountPosition",)
    clock.advance(900)
    kinds = []
    while not kinds or kinds[-1][0] != "outboundAccountPosition":
        kinds.append(brief(client.next_event()))
    assert kinds[-2] in [
        ("executionReport", "TRADE", "FILLED"),
        ("executionReport", "TRADE", "PARTIALLY_FILLED"),
    ]
