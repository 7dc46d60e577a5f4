"""Replies and events beside the published samples: the same keys, the same types of values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bare_client import BareClient
from sample_scenarios import SCENARIOS, SYMBOL, limit, pair, signed
from sample_shapes import differences

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

SAMPLES = Path(__file__).parents[1] / "data" / "samples"

OTHER_FILES = {"events", "filters", "protocol", "sequences", "stp"}
"""Files that hold no request of their own name; the tests below walk them."""

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
    assert names == set(SCENARIOS) | OTHER_FILES


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
    exchange.lock("BTC", "1")
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
    assert set(samples) == set(first)
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
