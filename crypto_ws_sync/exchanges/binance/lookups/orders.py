"""Writes that concern single orders: what to ask after them, and what the answers mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from crypto_ws_sync.errors import CancelRejected, OrderRejected, PartialFailure
from crypto_ws_sync.exchanges.binance.lookups.lists import as_cancelled_list, legs_of
from crypto_ws_sync.exchanges.binance.lookups.views import (
    MISSING,
    as_amended,
    as_cancelled,
    as_placed,
    has_ended,
    is_equal,
    is_open,
    may_be_of,
    refusal,
    was_since,
)
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = [
    "ask_all",
    "ask_amendment",
    "ask_cancel",
    "ask_placement",
    "ask_replacement",
    "judge_all",
    "judge_amendment",
    "judge_cancel",
    "judge_placement",
    "judge_replacement",
]

_Ask = tuple[str, dict[str, Any]]
_FULL_BY_DEFAULT = frozenset({"LIMIT", "MARKET"})
_UNKNOWN_ORDER = "Unknown order sent."


def _by_id(params: Mapping[str, Any], number: str, text: str) -> dict[str, Any]:
    """Return the parameters that name an order as the write named it; the number wins, as at the exchange."""
    if number in params:
        return {"symbol": params.get("symbol"), "orderId": params[number]}
    return {"symbol": params.get("symbol"), "origClientOrderId": params.get(text)}


# -- placements ---------------------------------------------------------------------------------------------


def ask_placement(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask for the order; where its answer would have listed fills, for its trades too."""
    symbol = question.params.get("symbol")
    if not answers:
        return (("order.status", {"symbol": symbol, "origClientOrderId": question.client_order_id}),)
    order = answers[0]
    is_ours = len(answers) == 1 and isinstance(order, dict) and _is_the_one(question, order)
    if is_ours and _lists_fills(question) and not is_equal(order.get("executedQty"), "0"):
        return (("myTrades", {"symbol": symbol, "orderId": order.get("orderId")}),)
    return ()


def judge_placement(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """Found and the very one: executed. An older order under the same id is not it."""
    order = answers[0]
    if not isinstance(order, dict) or not _is_the_one(question, order):
        return MISSING
    if order.get("status") == "REJECTED":
        return Finding(
            FindingKind.REFUSED, error=refusal(OrderRejected, question, -2010, "Order was rejected.")
        )
    reply = as_placed(order)
    if _lists_fills(question):
        trades = answers[1] if len(answers) > 1 and isinstance(answers[1], list) else []
        reply["fills"] = [_fill(trade) for trade in trades]
    return Finding(FindingKind.DONE, [reply] if question.method == "sor.order.place" else reply)


def _lists_fills(question: Question) -> bool:
    asked = question.params.get("newOrderRespType")
    if asked is None:
        return question.method == "order.place" and question.params.get("type") in _FULL_BY_DEFAULT
    return bool(asked == "FULL")


def _fill(trade: Mapping[str, Any]) -> dict[str, Any]:
    fill = {name: trade.get(name) for name in ("price", "qty", "commission", "commissionAsset")}
    fill["tradeId"] = trade.get("id")
    return fill


def _is_the_one(question: Question, order: Mapping[str, Any]) -> bool:
    """Tell whether an order is the one placed: ids may be used again, so an older order may bear the same."""
    params = question.params
    if any(order.get(name) != params.get(name) for name in ("symbol", "side", "type") if name in params):
        return False
    for sent, kept in (("quantity", "origQty"), ("quoteOrderQty", "origQuoteOrderQty")):
        if sent in params and not is_equal(params[sent], order.get(kept)):
            return False
    return may_be_of(question, order.get("time"))


# -- cancels ------------------------------------------------------------------------------------------------


def ask_cancel(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask for the order; where it was a list's leg, for the list and all of its legs."""
    if not answers:
        return (("order.status", _by_id(question.params, "orderId", "origClientOrderId")),)
    order = answers[0]
    if isinstance(order, dict) and order.get("orderListId", -1) != -1 and has_ended(order):
        if len(answers) == 1:
            return (("orderList.status", {"orderListId": order["orderListId"]}),)
        if len(answers) == 2:
            return legs_of(answers[1])
    return ()


def judge_cancel(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """Ended since: cancelled. Ended before, or filled: refused. Still open: not yet."""
    order = answers[0]
    if not isinstance(order, dict) or is_open(order):
        return MISSING
    if not has_ended(order) or not may_be_of(question, order.get("updateTime")):
        return Finding(FindingKind.REFUSED, error=refusal(CancelRejected, question, -2011, _UNKNOWN_ORDER))
    if len(answers) > 1 and isinstance(answers[1], dict):
        return Finding(FindingKind.DONE, as_cancelled_list(answers[1], answers[2:]))
    return Finding(FindingKind.DONE, as_cancelled(order, question.params.get("newClientOrderId")))


def ask_all(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask what is open, and what changed since."""
    if answers:
        return ()
    symbol = question.params.get("symbol")
    since = math.floor((question.timestamp - question.clock_error) * 1000) - 2
    return (
        ("openOrders.status", {"symbol": symbol}),
        ("allOrders", {"symbol": symbol, "startTime": since, "limit": 1000}),
    )


def judge_all(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """Nothing older is open and something was cancelled since: done. Nothing was there: refused, in the end."""
    still_open, changed = (answer if isinstance(answer, list) else [] for answer in answers)
    if any(not was_since(question, order.get("time")) for order in still_open):
        return MISSING
    cancelled = [
        as_cancelled(order)
        for order in changed
        if order.get("status") == "CANCELED" and was_since(question, order.get("updateTime"))
    ]
    if cancelled:
        return Finding(FindingKind.DONE, cancelled)
    if is_last:
        return Finding(FindingKind.REFUSED, error=refusal(CancelRejected, question, -2011, _UNKNOWN_ORDER))
    return MISSING


# -- cancel-replace and amendments --------------------------------------------------------------------------


def ask_replacement(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask for the new order and for the old one."""
    if answers:
        return ()
    params = question.params
    return (
        ("order.status", {"symbol": params.get("symbol"), "origClientOrderId": question.client_order_id}),
        ("order.status", _by_id(params, "cancelOrderId", "cancelOrigClientOrderId")),
    )


def judge_replacement(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """Settle both halves: both done, or one, which is a partial failure, or neither."""
    new, old = answers
    is_placed = isinstance(new, dict) and _is_the_one(question, new)
    is_cancelled = isinstance(old, dict) and has_ended(old) and may_be_of(question, old.get("updateTime"))
    if is_placed and is_cancelled:
        return Finding(FindingKind.DONE, _both(question, new, old))
    cancel_failed = isinstance(old, dict) and not is_open(old) and not is_cancelled
    allows_failure = question.params.get("cancelReplaceMode") == "ALLOW_FAILURE"
    if is_placed and allows_failure and (cancel_failed or is_last):
        return Finding(FindingKind.REFUSED, error=_half(question, new, None))
    if is_cancelled and is_last:
        return Finding(FindingKind.REFUSED, error=_half(question, None, old))
    return MISSING


def _both(question: Question, new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown = {"code": -2011, "msg": _UNKNOWN_ORDER}
    return {
        "cancelResult": "SUCCESS" if old is not None else "FAILURE",
        "newOrderResult": "SUCCESS" if new is not None else "FAILURE",
        "cancelResponse": (
            as_cancelled(old, question.params.get("cancelNewClientOrderId")) if old is not None else unknown
        ),
        "newOrderResponse": as_placed(new) if new is not None else None,
    }


def _half(question: Question, new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> PartialFailure:
    msg = "Order cancel-replace partially failed."
    return refusal(PartialFailure, question, -2021, msg, status=409, data=_both(question, new, old))


def ask_amendment(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask for the order under the id that the amendment gives it."""
    if answers:
        return ()
    params = question.params
    return (
        (
            "order.status",
            {"symbol": params.get("symbol"), "origClientOrderId": params.get("newClientOrderId")},
        ),
    )


def judge_amendment(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """Found under the new id with the new quantity: done."""
    order, params = answers[0], question.params
    if not isinstance(order, dict) or not is_equal(order.get("origQty"), params.get("newQty")):
        return MISSING
    if "orderId" in params and str(order.get("orderId")) != str(params["orderId"]):
        return MISSING
    return Finding(
        FindingKind.DONE, as_amended(order, params.get("origClientOrderId", order.get("clientOrderId")))
    )
