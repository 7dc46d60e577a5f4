"""Writes that concern order lists: what to ask after them, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crypto_ws_sync.errors import CancelRejected
from crypto_ws_sync.exchanges.binance.client_ids import PLACED_IDS
from crypto_ws_sync.exchanges.binance.lookups.views import (
    MISSING,
    as_cancelled,
    as_placed,
    has_ended,
    may_be_of,
    refusal,
)
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["as_cancelled_list", "ask_cancel", "ask_placement", "judge_cancel", "judge_placement", "legs_of"]

_Ask = tuple[str, dict[str, Any]]


def legs_of(order_list: Any) -> Sequence[_Ask]:
    """Return the questions for a list's legs."""
    legs = order_list.get("orders") if isinstance(order_list, dict) else None
    if not isinstance(legs, list):
        return ()
    return [("order.status", {"symbol": leg.get("symbol"), "orderId": leg.get("orderId")}) for leg in legs]


def ask_placement(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask for the list, then for its legs."""
    if not answers:
        return (("orderList.status", {"origClientOrderId": question.client_order_id}),)
    return legs_of(answers[0]) if len(answers) == 1 else ()


def judge_placement(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """Found with our legs, made since: executed."""
    order_list, legs = answers[0], [leg for leg in answers[1:] if isinstance(leg, dict)]
    if not isinstance(order_list, dict) or order_list.get("symbol") != question.params.get("symbol"):
        return MISSING
    ours = {str(question.params.get(name)) for name in PLACED_IDS[question.method][1:]}
    if not legs or not ours <= {str(leg.get("clientOrderId")) for leg in order_list.get("orders", ())}:
        return MISSING
    if not all(may_be_of(question, leg.get("time")) for leg in legs):
        return MISSING
    return Finding(FindingKind.DONE, {**order_list, "orderReports": [as_placed(leg) for leg in legs]})


def ask_cancel(question: Question, answers: Sequence[Any]) -> Sequence[_Ask]:
    """Ask for the list, then for its legs."""
    if not answers:
        params = question.params
        if "orderListId" in params:
            return (("orderList.status", {"orderListId": params["orderListId"]}),)
        return (("orderList.status", {"origClientOrderId": params.get("listClientOrderId")}),)
    return legs_of(answers[0]) if len(answers) == 1 else ()


def judge_cancel(question: Question, answers: Sequence[Any], is_last: bool) -> Finding:
    """All done and a leg ended since: cancelled. All done otherwise: refused. Still open: not yet."""
    order_list, legs = answers[0], [leg for leg in answers[1:] if isinstance(leg, dict)]
    if not isinstance(order_list, dict) or order_list.get("listOrderStatus") != "ALL_DONE":
        return MISSING
    if any(has_ended(leg) and may_be_of(question, leg.get("updateTime")) for leg in legs):
        return Finding(FindingKind.DONE, as_cancelled_list(order_list, legs))
    return Finding(FindingKind.REFUSED, error=refusal(CancelRejected, question, -2011, "Unknown order sent."))


def as_cancelled_list(order_list: Mapping[str, Any], legs: Sequence[Any]) -> dict[str, Any]:
    """Return a list in the shape of the answer to its cancel."""
    return {**order_list, "orderReports": [as_cancelled(leg) for leg in legs if isinstance(leg, dict)]}
