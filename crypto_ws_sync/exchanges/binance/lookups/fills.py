"""What an answer to a placement tells beyond the order's state: its fills, and matches that were prevented."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeAlias

from crypto_ws_sync.exchanges.binance.lookups.inquiry import Answer, Ask
from crypto_ws_sync.exchanges.binance.lookups.views import is_traded, response_type
from crypto_ws_sync.protocol.outcome import Question

__all__ = ["ask_fills"]

_PAGE = 1000
_PAID = ("price", "qty", "commission", "commissionAsset")
_PREVENTED = (
    "preventedMatchId",
    "makerOrderId",
    "price",
    "takerPreventedQuantity",
    "makerPreventedQuantity",
)

_Details: TypeAlias = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def ask_fills(
    question: Question, order: Mapping[str, Any]
) -> Generator[Sequence[Ask], Sequence[Answer], _Details]:
    """Ask for the fills of an order, and for its prevented matches, where the answer would have listed them."""
    if response_type(question) != "FULL":
        return [], []
    asked: dict[str, Ask] = {}
    named = {"symbol": order["symbol"], "orderId": order["orderId"], "limit": _PAGE}
    if is_traded(order):
        asked["trades"] = ("myTrades", named)
        if order.get("usedSor"):
            # Fills from other symbols' books are allocations, which are no trades.
            asked["allocations"] = ("myAllocations", named)
    if "preventedMatchId" in order:
        asked["prevented"] = ("myPreventedMatches", named)
    answers = (yield list(asked.values())) if asked else ()
    found = dict(zip(asked, answers, strict=True))
    fills = [_fill(trade) for trade in found.get("trades") or ()]
    fills += [_allocation(each) for each in found.get("allocations") or ()]
    prevented = [
        {name: match[name] for name in _PREVENTED if name in match} for match in found.get("prevented") or ()
    ]
    return fills, prevented


def _fill(trade: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: trade[name] for name in _PAID}, "tradeId": trade["id"]}


def _allocation(allocation: Mapping[str, Any]) -> dict[str, Any]:
    paid = {name: allocation[name] for name in _PAID}
    return {
        "matchType": "ONE_PARTY_TRADE_REPORT",
        **paid,
        "tradeId": -1,
        "allocId": allocation["allocationId"],
    }
