"""The highest order number of each symbol, from whatever answers and events tell."""

from __future__ import annotations

from typing import Any

import pytest

from crypto_ws_sync.exchanges.binance.latest_orders import LatestOrders


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ({"orderId": 5, "symbol": "A"}, {"A": 5}),
        ({"orderId": 5}, {}),
        ({"orderId": "5", "symbol": "A"}, {}),
        ({"orderId": True, "symbol": "A"}, {}),
        ({"newOrderResponse": {"orderId": 6, "symbol": "A"}}, {"A": 6}),
        ({"newOrderResponse": None}, {}),
        (
            {"orderListId": 1, "orders": [{"symbol": "A", "orderId": 7}, {"symbol": "B", "orderId": 8}]},
            {"A": 7, "B": 8},
        ),
        ({"orderListId": 1, "orders": [None, 7, {"symbol": "A"}, {"symbol": "B", "orderId": 8}]}, {"B": 8}),
        ({"orderListId": 1}, {}),
        ({"orderListId": 1, "orders": "none"}, {}),
        ({"anything": 1}, {}),
    ],
)
def test_each_kind_of_answer_tells_its_orders(answer: Any, numbers: dict[str, int]) -> None:
    latest = LatestOrders()
    latest.note_answer(answer)
    assert latest.numbers == numbers


def test_a_lower_number_changes_nothing() -> None:
    latest = LatestOrders()
    for number in (5, 9, 7):
        latest.note("A", number)
        latest.note_answer({"orderId": number - 1, "symbol": "A"})
    assert latest.numbers == {"A": 9}


def test_symbols_are_not_kept_without_end() -> None:
    latest = LatestOrders()
    for number in range(20_000):
        latest.note(f"S{number}", number)
    kept = len(latest.numbers)
    assert 1000 < kept < 20_000
    latest.note("S0", 10**9)
    assert latest.numbers["S0"] == 10**9
    assert len(latest.numbers) == kept
