"""Pegged orders on the wire: the words for them in requests, replies, events and lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bare_client import BareClient
from sample_scenarios import SYMBOL, last_price, signed, working

PEG = {**SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
PEG["pegPriceType"] = "PRIMARY_PEG"
FAQ_REPLY = {
    "symbol": "BTCUSDT",
    "price": "0.00000000",
    "pegPriceType": "PRIMARY_PEG",
    "status": "NEW",
    "type": "LIMIT",
    "fills": [],
}
"""What the documents show of such an order's reply, beside ids, times and amounts."""


def levels(client: BareClient, side: str) -> list[str]:
    """The prices of one side of the book, best first."""
    return [price for price, _ in client.result("depth", {**SYMBOL, "limit": 20})[side]]


def test_reply_has_the_chosen_price_beside_the_one_that_was_sent(client: BareClient) -> None:
    best = levels(client, "bids")[0]
    placed = client.result("order.place", PEG, signed=True)
    assert {name: placed[name] for name in FAQ_REPLY} == FAQ_REPLY
    assert placed["peggedPrice"] == best
    assert "pegOffsetType" not in placed
    found = client.result("order.status", {**SYMBOL, "orderId": placed["orderId"]}, signed=True)
    cancelled = client.result("order.cancel", {**SYMBOL, "orderId": placed["orderId"]}, signed=True)
    for told in (found, cancelled):
        assert (told["price"], told["peggedPrice"]) == ("0.00000000", best)
    sent = f"{Decimal(best) + 5:.2f}"
    both = client.result("order.place", {**PEG, "price": sent}, signed=True)
    assert (Decimal(both["price"]), both["peggedPrice"]) == (Decimal(sent), best)


def test_offset_counts_existing_levels_into_the_book(client: BareClient) -> None:
    offset = {"pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 7}
    asks = levels(client, "asks")
    placed = client.result("order.place", {**PEG, **offset, "side": "SELL"}, signed=True)
    assert placed["peggedPrice"] == asks[7]
    assert {name: placed[name] for name in offset} == offset


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pegPriceType": "PRIMARY"}, -1210),
        ({"pegPriceType": "MARKET"}, -1210),
        ({"pegOffsetType": "PRICE", "pegOffsetValue": 1}, -1211),
        ({"pegOffsetType": "PRICE_LEVEL"}, -1128),
        ({"pegOffsetValue": 3}, -1128),
        ({"pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 101}, -1102),
        ({"pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 100}, -2010),
        ({"pegPriceType": None, "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 1, "price": "1"}, -1102),
        ({"timeInForce": "IOC"}, -2010),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "pegPriceType": "MARKET_PEG"}, -2010),
        ({"type": "MARKET", "timeInForce": None}, -2010),
        ({"type": "STOP_LOSS", "timeInForce": None, "stopPrice": "1"}, -2010),
        ({"type": "TAKE_PROFIT", "timeInForce": None, "stopPrice": "1"}, -2010),
    ],
)
def test_wrong_pegs_are_refused(client: BareClient, change: dict[str, Any], code: int) -> None:
    order = {name: value for name, value in {**PEG, **change}.items() if value is not None}
    for method in ("order.place", "order.test"):
        assert client.refusal(method, order, signed=True)[1] == code
    assert client.exchange.orders() == []


def test_smart_order_routing_takes_no_pegs(client: BareClient) -> None:
    assert client.refusal("sor.order.place", PEG, signed=True)[1] == -1104


def test_events_carry_the_peg_and_its_price_once_there_is_one(client: BareClient) -> None:
    client.result("userDataStream.subscribe.signature", client.signed())
    stop = {
        **PEG,
        "type": "TAKE_PROFIT_LIMIT",
        "stopPrice": last_price(client, 0.9),
        "pegOffsetType": "PRICE_LEVEL",
        "pegOffsetValue": 2,
    }
    placed = client.result("order.place", {**stop, "newOrderRespType": "RESULT"}, signed=True)
    assert "peggedPrice" not in placed
    event = client.next_event()["event"]
    assert (event["gP"], event["gOT"], event["gOV"]) == ("PRIMARY_PEG", "PRICE_LEVEL", 2)
    assert "gp" not in event
    best = client.result("order.place", PEG, signed=True)["peggedPrice"]
    event = client.next_event()["event"]
    while event["e"] != "executionReport":
        event = client.next_event()["event"]
    assert (event["gP"], event["gp"], event["p"]) == ("PRIMARY_PEG", best, "0.00000000")
    assert "gOT" not in event


def test_every_leg_of_a_list_may_be_pegged(client: BareClient) -> None:
    pair = {
        **SYMBOL,
        "side": "SELL",
        "quantity": "0.01",
        "aboveType": "LIMIT_MAKER",
        "abovePegPriceType": "PRIMARY_PEG",
        "belowType": "STOP_LOSS_LIMIT",
        "belowTimeInForce": "GTC",
        "belowStopPrice": last_price(client, 0.9),
        "belowPegPriceType": "MARKET_PEG",
        "belowPegOffsetType": "PRICE_LEVEL",
        "belowPegOffsetValue": 1,
    }
    above, below = client.result("orderList.place.oco", pair, signed=True)["orderReports"]
    assert above["peggedPrice"] == levels(client, "asks")[0]
    assert (below["pegPriceType"], below["pegOffsetValue"]) == ("MARKET_PEG", 1)
    assert "peggedPrice" not in below
    chain = {
        **working(client),
        "workingSide": "BUY",
        "workingPegPriceType": "PRIMARY_PEG",
        "pendingType": "LIMIT",
        "pendingSide": "SELL",
        "pendingQuantity": "0.01",
        "pendingTimeInForce": "GTC",
        "pendingPegPriceType": "PRIMARY_PEG",
    }
    del chain["workingPrice"]
    first, second = client.result("orderList.place.oto", chain, signed=True)["orderReports"]
    assert first["peggedPrice"] == levels(client, "bids")[0]
    assert (second["price"], second["pegPriceType"]) == ("0.00000000", "PRIMARY_PEG")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"workingPegOffsetType": "PRICE_LEVEL"}, -1128),
        ({"workingPegOffsetType": "PRICE_LEVEL", "workingPegOffsetValue": 101}, -1102),
        ({"pendingPegOffsetType": "PRICE_LEVEL", "pendingPegOffsetValue": 1}, -1102),
        ({"workingPegPriceType": "BEST"}, -1210),
        ({"pendingPegPriceType": "MARKET_PEG"}, -2010),
    ],
)
def test_wrong_pegs_in_lists_are_refused(client: BareClient, change: dict[str, Any], code: int) -> None:
    chain = {
        **working(client),
        "workingPegPriceType": "PRIMARY_PEG",
        "pendingType": "MARKET",
        "pendingSide": "BUY",
        "pendingQuantity": "0.01",
        **change,
    }
    assert signed(client, "orderList.place.oto", chain)["error"]["code"] == code
    assert client.exchange.orders() == []
