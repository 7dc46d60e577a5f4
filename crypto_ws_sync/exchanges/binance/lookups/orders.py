"""Placements and cancels of orders: what to ask after them, and what the answers mean."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from crypto_ws_sync.errors import CancelRejected, OrderRejected
from crypto_ws_sync.exchanges.binance.lookups.fills import ask_fills
from crypto_ws_sync.exchanges.binance.lookups.inquiry import MISSING, Answer, Ask, Steps
from crypto_ws_sync.exchanges.binance.lookups.lists import ask_cancelled
from crypto_ws_sync.exchanges.binance.lookups.views import (
    as_placed,
    has_ended,
    is_equal,
    is_open,
    is_smaller,
    may_be_made_by,
    may_be_of,
    may_be_older,
    refusal,
    response_type,
    was_since,
)
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["UNKNOWN_ORDER", "ask_if_ours", "by_id", "cancel", "cancel_all", "changed_since", "placement"]

UNKNOWN_ORDER = "Unknown order sent."


def by_id(params: Mapping[str, Any], number: str, text: str) -> dict[str, Any]:
    """Return the parameters that name an order as the write named it; the number wins, as at the exchange."""
    if number in params:
        return {"symbol": params.get("symbol"), "orderId": params[number]}
    return {"symbol": params.get("symbol"), "origClientOrderId": params.get(text)}


def changed_since(question: Question) -> Ask:
    """Return the question for the symbol's orders that have changed since the write was signed."""
    since = math.floor((question.timestamp - question.clock_error) * 1000) - 2
    return "allOrders", {"symbol": question.params.get("symbol"), "startTime": since, "limit": 1000}


def ask_if_ours(
    question: Question, order: Mapping[str, Any] | None
) -> Generator[Sequence[Ask], Sequence[Answer], bool]:
    """Tell whether an order is the one placed: ids may be used again, so an older order may bear the same.

    One that was amended since has another quantity; its first amendment tells which it had before.
    """
    if order is None or not may_be_made_by(question, order):
        return False
    params = question.params
    if any(order.get(name) != params.get(name) for name in ("symbol", "side", "type") if name in params):
        return False
    if "quoteOrderQty" in params and not is_equal(params["quoteOrderQty"], order.get("origQuoteOrderQty")):
        return False
    if "quantity" not in params or is_equal(params["quantity"], order.get("origQty")):
        return True
    if not is_smaller(order.get("origQty"), params["quantity"]):
        return False
    (history,) = yield (("order.amendments", {"symbol": order["symbol"], "orderId": order["orderId"]}),)
    return bool(history) and is_equal(history[0]["origQty"], params["quantity"])


def placement(question: Question, is_last: bool) -> Steps:
    """Found and the very one: executed. An older order under the same id is not it."""
    symbol = question.params.get("symbol")
    (order,) = yield (("order.status", {"symbol": symbol, "origClientOrderId": question.client_order_id}),)
    if not (yield from ask_if_ours(question, order)):
        return MISSING
    if order["status"] == "REJECTED":
        return Finding(
            FindingKind.REFUSED, error=refusal(OrderRejected, question, -2010, "Order was rejected.")
        )
    fills, prevented = yield from ask_fills(question, order)
    reply = as_placed(order, response_type(question), fills, prevented)
    return Finding(FindingKind.DONE, [reply] if question.method == "sor.order.place" else reply)


def cancel(question: Question, is_last: bool) -> Steps:
    """Ended since: cancelled. Ended before, or filled: refused. Still open: not yet."""
    (order,) = yield (("order.status", by_id(question.params, "orderId", "origClientOrderId")),)
    if order is None or is_open(order):
        return MISSING
    if not has_ended(order) or not may_be_of(question, order.get("updateTime")):
        return Finding(FindingKind.REFUSED, error=refusal(CancelRejected, question, -2011, UNKNOWN_ORDER))
    reply = yield from ask_cancelled(order, question.params.get("newClientOrderId"))
    return Finding(FindingKind.DONE, reply)


def cancel_all(question: Question, is_last: bool) -> Steps:
    """Nothing older is open and something was cancelled since: done. Nothing was there: refused, in the end."""
    opened = ("openOrders.status", {"symbol": question.params.get("symbol")})
    still_open, changed = yield (opened, changed_since(question))
    if any(may_be_older(question, order.get("time")) for order in still_open):
        return MISSING
    gone = [order for order in changed if has_ended(order) and was_since(question, order.get("updateTime"))]
    if not any(order["status"] == "CANCELED" for order in gone):
        if is_last:
            return Finding(FindingKind.REFUSED, error=refusal(CancelRejected, question, -2011, UNKNOWN_ORDER))
        return MISSING
    replies = []
    told: set[Any] = set()
    for order in gone:
        number = order.get("orderListId", -1)
        if number == -1 or number not in told:
            told.add(number)
            replies.append((yield from ask_cancelled(order)))
    return Finding(FindingKind.DONE, replies)
