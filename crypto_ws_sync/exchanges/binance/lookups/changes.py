"""Cancel-replace and amendments: what to ask after them, and what the answers mean."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from crypto_ws_sync.errors import PartialFailure
from crypto_ws_sync.exchanges.binance.lookups.fills import ask_fills
from crypto_ws_sync.exchanges.binance.lookups.inquiry import MISSING, Answer, Ask, Steps
from crypto_ws_sync.exchanges.binance.lookups.lists import ask_cancelled, list_status
from crypto_ws_sync.exchanges.binance.lookups.orders import UNKNOWN_ORDER, ask_if_ours, by_id, changed_since
from crypto_ws_sync.exchanges.binance.lookups.views import (
    as_amended,
    as_placed,
    has_ended,
    is_equal,
    is_open,
    may_be_of,
    refusal,
    response_type,
)
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["amendment", "replacement"]

_NOT_IN_A_LIST_STATUS = ("listStatusType", "transactionTime")


def replacement(question: Question, is_last: bool) -> Steps:
    """Settle both halves: both done, or one, which is a partial failure, or neither."""
    params = question.params
    new, old = yield (
        ("order.status", {"symbol": params.get("symbol"), "origClientOrderId": question.client_order_id}),
        ("order.status", by_id(params, "cancelOrderId", "cancelOrigClientOrderId")),
    )
    is_placed = yield from ask_if_ours(question, new)
    if is_placed and old is not None and old["orderId"] == new["orderId"]:
        # The new order took over the old one's name, under which only the newer is found.
        old = yield from _ask_namesake(question, new)
    is_cancelled = old is not None and has_ended(old) and may_be_of(question, old.get("updateTime"))
    stops = params.get("cancelReplaceMode") != "ALLOW_FAILURE"
    has_failed = old is not None and not is_open(old) and not is_cancelled
    if not is_placed and not (is_cancelled and is_last):
        return MISSING
    if is_placed and not is_cancelled and not is_last and (stops or not has_failed):
        # An order is placed only after the cancel where that must succeed: its state is yet to be seen.
        return MISSING
    cancelled = (yield from ask_cancelled(old, params.get("cancelNewClientOrderId"))) if is_cancelled else {}
    placed = (yield from _ask_placed(question, new)) if is_placed else {}
    if is_placed and (is_cancelled or stops):
        return Finding(FindingKind.DONE, _both("SUCCESS", "SUCCESS", cancelled, placed))
    if is_placed:
        both = _both("FAILURE", "SUCCESS", {"code": -2011, "msg": UNKNOWN_ORDER}, placed)
    else:
        failure = {"code": -2010, "msg": "The new order does not exist."}
        both = _both("SUCCESS", "FAILURE", cancelled, failure)
    msg = "Order cancel-replace partially failed."
    error = refusal(PartialFailure, question, -2021, msg, status=409, data=both)
    return Finding(FindingKind.REFUSED, error=error)


def _ask_placed(
    question: Question, order: Mapping[str, Any]
) -> Generator[Sequence[Ask], Sequence[Answer], dict[str, Any]]:
    fills, prevented = yield from ask_fills(question, order)
    return as_placed(order, response_type(question), fills, prevented)


def _ask_namesake(
    question: Question, new: Mapping[str, Any]
) -> Generator[Sequence[Ask], Sequence[Answer], dict[str, Any] | None]:
    """Ask for the other order of that name that has changed since."""
    (changed,) = yield (changed_since(question),)
    for order in reversed(changed or ()):
        if order["clientOrderId"] == new["clientOrderId"] and order["orderId"] != new["orderId"]:
            return {**order}
    return None


def _both(
    cancel_result: str, place_result: str, cancelled: Mapping[str, Any], placed: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "cancelResult": cancel_result,
        "newOrderResult": place_result,
        "cancelResponse": cancelled,
        "newOrderResponse": placed,
    }


def amendment(question: Question, is_last: bool) -> Steps:
    """Found by its number, or under the id that it gives the order, and amended so since: done.

    It may have been amended again after that, so its present quantity says nothing.
    """
    params = question.params
    name = params.get("newClientOrderId")
    named = {"orderId": params["orderId"]} if "orderId" in params else {"origClientOrderId": name}
    (order,) = yield (("order.status", {"symbol": params.get("symbol"), **named}),)
    if order is None:
        return MISSING
    (history,) = yield (("order.amendments", {"symbol": order["symbol"], "orderId": order["orderId"]}),)
    for each in reversed(history or ()):
        is_ours = each["newClientOrderId"] == name and is_equal(each["newQty"], params.get("newQty"))
        if is_ours and may_be_of(question, each["time"]):
            break
    else:
        return MISSING
    reply = as_amended({**order, "clientOrderId": name, "origQty": each["newQty"]}, each)
    if order.get("orderListId", -1) != -1:
        order_list = yield from list_status(order)
        for surplus in _NOT_IN_A_LIST_STATUS:
            order_list.pop(surplus, None)
        reply["listStatus"] = order_list
    return Finding(FindingKind.DONE, reply)
