"""Replies and events beside the published samples: the same keys, the same types of values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bare_client import BareClient
from sample_scenarios import SCENARIOS, SYMBOL, limit, pair, signed

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

SAMPLES = Path(__file__).parents[1] / "data" / "samples"

CONDITIONAL = {
    "expiryReason",
    "icebergQty",
    "preventedMatchId",
    "preventedQuantity",
    "stopPrice",
    "strategyId",
    "strategyType",
    "trailingDelta",
    "trailingTime",
}
"""Members that the documents call conditional: a sample shows one order, and another has others."""


def differences(sample: Any, ours: Any, path: str = "") -> list[str]:
    """Where two JSON values differ in keys or in types."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = [
            f"{path}.{key}: {'only in the sample' if key in sample else 'only in ours'}"
            for key in sorted(set(sample) ^ set(ours))
            if key not in CONDITIONAL
        ]
        for key in sample:
            if key in ours:
                found += differences(sample[key], ours[key], f"{path}.{key}")
        return found
    if isinstance(sample, list) and isinstance(ours, list):
        if sample and not ours:
            return [f"{path}: nothing to compare"]
        found = []
        for place, value in enumerate(sample):
            found += differences(value, ours[min(place, len(ours) - 1)], f"{path}[{place}]")
        return found
    if type(sample) is not type(ours):
        return [f"{path}: {type(sample).__name__} in the sample, {type(ours).__name__} in ours"]
    return []


OTHER_FILES = {"events", "filters", "protocol", "sequences", "stp"}
"""Files that hold no request of their own name; the tests below walk them."""

NOT_OFFERED = {
    "executionRules",
    "myFilters",
    "referencePrice",
    "referencePrice.calculation",
}
"""Methods for what no symbol or account here has: a documented refusal or empty answer, tested elsewhere."""

KNOWN = {
    # Two samples in this file are of a time before workingTime; the others of the file have it.
    "order.cancelReplace": {
        "responses[0].result.newOrderResponse.workingTime: only in ours",
    },
    # The one with fills leaves out what every other reply of its kind has.
    "order.place": {"responses[2].result.selfTradePreventionMode: only in ours"},
}
"""Where a sample is known to be odd."""


def test_every_sample_has_its_scenario() -> None:
    names = {path.stem for path in SAMPLES.glob("*.json")}
    assert names == set(SCENARIOS) | OTHER_FILES | NOT_OFFERED


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_replies_look_like_the_samples(client: BareClient, clock: ManualClock, name: str) -> None:
    sample = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    replies = SCENARIOS[name](client)
    assert len(replies) == len(sample["responses"])
    found = []
    for place, (wanted, got) in enumerate(zip(sample["responses"], replies, strict=True)):
        assert got["status"] == wanted["status"], got
        got["id"] = wanted["id"]
        found += differences(wanted, got, f"responses[{place}]")
        for key in ("code",):
            if "error" in wanted:
                assert got["error"][key] == wanted["error"][key]
    assert set(found) == KNOWN.get(name, set())


def collect_events(client: BareClient) -> list[dict[str, Any]]:
    """One event of every kind that this exchange sends."""
    exchange = client.exchange
    client.result("userDataStream.subscribe.signature", client.signed())
    client.result("order.place", limit(client), signed=True)
    client.result("orderList.place.oco", pair(client), signed=True)
    exchange.deposit("BTC", "1")
    exchange.faults.announce_shutdown()
    client.result("userDataStream.unsubscribe")
    events = []
    while not events or events[-1]["event"]["e"] != "eventStreamTerminated":
        events.append(client.next_event())
    return events


def test_events_look_like_the_samples(client: BareClient) -> None:
    samples = json.loads((SAMPLES / "events.json").read_text(encoding="utf-8"))
    first: dict[str, dict[str, Any]] = {}
    for event in collect_events(client):
        first.setdefault(event["event"]["e"], event)
    # Locks from outside of the exchange's own orders never happen here.
    assert set(samples) - set(first) == {"externalLockUpdate"}
    found = []
    for name, event in first.items():
        for place, sample in enumerate(samples[name]):
            found += differences(sample, event, f"{name}[{place}]")
    # The sample shows the id of a prevented match on a plain order, for illustration.
    assert found == ["executionReport[0].event.v: only in the sample"]


def test_market_order_short_of_liquidity_looks_like_the_sample(client: BareClient) -> None:
    sample = json.loads((SAMPLES / "sequences.json").read_text(encoding="utf-8"))
    case = sample["market_order_insufficient_liquidity"]
    symbol = {"symbol": "BNBBTC"}
    client.exchange.deposit("BTC", "10000")
    total = sum(float(each[1]) for each in client.result("depth", {**symbol, "limit": 5000})["asks"])
    order = {**symbol, "side": "BUY", "type": "MARKET", "quantity": "1000"}
    while total > 1000:
        client.result("order.place", order, signed=True)
        total -= 1000
    client.result("userDataStream.subscribe.signature", client.signed())
    response = client.result("order.place", {**order, "quantity": f"{total + 1:.2f}"}, signed=True)
    events = []
    while not events or events[-1]["e"] != "outboundAccountPosition":
        events.append(client.next_event()["event"])
    # Newer than the sample: the quantity in quote that was asked for.
    assert differences(case["response"], response) == [".origQuoteOrderQty: only in ours"]
    kinds = [(each["e"], each.get("x")) for each in events]
    wanted = [(each["e"], each.get("x")) for each in case["events"]]
    assert list(dict.fromkeys(kinds)) == list(dict.fromkeys(wanted))
    by_kind = dict(zip(kinds, events, strict=True))
    for each in case["events"]:
        found = differences(each, by_kind[each["e"], each.get("x")])
        assert set(found) <= {".eR: only in ours"}


STP = json.loads((SAMPLES / "stp.json").read_text(encoding="utf-8"))


def stp_orders(text: str) -> list[dict[str, str]]:
    """The orders that a scenario of the documents places."""
    return [dict(part.split("=") for part in line.split(": ", 1)[1].split()) for line in text]


@pytest.mark.parametrize("name", [f"scenario_{letter}" for letter in "ABCDE"])
def test_self_trade_prevention_ends_as_in_the_samples(name: str) -> None:
    """The documented scenarios between the best prices, where nobody else can take part.

    The sixth has a MARKET order, which goes on into the orders of others; the last ones need modes that no
    symbol here allows.
    """
    (description, *expected) = STP[name]
    with (
        SimulatedExchange(symbols=["BTCUSDT"]) as exchange,
        BareClient(exchange) as client,
    ):
        book = client.result("ticker.book", SYMBOL)
        base = (float(book["bidPrice"]) + float(book["askPrice"])) / 2
        ours = []
        for each in stp_orders(description["orders_text"]):
            order = {
                **SYMBOL,
                "side": each["side"],
                "type": each["type"],
                "quantity": f"{float(each['quantity']) / 1000:.5f}",
                "selfTradePreventionMode": each["selfTradePreventionMode"],
            }
            if each["type"] == "LIMIT":
                level = {"1": 0, "1.0": 0, "1.1": 1, "1.2": 2}[each["price"]]
                order |= {"timeInForce": "GTC", "price": f"{base + level * 0.01:.2f}"}
            ours.append(client.result("order.place", order, signed=True))
        statuses = [
            client.result("order.status", {**SYMBOL, "orderId": each["orderId"]}, signed=True)
            for each in ours
        ]
    for place, wanted in enumerate(expected):
        is_placement = "transactTime" in wanted
        got = ours[place] if is_placement else statuses[place]
        assert got["status"] == wanted["status"]
        found = set(differences(wanted, got))
        # Newer than the samples is the quantity in quote; one of them is of an account in a trade group.
        assert found <= {".origQuoteOrderQty: only in ours", ".tradeGroupId: only in the sample"}
        assert ("preventedQuantity" in got) is ("preventedQuantity" in wanted)


@pytest.mark.parametrize("place", range(9))
def test_protocol_samples_look_like_ours(clock: ManualClock, place: int) -> None:
    sample = json.loads((SAMPLES / "protocol.json").read_text(encoding="utf-8"))[place]
    limits = {"REQUEST_WEIGHT": 500}
    with SimulatedExchange(clock=clock, rate_limits=limits, balances={"USDT": "1000"}) as exchange:
        account = exchange.add_account("ed25519")
        with BareClient(exchange, account) as client:
            reply = protocol_scenario(client, clock, sample)
    assert reply["status"] == sample["status"]
    reply["id"] = sample["id"]
    found = set(differences(sample, reply))
    # A LIMIT order's reply has its fills unless another size is asked for.
    assert found == set()
    if "error" in sample:
        assert reply["error"]["code"] == sample["error"]["code"]


def protocol_scenario(client: BareClient, clock: ManualClock, sample: dict[str, Any]) -> Any:
    """What leads to one of the protocol's samples."""
    if sample["status"] == 418:
        while True:
            reply = client.call("ping")
            if reply["status"] == 418:
                return reply
            if reply["status"] == 429:
                clock.advance(1)
    if sample["status"] == 401:
        client.log_on()
        client.exchange.faults.revoke(client.account.api_key)
        client.send("account.status", {"timestamp": round(client.exchange.now() * 1000)})
        return client.receive()
    if sample["status"] == 400:
        return signed(client, "order.place", limit(client, quantity="5"))
    if sample["result"] == []:
        return signed(client, "openOrders.status", SYMBOL)
    if "serverTime" in sample["result"]:
        return client.call("time", None if "rateLimits" in sample else {"returnRateLimits": False})
    return signed(client, "order.place", limit(client, newOrderRespType="RESULT", quantity="0.0001"))


FILTERS = json.loads((SAMPLES / "filters.json").read_text(encoding="utf-8"))


def test_filters_look_like_the_samples(client: BareClient) -> None:
    for symbol in client.result("exchangeInfo")["symbols"]:
        for each in symbol["filters"]:
            assert differences(FILTERS[each["filterType"]], each) == []
