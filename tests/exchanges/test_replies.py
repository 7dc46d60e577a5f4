"""The result types against every sample reply and event of the exchange's documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, is_typeddict

import pytest
from fitting import faults, fits, result_type

from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.exchanges.binance.replies import account, events, market_data, orders

SAMPLES = Path(__file__).parents[1] / "data" / "samples"


def sample(name: str) -> Any:
    """Return a file of samples."""
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


REPLIES = [
    (name, place, reply)
    for name in CATALOGUE
    for place, reply in enumerate(sample(name)["responses"])
    if "result" in reply
]


@pytest.mark.parametrize(
    ("name", "place", "reply"), REPLIES, ids=[f"{name}-{place}" for name, place, _ in REPLIES]
)
def test_each_sample_result_fits_its_type(name: str, place: int, reply: dict[str, Any]) -> None:
    result = reply["result"]
    if name == "referencePrice" and place == 2:
        # The documents show an error object as a result here.
        assert fits(result, orders.ErrorObject)
        assert list(faults(result, market_data.ReferencePrice, "reply"))
        return
    assert fits(result, result_type(name))


def test_every_method_has_a_sample_result() -> None:
    assert {name for name, _, _ in REPLIES} == set(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_sample_error_fits_its_type(name: str) -> None:
    for reply in sample(name)["responses"]:
        error = reply.get("error")
        if error is None:
            assert "result" in reply
            continue
        assert fits(error, orders.ErrorObject)
        if name == "order.cancelReplace" and "data" in error:
            assert fits(error["data"], orders.CancelReplaceReport)


def test_samples_of_the_protocol_fit() -> None:
    for reply in sample("protocol"):
        for limit in reply.get("rateLimits", []):
            assert fits(limit, account.OrderCount)
        if "error" in reply:
            assert fits(reply["error"], orders.ErrorObject)
        elif "orderId" in reply["result"]:
            assert fits(reply["result"], orders.PlacedOrder)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a value."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def test_orders_under_self_trade_prevention_fit() -> None:
    found = [order for order in objects(sample("stp")) if "orderId" in order]
    placed = [order for order in found if "transactTime" in order]
    assert len(found) > len(placed) > 0
    for order in found:
        if "transactTime" in order:
            assert fits(order, orders.PlacedOrder)
        else:
            assert fits(order, orders.OrderState)


EVENTS = {
    "outboundAccountPosition": events.AccountPosition,
    "balanceUpdate": events.BalanceUpdate,
    "executionReport": events.ExecutionReport,
    "listStatus": events.ListStatus,
    "eventStreamTerminated": events.StreamTerminated,
    "externalLockUpdate": events.ExternalLockUpdate,
    "serverShutdown": events.ServerShutdown,
}


@pytest.mark.parametrize("kind", sample("events"))
def test_each_sample_event_fits_its_type(kind: str) -> None:
    for frame in sample("events")[kind]:
        assert frame["event"]["e"] == kind
        assert fits(frame["event"], EVENTS[kind])
        if kind != "serverShutdown":
            assert fits(frame["event"], events.UserDataEvent)


def test_a_market_order_short_of_liquidity_fits() -> None:
    sequence = sample("sequences")["market_order_insufficient_liquidity"]
    assert fits(sequence["response"], orders.PlacedOrder)
    assert len(sequence["events"]) > 3
    for event in sequence["events"]:
        assert fits(event, EVENTS[event["e"]])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"serverTime": "1"}, market_data.ServerTime),
        ({"serverTime": True}, market_data.ServerTime),
        ({}, market_data.ServerTime),
        ({"serverTime": 1, "other": 2}, market_data.ServerTime),
        ([{"symbol": "A", "price": 1}], list[market_data.PriceTicker]),
        ({"symbol": "A", "price": "1"}, list[market_data.PriceTicker]),
        ({"e": "serverShutdown", "E": 1}, events.UserDataEvent),
        ([1, None], list[int | str]),
    ],
)
def test_what_does_not_fit_is_found(value: Any, wanted: Any) -> None:
    assert list(faults(value, wanted, "reply"))


@pytest.mark.parametrize("module", [account, events, market_data, orders])
def test_every_shape_is_exported(module: Any) -> None:
    shapes = {
        name
        for name, value in vars(module).items()
        if is_typeddict(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert shapes <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
