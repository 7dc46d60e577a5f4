"""Writes that concern order lists: what to ask after them, and what the answers mean."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from crypto_ws_sync.errors import CancelRejected
from crypto_ws_sync.exchanges.binance.client_ids import PLACED_IDS
from crypto_ws_sync.exchanges.binance.lookups.fills import ask_fills
from crypto_ws_sync.exchanges.binance.lookups.inquiry import MISSING, Answer, Ask, Steps
from crypto_ws_sync.exchanges.binance.lookups.views import (
    as_cancelled,
    as_placed,
    has_ended,
    may_be_made_by,
    may_be_of,
    refusal,
    response_type,
)
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["ask_cancelled", "list_cancel", "list_placement", "list_status"]


def list_placement(question: Question, is_last: bool) -> Steps:
    """Found with our legs, made since: executed."""
    (order_list,) = yield (("orderList.status", {"origClientOrderId": question.client_order_id}),)
    if order_list is None or order_list["symbol"] != question.params.get("symbol"):
        return MISSING
    ours = {str(question.params.get(name)) for name in PLACED_IDS[question.method][1:]}
    if ours.isdisjoint(str(leg["clientOrderId"]) for leg in order_list["orders"]):
        return MISSING
    legs = yield from _ask_legs(order_list)
    if not legs or not all(may_be_made_by(question, leg) for leg in legs):
        return MISSING
    how = response_type(question)
    reports = []
    for leg in legs:
        fills, prevented = yield from ask_fills(question, leg)
        reports.append(as_placed(leg, how, fills, prevented))
    return Finding(FindingKind.DONE, {**order_list, "orderReports": reports})


def list_cancel(question: Question, is_last: bool) -> Steps:
    """All done and a leg ended since: cancelled. All done otherwise: refused. Still open: not yet."""
    params = question.params
    named = (
        {"orderListId": params["orderListId"]}
        if "orderListId" in params
        else {"origClientOrderId": params.get("listClientOrderId")}
    )
    (order_list,) = yield (("orderList.status", named),)
    if order_list is None or order_list["listOrderStatus"] != "ALL_DONE":
        return MISSING
    legs = yield from _ask_legs(order_list)
    if not any(has_ended(leg) and may_be_of(question, leg.get("updateTime")) for leg in legs):
        return Finding(
            FindingKind.REFUSED, error=refusal(CancelRejected, question, -2011, "Unknown order sent.")
        )
    reports = [as_cancelled(leg) for leg in legs]
    for report in reports:
        # Asked for as a list, its reports name the orders by their own client ids alone.
        report["clientOrderId"] = report.pop("origClientOrderId")
    return Finding(FindingKind.DONE, {**order_list, "orderReports": reports})


def ask_cancelled(
    order: Mapping[str, Any], new_client_order_id: Any = None
) -> Generator[Sequence[Ask], Sequence[Answer], dict[str, Any]]:
    """Ask what is missing of the answer to an order's cancel: of a list's leg it tells the whole list."""
    if order.get("orderListId", -1) == -1:
        return as_cancelled(order, new_client_order_id)
    order_list = yield from list_status(order)
    legs = yield from _ask_legs(order_list)
    return {**order_list, "orderReports": [as_cancelled(leg, new_client_order_id) for leg in legs]}


def list_status(order: Mapping[str, Any]) -> Generator[Sequence[Ask], Sequence[Answer], dict[str, Any]]:
    """Ask for the list that an order belongs to."""
    (order_list,) = yield (("orderList.status", {"orderListId": order["orderListId"]}),)
    return {**order_list}


def _ask_legs(
    order_list: Mapping[str, Any],
) -> Generator[Sequence[Ask], Sequence[Answer], list[dict[str, Any]]]:
    answers = yield [
        ("order.status", {"symbol": leg["symbol"], "orderId": leg["orderId"]}) for leg in order_list["orders"]
    ]
    return [{**leg} for leg in answers]
